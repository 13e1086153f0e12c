"""Which pixels a shape covers, and what their values are: for IRoi.

A pixel counts where the square of a tenth of a pixel at its upper left corner meets the shape, as on a real server.
"""

import itertools
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import omero
import omero.api
import omero.model

from omero_embedded import errors

Plane: TypeAlias = npt.NDArray[Any]
"""A plane's values, shape y, x."""

Coordinates: TypeAlias = npt.NDArray[np.float64]
Points: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""x and y of pixels, each once."""

SIDE = 0.1
"""Length of the side of the square that must meet the shape, in pixels."""


def statistics(
    shape: "omero.model.Shape", channels: list[int], plane: Callable[[int], Plane]
) -> "omero.api.ShapeStats":
    """Return count, extremes, sum, mean and standard deviation (of a sample) of the pixels of a shape, by channel.

    Parameters
    ----------
    shape
        A loaded shape.
    channels
        Which channels.
    plane
        Gives the plane of a channel.

    Raises
    ------
    omero.ApiUsageException
        The shape is of a kind that covers nothing countable, or is transformed.
    """
    x, y = covered(shape)
    values = []
    for channel in channels:
        found = plane(channel)
        inside = (x >= 0) & (y >= 0) & (x < found.shape[1]) & (y < found.shape[0])
        values.append(found[y[inside], x[inside]].astype(np.float64))
    made = omero.api.ShapeStats()
    made.shapeId, made.channelIds = shape.id.val, list(channels)
    made.pointsCount = [v.size for v in values]
    made.min = [float(v.min()) if v.size else 0.0 for v in values]
    made.max = [float(v.max()) if v.size else 0.0 for v in values]
    made.sum = [float(v.sum()) for v in values]
    made.mean = [float(v.mean()) if v.size else 0.0 for v in values]
    made.stdDev = [float(v.std(ddof=1)) if v.size > 1 else 0.0 for v in values]
    return made


def covered(shape: "omero.model.Shape") -> Points:
    """Return the pixels that a shape covers.

    Raises
    ------
    omero.ApiUsageException
        As `statistics` says.
    """
    if shape.transform is not None:
        raise errors.api_usage(
            f"Shape {shape.id.val} is transformed: its pixels are not counted here."
        )
    find = _COVERED.get(type(shape))
    if find is None:
        raise errors.api_usage(
            f"Shape {shape.id.val} is a {type(shape).__name__.removesuffix('I')}, which covers no pixels."
        )
    x, y = find(shape)
    pixels = np.unique(np.stack([x, y], axis=1), axis=0)
    return pixels[:, 0], pixels[:, 1]


def _rectangle(shape: "omero.model.Rectangle") -> Points:
    left, top = shape.x.val, shape.y.val
    x, y = _squares(left, top, left + shape.width.val, top + shape.height.val)
    return x.astype(np.int64), y.astype(np.int64)


def _ellipse(shape: "omero.model.Ellipse") -> Points:
    cx, cy, rx, ry = shape.x.val, shape.y.val, shape.radiusX.val, shape.radiusY.val
    x, y = _squares(cx - rx, cy - ry, cx + rx, cy + ry)
    nearest_x, nearest_y = np.clip(cx, x, x + SIDE), np.clip(cy, y, y + SIDE)
    inside = ((nearest_x - cx) / rx) ** 2 + ((nearest_y - cy) / ry) ** 2 < 1
    return x[inside].astype(np.int64), y[inside].astype(np.int64)


def _polygon(shape: "omero.model.Polygon") -> Points:
    corners = _corners(shape.points.val)
    x, y = _squares(*corners.min(axis=0), *corners.max(axis=0))
    # Just inside the square's corners: a square that only touches the shape does not meet it.
    near, far = SIDE * 1e-6, SIDE * (1 - 1e-6)
    inside = np.zeros(x.shape, bool)
    for dx, dy in ((near, near), (far, near), (near, far), (far, far)):
        inside |= _within(x + dx, y + dy, corners)
    return x[inside].astype(np.int64), y[inside].astype(np.int64)


def _within(x: Coordinates, y: Coordinates, corners: Coordinates) -> npt.NDArray[np.bool_]:
    """Return which points lie in a polygon, by the even-odd rule."""
    inside = np.zeros(x.shape, bool)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y1 != y2:
            crossed = (y1 > y) != (y2 > y)
            inside ^= crossed & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return inside


def _line(shape: "omero.model.Line") -> Points:
    return _stroke(
        np.array([[shape.x1.val, shape.y1.val], [shape.x2.val, shape.y2.val]], np.float64)
    )


def _polyline(shape: "omero.model.Polyline") -> Points:
    return _stroke(_corners(shape.points.val))


def _stroke(corners: Coordinates) -> Points:
    """Return the pixels on the way from corner to corner."""
    parts = [
        np.linspace(a, b, int(np.abs(b - a).max()) + 1) for a, b in itertools.pairwise(corners)
    ]
    x, y = np.concatenate(parts or [corners]).T
    return x.astype(np.int64), y.astype(np.int64)


def _point(shape: "omero.model.Point") -> Points:
    return np.array([int(shape.x.val)]), np.array([int(shape.y.val)])


def _mask(shape: "omero.model.Mask") -> Points:
    width, height = int(shape.width.val), int(shape.height.val)
    bits = np.unpackbits(np.frombuffer(shape.bytes or b"", np.uint8), count=width * height)
    y, x = np.nonzero(bits.reshape(height, width))
    return x + int(shape.x.val), y + int(shape.y.val)


def _squares(
    left: float, top: float, right: float, bottom: float
) -> tuple[Coordinates, Coordinates]:
    """Return x and y of the squares in a box, one for each pixel from its upper left corner on."""
    x, y = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
    return x.ravel(), y.ravel()


def _corners(text: str) -> Coordinates:
    """Return the corners that «0,0 40,0 40,30» names, shape corner, (x, y)."""
    numbers = [float(n) for n in text.replace(",", " ").split()]
    return np.array(numbers, np.float64).reshape(-1, 2)


_COVERED: dict[type, Callable[[Any], Points]] = {
    omero.model.RectangleI: _rectangle,
    omero.model.EllipseI: _ellipse,
    omero.model.PolygonI: _polygon,
    omero.model.LineI: _line,
    omero.model.PolylineI: _polyline,
    omero.model.PointI: _point,
    omero.model.MaskI: _mask,
}
