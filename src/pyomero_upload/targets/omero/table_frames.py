"""OMERO's tables as pandas DataFrames, each column with the type that it has on the server.

Stands beside `said`, which knows which tables there are. Rows come in portions, so that a long table does not have to fit into one
message.
"""

import json
from typing import Any

import omero.grid
import omero.model
import pandas as pd
from omero.rtypes import unwrap

from pyomero_upload.errors import PyomeroError
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.tables import NAMES

ROWS_AT_ONCE = 100_000
# Under this name `frame.attrs` says which columns, by their number, are ids of what kind of object.
ID_COLUMNS = "id columns"


def read_table(connection: Connection, file_id: int, *, rows: int | None = None) -> pd.DataFrame:
    """Return a table, or its first rows.

    Parameters
    ----------
    connection
        Whom to ask.
    file_id
        The table's OriginalFile.
    rows
        How many rows; None: all.

    Raises
    ------
    PyomeroError
        If the server cannot open it.

    """
    resources = connection.sf.sharedResources()
    table = resources.openTable(omero.model.OriginalFileI(file_id, False))
    if table is None:
        raise PyomeroError(
            f"The server cannot open the table OriginalFile:{file_id}.",
            hint="Its tables service may not be running; ask its administrator.",
        )
    try:
        return _frame(table, rows)
    finally:
        table.close()


def _frame(table: Any, rows: int | None) -> pd.DataFrame:
    columns = table.getHeaders()
    if not columns:
        return pd.DataFrame()
    there = table.getNumberOfRows()
    total = there if rows is None else min(rows, there)
    values: list[list[Any]] = [[] for _ in columns]
    for first in range(0, total, ROWS_AT_ONCE):
        data = table.read(list(range(len(columns))), first, min(first + ROWS_AT_ONCE, total))
        for column, found in zip(values, data.columns, strict=True):
            column.extend(found.values)
    # By position: nothing forbids two columns of one name.
    frame: pd.DataFrame = pd.concat(
        [
            pd.Series(found, dtype=_dtype(column), name=column.name)
            for column, found in zip(columns, values, strict=True)
        ],
        axis="columns",
    )
    frame.columns = pd.Index(_names(table, [column.name for column in columns]))
    frame.attrs[ID_COLUMNS] = {
        number: kind
        for number, column in enumerate(columns)
        for kind in ("Image", "Dataset", "Roi", "Well", "Plate", "File")
        if type(column) is getattr(omero.grid, f"{kind}Column")
    }
    return frame


def _names(table: Any, stored: list[str]) -> list[str]:
    """Return what columns are called; a name that the server cannot store stands in the table's metadata."""
    noted = unwrap(table.getMetadata(NAMES))
    if noted is None:
        return stored
    names: list[str] = json.loads(noted)
    return names if len(names) == len(stored) else stored


def _dtype(column: Any) -> Any:
    if isinstance(column, omero.grid.BoolColumn):
        return "bool"
    if isinstance(column, omero.grid.DoubleColumn):
        return "float64"
    if isinstance(column, omero.grid.StringColumn):
        return "str"
    if "Array" in type(column).__name__:
        return "object"
    if isinstance(column, omero.grid.MaskColumn):
        raise PyomeroError("A column of masks cannot be shown as a table.", hint="Leave it out.")
    # Long columns, and those that are ids of objects.
    return "int64"
