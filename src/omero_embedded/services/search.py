"""omero.api.Search: a search that is set up step by step and whose results come in batches."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, TypeAlias

import omero
import omero.model
from sqlalchemy import ColumnElement, and_, select, true

from omero_embedded import errors, hql, tables
from omero_embedded.call import Call
from omero_embedded.loading import Loader, class_name
from omero_embedded.schema import CLASSES, Collection, ModelClass, find_class
from omero_embedded.services.full_text import find_by_text
from omero_embedded.wire.registry import stateful

IObject: TypeAlias = omero.model.IObject
BATCH = 1000
"""Results at once, unless told."""
ALL_TYPES = (
    "Project",
    "Dataset",
    "Image",
    "Screen",
    "Plate",
    "Well",
    "PlateAcquisition",
    "Roi",
    "OriginalFile",
)
DATES = {"import": "details_creationEvent", "acquisitionDate": "acquisitionDate"}
"""What a date means in byLuceneQueryBuilder."""


@stateful("omero.api.Search")
class SearchService:
    """One search: restrictions, then queries (`by…`), whose results wait to be taken."""

    def __init__(self) -> None:
        self._batch, self._merged, self._case, self._unloaded = BATCH, False, False, False
        self._projections = self._leading = False
        self._clear()

    def _clear(self) -> None:
        self._types: list[ModelClass] = []
        self._ids: list[int] = []
        self._conditions: list[tuple[str, str, Any]] = []
        self._order: list[tuple[str, bool]] = []
        self._fetches: list[str] = []
        self._batches: list[list[IObject]] = []
        self._combine: _Combine | None = None

    # ------------------------------------------------------------ how results come
    def setBatchSize(self, call: Call, size: int) -> None:
        """Set how many results come at once."""
        if size < 1:
            raise errors.api_usage("Batch size must be at least 1.")
        self._batch = size

    def getBatchSize(self, call: Call) -> int:
        """Tell how many results come at once."""
        return self._batch

    def setMergedBatches(self, call: Call, merge: bool) -> None:
        """Set whether the results of several queries are put together."""
        self._merged = merge

    def isMergedBatches(self, call: Call) -> bool:
        """Tell whether the results of several queries are put together."""
        return self._merged

    def setCaseSentivice(self, call: Call, caseSensitive: bool) -> None:  # Slice's spelling
        """Take note; words are found in either case."""
        self._case = caseSensitive

    def setCaseSensitive(self, call: Call, caseSensitive: bool) -> None:
        """Take note; words are found in either case."""
        self._case = caseSensitive

    def isCaseSensitive(self, call: Call) -> bool:
        """Tell what was set."""
        return self._case

    def setUseProjections(self, call: Call, useProjections: bool) -> None:
        """Take note."""
        self._projections = useProjections

    def isUseProjections(self, call: Call) -> bool:
        """Tell what was set."""
        return self._projections

    def setReturnUnloaded(self, call: Call, returnUnloaded: bool) -> None:
        """Set whether results are only ids."""
        self._unloaded = returnUnloaded

    def isReturnUnloaded(self, call: Call) -> bool:
        """Tell what was set."""
        return self._unloaded

    def setAllowLeadingWildcard(self, call: Call, allowLeadingWildcard: bool) -> None:
        """Set whether a word may begin with * or ?."""
        self._leading = allowLeadingWildcard

    def isAllowLeadingWildcard(self, call: Call) -> bool:
        """Tell what was set."""
        return self._leading

    # ------------------------------------------------------------ restrictions
    def onlyType(self, call: Call, klass: str) -> None:
        """Search one class."""
        self.onlyTypes(call, [klass])

    def onlyTypes(self, call: Call, classes: list[str]) -> None:
        """Search some classes."""
        found = [find_class(name or "") for name in classes]
        if any(cls is None for cls in found):
            raise errors.api_usage(f"{', '.join(classes)}: not all are classes of the model.")
        self._types = [cls for cls in found if cls is not None]

    def allTypes(self, call: Call) -> None:
        """Search all classes that have texts."""
        self._types = [CLASSES[name] for name in ALL_TYPES]

    def onlyIds(self, call: Call, ids: "list[int] | None") -> None:
        """Find only among these."""
        self._ids = list(ids or ())

    def onlyOwnedBy(self, call: Call, d: "omero.model.Details | None") -> None:
        """Find only what is somebody's, or in a group."""
        self._owned(d, "is")

    def notOwnedBy(self, call: Call, d: "omero.model.Details | None") -> None:
        """Find only what is not somebody's, or not in a group."""
        self._owned(d, "not")

    def _owned(self, d: Any, how: str) -> None:
        for name in ("owner", "group"):
            one = None if d is None else getattr(d, name)
            if one is not None and one.id is not None:
                self._conditions.append((how, f"details_{name}", one.id.val))

    def onlyCreatedBetween(self, call: Call, start: Any, stop: Any) -> None:
        """Find only what was made in a time."""
        self._conditions.append(("between", "details_creationEvent", _times(start, stop)))

    def onlyModifiedBetween(self, call: Call, start: Any, stop: Any) -> None:
        """Find only what was changed in a time."""
        self._conditions.append(("between", "details_updateEvent", _times(start, stop)))

    def addOrderByAsc(self, call: Call, path: str) -> None:
        """Order the results by a field."""
        self._order.append((path, False))

    def addOrderByDesc(self, call: Call, path: str) -> None:
        """Order the results by a field, backwards."""
        self._order.append((path, True))

    def unordered(self, call: Call) -> None:
        """Leave the results in the order of their ids."""
        self._order = []

    def fetchAnnotations(self, call: Call, classes: list[str]) -> None:
        """Load the results' annotations too."""
        self._fetches.append("annotationLinks.child")

    def fetchAlso(self, call: Call, fetches: list[str]) -> None:
        """Load paths of the results too."""
        self._fetches += fetches or []

    def resetDefaults(self, call: Call) -> None:
        """Forget all that was set."""
        self._clear()

    # ------------------------------------------------------------ queries
    def byFullText(self, call: Call, query: str) -> None:
        """Find by words in names, descriptions and annotations."""
        self._search(call, query, ())

    def _search(self, call: Call, query: str, fields: tuple[str, ...]) -> None:
        if not self._types:
            raise errors.api_usage("Must specify at least one class with onlyType() first.")
        if not self._leading and any(w[:1] in "*?" for w in (query or "").split()):
            raise errors.api_usage("Leading wildcards are not allowed.")
        self._keep(
            [
                o
                for cls in self._types
                for o in self._objects(call, cls, find_by_text(call, cls, query or "", fields))
            ]
        )

    def byLuceneQueryBuilder(
        self, call: Call, fields: str, _from: str, to: str, dateType: str, query: str
    ) -> None:
        """Find by words in some fields, and by a time (dates as yyyymmdd)."""
        names = [name.strip() for name in (fields or "").split(",") if name.strip()]
        for name, moment in (("from", _from), ("to", to)):
            if moment and not (len(moment) == 8 and moment.isdigit()):
                raise errors.api_usage(f"{name} is not a date such as 20240131: {moment}")
        before = list(self._conditions)
        if _from or to:
            column = DATES.get(dateType, "details_creationEvent")
            how = "between" if column.startswith("details") else "at"
            self._conditions.append((how, column, (_day(_from, 0), _day(to, 1))))
        self._search(call, query, tuple(names))
        self._conditions = before

    def byHqlQuery(self, call: Call, query: str, params: Any) -> None:
        """Find by a query."""
        self._keep(list(hql.find(call, query, params)))

    def bySomeMustNone(self, call: Call, some: Any, must: Any, none: Any) -> None:
        """Find by words of which some, all and none are there."""
        words = [*(some or ()), *(f"+{w}" for w in must or ()), *(f"-{w}" for w in none or ())]
        self.byFullText(call, " ".join(words))

    def byTagForGroups(self, call: Call, tag: str) -> None:
        """Find the sets that a tag is in."""
        self.byHqlQuery(call, _TAGS.format("parent", "child"), _named(tag))

    def byGroupForTags(self, call: Call, group: str) -> None:
        """Find the tags of a set."""
        self.byHqlQuery(call, _TAGS.format("child", "parent"), _named(group))

    def byAnnotatedWith(self, call: Call, examples: "list[IObject]") -> None:
        """Find what bears annotations like all the examples."""
        if not self._types:
            raise errors.api_usage("Must specify at least one class with onlyType() first.")
        found: list[IObject] = []
        for cls in self._types:
            field = cls.fields.get("annotationLinks")
            if not isinstance(field, Collection):
                continue
            rows, link, note = (
                tables.table(cls.name),
                tables.table(field.target),
                tables.table("Annotation"),
            )
            query = select(rows.c.id)
            for example in examples or ():
                bears = select(link.c.parent).join(note, note.c.id == link.c.child)
                bears = bears.where(note.c["class"] == class_name(example), *_like(example, note))
                query = query.where(rows.c.id.in_(bears))
            found += self._objects(call, cls, list(call.db.execute(query).scalars()))
        self._keep(found)

    def or_(self, call: Call) -> None:
        """Add what the next query finds to what the last one found."""
        self._combine = _union

    def and_(self, call: Call) -> None:
        """Leave of what the last query found what the next one finds too."""
        self._combine = _intersection

    def not_(self, call: Call) -> None:
        """Take what the next query finds from what the last one found."""
        self._combine = _difference

    def clearQueries(self, call: Call) -> None:
        """Forget the results."""
        self._batches, self._combine = [], None

    def activeQueries(self, call: Call) -> int:
        """Tell of how many queries there are results."""
        return len(self._batches)

    # ------------------------------------------------------------ results
    def hasNext(self, call: Call) -> bool:
        """Tell whether there are results."""
        return any(self._batches)

    def next(self, call: Call) -> IObject:  # Slice's name
        """Give the next result."""
        return self._take(1)[0]

    def results(self, call: Call) -> list[IObject]:
        """Give the next results."""
        return self._take(self._batch)

    def close(self, call: Call) -> None:
        """Forget everything."""
        self._clear()

    def _take(self, number: int) -> list[IObject]:
        while self._batches and not self._batches[0]:
            self._batches.pop(0)
        if not self._batches:
            raise errors.api_usage("No more results.")
        first = self._batches[0]
        taken, self._batches[0] = first[:number], first[number:]
        if not self._batches[0]:
            self._batches.pop(0)
        return taken

    def _keep(self, found: list[IObject]) -> None:
        combine, self._combine = self._combine, None
        if combine is not None and self._batches:
            self._batches[-1] = combine(self._batches[-1], found)
        elif self._merged and self._batches:
            self._batches[0] += found
        else:
            self._batches.append(found)

    def _objects(self, call: Call, cls: ModelClass, ids: list[int]) -> list[IObject]:
        """Return what of the ids is within the restrictions, in order."""
        rows = tables.table(cls.name)
        query = select(rows.c.id).where(rows.c.id.in_(ids))
        if self._ids:
            query = query.where(rows.c.id.in_(self._ids))
        for how, column, value in self._conditions:
            if column in rows.c:
                query = query.where(_restriction(rows, how, column, value))
        for path, backwards in self._order:
            if path in cls.fields and tables.column_name(cls.name, path) in rows.c:
                ordered = rows.c[tables.column_name(cls.name, path)]
                query = query.order_by(ordered.desc() if backwards else ordered)
        wanted = list(call.db.execute(query.order_by(rows.c.id)).scalars())
        loader = Loader(call)
        if self._unloaded:
            return [loader.proxy(cls.name, i) for i in wanted]
        found = list(loader.objects(cls.name, wanted).values())
        for path in (
            "details.owner",
            "details.creationEvent",
            "details.updateEvent",
            *self._fetches,
        ):
            loader.fetch(found, path)
        return found


