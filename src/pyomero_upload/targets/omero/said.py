"""What people and programs said of an object on the server: its annotations, read.

Stands beside `reading`. Tables are attachments too, which `table_frames` opens; a file's bytes come in parts and are compared
with the checksum that the server holds.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import omero.model  # noqa: F401 - omero-py's modules need it before others
from omero.rtypes import unwrap

from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import Problem
from pyomero_upload.planning.provenance import NAMESPACE as PROVENANCE_NAMESPACE
from pyomero_upload.targets.omero.annotations import CLIENT_NAMESPACE
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.objects import Kind, pairs_of, parameters, text_of

TABLE_TYPE = "OMERO.tables"
# Hashes of the server's ChecksumAlgorithm that Python knows too.
HASHERS = {"SHA1-160": "sha1", "MD5-128": "md5"}
PART_BYTES = 4 << 20
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag."""

    id: int
    text: str
    description: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class KeyValues:
    """Key-value pairs under one namespace, in their order; a key may come twice."""

    id: int
    namespace: str
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file on the server, attached or of a Fileset; a table is one, too.

    Attributes
    ----------
    id
        Of its OriginalFile.
    name, folder
        As it was called where it came from.
    size
        In bytes.
    hasher, hash
        The server's checksum; empty where it has none.
    mimetype, namespace, description
        As said when it was attached.

    """

    id: int
    name: str
    folder: str
    size: int
    hasher: str
    hash: str
    mimetype: str = ""
    namespace: str = ""
    description: str = ""

    @property
    def sha1(self) -> str | None:
        """Its SHA-1, hexadecimal, if that is what the server holds."""
        return self.hash if self.hasher == "SHA1-160" and self.hash else None


@dataclass(frozen=True, slots=True)
class Remark:
    """Any other annotation that is a value: a comment, a rating, a number, a term …; `kind` is OMERO's class."""

    kind: str
    value: str | int | float | bool
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """All that is annotated on one object, in the order in which it was.

    Attributes
    ----------
    tags
        Its tags.
    maps
        All key-values, of whatever namespace.
    tables, attachments
        Its files.
    remarks
        All else.

    """

    tags: tuple[Tag, ...] = ()
    maps: tuple[KeyValues, ...] = ()
    tables: tuple[Attachment, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    remarks: tuple[Remark, ...] = ()

    @property
    def key_values(self) -> tuple[tuple[str, str], ...]:
        """The pairs that people see and edit in OMERO's clients: those under their name, or under none."""
        return tuple(p for m in self.maps if m.namespace in {CLIENT_NAMESPACE, ""} for p in m.pairs)

    @property
    def provenance(self) -> tuple[tuple[str, str], ...]:
        """What was noted about how it was made."""
        return tuple(p for m in self.maps if m.namespace == PROVENANCE_NAMESPACE for p in m.pairs)

    @property
    def other_maps(self) -> tuple[KeyValues, ...]:
        """The key-values of other programs."""
        ours = {CLIENT_NAMESPACE, "", PROVENANCE_NAMESPACE}
        return tuple(m for m in self.maps if m.namespace not in ours)


def read_annotations(connection: Connection, kind: Kind, identifier: int) -> Said:
    """Return what is annotated on one object."""
    return read_all_annotations(connection, kind, [identifier])[identifier]


def read_all_annotations(
    connection: Connection, kind: Kind, identifiers: Sequence[int]
) -> dict[int, Said]:
    """Return what is annotated on each of several objects of a kind."""
    found: dict[int, dict[int, Any]] = {identifier: {} for identifier in identifiers}
    for first in range(0, len(identifiers), AT_ONCE):
        links = connection.query.findAllByQuery(
            f"select l from {kind}AnnotationLink l join fetch l.child where l.parent.id in (:ids) "  # noqa: S608 - words of our own
            "order by l.id",
            parameters(ids=list(identifiers[first : first + AT_ONCE])),
        )
        for link in links:
            # Two people may have made the same link.
            found[link.parent.id.val].setdefault(link.child.id.val, link.child)
    files = _files(connection, [a for of_one in found.values() for a in of_one.values()])
    return {identifier: _said(list(of_one.values()), files) for identifier, of_one in found.items()}


def fileset_files(connection: Connection, fileset: int) -> list[Attachment]:
    """Return the files that a Fileset was imported from, in their order; `folder` is where the client had them."""
    entries = connection.query.findAllByQuery(
        "select e from FilesetEntry e join fetch e.originalFile o left outer join fetch o.hasher "
        "where e.fileset.id = :id order by e.id",
        parameters(id=fileset),
    )
    found = []
    for entry in entries:
        file = entry.originalFile
        if text_of(file.mimetype) == "Directory":
            continue
        folder, _, _ = text_of(entry.clientPath).rpartition("/")
        found.append(_attachment(file, folder=folder))
    return found


def file_parts(connection: Connection, file: Attachment) -> Iterator[bytes]:
    """Iterate over the bytes of a file, in parts.

    Raises
    ------
    PyomeroError
        After the last part, if they do not have the checksum that the server holds.

    """
    name = HASHERS.get(file.hasher)
    hasher = hashlib.new(name, usedforsecurity=False) if name and file.hash else None
    store = connection.sf.createRawFileStore()
    try:
        store.setFileId(file.id)
        for offset in range(0, file.size, PART_BYTES):
            # What is read beyond the end of a file comes back as zeros.
            part = bytes(store.read(offset, min(PART_BYTES, file.size - offset)))
            if hasher:
                hasher.update(part)
            yield part
    finally:
        store.close()
    if hasher and hasher.hexdigest() != file.hash.lower():
        message = f"{file.name} does not have the checksum that the server holds for it."
        hint = f"The server's OriginalFile:{file.id} is damaged; its administrator may have a copy."
        raise PyomeroError(
            message,
            hint=hint,
            problems=(Problem("error", "attachment-differs", file.name, message, hint),),
        )


def _files(connection: Connection, annotations: list[Any]) -> dict[int, Any]:
    """Return the FileAnnotations among annotations, by id, with their files."""
    ids = sorted({a.id.val for a in annotations if _kind(a) == "FileAnnotation"})
    found = {}
    for first in range(0, len(ids), AT_ONCE):
        rows = connection.query.findAllByQuery(
            "select f from FileAnnotation f join fetch f.file o left outer join fetch o.hasher "
            "where f.id in (:ids)",
            parameters(ids=ids[first : first + AT_ONCE]),
        )
        found.update({row.id.val: row for row in rows})
    return found


def _said(annotations: list[Any], files: dict[int, Any]) -> Said:
    tags, maps, remarks = [], [], []
    tables: list[Attachment] = []
    attachments: list[Attachment] = []
    for annotation in annotations:
        kind, namespace = _kind(annotation), text_of(annotation.ns)
        description = text_of(annotation.description)
        identifier = annotation.id.val
        if kind == "TagAnnotation":
            tags.append(Tag(identifier, text_of(annotation.textValue), description, namespace))
        elif kind == "MapAnnotation":
            maps.append(KeyValues(identifier, namespace, tuple(pairs_of(annotation))))
        elif kind == "FileAnnotation":
            file = _attachment(files[identifier].file, namespace=namespace, description=description)
            (tables if file.mimetype == TABLE_TYPE else attachments).append(file)
        else:
            value = _value(annotation)
            if value is not None:
                remarks.append(Remark(kind, value, namespace))
    return Said(tuple(tags), tuple(maps), tuple(tables), tuple(attachments), tuple(remarks))


def _attachment(
    file: Any, *, folder: str | None = None, namespace: str = "", description: str = ""
) -> Attachment:
    return Attachment(
        id=file.id.val,
        name=text_of(file.name),
        folder=text_of(file.path) if folder is None else folder,
        size=unwrap(file.size) or 0,
        hasher="" if file.hasher is None else text_of(file.hasher.value),
        hash=text_of(file.hash),
        mimetype=text_of(file.mimetype),
        namespace=namespace,
        description=description,
    )


def _value(annotation: Any) -> str | int | float | bool | None:
    """Return what an annotation says that is a single value."""
    for name in ("textValue", "longValue", "doubleValue", "boolValue", "termValue", "timeValue"):
        if hasattr(annotation, name):
            value: str | int | float | bool | None = unwrap(getattr(annotation, name))
            return value
    return None


def _kind(annotation: Any) -> str:
    return type(annotation).__name__.removesuffix("I")
