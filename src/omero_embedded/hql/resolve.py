"""From names to the model: the second of the three rooms (parse, resolve, emit).

What is found wrong here is an `HqlError`, as if the text had been no HQL: the real server does not tell them apart.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from omero_embedded.hql import tree
from omero_embedded.hql.comparing import INTERVAL, same_column
from omero_embedded.hql.parse import HqlError, parse
from omero_embedded.hql.paths import Details, Many, Pairs, Pointer, Scope
from omero_embedded.hql.resolved import (
    Column,
    Constant,
    Mistake,
    Nested,
    Operation,
    Output,
    Resolved,
    Source,
    Type,
    Value,
)
from omero_embedded.hql.values import AGGREGATES, Values, class_named


class DataChangeError(Exception):
    """The text is an update, a delete or an insert: understood, and not carried out."""


@functools.lru_cache(maxsize=512)
def resolve(text: str) -> Resolved:
    """Return the query that a text asks, its names resolved against the model.

    Raises
    ------
    HqlError
        The text is no HQL, or names what does not exist.
    DataChangeError
        It would change data.
    """
    parsed = parse(text)
    if isinstance(parsed, tree.DataChange):
        cls = class_named(parsed.target)
        if cls is None:
            raise HqlError(f"{'.'.join(parsed.target.names)} is not mapped")
        raise DataChangeError(text.replace(".".join(parsed.target.names), cls.java, 1))
    resolved = _query(parsed, None)
    if any(
        not isinstance(o.value, Column | Constant | Operation | Nested) for o in resolved.outputs
    ):
        raise HqlError(
            "Parameters are only supported in SELECT clauses when used as part of a INSERT INTO DML statement"
        )
    return resolved


def _query(node: tree.Query, outer: Scope | None) -> Resolved:
    scope = Scope(outer)
    values = Values(scope, _nested)
    query = scope.query
    _sources(node, scope, values)
    if node.where is not None:
        query.where.append(values.condition(node.where))
    aliases = _selection(node.selection, scope, values)
    query.group_by = [_at_position(values.expression(e), query) for e in node.group_by]
    if node.having is not None:
        query.having = values.condition(node.having)
    for key in node.order_by:
        name = (
            key.value.names[0]
            if isinstance(key.value, tree.Path) and len(key.value.names) == 1
            else ""
        )
        value = aliases[name] if name in aliases else values.expression(key.value)
        query.order_by.append((_at_position(value, query), key.descending))
    _check_fetches(query)
    query.mistakes += map(Mistake, _ungrouped(query))
    return query


def _at_position(value: Value, query: Resolved) -> Value:
    """Return what is to be ordered or grouped by: a whole number means what is selected in that place."""
    if not isinstance(value, Constant) or any(o.source is not None for o in query.outputs):
        return value
    if isinstance(value.value, bool) or not isinstance(value.value, int):
        query.mistakes.append(Mistake("non-integer constant in ORDER BY or GROUP BY"))
    elif 0 < value.value <= len(query.outputs):
        return query.outputs[value.value - 1].value
    else:
        query.mistakes.append(Mistake(f"position {value.value} is not in select list"))
    return value


def _nested(node: tree.Query, outer: Scope) -> Nested:
    query = _query(node, outer)
    outer.query.variables += query.variables
    outer.query.mistakes += query.mistakes
    if not query.outputs:
        raise HqlError("a sub-query must select something")
    if len(query.outputs) > 1:
        outer.query.mistakes.append(Mistake("subquery has too many columns"))
    return Nested(query, query.outputs[0].value.type)


# ---------------------------------------------------------------- from
def _sources(node: tree.Query, scope: Scope, values: Values) -> None:
    for part in node.sources:
        source = (
            _range(part, scope, values)
            if isinstance(part, tree.Range)
            else _join(part, scope, values)
        )
        if isinstance(source, Column | Details):
            if part.alias is not None:
                scope.name(part.alias, source)
            continue
        source.alias = part.alias
        source.explicit = True
        scope.add(source)
        if isinstance(part, tree.Join) and part.condition is not None:
            if part.fetch:
                raise HqlError("with-clause not allowed on fetched associations; use filters")
            condition = values.condition(part.condition)
            if any(c.source is not source for c in _columns_outside(condition, [])):
                raise HqlError("with clause can only reference columns in the driving table")
            source.conditions.append(condition)


def _range(part: tree.Range, scope: Scope, values: Values) -> Source:
    cls = class_named(part.path)
    if cls is not None:
        return Source(cls.name)
    if (
        scope.outer is not None
        and len(part.path.names) > 1
        and scope.alias(part.path.names[0]) is not None
    ):
        return values.joined(values.place(part.path), "inner")
    raise HqlError(f"{'.'.join(part.path.names)} is not mapped")


def _join(part: tree.Join, scope: Scope, values: Values) -> Source | Column | Details:
    """Return what is joined; quantities and details are parts of their object's row, so joining them joins nothing."""
    if scope.alias(part.path.names[0]) is None:
        raise HqlError(f"Path expected for join: {'.'.join(part.path.names)}")
    place: object = scope.alias(part.path.names[0])
    for name in part.path.names[1:]:
        if isinstance(place, Pointer):
            place = scope.follow(place, part.kind)
        if not isinstance(place, Source | Details | Many | Pairs | Column):
            raise HqlError("Path expected for join!")
        place = scope.step(place, name)
    if isinstance(place, Details) or (isinstance(place, Column) and place.type.kind == "quantity"):
        return place
    if not isinstance(place, Pointer | Many | Pairs):
        raise HqlError("Path expected for join!")
    source = values.joined(place, part.kind)
    source.fetch = part.fetch
    return source


