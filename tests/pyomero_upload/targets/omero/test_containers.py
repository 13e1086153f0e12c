"""Projects and Datasets on a server: made once, whatever happens."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from omero.gateway import BlitzGateway
from omero.rtypes import rstring

from killed import killed_everywhere
from omero_world import count
from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import Plan
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.containers import ensure_dataset, ensure_project, use_dataset
from pyomero_upload.targets.omero.provenance import NAMESPACE, find_uploads


def dataset_of(conn: Connection, dataset_id: int) -> Any:
    return BlitzGateway(client_obj=conn.client).getObject("Dataset", dataset_id)


def test_a_project_is_made_once(conn: Connection) -> None:
    assert ensure_project(conn, "Salt") == ensure_project(conn, "Salt")
    assert ensure_project(conn, "salt") != ensure_project(conn, "Salt")
    assert count(conn, "Project") == 2


def test_of_several_own_projects_of_the_name_the_oldest_is_taken(
    conn: Connection,
) -> None:
    first = ensure_project(conn, "Salt")
    project = conn.query.get("Project", ensure_project(conn, "Sugar"))
    project.name = rstring("Salt")
    conn.update.saveObject(project)

    assert ensure_project(conn, "Salt") == first


def test_a_colleagues_project_of_the_name_is_not_taken(omero_new_user: Callable[..., Any]) -> None:
    colleague = omero_new_user(permissions="rwrw--")
    clients = [colleague.log_in(), omero_new_user(group=colleague.group).log_in()]
    theirs, mine = (Connection.over(client) for client in clients)

    assert ensure_project(theirs, "Salt") != ensure_project(mine, "Salt")
    for client in clients:
        client.closeSession()


def test_a_dataset_comes_with_its_project_its_description_and_its_provenance(
    conn: Connection, plan: Plan
) -> None:
    project = ensure_project(conn, "Salt")
    made = dataset_of(conn, ensure_dataset(conn, plan, key="abc", project=project))

    assert (made.getName(), made.getDescription()) == ("Yeast", "A test")
    assert [parent.getId() for parent in made.listParents()] == [project]
    said = dict(made.getAnnotation(NAMESPACE).getValue())
    assert said["Tool"] == "PyOmeroUpload"
    assert said["Tool DOI"].startswith("https://doi.org/10.12688/")
    assert said["Source folder"] == str(plan.source.folder)
    assert (said["Plan digest"], said["State"]) == ("abc", "incomplete")
    assert said["Images planned"] == "1"
    assert "T" in said["Made at"]


def test_without_a_project_it_lies_nowhere(conn: Connection, plan: Plan) -> None:
    made = dataset_of(conn, ensure_dataset(conn, plan, key="abc", project=None))

    assert made.getName() == plan.dataset.name
    assert list(made.listParents()) == []


def test_the_same_upload_finds_its_dataset_and_another_does_not(
    conn: Connection, plan: Plan
) -> None:
    first = ensure_dataset(conn, plan, key="abc", project=None)

    assert ensure_dataset(conn, plan, key="abc", project=None) == first
    assert ensure_dataset(conn, plan, key="abd", project=None) != first
    assert count(conn, "Dataset") == 2


def test_a_dataset_that_is_there_is_put_into_the_project_that_is_asked_for_now(
    conn: Connection, plan: Plan
) -> None:
    first = ensure_dataset(conn, plan, key="abc", project=None)
    project = ensure_project(conn, "Salt")
    for _ in range(2):
        assert ensure_dataset(conn, plan, key="abc", project=project) == first

    assert [p.getId() for p in dataset_of(conn, first).listParents()] == [project]


def test_without_provenance_there_is_still_what_is_needed_to_go_on(
    conn: Connection, plan: Plan
) -> None:
    bare = replace(plan, provenance=())
    made = ensure_dataset(conn, bare, key="abc", project=None)

    said = dict(dataset_of(conn, made).getAnnotation(NAMESPACE).getValue())
    assert set(said) == {"Plan digest", "State", "Images planned"}
    assert ensure_dataset(conn, bare, key="abc", project=None) == made


@pytest.mark.parametrize("title", ["a\0b", "\udcff", "π\N{MICROSCOPE}" * 300, ""])
def test_every_title_can_be_stored(conn: Connection, plan: Plan, title: str) -> None:
    odd = replace(plan, dataset=replace(plan.dataset, name=title, description=title))
    made = dataset_of(conn, ensure_dataset(conn, odd, key="abc", project=None))

    kept = {"a\0b": "a\N{REPLACEMENT CHARACTER}b", "\udcff": r"\udcff"}
    assert made.getName() == kept.get(title, title)


def test_an_upload_into_a_dataset_leaves_its_name_and_is_noted_on_it_once(
    conn: Connection, plan: Plan
) -> None:
    collection = replace(plan, dataset=replace(plan.dataset, name="Collection"))
    other = ensure_dataset(conn, collection, key="older", project=None)
    for _ in range(2):
        assert use_dataset(conn, other, plan, key="abc") == other

    assert dataset_of(conn, other).getName() == "Collection"
    assert [record.key for record in find_uploads(conn)] == ["older", "abc"]


def test_a_dataset_that_does_not_exist_is_refused_by_number(conn: Connection, plan: Plan) -> None:
    with pytest.raises(PyomeroError, match="There is no Dataset:999999 that user-"):
        use_dataset(conn, 999999, plan, key="abc")


def test_a_colleagues_dataset_is_refused_where_the_group_does_not_let_one_add_images(
    omero_new_user: Callable[..., Any], plan: Plan
) -> None:
    owner = omero_new_user(permissions="rwra--")
    clients = [owner.log_in(), omero_new_user(group=owner.group).log_in()]
    theirs, mine = (Connection.over(client) for client in clients)
    dataset = ensure_dataset(theirs, plan, key="abc", project=None)

    with pytest.raises(PyomeroError, match=f"may not put Images into Dataset:{dataset}"):
        use_dataset(mine, dataset, plan, key="abc")
    assert find_uploads(mine) == []
    for client in clients:
        client.closeSession()


def test_killed_at_any_moment_and_run_again_there_is_one_of_each(
    plan: Plan, new_connection: Callable[[], Connection]
) -> None:
    def run(conn: Connection) -> None:
        made = ensure_dataset(conn, plan, key="abc", project=ensure_project(conn, "Salt"))
        use_dataset(conn, made, plan, key="another")

    for calls, left, wanted in killed_everywhere(run, new_connection):
        assert left == wanted, f"killed after {calls} calls"
        assert left["Dataset"] == 1
