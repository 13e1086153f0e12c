"""The plainest TIFF: one directory, and grey values that stand in the file as they are, one after the other.

Many microscopes write a file like this for each plane, and a general reader needs longer to understand it than to read it. Only
what is certainly such a file is read here: every tag must be of those that are known to change nothing else, every
value as expected, every byte in its place. Whatever else a file is, also damaged, is left to `tiff`, and so are all
complaints.
"""

import json
import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_ORDERS: Final = {b"II*\0": "<", b"MM\0*": ">"}
# Tags by number (TIFF 6.0, sections 8, 9, 14 and 19).
_WIDTH: Final = 256
_HEIGHT: Final = 257
_BITS: Final = 258
_COMPRESSION: Final = 259
_PHOTOMETRIC: Final = 262
_FILL_ORDER: Final = 266
_DESCRIPTION: Final = 270
_STRIP_OFFSETS: Final = 273
_SAMPLES: Final = 277
_ROWS_PER_STRIP: Final = 278
_STRIP_BYTE_COUNTS: Final = 279
_PLANAR: Final = 284
_PREDICTOR: Final = 317
_SAMPLE_FORMAT: Final = 339
# A single number each.
_NUMBERS: Final = frozenset(
    {
        _WIDTH,
        _HEIGHT,
        _BITS,
        _COMPRESSION,
        _PHOTOMETRIC,
        _FILL_ORDER,
        _SAMPLES,
        _ROWS_PER_STRIP,
        _PLANAR,
        _PREDICTOR,
        _SAMPLE_FORMAT,
    }
)
_MUST_BE_ONE: Final = (_COMPRESSION, _FILL_ORDER, _SAMPLES, _PLANAR, _PREDICTOR)
# Names, dates, resolutions and the like: nothing that changes where or what the values are.
_SAID: Final = frozenset(
    {269, 271, 272, 274, 280, 281, 282, 283, 285, 286, 287, 296, 297, 305, 306, 315, 316}
)
_KNOWN: Final = _NUMBERS | _SAID | {_DESCRIPTION, _STRIP_OFFSETS, _STRIP_BYTE_COUNTS}
# By SampleFormat and BitsPerSample.
_TYPES: Final = {
    **{(1, bits): f"u{bits // 8}" for bits in (8, 16, 32)},
    **{(2, bits): f"i{bits // 8}" for bits in (8, 16, 32)},
    **{(3, bits): f"f{bits // 8}" for bits in (32, 64)},
}
_ASCII: Final = 2
_INTEGERS: Final = {3: "H", 4: "I"}
_MOST_TAGS: Final = 64
_MOST_TEXT: Final = 1 << 16


class _NotPlainError(Exception):
    """The file is another sort of TIFF, or damaged."""


def decode_plain(data: bytes) -> NDArray[Any] | None:
    """Return the pixels of a file that is certainly of the plainest sort.

    Parameters
    ----------
    data
        The whole of a TIFF file.

    Returns
    -------
    ndarray or None
        Axes y, x; the stored type in native byte order; read-only where they are the file's own bytes. None for every
        other file.

    """
    try:
        return _decode(data)
    except (_NotPlainError, struct.error, KeyError):
        return None


def _decode(data: bytes) -> NDArray[Any]:
    order = _ORDERS[data[:4]]
    (directory,) = struct.unpack_from(order + "I", data, 4)
    tags = _Directory(data, order, directory)
    height, width = tags.number(_HEIGHT), tags.number(_WIDTH)
    if tags.number(_PHOTOMETRIC) > 1 or any(tags.number(tag, 1) != 1 for tag in _MUST_BE_ONE):
        raise _NotPlainError
    bits = tags.number(_BITS)
    # Some programs leave the format out and mean floating-point numbers.
    dtype = np.dtype(order + _TYPES[tags.number(_SAMPLE_FORMAT, 1 if bits < 32 else None), bits])
    _check_description(tags.text(_DESCRIPTION), height, width)
    place = _place(tags, height, width * dtype.itemsize)
    if place + height * width * dtype.itemsize > len(data):
        raise _NotPlainError
    stored = np.frombuffer(data, dtype, height * width, place).reshape(height, width)
    return (
        stored
        if dtype.isnative and stored.flags.aligned
        else stored.astype(dtype.newbyteorder("="))
    )


class _Directory:
    """The one directory of a file, all of whose tags are known."""

    def __init__(self, data: bytes, order: str, place: int) -> None:
        self._data = data
        self._order = order
        (count,) = struct.unpack_from(order + "H", data, place)
        if not 0 < count <= _MOST_TAGS:
            raise _NotPlainError
        *values, following = struct.unpack_from(order + "HHI4s" * count + "I", data, place + 2)
        self._entries: dict[int, tuple[int, int, bytes]] = {
            tag: (kind, number, value)
            for tag, kind, number, value in zip(*(values[i::4] for i in range(4)), strict=True)
        }
        if following or len(self._entries) != count or not _KNOWN.issuperset(self._entries):
            raise _NotPlainError

    def number(self, tag: int, default: int | None = None) -> int:
        """Return the value of a tag that has a single one."""
        if default is not None and tag not in self._entries:
            return default
        values = self.numbers(tag)
        if len(values) != 1:
            raise _NotPlainError
        return values[0]

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Return the values of a tag."""
        kind, count, value = self._entries[tag]
        code = _INTEGERS[kind]
        size = struct.calcsize(code) * count
        data = value[:size] if size <= len(value) else self._elsewhere(value, size)
        return struct.unpack(f"{self._order}{count}{code}", data)

    def text(self, tag: int) -> bytes:
        """Return what a tag says; nothing where it is not there."""
        if tag not in self._entries:
            return b""
        kind, count, value = self._entries[tag]
        if kind != _ASCII:
            raise _NotPlainError
        return value[:count] if count <= len(value) else self._elsewhere(value, count)

    def _elsewhere(self, place: bytes, size: int) -> bytes:
        if size > _MOST_TEXT:
            raise _NotPlainError
        (start,) = struct.unpack(self._order + "I", place)
        return self._data[start : start + size]


def _check_description(text: bytes, height: int, width: int) -> None:
    """Refuse what may be a stack behind one directory, as ImageJ and tifffile write it."""
    if b"ImageJ" in text:
        raise _NotPlainError
    if b"shape" in text:
        try:
            shape = json.loads(text.rstrip(b"\0"))["shape"]
        except (ValueError, LookupError, TypeError, RecursionError):
            raise _NotPlainError from None
        if shape != [height, width]:
            raise _NotPlainError


def _place(tags: _Directory, height: int, row_bytes: int) -> int:
    """Return where the first row begins; all others follow it."""
    offsets, counts = tags.numbers(_STRIP_OFFSETS), tags.numbers(_STRIP_BYTE_COUNTS)
    rows = min(tags.number(_ROWS_PER_STRIP, height), height)
    if not (height and rows and row_bytes) or len(offsets) != -(-height // rows):
        raise _NotPlainError
    first, strip = offsets[0], rows * row_bytes
    last = height * row_bytes - (len(offsets) - 1) * strip
    if (
        not first
        or offsets != tuple(first + number * strip for number in range(len(offsets)))
        or counts != (*[strip] * (len(offsets) - 1), last)
    ):
        raise _NotPlainError
    return first
