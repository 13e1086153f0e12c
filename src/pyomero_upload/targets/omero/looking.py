"""What an upload asks the server before it begins, and at its end: names, digests, and who is at work there.

Beside `provenance`. Who is at work is not written down anywhere, but seen: an Image that is not complete was made in a
session, and while that session is open whoever began it may be writing.
"""

import time
from collections.abc import Collection, Sequence

from omero.rtypes import unwrap

from pyomero_upload.model import Problem
from pyomero_upload.planning.provenance import NAMESPACE
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.objects import parameters, server_text
from pyomero_upload.targets.omero.provenance import INPUTS, UploadRecord, find_uploads
from pyomero_upload.targets.target import UnderWayError


def round_trip(conn: Connection) -> float:
    """Return the seconds that a call takes that does next to nothing: the shortest of three."""

    def once() -> float:
        started = time.perf_counter()
        conn.sf.keepAlive(None)
        return time.perf_counter() - started

    return min(once() for _ in range(3))


def dataset_name(conn: Connection, dataset_id: int) -> str:
    """Return the name of a Dataset."""
    rows = conn.query.projection(
        "select d.name from Dataset d where d.id = :id", parameters(id=dataset_id)
    )
    return str(unwrap(rows[0][0])) if rows else ""


def digests_of(conn: Connection, image_ids: Sequence[int]) -> dict[int, str]:
    """Return the SHA-1 that the server keeps of each of these Images."""
    if not image_ids:
        return {}
    rows = conn.query.projection(
        "select p.image.id, p.sha1 from Pixels p where p.image.id in (:ids)",
        parameters(ids=list(image_ids)),
    )
    return {int(unwrap(image)): str(unwrap(sha1)) for image, sha1 in rows}


def uploads_of_same(conn: Connection, name: str, inputs: Collection[str]) -> list[UploadRecord]:
    """Return the user's own uploads in Datasets of that name that hold an Image made of the same files.

    Parameters
    ----------
    conn
        The session.
    name
        Of the Dataset.
    inputs
        Digests of what the images of a plan are made from.

    """
    if not inputs:
        return []
    rows = conn.query.projection(
        "select distinct d.parent.id from DatasetImageLink d where d.parent.name = :name and d.child.id in"
        " (select l.parent.id from ImageAnnotationLink l where l.child.id in"
        " (select m.id from MapAnnotation m join m.mapValue v where m.ns = :ns and m.details.owner.id = :me"
        " and v.name = :what and v.value in (:inputs)))",
        parameters(
            name=server_text(name), ns=NAMESPACE, me=conn.user.id, what=INPUTS, inputs=list(inputs)
        ),
    )
    ids = {int(unwrap(row[0])) for row in rows}
    return [record for record in find_uploads(conn) if record.dataset_id in ids] if ids else []


def refuse_if_under_way(
    conn: Connection, half_written: Sequence[int], ours: Collection[int]
) -> None:
    """Refuse to touch half-written Images that somebody else may be writing.

    Parameters
    ----------
    conn
        The session.
    half_written
        Ids of Images that are not complete.
    ours
        Numbers of the sessions that this machine's runs of the upload had, besides that of `conn`.

    Raises
    ------
    UnderWayError
        If one of them was made in a session of somebody else's that is still open.

    """
    if not half_written:
        return
    rows = conn.query.projection(
        "select s.id, i.id from Image i join i.details.creationEvent e join e.session s"
        " where i.id in (:ids) and s.closed is null order by i.id",
        parameters(ids=list(half_written)),
    )
    for session, image_id in rows:
        if int(unwrap(session)) not in {conn.session_id, *ours}:
            raise under_way(unwrap(image_id), f" (number {unwrap(session)})")


def under_way(image_id: int, session: str = "") -> UnderWayError:
    """Return the error for an Image that somebody else is writing, in a session with a number."""
    message = f"Image:{image_id} of this upload is being written in another session{session}."
    hint = (
        "If the upload runs on another machine, wait until it is done. If it was cut off there, go on there, or run"
        " this again when its session is over: 10 minutes after its last call, unless the server says otherwise."
    )
    return UnderWayError(
        message,
        hint=hint,
        problems=(Problem("error", "upload-under-way", f"Image:{image_id}", message),),
    )
