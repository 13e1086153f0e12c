"""The output folder: whose it is, who works on it now, and what earlier runs left in it.

Stands before the pipeline. Nothing in a folder is touched before it is sure that the folder is empty or this very job's.
Everything that is not yet the result lies in `.pyomero/`: `lock`, `owner.json` (see `holding`), `journal.jsonl` and
`partial/`.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from pyomero_upload.errors import PyomeroError, UsageError
from pyomero_upload.model import Problem
from pyomero_upload.targets.files.durable import remove
from pyomero_upload.targets.files.folder import STATE_FOLDER
from pyomero_upload.transfer.holding import held
from pyomero_upload.transfer.journal import State, read_journal
from pyomero_upload.transfer.manifest import MANIFEST, Job, read_manifest

JOURNAL = "journal.jsonl"
PARTIAL = "partial"


def check_place(out: Path, source: Path | None) -> None:
    """Refuse an output that lies inside its input, a folder, where it would become input of the next run.

    Raises
    ------
    UsageError
        If it does, or is a file.

    """
    if out.exists() and not out.is_dir():
        raise refused(
            out,
            "output-holds-other",
            "is a file",
            "Name a folder that is empty or does not exist yet.",
        )
    if source is None:
        return
    inside, around = out.resolve(), source.resolve()
    if inside == around or around in inside.parents:
        raise refused(
            out,
            "output-inside-input",
            f"lies inside the input folder {source}",
            "Choose a folder outside of it.",
        )


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold the folder for this process.

    Raises
    ------
    PyomeroError
        If another process holds it; says which.
    UsageError
        If the folder holds something that is not an output, or cannot be written to.

    """
    _check_ours(out)
    state = out / STATE_FOLDER
    with ExitStack() as stack:
        try:
            state.mkdir(parents=True, exist_ok=True)
            stack.enter_context(held(state, partial(_in_use, out)))
        except PermissionError as error:
            raise UsageError(
                f"{out} cannot be written to: {error.strerror}.",
                hint="Choose a folder that you may write to.",
            ) from error
        yield


def earlier_state(out: Path, job: Job) -> State:
    """Return what earlier runs of the same job did, by the journal or, where there is none any more, the manifest.

    Raises
    ------
    UsageError
        If the folder holds the result of another job.

    """
    state = read_journal(out / STATE_FOLDER / JOURNAL)
    if state.job is None and (out / MANIFEST).exists():
        manifest = read_manifest(out)
        state = State(manifest.job, {entry.name: entry for entry in manifest.images})
    if isinstance(state.job, Job) and state.job != job:
        raise refused(
            out,
            "output-holds-other",
            f"holds what was made of {_difference(state.job, job)}",
            "Choose another output folder, or the same settings as then.",
        )
    return state


def remove_leftovers(out: Path) -> None:
    """Remove what a finished job no longer needs."""
    remove(out / STATE_FOLDER / JOURNAL)
    remove(out / STATE_FOLDER / PARTIAL)


def refused(out: Path, code: str, what: str, hint: str) -> UsageError:
    """Return the error for a folder that this job must not use; `what` goes on after «The output folder X»."""
    return UsageError(
        f"The output folder {out} {what}.",
        hint=hint,
        problems=(Problem("error", code, str(out), f"It {what}.", hint),),
    )


def _check_ours(out: Path) -> None:
    """Refuse a folder that holds anything but an output of ours."""
    try:
        found = sorted(entry.name for entry in os.scandir(out))
    except FileNotFoundError:
        return
    except PermissionError as error:
        raise UsageError(
            f"{out} cannot be read: {error.strerror}.",
            hint="Choose a folder that you may read and write.",
        ) from error
    if found and STATE_FOLDER not in found and MANIFEST not in found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise refused(
            out,
            "output-holds-other",
            f"holds something else ({found[0]}{more})",
            "Choose a folder that is empty or does not exist yet.",
        )


def _difference(earlier: Job, now: Job) -> str:
    for name in type(now).model_fields:
        then, wanted = getattr(earlier, name), getattr(now, name)
        if then != wanted:
            return (
                f"{then} (now {wanted})"
                if name == "folder"
                else f"the folder with {name} {then} (now {wanted})"
            )
    return "the same"  # pragma: no cover - asked only of jobs that differ


def _in_use(out: Path, who: str) -> PyomeroError:
    return PyomeroError(
        f"{out} is being written by {who}.",
        hint="Wait until it is done, or stop it; this job can go on with its work then.",
        problems=(Problem("error", "output-in-use", str(out), f"Held by {who}."),),
    )
