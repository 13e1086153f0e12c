"""What is said about Datasets and Images on a server: once, and reusing what is there."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ezomero
import omero.model
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omero.gateway import BlitzGateway
from omero.rtypes import rstring

from killed import killed_everywhere
from omero_world import count
from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import Channel, Plan, Table
from pyomero_upload.targets.omero.annotations import (
    CLIENT_NAMESPACE,
    add_key_values,
    add_tags,
    annotate,
    dataset_key_values,
    image_key_values,
    text_problems,
)
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.containers import ensure_dataset
from pyomero_upload.targets.omero.images import create_image
from pyomero_upload.targets.omero.objects import linked_annotations, pairs_of, text_of

# Everything of Unicode but NUL and what is no text.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


def new_dataset(conn: Connection, name: str = "d") -> int:
    dataset = omero.model.DatasetI()
    dataset.name = rstring(name)
    return int(conn.update.saveAndReturnObject(dataset).id.val)


def tags_of(conn: Connection, dataset: int) -> list[str]:
    return [
        text_of(tag.textValue)
        for tag in linked_annotations(conn, "Dataset", dataset, "TagAnnotation")
    ]


def new_tag(conn: Connection, text: str, namespace: str | None = None) -> int:
    tag = omero.model.TagAnnotationI()
    tag.textValue = rstring(text)
    if namespace is not None:
        tag.ns = rstring(namespace)
    return int(conn.update.saveAndReturnObject(tag).id.val)


# ---------------------------------------------------------------- tags
def test_tags_are_made_once_and_shared_between_objects(conn: Connection) -> None:
    one, other = new_dataset(conn), new_dataset(conn)
    first = add_tags(conn, "Dataset", one, ["yeast", "salt", "yeast", " salt ", ""])

    assert add_tags(conn, "Dataset", other, ["salt", "yeast"]) == first[::-1]
    assert add_tags(conn, "Dataset", one, ["yeast", "salt"]) == first
    assert count(conn, "TagAnnotation") == 2
    assert count(conn, "DatasetAnnotationLink") == 4
    assert sorted(tags_of(conn, one)) == ["salt", "yeast"]


def test_case_and_commas_make_other_tags(conn: Connection) -> None:
    add_tags(conn, "Dataset", new_dataset(conn), ["Yeast", "yeast", "yeast, salt"])

    assert count(conn, "TagAnnotation") == 3


def test_no_tags_ask_the_server_for_nothing(conn: Connection) -> None:
    assert add_tags(conn, "Dataset", 999999, ["", "  "]) == []


def test_the_oldest_of_ones_own_tags_is_taken(conn: Connection) -> None:
    tags = [new_tag(conn, "yeast"), new_tag(conn, "yeast")]

    assert add_tags(conn, "Dataset", new_dataset(conn), ["yeast"]) == tags[:1]


def test_a_set_of_tags_is_no_tag(conn: Connection) -> None:
    tag_set = new_tag(conn, "yeast", "openmicroscopy.org/omero/insight/tagset")

    assert add_tags(conn, "Dataset", new_dataset(conn), ["yeast"]) != [tag_set]


@pytest.mark.parametrize(
    ("permissions", "shared"),
    [("rw----", False), ("rwr---", False), ("rwra--", True), ("rwrw--", True)],
)
def test_a_colleagues_tag_is_taken_where_the_group_lets_one(
    omero_new_user: Callable[..., Any], permissions: str, shared: bool
) -> None:
    colleague = omero_new_user(permissions=permissions)
    clients = [colleague.log_in(), omero_new_user(group=colleague.group).log_in()]
    theirs, mine = (Connection.over(client) for client in clients)
    tag = new_tag(theirs, "yeast")

    assert (add_tags(mine, "Dataset", new_dataset(mine), ["yeast"]) == [tag]) is shared
    own = new_tag(mine, "salt")
    new_tag(theirs, "salt")
    assert add_tags(mine, "Dataset", new_dataset(mine), ["salt"]) == [own]
    for client in clients:
        client.closeSession()


def test_a_colleagues_link_of_the_tag_counts(omero_new_user: Callable[..., Any]) -> None:
    colleague = omero_new_user(permissions="rwrw--")
    clients = [colleague.log_in(), omero_new_user(group=colleague.group).log_in()]
    theirs, mine = (Connection.over(client) for client in clients)
    dataset = new_dataset(mine)
    add_tags(theirs, "Dataset", dataset, ["yeast"])
    add_tags(mine, "Dataset", dataset, ["yeast"])

    assert count(mine, "DatasetAnnotationLink") == 1
    for client in clients:
        client.closeSession()


# ---------------------------------------------------------------- key-values
def test_key_values_are_text_that_omero_web_can_edit(conn: Connection) -> None:
    dataset = new_dataset(conn)
    made = add_key_values(
        conn, "Dataset", dataset, [("strain", "BY4741"), ("strain", "BY4742"), ("OD", 0.1)]
    )

    gateway = BlitzGateway(client_obj=conn.client)
    annotation = gateway.getObject("MapAnnotation", made)
    assert annotation.getNs() == CLIENT_NAMESPACE == omero.constants.metadata.NSCLIENTMAPANNOTATION
    assert annotation.getValue() == [("strain", "BY4741"), ("strain", "BY4742"), ("OD", "0.1")]
    assert ezomero.get_map_annotation(gateway, made) == {
        "strain": ["BY4741", "BY4742"],
        "OD": "0.1",
    }


def test_the_same_key_values_are_there_once_and_others_beside_them(conn: Connection) -> None:
    dataset = new_dataset(conn)
    first = add_key_values(conn, "Dataset", dataset, [("a", "1")])

    assert add_key_values(conn, "Dataset", dataset, [("a", 1)]) == first
    assert add_key_values(conn, "Dataset", dataset, [("a", "2")]) != first
    assert add_key_values(conn, "Dataset", dataset, [("a", "1")], "mine") != first
    assert add_key_values(conn, "Dataset", dataset, []) is None
    assert count(conn, "MapAnnotation") == 3


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(pairs=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_every_text_of_unicode_survives(conn: Connection, pairs: list[tuple[str, str]]) -> None:
    dataset = new_dataset(conn)
    for _ in range(2):
        add_key_values(conn, "Dataset", dataset, pairs)

    (annotation,) = linked_annotations(conn, "Dataset", dataset, "MapAnnotation")
    assert pairs_of(annotation) == pairs


def test_the_authors_are_key_values_too_once_each(plan: Plan) -> None:
    said = replace(plan.dataset, authors=("A", "B"), key_values=(("Author", "B"), ("x", "y")))

    assert dataset_key_values(said) == [("Author", "B"), ("x", "y"), ("Author", "A")]


def test_the_row_about_a_position_is_said_of_its_image(plan: Plan) -> None:
    positions = pd.DataFrame(
        {"Position": ["pos1", "pos002"], "X": [1.5, 2.5], "Group": [1, 2], "Note": ["wet", None]}
    )
    other = pd.DataFrame({"Channel": ["GFP"], "Exposure": [30]})
    said = replace(plan.dataset, tables=(Table("p", positions), Table("c", other)))

    first, second = (replace(plan.images[0], name=name) for name in ("pos001", "pos002"))
    assert image_key_values(said, first) == [("X", "1.5"), ("Group", "1"), ("Note", "wet")]
    assert image_key_values(said, second) == [("X", "2.5"), ("Group", "2")]


def test_the_exposures_of_a_position_say_what_they_are_for_its_image_shows_no_table(
    plan: Plan,
) -> None:
    channels = (Channel("GFP", exposure_ms=7), Channel("DIC", exposure_ms=30))
    image = replace(plan.images[0], name="pos001", channels=channels)
    frame = pd.DataFrame({"Position name": ["pos001"], "GFP": [7], "DIC": [31], "Group": [7]})

    said = image_key_values(replace(plan.dataset, tables=(Table("positions", frame),)), image)

    # what is no exposure of this Image keeps its name
    assert said == [("Exposure of GFP (ms)", "7"), ("DIC", "31"), ("Group", "7")]


def test_rows_that_are_not_one_a_position_are_said_of_no_image(plan: Plan) -> None:
    twice = pd.DataFrame({"Position": ["pos001", "pos001"], "X": [1, 2]})
    tables = (Table("twice", twice), Table("empty", twice[:0]), Table("bare", pd.DataFrame()))

    assert image_key_values(replace(plan.dataset, tables=tables), plan.images[0]) == []


# ---------------------------------------------------------------- all of a plan
def full_plan(plan: Plan) -> Plan:
    frame = pd.DataFrame({"Position": ["pos001"], "X": [1.5]})
    dataset = replace(
        plan.dataset, tables=(Table("positions", frame), Table("nothing", pd.DataFrame()))
    )
    return replace(plan, dataset=dataset)


def test_all_that_a_plan_says_is_on_the_dataset_and_its_images(
    conn: Connection, plan: Plan
) -> None:
    plan = full_plan(plan)
    dataset = ensure_dataset(conn, plan, key="key", project=None)
    new = create_image(conn, plan.images[0], dataset_id=dataset, key="key", inputs="", metadata="")
    for _ in range(2):
        annotate(conn, dataset, plan, {"pos001": new.image_id})

    gateway = BlitzGateway(client_obj=conn.client)
    assert sorted(tags_of(conn, dataset)) == ["salt", "yeast"]
    assert ezomero.get_map_annotation_ids(gateway, "Dataset", dataset, ns=CLIENT_NAMESPACE)
    said = gateway.getObject("Dataset", dataset).getAnnotation(CLIENT_NAMESPACE).getValue()
    assert said == [("strain", "BY4741"), ("Author", "A. Person")]
    of_image = gateway.getObject("Image", new.image_id).getAnnotation(CLIENT_NAMESPACE).getValue()
    assert of_image == [("X", "1.5")]
    files = linked_annotations(conn, "Dataset", dataset, "FileAnnotation")
    assert [text_of(a.file.name) for a in files] == ["positions", "metadata.yaml"]


def test_text_files_may_come_from_elsewhere_than_the_folder(conn: Connection, plan: Plan) -> None:
    dataset = ensure_dataset(conn, plan, key="key", project=None)
    annotate(conn, dataset, plan, original=lambda path: [path.encode(), b" from afar"])

    (attached,) = linked_annotations(conn, "Dataset", dataset, "FileAnnotation")
    assert attached.file.size.val == len("metadata.yaml from afar")


def test_a_text_file_that_is_gone_is_named(conn: Connection, plan: Plan) -> None:
    dataset = ensure_dataset(conn, plan, key="key", project=None)
    (plan.source.folder / "metadata.yaml").unlink()

    with pytest.raises(PyomeroError, match=r"metadata\.yaml cannot be read") as caught:
        annotate(conn, dataset, plan)
    assert [problem.code for problem in caught.value.problems] == ["unreadable-file"]


def test_killed_at_any_moment_and_run_again_nothing_is_said_twice(
    plan: Plan, new_connection: Callable[[], Connection]
) -> None:
    plan = full_plan(plan)

    def run(conn: Connection) -> None:
        annotate(conn, ensure_dataset(conn, plan, key="key", project=None), plan)

    killed = 0
    for calls, left, wanted in killed_everywhere(run, new_connection):
        assert left == wanted, f"killed after {calls} calls"
        killed += 1
    assert killed > 8


# ---------------------------------------------------------------- what cannot be stored
def test_texts_that_the_server_cannot_store_are_told_before(plan: Plan, tmp_path: Path) -> None:
    odd = replace(plan.dataset, tags=("a\0b", "fine"), description="\0")

    told = text_problems(replace(plan, dataset=odd))
    assert [(p.severity, p.code, p.where) for p in told] == [
        ("warning", "unstorable-text", "description"),
        ("warning", "unstorable-text", "tags"),
    ]
    assert text_problems(plan) == ()
