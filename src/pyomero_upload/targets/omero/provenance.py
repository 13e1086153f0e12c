"""What is written on Datasets and Images about their making, and how it is found again.

Stands above `objects`; `containers` and `images` write what is made here in the transaction that makes the thing itself. It
is a MapAnnotation in the tool's namespace, and on the server it is all there is to go on: the upload's key, what each
Image was made from, and whether it is complete.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omero.rtypes import rstring

from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import Hypercube, Plan
from pyomero_upload.planning.provenance import NAMESPACE, dated
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.objects import (
    map_annotation,
    pairs_of,
    parameters,
    server_text,
    set_pairs,
    text_of,
)
from pyomero_upload.version import __version__

KEY = "Plan digest"
STATE = "State"
COMPLETE, INCOMPLETE = "complete", "incomplete"
PLANNED = "Images planned"
SOURCE = "Source folder"
MADE_AT = "Made at"
IMAGE_NAME = "Image of the plan"
INPUTS, METADATA = "Inputs digest", "Metadata digest"
SHA1 = "SHA-1 of all planes"
CLOCK = "Acquired (microscope's clock)"
MISSING, MISSING_LISTED, BLANK = "Missing planes", "Missing planes (from 0)", "Planes left blank"
ZEROS = frozenset({MISSING, MISSING_LISTED, BLANK})
"""What is noted of planes that are zeros, as there was no file, or none that could be read."""
_LISTED = 50


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """An upload that the server knows of.

    Attributes
    ----------
    dataset_id, name
        The Dataset that it is in.
    key
        What was uploaded: the plan's digest.
    state
        `complete` or `incomplete`.
    planned_images, complete_images
        How many Images there will be, and how many are complete.
    source
        The folder it was made from; empty where the user wanted no provenance.
    made_at
        When it began, ISO 8601; empty where the user wanted no provenance.

    """

    dataset_id: int
    name: str
    key: str
    state: str
    planned_images: int
    complete_images: int
    source: str = ""
    made_at: str = ""

    @property
    def complete(self) -> bool:
        """Whether all of it is there."""
        return self.state == COMPLETE


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An Image that an upload made, or began to make.

    Attributes
    ----------
    image_id, pixels_id
        What it is on the server.
    name
        As in the plan, whatever it was renamed to on the server.
    key
        The upload's.
    inputs, metadata
        Digests of what it is made from and what is said of it.
    complete
        Whether all planes and all that is said of it are there.
    sha1
        Of all planes, as the server counted it; None where it is not complete.

    """

    image_id: int
    pixels_id: int
    name: str
    key: str
    inputs: str
    metadata: str
    complete: bool
    sha1: str | None


def dataset_provenance(plan: Plan, key: str) -> Any:
    """Return the annotation of a Dataset that an upload begins in, to be saved.

    What is needed to go on after a break is in it even where the user wants no provenance.
    """
    pairs = [pair for pair in dated(plan.provenance) if pair[0] != KEY]
    pairs += [(KEY, key), (STATE, INCOMPLETE), (PLANNED, str(len(plan.images)))]
    return map_annotation(NAMESPACE, pairs)


def image_provenance(image: Hypercube, *, key: str, inputs: str, metadata: str) -> Any:
    """Return the annotation of an Image that an upload begins to write, to be saved."""
    pairs = [
        ("Tool", "PyOmeroUpload"),
        ("Tool version", __version__),
        (IMAGE_NAME, image.name),
        (KEY, key),
        (INPUTS, inputs),
        (METADATA, metadata),
        (STATE, INCOMPLETE),
    ]
    if image.acquired is not None:
        pairs.append((CLOCK, image.acquired.isoformat()))
    if image.missing:
        planes = ", ".join(f"t{t} c{c} z{z}" for t, c, z in image.missing[:_LISTED])
        rest = len(image.missing) - _LISTED
        pairs.append((MISSING, str(len(image.missing))))
        pairs.append((MISSING_LISTED, planes + (f" and {rest} more" if rest > 0 else "")))
    return map_annotation(NAMESPACE, pairs)


