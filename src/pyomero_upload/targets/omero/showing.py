"""All that is known of an object on the server as one document of plain types, for programs and for `pyomero show`.

Stands on `reading` and `said`. Indexes count from 0; what is not known is None. No pixels are read.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import Channel
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.reading import (
    Kind,
    ServerImage,
    ServerObject,
    children,
    clock,
    read_image,
    read_images,
    read_object,
)
from pyomero_upload.targets.omero.said import (
    Attachment,
    Said,
    read_all_annotations,
    read_annotations,
)
from pyomero_upload.targets.omero.table_frames import read_table

Json: TypeAlias = dict[str, Any]
# As many rows of a table as one looks at.
HEAD = 5


def document(connection: Connection, kind: Kind, identifier: int) -> Json:
    """Return all that is known of a Project, Dataset or Image.

    Parameters
    ----------
    connection
        Whom to ask.
    kind, identifier
        Which object.

    Returns
    -------
    dict
        Ready for `json.dumps`: `object`, `name`, `description`, `owner`, `group`, `url`, annotations under `tags`,
        `key_values`, `provenance`, `other_key_values`, `tables`, `attachments`, `remarks`; a Project's `datasets`, a
        Dataset's `images` and `problems` of Images that cannot be read, an Image's `sizes`, `dtype`, `channels` …

    Raises
    ------
    UsageError
        If there is none that the user may see in the group of the connection.

    """
    found = read_object(connection, kind, identifier)
    said = read_annotations(connection, kind, identifier)
    top = {
        **_object(found),
        "group": found.group,
        "url": connection.web_url(kind, identifier),
        **_said(connection, said, heads=True),
    }
    if kind == "Image":
        return {**top, **_image(read_image(connection, identifier), said)}
    inside = children(connection, kind, identifier)
    if kind == "Dataset":
        bad: list[PyomeroError] = []
        images = _images(connection, [image.id for image in inside], bad)
        return {**top, "images": images, "problems": [error.message for error in bad]}
    by_id = read_all_annotations(connection, "Dataset", [dataset.id for dataset in inside])
    datasets = [
        {
            **_object(dataset),
            **_said(connection, by_id[dataset.id], heads=False),
            "images": len(children(connection, "Dataset", dataset.id)),
        }
        for dataset in inside
    ]
    return {**top, "datasets": datasets}


def _object(found: ServerObject) -> Json:
    return {
        "object": f"{found.kind}:{found.id}",
        "name": found.name,
        "description": found.description,
        "owner": found.owner,
    }


def _images(connection: Connection, ids: Sequence[int], bad: list[PyomeroError]) -> list[Json]:
    by_id = read_all_annotations(connection, "Image", ids)
    return [
        {
            "object": image.where,
            "name": image.image.name,
            "description": image.description,
            "owner": image.owner,
            **_image(image, by_id[image.id]),
            **_said(connection, by_id[image.id], heads=False),
        }
        for image in read_images(connection, ids, planes=False, unreadable=bad)
    ]


def _image(found: ServerImage, said: Said) -> Json:
    image = found.image
    acquired = clock(said.provenance) or image.acquired
    return {
        "sizes": image.sizes._asdict(),
        "dtype": image.dtype,
        "complete": found.sha1 is not None,
        "sha1": found.sha1,
        "acquired": acquired.isoformat() if acquired else None,
        "physical_size_um": image.physical_size_um._asdict(),
        "time_increment_s": image.time_increment_s,
        "stage_position_um": image.stage._asdict(),
        "channels": [_channel(channel) for channel in image.channels],
    }


def _channel(channel: Channel) -> Json:
    return {
        "name": channel.title,
        "name_in_files": channel.name,
        "color": channel.color,
        "exposure_ms": channel.exposure_ms,
        "excitation_nm": channel.excitation_nm,
        "emission_nm": channel.emission_nm,
        "em_gain": channel.em_gain,
    }


def _said(connection: Connection, said: Said, *, heads: bool) -> Json:
    return {
        "tags": [tag.text for tag in said.tags],
        "key_values": [list(pair) for pair in said.key_values],
        "provenance": [list(pair) for pair in said.provenance],
        "other_key_values": [
            {"namespace": pairs.namespace, "pairs": [list(pair) for pair in pairs.pairs]}
            for pairs in said.other_maps
        ],
        "tables": [_table(connection, file, head=heads) for file in said.tables],
        "attachments": [_file(file) for file in said.attachments],
        "remarks": [
            {"kind": remark.kind, "namespace": remark.namespace, "value": remark.value}
            for remark in said.remarks
        ],
    }


def _file(file: Attachment) -> Json:
    return {
        "name": file.name,
        "folder": file.folder,
        "bytes": file.size,
        "sha1": file.sha1,
        "mimetype": file.mimetype,
    }


def _table(connection: Connection, file: Attachment, *, head: bool) -> Json:
    """Return a table's name and, where its head is wanted and the server can open it, columns and first rows."""
    if not head:
        return {"name": file.name}
    try:
        frame = read_table(connection, file.id, rows=HEAD)
    except PyomeroError as error:
        return {"name": file.name, "problem": error.message}
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    return {"name": file.name, "columns": [str(name) for name in frame.columns], "head": rows}


def _cell(value: Any) -> Any:
    """Return a value as JSON has it: NaN and infinities, which it does not have, as None and text."""
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, float) and plain != plain:  # noqa: PLR0124 - NaN alone is not itself
        return None
    if plain in {float("inf"), float("-inf")}:
        return str(plain)
    return plain if isinstance(plain, str | int | float | bool) or plain is None else str(plain)
