"""What a header says, and which images are taken at all."""

import math
from dataclasses import dataclass
from typing import Final

# What OMERO, OME-TIFF and OME-Zarr all can hold without a change of values.
PIXEL_TYPES: Final = frozenset(
    {"uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"}
)
# A plane of a microscope is far smaller; a header that declares more is damaged, or a trap.
MOST_PLANE_BYTES: Final = 2 << 30
_BYTES_PER_SAMPLE: Final = {"8": 1, "16": 2, "32": 4, "64": 8}


class BadImageError(Exception):
    """A file cannot be read; the message is the reason, without the file's name.

    Parameters
    ----------
    reason
        What is the matter.
    hint
        What to do.

    """

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Header:
    """What a file's header says about its pixels.

    Attributes
    ----------
    format
        `PNG`, `TIFF`, `JPEG`, `GIF` or `BMP`.
    dtype
        NumPy's name of the pixel type that will be read.
    height, width
        In pixels.
    samples
        1 for grey, 3 for red, green and blue.
    pages
        How many images the file holds.
    pixel_size_um
        Width of a pixel in micrometres, where the file says it in a way that only microscopes use.

    """

    format: str
    dtype: str
    height: int
    width: int
    samples: int = 1
    pages: int = 1
    pixel_size_um: float | None = None

    @property
    def page_bytes(self) -> int:
        """Size of one decoded page."""
        bits = self.dtype.lstrip("abcdefghijklmnopqrstuvwxyz")
        return self.height * self.width * self.samples * _BYTES_PER_SAMPLE.get(bits, 8)


def check(header: Header) -> Header:
    """Return the header if such an image can be read, else raise `BadImageError`."""
    if header.dtype not in PIXEL_TYPES:
        raise BadImageError(
            f"its pixels are of type {header.dtype}, which OME formats do not know",
            "Convert it to integers of up to 32 bits or to floating-point numbers of 32 or 64 bits.",
        )
    if min(header.height, header.width, header.pages) < 1:
        raise BadImageError("it has no pixels")
    if header.samples not in {1, 3}:
        raise BadImageError(
            f"it has {header.samples} values for each pixel, not 1 (grey) or 3 (red, green, blue)",
            "Save each channel as a file of its own.",
        )
    if header.page_bytes > MOST_PLANE_BYTES:
        gigabytes = math.ceil(header.page_bytes / 1e9)
        raise BadImageError(
            f"it declares {header.width} × {header.height} pixels, which is {gigabytes} GB; the header is damaged"
        )
    return header


def check_holds(header: Header, file_bytes: int, most_ratio: int) -> None:
    """Refuse a file that is too small for what it declares.

    Parameters
    ----------
    header
        What it declares.
    file_bytes
        How large it is.
    most_ratio
        How many times smaller than its pixels the format can make a file.

    """
    if header.page_bytes * header.pages > most_ratio * file_bytes:
        raise BadImageError(
            f"it is cut off: {file_bytes} bytes cannot hold {header.width} × {header.height} pixels"
        )
