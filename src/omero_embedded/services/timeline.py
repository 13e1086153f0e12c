"""omero.api.ITimeline: what was made or changed lately.

What is looked at, and by which time, is as in ome.services.blitz.impl.TimelineI: Images count by the time they were taken
at, and have no part where that is not known; of types that it does not look through there is nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import omero
import omero.model
from omero.rtypes import rlong, rstring, rtime
from sqlalchemy import ColumnElement, FromClause, Select, and_, func, or_, select

from omero_embedded import errors, permissions, tables
from omero_embedded.call import Call
from omero_embedded.loading import Loader
from omero_embedded.schema import find_class
from omero_embedded.services.parameters import Wishes, page, read, visible
from omero_embedded.wire.registry import stateless

IObject: TypeAlias = omero.model.IObject

TYPES = ("RenderingDef", "Image", "Project", "Dataset", "Annotation")
"""What is asked for where a client names no types."""

LOOKED_AT = ("RenderingDef", "Image", "Project", "Dataset", "EventLog")
PARENTS = ("Project", "Dataset", "Image")
"""On what links to annotations are looked for where a client names no types."""

LOGGED = ("ome.model.containers.Dataset", "ome.model.containers.Project")
ACTIONS = ("INSERT", "UPDATE", "REINDEX")
LIMIT = 50
"""How many of each type, unless told."""


@stateless("omero.api.ITimeline")
class TimelineService:
    """Looking back."""

    def getMostRecentAnnotationLinks(
        self, call: Call, parentTypes: Any, childTypes: Any, namespaces: Any, p: Any
    ) -> list[IObject]:
        """Give the links to annotations that were changed last, newest first."""
        if len(childTypes or ()) > 1:
            raise errors.api_usage(
                "HHH-879: You can only restrict to a single annotation type at the moment"
            )
        kind = None
        if childTypes:
            kind = find_class(childTypes[0])
            if kind is None:
                raise errors.validation(f"Error mapping: {childTypes[0]}")
        wishes = Wishes() if p is None else _defaults(call, p)
        found: dict[str, list[IObject]] = {}
        loader = Loader(call)
        for parent in parentTypes or PARENTS:
            cls = find_class(f"{parent}AnnotationLink")
            if cls is None:
                raise errors.api_usage(f"{parent}AnnotationLink is not mapped")
            rows, note, event = (tables.table(c) for c in (cls.name, "Annotation", "Event"))
            query = visible(call, cls.name, rows, wishes)
            query = query.join(event, event.c.id == rows.c.details_updateEvent)
            query = query.join(note, note.c.id == rows.c.child)
            if kind is not None:
                query = query.where(note.c["class"] == kind.name)
            if namespaces:
                query = query.where(or_(*(note.c.ns.like(n) for n in namespaces)))
            ids = call.db.execute(page(query.order_by(event.c.id.desc()), wishes)).scalars()
            found[parent] = list(loader.objects(cls.name, ids).values())
        links = [link for links in found.values() for link in links]
        for path in ("child", "details.creationEvent", "details.updateEvent"):
            loader.fetch(links, path)
        newest = _newest(loader, found, wishes.limit or LIMIT)
        return [link for _, link in newest]

    def getMostRecentShareCommentLinks(self, call: Call, p: Any) -> list[IObject]:
        """Give the comments on shares: there are no shares."""
        return []

    def getMostRecentObjects(
        self, call: Call, types: Any, p: Any, merge: bool
    ) -> dict[str, list[IObject]]:
        """Give what was made or changed last, by type; the newest of all types together where `merge`."""
        return self.getByPeriod(call, types, None, None, p, merge)

    def getByPeriod(
        self, call: Call, types: Any, start: Any, end: Any, p: Any, merge: bool
    ) -> dict[str, list[IObject]]:
        """Give what was made or changed in a time, by type."""
        wishes, loader = _defaults(call, p), Loader(call)
        found: dict[str, list[IObject]] = {}
        for cls in types or TYPES:
            if cls not in LOOKED_AT:
                if merge:
                    raise errors.of_java("java.lang.NullPointerException", "null")
                found[cls] = []
                continue
            query, order = _recent(call, cls, wishes, _moment(start), _moment(end))
            ids = call.db.execute(page(query.order_by(*order), wishes)).scalars()
            found[cls] = list(loader.objects(cls, ids).values())
            for path in (
                ("event",)
                if cls == "EventLog"
                else ("details.creationEvent", "details.owner", "details.group")
            ):
                loader.fetch(found[cls], path)
        loader.fetch(found.get("RenderingDef", []), "pixels.image")
        if not merge:
            return found
        merged: dict[str, list[IObject]] = {cls: [] for cls in found}
        for cls, o in _newest(loader, found, wishes.limit or LIMIT):
            merged[cls].append(o)
        return merged

    def countByPeriod(self, call: Call, types: Any, start: Any, end: Any, p: Any) -> dict[str, int]:
        """Give how much was made or changed in a time, by type; -1 of types that are not looked through."""
        wishes = _defaults(call, p)
        counts = {}
        for cls in types or TYPES:
            counts[cls] = -1
            if cls in LOOKED_AT:
                query, _ = _recent(call, cls, wishes, _moment(start), _moment(end))
                counted = select(func.count()).select_from(query.subquery())
                counts[cls] = call.db.execute(counted).scalar_one()
        return counts

    def getEventLogsByPeriod(self, call: Call, start: Any, end: Any, p: Any) -> list[IObject]:
        """Give what the log says of Projects and Datasets in a time, and an entry for each Image taken in it."""
        if start is None or end is None:
            raise errors.of_java("java.lang.NullPointerException", "null")
        wishes, image = _defaults(call, p), tables.table("Image")
        logs = self.getByPeriod(call, ["EventLog"], start, end, p, merge=False)["EventLog"]
        query = visible(call, "Image", image, wishes).add_columns(image.c.acquisitionDate)
        query = query.where(image.c.acquisitionDate > start.val, image.c.acquisitionDate < end.val)
        for identifier, taken in call.db.execute(page(query, wishes)):
            made = omero.model.EventLogI()
            made.entityId, made.entityType = rlong(identifier), rstring("ome.model.core.Image")
            made.action, made.event = rstring("INSERT"), omero.model.EventI()
            made.event.time = rtime(taken)
            logs.append(made)
        return logs


def _defaults(call: Call, p: Any) -> Wishes:
    """Return the client's wishes; what belongs to the user, unless it names a group or everybody."""
    wishes = read(p)
    asked = None if p is None or p.theFilter is None else p.theFilter.ownerId
    if wishes.group is None and asked is None:
        wishes = replace(wishes, owner=call.user_id)
    return replace(wishes, limit=LIMIT if wishes.limit is None else wishes.limit)


