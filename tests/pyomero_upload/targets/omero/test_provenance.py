"""What an upload notes on the server of itself, and finds again."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from omero.rtypes import rstring

from omero_world import count
from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import Channel, Hypercube, Plan, PlaneIndex, Sizes
from pyomero_upload.targets.omero import provenance
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.containers import ensure_dataset
from pyomero_upload.targets.omero.images import create_image
from pyomero_upload.targets.omero.objects import delete, linked_annotations, pairs_of

IMAGE = Hypercube("pos001", Sizes(1, 1, 1, 4, 5), "uint8", (Channel("a"),), planes={})


def make_image(conn: Connection, dataset: int, image: Hypercube = IMAGE, key: str = "abc") -> int:
    new = create_image(conn, image, dataset_id=dataset, key=key, inputs="in", metadata="meta")
    return new.image_id


def said_of(conn: Connection, image: int) -> dict[str, str]:
    (annotation,) = linked_annotations(conn, "Image", image, "MapAnnotation")
    return dict(pairs_of(annotation))


def test_an_upload_is_listed_with_how_much_of_it_is_there(conn: Connection, plan: Plan) -> None:
    dataset = ensure_dataset(conn, plan, key="abc", project=None)
    first = make_image(conn, dataset)
    make_image(conn, dataset, replace(IMAGE, name="pos002"))
    provenance.mark_image(conn, first, key="abc", sha1="0" * 40)

    (found,) = provenance.find_uploads(conn)
    assert (found.dataset_id, found.name, found.key) == (dataset, "Yeast", "abc")
    assert (found.planned_images, found.complete_images) == (1, 1)
    assert found.state == "incomplete"
    assert not found.complete
    assert found.source == str(plan.source.folder)
    assert found.made_at


def test_an_upload_can_become_complete_and_incomplete_again(conn: Connection, plan: Plan) -> None:
    dataset = ensure_dataset(conn, plan, key="abc", project=None)
    before = provenance.find_uploads(conn)
    provenance.mark_dataset_complete(conn, dataset, key="abc")
    provenance.mark_dataset_complete(conn, dataset, key="abc")
    assert [record.complete for record in provenance.find_uploads(conn)] == [True]

    provenance.mark_dataset_incomplete(conn, dataset, key="abc")
    assert provenance.find_uploads(conn) == before


def test_uploads_are_found_by_their_key(conn: Connection, plan: Plan) -> None:
    ensure_dataset(conn, plan, key="abc", project=None)
    other = ensure_dataset(conn, plan, key="abd", project=None)

    assert [record.dataset_id for record in provenance.find_uploads(conn, key="abd")] == [other]
    assert provenance.find_uploads(conn, key="ab") == []


def test_a_colleagues_uploads_are_not_ones_own(
    omero_new_user: Callable[..., Any], plan: Plan
) -> None:
    colleague = omero_new_user(permissions="rwrw--")
    clients = [colleague.log_in(), omero_new_user(group=colleague.group).log_in()]
    theirs, mine = (Connection.over(client) for client in clients)
    dataset = ensure_dataset(theirs, plan, key="abc", project=None)
    make_image(theirs, dataset)

    assert provenance.find_uploads(mine) == []
    assert provenance.image_records(mine, dataset) == {}
    for client in clients:
        client.closeSession()


def test_an_image_is_found_by_its_name_in_the_plan_whatever_it_is_called_now(
    conn: Connection, plan: Plan
) -> None:
    dataset = ensure_dataset(conn, plan, key="abc", project=None)
    image_id = make_image(conn, dataset)
    image = conn.query.get("Image", image_id)
    image.name = rstring("My best one")
    conn.update.saveObject(image)

    (record,) = provenance.image_records(conn, dataset).values()
    assert (record.name, record.image_id) == ("pos001", image_id)
    assert (record.inputs, record.metadata, record.key) == ("in", "meta", "abc")
    assert (record.complete, record.sha1) == (False, None)


def test_a_complete_image_comes_before_one_that_is_not(conn: Connection, plan: Plan) -> None:
    dataset = ensure_dataset(conn, plan, key="abc", project=None)
    complete = make_image(conn, dataset)
    provenance.mark_image(conn, complete, key="abc", sha1="0" * 40)
    make_image(conn, dataset, key="abd")

    assert provenance.image_records(conn, dataset)["pos001"].image_id == complete


def test_images_of_several_uploads_in_one_dataset_are_told_apart(
    conn: Connection, plan: Plan
) -> None:
    dataset = ensure_dataset(conn, plan, key="abc", project=None)
    first, second = (make_image(conn, dataset, key=key) for key in ("abc", "abd"))

    assert provenance.image_records(conn, dataset, key="abc")["pos001"].image_id == first
    assert provenance.image_records(conn, dataset, key="abd")["pos001"].image_id == second


def test_an_image_becomes_complete_with_its_digest_its_description_and_what_was_left_blank(
    conn: Connection, plan: Plan
) -> None:
    dataset = ensure_dataset(conn, plan, key="abc", project=None)
    image = make_image(conn, dataset)
    for _ in range(2):
        provenance.mark_image(
            conn,
            image,
            key="abc",
            sha1="1" * 40,
            description="Yeast in salt",
            metadata="new",
            pairs=[("Planes left blank", "3")],
        )

    record = provenance.image_records(conn, dataset)["pos001"]
    assert (record.complete, record.sha1, record.metadata) == (True, "1" * 40, "new")
    assert said_of(conn, image)["Planes left blank"] == "3"
    assert conn.query.get("Image", image).description.val == "Yeast in salt"


def test_missing_planes_are_counted_and_named_on_the_image(conn: Connection, plan: Plan) -> None:
    dataset = ensure_dataset(conn, plan, key="abc", project=None)
    gaps = tuple(PlaneIndex(t, 0, 1) for t in range(52))
    said = said_of(conn, make_image(conn, dataset, replace(IMAGE, missing=gaps)))

    assert said["Missing planes"] == "52"
    assert said["Missing planes (from 0)"].startswith("t0 c0 z1, t1 c0 z1, ")
    assert said["Missing planes (from 0)"].endswith("t49 c0 z1 and 2 more")


def test_an_image_whose_note_somebody_deleted_is_not_marked_without_a_word(
    conn: Connection, plan: Plan
) -> None:
    image = make_image(conn, ensure_dataset(conn, plan, key="abc", project=None))
    (annotation,) = linked_annotations(conn, "Image", image, "MapAnnotation")
    delete(conn, "Annotation", [annotation.id.val])

    with pytest.raises(PyomeroError, match=f"Image:{image} no longer has the note"):
        provenance.mark_image(conn, image, key="abc", sha1="0" * 40)
    assert count(conn, "MapAnnotation") == 1
