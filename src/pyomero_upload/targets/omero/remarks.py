"""Remarks on an object, written: comments, ratings, numbers, terms.

Stands above `said`, which reads them.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import omero.model
from omero.rtypes import rbool, rdouble, rlong, rstring, rtime

from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.objects import Kind, annotation_link
from pyomero_upload.targets.omero.said import Remark, read_annotations

# How each class of a remark holds its value.
_VALUES: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "CommentAnnotation": ("textValue", rstring),
    "XmlAnnotation": ("textValue", rstring),
    "TermAnnotation": ("termValue", rstring),
    "LongAnnotation": ("longValue", rlong),
    "DoubleAnnotation": ("doubleValue", rdouble),
    "BooleanAnnotation": ("boolValue", rbool),
    "TimestampAnnotation": ("timeValue", rtime),
}


def add_remarks(conn: Connection, kind: Kind, object_id: int, remarks: Iterable[Remark]) -> None:
    """Make remarks on an object, in one transaction; the same ones are left as they are where they are there."""
    there = read_annotations(conn, kind, object_id).remarks
    links = [
        annotation_link(kind, object_id, _annotation(remark))
        for remark in remarks
        if remark not in there
    ]
    if links:
        conn.update.saveArray(links)


def _annotation(remark: Remark) -> Any:
    name, wrap = _VALUES[remark.kind]
    annotation = getattr(omero.model, f"{remark.kind}I")()
    setattr(annotation, name, wrap(remark.value))
    if remark.namespace:
        annotation.ns = rstring(remark.namespace)
    return annotation
