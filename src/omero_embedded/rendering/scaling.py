"""Pictures in another size, to the last bit as the real server's thumbnails.

The real server (ome.logic.JavaImageScalingService) scales with the library java-image-scaling: Lanczos filter of radius
3, first across, then down, rounded to bytes in between. That library lays its filter half a pixel too far to the right
and down (the middle of a pixel is at .5 of the result and at .0 of the source); so does this.
"""

import functools
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

RADIUS = 3.0
"""How far the filter reaches, in pixels of the smaller picture."""

LEAST = 3
"""Pixels along a side that the filter needs, before and after; smaller pictures are drawn without it."""


def scaled(image: Image.Image, width: int, height: int) -> Image.Image:
    """Return a picture in another size, at least `LEAST` pixels wide and high.

    Sizes go through a factor in single precision and are cut off, so that some come out a pixel smaller.
    """
    width, height = _reached(image.width, width), _reached(image.height, height)
    if min(image.size) < LEAST:
        return image.resize((width, height), Image.Resampling.NEAREST)
    across, down = _weights(image.width, width), _weights(image.height, height)
    channels = []
    for channel in image.split():
        plane = np.asarray(channel).astype(np.float32) @ across.T
        channels.append(_as_bytes(down @ _as_bytes(plane)).astype(np.uint8))
    return Image.merge(image.mode, [Image.fromarray(c) for c in channels])


def _reached(source: int, target: int) -> int:
    size = np.float32(source)
    return max(LEAST, int(size * (np.float32(target) / size)))


def _as_bytes(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return values from 0 to 255, rounded; still as floats."""
    rounded: npt.NDArray[np.float32] = np.floor(np.clip(values, 0, 255) + np.float32(0.5))
    return rounded.clip(0, 255)


@functools.lru_cache(maxsize=64)
def _weights(source: int, target: int) -> npt.NDArray[np.float32]:
    """Return how much of each source pixel is in each target pixel, shape target, source.

    What the filter would take from beyond an edge it takes from as far inside.
    """
    scale = target / source
    reach, stretch = RADIUS, 1.0
    if scale < 1:
        reach = RADIUS / scale
        stretch = RADIUS / math.ceil(reach)
    found = np.zeros((target, source), np.float32)
    for place in range(target):
        middle = (place + 0.5) / scale
        taken = np.arange(math.floor(middle - reach), math.ceil(middle + reach) + 1)
        weight = _lanczos((middle - taken) * stretch)
        inside = np.where(taken < 0, -taken, taken)
        inside = np.where(taken >= source, 2 * source - 1 - taken, inside)
        there = (inside >= 0) & (inside < source)
        np.add.at(found[place], inside[there], weight[there])
    total = found.sum(axis=1, keepdims=True)
    total[total == 0] = 1
    found /= total
    return found


def _lanczos(distance: npt.NDArray[Any]) -> npt.NDArray[Any]:
    near = np.sinc(distance) * np.sinc(distance / RADIUS)
    return np.where(np.abs(distance) < RADIUS, near, 0)
