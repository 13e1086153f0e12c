"""Pyramid levels of a plane, how many there are, and how large chunks are.

Stands below `ome_zarr`. Each level halves both sides of a plane by the mean of 2×2 pixels, whole numbers rounded half up; an
odd last row or column is averaged with itself. z, c and t keep their size.
"""

from collections.abc import Iterator

import numpy as np

from pyomero_upload.model import Sizes
from pyomero_upload.targets.target import Pixels

# A viewer loads planes up to this size at once without a pyramid.
LARGEST_WITHOUT_LEVELS = 512
# The coarsest level has both sides under this.
COARSEST = 256
# Whole planes are the fastest chunks; beyond this a viewer that shows a part would load too much.
LARGEST_CHUNK = 1024


def default_levels(sizes: Sizes) -> int:
    """Return how many levels an image gets unless told: none up to 512×512, else until both sides are under 256."""
    side = max(sizes.y, sizes.x)
    if side <= LARGEST_WITHOUT_LEVELS:
        return 0
    levels = 0
    while side >= COARSEST:
        side = (side + 1) // 2
        levels += 1
    return levels


def level_sizes(sizes: Sizes, levels: int) -> Iterator[tuple[int, int]]:
    """Iterate over height and width from full size down."""
    height, width = sizes.y, sizes.x
    yield height, width
    for _ in range(levels):
        height, width = (height + 1) // 2, (width + 1) // 2
        yield height, width


def chunk_side(side: int) -> int:
    """Return how many pixels of a side go into one chunk: all, or equal parts that are not too large."""
    parts = -(-side // LARGEST_CHUNK)
    return -(-side // parts)


def halve(plane: Pixels) -> Pixels:
    """Return a plane of half the height and width, rounded up; axes y, x, the dtype is kept."""
    height, width = plane.shape
    if height % 2 or width % 2:
        plane = np.pad(plane, ((0, height % 2), (0, width % 2)), mode="edge")
    if plane.dtype.kind == "f":
        mean = plane.reshape(plane.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3), dtype=np.float64)
        return np.ascontiguousarray(mean.astype(plane.dtype))
    wide = np.dtype(np.int64 if plane.dtype.itemsize > 2 else np.int32)
    rows = np.add(plane[0::2], plane[1::2], dtype=wide)
    return np.ascontiguousarray(((rows[:, 0::2] + rows[:, 1::2] + 2) >> 2).astype(plane.dtype))
