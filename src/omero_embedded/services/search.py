"""omero.api.Search: a search that is set up step by step and whose results come in batches.

A query is checked where it is made and carried out where its results are first asked for, with the restrictions that
held when it was made (ome.services.SearchBean).
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, TypeAlias

import omero
import omero.model
from omero.rtypes import rstring, unwrap
from sqlalchemy import ColumnElement, and_, select

from omero_embedded import errors, hql, permissions, tables
from omero_embedded.call import Call
from omero_embedded.loading import Loader, class_name
from omero_embedded.schema import CLASSES, Collection, ModelClass, Reference, find_class
from omero_embedded.services.full_text import find_by_text, words_like
from omero_embedded.services.lucene import parse, written
from omero_embedded.services.search_restrictions import (
    OPEN,
    Owned,
    Restrictions,
    objects_within,
    on_annotations,
)
from omero_embedded.wire.registry import stateful

IObject: TypeAlias = omero.model.IObject
Query: TypeAlias = Callable[[Call], list[IObject]]
Combine: TypeAlias = Callable[[list[IObject], list[IObject]], list[IObject]]

DATES = {"import": "details_creationEvent", "acquisitionDate": "acquisitionDate"}
"""What a date means in byLuceneQueryBuilder."""


@stateful("omero.api.Search")
class SearchService:
    """One search: restrictions, then queries (`by…`), whose results wait to be taken."""

    def __init__(self) -> None:
        self._now = Restrictions()
        self._queries: list[Query] = []
        self._results: list[list[IObject]] = []
        self._combine: Combine | None = None

    def _set(self, **values: Any) -> None:
        self._now = replace(self._now, **values)

    # ------------------------------------------------------------ how results come
    def setBatchSize(self, call: Call, size: int) -> None:
        """Set how many results come at once."""
        self._set(batch=size)

    def getBatchSize(self, call: Call) -> int:
        """Tell how many results come at once."""
        return self._now.batch

    def setMergedBatches(self, call: Call, merge: bool) -> None:
        """Take note; the results of several queries come together in any case, as on the real server."""
        self._set(merged=merge)

    def isMergedBatches(self, call: Call) -> bool:
        """Tell what was set."""
        return self._now.merged

    def setCaseSentivice(self, call: Call, caseSensitive: bool) -> None:  # Slice's spelling
        """Take note; words are found in either case."""
        self._set(case_sensitive=caseSensitive)

    def setCaseSensitive(self, call: Call, caseSensitive: bool) -> None:
        """Take note; words are found in either case."""
        self._set(case_sensitive=caseSensitive)

    def isCaseSensitive(self, call: Call) -> bool:
        """Tell what was set."""
        return self._now.case_sensitive

    def setUseProjections(self, call: Call, useProjections: bool) -> None:
        """Refuse, as the real server does."""
        raise errors.unsupported()

    def isUseProjections(self, call: Call) -> bool:
        """Say that they are not used."""
        return False

    def setReturnUnloaded(self, call: Call, returnUnloaded: bool) -> None:
        """Set whether results are only ids."""
        self._set(unloaded=returnUnloaded)

    def isReturnUnloaded(self, call: Call) -> bool:
        """Tell whether results are only ids."""
        return self._now.unloaded

    def setAllowLeadingWildcard(self, call: Call, allowLeadingWildcard: bool) -> None:
        """Set whether a word may begin with * or ?."""
        self._set(leading=allowLeadingWildcard)

    def isAllowLeadingWildcard(self, call: Call) -> bool:
        """Tell whether a word may begin with * or ?."""
        return self._now.leading

    # ------------------------------------------------------------ restrictions
    def onlyType(self, call: Call, klass: str) -> None:
        """Search one class."""
        self.onlyTypes(call, [klass])

    def onlyTypes(self, call: Call, classes: list[str]) -> None:
        """Search some classes."""
        self._set(types=tuple(_class(name) for name in classes or ()))

    def allTypes(self, call: Call) -> None:
        """Refuse, as the real server does."""
        raise errors.unsupported()

    def onlyIds(self, call: Call, ids: "list[int] | None") -> None:
        """Find only among these."""
        self._set(ids=tuple(ids or ()))

    def onlyOwnedBy(self, call: Call, d: "omero.model.Details | None") -> None:
        """Find only what is somebody's, or in a group."""
        self._set(owned=Owned.read(d))

    def notOwnedBy(self, call: Call, d: "omero.model.Details | None") -> None:
        """Find only what is not somebody's, or not in a group."""
        self._set(not_owned=Owned.read(d))

    def onlyCreatedBetween(self, call: Call, start: Any, stop: Any) -> None:
        """Find only what was made in a time."""
        self._set(created=(unwrap(start), unwrap(stop)))

    def onlyModifiedBetween(self, call: Call, start: Any, stop: Any) -> None:
        """Find only what was changed in a time."""
        self._set(modified=(unwrap(start), unwrap(stop)))

    def onlyAnnotatedBetween(self, call: Call, start: Any, stop: Any) -> None:
        """Find only what bears an annotation that was made in a time."""
        self._set(annotated=(unwrap(start), unwrap(stop)))

    def onlyAnnotatedBy(self, call: Call, d: "omero.model.Details | None") -> None:
        """Find only what bears an annotation of somebody, or of a group."""
        self._set(annotated_by=Owned.read(d))

    def notAnnotatedBy(self, call: Call, d: "omero.model.Details | None") -> None:
        """Find only what bears an annotation that is not somebody's, or not of a group."""
        self._set(not_annotated_by=Owned.read(d))

    def onlyAnnotatedWith(self, call: Call, classes: "list[str] | None") -> None:
        """Find only what bears an annotation of a class; what bears none, where no class is named."""
        self._set(annotated_with=tuple(_class(name) for name in classes or ()))

    def addOrderByAsc(self, call: Call, path: str) -> None:
        """Order the results by a field."""
        self._set(order=(*self._now.order, (path, False)))

    def addOrderByDesc(self, call: Call, path: str) -> None:
        """Order the results by a field, backwards."""
        self._set(order=(*self._now.order, (path, True)))

    def unordered(self, call: Call) -> None:
        """Leave the results in the order of their ids."""
        self._set(order=())

    def fetchAnnotations(self, call: Call, classes: list[str]) -> None:
        """Load the results' annotations too."""
        self._set(fetches=(*self._now.fetches, "annotationLinks.child"))

    def fetchAlso(self, call: Call, fetches: list[str]) -> None:
        """Load paths of the results too."""
        self._set(fetches=(*self._now.fetches, *(fetches or ())))

    def resetDefaults(self, call: Call) -> None:
        """Forget all that was set; queries stay."""
        self._now = Restrictions()

    # ------------------------------------------------------------ queries
    def byFullText(self, call: Call, query: str) -> None:
        """Find by words in names, descriptions and annotations."""
        if not query:
            raise errors.api_usage("Query string must be non-empty")
        self._search(query, query)

    def _search(self, query: str, text: str, **restricted: Any) -> None:
        """Take note of a search: what a person asked, and what Lucene is asked; no text: whatever is within dates."""
        now = replace(self._now, **restricted)
        cls = now.only_type("full text")
        if query.startswith(("*", "?")) and not now.leading:
            raise errors.api_usage(
                "Searches starting with a leading wildcard (*,?) can be slow.\n"
                "Please use setAllowLeadingWildcard() to permit this usage."
            )
        if query == "*":
            raise errors.api_usage(
                "Wildcard searches (*) must contain more than a single wildcard. "
            )
        if not now.leading and any(word[:1] in ("*", "?") for word in query.split()):
            raise errors.api_usage(f"{query} caused a parse exception: a leading wildcard")
        if now.annotated_with is not None and len(now.annotated_with) > 1:
            raise errors.api_usage(
                "HHH-879: At the moment Hibernate cannot fulfill this request.\nPlease use only a"
                " single onlyAnnotatedWith parameter when performing full text searches."
            )
        if text:
            parse(text)
        untold = None if restricted else ()
        self._add(
            lambda call: objects_within(
                call, now, cls, find_by_text(call, cls, text) if text else untold
            )
        )

    def byLuceneQueryBuilder(
        self, call: Call, fields: str, _from: str, to: str, dateType: str, query: str
    ) -> None:
        """Find by words in some fields, and by a time (dates as yyyymmdd)."""
        cls = self._now.only_type("full text")
        if not (query or _from or to):
            raise errors.api_usage("Query string must be non-empty if no date range is provided")
        names = [name.strip() for name in (fields or "").split(",") if name.strip()]
        span = (_day(_from, 0), _day(to, 1))
        acquired = dateType == "acquisitionDate" and cls.name == "Image"
        within = {"acquired" if acquired else "created": span} if span != OPEN else {}
        self._search(query or "", written(names, query or ""), **within)

    def byHqlQuery(self, call: Call, query: str, params: Any) -> None:
        """Find by a query."""
        self._add(lambda call: list(hql.find(call, query, params)))

    def bySomeMustNone(self, call: Call, some: Any, must: Any, none: Any) -> None:
        """Find by words of which some, all and none are there."""
        words = [*(some or ()), *(f"+{w}" for w in must or ()), *(f"-{w}" for w in none or ())]
        self.byFullText(call, " ".join(words))

    def bySimilarTerms(self, call: Call, terms: "list[str] | None") -> None:
        """Find words like one that stand in objects of the class: new comments, with the word sought as namespace."""
        now, sought = self._now, (terms or [""])[0]

        def found(call: Call) -> list[IObject]:
            cls = now.only_type("similar terms")
            return [_comment(word, sought) for word in words_like(call, cls, sought)]

        self._add(found)

    def byTagForGroups(self, call: Call, tag: str) -> None:
        """Find what tags are linked to from a tag: new tags, with their text alone."""
        self._tags(tag, "parent", "child")

    def byGroupForTags(self, call: Call, group: str) -> None:
        """Find what tags link to a tag: new tags, with their text alone."""
        self._tags(group, "child", "parent")

    def _tags(self, text: str, source: str, target: str) -> None:
        def found(call: Call) -> list[IObject]:
            link = tables.table("AnnotationAnnotationLink")
            here, there = tables.table("Annotation").alias(), tables.table("Annotation").alias()
            query = (
                select(there.c.textValue)
                .select_from(link)
                .join(here, here.c.id == link.c[source])
                .join(there, there.c.id == link.c[target])
                .where(here.c["class"] == "TagAnnotation", there.c["class"] == "TagAnnotation")
                .order_by(link.c.id)
            )
            if text:
                query = query.where(here.c.textValue == text)
            for rows in (here, there):
                seen = permissions.readable(call, "Annotation", rows)
                query = query if seen is None else query.where(seen)
            return [_tag(found_text) for found_text in call.db.execute(query).scalars()]

        self._add(found)

    def byAnnotatedWith(self, call: Call, examples: "list[IObject]") -> None:
        """Find what bears annotations of the classes and with the values of all the examples."""
        now = self._now
        cls = now.only_type("annotated with")
        if not examples:
            raise errors.api_usage("Must specify at least one annotation.")
        alike = [_like(example) for example in examples]
        field = cls.fields.get("annotationLinks")
        if not isinstance(field, Collection):
            raise errors.query(f"{cls.java} bears no annotations.")
        links = field.target

        def found(call: Call) -> list[IObject]:
            link, note = tables.table(links), tables.table("Annotation")
            rows = tables.table(cls.name)
            bearing = [
                rows.c.id.in_(
                    select(link.c.parent)
                    .join(note, note.c.id == link.c.child)
                    .where(condition(note), *on_annotations(call, now, note))
                )
                for condition in alike
            ]
            ids = list(call.db.execute(select(rows.c.id).where(*bearing)).scalars())
            return objects_within(call, replace(now, annotated_with=None), cls, ids)

        self._add(found)

    def byUUID(self, call: Call, uuids: "list[str]") -> None:
        """Refuse, as the real server does."""
        raise errors.unsupported()

    def or_(self, call: Call) -> None:
        """Add what the next query finds to what the last one finds."""
        self._combine = _union

    def and_(self, call: Call) -> None:
        """Leave of what the last query finds what the next one finds too."""
        self._combine = _intersection

    def not_(self, call: Call) -> None:
        """Take what the next query finds from what the last one finds."""
        self._combine = _difference

    def _add(self, query: Query) -> None:
        combine, self._combine = self._combine, None
        if combine is None:
            self._queries.append(query)
            return
        if not self._queries:
            raise errors.api_usage("There must be at least 1 active query for this operation.")
        last = self._queries.pop()
        self._queries.append(lambda call: combine(last(call), query(call)))

    def clearQueries(self, call: Call) -> None:
        """Forget the queries that have not been carried out."""
        self._queries = []

    def activeQueries(self, call: Call) -> int:
        """Tell how many queries have not been carried out."""
        return len(self._queries)

    # ------------------------------------------------------------ results
    def hasNext(self, call: Call) -> bool:
        """Tell whether there are results."""
        while True:
            self._results = [results for results in self._results if results]
            if self._results or not self._queries:
                return bool(self._results)
            self._results.append(self._queries.pop(0)(call))

    def next(self, call: Call) -> IObject:  # Slice's name
        """Give the next result."""
        if not self.hasNext(call):
            raise errors.api_usage("No element. Please use hasNext().")
        return self._pop(call)

    def results(self, call: Call) -> list[IObject]:
        """Give the next results, of as many queries as it takes to fill a batch."""
        if not self.hasNext(call):
            raise errors.api_usage("No elements. Please use hasNext().")
        found: list[IObject] = []
        while len(found) < self._now.batch and self.hasNext(call):
            found.append(self._pop(call))
        return found

    def _pop(self, call: Call) -> IObject:
        found = self._results[0].pop(0)
        if self._now.unloaded and found.id is not None:
            return Loader(call).proxy(class_name(found), found.id.val)
        return found

    def currentMetadata(self, call: Call) -> None:
        """Refuse, as the real server does."""
        raise errors.unsupported()

    def currentMetadataList(self, call: Call) -> None:
        """Refuse, as the real server does."""
        raise errors.unsupported()

    def remove(self, call: Call) -> None:
        """Refuse, as the real server does."""
        raise errors.unsupported("Cannot remove via ome.api.Search")

    def close(self, call: Call) -> None:
        """Forget everything."""
        self._queries, self._results = [], []


