"""`rolling-ball`: subtracts an uneven background, as a ball rolled under the surface of the image finds it.

After S. R. Sternberg, «Biomedical image processing», Computer 16 (1983) 22-34: grey values are heights, and the background is
all that a ball reaches from below, which is the opening of the image by the ball. Objects wider than the ball are part of
the background, so its radius must be larger than what one wants to keep. The ball's height is in the units of the
pixels, as in other programs.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pyomero_upload.model import Hypercube
from pyomero_upload.processing.processor import ImageProcessor

RADIUS_PX = 50.0
# A background is smooth, so a ball of this radius on a smaller image finds the same in a small part of the time.
SMALL_RADIUS_PX = 8.0


class RollingBall(ImageProcessor):
    """Subtracts the background from each plane; sizes and dtype stay.

    Parameters
    ----------
    radius
        Of the ball, in pixels.

    """

    def __init__(self, radius: float = RADIUS_PX) -> None:
        self._shrink = max(1, int(radius // SMALL_RADIUS_PX))
        reach = int(radius / self._shrink)
        steps = np.arange(-reach, reach + 1)
        y, x = np.meshgrid(steps, steps, indexing="ij")
        squares = radius**2 - ((y * self._shrink) ** 2 + (x * self._shrink) ** 2).astype(float)
        inside = squares >= 0
        self._reach = reach
        # Offsets of the ball's points, and how far each lies below the ball's top.
        self._ball = [
            (int(dy), int(dx), radius - float(np.sqrt(square)))
            for dy, dx, square in zip(y[inside], x[inside], squares[inside], strict=True)
        ]

    def describe(self, image: Hypercube) -> Hypercube:
        """Return the image as it is; missing planes stay missing."""
        return replace(image, planes={})

    def process(
        self, stack: npt.NDArray[Any], t: int, c: int, image: Hypercube
    ) -> npt.NDArray[Any]:
        """Return the stack without its background; axes z, y, x."""
        del t, c, image
        result = np.empty_like(stack)
        for z, plane in enumerate(stack):
            background = np.minimum(self.background(plane), plane)
            if plane.dtype.kind in "iu":
                background = np.floor(background)
            result[z] = plane - background.astype(plane.dtype)
        return result

    def background(self, plane: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Return the background of a plane, same axes y, x; it may pass a noisy pixel by a little between its points."""
        small = _block_minimum(plane.astype(np.float64), self._shrink)
        lowered = self._roll(small, sign=1)
        raised = self._roll(lowered, sign=-1)
        return _enlarge(raised, self._shrink, plane.shape)

    def _roll(self, image: npt.NDArray[np.float64], *, sign: int) -> npt.NDArray[np.float64]:
        """Erode (1) or dilate (-1) by the ball; beyond the border there is nothing that could stop it."""
        height, width = image.shape
        reach = self._reach
        padded = np.pad(image * sign, reach, constant_values=np.inf)
        best = np.full(image.shape, np.inf)
        for dy, dx, drop in self._ball:
            window = padded[reach + dy : reach + dy + height, reach + dx : reach + dx + width]
            np.minimum(best, window + drop, out=best)
        return best * sign


def _block_minimum(image: npt.NDArray[np.float64], step: int) -> npt.NDArray[np.float64]:
    """Return the minimum of each block of step×step pixels."""
    missing = [(0, -side % step) for side in image.shape]
    padded = np.pad(image, missing, mode="edge")
    blocks = padded.reshape(padded.shape[0] // step, step, padded.shape[1] // step, step)
    return np.asarray(blocks.min(axis=(1, 3)))


def _enlarge(
    small: npt.NDArray[np.float64], step: int, shape: tuple[int, ...]
) -> npt.NDArray[np.float64]:
    """Interpolate between the centres of blocks; beyond the outermost centres the value stays."""
    rows = _between(small.shape[0], shape[0], step) @ small
    return np.asarray(rows @ _between(small.shape[1], shape[1], step).T)


def _between(count: int, length: int, step: int) -> npt.NDArray[np.float64]:
    """Return the weights (length, count) of linear interpolation along one axis."""
    place = np.clip((np.arange(length) + 0.5) / step - 0.5, 0, count - 1)
    left = np.minimum(place.astype(int), max(count - 2, 0))
    weights = np.zeros((length, count))
    weights[np.arange(length), left] = 1 - (place - left)
    if count > 1:
        weights[np.arange(length), left + 1] += place - left
    return weights
