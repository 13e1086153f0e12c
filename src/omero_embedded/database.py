"""Transactions: the one place that knows which database there is.

SQLite by default (one file, write-ahead log), any SQLAlchemy URL otherwise. SQLite has one writer at a time, so writing
transactions queue here, fairly and without timeouts, and begin as writers: none has to be given up half-way because
another wrote first.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.engine.interfaces import DBAPIConnection

from omero_embedded import sqlite_functions, tables

# Made by `scripts/make_sqlite_tables.py`, one statement a line.
_SQLITE_TABLES = Path(__file__).parent / "sqlite_tables.sql"

CONNECTIONS = 64
"""As many as calls may be under way; a call holds at most one."""


class Transaction:
    """One transaction on one connection; it ends with `commit` or `rollback`, which also give the connection back."""

    def __init__(self, connection: Connection, release: Callable[[], None]) -> None:
        self.connection = connection
        self._release = release

    def commit(self) -> None:
        """Make what was written last."""
        try:
            self.connection.commit()
        finally:
            self._end()

    def rollback(self) -> None:
        """Undo what was written."""
        try:
            self.connection.rollback()
        finally:
            self._end()

    def _end(self) -> None:
        self.connection.close()
        self._release()


class Database:
    """A database with our tables.

    Parameters
    ----------
    url
        SQLAlchemy URL, such as sqlite:////path/omero.db or postgresql+psycopg://….
    durable
        Whether what is committed must outlive a power cut (it outlives the end of the process in any case).
    """

    def __init__(self, url: str, *, durable: bool = True) -> None:
        self.durable = durable
        sqlite = url.startswith("sqlite")
        options: dict[str, Any] = (
            {"connect_args": {"check_same_thread": False}} if sqlite else {"pool_pre_ping": True}
        )
        # Without linting: clients may well ask for a cartesian product.
        self.engine: Engine = create_engine(
            url, pool_size=8, max_overflow=CONNECTIONS, enable_from_linting=False, **options
        )
        self._writer = threading.Lock() if sqlite else None
        if sqlite:
            event.listen(self.engine, "connect", _sqlite_settings("FULL" if durable else "OFF"))
            event.listen(self.engine, "begin", _begin_sqlite)

    def begin(self, *, writes: bool) -> Transaction:
        """Begin a transaction; one that does not write is refused every change."""
        if writes and self._writer is not None:
            self._writer.acquire()
            release = self._writer.release
        else:
            release = _nothing
        try:
            connection = self.engine.connect().execution_options(omero_writes=writes)
            connection.begin()
            if self._writer is None and not writes:
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        except BaseException:
            release()
            raise
        return Transaction(connection, release)

    def is_new(self) -> bool:
        """Whether the tables are still to be made."""
        return not inspect(self.engine).has_table(tables.password.name)

    def create_tables(self, connection: Connection) -> None:
        """Make all tables."""
        if self._writer is None:
            tables.all_tables().create_all(connection, checkfirst=False)
            return
        for statement in _SQLITE_TABLES.read_text(encoding="utf-8").splitlines():
            connection.exec_driver_sql(statement)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def at(path: Path) -> str:
    """Return the URL of the SQLite file at the path."""
    return f"sqlite:///{path.resolve().as_posix()}"


def _nothing() -> None:
    """Release nothing."""


def _sqlite_settings(synchronous: str) -> Callable[[DBAPIConnection, object], None]:
    """Return what prepares a new SQLite connection. Without our own BEGIN, pysqlite would begin when it likes."""

    def prepare(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            f"synchronous = {synchronous}",
            "foreign_keys = ON",
            "busy_timeout = 30000",
            "cache_size = -4000",
            "case_sensitive_like = ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        sqlite_functions.register(connection)

    return prepare


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("omero_writes", True)
    connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
