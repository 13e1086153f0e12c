"""Tables that hang on an object: with typed columns, whatever is in them, once."""

import math
from datetime import date
from typing import Any

import ezomero
import numpy as np
import omero.grid
import omero.model
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omero.gateway import BlitzGateway
from omero.rtypes import rstring

from omero_world import count
from pyomero_upload.errors import PyomeroError
from pyomero_upload.targets.omero import tables
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.tables import add_table, table_columns

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@pytest.fixture
def dataset(conn: Connection) -> int:
    made = omero.model.DatasetI()
    made.name = rstring("d")
    return int(conn.update.saveAndReturnObject(made).id.val)


def read(conn: Connection, annotation: int) -> tuple[list[tuple[str, str]], list[list[Any]]]:
    """Return type and name of each column, and the values of each."""
    found = BlitzGateway(client_obj=conn.client).getObject("FileAnnotation", annotation)
    table = conn.sf.sharedResources().openTable(found.getFile()._obj)
    headers = table.getHeaders()
    data = table.read(list(range(len(headers))), 0, table.getNumberOfRows())
    table.close()
    return (
        [(type(c).__name__.removesuffix("I"), c.name) for c in headers],
        [c.values for c in data.columns],  # noqa: PD011 - no frame's
    )


def types(frame: pd.DataFrame) -> list[str]:
    return [type(column).__name__ for column in table_columns(frame)]


@pytest.mark.parametrize(
    ("values", "kind", "stored"),
    [
        ([1, -2], "LongColumn", [1, -2]),
        (np.array([1, 255], np.uint8), "LongColumn", [1, 255]),
        ([2**63 - 1, -(2**63)], "LongColumn", [2**63 - 1, -(2**63)]),
        ([1, None], "DoubleColumn", [1.0, math.nan]),
        (pd.array([1, None], dtype="Int64"), "DoubleColumn", [1.0, math.nan]),
        ([0.5, math.inf], "DoubleColumn", [0.5, math.inf]),
        (np.array([1.5, 2], np.float32), "DoubleColumn", [1.5, 2.0]),
        ([True, False], "BoolColumn", [True, False]),
        ([True, None], "StringColumn", ["True", ""]),
        ([True, 1], "StringColumn", ["True", "1"]),
        (["a", "µm"], "StringColumn", ["a", "µm"]),
        (["a", None], "StringColumn", ["a", ""]),
        ([1, "a"], "StringColumn", ["1", "a"]),
        ([2**63, 1], "StringColumn", ["9223372036854775808", "1"]),
        ([b"a\xff", "a\0"], "StringColumn", ["a\\xff", "a\N{REPLACEMENT CHARACTER}"]),
        (pd.to_datetime(["2018-09-28"]), "StringColumn", ["2018-09-28T00:00:00"]),
        ([date(2018, 9, 28)], "StringColumn", ["2018-09-28"]),
        (pd.Categorical(["x", "y"]), "StringColumn", ["x", "y"]),
        ([None, None], "StringColumn", ["", ""]),
        ([math.nan, math.nan], "DoubleColumn", [math.nan, math.nan]),
    ],
)
def test_a_column_has_the_narrowest_type_that_holds_all_its_values(
    values: Any, kind: str, stored: list[Any]
) -> None:
    (column,) = table_columns(pd.DataFrame({"a": values}))

    assert type(column).__name__ == kind
    assert [str(v) for v in column.values] == [str(v) for v in stored]  # noqa: PD011


def test_text_columns_are_as_wide_as_their_longest_text_in_bytes() -> None:
    (column,) = table_columns(pd.DataFrame({"a": ["abc", "µµ"]}))

    assert column.size == 4


def test_a_table_arrives_with_its_types_and_values(conn: Connection, dataset: int) -> None:
    frame = pd.DataFrame(
        {"Name": ["pos001", "π"], "n": [1, 2], "x": [0.5, math.nan], "on": [True, False]}
    )
    made = add_table(conn, "Dataset", dataset, frame, "positions")

    columns, values = read(conn, made)
    assert columns == [("StringColumn", "Name"), ("LongColumn", "n"), ("DoubleColumn", "x"), ("BoolColumn", "on")]  # fmt: skip
    assert [list(map(str, v)) for v in values] == [
        ["pos001", "π"],
        ["1", "2"],
        ["0.5", "nan"],
        ["True", "False"],
    ]
    file = BlitzGateway(client_obj=conn.client).getObject("FileAnnotation", made).getFile()
    assert (file.getName(), file.getMimetype()) == ("positions", "OMERO.tables")
    assert file.getSize() > 0


