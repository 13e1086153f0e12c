"""The state folder of an upload: one for each plan and server, on this machine.

Beside `upload`. It holds `lock` and `owner.json` (see `holding`), `journal.jsonl`, `session.json` (see
`targets.omero.state`) and, at the end, `report.html`. Without it an upload goes on too, by what the server says: then
whole images are done again instead of blocks.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from platformdirs import user_state_path

from pyomero_upload.errors import PyomeroError, UsageError
from pyomero_upload.model import Problem
from pyomero_upload.targets.files.names import storable
from pyomero_upload.targets.omero.state import read_state
from pyomero_upload.transfer.holding import held, is_held
from pyomero_upload.transfer.journal import BlockLine, UploadJob, read_journal

VARIABLE = "PYOMERO_STATE"
"""The environment variable that names another place for the state of uploads."""

JOURNAL = "journal.jsonl"
REPORT = "report.html"


def state_folder(key: str, server: str) -> Path:
    """Return the state folder of an upload; `server` says where it goes to and as whom."""
    return _home() / f"{key}-{re.sub(r'[^A-Za-z0-9.-]+', '_', server)}"


def _home() -> Path:
    told = os.environ.get(VARIABLE)
    return (Path(told) if told else user_state_path("pyomero-upload", appauthor=False)) / "uploads"


@contextmanager
def held_state(folder: Path, what: str) -> Iterator[None]:
    """Make the state folder and hold it for this process.

    Raises
    ------
    PyomeroError
        If another process carries out the same upload; says which.
    UsageError
        If the folder cannot be written.

    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
    except OSError as error:
        raise UsageError(
            f"The state of the upload cannot be kept in {folder}: {error.strerror}.",
            hint=f"Name a folder that you may write to in the environment variable {VARIABLE}.",
        ) from error
    with held(folder, partial(_under_way, what)):
        yield


def abandoned_sessions() -> set[int]:
    """Return the numbers of the sessions that uploads on this machine had whose processes are gone."""
    found = set()
    for folder in _home().glob("*/"):
        state = read_state(folder)
        if state is not None and not is_held(folder):
            found.add(state.session_id)
    return found


def known_blocks(
    folder: Path, job: UploadJob, images: Iterable[str]
) -> dict[str, dict[int, BlockLine]]:
    """Return the blocks that an earlier run of the same job wrote, of those images that are still open on the server."""
    state = read_journal(folder / JOURNAL)
    if state.job != job:
        return {}
    names = map(storable, images)
    return {name: state.blocks[name] for name in names if name in state.blocks}


def _under_way(what: str, who: str) -> PyomeroError:
    return PyomeroError(
        f"{what} is being uploaded by {who}.",
        hint="Wait until it is done, or stop it; this upload can go on with its work then.",
        problems=(Problem("error", "upload-under-way", what, f"Uploaded by {who}."),),
    )
