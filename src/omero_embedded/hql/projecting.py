"""What a projection gives: the values in a query's rows as RTypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import omero
import omero.sys
from omero.rtypes import rlist, rmap, robject

from omero_embedded import collector, permissions, tables
from omero_embedded.call import Call
from omero_embedded.hql.asking import Answer, ask, fetches_collections
from omero_embedded.hql.finding import Objects
from omero_embedded.hql.resolved import Output, Source
from omero_embedded.hql.wrapping import permissions_map, wrap_of
from omero_embedded.prepared import Row
from omero_embedded.schema import CLASSES

Cell: TypeAlias = Callable[[Row], "omero.RType | None"]
"""Takes one thing that is selected out of a row."""

_PERMISSIONS = "_details_permissions"
"""What an alias in `new map` ends with where an object stands for its permissions."""


def project(
    call: Call, text: str | None, parameters: omero.sys.Parameters | None
) -> list[list[omero.RType | None]]:
    """Return the rows that a query finds, as IQuery.projection gives them.

    A row of one value that is null is empty.

    Raises
    ------
    omero.ApiUsageException
        Something is selected that no RType can hold; and whatever `asking.ask` raises.
    """
    answer = ask(call, text, parameters)
    if not answer.rows:
        return []
    with collector.held(len(answer.rows)):
        return _projected(answer, _cells(call, answer))


def _projected(answer: Answer, cells: list[Cell]) -> list[list[omero.RType | None]]:
    form = answer.query.form
    if form == "map":
        names = [o.alias or str(i) for i, o in enumerate(answer.query.outputs)]
        return [
            [rmap({name: cell(row) for name, cell in zip(names, cells, strict=True)})]
            for row in answer.rows
        ]
    if form == "list":
        return [[rlist([cell(row) for cell in cells])] for row in answer.rows]
    rows = [[cell(row) for cell in cells] for row in answer.rows]
    if len(cells) > 1:
        return rows
    if answer.query.outputs[0].source is not None and fetches_collections(answer.query):
        rows = _each_once(rows)
    return [[] if row == [None] else row for row in rows]


def _each_once(rows: list[list[omero.RType | None]]) -> list[list[omero.RType | None]]:
    """Return the rows of one object each without those that bring one again."""
    return list({None if cell is None else id(cell.val): [cell] for (cell,) in rows}.values())


def _cells(call: Call, answer: Answer) -> list[Cell]:
    outputs = answer.query.outputs
    whole = {
        o.source for o in outputs if o.source is not None and not _asks_for_permissions(answer, o)
    }
    fetched = [s for s in answer.statement.objects if s.fetch]
    objects = Objects(call, answer, [*whole, *fetched] if whole else [])
    cells: list[Cell] = []
    for output, place in zip(outputs, answer.statement.outputs, strict=True):
        if output.source is None:
            wrap = wrap_of(output.value.type)
            cells.append(
                _pair_cell(wrap, place.start)
                if place.length > 1
                else _value_cell(wrap, place.start)
            )
        elif output.source in whole:
            cells.append(_object_cell(objects, output.source))
        else:
            cells.append(_permissions_cell(call, output.source, place.start))
    return cells


def _asks_for_permissions(answer: Answer, output: Output) -> bool:
    return (
        answer.query.form == "map"
        and output.alias is not None
        and output.alias.endswith(_PERMISSIONS)
    )


def _value_cell(wrap: Callable[..., omero.RType], place: int) -> Cell:
    return lambda row: None if row[place] is None else wrap(row[place])


def _pair_cell(wrap: Callable[..., omero.RType], place: int) -> Cell:
    return lambda row: None if row[place] is None else wrap(row[place], row[place + 1])


def _object_cell(objects: Objects, source: Source) -> Cell:
    def cell(row: Row) -> omero.RType | None:
        found = objects.of(source, row)
        return None if found is None else robject(found)

    return cell


def _permissions_cell(call: Call, source: Source, start: int) -> Cell:
    """Return what gives an object's permissions with the flags for who asks; made once for each owner and group."""
    columns = [c.name for c in tables.table(source.cls).c]
    cls = CLASSES[source.cls]
    owner, group, bits = (
        start + columns.index(name) if name in columns else None
        for name in ("details_owner", "details_group", "details_permissions")
    )
    made: dict[tuple[int | None, ...], omero.RMap] = {}

    def cell(row: Row) -> omero.RMap | None:
        if row[start] is None:
            return None
        key = tuple(None if place is None else row[place] for place in (owner, group, bits))
        if key not in made:
            made[key] = permissions_map(permissions.flags(call, cls.name, *key))
        return made[key]

    return cell
