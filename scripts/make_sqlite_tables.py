"""Make `src/omero_embedded/sqlite_tables.sql`: the statements that make all tables in SQLite.

    python scripts/make_sqlite_tables.py

A new server runs them as they are, which is ten times faster than to make them out of the schema each time. They follow
from `tables`; a test compares.
"""

import re
from pathlib import Path

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from omero_embedded import tables

PATH = Path(__file__).resolve().parent.parent / "src" / "omero_embedded" / "sqlite_tables.sql"


def main() -> None:
    """Write the file."""
    lines = []
    for table in tables.all_tables().tables.values():
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        parts: list[ExecutableDDLElement] = [CreateTable(table), *map(CreateIndex, indexes)]
        for part in parts:
            statement = str(part.compile(dialect=sqlite.dialect()))
            lines.append(re.sub(r"\s+", " ", statement).strip() + ";\n")
    PATH.write_text("".join(lines), encoding="utf-8")
    print(f"{PATH}: {len(lines)} statements")


if __name__ == "__main__":
    main()
