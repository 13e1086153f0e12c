"""Two machines of one user that make the same thing at the same moment: one of the two is there in the end.

The second machine does its part when the first has looked and found nothing, before it makes what it looked for.
"""

from collections.abc import Callable, Iterator
from typing import Any

import omero.model
import pytest
from omero.rtypes import rstring

from omero_world import count
from pyomero_upload.model import Plan
from pyomero_upload.targets.omero import images
from pyomero_upload.targets.omero.annotations import add_tags
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.containers import ensure_dataset, ensure_project
from pyomero_upload.targets.omero.objects import linked_annotations, text_of
from pyomero_upload.targets.omero.provenance import find_uploads, mark_image
from pyomero_upload.targets.omero.settling import settle
from pyomero_upload.targets.target import UnderWayError

Meanwhile = Callable[[Callable[[], object]], None]


class Interrupted:
    """A service before whose first call that makes something another machine does its part."""

    def __init__(self, service: Any, parts: list[Callable[[], object]]) -> None:
        self._service = service
        self._parts = parts

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("save", "createImage")) and self._parts:
            self._parts.pop()()
        return getattr(self._service, name)


@pytest.fixture
def machines(omero_new_user: Callable[..., Any]) -> Iterator[tuple[Connection, Connection]]:
    """Give two connections of one user."""
    user = omero_new_user()
    clients = [user.log_in(), user.log_in()]
    first, second = (Connection.over(client) for client in clients)
    yield first, second
    for client in clients:
        client.closeSession()


@pytest.fixture
def meanwhile(
    machines: tuple[Connection, Connection], monkeypatch: pytest.MonkeyPatch
) -> Meanwhile:
    """Give a function that has the second machine do something when the first is about to make something."""
    mine = machines[0]

    def arrange(part: Callable[[], object]) -> None:
        parts = [part]
        for name in ("update", "pixels"):
            monkeypatch.setattr(Connection, name, _interrupted(mine, name, parts))

    return arrange


def _interrupted(mine: Connection, name: str, parts: list[Callable[[], object]]) -> property:
    """Return a service of all connections that is an interrupted one for one of them."""
    real = getattr(Connection, name).fget
    between = Interrupted(real(mine), parts)
    return property(lambda conn: between if conn is mine else real(conn))


def test_a_project_is_there_once(
    machines: tuple[Connection, Connection], meanwhile: Meanwhile
) -> None:
    mine, other = machines
    theirs: list[int] = []
    meanwhile(lambda: theirs.append(ensure_project(other, "Salt")))
    assert [ensure_project(mine, "Salt")] == theirs
    assert count(mine, "Project") == 1


def test_a_dataset_is_there_once_with_its_provenance(
    machines: tuple[Connection, Connection], meanwhile: Meanwhile, plan: Plan
) -> None:
    mine, other = machines
    theirs: list[int] = []
    project = ensure_project(mine, "Salt")
    meanwhile(lambda: theirs.append(ensure_dataset(other, plan, key="abc", project=project)))
    assert [ensure_dataset(mine, plan, key="abc", project=project)] == theirs
    assert count(mine, "Dataset") == 1
    assert [record.dataset_id for record in find_uploads(mine, key="abc")] == theirs
    assert count(mine, "MapAnnotation") == 1


def test_a_tag_is_there_once_and_on_both(
    machines: tuple[Connection, Connection], meanwhile: Meanwhile
) -> None:
    mine, other = machines
    here, there = (_dataset(conn) for conn in machines)
    theirs: list[int] = []
    meanwhile(lambda: theirs.extend(add_tags(other, "Dataset", there, ["yeast"])))
    made = add_tags(mine, "Dataset", here, ["salt", "yeast"])
    assert made[1:] == theirs
    assert count(mine, "TagAnnotation") == 2
    for dataset, texts in ((here, {"salt", "yeast"}), (there, {"yeast"})):
        tags = linked_annotations(mine, "Dataset", dataset, "TagAnnotation")
        assert {text_of(tag.textValue) for tag in tags} == texts
    assert add_tags(mine, "Dataset", here, ["salt", "yeast"]) == made


def test_an_image_is_there_once_and_whoever_came_second_is_told(
    machines: tuple[Connection, Connection], meanwhile: Meanwhile, plan: Plan
) -> None:
    mine, other = machines
    dataset = ensure_dataset(other, plan, key="abc", project=None)
    theirs: list[int] = []
    meanwhile(lambda: theirs.append(_image(other, plan, dataset).image_id))
    with pytest.raises(UnderWayError, match="is being written in another session") as error:
        _image(mine, plan, dataset)
    assert f"Image:{theirs[0]} " in error.value.message
    assert [problem.code for problem in error.value.problems] == ["upload-under-way"]
    assert count(mine, "Image") == 1


def test_an_image_that_another_machine_has_begun_since_is_not_taken_for_a_leftover(
    machines: tuple[Connection, Connection], plan: Plan
) -> None:
    mine, other = machines
    dataset = ensure_dataset(other, plan, key="abc", project=None)
    theirs = _image(other, plan, dataset).image_id
    with pytest.raises(UnderWayError, match=f"Image:{theirs} "):
        _image(mine, plan, dataset)
    assert count(mine, "Image") == 1


def test_an_image_that_another_machine_has_completed_since_is_not_made_again(
    machines: tuple[Connection, Connection], plan: Plan
) -> None:
    mine, other = machines
    dataset = ensure_dataset(other, plan, key="abc", project=None)
    theirs = _image(other, plan, dataset).image_id
    mark_image(other, theirs, key="abc", sha1="0")
    with pytest.raises(UnderWayError, match=f"Image:{theirs} "):
        _image(mine, plan, dataset)
    assert count(mine, "Image") == 1
    # In another Dataset the same upload makes another one.
    elsewhere = _image(mine, plan, _dataset(mine)).image_id
    assert elsewhere != theirs
    assert count(mine, "Image") == 2


def test_the_first_stands_and_does_not_see_the_second(
    machines: tuple[Connection, Connection],
) -> None:
    mine, _ = machines
    first, second = _dataset(mine), _dataset(mine)
    assert settle(mine, "Dataset", first, lambda: [first, second]) == first
    assert count(mine, "Dataset") == 2


def test_what_is_in_use_is_not_deleted(machines: tuple[Connection, Connection], plan: Plan) -> None:
    mine, other = machines
    first, second = _dataset(mine), _dataset(mine)
    _image(other, plan, second)
    assert settle(mine, "Dataset", second, lambda: [first, second]) == second
    assert (count(mine, "Dataset"), count(mine, "Image")) == (2, 1)


def test_a_tag_that_hangs_on_something_else_already_is_not_deleted(
    machines: tuple[Connection, Connection],
) -> None:
    mine, other = machines
    (older,) = add_tags(mine, "Dataset", _dataset(mine), ["older"])
    (newer,) = add_tags(mine, "Dataset", _dataset(mine), ["newer"])
    add_tags(other, "Dataset", _dataset(other), ["newer"])
    assert settle(mine, "TagAnnotation", newer, lambda: [older, newer]) == newer
    assert count(mine, "TagAnnotation") == 2


def _dataset(conn: Connection) -> int:
    dataset = omero.model.DatasetI()
    dataset.name = rstring("d")
    return int(conn.update.saveAndReturnObject(dataset).id.val)


def _image(conn: Connection, plan: Plan, dataset: int) -> images.NewImage:
    return images.create_image(
        conn, plan.images[0], dataset_id=dataset, key="abc", inputs="i", metadata="m"
    )
