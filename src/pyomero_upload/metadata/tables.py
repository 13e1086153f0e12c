"""Tables of the metadata: rows of text to columns with types.

Whole columns are int64 where every value is an integer, float64 where every value is a number or missing, and Python
strings (dtype `object`, in pandas 2 and 3 alike) otherwise. Identifiers such as `007` stay text.
"""

import math
import re
from collections.abc import Collection, Iterable, Sequence

import pandas as pd

from pyomero_upload.model import Table

_INTEGER = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})\Z")
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\Z")


def number(text: str) -> float | None:
    """Return the number that a text is; None for anything else, infinities included. `NaN` is a number here."""
    if text.lower() == "nan":
        return math.nan
    value = float(text) if _NUMBER.match(text) else math.inf
    return value if math.isfinite(value) else None


def quantity(text: str) -> float | None:
    """Return the number that a text is; None for anything else, `NaN` included."""
    value = number(text)
    return None if value is None or math.isnan(value) else value


def make_table(
    name: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, text: Collection[str] = ()
) -> Table:
    """Return a table with typed columns.

    Parameters
    ----------
    name
        The table's name.
    columns
        A name for each column; one that comes again is numbered: `GFP`, `GFP (2)`.
    rows
        As many values as there are columns in each; an empty value is a missing one.
    text
        The columns that hold text whatever their values look like.

    """
    values = list(zip(*rows, strict=True)) or [() for _ in columns]
    frame = pd.DataFrame(
        {
            unique: _typed(column, as_text=plain in text)
            for unique, plain, column in zip(unique_names(columns), columns, values, strict=True)
        }
    )
    return Table(name, frame)


def with_types(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy whose columns have types too where all their values are text, as older parsers return them."""
    columns = [frame.iloc[:, index] for index in range(frame.shape[1])]
    typed = {
        name: _typed(list(column), as_text=False)
        if all(isinstance(v, str) for v in column)
        else column.array
        for name, column in zip(unique_names(map(str, frame.columns)), columns, strict=True)
    }
    return pd.DataFrame(typed)


def unique_names(names: Iterable[str]) -> list[str]:
    """Return the names with a number behind those that came before."""
    unique: dict[str, int] = {}
    for name in names:
        candidate = name
        while candidate in unique:
            unique[name] += 1
            candidate = f"{name} ({unique[name]})"
        unique[candidate] = 1
    return list(unique)


def _typed(
    values: Sequence[str], *, as_text: bool
) -> "pd.Series[int] | pd.Series[float] | pd.Series[str]":
    if not as_text and any(values):
        if all(_INTEGER.match(value) for value in values):
            return pd.Series([int(value) for value in values], dtype="int64")
        numbers = [math.nan if value == "" else number(value) for value in values]
        if None not in numbers:
            return pd.Series(numbers, dtype="float64")
    return pd.Series(list(values), dtype="object")
