"""BMP, Windows' bitmap.

Palettes are expanded to what they show, as in PNG and GIF.
"""

import io
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pyomero_upload.readers.header import BadImageError, Header
from pyomero_upload.readers.samples import drop_opaque_alpha, is_grey


def header(file: BinaryIO) -> Header:
    """Decode the file: there are too many sorts of BMP to foretell what comes out, and decoding one is a mere copy."""
    page = decode(file, {0})[1][0]
    samples = 1 if page.ndim == 2 else 3
    return Header("BMP", page.dtype.name, page.shape[0], page.shape[1], samples)


def decode(file: BinaryIO, pages: set[int]) -> tuple[int, dict[int, NDArray[Any]]]:
    """Decode the one image; with Pillow, because imagecodecs before 2026 knows fewer sorts."""
    if pages != {0}:
        raise BadImageError("it holds a single image, not several")
    data = file.read()
    declared = int.from_bytes(data[2:6], "little")
    if len(data) < max(declared, 54):
        raise BadImageError(f"it is cut off: {len(data)} of {declared} bytes are there")
    with Image.open(io.BytesIO(data), formats=["BMP"]) as image:
        has_palette = image.mode in {"1", "P"}
        shown = image.convert("RGB") if has_palette else image
        page = drop_opaque_alpha(np.asarray(shown))
    if has_palette and is_grey(page):
        page = page[..., 0]
    return 1, {0: page}
