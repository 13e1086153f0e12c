"""From the resolved query to SQL: the last of the three rooms (parse, resolve, emit).

A statement of SQLAlchemy, portable between SQLite and PostgreSQL, in which what may not be seen is left out: every
source carries the condition that its rows are readable, roots in `where` and joined ones in `on`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    case,
    exists,
    func,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.sql.expression import Join
from sqlalchemy.sql.selectable import NamedFromClause

from omero_embedded import tables
from omero_embedded.hql.discriminators import DISCRIMINATORS
from omero_embedded.hql.resolved import (
    LONG,
    Column,
    Constant,
    Nested,
    Operation,
    Resolved,
    Source,
    Type,
    Value,
    Variable,
    list_name,
    parameter_name,
)
from omero_embedded.hql.sql import SQL, TYPES, as_text, as_type, constant, written
from omero_embedded.hql.values import AGGREGATES
from omero_embedded.lists import among

Readable: TypeAlias = Callable[[str, FromClause], "ColumnElement[bool] | None"]
"""The condition that a row of a class's table may be seen; None: all may (see `permissions.readable`)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a row of the result something stands: from `start`, `length` columns."""

    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A query in SQL, and where in its rows things are.

    Attributes
    ----------
    query
        The query, whose sources `objects` names.
    sql
        The statement; its parameters are named as `parameter_name` says.
    outputs
        The place of each thing selected, in the order of `Resolved.outputs`.
    objects
        The place of each whole row of a table: of selected objects and fetched sources.
    identifiers
        Where one kind of object is selected: the ids alone, in the same order and as often as the object has rows.
    """

    query: Resolved
    sql: Select[Any]
    outputs: tuple[Place, ...]
    objects: dict[Source, Place]
    identifiers: Select[Any] | None


def emit(query: Resolved, readable: Readable, *, sqlite: bool, call_permissions: int) -> Statement:
    """Return the statement of a query.

    Parameters
    ----------
    query
        What to ask; without mistakes.
    readable
        What may be seen.
    sqlite
        Whether it is for SQLite; for PostgreSQL otherwise.
    call_permissions
        The permissions (bits) of objects that belong to no group.
    """
    names = list(dict.fromkeys(v.name for v in query.variables))
    return _Emitter(readable, names, sqlite=sqlite, call_permissions=call_permissions).statement(
        query
    )


class _Emitter:
    def __init__(
        self, readable: Readable, names: list[str], *, sqlite: bool, call_permissions: int
    ) -> None:
        self._readable = readable
        self._names = names
        self._sqlite = sqlite
        self._call_permissions = call_permissions
        self._rows: dict[Source, NamedFromClause] = {}

    # ------------------------------------------------------------ statements
    def statement(self, query: Resolved) -> Statement:
        chains, conditions = self._from(query)
        columns: list[SQL] = []
        objects: dict[Source, Place] = {}

        def whole(source: Source) -> Place:
            if source not in objects:
                rows = list(self._rows[source].c)
                objects[source] = Place(len(columns), len(rows))
                columns.extend(rows)
            return objects[source]

        outputs = []
        for output in query.outputs:
            if output.source is not None:
                outputs.append(whole(output.source))
            else:
                made = self._output(output.value)
                outputs.append(Place(len(columns), len(made)))
                columns.extend(made)
        for source in query.sources:
            if source.fetch:
                whole(source)
        sql: Select[Any] = select(*columns).select_from(*chains).where(*conditions)
        sql = self._finished(sql.distinct() if query.distinct else sql, query)
        identifiers = self._identifiers(query, chains, conditions)
        return Statement(query, sql, tuple(outputs), objects, identifiers)

    def _identifiers(
        self, query: Resolved, chains: list[FromClause], conditions: list[ColumnElement[bool]]
    ) -> Select[Any] | None:
        root = query.outputs[0].source if len(query.outputs) == 1 else None
        if root is None:
            return None
        sql = select(self._rows[root].c.id).select_from(*chains).where(*conditions)
        return self._finished(sql, query)

    def _finished(self, sql: Select[Any], query: Resolved) -> Select[Any]:
        if query.group_by:
            sql = sql.group_by(*[self.value(v) for v in query.group_by])
        if query.having is not None:
            sql = sql.having(self.value(query.having))
        for value, descending in query.order_by:
            if isinstance(value, Constant):
                continue
            key = self.value(value)
            key = key.desc() if descending else key.asc()
            # PostgreSQL takes NULL for the largest of all, SQLite for the smallest.
            if self._sqlite and self._nullable(value):
                key = key.nulls_first() if descending else key.nulls_last()
            sql = sql.order_by(key)
        return sql

    def _nullable(self, value: Value) -> bool:
        if isinstance(value, Column):
            outer = _in_outer_join(value.source)
            return outer or bool(getattr(self._rows[value.source].c[value.name], "nullable", True))
        if isinstance(value, Operation) and value.name not in (
            "count",
            "count distinct",
            "count rows",
        ):
            return any(map(self._nullable, value.operands)) or value.name in (
                "case",
                "nullif",
                *AGGREGATES,
            )
        return isinstance(value, Nested)

    def _output(self, value: Value) -> list[SQL]:
        made = [self.value(value)]
        if isinstance(value, Column) and value.type.kind == "quantity":
            made.append(self._rows[value.source].c[f"{value.name}_unit"])
        return made

    def nested(self, query: Resolved, *, single: bool = False) -> Select[Any]:
        """Return a sub-query, which may refer to the queries around it; `single` says that it stands for one value."""
        outer = list(self._rows.values())
        chains, conditions = self._from(query)
        values = [self.value(o.value) for o in query.outputs]
        if single and self._sqlite and not (query.group_by or query.distinct or query.order_by):
            # SQLite would take the first of several rows.
            values = [
                value if _is_aggregate(output.value) else func.only(value)
                for value, output in zip(values, query.outputs, strict=True)
            ]
        sql = select(*values).select_from(*chains).where(*conditions).correlate(*outer)
        sql = sql.distinct() if query.distinct else sql
        return self._finished(sql, query)

    # ------------------------------------------------------------ from
    def _from(self, query: Resolved) -> tuple[list[FromClause], list[ColumnElement[bool]]]:
        """Return what a query reads from, joined, and the conditions on it."""
        chains: dict[Source, FromClause] = {}
        base: dict[Source, Source] = {}
        conditions: list[ColumnElement[bool]] = []
        for source in query.sources:
            rows = self._rows[source] = _table(source).alias(f"t{len(self._rows)}")
            parent = source.parent
            if parent is None or parent not in base:
                base[source] = source
                chains[source] = rows
                conditions += self._linked(source)
                continue
            base[source] = base[parent]
            chain, on = chains[base[parent]], and_(true(), *self._linked(source))
            chains[base[parent]] = _joined(chain, rows, on, source.kind)
        conditions += [self.value(v) for v in query.where]
        return list(chains.values()), conditions

    def _linked(self, source: Source) -> list[ColumnElement[bool]]:
        """Return what ties a source to its parent, and which of its rows count."""
        rows, conditions = self._rows[source], []
        if source.parent is not None:
            parent = self._rows[source.parent]
            if source.pairs is not None:
                conditions.append(rows.c.parent == parent.c.id)
            elif source.collection is not None:
                inverse = tables.column_name(source.cls, source.collection.inverse)
                conditions.append(rows.c[inverse] == parent.c.id)
            else:
                conditions.append(rows.c.id == parent.c[cast("str", source.reference)])
        if source.pairs is None:
            of_class = tables.of_class(source.cls, rows) if source.reference is None else None
            conditions += [c for c in (of_class, self._readable(source.cls, rows)) if c is not None]
        return conditions + [self.value(v) for v in source.conditions]

    # ------------------------------------------------------------ values
    def value(self, value: Value) -> SQL:
        """Return the SQL of a value."""
        if isinstance(value, Column):
            return self._rows[value.source].c[value.name]
        if isinstance(value, Constant):
            return constant(
                value.value,
                Type("string") if value.type.kind in ("class", "javaclass", "unit") else value.type,
            )
        if isinstance(value, Variable):
            return bindparam(
                parameter_name(self._names, value.name), type_=TYPES.get(value.type.kind)
            )
        if isinstance(value, Nested):
            return self.nested(value.query, single=True).scalar_subquery()
        return self._operation(value)

    def _operation(self, value: Operation) -> SQL:
        own = {
            "in": self._in,
            "in query": self._in_query,
            "exists": self._exists,
            "like": self._like,
            "permissions of the call": self._permissions,
            "str": self._text,
            "cast": self._cast,
            "concat": self._concatenation,
            **dict.fromkeys(("=", "!=", "<", "<=", ">", ">="), self._comparison),
        }.get(value.name)
        if own is not None:
            return own(value)
        operands = [self.value(o) for o in value.operands]
        return written(value.name, operands, sqlite=self._sqlite)

    def _permissions(self, _value: Operation) -> SQL:
        return constant(self._call_permissions, LONG)

    def _text(self, value: Operation) -> SQL:
        (told,) = value.operands
        return as_text(self.value(told), told.type, sqlite=self._sqlite)

    def _cast(self, value: Operation) -> SQL:
        (given,) = value.operands
        return as_type(self.value(given), value.type, given.type, sqlite=self._sqlite)

    def _concatenation(self, value: Operation) -> SQL:
        terms = [
            as_text(self.value(o), o.type, sqlite=self._sqlite)
            if o.type.kind in ("float", "double", "bool", "time")
            else self.value(o)
            for o in value.operands
        ]
        return written("concat", terms, sqlite=self._sqlite)

    def _exists(self, value: Operation) -> SQL:
        return exists(self.nested(cast("Nested", value.operands[0]).query))

    def _in_query(self, value: Operation) -> SQL:
        sought, nested = value.operands
        return self.value(sought).in_(self.nested(cast("Nested", nested).query))

    def _like(self, value: Operation) -> SQL:
        """Return a `like`. Where no escape is named it is the backslash, as in PostgreSQL."""
        text, pattern, *escape = value.operands
        character = str(escape[0].value) if escape and isinstance(escape[0], Constant) else "\\"
        return self.value(text).like(self.value(pattern), escape=character)

    def _comparison(self, value: Operation) -> SQL:
        left, right = value.operands
        if isinstance(right, Operation) and right.name in ("any", "all"):
            return self._quantified(value.name, left, right)
        sides = [self._class_text(left, right), self._class_text(right, left)]
        return written(value.name, sides, sqlite=self._sqlite)

    def _class_text(self, side: Value, other: Value) -> SQL:
        """Return a side of a comparison; a class that is compared with a text as the text that stands for it."""
        if isinstance(side, Column) and side.type.kind == "class" and isinstance(other, Variable):
            return case(DISCRIMINATORS, value=self.value(side), else_=self.value(side))
        if isinstance(side, Constant) and side.type.kind == "class":
            return constant(side.value, Type("string"))
        return self.value(side)

    def _quantified(self, operator: str, left: Value, right: Operation) -> SQL:
        """Return a comparison with `any` or `all` as one with `exists`, which SQLite can do too."""
        nested = cast("Nested", right.operands[0])
        ours = self.value(left)
        if nested.query.group_by or any(
            isinstance(o.value, Operation) for o in nested.query.outputs
        ):
            return written(operator, [ours, self.value(nested)], sqlite=self._sqlite)
        compared = Operation(operator, (left, nested.query.outputs[0].value), right.type)
        condition = compared if right.name == "any" else Operation("not", (compared,), right.type)
        widened = Resolved(
            nested.query.sources, nested.query.outputs, where=[*nested.query.where, condition]
        )
        found = exists(self.nested(widened))
        return found if right.name == "any" else not_(found)

    def _in(self, operation: Operation) -> SQL:
        value, *choices = operation.operands
        sought = self.value(value)
        fixed = [self._class_text(c, value) for c in choices if not isinstance(c, Variable)]
        found: list[ColumnElement[bool]] = [sought.in_(fixed)] if fixed else []
        for choice in choices:
            if isinstance(choice, Variable):
                name = list_name(self._names, choice.name)
                kind = TYPES.get(choice.type.kind, Text())
                ours = self._class_text(value, choice)
                found.append(among(ours, name, kind, sqlite=self._sqlite))
        return found[0] if len(found) == 1 else or_(*found).self_group()


def _is_aggregate(value: Value) -> bool:
    """Whether a query of nothing else than this value gives one row."""
    return isinstance(value, Operation) and (
        value.name in AGGREGATES or any(map(_is_aggregate, value.operands))
    )


def _table(source: Source) -> FromClause:
    return (
        tables.table(source.cls)
        if source.pairs is None
        else tables.map_table(source.cls, source.pairs)
    )


def _joined(left: FromClause, right: FromClause, on: ColumnElement[bool], kind: str) -> Join:
    if kind == "right":
        return right.outerjoin(left, on)
    return left.join(right, on, isouter=kind == "left", full=kind == "full")


def _in_outer_join(source: Source | None) -> bool:
    """Whether the source, or what it hangs on, may be missing from a row."""
    while source is not None:
        if source.kind != "inner":
            return True
        source = source.parent
    return False
