"""Files that hang on an object, with their checksums.

Stands above `objects`. A file takes several calls to the server, so it has a name that says that it is not complete until the
last of them gives it its own, and hangs it on its object, in one transaction. What a killed run leaves is found by that
name and removed before the file is sent again.
"""

import hashlib
import mimetypes
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, TypeAlias

import omero.model
from omero.model.enums import ChecksumAlgorithmSHA1160
from omero.rtypes import rlong, rstring

from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import Problem
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.objects import (
    Kind,
    annotation_link,
    delete,
    linked_annotations,
    parameters,
    server_text,
    text_of,
)

Content: TypeAlias = Path | bytes | Callable[[], Iterable[bytes]]
"""What a file holds: a file, its bytes, or a function that gives them in parts, each time that it is called."""

ORIGINAL_NAMESPACE = "pyomero_upload/original"
# The real server is fastest with blocks of 1 to 4 MB.
_BLOCK = 2 << 20
_MIMETYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".xml": "application/xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}


class _Checksum(NamedTuple):
    """The SHA-1 and the size of what is sent."""

    sha1: str
    size: int


def add_attachment(
    conn: Connection,
    kind: Kind,
    object_id: int,
    content: Content,
    name: str,
    *,
    mimetype: str | None = None,
    namespace: str | None = None,
    description: str = "",
) -> int:
    """Hang a file on an object; one of the same name and content that already does is taken.

    Parameters
    ----------
    conn
        The session.
    kind, object_id
        The object.
    content
        The file, or what is in it; read twice.
    name
        What it is called; what stands before the last `/` becomes its path.
    mimetype
        What it is; told from the name where it is not given.
    namespace, description
        Of the FileAnnotation.

    Returns
    -------
    int
        The id of the FileAnnotation.

    Raises
    ------
    PyomeroError
        If the file cannot be read, or what arrived is not what was sent.

    """
    wanted = _look_at(content, name)
    own = PurePosixPath(server_text(name))
    for annotation in linked_annotations(conn, kind, object_id, "FileAnnotation"):
        if _is(annotation.file, own, wanted):
            return int(annotation.id.val)
    marked = unfinished_name(kind, object_id, name)
    remove_unfinished(conn, marked)
    file = omero.model.OriginalFileI()
    file.name, file.path = rstring(marked), rstring(_folder(own))
    file.size, file.hash = rlong(wanted.size), rstring(wanted.sha1)
    file.mimetype = rstring(mimetype or mimetype_of(name))
    file.hasher = omero.model.ChecksumAlgorithmI()
    file.hasher.value = rstring(ChecksumAlgorithmSHA1160)
    file_id = int(conn.update.saveAndReturnObject(file).id.val)
    arrived = _send(conn, file_id, content, name)
    if arrived != wanted:
        delete(conn, "OriginalFile", [file_id])
        raise _not_what_was_sent(name, wanted, arrived)
    return hang_on(
        conn,
        kind,
        object_id,
        file_id,
        name=own.name,
        folder=_folder(own),
        namespace=namespace,
        description=description,
    )


def mimetype_of(name: str) -> str:
    """Return the media type of a file by its name."""
    suffix = PurePosixPath(name).suffix.lower()
    return (
        _MIMETYPES.get(suffix)
        or mimetypes.guess_type(f"file{suffix}")[0]
        or "application/octet-stream"
    )


def unfinished_name(kind: Kind, object_id: int, name: str) -> str:
    """Return what a file is called until it is complete and hangs on its object."""
    return server_text(f"{name} (not complete; PyOmeroUpload, for {kind}:{object_id})")


def remove_unfinished(conn: Connection, marked: str) -> None:
    """Delete what a killed run left of a file."""
    rows = conn.query.projection(
        "select f.id from OriginalFile f where f.name = :name and f.details.owner.id = :me",
        parameters(name=marked, me=conn.user.id),
    )
    delete(conn, "OriginalFile", [row[0].val for row in rows])


def hang_on(
    conn: Connection,
    kind: Kind,
    object_id: int,
    file_id: int,
    *,
    name: str,
    folder: str,
    namespace: str | None = None,
    description: str = "",
) -> int:
    """Give a complete file its name and hang it on its object, in one transaction; return the FileAnnotation's id."""
    file = conn.query.get("OriginalFile", file_id)
    file.name, file.path = rstring(name), rstring(folder)
    annotation = omero.model.FileAnnotationI()
    annotation.file = file
    if namespace is not None:
        annotation.ns = rstring(namespace)
    if description:
        annotation.description = rstring(server_text(description))
    link = conn.update.saveAndReturnObject(annotation_link(kind, object_id, annotation))
    return int(link.child.id.val)


def _folder(name: PurePosixPath) -> str:
    return "./" if len(name.parts) < 2 else f"{name.parent}/"


def _is(file: Any, name: PurePosixPath, content: _Checksum) -> bool:
    if file is None or file.size is None:
        return False
    return (
        text_of(file.name) == name.name
        and text_of(file.path) == _folder(name)
        and text_of(file.hash) == content.sha1
        and file.size.val == content.size
    )


def _look_at(content: Content, name: str) -> _Checksum:
    hasher, size = hashlib.sha1(usedforsecurity=False), 0
    for block in _blocks(content, name):
        hasher.update(block)
        size += len(block)
    return _Checksum(hasher.hexdigest(), size)


def _send(conn: Connection, file_id: int, content: Content, name: str) -> _Checksum:
    """Write a file's bytes; return what the server says that it has now."""
    with closing(conn.sf.createRawFileStore()) as store:
        store.setFileId(file_id)
        position = 0
        for block in _blocks(content, name):
            store.write(block, position, len(block))
            position += len(block)
        if position == 0:
            # Without a write there would be no file to download.
            store.write(b"", 0, 0)
        saved = store.save()
    return _Checksum(text_of(saved.hash), saved.size.val)


def _blocks(content: Content, name: str) -> Iterator[bytes]:
    """Iterate over what a file holds, in parts that fit into a message."""
    if isinstance(content, Path):
        yield from _blocks_of_file(content, name)
        return
    for part in [content] if isinstance(content, bytes) else content():
        for start in range(0, len(part), _BLOCK):
            yield part[start : start + _BLOCK]


def _blocks_of_file(path: Path, name: str) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        hint = "Put it back and run the upload again; what is on the server is not sent again."
        raise PyomeroError(
            message, hint=hint, problems=(Problem("error", "unreadable-file", name, message, hint),)
        ) from error


def _not_what_was_sent(name: str, wanted: _Checksum, arrived: _Checksum) -> PyomeroError:
    message = (
        f"What arrived of {name} is not what was sent: {arrived.size} bytes, SHA-1 {arrived.sha1 or 'unknown'},"
        f" instead of {wanted.size} bytes, SHA-1 {wanted.sha1}."
    )
    hint = "The file may have changed meanwhile. Run the upload again; nothing of it was kept on the server."
    problem = Problem("error", "attachment-differs", name, message, hint)
    return PyomeroError(message, hint=hint, problems=(problem,))
