"""What a search is limited to, and what of the database lies within that.

Below `search`, which sets the restrictions step by step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import omero.model
from sqlalchemy import ColumnElement, and_, exists, select, true

from omero_embedded import errors, permissions, tables
from omero_embedded.call import Call
from omero_embedded.loading import Loader
from omero_embedded.schema import Collection, ModelClass

IObject: TypeAlias = omero.model.IObject
Span: TypeAlias = "tuple[int | None, int | None]"
"""Two moments in milliseconds, either of which may be open; what lies between them is meant, not they themselves."""

BATCH = 1000
"""Results at once, unless told."""
OPEN: Span = (None, None)


@dataclass(frozen=True)
class Owned:
    """Whose: the column `details_owner` or `details_group` and its value."""

    column: str
    identifier: int

    @classmethod
    def read(cls, details: Any) -> "Owned | None":
        """Read the owner of some details, or the group of details without one."""
        for name in ("owner", "group"):
            one = None if details is None else getattr(details, name)
            if one is not None:
                if one.id is None:
                    raise errors.api_usage(f"Id for {name} cannot be null.")
                return cls(f"details_{name}", one.id.val)
        return None


@dataclass(frozen=True)
class Restrictions:
    """What a search is limited to, and how its results come."""

    batch: int = BATCH
    merged: bool = False
    case_sensitive: bool = True
    unloaded: bool = False
    leading: bool = False
    types: tuple[ModelClass, ...] = ()
    ids: tuple[int, ...] = ()
    created: Span = OPEN
    modified: Span = OPEN
    acquired: Span = OPEN
    owned: Owned | None = None
    not_owned: Owned | None = None
    annotated: Span = OPEN
    annotated_by: Owned | None = None
    not_annotated_by: Owned | None = None
    annotated_with: tuple[ModelClass, ...] | None = None
    order: tuple[tuple[str, bool], ...] = ()
    fetches: tuple[str, ...] = ()

    def only_type(self, what: str) -> ModelClass:
        """Return the one class that is searched.

        Raises
        ------
        omero.ApiUsageException
            None was named, or more than one.
        """
        if len(self.types) != 1:
            raise errors.api_usage(
                f"Searches by {what} are currently limited to a single type.\nPlese use Search.onlyType()"
            )
        return self.types[0]


def objects_within(
    call: Call, now: Restrictions, cls: ModelClass, ids: Sequence[int] | None
) -> list[IObject]:
    """Return what of the ids (of all where there are none) is within the restrictions, in order."""
    rows = tables.table(cls.name)
    query = select(rows.c.id).where(*_within(call, now, cls))
    if ids is not None:
        query = query.where(rows.c.id.in_(ids))
    for condition in (permissions.readable(call, cls.name, rows), tables.of_class(cls.name, rows)):
        query = query if condition is None else query.where(condition)
    for path, backwards in now.order:
        if path in cls.fields and tables.column_name(cls.name, path) in rows.c:
            ordered = rows.c[tables.column_name(cls.name, path)]
            query = query.order_by(ordered.desc() if backwards else ordered)
    wanted = list(call.db.execute(query.order_by(rows.c.id)).scalars())
    loader = Loader(call)
    found = list(loader.objects(cls.name, wanted).values())
    for path in ("details.creationEvent", "details.updateEvent", *now.fetches):
        loader.fetch(found, path)
    return found


def _within(call: Call, now: Restrictions, cls: ModelClass) -> list[ColumnElement[bool]]:
    """Return the conditions of the restrictions on the class's rows."""
    rows, event = tables.table(cls.name), tables.table("Event")
    conditions = _whose(rows, now.owned, now.not_owned)
    if now.ids:
        conditions.append(rows.c.id.in_(now.ids))
    for span, column in (
        (now.created, "details_creationEvent"),
        (now.modified, "details_updateEvent"),
    ):
        if span != OPEN and column in rows.c:
            at = select(event.c.id).where(_between(event.c.time, span))
            conditions.append(rows.c[column].in_(at))
    if now.acquired != OPEN:
        conditions.append(_between(rows.c.acquisitionDate, now.acquired))
    return conditions + _bears(call, now, cls)


def _whose(rows: Any, owned: Owned | None, not_owned: Owned | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if owned is not None and owned.column in rows.c:
        conditions.append(rows.c[owned.column] == owned.identifier)
    if not_owned is not None and not_owned.column in rows.c:
        conditions.append(rows.c[not_owned.column] != not_owned.identifier)
    return conditions


def _bears(call: Call, now: Restrictions, cls: ModelClass) -> list[ColumnElement[bool]]:
    """Return the condition that an object bears such an annotation as is asked for, if any is."""
    rows, note, field = (
        tables.table(cls.name),
        tables.table("Annotation"),
        cls.fields.get("annotationLinks"),
    )
    conditions = on_annotations(call, now, note)
    if now.annotated_with is None and not conditions:
        return []
    if not isinstance(field, Collection):
        return [~true()]
    link = tables.table(field.target)
    bearing = select(link.c.id).where(link.c[field.inverse] == rows.c.id)
    if now.annotated_with == ():
        return [~exists(bearing), *([~true()] if conditions else [])]
    for wanted in now.annotated_with or ():
        conditions.append(note.c["class"] == wanted.name)
    return [exists(bearing.join(note, note.c.id == link.c.child).where(*conditions))]


def on_annotations(call: Call, now: Restrictions, note: Any) -> list[ColumnElement[bool]]:
    """Return the restrictions on annotations."""
    event = tables.table("Event")
    conditions = _whose(note, now.annotated_by, now.not_annotated_by)
    if now.annotated != OPEN:
        at = select(event.c.id).where(_between(event.c.time, now.annotated))
        conditions.append(note.c.details_creationEvent.in_(at))
    seen = permissions.readable(call, "Annotation", note)
    return conditions if seen is None or not conditions else [*conditions, seen]


def _between(moment: Any, span: Span) -> ColumnElement[bool]:
    start, stop = span
    return and_(
        true() if start is None else moment > start, true() if stop is None else moment < stop
    )
