"""How much room the output needs, and whether the disk has it.

Stands before the pipeline. Uncompressed output takes what its pixels take. How well pixels compress is known only
afterwards; the best guess is that they take what they take in the input, whose images mostly are compressed too, and at
most their raw size. So a job is refused when there is less than half of the guess (with no compression: less than the
need), and warned of when there is less than the guess.
"""

import errno
import shutil
from collections.abc import Sequence
from pathlib import Path

from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import Hypercube, Plan, Problem
from pyomero_upload.transfer.progress import plane_bytes, plane_count

# Levels of a pyramid take 1/4 + 1/16 + ... of the first.
PYRAMID = 4 / 3
MEGABYTE = 1_000_000


def space_needed(
    plan: Plan, images: Sequence[tuple[Hypercube, Hypercube]], *, compression: str, pyramid: bool
) -> int:
    """Return about how many bytes images (each with its source) will take."""
    raw = sum(plane_count(image) * plane_bytes(image) for image, _ in images)
    need: float = raw
    if compression != "none":
        paths = {where.path for _, source in images for where in source.planes.values()}
        need = min(
            raw, sum(plan.source.files[path].size for path in paths if path in plan.source.files)
        )
    return int(need * (PYRAMID if pyramid else 1))


def check_space(out: Path, need: int, *, compression: str) -> Problem | None:
    """Compare with what is free; return a warning where it may not be enough.

    Raises
    ------
    PyomeroError
        If it cannot be enough.

    """
    free = shutil.disk_usage(out).free
    if free >= need:
        return None
    message = f"The output needs about {_megabytes(need)}, but {out} has {_megabytes(free)} left."
    if compression == "none" or free < need / 2:
        raise PyomeroError(
            message,
            hint=f"Free {_megabytes(need - free)}, or choose an output folder on another disk.",
            problems=(Problem("error", "disk-full", str(out), message),),
        )
    return Problem(
        "warning",
        "disk-nearly-full",
        str(out),
        message,
        "It is enough if the pixels compress well.",
    )


def write_error(error: OSError, out: Path, need: int) -> PyomeroError:
    """Return the error to show when writing failed."""
    # Windows knows no quotas by number.
    if error.errno in {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}:
        message = (
            f"The disk is full: {out} cannot take more. The rest needs about {_megabytes(need)}."
        )
        hint = "Free some space and run the same command again; it goes on where it stopped."
        code = "disk-full"
    else:
        message = f"{out} cannot be written: {error}."
        hint = "When that is put right, run the same command again; it goes on where it stopped."
        code = "write-failed"
    return PyomeroError(
        message, hint=hint, problems=(Problem("error", code, str(out), message, hint),)
    )


def _megabytes(count: float) -> str:
    return f"{count / MEGABYTE:,.0f} MB"
