"""What an image file says: the nouns between `readers` and `importing`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[Any]
Quantity = tuple[float, str]


class UnreadableImageError(ValueError):
    """A file that no image can be read from; the message says why and what is read."""


@dataclass(frozen=True, slots=True)
class ChannelFound:
    """A channel: name, colour (red, green, blue, alpha), wavelengths with their unit."""

    name: str | None = None
    colour: tuple[int, int, int, int] | None = None
    emission: Quantity | None = None
    excitation: Quantity | None = None


@dataclass(frozen=True, slots=True)
class PlaneFound:
    """What is known of the plane z, c, t: time since the start, exposure, stage position."""

    z: int
    c: int
    t: int
    delta_t: Quantity | None = None
    exposure: Quantity | None = None
    x: Quantity | None = None
    y: Quantity | None = None
    stage_z: Quantity | None = None


@dataclass(frozen=True)
class SmallerFound:
    """A smaller resolution of an image: `plane` gives plane z, c, t, shape y, x."""

    width: int
    height: int
    plane: Callable[[int, int, int], Plane]


@dataclass(frozen=True)
class ImageFound:
    """One image in a file.

    Parameters
    ----------
    name
        Its own name, or None.
    sizes
        Along x, y, z, c, t.
    type_name
        Value of PixelsType.
    dtype
        The type of values as they lie in the file, with its byte order.
    plane
        Gives plane z, c, t, shape y, x.
    format_name
        Value of Format, or None where OMERO has none.
    smaller
        The resolutions that the file holds beside the full one, largest first.
    """

    name: str | None
    sizes: tuple[int, int, int, int, int]
    type_name: str
    dtype: np.dtype[Any]
    plane: Callable[[int, int, int], Plane]
    format_name: str | None
    description: str | None = None
    significant_bits: int | None = None
    physical_sizes: tuple[Quantity | None, Quantity | None, Quantity | None] = (None, None, None)
    time_increment: Quantity | None = None
    acquired: int | None = None
    channels: tuple[ChannelFound, ...] = ()
    planes: tuple[PlaneFound, ...] = ()
    tags: tuple[str, ...] = ()
    pairs: tuple[tuple[tuple[str, str], ...], ...] = field(default=())
    smaller: tuple[SmallerFound, ...] = ()


_TYPES = {
    "b1": "uint8",
    "i1": "int8",
    "u1": "uint8",
    "i2": "int16",
    "u2": "uint16",
    "i4": "int32",
    "u4": "uint32",
    "f4": "float",
    "f8": "double",
}


def type_name_of(dtype: np.dtype[Any]) -> str:
    """Return the pixel type that holds values of a NumPy type.

    Raises
    ------
    UnreadableImageError
        If OMERO has none.
    """
    try:
        return _TYPES[dtype.str[1:]]
    except KeyError:
        raise UnreadableImageError(
            f"Pixels of type {dtype} cannot be stored; 8- to 32-bit integers and 32- and 64-bit "
            "floating-point numbers can."
        ) from None
