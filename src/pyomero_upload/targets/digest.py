"""Digests of planes and files: one rule for all of them, XXH3 with 128 bits, written as 32 hexadecimal digits.

Stands beside `target`; used wherever pixels are read, written or read back. The digest of a plane is that of its pixels
alone, row by row, each little-endian and of its own dtype, so it does not depend on the machine or the file format. It
guards against accidents, not against an attacker. Size and dtype are not part of it: the manifest states them.
"""

import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import xxhash

from pyomero_upload.targets.target import FileDigest, Pixels

READ_BYTES = 1 << 20


def plane_digest(pixels: Pixels) -> str:
    """Return the digest of one plane.

    Parameters
    ----------
    pixels
        Axes y, x; any numeric dtype and memory layout.

    """
    if sys.byteorder == "big" or pixels.dtype.byteorder == ">":
        pixels = pixels.astype(pixels.dtype.newbyteorder("<"))
    contiguous = np.ascontiguousarray(pixels)
    return xxhash.xxh3_128_hexdigest(contiguous.reshape(-1).view(np.uint8).data)


@lru_cache(maxsize=64)
def zeros_digest(height: int, width: int, dtype: str) -> str:
    """Return the digest of a plane that holds nothing."""
    return plane_digest(np.zeros((height, width), dtype))


def file_digest(path: Path, name: str) -> FileDigest:
    """Read a file and return its size and digest under `name`."""
    hasher = xxhash.xxh3_128()
    size = 0
    buffer = bytearray(READ_BYTES)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            hasher.update(view[:count])
            size += count
    return FileDigest(name, size, hasher.hexdigest())


class PartsDigest:
    """The size and digest under `name` of a file whose parts are on their way into it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._hasher = xxhash.xxh3_128()
        self._size = 0

    def over(self, parts: Iterable[bytes]) -> Iterator[bytes]:
        """Hand the parts on, and take them in."""
        for part in parts:
            self._hasher.update(part)
            self._size += len(part)
            yield part

    def result(self) -> FileDigest:
        """Return the digest of all parts so far."""
        return FileDigest(self._name, self._size, self._hasher.hexdigest())


def bytes_digest(content: bytes, name: str) -> FileDigest:
    """Return the size and digest under `name` of a file that holds `content`."""
    return FileDigest(name, len(content), xxhash.xxh3_128_hexdigest(content))
