"""Rows of text become columns with types."""

import math

import pandas as pd
import pytest

from pyomero_upload.metadata.tables import make_table, number, quantity, unique_names, with_types


def test_columns_get_the_type_of_all_their_values():
    table = make_table(
        "pumps",
        ["port", "rate", "diameter", "direction", "gap", "id"],
        [["COM5", "4", "14.43", "INF", "", "007"], ["COM6", "-5", "1e2", "WDR", "1", "010"]],
    )
    frame = table.frame
    assert frame.dtypes.map(str).tolist() == [
        "object",
        "int64",
        "float64",
        "object",
        "float64",
        "object",
    ]
    assert frame["rate"].tolist() == [4, -5]
    assert frame["direction"].tolist() == ["INF", "WDR"]
    assert math.isnan(frame["gap"][0])
    assert frame["id"].tolist() == ["007", "010"]


def test_a_column_said_to_be_text_stays_text():
    assert make_table("t", ["name"], [["1"], ["2"]], text={"name"}).frame["name"].tolist() == [
        "1",
        "2",
    ]


def test_a_table_without_rows_keeps_its_columns():
    frame = make_table("t", ["a", "b"], []).frame
    assert list(frame.columns) == ["a", "b"]
    assert len(frame) == 0


def test_an_integer_too_large_for_64_bits_is_a_float():
    frame = make_table("t", ["a"], [["99999999999999999999"]]).frame
    assert str(frame["a"].dtype) == "float64"


def test_columns_of_the_same_name_are_numbered():
    assert unique_names(["GFP", "GFP", "GFP (2)", "DIC", "GFP"]) == [
        "GFP",
        "GFP (2)",
        "GFP (2) (2)",
        "DIC",
        "GFP (3)",
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("-0.5", -0.5), (".5", 0.5), ("5.", 5), ("1e3", 1000), ("INF", None), ("1e999", None), ("", None),
     ("1_000", None), ("007", None), ("0x10", None)],
)  # fmt: skip
def test_only_plain_numbers_are_numbers(text: str, value: float | None):
    assert number(text) == value


def test_nan_is_a_number_in_a_table_and_unknown_as_a_quantity():
    assert math.isnan(number("NaN") or 0)
    assert quantity("NaN") is None


def test_texts_of_an_older_parser_get_types_and_other_columns_are_kept():
    old = pd.DataFrame(
        {"Exposure": ["30", "60"], "Name": ["a", "b"], "when": pd.to_datetime(["2020-01-01"] * 2)}
    )
    typed = with_types(old)
    assert typed["Exposure"].tolist() == [30, 60]
    assert [str(dtype) for dtype in typed.dtypes][:2] == ["int64", "object"]
    assert typed["when"].dtype == old["when"].dtype
