"""What earlier imports left on the server: whole ones, which are not done again, and halves, which are cleared away.

Stands below `fileset`. A real server keeps a Fileset from the moment an import begins, and gives it Images at the end, in
one transaction. So a Fileset without Images is an import under way, or one that was cut off: its files lie in the
repository, and nobody sees them. Only its session could go on with it; and the server keeps that session open while it
reads the files, even where the client is gone. Once the session is closed, what has no Images will never have any.
"""

import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import omero
import omero.clients
import omero.cmd
import omero.sys
from omero.rtypes import unwrap

from pyomero_upload.errors import PyomeroError
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.original_files import OriginalFile, relative_names

_PATIENCE_S: Final = 60.0
"""How long an import that is under way elsewhere is waited for."""

_PAUSE_S: Final = 0.25
_SHA1: Final = "SHA1-160"


class ImportUnderWayError(PyomeroError):
    """Another session is importing the same files."""


class Entry(NamedTuple):
    """A file of a Fileset as the server knows it; `sha1` is None where it has none."""

    client_path: str
    size: int | None
    sha1: str | None


def entries_of(conn: Connection, fileset: int) -> list[Entry]:
    """Return the files of a Fileset, in no order."""
    query = (
        "select e.clientPath, o.size, o.hash, h.value from FilesetEntry e join e.originalFile o "
        "left outer join o.hasher h where e.fileset.id = :id"
    )
    return [
        Entry(path, size, checksum if hasher == _SHA1 else None)
        for path, size, checksum, hasher in _rows(conn, query, _id(fileset))
    ]


def find_imported(conn: Connection, files: Sequence[OriginalFile], dataset_id: int) -> int | None:
    """Return the Fileset of Images in a Dataset that was imported from the same files; None if there is none.

    The same are files of the same names, below the folder that all share, and the same content. They may have moved.

    Raises
    ------
    UnreadableFileError
        If a file cannot be read, or changes meanwhile.

    """
    query = (
        "select distinct f.id from DatasetImageLink l join l.child i join i.fileset f "
        "join f.usedFiles e join e.originalFile o where l.parent.id = :id and o.size = :size"
    )
    # Most files of other Filesets are of another size, so nothing has to be read to tell them apart.
    largest = max(file.size for file in files)
    candidates = _rows(conn, query, _id(dataset_id).addLong("size", largest))
    names = relative_names([file.client_path for file in files])
    sizes = {name: file.size for name, file in zip(names, files, strict=True)}
    checksums: dict[str, str] = {}
    for (fileset,) in sorted(candidates):
        entries = entries_of(conn, fileset)
        there = relative_names([entry.client_path for entry in entries])
        if {n: e.size for n, e in zip(there, entries, strict=True)} != sizes:
            continue
        checksums = checksums or {n: f.sha1() for n, f in zip(names, files, strict=True)}
        if {n: e.sha1 for n, e in zip(there, entries, strict=True)} == checksums:
            return int(fileset)
    return None


def newest_begun(conn: Connection, first: OriginalFile) -> int:
    """Return the Fileset that this session began last with a file as its first."""
    query = (
        "select max(f.id) from FilesetEntry e join e.fileset f "
        "where e.clientPath = :path and f.details.creationEvent.session.id = :id"
    )
    parameters = _id(_session_id(conn)).addString("path", first.client_path)
    return int(_rows(conn, query, parameters)[0][0])


def settle_leftovers(conn: Connection, files: Sequence[OriginalFile]) -> int | None:
    """Come to an end with Filesets of one's own of the same files that have no Images.

    One that is under way is waited for; one that was cut off is removed.

    Returns
    -------
    int or None
        The Fileset, if it got its Images meanwhile.

    Raises
    ------
    ImportUnderWayError
        If one is still under way after a minute.

    """
    for fileset in _without_images(conn, files):
        if _settle(conn, fileset, files[0]):
            return fileset
    return None


def _without_images(conn: Connection, files: Sequence[OriginalFile]) -> list[int]:
    query = (
        "select f.id from FilesetEntry e join e.fileset f where e.clientPath = :path "
        "and f.details.owner.id = :id and f.images is empty order by f.id"
    )
    parameters = _id(conn.user.id).addString("path", files[0].client_path)
    wanted = {file.client_path for file in files}
    return [
        int(fileset)
        for (fileset,) in _rows(conn, query, parameters)
        if {entry.client_path for entry in entries_of(conn, fileset)} == wanted
    ]


def _settle(conn: Connection, fileset: int, first: OriginalFile) -> bool:
    """Wait until a Fileset has Images (True), or remove it once it will never have any (False)."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        # In this order: Images come before the session ends.
        over = _is_over(conn, fileset)
        if _rows(conn, "select i.id from Image i where i.fileset.id = :id", _id(fileset)):
            return True
        if over:
            discard(conn, fileset)
            return False
        if time.monotonic() > until:
            raise ImportUnderWayError(
                f"{first.path} is being imported by another session (Fileset:{fileset})",
                hint="Wait for its end. If that run was killed, the server forgets it within ten minutes; then run the "
                "same command again.",
            )
        time.sleep(_PAUSE_S)


def _is_over(conn: Connection, fileset: int) -> bool:
    """Tell whether nobody will go on with a Fileset: its session is closed, or is this one and was cut off in sending."""
    query = "select s.id, s.closed from Fileset f join f.details.creationEvent e join e.session s where f.id = :id"
    found = _rows(conn, query, _id(fileset))
    if not found:
        return False
    session, closed = found[0]
    if closed is not None:
        return True
    uploaded = (
        "select s.value from FilesetJobLink l, UploadJob j join j.status s "
        "where l.child.id = j.id and l.parent.id = :id"
    )
    return session == _session_id(conn) and ["Finished"] not in _rows(conn, uploaded, _id(fileset))


def discard(conn: Connection, fileset: int) -> None:
    """Remove a Fileset with its files; of linked files the links.

    Raises
    ------
    PyomeroError
        If the server does not remove it.

    """
    handle = conn.sf.submit(omero.cmd.Delete2(targetObjects={"Fileset": [fileset]}))
    try:
        while (response := handle.getResponse()) is None:
            time.sleep(_PAUSE_S / 10)
    finally:
        handle.close()
    if isinstance(response, omero.cmd.ERR):
        raise PyomeroError(
            f"What an earlier import left (Fileset:{fileset}) cannot be removed: {response.name}",
            hint="Tell the server's administrator.",
        )


def _session_id(conn: Connection) -> int:
    return int(conn.sf.getAdminService().getEventContext().sessionId)


def _id(value: int) -> Any:
    return omero.sys.ParametersI().addId(value)


def _rows(conn: Connection, query: str, parameters: Any) -> list[list[Any]]:
    return list(unwrap(conn.query.projection(query, parameters)) or [])
