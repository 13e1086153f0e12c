"""Projections of a z-stack onto one plane.

The real server takes the last section into a maximum but leaves it out of a mean and a sum
(ome.services.projection.ProjectionBean); so does this.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from omero_embedded.pixels.types import PixelType

Array = npt.NDArray[Any]

MAXIMUM, MEAN, SUM = 0, 1, 2


class ProjectionError(ValueError):
    """A projection that cannot be made; the message says why."""


def check_sections(size_z: int, *, stepping: int, start: int, end: int) -> None:
    """Raise `ProjectionError` where a section does not exist, or the step is below 1."""
    if start < 0 or end < 0:
        raise ProjectionError("Z interval value cannot be negative.")
    if start >= size_z or end >= size_z:
        raise ProjectionError(f"Z interval value cannot be >= {size_z}")
    if stepping <= 0:
        raise ProjectionError(f"stepping: {stepping} <= 0")


def check_stack(c: int, t: int, size_c: int, size_t: int) -> None:
    """Raise `ProjectionError` where there is no such channel or time point."""
    if c < 0:
        raise ProjectionError(f"channel: {c} < 0")
    if t < 0:
        raise ProjectionError(f"timepoint: {t} < 0")
    if t >= size_t:
        raise ProjectionError(f"timepoint must be <{size_t}")
    if c >= size_c:
        raise ProjectionError(f"channel index must be <{size_c}")


def project(
    stack: Array, algorithm: int, *, stepping: int, start: int, end: int, target: PixelType
) -> Array:
    """Project the sections `start` to `end` of a stack to values of a pixel type; see `projected_values`."""
    values = projected_values(
        stack, algorithm, stepping=stepping, start=start, end=end, target=target
    )
    return as_type(values, target)


def as_type(values: Array, target: PixelType) -> Array:
    """Return projected values in a pixel type: cut off to integers where it is one."""
    if not target.is_float:
        # As Java cuts a double: first to the range of an int, then to as many bits as there are.
        values = np.clip(np.trunc(np.nan_to_num(values)), -(2.0**31), 2.0**31 - 1).astype(np.int64)
    projected: Array = values.astype(target.dtype)
    return projected


def projected_values(
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
        The pixel type of the result, beyond whose range a mean or a sum does not go.

    Returns
    -------
    ndarray
        Shape y, x; not cut off to integers.

    Raises
    ------
    ProjectionError
        If a section does not exist, the step is below 1 or the algorithm unknown.
    """
    check_sections(len(stack), stepping=stepping, start=start, end=end)
    if algorithm == MAXIMUM:
        sections = stack[start : end + 1 : stepping].astype(np.float64)
        plane = np.fmax.reduce(sections, axis=0, initial=0.0)
    elif algorithm in (MEAN, SUM):
        sections = stack[start:end:stepping].astype(np.float64)
        plane = sections.sum(axis=0)
        if algorithm == MEAN:
            with np.errstate(invalid="ignore"):
                plane = plane / len(sections)
        plane = np.minimum(plane, target.value_range()[1])
    else:
        raise ProjectionError(f"Unknown algorithm: {algorithm}")
    values: Array = plane
    return values
