"""The objects in a query's rows: what is selected and what is fetched with it, each made once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import omero
import omero.model
import omero.sys

from omero_embedded import collector, errors, tables
from omero_embedded.call import Call
from omero_embedded.filling import IObject
from omero_embedded.hql.asking import Answer, ask, fetches_collections
from omero_embedded.hql.resolved import Source
from omero_embedded.loading import Loader, set_collection
from omero_embedded.prepared import Row
from omero_embedded.schema import CLASSES


def find(
    call: Call, text: str | None, parameters: omero.sys.Parameters | None
) -> list[IObject | None]:
    """Return the objects that a query finds, as IQuery.findAllByQuery gives them.

    Where a collection is fetched each object comes once; what an outer join did not find is None.

    Raises
    ------
    omero.InternalException
        The query finds something else than objects; and whatever `asking.ask` raises.
    """
    answer = ask(call, text, parameters)
    if not answer.rows:
        return []
    root = _root(answer)
    if root is None:
        raise errors.internal(
            "Failed to invoke: the query finds values; ask for them by projection"
        )
    return _objects(call, answer, root)


def find_one(
    call: Call, text: str | None, parameters: omero.sys.Parameters | None
) -> IObject | None:
    """Return the object that a query finds, as IQuery.findByQuery gives it; None where it finds nothing.

    Raises
    ------
    omero.ApiUsageException
        The query finds several objects, or something else than objects; and whatever `asking.ask` raises.
    """
    answer = ask(call, text, parameters)
    if not answer.rows:
        return None
    root = _root(answer)
    if root is None:
        if len(answer.rows) == 1 and answer.query.form == "row" and list(answer.rows[0]) == [None]:
            return None  # a single value that is null is no object of a wrong kind
        raise errors.api_usage(
            f"Query named:\n\t{text}\nhas returned an Object of type that is no IObject\n"
            "Queries must return IObjects when using findByQuery."
        )
    found = _objects(call, answer, root)
    if any(o is not found[0] for o in found):  # the same one several times is one
        raise errors.not_unique(text or "")
    return found[0]


def _root(answer: Answer) -> Source | None:
    """Return the source of the objects that the answer consists of; None where it consists of something else."""
    root = answer.query.outputs[0].source if len(answer.query.outputs) == 1 else None
    return None if answer.query.form in ("map", "list") else root


def _objects(call: Call, answer: Answer, root: Source) -> list[IObject | None]:
    with collector.held(len(answer.rows)):
        objects = Objects(call, answer, list(answer.statement.objects))
        found = objects.all_of(root)
    return list({id(o): o for o in found}.values()) if fetches_collections(answer.query) else found


class Objects:
    """The objects of some sources of an answer, made of its rows."""

    def __init__(self, call: Call, answer: Answer, sources: Sequence[Source]) -> None:
        self._loader = Loader(call)
        self._answer = answer
        self._by_id: dict[Source, Mapping[int, IObject]] = {}
        for source in sources:
            if source.pairs is None:
                self._make(source)
        for source in sources:
            if source.fetch and source.collection is not None:
                self._collect(source)
            elif source.fetch and source.pairs is not None:
                self._collect_pairs(source)

    def of(self, source: Source, row: Row) -> IObject | None:
        """Return the object of the source in the row; None where an outer join found none."""
        identifier = row[self._start(source)]
        return None if identifier is None else self._by_id[source][identifier]

    def all_of(self, source: Source) -> list[IObject | None]:
        """Return the object of the source in each row."""
        by_id, start = self._by_id[source], self._start(source)
        return [by_id.get(row[start]) for row in self._answer.rows]

    def _start(self, source: Source) -> int:
        return self._answer.statement.objects[source].start

    def _make(self, source: Source) -> None:
        place = self._answer.statement.objects[source]
        start, end = place.start, place.start + place.length
        rows = {row[start]: row for row in self._answer.rows}
        rows.pop(None, None)
        whole: Iterable[Sequence[Any]] = (
            rows.values() if start == 0 else (row[start:end] for row in rows.values())
        )
        self._by_id[source] = self._loader.take(CLASSES[source.cls].root.name, whole)

    def _collect(self, source: Source) -> None:
        """Make the members of a collection that the rows hold the collection of its object."""
        parent, collection = cast("Source", source.parent), source.collection
        assert collection is not None
        at_parent, at_child = self._start(parent), self._start(source)
        members: dict[int, dict[int, int]] = {}
        place = None
        if collection.ordered:
            columns = [c.name for c in tables.table(source.cls).c]
            place = at_child + columns.index(tables.index_column_name(collection))
        for row in self._answer.rows:
            if row[at_parent] is not None:
                of_one = members.setdefault(row[at_parent], {})
                if row[at_child] is not None:
                    of_one[row[at_child]] = 0 if place is None or row[place] is None else row[place]
        parents, children = self._by_id[parent], self._by_id[source]
        for identifier, of_one in members.items():
            ids = sorted(of_one, key=lambda i: (of_one[i], i)) if collection.ordered else of_one
            set_collection(parents[identifier], collection.name, [children[i] for i in ids])

    def _collect_pairs(self, source: Source) -> None:
        """Make the pairs of a map that the rows hold the map of its object."""
        parent = cast("Source", source.parent)
        parents, at_parent, start = self._by_id[parent], self._start(parent), self._start(source)
        pairs: dict[int, dict[int, omero.model.NamedValue]] = {}
        for row in self._answer.rows:
            if row[at_parent] is not None:
                of_one = pairs.setdefault(row[at_parent], {})
                if row[start] is not None:
                    _, position, name, value = row[start : start + 4]
                    of_one[position] = omero.model.NamedValue(name, value)
        for identifier, of_one in pairs.items():
            setattr(parents[identifier], f"_{source.pairs}", [of_one[p] for p in sorted(of_one)])
