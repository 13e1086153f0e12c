"""Digests of planes and files: one rule for all of them, XXH3 with 128 bits, written as 32 hexadecimal digits.

Stands beside `target`; used wherever pixels are read, written or read back. The digest of a plane is that of its pixels
alone, row by row, each little-endian and of its own dtype, so it does not depend on the machine or the file format. It
guards against accidents, not against an attacker. Size and dtype are not part of it: the manifest states them.
"""

import sys
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


def bytes_digest(content: bytes, name: str) -> FileDigest:
    """Return the size and digest under `name` of a file that holds `content`."""
    return FileDigest(name, len(content), xxhash.xxh3_128_hexdigest(content))
