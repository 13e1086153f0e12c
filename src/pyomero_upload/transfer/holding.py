"""One process at a time: a folder of state that is held while somebody works with it.

Beside `output` and `upload_state`, whose folders it locks. The lock is the operating system's, so it ends with the process,
however that ends; the file stays, because removing it would let two processes lock different files of the same name.
Beside it a note says who holds it.
"""

import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path

from filelock import FileLock, Timeout

from pyomero_upload.errors import PyomeroError

LOCK = "lock"
OWNER = "owner.json"


@contextmanager
def held(state: Path, in_use: Callable[[str], PyomeroError]) -> Iterator[None]:
    """Hold a folder of state, which is there, for this process.

    Parameters
    ----------
    state
        The folder.
    in_use
        Returns the error for a folder that somebody else holds; is told who, as «process 12 on host, which started at …».

    Raises
    ------
    PyomeroError
        If another process holds it.

    """
    lock = FileLock(state / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise in_use(_holder(state)) from error
    try:
        (state / OWNER).write_text(json.dumps(_me()), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            (state / OWNER).unlink()
        lock.release()


def is_held(state: Path) -> bool:
    """Whether a process, this one too, holds a folder of state."""
    lock = FileLock(state / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def _me() -> dict[str, str | int]:
    started = datetime.now(timezone.utc).astimezone().isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": platform.node(), "started": started}


def _holder(state: Path) -> str:
    try:
        owner = json.loads((state / OWNER).read_text(encoding="utf-8"))
        return f"process {owner['pid']} on {owner['host']}, which started at {owner['started']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
