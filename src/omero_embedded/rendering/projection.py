"""Projections of a z-stack onto one plane.

The real server takes the last section into a maximum but leaves it out of a mean and a sum, and
divides a mean by the number of sections and then by the step; so does this.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from omero_embedded.pixels.types import PixelType

Array = npt.NDArray[Any]

MAXIMUM, MEAN, SUM = 0, 1, 2


class ProjectionError(ValueError):
    """A projection that cannot be made; the message says why."""


def project(
    stack: Array, algorithm: int, *, stepping: int, start: int, end: int, target: PixelType
) -> Array:
    """Project the sections `start` to `end` of a stack.

    Parameters
    ----------
    stack
        Shape z, y, x.
    algorithm
        `MAXIMUM`, `MEAN` or `SUM`.
    stepping
        Distance of the sections taken.
    start, end
        First and last section, from 0.
    target
        The pixel type of the result.

    Returns
    -------
    ndarray
        Shape y, x, of the target's type.

    Raises
    ------
    ProjectionError
        If a section does not exist, the step is below 1 or the algorithm unknown.
    """
    if stepping <= 0:
        raise ProjectionError(f"stepping: {stepping} <= 0")
    if start < 0 or end < 0:
        raise ProjectionError("Z interval value cannot be negative.")
    if start >= len(stack) or end >= len(stack):
        raise ProjectionError(f"Z interval value cannot be >= {len(stack)}")
    if algorithm == MAXIMUM:
        sections = stack[start : end + 1 : stepping].astype(np.float64)
        plane = np.max(sections, axis=0, initial=0.0)
    elif algorithm in (MEAN, SUM):
        plane = stack[start:end:stepping].astype(np.float64).sum(axis=0)
        if algorithm == MEAN:
            with np.errstate(invalid="ignore"):
                plane = plane / (end - start) / stepping
        plane = np.minimum(plane, _highest(target))
    else:
        raise ProjectionError(f"Unknown algorithm: {algorithm}")
    if not target.is_float:
        plane = np.trunc(np.nan_to_num(plane)).astype(np.int64)
    projected: Array = plane.astype(target.dtype)
    return projected


def _highest(target: PixelType) -> float:
    if target.is_float:
        return float(np.finfo(target.dtype.str).max)
    return target.value_range()[1]