def _moment(value: Any) -> int | None:
    return None if value is None else int(value.val)


def _between(column: ColumnElement[Any], start: int | None, end: int | None) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [column.is_not(None)]
    if start is not None:
        conditions.append(column >= start)
    if end is not None:
        conditions.append(column <= end)
    return and_(*conditions)


def _recent(
    call: Call, cls: str, wishes: Wishes, start: int | None, end: int | None
) -> tuple[Select[Any], Sequence[ColumnElement[Any]]]:
    """Return the query for the ids of a class's objects of a time, and their order."""
    rows = tables.table(cls)
    if cls == "EventLog":
        return _logged(call, wishes, start, end), [rows.c.id]
    if cls == "Image":
        taken = rows.c.acquisitionDate
        query = visible(call, cls, rows, wishes).where(_between(taken, start, end))
        return query, [taken.desc(), rows.c.id.desc()]
    made, changed = (tables.table("Event").alias() for _ in range(2))
    query = visible(call, cls, rows, None if cls == "RenderingDef" else wishes)
    query = query.join(made, made.c.id == rows.c.details_creationEvent)
    query = query.join(changed, changed.c.id == rows.c.details_updateEvent)
    if start is not None:
        query = query.where(or_(made.c.time >= start, changed.c.time >= start))
    if end is not None:
        query = query.where(or_(made.c.time <= end, changed.c.time <= end))
    if cls != "RenderingDef":
        return query, [changed.c.id.desc(), rows.c.id.desc()]
    return _of_images(query, rows, wishes)


def _of_images(
    query: Select[Any], rows: FromClause, wishes: Wishes
) -> tuple[Select[Any], Sequence[ColumnElement[Any]]]:
    """Return settings by whose their Images are, the newest Images' first."""
    pixels, image, event = (tables.table(c).alias() for c in ("Pixels", "Image", "Event"))
    query = query.join(pixels, pixels.c.id == rows.c.pixels)
    query = query.join(image, image.c.id == pixels.c.image)
    query = query.join(event, event.c.id == image.c.details_creationEvent)
    if wishes.owner is not None:
        query = query.where(image.c.details_owner == wishes.owner)
    if wishes.group is not None:
        query = query.where(image.c.details_group == wishes.group)
    return query, [event.c.time.desc(), rows.c.id.desc()]


def _logged(call: Call, wishes: Wishes, start: int | None, end: int | None) -> Select[Any]:
    """Return the query for entries of the log about Projects and Datasets."""
    rows, event = tables.table("EventLog"), tables.table("Event")
    query = select(rows.c.id).join(event, event.c.id == rows.c.event)
    seen = permissions.readable(call, "EventLog", rows)
    query = query if seen is None else query.where(seen)
    query = query.where(rows.c.entityType.in_(LOGGED), rows.c.action.in_(ACTIONS))
    query = query.where(_between(event.c.time, start, end))
    if wishes.owner is not None:
        query = query.where(event.c.experimenter == wishes.owner)
    if wishes.group is not None:
        query = query.where(event.c.experimenterGroup == wishes.group)
    return query


def _newest(
    loader: Loader, found: Mapping[str, Sequence[IObject]], limit: int
) -> list[tuple[str, IObject]]:
    """Return the things that were changed last of all types, each with its type."""
    together = [(cls, o) for cls, objects in found.items() for o in objects]
    loader.details([o for _, o in together], "updateEvent")
    together.sort(key=lambda pair: pair[1].details.updateEvent.time.val, reverse=True)
    return together[:limit]