# ---------------------------------------------------------------- select
def _selection(selection: tree.Selection | None, scope: Scope, values: Values) -> dict[str, Value]:
    """Fill in what is selected; return the values that bear an alias."""
    query = scope.query
    if selection is None:
        chosen = [s for s in query.sources if s.explicit and not s.fetch and s.pairs is None]
        query.outputs += [Output(Column(s, "id", s.type), None, s) for s in chosen]
        return {}
    if selection.form == "class":
        raise HqlError("Unable to locate class to be made with new")
    query.form, query.distinct = selection.form, selection.distinct
    items = [
        i for i in selection.items if selection.form != "row" or not isinstance(i.value, tree.Truth)
    ]
    values.in_select = True
    query.outputs += [_output(item, values, alone=len(items) == 1) for item in items]
    values.in_select = False
    return {o.alias: o.value for o in query.outputs if o.alias is not None and o.source is None}


def _output(item: tree.Selected, values: Values, *, alone: bool) -> Output:
    if isinstance(item.value, tree.CollectionOf) and item.value.part == "indices":
        members = values.scope.add(values.joined(values.place(item.value.path), "inner"))
        return Output(values.place_in_list(members), item.alias)
    source = _objects(item.value, values, alone=alone)
    if isinstance(source, Details):  # found, but there is no RType for it
        return Output(Column(source.source, "id", Type("details")), item.alias)
    if source is not None:
        return Output(Column(source, "id", source.type), item.alias, source)
    value = values.selected(item.value)
    if value.type == INTERVAL:
        values.scope.query.mistakes.append(Mistake("Bad value for type double", of_data=True))
    if value.type.kind == "unknown" or (isinstance(value, Constant) and value.type.kind == "class"):
        raise HqlError("No data type for what is selected")
    return Output(value, item.alias)


def _objects(selected: tree.Expression, values: Values, *, alone: bool) -> Source | Details | None:
    """Return the source whose objects are selected, if it is objects; `alone` says that nothing else is selected."""
    if isinstance(selected, tree.CollectionOf):
        members = values.scope.add(values.joined(values.place(selected.path), "inner"))
        if members.pairs is not None:
            raise HqlError("pairs of a map cannot be selected")
        return members
    if not isinstance(selected, tree.Path) or values.scope.begin(selected.names) is None:
        return None
    place = values.place(selected)
    if isinstance(place, Pointer):
        place = values.scope.follow(place)
    if isinstance(place, Many) and alone:
        return values.scope.add(values.joined(place, "inner"))
    if isinstance(place, Many) or (isinstance(place, Source) and place.pairs is not None):
        raise HqlError("No data type for what is selected")
    return place if isinstance(place, Source | Details) else None


# ---------------------------------------------------------------- checks
def _check_fetches(query: Resolved) -> None:
    """Refuse fetching what hangs on nothing that is selected."""
    selected = {id(o.source) for o in query.outputs if o.source is not None}
    for source in query.sources:
        if source.fetch:
            if id(source.parent) not in selected:
                raise HqlError(
                    "query specified join fetching, but the owner of the fetched association was not present in the "
                    "select list"
                )
            selected.add(id(source))


def _ungrouped(query: Resolved) -> Iterator[str]:
    """Yield what PostgreSQL refuses of a query with aggregates, and of one with `distinct`."""
    if any(_has_aggregate(v) for v in [*query.where, *query.group_by]):
        yield "aggregate functions are not allowed in WHERE"
    outputs = [o.value for o in query.outputs]
    ordered = [v for v, _ in query.order_by]
    having = [] if query.having is None else [query.having]
    if query.group_by or having or any(map(_has_aggregate, outputs)):
        for column in (
            c for v in [*outputs, *having, *ordered] for c in _columns_outside(v, query.group_by)
        ):
            if column.source in query.sources and not any(
                _determines(g, column) for g in query.group_by
            ):
                yield f'column "{column.name}" must appear in the GROUP BY clause or be used in an aggregate function'
    if query.distinct:
        whole = [o.source for o in query.outputs if o.source is not None]
        for value in ordered:
            of_selected = isinstance(value, Column) and any(value.source is s for s in whole)
            if (
                not of_selected
                and value not in outputs
                and not any(same_column(value, o) for o in outputs)
            ):
                yield "for SELECT DISTINCT, ORDER BY expressions must appear in select list"


def _determines(grouped: Value, column: Column) -> bool:
    """Whether the column has one value in each group: it is grouped by, or the id of its row is."""
    return same_column(grouped, column) or (
        isinstance(grouped, Column) and grouped.source is column.source and grouped.name == "id"
    )


def _has_aggregate(value: Value) -> bool:
    return isinstance(value, Operation) and (
        value.name in AGGREGATES or any(map(_has_aggregate, value.operands))
    )


def _columns_outside(value: Value, grouped: list[Value]) -> Iterator[Column]:
    """Yield the columns of a value that stand in no aggregate and in nothing that is grouped by."""
    if value in grouped:
        return
    if isinstance(value, Column):
        yield value
    elif isinstance(value, Operation) and value.name not in AGGREGATES:
        for operand in value.operands:
            yield from _columns_outside(operand, grouped)