def find_uploads(conn: Connection, *, key: str | None = None) -> list[UploadRecord]:
    """Return the user's own uploads in the session's group, in the order in which they were begun.

    Parameters
    ----------
    conn
        The session.
    key
        Of one upload alone: there are several where it was made into several Datasets.

    """
    links = conn.query.findAllByQuery(
        "select l from DatasetAnnotationLink l join fetch l.child a join fetch l.parent"  # noqa: S608 - words of our own
        f" where {_ours('a', key)} order by a.id",
        _ours_parameters(conn, key),
    )
    return [_upload(conn, link) for link in links]


def image_records(
    conn: Connection, dataset_id: int, *, key: str | None = None
) -> dict[str, ImageRecord]:
    """Return the Images in a Dataset that the user's uploads made, by their names in the plan, as `server_text` stores them.

    Parameters
    ----------
    conn
        The session.
    dataset_id
        The Dataset.
    key
        Those of one upload alone.

    Returns
    -------
    dict
        Where several have the name, a complete one comes before one that is not, the newest before older ones.

    """
    links = conn.query.findAllByQuery(
        "select l from ImageAnnotationLink l join fetch l.child a join fetch l.parent i"  # noqa: S608 - words of our own
        f" left outer join fetch i.pixels where {_ours('a', key)} and i.id in"
        " (select d.child.id from DatasetImageLink d where d.parent.id = :dataset)"
        " order by a.id",
        _ours_parameters(conn, key, dataset=dataset_id),
    )
    found = sorted((_record(link) for link in links), key=lambda r: (r.complete, r.image_id))
    return {record.name: record for record in found}


def incomplete_images(conn: Connection, *, key: str, name: str) -> list[int]:
    """Return the user's own Images whose provenance says that an upload began to make them and did not complete them.

    Parameters
    ----------
    conn
        The session.
    key, name
        The upload, and the Image's name in its plan.

    """
    return _noted(conn, key, name, INCOMPLETE)


def complete_images(conn: Connection, dataset_id: int, *, key: str, name: str) -> list[int]:
    """Return the user's own Images in a Dataset whose provenance says that an upload completed them; see `incomplete_images`."""
    inside = " and l.parent.id in (select d.child.id from DatasetImageLink d where d.parent.id = :dataset)"
    return _noted(conn, key, name, COMPLETE, inside, dataset=dataset_id)


def _noted(
    conn: Connection, key: str, name: str, state: str, inside: str = "", **more: int
) -> list[int]:
    rows = conn.query.projection(
        "select l.parent.id from ImageAnnotationLink l where l.child.id in"  # noqa: S608 - words of our own
        " (select a.id from MapAnnotation a join a.mapValue k join a.mapValue n join a.mapValue s"
        " where a.ns = :ns and a.details.owner.id = :me and k.name = :keyname and k.value = :key"
        " and n.name = :namename and n.value = :name and s.name = :statename and s.value = :state)"
        f"{inside}",
        parameters(
            ns=NAMESPACE,
            me=conn.user.id,
            keyname=KEY,
            key=key,
            namename=IMAGE_NAME,
            name=server_text(name),
            statename=STATE,
            state=state,
            **more,
        ),
    )
    return [int(row[0].val) for row in rows]


def mark_image(
    conn: Connection,
    image_id: int,
    *,
    key: str,
    sha1: str,
    description: str = "",
    metadata: str | None = None,
    pairs: Sequence[tuple[str, str]] = (),
) -> None:
    """Say of an Image that it is complete, and give it its description, in one transaction.

    Parameters
    ----------
    conn
        The session.
    image_id, key
        The Image, and the upload that made it.
    sha1
        Of all its planes, as the server counted it.
    description
        What it shall be described as.
    metadata
        The digest of what is said of it, where that is new.
    pairs
        What else there is to say of its making, e.g. planes that were left blank.

    """
    annotation = _annotation(conn, "Image", image_id, key)
    new = {STATE: COMPLETE, SHA1: sha1, **dict(pairs)}
    if metadata is not None:
        new[METADATA] = metadata
    set_pairs(annotation, _replaced(pairs_of(annotation), new))
    image = conn.query.get("Image", image_id)
    image.description = rstring(server_text(description))
    conn.update.saveArray([image, annotation])