_Combine: TypeAlias = Callable[[list[IObject], list[IObject]], list[IObject]]


def _keys(objects: list[IObject]) -> dict[tuple[str, int], IObject]:
    return {(class_name(o), o.id.val): o for o in objects}


def _union(first: list[IObject], second: list[IObject]) -> list[IObject]:
    return list({**_keys(first), **_keys(second)}.values())


def _intersection(first: list[IObject], second: list[IObject]) -> list[IObject]:
    also = _keys(second)
    return [o for key, o in _keys(first).items() if key in also]


def _difference(first: list[IObject], second: list[IObject]) -> list[IObject]:
    gone = _keys(second)
    return [o for key, o in _keys(first).items() if key not in gone]


_TAGS = (
    "select a from TagAnnotation a where a.id in (select l.{0}.id from AnnotationAnnotationLink l"
    " where l.{1}.id in (select t.id from TagAnnotation t where t.textValue = :name))"
)


def _named(name: str) -> "omero.sys.ParametersI":
    return omero.sys.ParametersI().addString("name", name)


def _times(start: Any, stop: Any) -> tuple[int | None, int | None]:
    return (None if start is None else start.val, None if stop is None else stop.val)


def _day(text: str, after: int) -> int | None:
    """Return the beginning of a day, or of `after` days later, in milliseconds since 1970 (UTC)."""
    if not text:
        return None
    try:
        day = datetime(int(text[:4]), int(text[4:6]), int(text[6:]), tzinfo=timezone.utc)
    except ValueError as error:
        raise errors.api_usage(f"{text} is no date: {error}") from error
    return int((day + timedelta(days=after)).timestamp() * 1000)


def _restriction(rows: Any, how: str, column: str, value: Any) -> ColumnElement[bool]:
    if how == "is":
        return rows.c[column] == value  # type: ignore[no-any-return]
    if how == "not":
        return rows.c[column] != value  # type: ignore[no-any-return]
    start, stop = value
    event = tables.table("Event")
    moment = event.c.time if how == "between" else rows.c[column]
    within = and_(
        true() if start is None else moment >= start, true() if stop is None else moment <= stop
    )
    return within if how == "at" else rows.c[column].in_(select(event.c.id).where(within))


def _like(example: IObject, note: Any) -> list[ColumnElement[bool]]:
    """Return the conditions that an annotation has the values of an example."""
    found = []
    for name in (
        "ns",
        "textValue",
        "longValue",
        "doubleValue",
        "boolValue",
        "termValue",
        "timeValue",
    ):
        value = getattr(example, f"_{name}", None)
        if value is not None:
            found.append(note.c[tables.column_name(class_name(example), name)] == value.val)
    return found
