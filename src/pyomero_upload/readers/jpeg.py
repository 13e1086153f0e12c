"""JPEG of 8 bits, grey or in colours, as ITU-T T.81 has it.

A JPEG has no checksums: damage in the middle that leaves its structure whole cannot be noticed.
"""

import io
import struct
from typing import Any, BinaryIO, Final

import imagecodecs
from numpy.typing import NDArray

from pyomero_upload.readers.header import BadImageError, Header, check, check_holds

_END: Final = b"\xff\xd9"
# Markers of a frame's header: SOF0 to SOF15, without DHT, JPG and DAC, which have numbers among them.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Only baseline, extended and progressive frames are decoded.
_DECODED: Final = frozenset({0xC0, 0xC1, 0xC2})
# A block of 64 pixels takes at least a quarter of a bit for each of its three colours, after Huffman coding by runs.
_MOST_RATIO: Final = 64 * 32
_TAIL_BYTES: Final = 4096


def header(file: BinaryIO) -> Header:
    """Read the frame's header, and whether the image has an end."""
    size = file.seek(0, io.SEEK_END)
    found = _frame(file, size)
    file.seek(max(size - _TAIL_BYTES, 0))
    _check_end(file.read())
    return found


def decode(file: BinaryIO, pages: set[int]) -> tuple[int, dict[int, NDArray[Any]]]:
    """Decode the one image; colours come as red, green, blue."""
    if pages != {0}:
        raise BadImageError("it holds a single image, not several")
    # The decoder fills what is missing with grey and says nothing, so the end is looked for first.
    header(file)
    file.seek(0)
    page: NDArray[Any] = imagecodecs.jpeg8_decode(file.read())
    return 1, {0: page}


def _check_end(tail: bytes) -> None:
    if not tail.rstrip(b"\0").endswith(_END):
        raise BadImageError("it is cut off, or something follows its end")


def _frame(file: BinaryIO, size: int) -> Header:
    place = 2
    while True:
        file.seek(place)
        start = file.read(4)
        if len(start) < 4:
            raise BadImageError(f"it is cut off after {size} bytes")
        mark, kind, length = struct.unpack(">BBH", start)
        if mark != 0xFF:
            raise BadImageError("its header is damaged")
        if kind == 0xFF:  # a fill byte before a marker
            place += 1
            continue
        if kind in _FRAMES:
            break
        place += 2 + length
    content = file.read(6)
    if len(content) < 6:
        raise BadImageError(f"it is cut off after {size} bytes")
    bits, height, width, components = struct.unpack(">BHHB", content)
    if kind not in _DECODED or bits != 8:
        raise BadImageError(
            f"it is a JPEG of a rare sort ({bits} bits, process {kind - 0xC0})", "Save it as TIFF."
        )
    found = check(Header("JPEG", "uint8", height, width, components))
    check_holds(found, size, _MOST_RATIO)
    return found
