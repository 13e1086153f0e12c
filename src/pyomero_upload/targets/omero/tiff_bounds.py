"""Whether all that a TIFF speaks of lies within the file: asked before an import, for a server does not ask.

Stands below `original_files`. Bio-Formats takes a TIFF that is cut off for a whole one and reads zeros, or fewer pages,
where the rest should be. Here every directory is walked (classic and BigTIFF, sub-resolutions too, see
https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf and https://www.awaresystems.be/imaging/tiff/bigtiff.html),
without decoding a pixel.
"""

import os
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from pyomero_upload.readers.header import BadImageError

# Bytes of a value by its type.
_WIDTHS: Final = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8,
}  # fmt: skip
_NUMBERS: Final = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
# Makers' own tags have rules of their own about where their values are.
_FIRST_PRIVATE: Final = 32768

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _DESCRIPTION = 256, 257, 258, 259, 270
_STRIP_OFFSETS, _SAMPLES, _STRIP_COUNTS = 273, 277, 279
_TILE_OFFSETS, _TILE_COUNTS, _SUB_DIRECTORIES = 324, 325, 330
_OLD_JPEG, _METAMORPH_PLANES = 513, 33629
_WANTED: Final = frozenset(
    {
        _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _DESCRIPTION, _STRIP_OFFSETS, _SAMPLES, _STRIP_COUNTS,
        _TILE_OFFSETS, _TILE_COUNTS, _SUB_DIRECTORIES, _OLD_JPEG,
    }
)  # fmt: skip
_UNCOMPRESSED: Final = 1


class _Tiff(NamedTuple):
    """An open file: its size, byte order, and whether it is a BigTIFF."""

    file: BinaryIO
    size: int
    order: str
    big: bool

    def at(self, offset: int, length: int) -> bytes:
        """Return bytes, which must be there."""
        self.need(offset, length)
        self.file.seek(offset)
        return self.file.read(length)

    def need(self, offset: int, length: int) -> None:
        if offset + length > self.size:
            raise BadImageError(
                f"it is cut off: {self.size} of at least {offset + length} bytes are there"
            )

    def numbers(self, code: str, data: bytes) -> tuple[int, ...]:
        return struct.unpack(f"{self.order}{len(data) // struct.calcsize(code)}{code}", data)


Tags = Mapping[int, "tuple[int, ...] | bytes"]
"""Of one directory: numbers, or text, by the tag's number; for a maker's tag how many values it has."""


def check_bounds(path: Path) -> None:
    """Refuse a TIFF of which a part is missing.

    Parameters
    ----------
    path
        A TIFF or BigTIFF.

    Raises
    ------
    BadImageError
        If a directory, a value, a strip or a tile lies beyond the end of the file, or was never written.
    OSError
        If the file cannot be read.

    """
    with path.open("rb") as file:
        tiff, first = _opened(file)
        pending, seen = [first], set[int]()
        tags: Tags = {}
        while pending:
            offset = pending.pop()
            if offset in seen:
                raise BadImageError("it is damaged: its pages follow one another in a circle")
            seen.add(offset)
            tags, following = _directory(tiff, offset)
            _check_pixels(tiff, tags)
            pending += [*_numbers(tags, _SUB_DIRECTORIES), *([following] if following else [])]
        if len(seen) == 1:
            _check_stack(tiff, tags)


def _opened(file: BinaryIO) -> tuple[_Tiff, int]:
    """Return the file and where its first directory is."""
    start = file.read(16)
    order = "<" if start[:2] == b"II" else ">"
    size = os.fstat(file.fileno()).st_size
    if len(start) < 8:
        raise BadImageError(f"it is cut off after {size} bytes")
    big = struct.unpack(f"{order}H", start[2:4])[0] == 43
    tiff = _Tiff(file, size, order, big)
    first = tiff.numbers("Q", tiff.at(8, 8))[0] if big else tiff.numbers("I", start[4:8])[0]
    if not first:
        raise BadImageError("its pixels were never written")
    return tiff, first


