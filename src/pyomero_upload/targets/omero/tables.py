"""Tables that hang on an object, with typed columns (OMERO.tables).

Stands above `attachments`: a table is a file too, which has a name that says that it is not complete until all rows are in it.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, datetime
from typing import Any

import numpy as np
import omero.grid
import pandas as pd
import xxhash
from omero.rtypes import rstring

from pyomero_upload.errors import PyomeroError
from pyomero_upload.targets.omero.attachments import hang_on, remove_unfinished, unfinished_name
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.objects import (
    Kind,
    linked_annotations,
    server_text,
    text_of,
)

TABLE_NAMESPACE = "pyomero_upload/table"
# Where a table keeps the names of its columns as they were, if the server cannot store them.
NAMES = "pyomero_upload_column_names"
_BLOCK_BYTES = 2 << 20
_INT64 = np.iinfo(np.int64)


def add_table(conn: Connection, kind: Kind, object_id: int, frame: pd.DataFrame, name: str) -> int:
    """Hang a table on an object; one of the same name and content that already does is taken.

    Parameters
    ----------
    conn
        The session.
    kind, object_id
        The object.
    frame
        The rows; its index is left out. For the types of columns see `table_columns`.
    name
        What it is called.

    Returns
    -------
    int
        The id of the FileAnnotation.

    Raises
    ------
    PyomeroError
        If it has no columns: the server cannot store that.

    """
    columns = table_columns(frame)
    if not columns:
        raise PyomeroError(
            f"The table {name} has no columns.", hint="Give it columns, or leave it out."
        )
    stored_name, digest = server_text(name), _digest(columns)
    for annotation in linked_annotations(conn, kind, object_id, "FileAnnotation"):
        if text_of(annotation.file.name) == stored_name and digest in text_of(
            annotation.description
        ):
            return int(annotation.id.val)
    marked = unfinished_name(kind, object_id, stored_name)
    remove_unfinished(conn, marked)
    resources = conn.sf.sharedResources()
    repository = resources.repositories().descriptions[0].id.val
    with closing(resources.newTable(repository, marked)) as table:
        file_id = table.getOriginalFile().id.val
        table.initialize([_with(column, []) for column in columns])
        for block in _blocks(columns):
            table.addData(block)
        names = [str(column) for column in frame.columns]
        if names != [column.name for column in columns]:
            table.setMetadata(NAMES, rstring(json.dumps(names)))
    return hang_on(
        conn,
        kind,
        object_id,
        file_id,
        name=stored_name,
        folder=stored_name,
        namespace=TABLE_NAMESPACE,
        description=f"{len(frame)} rows. Content: {digest}",
    )


def table_columns(frame: pd.DataFrame) -> list[Any]:
    """Return a frame as columns of OMERO.tables, with values.

    Whole numbers become LongColumns; numbers, also whole ones with gaps, DoubleColumns (a gap is NaN); truth values
    BoolColumns; all else StringColumns: times as ISO 8601, gaps as the empty text. Names are kept as far as HDF5 can store
    them, and made different where two are the same.
    """
    names = _names([server_text(str(column)) for column in frame.columns])
    return [_column(name, frame.iloc[:, i]) for i, name in enumerate(names)]


def _column(name: str, series: "pd.Series[Any]") -> Any:
    """Return one column in the narrowest type that holds all its values."""
    values = series.tolist()
    gaps = [bool(gap) for gap in series.isna()]
    present = [value for value, gap in zip(values, gaps, strict=True) if not gap]
    kind = _kind(present, series.dtype)
    if kind is bool and not any(gaps):
        return omero.grid.BoolColumn(name, "", [bool(value) for value in values])
    if kind is int and not any(gaps):
        return omero.grid.LongColumn(name, "", [int(value) for value in values])
    if kind in {int, float}:
        doubles = [
            math.nan if gap else float(value) for value, gap in zip(values, gaps, strict=True)
        ]
        return omero.grid.DoubleColumn(name, "", doubles)
    texts = ["" if gap else _text(value) for value, gap in zip(values, gaps, strict=True)]
    longest = max((len(text.encode()) for text in texts), default=0)
    # A text of no bytes at all cannot be declared.
    return omero.grid.StringColumn(name, "", max(longest, 1), texts)


def _kind(present: Sequence[Any], dtype: object) -> type:
    """Return what values are: `bool`, `int` (of 64 bits), `float`, or else `str`; without values the dtype says."""
    if not present:
        kinds = {"b": bool, "i": int, "u": int, "f": float}
        return kinds.get(getattr(dtype, "kind", "O"), str)
    if all(isinstance(value, (bool, np.bool_)) for value in present):
        return bool
    if any(isinstance(value, (bool, np.bool_)) for value in present):
        return str
    if all(isinstance(value, (int, np.integer)) for value in present):
        return int if all(_INT64.min <= value <= _INT64.max for value in present) else str
    if all(isinstance(value, (int, float, np.integer, np.floating)) for value in present):
        return float
    return str


def _text(value: object) -> str:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, bytes):
        return server_text(value.decode("utf-8", "backslashreplace"))
    return server_text(str(value))


def _names(names: Sequence[str]) -> list[str]:
    """Return names that HDF5 and OMERO.tables can store, no two alike."""
    given: list[str] = []
    for number, name in enumerate(names, 1):
        # PyTables keeps `_v_` and the like for itself, OMERO.tables `__`.
        safe = re.sub(r"^_([cfgv]?_)", r"x\1", name.replace("/", "_")) or f"column {number}"
        unique, count = safe, 1
        while unique in given:
            count += 1
            unique = f"{safe} ({count})"
        given.append(unique)
    return given


def _with(column: Any, values: Sequence[Any]) -> Any:
    """Return a column of the same name and type with other values."""
    if isinstance(column, omero.grid.StringColumn):
        return omero.grid.StringColumn(column.name, "", column.size, list(values))
    return type(column)(column.name, "", list(values))


def _blocks(columns: Sequence[Any]) -> Iterator[list[Any]]:
    """Iterate over columns with so many rows at once as fit into a message."""
    row_bytes = sum(getattr(column, "size", 8) for column in columns)
    at_once = max(1, _BLOCK_BYTES // row_bytes)
    values = [column.values for column in columns]  # noqa: PD011 - no frame's
    for start in range(0, len(values[0]), at_once):
        stop = start + at_once
        yield [
            _with(column, all_[start:stop]) for column, all_ in zip(columns, values, strict=True)
        ]


def _digest(columns: Sequence[Any]) -> str:
    """Return what tells tables of the same name apart."""
    hasher = xxhash.xxh3_128()
    for column in columns:
        hasher.update(repr((type(column).__name__, column.name)).encode())
        for value in column.values:  # noqa: PD011 - no frame's
            hasher.update(repr(value).encode())
    return f"XXH3-128 {hasher.hexdigest()}"
