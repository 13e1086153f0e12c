"""What earlier imports left on the server: whole ones, which are not done again, and halves, which are cleared away.

Stands below `fileset`. A real server keeps a Fileset from the moment an import begins, and gives it Images at the end, in
one transaction. So a Fileset without Images is an import under way, or one that was cut off: its files lie in the
repository, and nobody sees them. Only its session could go on with it; and the server keeps that session open while it
reads the files, even where the client is gone. Once the session is closed, what has no Images will never have any.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import omero
import omero.clients
import omero.cmd
import omero.sys
from omero.rtypes import unwrap

from pyomero_upload.errors import PyomeroError
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.objects import delete
from pyomero_upload.targets.omero.original_files import OriginalFile, relative_names

_SENDING_S: Final = 60.0
_READING_S: Final = 600.0
"""How long an import that is under way elsewhere is waited for: while files are sent, and while the server reads them."""

_PAUSE_S: Final = 0.25
_SHA1: Final = "SHA1-160"
_ESCAPE: Final = "\\"
# No id is higher: of a PostgreSQL bigint.
_ALL: Final = (1 << 63) - 1
_UPLOAD_JOB: Final = (
    "from FilesetJobLink l, UploadJob u where l.child.id = u.id and l.parent.id = :id"
)

MARK: Final = "pyomero-upload.version"
"""What the job of sending the files says of the program that sends them."""


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
        "join f.usedFiles e join e.originalFile o "
        "where l.parent.id = :id and o.size = :size and e.clientPath like :name"
    )
    names = relative_names([file.client_path for file in files])
    # Files of other Filesets have another size or name, so that nothing has to be read to tell most of them apart. What the
    # pattern takes too much (`_` is any character) is told apart below.
    largest, name = max((file.size, name) for file, name in zip(files, names, strict=True))
    parameters = _id(dataset_id).addLong("size", largest)
    parameters.addString("name", f"%{name.replace(_ESCAPE, '_')}")
    candidates = _rows(conn, query, parameters)
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
    parameters = _id(conn.session_id).addString("path", first.client_path)
    return int(_rows(conn, query, parameters)[0][0])


def is_first(conn: Connection, files: Sequence[OriginalFile], fileset: int) -> bool:
    """Whether of all imports of the same files that are under way, or were cut off, this one was begun first.

    No server keeps two clients from both finding nothing and both beginning. Who was not first gives way.
    """
    return not _without_images(conn, files, before=fileset)


def settle_leftovers(
    conn: Connection, files: Sequence[OriginalFile], on_wait: Callable[[], None]
) -> bool:
    """Come to an end with Filesets of one's own of the same files that have no Images.

    One that is under way is waited for; one that was cut off is removed.

    Parameters
    ----------
    on_wait
        Called now and then while one is waited for.

    Returns
    -------
    bool
        Whether one got its Images meanwhile, perhaps in another Dataset: what was imported is to be looked for again.

    Raises
    ------
    ImportUnderWayError
        If one is still under way after a minute in which files are sent, or ten in which the server reads them.

    """
    return any(
        _settle(conn, fileset, files[0], on_wait) for fileset in _without_images(conn, files)
    )


def _without_images(
    conn: Connection, files: Sequence[OriginalFile], before: int = _ALL
) -> list[int]:
    query = (
        "select f.id from FilesetEntry e join e.fileset f where e.clientPath = :path "
        "and f.details.owner.id = :id and f.id < :before and f.images is empty order by f.id"
    )
    parameters = _id(conn.user.id).addString("path", files[0].client_path)
    parameters.addLong("before", before)
    wanted = {file.client_path for file in files}
    return [
        int(fileset)
        for (fileset,) in _rows(conn, query, parameters)
        if {entry.client_path for entry in entries_of(conn, fileset)} == wanted
        and _is_ours(conn, fileset)
    ]


def _is_ours(conn: Connection, fileset: int) -> bool:
    """Whether this program began a Fileset: another one's is not ours to remove."""
    query = f"select u {_UPLOAD_JOB}"
    job = conn.query.findByQuery(query, _id(fileset))
    return job is not None and any(pair.name == MARK for pair in job.versionInfo or ())


def _settle(
    conn: Connection, fileset: int, first: OriginalFile, on_wait: Callable[[], None]
) -> bool:
    """Wait until a Fileset has Images (True), or remove it once it will never have any (False)."""
    begun = time.monotonic()
    while True:
        # In this order: Images come before the session ends.
        state = _state(conn, fileset)
        if state is None:
            return False
        if _rows(conn, "select i.id from Image i where i.fileset.id = :id", _id(fileset)):
            return True
        if state.closed or (not state.sent and state.session == conn.session_id):
            discard(conn, fileset)
            return False
        if time.monotonic() - begun > (_READING_S if state.sent else _SENDING_S):
            raise ImportUnderWayError(
                f"{first.path} is being imported by another session (Fileset:{fileset})",
                hint="Wait for its end. If that run was killed, the server forgets it within ten minutes; then run the "
                "same command again.",
            )
        on_wait()
        time.sleep(_PAUSE_S)


class _State(NamedTuple):
    """The session that began a Fileset, whether it is closed, and whether all files were sent."""

    session: int
    closed: bool
    sent: bool


def _state(conn: Connection, fileset: int) -> _State | None:
    """Return how far a Fileset is; None where it is gone."""
    query = (
        "select s.id, s.closed from Fileset f join f.details.creationEvent e join e.session s "
        "where f.id = :id"
    )
    sessions = _rows(conn, query, _id(fileset))
    jobs = _rows(conn, f"select u.status.value {_UPLOAD_JOB}", _id(fileset))
    if not sessions or not jobs:
        return None
    session, closed = sessions[0]
    return _State(session, closed is not None, jobs[0][0] == "Finished")


def discard(conn: Connection, fileset: int) -> None:
    """Remove a Fileset with its files; of linked files the links.

    Raises
    ------
    PyomeroError
        If the server does not remove it.

    """
    try:
        delete(conn, "Fileset", [fileset])
    except omero.CmdError as error:
        raise PyomeroError(
            f"What an earlier import left (Fileset:{fileset}) cannot be removed: {error.err.name}",
            hint="Tell the server's administrator.",
        ) from None


def _id(value: int) -> Any:
    return omero.sys.ParametersI().addId(value)


def _rows(conn: Connection, query: str, parameters: Any) -> list[list[Any]]:
    return list(unwrap(conn.query.projection(query, parameters)) or [])
