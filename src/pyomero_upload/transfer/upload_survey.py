"""What of a plan is on a server already; nothing is made.

Beside `upload`, for its dry run.
"""

from dataclasses import dataclass

from pyomero_upload.model import Plan
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.provenance import find_uploads, image_records


@dataclass(frozen=True, slots=True)
class Survey:
    """What of a plan is there.

    Attributes
    ----------
    dataset_id
        The Dataset that an upload of this plan made or began to fill; None where there is none.
    complete
        Names of images that are complete there.
    to_make
        Names of those that an upload would make.

    """

    dataset_id: int | None
    complete: tuple[str, ...]
    to_make: tuple[str, ...]


def survey(plan: Plan, connection: Connection, into: int | None = None) -> Survey:
    """Look for what an earlier upload of the plan made; `into` names the Dataset that it would go into."""
    records = find_uploads(connection, key=plan.digest)
    ids = [record.dataset_id for record in records if into in {None, record.dataset_id}]
    names = [image.name for image in plan.images]
    if not ids:
        return Survey(into, (), tuple(names))
    there = image_records(connection, ids[0], key=plan.digest)
    complete = {name for name, record in there.items() if record.complete}
    return Survey(
        ids[0],
        tuple(name for name in names if name in complete),
        tuple(name for name in names if name not in complete),
    )
