"""PNG, as its specification (https://www.w3.org/TR/png-3/) has it.

Bits of 1, 2 and 4 are scaled to 8, as the specification says they are to be shown; 8 and 16 are kept. Palettes are
expanded to what they show: a palette of greys gives a grey plane, another one gives red, green and blue.
"""

import io
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import imagecodecs
from numpy.typing import NDArray

from pyomero_upload.readers.header import BadImageError, Header, check, check_holds
from pyomero_upload.readers.png_inflated import inflated
from pyomero_upload.readers.samples import drop_opaque_alpha, is_grey

_SIGNATURE_BYTES: Final = 8
_END: Final = b"\0\0\0\0IEND\xaeB`\x82"
_PALETTE: Final = 3
_SAMPLES: Final = {0: 1, 2: 3, _PALETTE: 3, 4: 1, 6: 3}
# Deflate makes at best 1 byte of 1032 (https://zlib.net/zlib_tech.html), and a byte may be 8 pixels of 3 colours.
_MOST_RATIO: Final = 1032 * 8 * 3


def header(file: BinaryIO) -> Header:
    """Read the header, and the whole structure of a file that does not end as it should."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(size - len(_END), 0))
    return _inspect(file, size, thorough=file.read() != _END)


def decode(file: BinaryIO, pages: set[int]) -> tuple[int, dict[int, NDArray[Any]]]:
    """Decode the one image; the decoder finds wrong checksums."""
    if pages != {0}:
        raise BadImageError("it holds a single image, not several")
    data = file.read()
    declared = _inspect(io.BytesIO(data), len(data), thorough=True)
    page = drop_opaque_alpha(imagecodecs.png_decode(inflated(data)))
    if declared.samples == 1 and page.ndim == 3 and is_grey(page):
        page = page[..., 0]
    return 1, {0: page}


def _inspect(file: BinaryIO, size: int, *, thorough: bool) -> Header:
    """Read the chunks before the pixels, or all of them, without their content."""
    found: Header | None = None
    color = -1
    for kind, length in _chunks(file, size):
        if kind == b"IHDR" and length == 13:
            content = file.read(10)
            if len(content) < 10:
                raise BadImageError(f"it is cut off after {size} bytes")
            width, height, bits, color = struct.unpack(">IIBB", content)
            if color not in _SAMPLES or bits not in {1, 2, 4, 8, 16}:
                raise BadImageError(f"its header is damaged (colour type {color} of {bits} bits)")
            dtype = "uint16" if bits == 16 else "uint8"
            found = Header("PNG", dtype, height, width, _SAMPLES[color])
        elif found is None:
            raise BadImageError("its header is damaged")
        elif kind == b"PLTE" and color == _PALETTE:
            palette = file.read(length)
            if palette[0::3] == palette[1::3] == palette[2::3]:
                found = Header("PNG", "uint8", found.height, found.width)
        elif kind == b"acTL":
            raise BadImageError("it is animated", "Save each of its images as a file of its own.")
        elif kind == b"IDAT" and not thorough:
            break
    assert found is not None
    check_holds(check(found), size, _MOST_RATIO)
    return found


def _chunks(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Iterate over kind and length of all chunks; the file stands at a chunk's content when it is yielded."""
    place = _SIGNATURE_BYTES
    kind = b""
    while kind != b"IEND":
        file.seek(place)
        start = file.read(8)
        if len(start) < 8:
            raise BadImageError(f"it is cut off after {size} bytes")
        length, kind = struct.unpack(">I4s", start)
        yield kind, length
        place += 12 + length
        if place > size:
            raise BadImageError(f"it is cut off after {size} bytes")
    file.seek(place)
    if file.read().strip(b"\0"):
        raise BadImageError(
            f"{size - place} bytes follow the end of the image",
            "Perhaps two files were joined. If not, save the image anew.",
        )
