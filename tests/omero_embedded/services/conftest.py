"""The services' tests make their objects as the commands' tests do."""

from ..commands.conftest import bench, bench_of

__all__ = ["bench", "bench_of"]
