"""Which plane is shown: a cut through the image along XY, XZ or ZY, or a region of one.

Takes values out of a pixel file for the renderer; what a client's PlaneDef says is checked here.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from omero_embedded.pixels.dimensions import Dimensions
from omero_embedded.pixels.errors import BeyondPlaneError, OutOfBoundsError
from omero_embedded.pixels.planes import PlaneFile, as_signed
from omero_embedded.pixels.pyramid import PyramidFile

Array = npt.NDArray[Any]

XY, ZY, XZ = 0, 1, 2


class SliceError(ValueError):
    """A plane definition that selects nothing."""

    java = "java.lang.RuntimeException"


class KindError(ValueError):
    """A kind of slice that there is not."""

    java = "java.lang.NullPointerException"


@dataclass(frozen=True, slots=True)
class Slice:
    """One plane, orthogonal to an axis.

    Parameters
    ----------
    kind
        `XY`, `ZY` or `XZ`, numbered as in `omero.romio`.
    x, y, z, t
        Where the plane cuts; only those orthogonal to it count.
    region
        x, y, width and height of the part shown, of XY planes only; None for all of it.
    stride
        How many pixels to skip between two, of XY planes only.
    """

    kind: int
    x: int
    y: int
    z: int
    t: int
    region: tuple[int, int, int, int] | None = None
    stride: int = 0

    def within(self, width: int, height: int) -> "Slice":
        """Return the slice with its region cut to a plane of that size.

        Raises
        ------
        SliceError
            If nothing of the region is left, or it begins outside.
        """
        if self.region is None:
            return self
        x, y, w, h = self.region
        w, h = min(w, width - x), min(h, height - y)
        if x < 0 or y < 0 or w <= 0 or h <= 0:
            raise SliceError(f"Invalid region {self.region} of a plane {width}×{height}.")
        return Slice(self.kind, self.x, self.y, self.z, self.t, (x, y, w, h), self.stride)

    def shape(self, d: Dimensions) -> tuple[int, int]:
        """Return height and width of the picture."""
        if self.kind == XZ:
            return d.z, d.x
        if self.kind == ZY:
            return d.y, d.z
        width, height = self.region[2:] if self.region else (d.x, d.y)
        step = max(self.stride, 0) + 1
        return height // step, width // step


def values(pixels: PlaneFile | PyramidFile, d: Dimensions, cut: Slice, c: int) -> Array:
    """Return the values of channel `c` that a slice shows, in the picture's shape.

    Parameters
    ----------
    pixels
        The image's file.
    d
        The image's dimensions at the file's current resolution.
    cut
        The slice, with its region within the plane.
    c
        The channel.

    Raises
    ------
    SliceError
        If there is no such plane.
    BeyondPlaneError
        If it cuts the stack outside of it.
    KindError
        If the kind of the slice is unknown.
    """
    if cut.kind not in (XY, ZY, XZ):
        raise KindError(f"Invalid slice ID: {cut.kind}.")
    try:
        return _values(pixels, d, cut, c)
    except OutOfBoundsError as error:
        raise SliceError(str(error)) from error


def _values(pixels: PlaneFile | PyramidFile, d: Dimensions, cut: Slice, c: int) -> Array:
    height, width = cut.shape(d)
    if cut.kind in (XZ, ZY):
        stack = pixels.stack(c, cut.t)
        place, size = (cut.y, d.y) if cut.kind == XZ else (cut.x, d.x)
        if not 0 <= place < size:
            raise BeyondPlaneError(f"No place {place} of {size}.")
        return stack[:, place, :] if cut.kind == XZ else stack[:, :, place].T
    if cut.region is not None:
        tile = as_signed(pixels.tile((cut.z, c, cut.t), cut.region))
        # A stride shortens the picture but not the tile: its first values are shown.
        return tile.reshape(-1)[: height * width].reshape(height, width)
    plane = pixels.plane(cut.z, c, cut.t)
    return plane if cut.stride <= 0 else _strided(as_signed(plane), cut.stride + 1)


def _strided(plane: Array, step: int) -> Array:
    """Take every step-th value of a plane, row by row, as the real server lays them out."""
    height, width = plane.shape
    rows, columns = height // step, width // step
    out = np.zeros(plane.size // (step * step), plane.dtype)
    picked = plane[::step, ::step]
    for row, line in enumerate(picked):
        out[row * columns : row * columns + len(line)] = line
    return out[: rows * columns].reshape(rows, columns)
