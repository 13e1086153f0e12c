"""Files that are there whole or not at all, and stay there when the power goes.

Stands below everything that writes a file of the output. A file is written under a temporary name, brought to the disk, and
renamed; a folder likewise. The rules are those of POSIX `rename` and `fsync`; where folders cannot be synced (Windows)
the rename itself is all there is.
"""

import os
import shutil
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

SYNCS_AT_ONCE = 8
# A virus scanner or indexer on Windows may hold a new file open for a moment.
RENAME_ATTEMPTS = 10
RENAME_PAUSE_S = 0.05


def write_durably(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file, its content in one piece or in parts, so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("wb") as file:
        file.writelines([content] if isinstance(content, bytes) else content)
        file.flush()
        os.fsync(file.fileno())
    rename(temporary, path)
    sync_folder(path.parent)


def sync_files(paths: Iterable[Path]) -> None:
    """Bring files to the disk, and the folders that name them; a disk takes several at once in a third of the time."""
    wanted = list(paths)
    with ThreadPoolExecutor(SYNCS_AT_ONCE) as pool:
        list(pool.map(_sync_file, wanted))
        list(pool.map(sync_folder, {path.parent for path in wanted}))


def _sync_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    if os.name == "nt":  # pragma: no cover - folders cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems refuse this; the rename is all there is on them.
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rename(source: Path, target: Path) -> None:
    """Rename in one step, with patience for those who hold the file open for a moment."""
    for attempt in range(RENAME_ATTEMPTS):
        try:
            source.replace(target)
        except PermissionError:  # noqa: PERF203 - a few attempts, not a hot loop
            if os.name != "nt" or attempt == RENAME_ATTEMPTS - 1:
                raise
            time.sleep(RENAME_PAUSE_S)  # pragma: no cover - Windows alone
        else:
            return


def remove(path: Path) -> None:
    """Remove a file or folder of ours, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
