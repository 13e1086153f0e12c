"""GIF, still or animated; each frame is a page.

Its palette is expanded to what it shows: greys throughout give grey planes, anything else gives red, green and blue.
"""

from typing import Any, BinaryIO, Final

import imagecodecs
from numpy.typing import NDArray

from pyomero_upload.readers.header import BadImageError, Header, check, check_holds
from pyomero_upload.readers.samples import drop_opaque_alpha, is_grey

# LZW of 12-bit codes makes at best 1 code of 3839 pixels; each pixel becomes three bytes.
_MOST_RATIO: Final = 3839 * 3


def header(file: BinaryIO) -> Header:
    """Decode the file: whether it is grey stands nowhere else. GIFs are small."""
    return _read(file)[0]


def decode(file: BinaryIO, pages: set[int]) -> tuple[int, dict[int, NDArray[Any]]]:
    """Decode some frames."""
    found, frames = _read(file)
    if max(pages) >= found.pages:
        raise BadImageError(f"it has {found.pages} pages, not {max(pages) + 1}")
    return found.pages, {page: frames[page] for page in pages}


def _read(file: BinaryIO) -> tuple[Header, list[NDArray[Any]]]:
    data = file.read()
    width = int.from_bytes(data[6:8], "little")
    height = int.from_bytes(data[8:10], "little")
    check_holds(check(Header("GIF", "uint8", height, width)), len(data), _MOST_RATIO)
    if not data.rstrip(b"\0").endswith(b";"):
        raise BadImageError("it is cut off, or something follows its end")
    decoded: NDArray[Any] = imagecodecs.gif_decode(data)
    stack = decoded if decoded.ndim == 4 else decoded[None]
    frames = [drop_opaque_alpha(frame) for frame in stack]
    if all(is_grey(frame) for frame in frames):
        frames = [frame if frame.ndim == 2 else frame[..., 0] for frame in frames]
    samples = 1 if frames[0].ndim == 2 else 3
    return Header("GIF", "uint8", height, width, samples, len(frames)), frames
