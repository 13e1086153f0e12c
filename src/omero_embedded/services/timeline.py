"""omero.api.ITimeline: what was made or changed lately."""

from typing import Any, TypeAlias

import omero
import omero.model
from sqlalchemy import Select, func, or_, select

from omero_embedded import errors, tables
from omero_embedded.call import Call
from omero_embedded.loading import Loader
from omero_embedded.schema import CLASSES, find_class
from omero_embedded.services.parameters import Wishes, page, read, visible
from omero_embedded.wire.registry import stateless

IObject: TypeAlias = omero.model.IObject
TYPES = ("Annotation", "Dataset", "Image", "Plate", "Project", "RenderingDef", "Screen")
"""What is looked through where a client names no types."""

LATELY = {
    "Annotation": "details_updateEvent",
    "Dataset": "details_updateEvent",
    "Image": "details_creationEvent",
    "RenderingDef": "details_updateEvent",
}
"""The event by which things are recent; the update where not named."""

FETCHED = {"Image": ("pixels.pixelsType",), "RenderingDef": ("pixels.image",)}
LATEST = 10
"""How many of each type, unless told."""


@stateless("omero.api.ITimeline")
class TimelineService:
    """Looking back."""

    def getMostRecentAnnotationLinks(
        self, call: Call, parentTypes: Any, childTypes: Any, namespaces: Any, p: Any
    ) -> list[IObject]:
        """Give the links to annotations that were made last, newest first."""
        wishes, loader = _limited(read(p)), Loader(call)
        newest: list[tuple[int, int, str]] = []
        for cls in _link_classes(parentTypes or ()):
            rows, note, event = (tables.table(c) for c in (cls, "Annotation", "Event"))
            query = visible(call, cls, rows, wishes).add_columns(event.c.time)
            query = query.join(event, event.c.id == rows.c.details_creationEvent)
            query = query.join(note, note.c.id == rows.c.child)
            wanted = {c.name for name in childTypes or () for c in _known(name).concrete}
            if wanted:
                query = query.where(note.c["class"].in_(sorted(wanted)))
            if namespaces:
                query = query.where(or_(*(note.c.ns.like(n) for n in namespaces)))
            query = page(query.order_by(event.c.time.desc(), rows.c.id.desc()), wishes)
            newest += [(row.time, row.id, cls) for row in call.db.execute(query)]
        newest = sorted(newest, reverse=True)[: wishes.limit]
        found = [loader.object(cls, identifier) for _, identifier, cls in newest]
        for path in ("parent", "child", "details.creationEvent"):
            loader.fetch([o for o in found if o is not None], path)
        return [o for o in found if o is not None]

    def getMostRecentShareCommentLinks(self, call: Call, p: Any) -> list[IObject]:
        """Give the comments on shares: there are no shares."""
        return []

    def getMostRecentObjects(
        self, call: Call, types: Any, p: Any, merge: bool
    ) -> dict[str, list[IObject]]:
        """Give what was made last, by type; the newest of all types together where `merge`."""
        return _found(call, types, _limited(read(p)), merge=merge)

    def getByPeriod(
        self, call: Call, types: Any, start: Any, end: Any, p: Any, merge: bool
    ) -> dict[str, list[IObject]]:
        """Give what was made in a time, by type."""
        wishes = read(p)
        return _found(call, types, wishes, start=_moment(start), end=_moment(end), merge=merge)

    def countByPeriod(self, call: Call, types: Any, start: Any, end: Any, p: Any) -> dict[str, int]:
        """Give how much was made in a time, by type."""
        wishes = read(p)
        counts = {}
        for name, cls in _types(types).items():
            query = _recent(call, cls, wishes, _moment(start), _moment(end)).order_by(None)
            counts[name] = call.db.execute(
                select(func.count()).select_from(query.subquery())
            ).scalar_one()
        return counts

    def getEventLogsByPeriod(self, call: Call, start: Any, end: Any, p: Any) -> list[IObject]:
        """Give the entries of the event log of a time."""
        rows, event, wishes = tables.table("EventLog"), tables.table("Event"), read(p)
        query = select(rows.c.id).join(event, event.c.id == rows.c.event)
        query = query.where(event.c.time >= _moment(start), event.c.time <= _moment(end))
        owner = call.user_id if wishes.owner is None and not call.is_admin else wishes.owner
        if owner is not None:
            query = query.where(event.c.experimenter == owner)
        if wishes.group is not None:
            query = query.where(event.c.experimenterGroup == wishes.group)
        loader = Loader(call)
        ids = call.db.execute(page(query.order_by(rows.c.id), wishes)).scalars()
        found = list(loader.objects("EventLog", ids).values())
        loader.fetch(found, "event")
        return found


def _moment(value: Any) -> int:
    if value is None:
        raise errors.api_usage("start and end must be given.")
    return int(value.val)


def _limited(wishes: Wishes) -> Wishes:
    if wishes.limit:
        return wishes
    return Wishes(wishes.owner, wishes.group, wishes.offset, LATEST)


def _known(name: str) -> Any:
    model = find_class(name)
    if model is None:
        raise errors.api_usage(f"{name} is unknown.")
    return model


def _types(names: Any) -> dict[str, str]:
    """Return the classes by the names that the client calls them by."""
    found = {}
    for name in names or TYPES:
        model = find_class(name)
        if model is None or model.is_global or model.root.name not in (*TYPES, "EventLog"):
            raise errors.api_usage(f"{name} is not a type of the timeline.")
        found[name] = model.name
    return found


def _link_classes(names: Any) -> list[str]:
    """Return the classes of links to annotations on objects of the types; of all where none is named."""
    found = [
        c.name
        for c in CLASSES.values()
        if c.link and not c.is_global and c.name.endswith("AnnotationLink")
    ]
    if not names:
        return found
    return [
        f"{_known(name).root.name}AnnotationLink"
        for name in names
        if f"{_known(name).root.name}AnnotationLink" in found
    ]


def _recent(
    call: Call, cls: str, wishes: Wishes, start: int | None = None, end: int | None = None
) -> Select[Any]:
    """Return the query for ids and times of a class's objects, newest first."""
    rows, event = tables.table(cls), tables.table("Event")
    column = rows.c[LATELY.get(CLASSES[cls].root.name, "details_updateEvent")]
    query = (
        visible(call, cls, rows, wishes).add_columns(event.c.time).join(event, event.c.id == column)
    )
    if start is not None:
        query = query.where(event.c.time >= start)
    if end is not None:
        query = query.where(event.c.time <= end)
    return query.order_by(event.c.time.desc(), rows.c.id.desc())


def _found(
    call: Call,
    types: Any,
    wishes: Wishes,
    *,
    start: int | None = None,
    end: int | None = None,
    merge: bool,
) -> dict[str, list[IObject]]:
    loader = Loader(call)
    newest = [
        (row.time, row.id, name, cls)
        for name, cls in _types(types).items()
        for row in call.db.execute(page(_recent(call, cls, wishes, start, end), wishes))
    ]
    if merge and wishes.limit:
        newest = sorted(newest, reverse=True)[: wishes.limit]
    found: dict[str, list[IObject]] = {name: [] for name in _types(types)}
    for _, identifier, name, cls in sorted(newest, reverse=True):
        found[name].append(loader.object(cls, identifier))
    for objects in found.values():
        for name in ("creationEvent", "updateEvent"):
            loader.details(objects, name)
    for name, cls in _types(types).items():
        for path in FETCHED.get(cls, ()):
            loader.fetch(found[name], path)
    return found