def mark_dataset_complete(conn: Connection, dataset_id: int, *, key: str) -> None:
    """Say of a Dataset that all of an upload is in it."""
    carry_over(conn, "Dataset", dataset_id, key=key, new={STATE: COMPLETE})


def mark_dataset_incomplete(conn: Connection, dataset_id: int, *, key: str) -> None:
    """Say of a Dataset that something of an upload is (again) not in it."""
    carry_over(conn, "Dataset", dataset_id, key=key, new={STATE: INCOMPLETE})


def carry_over(
    conn: Connection, kind: str, object_id: int, *, key: str, new: Mapping[str, str]
) -> None:
    """Note something else on what an upload made.

    With another key it belongs to another plan of the same things: a folder grows, and text files are corrected.

    Parameters
    ----------
    conn
        The session.
    kind, object_id
        A Dataset or an Image.
    key
        The upload's until now.
    new
        What is to be noted instead, or besides.

    """
    annotation = _annotation(conn, kind, object_id, key)
    set_pairs(annotation, _replaced(pairs_of(annotation), dict(new)))
    conn.update.saveObject(annotation)


def _annotation(conn: Connection, kind: str, object_id: int, key: str) -> Any:
    """Return the provenance annotation of an object."""
    found = conn.query.findAllByQuery(
        f"select a from MapAnnotation a where {_ours('a', key)} and a.id in"  # noqa: S608 - words of our own
        f" (select l.child.id from {kind}AnnotationLink l where l.parent.id = :id) order by a.id",
        _ours_parameters(conn, key, id=object_id),
    )
    if not found:
        raise PyomeroError(
            f"{kind}:{object_id} no longer has the note of what made it.",
            hint="Somebody deleted it or its annotations on the server. Upload again: what is not recognised is"
            " made anew, and what is there stays as it is.",
        )
    return found[0]


def _ours(alias: str, key: str | None) -> str:
    """Return the condition for annotations that the user's own uploads made."""
    condition = f"{alias}.ns = :ns and {alias}.details.owner.id = :me"
    if key is not None:
        condition += (
            f" and {alias}.id in (select m.id from MapAnnotation m join m.mapValue pair"  # noqa: S608 - words of our own
            " where pair.name = :keyname and pair.value = :key)"
        )
    return condition


def _ours_parameters(conn: Connection, key: str | None, **more: int) -> Any:
    values: dict[str, int | str] = {"ns": NAMESPACE, "me": conn.user.id, **more}
    if key is not None:
        values.update(keyname=KEY, key=key)
    return parameters(**values)


def _upload(conn: Connection, link: Any) -> UploadRecord:
    said = dict(pairs_of(link.child))
    dataset_id, key = link.parent.id.val, said.get(KEY, "")
    images = image_records(conn, dataset_id, key=key)
    planned = said.get(PLANNED, "")
    return UploadRecord(
        dataset_id=dataset_id,
        name=text_of(link.parent.name),
        key=key,
        state=said.get(STATE, INCOMPLETE),
        planned_images=int(planned) if planned.isdecimal() else 0,
        complete_images=sum(record.complete for record in images.values()),
        source=said.get(SOURCE, ""),
        made_at=said.get(MADE_AT, ""),
    )


def _record(link: Any) -> ImageRecord:
    said, image = dict(pairs_of(link.child)), link.parent
    complete = said.get(STATE) == COMPLETE
    return ImageRecord(
        image_id=image.id.val,
        pixels_id=image.getPrimaryPixels().id.val,
        name=said.get(IMAGE_NAME, text_of(image.name)),
        key=said.get(KEY, ""),
        inputs=said.get(INPUTS, ""),
        metadata=said.get(METADATA, ""),
        complete=complete,
        sha1=said.get(SHA1) if complete else None,
    )


def _replaced(pairs: Iterable[tuple[str, str]], new: dict[str, str]) -> list[tuple[str, str]]:
    """Return pairs with new values for some keys; keys that were not there come last."""
    left = dict(new)
    kept = [(key, left.pop(key, value)) for key, value in pairs]
    return [*kept, *left.items()]
