"""Finding objects by words: in their own texts, in those of their annotations, and in the names of whose they are.

The real server asks a Lucene index that follows seconds later; here the database itself is asked, which is always up to
date. What an object's entry in that index holds, field by field, is told by ome.services.fulltext.FullTextBridge.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, func, or_, select, true

from omero_embedded import permissions, tables
from omero_embedded.call import Call
from omero_embedded.files.place import paths_of
from omero_embedded.schema import Collection, ModelClass, Value
from omero_embedded.services.lucene import Condition, Term, parse

CONTENTS = "file.contents"
OF_NOTES = {
    "annotation": "textValue",
    "annotation.name": "name",
    "annotation.ns": "ns",
    "annotation.type": "class",
    "tag": "textValue",
    "term": "termValue",
}
"""Fields that hold values of an object's annotations, and the columns that these stand in."""

OF_FILES = {
    "file.name": "name",
    "file.path": "path",
    "file.hash": "hash",
    "file.format": "mimetype",
    "file.mimetype": "mimetype",
}
"""The same of the files that are attached."""

OF_OWNERS = {
    "details.owner.omeName": ("details_owner", "Experimenter", "omeName"),
    "details.owner.firstName": ("details_owner", "Experimenter", "firstName"),
    "details.owner.lastName": ("details_owner", "Experimenter", "lastName"),
    "details.group.name": ("details_group", "ExperimenterGroup", "name"),
}
"""Fields that hold names of an object's owner and group: the reference, what it leads to, and the column there."""


def find_by_text(call: Call, cls: ModelClass, text: str) -> list[int]:
    """Return the ids of the objects of the class that a search finds and that may be seen, in order.

    Raises
    ------
    omero.ApiUsageException
        The search is not in the language (see `lucene`).
    """
    return sorted(_satisfying(call, cls, parse(text)))


def _satisfying(call: Call, cls: ModelClass, condition: Condition) -> set[int]:
    if isinstance(condition, Term):
        return {o for o, text in _entries(call, cls, condition) if condition.is_in(text)}
    wanted = [_satisfying(call, cls, c) for c in condition.must or condition.may]
    if not wanted:
        return set()
    found = set.intersection(*wanted) if condition.must else set.union(*wanted)
    return found.difference(*[_satisfying(call, cls, c) for c in condition.never])


def words_like(call: Call, cls: ModelClass, word: str) -> list[str]:
    """Return the words like one that stand in entries of the class, in order."""
    term = Term(None, (word.lower(),), fuzzy=True)
    return sorted({w for _, text in _entries(call, cls, term) for w in term.among(text)})


def _entries(call: Call, cls: ModelClass, term: Term) -> Iterator[tuple[int, str | None]]:
    """Yield objects' ids, each with a text that may hold the term: of its field of their entries, or of any."""
    rows = tables.table(cls.name)
    if term.field is None and term.is_in(cls.java):
        for identifier in call.db.execute(_visible(call, cls, select(rows.c.id))).scalars():
            yield identifier, cls.java
    yield from _look(call, cls, rows, _texts(cls, rows, term.field), term)
    for name in OF_OWNERS if term.field is None else {term.field} & OF_OWNERS.keys():
        reference, target, column = OF_OWNERS[name]
        if not cls.is_global:
            owners = tables.table(target).alias()
            joined = rows.join(owners, owners.c.id == rows.c[reference])
            yield from _look(call, cls, joined, [owners.c[column]], term)
    link = cls.fields.get("annotationLinks")
    if isinstance(link, Collection):
        links, notes = tables.table(link.target), tables.table("Annotation").alias()
        on_object = links.c[link.inverse] == rows.c.id
        joined = rows.join(links, on_object).join(notes, notes.c.id == links.c.child)
        seen = permissions.readable(call, "Annotation", notes)
        yield from _annotated(call, cls, joined, notes, true() if seen is None else seen, term)


