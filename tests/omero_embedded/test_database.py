"""A new SQLite database has the tables that the schema asks for, though they are not made out of it each time."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.schema import CreateIndex, CreateTable

from omero_embedded import tables
from omero_embedded.database import Database, at

Described = dict[str, dict[str, list[tuple[object, ...]]]]


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Path]:
    """Give the file of a new database."""
    path = tmp_path / "new.db"
    database = Database(at(path))
    transaction = database.begin(writes=True)
    database.create_tables(transaction.connection)
    transaction.commit()
    yield path
    database.close()


def described(path: Path) -> Described:
    """Return columns, foreign keys and indexes of each table, as SQLite knows them."""
    found: Described = {}
    with sqlite3.connect(path) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            ask = {
                "columns": "SELECT * FROM pragma_table_xinfo(?)",
                "keys": 'SELECT "table", "from", "to", on_delete FROM pragma_foreign_key_list(?) ORDER BY 1, 2',
                "indexes": 'SELECT i.name, i."unique", c.name FROM pragma_index_list(?) i, pragma_index_info(i.name) c '
                "ORDER BY i.name, c.seqno",
                "kind": "SELECT wr, strict FROM pragma_table_list WHERE name = ?",
            }
            found[name] = {
                what: connection.execute(sql, (name,)).fetchall() for what, sql in ask.items()
            }
    return found


def test_the_tables_of_a_new_database_are_those_of_the_schema(new: Path, tmp_path: Path) -> None:
    path = tmp_path / "of the schema.db"
    engine = create_engine(at(path))
    with engine.begin() as connection:
        # One by one: `create_all` leaves out keys of tables that refer to one another in a circle, by what it began with.
        for table in tables.all_tables().tables.values():
            connection.execute(CreateTable(table))
            for index in table.indexes:
                connection.execute(CreateIndex(index))
    engine.dispose()

    expected = described(path)

    assert len(expected) > len(tables.roots())
    # If they differ: python scripts/make_sqlite_tables.py
    assert described(new) == expected


def test_ids_are_never_given_twice(new: Path) -> None:
    with sqlite3.connect(new) as connection:
        made = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
    assert all("AUTOINCREMENT" in made[root.name.lower()] for root in tables.roots())


ALL_AT_ONCE = """
import random, sys, threading
from sqlalchemy import select
from omero_embedded import tables
from omero_embedded.schema import CLASSES

sys.setswitchinterval(1e-6)
barrier, found, failed = threading.Barrier(8), [], []

def ask(seed):
    names = sorted(set(CLASSES) - {"IObject"})
    random.Random(seed).shuffle(names)
    barrier.wait()
    try:
        for name in names:
            str(select(*tables.table(name).alias().c))
    except Exception as error:
        failed.append(error)
    found.append({name: id(tables.table(name)) for name in sorted(names)})

threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(found), len({str(one) for one in found}), failed)
"""


def test_a_table_is_one_and_whole_whoever_asks_for_it_first() -> None:
    # In a process where none has been made yet.
    told = subprocess.run(
        [sys.executable, "-c", ALL_AT_ONCE], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["8", "1", "[]"]
