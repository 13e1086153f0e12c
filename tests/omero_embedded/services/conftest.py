"""Objects to ask for."""

from omero_bench import bench, bench_of

__all__ = ["bench", "bench_of"]