def _class(name: str) -> ModelClass:
    found = find_class(name or "")
    if found is None:
        raise errors.api_usage(f"{name} does not specify a valid class.")
    return found


def _tag(text: str | None) -> IObject:
    tag = omero.model.TagAnnotationI()
    tag.textValue = None if text is None else rstring(text)
    return tag


def _comment(text: str, namespace: str) -> IObject:
    comment = omero.model.CommentAnnotationI()
    comment.textValue, comment.ns = rstring(text), rstring(namespace)
    return comment


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


def _day(text: str, after: int) -> int | None:
    """Return the beginning of a day, or of `after` days later, in milliseconds since 1970 (UTC)."""
    if not (text or "").strip():
        return None
    try:
        day = datetime.strptime(text.strip(), "%Y%m%d").replace(tzinfo=timezone.utc)
    except ValueError as error:
        message = "Invalid date format, dates must be in format YYYYMMDD."
        raise errors.api_usage(message) from error
    return int((day + timedelta(days=after)).timestamp() * 1000)


VALUES = {
    "BooleanAnnotation": "boolValue",
    "CommentAnnotation": "textValue",
    "DoubleAnnotation": "doubleValue",
    "FileAnnotation": "file",
    "LongAnnotation": "longValue",
    "TagAnnotation": "textValue",
    "TimestampAnnotation": "timeValue",
    "XmlAnnotation": "textValue",
}
"""Of the kinds of annotations that can be examples, the field that is compared."""


def _like(example: IObject) -> Callable[[Any], ColumnElement[bool]]:
    """Return the condition that an annotation is of the class of an example and has its value, where it has one."""
    cls = class_name(example)
    if cls not in VALUES:
        raise errors.api_usage(f"Unsupported annotation type:{cls}")
    name = VALUES[cls]
    value = getattr(example, name)
    column = tables.column_name(cls, name)
    if isinstance(CLASSES[cls].fields[name], Reference):
        value = None if value is None else value.id

    def condition(note: Any) -> ColumnElement[bool]:
        of_class = note.c["class"] == cls
        return of_class if value is None else and_(of_class, note.c[column] == value.val)

    return condition
