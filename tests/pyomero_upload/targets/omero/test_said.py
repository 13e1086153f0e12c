"""What is annotated on an object comes back whole: tags, key-values, tables, files and remarks."""

import hashlib

import numpy as np
import omero.grid
import pandas as pd
import pytest

from omero_samples import Samples, pixels_of
from pyomero_upload.errors import PyomeroError
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.said import (
    KeyValues,
    Remark,
    Said,
    Tag,
    file_parts,
    read_all_annotations,
    read_annotations,
)
from pyomero_upload.targets.omero.table_frames import read_table
from pyomero_upload.targets.omero.tables import add_table


@pytest.fixture
def samples(omero_client):
    return Samples(omero_client)


@pytest.fixture
def conn(omero_client):
    return Connection.over(omero_client)


def test_an_object_without_annotations_has_nothing_said(samples, conn):
    assert read_annotations(conn, "Dataset", samples.dataset()) == Said()


def test_tags_and_remarks_come_in_the_order_in_which_they_were_made(samples, conn):
    dataset = samples.dataset()
    one = samples.tag("Dataset", dataset, "yeast")
    two = samples.tag("Dataset", dataset, "sel ☃")
    samples.comment("Dataset", dataset, "look at pos3")
    samples.rating("Dataset", dataset, 4)
    found = read_annotations(conn, "Dataset", dataset)
    assert found.tags == (Tag(one, "yeast"), Tag(two, "sel ☃"))
    assert found.remarks == (
        Remark("CommentAnnotation", "look at pos3"),
        Remark("LongAnnotation", 4, "openmicroscopy.org/omero/insight/rating"),
    )


def test_key_values_keep_order_and_doubles_and_are_told_apart_by_namespace(samples, conn):
    dataset = samples.dataset()
    pairs = [("b", "1"), ("a", ""), ("b", "1")]
    samples.key_values("Dataset", dataset, pairs)
    samples.key_values("Dataset", dataset, [("Tool", "x")], "pyomero_upload/provenance")
    other = samples.key_values("Dataset", dataset, [("k", "v")], "somebody/else")
    found = read_annotations(conn, "Dataset", dataset)
    assert found.key_values == tuple(pairs)
    assert found.provenance == (("Tool", "x"),)
    assert found.other_maps == (KeyValues(other, "somebody/else", (("k", "v"),)),)


def test_a_file_comes_in_parts_with_its_checksum(samples, conn, monkeypatch):
    monkeypatch.setattr("pyomero_upload.targets.omero.said.PART_BYTES", 10)
    content = bytes(range(37))
    image = samples.image(pixels_of(1))
    samples.file("Image", image, content, "notes.txt")
    (found,) = read_annotations(conn, "Image", image).attachments
    assert (found.name, found.folder, found.size) == ("notes.txt", "/somewhere/", 37)
    assert found.sha1 == hashlib.sha1(content).hexdigest()
    parts = list(file_parts(conn, found))
    assert [len(part) for part in parts] == [10, 10, 10, 7]
    assert b"".join(parts) == content


def test_a_file_that_is_not_what_its_checksum_says_is_refused(samples, conn):
    dataset = samples.dataset()
    file_id = samples.file("Dataset", dataset, b"as it was", "notes.txt")
    file = samples.query.get("OriginalFile", file_id)
    file.hash = omero.rtypes.rstring("0" * 40)
    samples.update.saveObject(file)
    (found,) = read_annotations(conn, "Dataset", dataset).attachments
    with pytest.raises(PyomeroError, match=r"notes.txt does not have the checksum"):
        list(file_parts(conn, found))


def test_a_table_is_a_data_frame_with_the_types_of_its_columns(samples, conn):
    dataset = samples.dataset()
    columns = [
        omero.grid.StringColumn("name", "", 16, ["a", "é", ""]),
        omero.grid.DoubleColumn("x", "", [1.5, float("nan"), -2.0]),
        omero.grid.LongColumn("n", "", [1, 2**40, -3]),
        omero.grid.BoolColumn("ok", "", [True, False, True]),
        omero.grid.ImageColumn("image", "", [7, 8, 9]),
    ]
    samples.table("Dataset", dataset, "Measured", columns)
    said = read_annotations(conn, "Dataset", dataset)
    assert said.attachments == ()
    (table,) = said.tables
    assert table.name == "Measured"
    frame = read_table(conn, table.id)
    expected = pd.DataFrame(
        {
            "name": ["a", "é", ""],
            "x": [1.5, np.nan, -2.0],
            "n": [1, 2**40, -3],
            "ok": [True, False, True],
            "image": [7, 8, 9],
        }
    )
    pd.testing.assert_frame_equal(frame, expected)
    pd.testing.assert_frame_equal(read_table(conn, table.id, rows=2), expected[:2])


def test_columns_are_called_as_they_were_where_the_server_cannot_store_their_names(samples, conn):
    dataset = samples.dataset()
    frame = pd.DataFrame({"a/b": [1.5, 2.5], "_v_x": ["u", "v"]})
    add_table(conn, "Dataset", dataset, frame, "t")
    (table,) = read_annotations(conn, "Dataset", dataset).tables
    pd.testing.assert_frame_equal(read_table(conn, table.id), frame)


def test_a_long_table_comes_in_portions(samples, conn, monkeypatch):
    monkeypatch.setattr("pyomero_upload.targets.omero.table_frames.ROWS_AT_ONCE", 4)
    dataset = samples.dataset()
    samples.table("Dataset", dataset, "t", [omero.grid.LongColumn("n", "", list(range(11)))])
    (table,) = read_annotations(conn, "Dataset", dataset).tables
    assert list(read_table(conn, table.id)["n"]) == list(range(11))


def test_many_objects_are_asked_about_at_once(samples, conn):
    images = [samples.image(pixels_of(n, (1, 1, 1, 3, 4))) for n in range(3)]
    samples.tag("Image", images[1], "only here")
    found = read_all_annotations(conn, "Image", images)
    assert [len(found[image].tags) for image in images] == [0, 1, 0]