def _annotated(
    call: Call,
    cls: ModelClass,
    joined: FromClause,
    notes: Any,
    seen: ColumnElement[bool],
    term: Term,
) -> Iterator[tuple[int, str | None]]:
    """Yield the texts of annotations: objects are `joined` to `notes`, which count if they are `seen`."""
    field = term.field
    columns = {OF_NOTES[f] for f in (OF_NOTES if field is None else {field} & OF_NOTES.keys())}
    of_tags = notes.c["class"] == "TagAnnotation" if field == "tag" else true()
    yield from _look(call, cls, joined, [notes.c[c] for c in columns], term, seen, of_tags)

    pairs = tables.map_table("MapAnnotation", "mapValue")
    with_pairs = joined.join(pairs, pairs.c.parent == notes.c.id)
    if field in (None, "annotation", "has_key"):
        columns_of_pairs = [pairs.c.name] if field == "has_key" else [pairs.c.name, pairs.c.value]
        yield from _look(call, cls, with_pairs, columns_of_pairs, term, seen)
    else:  # what stands under a key is a field of its own
        yield from _look(call, cls, with_pairs, [pairs.c.value], term, seen, pairs.c.name == field)

    files = tables.table("OriginalFile").alias()
    with_files = joined.join(
        files, files.c.id == notes.c[tables.column_name("FileAnnotation", "file")]
    )
    names = {OF_FILES[f] for f in (OF_FILES if field is None else {field} & OF_FILES.keys())}
    yield from _look(call, cls, with_files, [files.c[n] for n in names], term, seen)
    if field in (None, CONTENTS):
        yield from _reading(call, cls, with_files, files, seen)


def _reading(
    call: Call,
    cls: ModelClass,
    joined: FromClause,
    files: Any,
    seen: ColumnElement[bool],
) -> Iterator[tuple[int, str | None]]:
    """Yield what stands in the texts that are attached."""
    asked = select(tables.table(cls.name).c.id, files.c.id).select_from(joined).where(seen)
    bearers: dict[int, list[int]] = {}
    for identifier, file in call.db.execute(
        _visible(call, cls, asked.where(files.c.mimetype.like("text/%")))
    ):
        bearers.setdefault(file, []).append(identifier)
    for file, path in paths_of(call, bearers).items():
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            yield from ((identifier, text) for identifier in bearers[file])


def _visible(call: Call, cls: ModelClass, query: Select[Any]) -> Select[Any]:
    """Return a query for objects of the class, limited to those that may be seen."""
    table = tables.table(cls.name)
    of_class = tables.of_class(cls.name, table)
    seen = permissions.readable(call, cls.name, table)
    return query.where(*[c for c in (of_class, seen) if c is not None])


def _look(
    call: Call,
    cls: ModelClass,
    joined: FromClause,
    columns: Sequence[ColumnElement[Any]],
    term: Term,
    *conditions: ColumnElement[bool],
) -> Iterator[tuple[int, str | None]]:
    """Yield what stands in columns of the objects, joined to other tables, where one of these may hold the term."""
    if not columns:
        return
    asked = select(tables.table(cls.name).c.id, *columns).select_from(joined).where(*conditions)
    for identifier, *texts in call.db.execute(
        _visible(call, cls, asked).where(_may_hold(columns, term))
    ):
        yield from ((identifier, text) for text in texts)


def _may_hold(columns: Sequence[ColumnElement[Any]], term: Term) -> ColumnElement[bool]:
    """Return the condition that one of the columns holds the letters that the term begins with."""
    if term.fuzzy:
        return true()
    first = term.tokens[0]
    letters = first.replace("%", r"\%").replace("_", r"\_").replace("*", "%").replace("?", "_")
    return or_(*[func.lower(column).like(f"%{letters}%", escape="\\") for column in columns])


def _texts(cls: ModelClass, rows: Any, only: str | None) -> list[ColumnElement[Any]]:
    """Return the columns of the class's own texts: of the one that is named, where one is."""
    return [
        rows.c[tables.column_name(cls.name, f.name)]
        for f in cls.fields.values()
        if isinstance(f, Value) and f.type == "string" and only in (None, f.name)
    ]