def _directory(tiff: _Tiff, offset: int) -> tuple[Tags, int]:
    """Return what a directory says, and where the next one is (0: there is none)."""
    count_code, pointer, width = ("Q", "Q", 20) if tiff.big else ("H", "I", 12)
    count_bytes, pointer_bytes = struct.calcsize(count_code), struct.calcsize(pointer)
    count = tiff.numbers(count_code, tiff.at(offset, count_bytes))[0]
    entries = tiff.at(offset + count_bytes, count * width + pointer_bytes)
    tags: dict[int, tuple[int, ...] | bytes] = {}
    for place in range(0, count * width, width):
        tag, kind = struct.unpack_from(f"{tiff.order}HH", entries, place)
        (amount,) = struct.unpack_from(f"{tiff.order}{pointer}", entries, place + 4)
        value = entries[place + width - pointer_bytes : place + width]
        if tag >= _FIRST_PRIVATE:
            tags[tag] = (amount,)
            continue
        length = amount * _WIDTHS.get(kind, 0)
        if length > pointer_bytes:
            (where,) = tiff.numbers(pointer, value)
            tiff.need(where, length)
            value = tiff.at(where, length) if tag in _WANTED else b""
        if tag in _WANTED:
            code = _NUMBERS.get(kind)
            tags[tag] = tiff.numbers(code, value[:length]) if code and kind != 2 else value[:length]
    return tags, tiff.numbers(pointer, entries[-pointer_bytes:])[0]


def _numbers(tags: Tags, tag: int) -> tuple[int, ...]:
    found = tags.get(tag, ())
    return found if isinstance(found, tuple) else ()


def _chunks(tags: Tags) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return where a page's strips or tiles are, and how long each is."""
    offsets = _numbers(tags, _TILE_OFFSETS) or _numbers(tags, _STRIP_OFFSETS)
    counts = _numbers(tags, _TILE_COUNTS) or _numbers(tags, _STRIP_COUNTS)
    return offsets, counts


def _page_bytes(tags: Tags) -> int:
    """Return how many bytes an uncompressed page has at least; 0 for a compressed one."""
    if (_numbers(tags, _COMPRESSION) or (_UNCOMPRESSED,))[0] != _UNCOMPRESSED:
        return 0
    width, height = _numbers(tags, _WIDTH) or (0,), _numbers(tags, _HEIGHT) or (0,)
    bits = min(_numbers(tags, _BITS) or (1,))
    samples = (_numbers(tags, _SAMPLES) or (1,))[0]
    return width[0] * bits * samples // 8 * height[0]


def _check_pixels(tiff: _Tiff, tags: Tags) -> None:
    offsets, counts = _chunks(tags)
    if not offsets and (_OLD_JPEG in tags or _WIDTH not in tags):
        return
    if not offsets or 0 in offsets or 0 in counts:
        raise BadImageError("its pixels were never written, or only a part of them")
    if counts and len(counts) != len(offsets):
        raise BadImageError("it is damaged: a part of its pixels stands nowhere")
    lengths = counts or (_page_bytes(tags),)
    for offset, length in zip(offsets, lengths, strict=False):
        tiff.need(offset, length)
    if sum(lengths) < _page_bytes(tags):
        raise BadImageError("it is damaged: it has fewer bytes than pixels")


def _check_stack(tiff: _Tiff, tags: Tags) -> None:
    """Check the pages that ImageJ and MetaMorph put behind the only directory without saying where."""
    pages = (_numbers(tags, _METAMORPH_PLANES) or (1,))[0]
    description = tags.get(_DESCRIPTION, b"")
    if isinstance(description, bytes) and description.startswith(b"ImageJ="):
        said = re.search(rb"\nimages=(\d+)", description)
        pages = int(said[1]) if said else 1
    offsets, _ = _chunks(tags)
    if pages > 1 and offsets and (page_bytes := _page_bytes(tags)):
        tiff.need(offsets[0], pages * page_bytes)