def test_ezomero_reads_it_as_a_frame(conn: Connection, dataset: int) -> None:
    frame = pd.DataFrame({"Name": ["a", "b"], "n": [1, 2], "x": [0.5, 1.5]})
    made = add_table(conn, "Dataset", dataset, frame, "positions")

    got = ezomero.get_table(BlitzGateway(client_obj=conn.client), made)
    pd.testing.assert_frame_equal(got, frame, check_dtype=False)


def test_the_same_table_again_is_taken_and_another_is_added(conn: Connection, dataset: int) -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    first = add_table(conn, "Dataset", dataset, frame, "t")

    assert add_table(conn, "Dataset", dataset, frame.copy(), "t") == first
    for other, name in ((frame, "u"), (frame + 1, "t"), (frame.astype(float), "t")):
        assert add_table(conn, "Dataset", dataset, other, name) != first
    assert add_table(conn, "Dataset", dataset, frame.rename(columns={"a": "b"}), "t") != first
    assert count(conn, "OriginalFile") == 5


def test_a_table_without_rows_has_its_columns(conn: Connection, dataset: int) -> None:
    frame = pd.DataFrame({"a": pd.Series([], dtype=int), "b": pd.Series([], dtype=str)})
    made = add_table(conn, "Dataset", dataset, frame, "t")

    assert read(conn, made) == ([("LongColumn", "a"), ("StringColumn", "b")], [[], []])


def test_a_table_without_columns_is_refused_by_name(conn: Connection, dataset: int) -> None:
    with pytest.raises(PyomeroError, match="The table t has no columns"):
        add_table(conn, "Dataset", dataset, pd.DataFrame(index=[1, 2]), "t")

    assert count(conn, "OriginalFile") == 0


def test_a_long_table_goes_in_parts(
    conn: Connection, dataset: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "_BLOCK_BYTES", 100)
    made = add_table(conn, "Dataset", dataset, pd.DataFrame({"a": range(99), "b": "xyz"}), "t")

    _, (numbers, texts) = read(conn, made)
    assert numbers == list(range(99))
    assert texts == ["xyz"] * 99


def test_names_that_cannot_be_stored_are_changed_and_kept_beside(
    conn: Connection, dataset: int
) -> None:
    names = ["ON/OFF", "ON_OFF", "", "_v_x", "__y", "a b (µm)", "1", "a\0"]
    frame = pd.DataFrame([range(8)], columns=names)
    made = add_table(conn, "Dataset", dataset, frame, "t/µ\0")

    columns, values = read(conn, made)
    assert [name for _, name in columns] == [
        "ON_OFF", "ON_OFF (2)", "column 3", "xv_x", "x_y", "a b (µm)", "1", "a\N{REPLACEMENT CHARACTER}",
    ]  # fmt: skip
    assert [cell for (cell,) in values] == list(range(8))
    file = BlitzGateway(client_obj=conn.client).getObject("FileAnnotation", made).getFile()
    table = conn.sf.sharedResources().openTable(file._obj)
    assert table.getMetadata(tables.NAMES).val.startswith('["ON/OFF", "ON_OFF", "", ')
    table.close()
    assert add_table(conn, "Dataset", dataset, frame, "t/µ\0") == made


def test_two_columns_of_one_name_stay_two() -> None:
    frame = pd.DataFrame([[1, 2, 3]], columns=["a", "a", "a (2)"])

    assert [column.name for column in table_columns(frame)] == ["a", "a (2)", "a (2) (2)"]


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    names=st.lists(NAMES, min_size=1, max_size=4),
    rows=st.lists(st.one_of(st.integers(), st.floats(), st.booleans(), st.none(), NAMES), max_size=4),
)  # fmt: skip
def test_every_frame_can_be_stored(
    conn: Connection, dataset: int, names: list[str], rows: list[Any]
) -> None:
    frame = pd.DataFrame([[row] * len(names) for row in rows], columns=names, dtype=object)
    made = add_table(conn, "Dataset", dataset, frame, "t")

    wanted = table_columns(frame)
    columns, values = read(conn, made)
    assert columns == [(type(column).__name__, column.name) for column in wanted]
    assert [list(map(str, v)) for v in values] == [list(map(str, c.values)) for c in wanted]
