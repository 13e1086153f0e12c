"""BMP, Windows' bitmap.

Palettes are expanded to what they show, as in PNG and GIF.
"""

from pathlib import Path
from typing import Any

import imagecodecs
from numpy.typing import NDArray

from pyomero_upload.readers.header import BadImageError, Header
from pyomero_upload.readers.samples import drop_opaque_alpha, is_grey


def header(path: Path) -> Header:
    """Decode the file: there are too many sorts of BMP to foretell what comes out, and decoding one is a mere copy."""
    page = decode(path, {0})[0]
    samples = 1 if page.ndim == 2 else 3
    return Header("BMP", page.dtype.name, page.shape[0], page.shape[1], samples)


def decode(path: Path, pages: set[int]) -> dict[int, NDArray[Any]]:
    """Decode the one image."""
    if pages != {0}:
        raise BadImageError("it holds a single image, not several")
    data = path.read_bytes()
    declared = int.from_bytes(data[2:6], "little")
    if len(data) < max(declared, 54):
        raise BadImageError(f"it is cut off: {len(data)} of {declared} bytes are there")
    bits = int.from_bytes(data[28:30], "little")
    page = drop_opaque_alpha(imagecodecs.bmp_decode(data))
    if bits <= 8 and page.ndim == 3 and is_grey(page):
        page = page[..., 0]
    return {0: page}
