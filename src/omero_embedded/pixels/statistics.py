"""Histograms and extremes of planes, counted as the real server counts them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from omero_embedded.pixels.errors import PixelsError
from omero_embedded.pixels.types import PixelType

Array = npt.NDArray[Any]

DEFAULT_BINS = 256
MOST_BINS = 1 << 24


def extremes(plane: Array) -> tuple[float, float]:
    """Return the lowest and the highest value of a plane."""
    return float(plane.min()), float(plane.max())


def extremes_within(
    plane: Array, kind: PixelType, significant_bits: int | None
) -> tuple[float, float]:
    """Return the extremes of a plane as the real server finds them (ome.services.RawPixelsBean).

    It starts from the ends of the type's range, the wrong way round, so that the lowest value is never
    above the range and the highest never below it.
    """
    low, high = extremes(plane)
    least, most = kind.value_range(significant_bits)
    return (min(low, most)), (max(high, least))


def histogram(plane: Array, bins: int, low: float, high: float) -> list[int]:
    """Count values in bins of equal width between `low` and `high`.

    Parameters
    ----------
    plane
        Values, of any shape. Those outside [low, high] are left out; `high` itself falls
        into the last bin.
    bins
        How many; 256 where it is not positive.
    low, high
        The range. Where they are equal every value falls into the first bin.

    Raises
    ------
    PixelsError
        If there are more bins than `MOST_BINS`.
    """
    count = bins if bins > 0 else DEFAULT_BINS
    if count > MOST_BINS:
        raise PixelsError(f"{count} bins are too many; {MOST_BINS} are not.")
    values = plane.astype(np.float64).ravel()
    values = values[(values >= low) & (values <= high)]
    width = (high - low) / count
    if width == 0:
        places = np.zeros(len(values), np.int64)
    else:
        places = np.minimum(((values - low) / width).astype(np.int64), count - 1)
    return [int(n) for n in np.bincount(places, minlength=count)]
