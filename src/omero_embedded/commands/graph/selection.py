"""The objects that a command has found so far: a temporary table of kind and id, in the command's transaction.

The kind is the class whose table holds the row (Annotation for a TagAnnotation). The table is gone when the selection
is left, and with the transaction in any case.
"""

from collections.abc import Iterable
from types import TracebackType

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
)
from typing_extensions import Self

from omero_embedded import tables
from omero_embedded.schema import CLASSES

AT_ONCE = 5000
"""Ids in one statement: well below what any database takes."""


class Selection:
    """A set of objects in the database; use as a context manager.

    Two that are open at once need different names.
    """

    def __init__(self, db: Connection, name: str = "selected") -> None:
        self.db = db
        self.table = Table(
            name,
            MetaData(),
            Column("kind", Text, primary_key=True),
            Column("id", tables.ID, primary_key=True),
            prefixes=["TEMPORARY"],
            sqlite_with_rowid=False,
        )

    def __enter__(self) -> Self:
        self.table.create(self.db, checkfirst=False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:  # else the transaction is rolled back, and the table with it
            self.table.drop(self.db, checkfirst=False)

    def add(self, kind: str, ids: Iterable[int]) -> None:
        """Add objects that are known by id and not in yet."""
        rows = [{"kind": kind, "id": i} for i in dict.fromkeys(ids)]
        if rows:
            self.db.execute(insert(self.table), rows)

    def add_all(self, kind: str, identifier: ColumnElement[int], query: Select[int]) -> int:
        """Add what a query finds; `identifier` is the column it selects. Return how many are new."""
        fresh = (
            query.where(~self.holds(kind, identifier))
            .with_only_columns(literal(kind), identifier)
            .distinct()
        )
        adding = insert(self.table).from_select(["kind", "id"], fresh)
        return self.db.execute(adding, execution_options={"preserve_rowcount": True}).rowcount

    def drop_all(self, other: "Selection") -> None:
        """Leave out what is in the other selection."""
        own, theirs = self.table, other.table.alias()
        both = exists(
            select(literal(1))
            .select_from(theirs)
            .where(theirs.c.kind == own.c.kind, theirs.c.id == own.c.id)
        )
        self.db.execute(delete(own).where(both))

    def holds(self, kind: str, identifier: ColumnElement[int]) -> ColumnElement[bool]:
        """Return the condition that the object of the id is in."""
        own = self.table.alias()
        return exists(
            select(literal(1)).select_from(own).where(own.c.kind == kind, own.c.id == identifier)
        )

    def among(self, kind: str, identifier: ColumnElement[int]) -> ColumnElement[bool]:
        """Return the same condition in the form by which the database begins with what is in, and uses an index."""
        return identifier.in_(self.ids(kind))

    def join(self, kind: str, identifier: ColumnElement[int]) -> ColumnElement[bool]:
        """Return the condition that joins a query to the rows of this table."""
        return and_(self.table.c.kind == kind, self.table.c.id == identifier)

    def ids(self, kind: str) -> Select[int]:
        """Return the query for the ids of a kind."""
        return select(self.table.c.id).where(self.table.c.kind == kind)

    def kinds(self) -> list[str]:
        """Return the kinds of which there are any."""
        return list(self.db.execute(select(self.table.c.kind).distinct()).scalars().all())

    def size(self) -> int:
        """Return how many objects are in."""
        return self.db.execute(select(func.count()).select_from(self.table)).scalar_one()

    def by_class(self, *, java: bool = True) -> dict[str, list[int]]:
        """Return the ids by the concrete classes, with their Java names (ome.model.core.Image) or the plain ones."""
        found: dict[str, list[int]] = {}
        for kind in self.kinds():
            rows = tables.table(kind)
            cls = rows.c["class"] if "class" in rows.c else literal(kind)
            query = (
                select(cls, rows.c.id)
                .join(self.table, self.join(kind, rows.c.id))
                .order_by(rows.c.id)
            )
            for name, identifier in self.db.execute(query):
                found.setdefault(CLASSES[name].java if java else name, []).append(identifier)
        return found


def in_parts(ids: Iterable[int]) -> Iterable[list[int]]:
    """Yield the ids in as many as one statement takes."""
    rest = list(ids)
    for start in range(0, len(rest), AT_ONCE):
        yield rest[start : start + AT_ONCE]
