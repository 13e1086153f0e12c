"""An upload whose plan has changed: a folder that grew, a file that was replaced, text files that were corrected.

Beside `upload`. What is on the server is not uploaded a second time: the Dataset of that name that holds an Image made of
the same files is gone on with. Images made of the same files stay; only what is new is made. What people may have
changed in OMERO is not overwritten, and differences are told.
"""

from collections.abc import Mapping

from pyomero_upload.errors import UsageError
from pyomero_upload.model import Hypercube, Plan, Problem
from pyomero_upload.targets.omero import images, provenance
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.looking import refuse_if_under_way, uploads_of_same
from pyomero_upload.targets.omero.objects import delete
from pyomero_upload.targets.omero.target import Digests
from pyomero_upload.transfer.upload_state import abandoned_sessions


def take_over(
    conn: Connection, plan: Plan, digests: Mapping[str, Digests], *, key: str, into: int | None
) -> tuple[Problem, ...]:
    """Have an earlier upload of the same things belong to this plan; calling it again changes nothing.

    Parameters
    ----------
    conn
        The session.
    plan
        Of this upload.
    digests
        Of its images, by name.
    key
        Of this upload.
    into
        The Dataset that it must be in; None: any of the same name.

    Returns
    -------
    tuple of Problem
        A warning that says what was taken over; nothing where nothing was.

    Raises
    ------
    UsageError
        If an Image was made of files that have changed since.
    PyomeroError
        If somebody is writing to it.

    """
    if any(into in {None, record.dataset_id} for record in provenance.find_uploads(conn, key=key)):
        return ()
    inputs = {digest.inputs for digest in digests.values()}
    earlier = [
        record
        for record in uploads_of_same(conn, plan.dataset.name, inputs)
        if into in {None, record.dataset_id}
    ]
    if not earlier:
        return ()
    record = earlier[-1]
    there = provenance.image_records(conn, record.dataset_id, key=record.key)
    for name, image in there.items():
        if image.complete and name in digests and image.inputs != digests[name].inputs:
            raise changed_input(record.dataset_id, image.image_id, name)
    half = [image.image_id for image in there.values() if not image.complete]
    refuse_if_under_way(conn, half, abandoned_sessions())
    delete(conn, "Image", half)
    wanted: dict[str, Hypercube] = {image.name: image for image in plan.images}
    for name, image in there.items():
        if image.complete and name in wanted:
            if image.metadata != digests[name].metadata:
                images.describe_image(conn, image.image_id, image.pixels_id, wanted[name], {})
            new = {provenance.KEY: key, provenance.METADATA: digests[name].metadata}
            provenance.carry_over(conn, "Image", image.image_id, key=record.key, new=new)
    new = {
        provenance.KEY: key,
        provenance.STATE: provenance.INCOMPLETE,
        provenance.PLANNED: str(len(plan.images)),
    }
    provenance.carry_over(conn, "Dataset", record.dataset_id, key=record.key, new=new)
    return (_taken_over(record.dataset_id, plan.dataset.name),)


def changed_input(dataset_id: int, image_id: int, name: str) -> UsageError:
    """Return the error for an Image that is complete and was made of other files than it would be today."""
    hint = "Delete that Image in OMERO to have it made again, or upload into a new Dataset with another --name."
    message = f"Dataset:{dataset_id} holds Image:{image_id} ({name}), whose input files have changed since."
    return UsageError(
        message, hint=hint, problems=(Problem("error", "upload-holds-other", name, message, hint),)
    )


def _taken_over(dataset_id: int, name: str) -> Problem:
    return Problem(
        "warning",
        "upload-changed",
        f"Dataset:{dataset_id}",
        f"The folder or its text files have changed since {name} was uploaded: what is new is added to Dataset:{dataset_id}, "
        "and nothing that is there is taken away.",
        "Compare with: pyomero verify Dataset:ID --against FOLDER. With another --name it becomes a new Dataset.",
    )
