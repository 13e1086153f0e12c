"""All that a group holds on a server, without ids and moments: equal where two runs left the same."""

from collections import Counter
from typing import Any

import omero.sys

from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.provenance import MADE_AT

COUNTED = [
    "Project",
    "Dataset",
    "Image",
    "Pixels",
    "Channel",
    "LogicalChannel",
    "StatsInfo",
    "PlaneInfo",
    "Instrument",
    "Detector",
    "DetectorSettings",
    "StageLabel",
    "TagAnnotation",
    "MapAnnotation",
    "FileAnnotation",
    "OriginalFile",
    "ProjectDatasetLink",
    "DatasetImageLink",
    "DatasetAnnotationLink",
    "ImageAnnotationLink",
    "ChannelAnnotationLink",
    "RenderingDef",
    "ChannelBinding",
    "Thumbnail",
]
_TEXTS = {
    "project": "select p.name from Project p where {own}",
    "dataset": "select p.name, p.description from Dataset p where {own}",
    "image": "select p.name, p.description from Image p where {own}",
    "pixels": "select p.sha1, p.physicalSizeX.value, p.timeIncrement.value from Pixels p where {own}",
    "channel": "select p.red, p.green, p.blue, p.logicalChannel.name from Channel p where {own}",
    "range": "select p.globalMin, p.globalMax from StatsInfo p where {own}",
    "plane": "select p.theT, p.theC, p.theZ, p.deltaT.value, p.exposureTime.value from PlaneInfo p where {own}",
    "tag": "select p.textValue from TagAnnotation p where {own}",
    "file": "select p.name, p.path, p.mimetype, p.hash from OriginalFile p where {own}",
    "attached": "select p.parent.name, p.child.ns from DatasetAnnotationLink p where {own}",
    "attached to image": "select p.parent.name, p.child.ns from ImageAnnotationLink p where {own}",
    "window": "select p.inputStart, p.inputEnd, p.active from ChannelBinding p where {own}",
}


def count(conn: Connection, cls: str) -> int:
    """Return how many objects of a class the group holds."""
    return int(_ask(conn, f"select count(p) from {cls} p where {{own}}")[0][0])


def world(conn: Connection) -> Counter[Any]:
    """Return what the group holds, each thing with how many there are."""
    found: Counter[Any] = Counter({cls: count(conn, cls) for cls in COUNTED})
    for what, query in _TEXTS.items():
        found.update((what, *row) for row in _ask(conn, query))
    maps = conn.query.findAllByQuery(
        "select a from MapAnnotation a where a.details.group.id = :group", _group(conn)
    )
    for annotation in maps:
        pairs = tuple((p.name, p.value) for p in annotation.getMapValue() if p.name != MADE_AT)
        found[("key-values", annotation.ns.val, pairs)] += 1
    return found


def _ask(conn: Connection, query: str) -> list[tuple[Any, ...]]:
    rows = conn.query.projection(query.format(own="p.details.group.id = :group"), _group(conn))
    return [tuple(None if cell is None else cell.val for cell in row) for row in rows]


def _group(conn: Connection) -> Any:
    return omero.sys.ParametersI().addLong("group", conn.group.id)
