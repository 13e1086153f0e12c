"""Getting the bytes of a Fileset's files to the server: sent over the connection, or linked where both share the disk.

Stands below `fileset`. Both ways end alike: the server has noted a checksum of each file, and we know the SHA-1 of what we
sent.

Links are made as OMERO's own importer makes them with `--transfer=ln_s`
(https://omero.readthedocs.io/en/stable/sysadmins/in-place-import.html): the server writes a check text where the file is to
be; whoever can read it there, and remove it, has the server's disk before him. A link then takes the place of the text, and
the server is asked to look again.
"""

import contextlib
import os
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Final

import Ice
import omero

from pyomero_upload.errors import PyomeroError
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.original_files import OriginalFile

_AT_ONCE: Final = 4
"""Files under way at the same time, each in a store of its own: an OME-Zarr may have thousands of small ones."""

_REPORT_S: Final = 0.1
_READING: Final = {"omero.fs.mode": "r"}


class SharedDiskError(PyomeroError):
    """Files cannot be linked into the server's folder from here."""


def send_files(
    process: Any, files: Sequence[OriginalFile], on_bytes: Callable[[int], None]
) -> list[str]:
    """Send files to an ImportProcess.

    Parameters
    ----------
    process
        The ImportProcessPrx, which knows the files by their places.
    files
        In the order of the Fileset's entries.
    on_bytes
        Told now and then, in the thread that called, how many bytes were sent in all.

    Returns
    -------
    list of str
        The SHA-1 of each file, of what was sent.

    Raises
    ------
    UnreadableFileError
        If a file cannot be read, or changes meanwhile.

    """
    sent, lock, stop = [0], threading.Lock(), threading.Event()

    def send(i: int) -> str:
        if stop.is_set():
            raise _StoppedError
        store = process.getUploader(i)

        def block(data: bytes, offset: int) -> None:
            if stop.is_set():
                raise _StoppedError
            store.write(data, offset, len(data))
            with lock:
                sent[0] += len(data)

        try:
            store.write(b"", 0, 0)  # so that an empty file comes into being too
            return files[i].sha1(block)
        except BaseException:
            stop.set()
            raise
        finally:
            store.close()

    with ThreadPoolExecutor(_AT_ONCE, "pyomero-send") as pool:
        futures = [pool.submit(send, i) for i in range(len(files))]
        try:
            told = time.monotonic()
            for future in futures:
                waiting = True
                while waiting:
                    waiting = not wait([future], _REPORT_S).done
                    if time.monotonic() - told > _REPORT_S:
                        on_bytes(sent[0])
                        told = time.monotonic()
            on_bytes(sent[0])
        finally:
            stop.set()
    return _results(futures)


class _StoppedError(Exception):
    """A file was not sent because another one failed."""


def _results(futures: Sequence[Future[str]]) -> list[str]:
    """Return all results, or raise the error that stopped the others."""
    errors = [error for error in (future.exception() for future in futures) if error is not None]
    for error in errors:
        if not isinstance(error, _StoppedError):
            raise error
    return [future.result() for future in futures]


def link_files(
    conn: Connection,
    repository: Any,
    process: Any,
    files: Sequence[OriginalFile],
    on_bytes: Callable[[int], None],
) -> list[str]:
    """Put links to files into the server's repository; parameters and return value as for `send_files`.

    Raises
    ------
    SharedDiskError
        If the repository is not within reach: another machine's, or not to be written to.
    UnreadableFileError
        If a file cannot be read, or changes meanwhile.

    """
    root = repository.root()
    folder = Path(root.path.val, root.name.val)
    checksums, done = [], 0
    for i, file in enumerate(files):
        store = process.getUploader(i)
        try:
            place = folder / _path_in_repository(conn, int(store.getFileId().val))
            _check_place(place, file, store)
        finally:
            _close(store)
        _link(place, file)
        checksums.append(file.sha1())
        _have_noted(process, i, file, place)
        done += file.size
        on_bytes(done)
    return checksums


def _path_in_repository(conn: Connection, file_id: int) -> Path:
    file = conn.query.get("OriginalFile", file_id)
    return Path(file.path.val, file.name.val)


def _check_place(place: Path, file: OriginalFile, store: Any) -> None:
    """Make sure that what the server writes turns up in this place, and that it can be removed from here."""
    if os.path.lexists(place):
        raise SharedDiskError(f"{place} is there already", hint="Import again.")
    text = uuid.uuid4().hex.encode()
    if len(text) == file.size:
        # The server looks at a file again only where its size has changed.
        text += b"-"
    try:
        store.write(text, 0, len(text))
    finally:
        store.close()
    try:
        found = place.read_bytes()
    except OSError as error:
        raise _no_access(place, error.strerror or str(error)) from error
    if found != text:
        raise _no_access(place, "it is not the file that the server wrote")
    try:
        place.unlink()
    except OSError as error:
        raise _no_access(place, error.strerror or str(error)) from error


def _link(place: Path, file: OriginalFile) -> None:
    try:
        place.symlink_to(file.path.resolve())
    except OSError as error:
        raise _no_access(place, error.strerror or str(error)) from error


def _have_noted(process: Any, i: int, file: OriginalFile, place: Path) -> None:
    """Have the server read the file through its link and note size and checksum."""
    try:
        store = process.getUploader(i, _READING)
        try:
            size = store.size()
            store.save()
        finally:
            _close(store)
    except omero.ServerError as error:
        raise SharedDiskError(
            f"The server cannot read {file.path} through the link {place}: {error.message}",
            hint="Let the user that the server runs as read the file, and enter all folders above it.",
        ) from None
    if size != file.size:
        raise SharedDiskError(
            f"Through the link {place} the server sees {size} bytes, and {file.path} has {file.size}",
            hint="Does the server see another disk under the same path?",
        )


def _close(store: Any) -> None:
    # Closing takes a store away at once: it may be gone already.
    with contextlib.suppress(Ice.ObjectNotExistException):
        store.close()


def _no_access(place: Path, why: str) -> SharedDiskError:
    return SharedDiskError(
        f"Files cannot be linked into the server's folder from here: {place}: {why}",
        hint="Importing in place works only on the server's own machine, for who may write in its ManagedRepository. "
        "Run this there, or leave --in-place out.",
    )
