"""A prepared query gives what SQLAlchemy gives for the same statement, of either kind of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    MetaData,
    Select,
    Table,
    Text,
    bindparam,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.exc import DBAPIError

from omero_embedded.database import Database, at
from omero_embedded.lists import among, as_parameter, is_sqlite, one_of
from omero_embedded.prepared import Prepared
from omero_embedded.tables import Real
from postgresql import NewDatabase

THINGS = Table(
    "things",
    MetaData(),
    Column("id", BigInteger, primary_key=True),
    Column("name", Text),
    Column("wanted", Boolean),
    Column("size", Real),
    Column("parts", JSON),
)
ROWS = [
    {"id": 1, "name": "a % b", "wanted": True, "size": 0.5, "parts": ["x", "y"]},
    {"id": 2, "name": "c", "wanted": False, "size": float("nan"), "parts": []},
    {"id": 3, "name": None, "wanted": None, "size": None, "parts": None},
]


@pytest.fixture(params=["sqlite", "postgresql"])
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    """Give a connection to a database with some things in it."""
    if request.param == "sqlite":
        url = at(tmp_path / "things.db")
    else:
        new_postgresql: NewDatabase = request.getfixturevalue("new_postgresql")
        url = new_postgresql()
    database = Database(url)
    transaction = database.begin(writes=True)
    THINGS.create(transaction.connection)
    transaction.connection.execute(insert(THINGS), ROWS)
    yield transaction.connection
    transaction.rollback()
    database.close()


def test_rows_are_those_of_the_table(connection: Connection) -> None:
    columns = [THINGS.c.id, THINGS.c.name, THINGS.c.wanted, THINGS.c.parts]
    rows = Prepared(select(*columns).order_by(THINGS.c.id)).rows(connection, {})
    assert [dict(zip(("id", "name", "wanted", "parts"), row, strict=True)) for row in rows] == [
        {name: value for name, value in row.items() if name != "size"} for row in ROWS
    ]


@pytest.mark.parametrize(
    ("condition", "values", "ids"),
    [
        (THINGS.c.name == bindparam("given", type_=Text()), {"given": "a % b"}, [1]),
        (THINGS.c.name.like("%!% b", escape="!"), {}, [1]),
        (THINGS.c.wanted == bindparam("given", type_=Boolean()), {"given": True}, [1]),
        (THINGS.c.size == bindparam("given", type_=Real()), {"given": float("nan")}, [2]),
        (THINGS.c.size == literal(float("nan"), Real()), {}, [2]),
        (one_of(THINGS.c.id, [1, 3]), {}, [1, 3]),
    ],
)
def test_values_that_are_given_and_values_that_stand_in_the_statement(
    connection: Connection, condition: object, values: dict[str, object], ids: list[int]
) -> None:
    query: Select[tuple[int]] = select(THINGS.c.id).where(condition).order_by(THINGS.c.id)  # type: ignore[arg-type]
    assert [row[0] for row in Prepared(query).rows(connection, values)] == ids


def test_it_is_asked_again_with_other_values(connection: Connection) -> None:
    sqlite = is_sqlite(connection)
    prepared = Prepared(select(THINGS.c.id).where(among(THINGS.c.id, "ids", sqlite=sqlite)))
    for ids in ([1], [2, 3], []):
        rows = prepared.rows(connection, {"ids": as_parameter(ids, sqlite=sqlite)})
        assert sorted(row[0] for row in rows) == ids


def test_one_serves_both_kinds_of_database(new_postgresql: NewDatabase, tmp_path: Path) -> None:
    prepared = Prepared(select(func.abs(bindparam("given", type_=BigInteger()))))
    for url in (at(tmp_path / "empty.db"), new_postgresql()):
        database = Database(url)
        transaction = database.begin(writes=False)
        assert [tuple(r) for r in prepared.rows(transaction.connection, {"given": -2})] == [(2,)]
        transaction.rollback()
        database.close()


def test_what_the_database_refuses_at_a_later_row_is_an_error_of_the_database(
    tmp_path: Path,
) -> None:
    """SQLite works out each row as it is fetched."""
    database = Database(at(tmp_path / "things.db"))
    transaction = database.begin(writes=True)
    THINGS.create(transaction.connection)
    transaction.connection.execute(insert(THINGS), [{"id": 1, "name": "1"}, {"id": 2, "name": "x"}])
    query = select(func.integer_of(THINGS.c.name, 64))
    with pytest.raises(DBAPIError, match="exception"):
        Prepared(query).rows(transaction.connection, {})
    transaction.rollback()
    database.close()
