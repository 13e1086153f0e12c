"""What holds for every object on the server: the texts and pixels it can store, annotations that hang on it, its deletion.

Stands above `connection` and below all modules of this room that make something.
"""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import omero
import omero.cmd
import omero.model
import omero.sys
from omero.rtypes import rlong, rstring

from pyomero_upload.targets.omero.connection import Connection

Kind: TypeAlias = Literal["Project", "Dataset", "Image", "Channel"]
# The server's names of NumPy's types (enumeration PixelsType). What is not here it cannot hold.
PIXEL_TYPES = {
    "int8": "int8",
    "int16": "int16",
    "int32": "int32",
    "uint8": "uint8",
    "uint16": "uint16",
    "uint32": "uint32",
    "float32": "float",
    "float64": "double",
}
# A deletion of many files takes a while; the wait ends as soon as it is done.
_WAIT_MS, _WAITS = 500, 1200


def server_text(text: str) -> str:
    r"""Return a text as the server stores it.

    NUL, which PostgreSQL refuses, becomes U+FFFD; bytes of a file name that are no text become `\udc..`; all else of
    Unicode stays.
    """
    return text.replace("\0", "\ufffd").encode("utf-8", "backslashreplace").decode("utf-8")


def parameters(**values: int | str | Sequence[int] | Sequence[str]) -> Any:
    """Return the named parameters of a query: numbers, texts, or lists of either (not empty)."""
    made = omero.sys.ParametersI()
    for name, value in values.items():
        if isinstance(value, int):
            made.add(name, rlong(value))
        elif isinstance(value, str):
            made.add(name, rstring(value))
        elif all(isinstance(item, int) for item in value):
            made.addLongs(name, list(value))
        else:
            made.add(name, omero.rtypes.wrap(list(value)))
    return made


def text_of(value: Any) -> str:
    """Return the text of an RString; nothing is the empty text."""
    return "" if value is None or value.val is None else str(value.val)


def annotation_link(kind: Kind, object_id: int, annotation: Any) -> Any:
    """Return a new link from an object to an annotation, to be saved."""
    link = getattr(omero.model, f"{kind}AnnotationLinkI")()
    link.parent = getattr(omero.model, f"{kind}I")(object_id, False)
    link.child = annotation
    return link


def linked_annotations(conn: Connection, kind: Kind, object_id: int, annotation: str) -> list[Any]:
    """Return the annotations of a class that are linked to an object, in the order of their ids.

    Parameters
    ----------
    conn
        The session.
    kind, object_id
        The object.
    annotation
        `TagAnnotation`, `MapAnnotation` or `FileAnnotation`; the last comes with its OriginalFile.

    """
    fetch = " left outer join fetch a.file" if annotation == "FileAnnotation" else ""
    return list(
        conn.query.findAllByQuery(
            f"select a from {annotation} a{fetch} where a.id in"  # noqa: S608 - words of our own
            f" (select l.child.id from {kind}AnnotationLink l where l.parent.id = :id)"
            " order by a.id",
            parameters(id=object_id),
        )
    )


def pairs_of(annotation: Any) -> list[tuple[str, str]]:
    """Return the key-value pairs of a MapAnnotation."""
    return [(pair.name or "", pair.value or "") for pair in annotation.getMapValue() or ()]


def map_annotation(namespace: str, pairs: Sequence[tuple[str, str]]) -> Any:
    """Return a new MapAnnotation, to be saved."""
    annotation = omero.model.MapAnnotationI()
    annotation.ns = rstring(namespace)
    set_pairs(annotation, pairs)
    return annotation


def set_pairs(annotation: Any, pairs: Sequence[tuple[str, str]]) -> None:
    """Put key-value pairs into a MapAnnotation in place of those it has."""
    annotation.setMapValue(
        [omero.model.NamedValue(server_text(key), server_text(value)) for key, value in pairs]
    )


def delete(conn: Connection, kind: str, ids: Sequence[int], *, keep: Sequence[str] = ()) -> None:
    """Delete objects with all that belongs to them alone, and wait until it is done.

    Those that are gone already are as good as deleted: where the connection drops, the server goes on with a deletion that
    is then asked for again.

    Parameters
    ----------
    conn
        The session.
    kind, ids
        Which objects.
    keep
        Kinds of which nothing is deleted with them.

    Raises
    ------
    omero.CmdError
        If one of them may not be deleted; then none is.

    """
    left = list(ids)
    while left:
        below = [omero.cmd.graphs.ChildOption(excludeType=list(keep))] if keep else []
        request = omero.cmd.Delete2(targetObjects={kind: left}, childOptions=below)
        try:
            callback = conn.client.submit(request, loops=_WAITS, ms=_WAIT_MS, failontimeout=True)
        except omero.CmdError:
            there = _there(conn, kind, left)
            if len(there) == len(left):
                raise
            left = there
        else:
            callback.close(True)
            return


def _there(conn: Connection, kind: str, ids: Sequence[int]) -> list[int]:
    hql = f"select o.id from {kind} o where o.id in (:ids)"  # noqa: S608  # kinds are ours
    rows = conn.query.projection(hql, parameters(ids=ids))
    return [int(row[0].val) for row in rows]
