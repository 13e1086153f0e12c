"""Projects and Datasets: found where they are there, made where they are not.

Stands above `provenance`. A Dataset, its place in a Project and the note of what is being uploaded into it come in one
transaction, so a run that is killed leaves all of it or nothing, and the next run finds it by the upload's key.
"""

from typing import Any

import omero.model
from omero.rtypes import rstring

from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import Plan
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.objects import annotation_link, parameters, server_text
from pyomero_upload.targets.omero.provenance import dataset_provenance, find_uploads
from pyomero_upload.targets.omero.settling import settle


def ensure_project(conn: Connection, name: str) -> int:
    """Return the id of the user's own Project of that name in the session's group; made where there is none."""
    name = server_text(name)
    found = _projects(conn, name)
    if found:
        return found[0]
    project = omero.model.ProjectI()
    project.name = rstring(name)
    made = int(conn.update.saveAndReturnObject(project).id.val)
    return settle(conn, "Project", made, lambda: _projects(conn, name))


def ensure_dataset(conn: Connection, plan: Plan, *, key: str, project: int | None) -> int:
    """Return the id of the Dataset that an upload goes into; made where there is none.

    Parameters
    ----------
    conn
        The session.
    plan
        What is said of the Dataset.
    key
        The upload's: a Dataset that says so in its provenance is taken.
    project
        The id of the Project that it is put into; None: into none.

    """
    begun = find_uploads(conn, key=key)
    if begun:
        if project is not None:
            _put_into(conn, begun[0].dataset_id, project)
        return begun[0].dataset_id
    dataset = omero.model.DatasetI()
    dataset.name = rstring(server_text(plan.dataset.name))
    dataset.description = rstring(server_text(plan.dataset.description))
    if project is not None:
        dataset.linkProject(omero.model.ProjectI(project, False))
    dataset.linkAnnotation(dataset_provenance(plan, key))
    made = int(conn.update.saveAndReturnObject(dataset).id.val)
    return settle(
        conn,
        "Dataset",
        made,
        lambda: [record.dataset_id for record in find_uploads(conn, key=key)],
    )


def use_dataset(conn: Connection, dataset_id: int, plan: Plan, *, key: str) -> int:
    """Return the id of an existing Dataset, after noting on it what is being uploaded into it.

    Its name, its description and its place stay as they are.

    Raises
    ------
    PyomeroError
        If there is no such Dataset in the session's group, or the user may not put Images into it.

    """
    if any(record.dataset_id == dataset_id for record in find_uploads(conn, key=key)):
        return dataset_id
    found = conn.query.findAllByQuery(
        "select d from Dataset d where d.id = :id", parameters(id=dataset_id)
    )
    if not found:
        raise PyomeroError(
            f"There is no Dataset:{dataset_id} that {conn.user.name} can see in the group {conn.group.name}.",
            hint="Look up its number and its group in OMERO.web; --group says which group to work in.",
        )
    if not _may_link(found[0]):
        raise PyomeroError(
            f"{conn.user.name} may not put Images into Dataset:{dataset_id}, which belongs to somebody else.",
            hint="Leave --into away to get a Dataset of your own, or ask its owner.",
        )
    conn.update.saveObject(annotation_link("Dataset", dataset_id, dataset_provenance(plan, key)))
    return dataset_id


def _projects(conn: Connection, name: str) -> list[int]:
    """Return the user's own Projects of that name in the session's group, the oldest first."""
    rows = conn.query.projection(
        "select p.id from Project p where p.name = :name and p.details.owner.id = :me"
        " and p.details.group.id = :group order by p.id",
        parameters(name=name, me=conn.user.id, group=conn.group.id),
    )
    return [int(row[0].val) for row in rows]


def _may_link(obj: Any) -> bool:
    return bool(obj.details.permissions.canLink())


def _put_into(conn: Connection, dataset_id: int, project_id: int) -> None:
    """Link a Dataset to a Project unless it is."""
    found = conn.query.projection(
        "select l.id from ProjectDatasetLink l where l.parent.id = :project and l.child.id = :dataset",
        parameters(project=project_id, dataset=dataset_id),
    )
    if not found:
        link = omero.model.ProjectDatasetLinkI()
        link.parent = omero.model.ProjectI(project_id, False)
        link.child = omero.model.DatasetI(dataset_id, False)
        conn.update.saveObject(link)
