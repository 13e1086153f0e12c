"""What is said about Datasets and Images: tags, key-values, and with `tables` and `attachments` all that a plan says.

Stands above `objects`, `tables` and `attachments`. Everything that is there already is found and taken, so an upload that
was interrupted, or is run again, annotates nothing twice.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import omero.model
from omero.rtypes import rstring

from pyomero_upload.model import Dataset, Hypercube, Plan, Problem
from pyomero_upload.planning.images import position_key
from pyomero_upload.targets.omero.attachments import ORIGINAL_NAMESPACE, add_attachment
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.objects import (
    Kind,
    annotation_link,
    linked_annotations,
    map_annotation,
    pairs_of,
    parameters,
    server_text,
    text_of,
)
from pyomero_upload.targets.omero.settling import settle
from pyomero_upload.targets.omero.tables import add_table, table_columns

# Key-values under this name can be edited in OMERO's clients (omero.constants.metadata.NSCLIENTMAPANNOTATION).
CLIENT_NAMESPACE = "openmicroscopy.org/omero/client/mapAnnotation"
# No table of positions is longer, and longer ones are not worth looking at for each Image.
_MOST_POSITIONS = 10_000
# A TagAnnotation under this name is a set of tags, not a tag.
_TAG_SET = "openmicroscopy.org/omero/insight/tagset"


def annotate(
    conn: Connection,
    dataset_id: int,
    plan: Plan,
    images: Mapping[str, int] | None = None,
    *,
    original: Callable[[str], Iterable[bytes]] | None = None,
) -> None:
    """Say on a Dataset, and on its Images, all that a plan says of them besides the pixels.

    Parameters
    ----------
    conn
        The session.
    dataset_id
        The Dataset.
    plan
        What to say.
    images
        For the name of an image in the plan: the Image's id; those that are not here get nothing.
    original
        Gives the bytes of an attachment of the plan, in parts; None: they are files in its folder.

    Raises
    ------
    PyomeroError
        If a file cannot be read or does not arrive whole.

    """
    add_tags(conn, "Dataset", dataset_id, plan.dataset.tags)
    add_key_values(conn, "Dataset", dataset_id, dataset_key_values(plan.dataset))
    for table in plan.dataset.tables:
        if len(table.frame.columns) > 0:
            add_table(conn, "Dataset", dataset_id, table.frame, table.name)
    for path in plan.dataset.attachments:
        add_attachment(
            conn,
            "Dataset",
            dataset_id,
            partial(original, path) if original else plan.source.folder / path,
            path,
            namespace=ORIGINAL_NAMESPACE,
        )
    for image in plan.images:
        image_id = (images or {}).get(image.name)
        if image_id is not None:
            add_key_values(conn, "Image", image_id, image_key_values(plan.dataset, image))


def add_tags(conn: Connection, kind: Kind, object_id: int, tags: Iterable[str]) -> list[int]:
    """Tag an object, with tags of the same text where the user may use them, in one transaction.

    Parameters
    ----------
    conn
        The session.
    kind, object_id
        The object.
    tags
        Their texts; blanks around them do not count, empty ones are left out.

    Returns
    -------
    list of int
        The ids of the tags, in the order of the texts.

    """
    texts = list(dict.fromkeys(filter(None, (server_text(tag).strip() for tag in tags))))
    if not texts:
        return []
    there = {
        text_of(tag.textValue): tag
        for tag in linked_annotations(conn, kind, object_id, "TagAnnotation")
        if text_of(tag.ns) != _TAG_SET
    }
    usable = _usable_tags(conn, [text for text in texts if text not in there])
    made = {text for text in texts if text not in there and text not in usable}
    links = [
        annotation_link(kind, object_id, usable.get(text) or _new_tag(text))
        for text in texts
        if text not in there
    ]
    if links:
        for link in conn.update.saveAndReturnArray(links):
            there[text_of(link.child.textValue)] = link.child
    ids = {text: int(there[text].id.val) for text in texts}
    for text in texts:
        if text in made:
            ids[text] = _settled_tag(conn, kind, object_id, text, ids[text])
    return [ids[text] for text in texts]


def add_key_values(
    conn: Connection,
    kind: Kind,
    object_id: int,
    pairs: Iterable[tuple[str, object]],
    namespace: str = CLIENT_NAMESPACE,
) -> int | None:
    """Give an object key-values, in their order; the same ones under the same name space are taken where they are there.

    Returns
    -------
    int or None
        The id of the MapAnnotation; None where there are no pairs.

    """
    wanted = [(server_text(str(key)), server_text(str(value))) for key, value in pairs]
    if not wanted:
        return None
    for annotation in linked_annotations(conn, kind, object_id, "MapAnnotation"):
        if text_of(annotation.ns) == namespace and pairs_of(annotation) == wanted:
            return int(annotation.id.val)
    new = annotation_link(kind, object_id, map_annotation(namespace, wanted))
    return int(conn.update.saveAndReturnObject(new).child.id.val)


def dataset_key_values(dataset: Dataset) -> list[tuple[str, str]]:
    """Return the key-values of a Dataset: those of the plan, and the authors, which OMERO has no other place for."""
    authors = [("Author", author) for author in dataset.authors]
    return [*dataset.key_values, *(pair for pair in authors if pair not in dataset.key_values)]


def image_key_values(dataset: Dataset, image: Hypercube) -> list[tuple[str, str]]:
    """Return the key-values of an Image: the rows of tables that have a row for each position, and are about this one.

    A column has the name that it has in the table; one that holds the exposures of a channel, whose name it has, says so.
    """
    pairs = []
    exposures = {channel.name: channel.exposure_ms for channel in image.channels}
    mine = position_key(image.name)
    for table in dataset.tables:
        frame = table.frame
        if not 0 < len(frame) <= _MOST_POSITIONS or frame.columns.empty:
            continue
        keys = [position_key(str(value)) for value in frame.iloc[:, 0]]
        if keys.count(mine) == 1:
            row = keys.index(mine)
            cells = [column.values[row] for column in table_columns(frame)]
            pairs += [
                (
                    f"Exposure of {name} (ms)" if exposures.get(name) == cell else str(name),
                    str(cell),
                )
                for name, cell in list(zip(frame.columns, cells, strict=True))[1:]
                if str(cell) not in {"", "nan"}
            ]
    return pairs


def text_problems(plan: Plan) -> tuple[Problem, ...]:
    """Return a warning for each text of a plan that the server cannot store as it is."""
    texts = {
        "name": [plan.dataset.name],
        "description": [plan.dataset.description],
        "tags": plan.dataset.tags,
        "key-values": [text for pair in dataset_key_values(plan.dataset) for text in pair],
        "names of images": [image.name for image in plan.images],
        "names of channels": [c.title for image in plan.images for c in image.channels],
    }
    return tuple(
        Problem(
            "warning",
            "unstorable-text",
            where,
            f"{text!r} holds characters that OMERO cannot store; they are replaced.",
            "Remove them from the metadata to choose the text yourself.",
        )
        for where, found in texts.items()
        for text in dict.fromkeys(found)
        if server_text(text) != text
    )


def _settled_tag(conn: Connection, kind: Kind, object_id: int, text: str, made: int) -> int:
    """Return the tag that an object has, where another machine made one of the same text at the same moment."""
    first = settle(
        conn, "TagAnnotation", made, lambda: [tag.id.val for tag in _all_usable_tags(conn, [text])]
    )
    if first != made:
        tag = omero.model.TagAnnotationI(first, False)
        conn.update.saveObject(annotation_link(kind, object_id, tag))
    return first


def _usable_tags(conn: Connection, texts: Sequence[str]) -> dict[str, Any]:
    """Return tags of these texts that the user may link: own ones before those of others, older before newer."""
    usable = _all_usable_tags(conn, texts)
    usable.sort(key=lambda tag: _is_own(conn, tag))
    return {text_of(tag.textValue): tag for tag in usable}


def _all_usable_tags(conn: Connection, texts: Sequence[str]) -> list[Any]:
    """Return all tags of these texts that the user may link, the newest first."""
    if not texts:
        return []
    found = conn.query.findAllByQuery(
        "select t from TagAnnotation t where t.textValue in (:texts)"
        " and t.details.group.id = :group order by t.id desc",
        parameters(texts=texts, group=conn.group.id),
    )
    return [tag for tag in found if text_of(tag.ns) != _TAG_SET and _may_link(conn, tag)]


def _may_link(conn: Connection, tag: Any) -> bool:
    # A member of a read-annotate group may hang others' tags on things without having the right to link in general.
    permissions = tag.details.permissions
    return _is_own(conn, tag) or permissions.canLink() or permissions.canAnnotate()


def _is_own(conn: Connection, tag: Any) -> bool:
    return bool(tag.details.owner.id.val == conn.user.id)


def _new_tag(text: str) -> Any:
    tag = omero.model.TagAnnotationI()
    tag.textValue = rstring(text)
    return tag
