"""Checksums of files, by the names of the enumeration ChecksumAlgorithm.

The two Murmur3 algorithms of the enumeration are not offered: nothing in Python's library or ours
computes them, and clients take what `suggest` gives.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

_BLOCK = 1 << 20

# In the order in which the real server prefers them.
OFFERED = ("SHA1-160", "MD5-128", "Adler-32", "CRC-32", "File-Size-64")


def checksum(path: Path, algorithm: str) -> str:
    """Return a file's checksum in lower-case hexadecimal.

    Parameters
    ----------
    path
        The file.
    algorithm
        One of `OFFERED`.

    Raises
    ------
    KeyError
        If the algorithm is not offered.
    """
    with path.open("rb") as file:
        return _ALGORITHMS[algorithm](iter(lambda: file.read(_BLOCK), b""))


def suggest(supported: Sequence[str]) -> str | None:
    """Return the preferred algorithm among those a client supports, or None."""
    return next((name for name in OFFERED if name in supported), None)


def _sha1(blocks: Iterable[bytes]) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()


def _md5(blocks: Iterable[bytes]) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()


def _adler32(blocks: Iterable[bytes]) -> str:
    value = 1
    for block in blocks:
        value = zlib.adler32(block, value)
    return f"{value:08x}"


def _crc32(blocks: Iterable[bytes]) -> str:
    value = 0
    for block in blocks:
        value = zlib.crc32(block, value)
    return f"{value:08x}"


def _size(blocks: Iterable[bytes]) -> str:
    return f"{sum(len(block) for block in blocks):016x}"


_ALGORITHMS: dict[str, Callable[[Iterable[bytes]], str]] = {
    "SHA1-160": _sha1,
    "MD5-128": _md5,
    "Adler-32": _adler32,
    "CRC-32": _crc32,
    "File-Size-64": _size,
}
