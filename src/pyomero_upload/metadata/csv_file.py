"""CSV files that the user wants as tables: to `model.Table` with typed columns, whatever program saved them.

A step of `user_file.py`.
"""

import csv
import io
from pathlib import Path

from pyomero_upload.metadata.tables import make_table
from pyomero_upload.metadata.text import SETTINGS_LIMIT, decode
from pyomero_upload.model import Table
from pyomero_upload.text_file import open_text


class CsvError(Exception):
    """What is wrong with a table, and in which line (None: with the file as a whole)."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def read_csv(name: str, path: Path, *, inside: Path) -> Table:
    """Return a CSV file as a table; its first row names the columns, and commas, semicolons or tabs separate values.

    Parameters
    ----------
    name
        The table's name.
    path
        The file.
    inside
        The folder that the file must lie in, links followed.

    Raises
    ------
    CsvError
        The file lies elsewhere, cannot be read, or its rows do not fit its header.

    """
    rows: list[list[str]] = []
    text = _read(path, inside)
    header = text.partition("\n")[0]
    delimiter = next((mark for mark in ",;\t" if mark in header), ",")
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            values = [value.strip() for value in row]
            if rows and any(values) and len(values) != len(rows[0]):
                _misfit(len(values), len(rows[0]), reader.line_num)
            if any(values):
                rows.append(values)
    except csv.Error as error:
        raise CsvError(f"this is no CSV: {error}", reader.line_num) from error
    if not rows:
        raise CsvError(f"{path} is empty")
    return make_table(name, rows[0], rows[1:])


def _misfit(values: int, columns: int, line: int) -> None:
    raise CsvError(f"there are {values} values under {columns} columns", line)


def _read(path: Path, inside: Path) -> str:
    try:
        if not path.resolve().is_relative_to(inside.resolve()):
            raise CsvError(
                f"{path} lies outside the folder {inside}; put the file beside metadata.yaml"
            )
        with open_text(path) as source:
            raw = source.read(SETTINGS_LIMIT + 1)
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        raise CsvError(f"{path} cannot be read: {error}") from error
    if len(raw) > SETTINGS_LIMIT:
        limit = f"{SETTINGS_LIMIT // 1024**2} MB"
        raise CsvError(f"{path} is larger than {limit}; attach it instead of making it a table")
    return decode(raw).replace("\r\n", "\n").replace("\r", "\n")
