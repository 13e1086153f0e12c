"""Finding objects by words: in their names and descriptions, and in the texts and key-values of their annotations.

The real server asks a Lucene index that follows seconds later; here the database itself is asked, which is always up to
date. Understood: words, "phrases", * and ? in words, AND, OR (the default), NOT or -, and `field:word`.
"""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, not_, or_, select

from omero_embedded import errors, permissions, tables
from omero_embedded.call import Call
from omero_embedded.schema import Collection, ModelClass, Value

WORD = re.compile(
    r'(?P<sign>[-+])?(?:(?P<field>[\w.]+):)?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"()]+))'
)


@dataclass(frozen=True, slots=True)
class Term:
    """One word or phrase: in which field (None: any), whether it must be there (+) or must not (-)."""

    pattern: str
    field: str | None
    required: bool
    excluded: bool


def parse(text: str) -> list[Term]:
    """Return the terms of a search.

    Raises
    ------
    omero.ApiUsageException
        There is no word in it.
    """
    terms: list[Term] = []
    require = exclude = False
    for found in WORD.finditer(text):
        word = found["phrase"] if found["phrase"] is not None else found["word"]
        if found["phrase"] is None and word in ("AND", "OR", "NOT", "&&", "||", "!"):
            if word in ("AND", "&&"):
                require = True
                if terms and not terms[-1].excluded:
                    last = terms.pop()
                    terms.append(Term(last.pattern, last.field, required=True, excluded=False))
            exclude = word in ("NOT", "!")
            continue
        escaped = word.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        pattern = escaped.replace("*", "%").replace("?", "_")
        excluded = exclude or found["sign"] == "-"
        required = (require or found["sign"] == "+") and not excluded
        terms.append(Term(f"%{pattern}%", found["field"], required, excluded))
        require = exclude = False
    if not any(not t.excluded for t in terms):
        raise errors.api_usage(f"Nothing to search for: {text}")
    return terms


def find_by_text(call: Call, cls: ModelClass, text: str) -> list[int]:
    """Return the ids of the objects of the class that hold the words and may be seen."""
    table = tables.table(cls.name)
    terms = parse(text)
    required = [t for t in terms if t.required]
    conditions: list[ColumnElement[bool]] = [
        not_(_holds(call, cls, t)) for t in terms if t.excluded
    ]
    if required:
        conditions += [_holds(call, cls, t) for t in required]
    else:
        conditions.append(or_(*[_holds(call, cls, t) for t in terms if not t.excluded]))
    query = select(table.c.id).where(*conditions).order_by(table.c.id)
    for condition in (
        tables.of_class(cls.name, table),
        permissions.readable(call, cls.name, table),
    ):
        if condition is not None:
            query = query.where(condition)
    return list(call.db.execute(query).scalars())


def _holds(call: Call, cls: ModelClass, term: Term) -> ColumnElement[bool]:
    """Return the condition that an object holds the term, itself or in an annotation."""
    table = tables.table(cls.name)
    found = [_like(table.c[c], term) for c in _texts(cls, term.field)]
    link = cls.fields.get("annotationLinks")
    if isinstance(link, Collection) and term.field in (None, "annotation", "tag"):
        found.append(_annotated(call, cls, link, term))
    return or_(*found) if found else false()


def _annotated(call: Call, cls: ModelClass, link: Collection, term: Term) -> ColumnElement[bool]:
    links, notes = tables.table(link.target), tables.table("Annotation").alias()
    pairs = tables.map_table("MapAnnotation", "mapValue")
    in_pairs = exists(
        select(pairs.c.parent).where(pairs.c.parent == notes.c.id, _like(pairs.c.value, term))
    )
    texts: list[ColumnElement[bool]] = [
        _like(notes.c[c], term) for c in ("textValue", "description", "termValue")
    ]
    inside = or_(*texts, in_pairs)
    if term.field == "tag":
        inside = and_(notes.c["class"] == "TagAnnotation", inside)
    seen = permissions.readable(call, "Annotation", notes)
    query = select(links.c.id).where(
        links.c[link.inverse] == tables.table(cls.name).c.id, notes.c.id == links.c.child, inside
    )
    return exists(query if seen is None else query.where(seen))


def _texts(cls: ModelClass, only: str | None) -> list[str]:
    """Return the columns of the class's texts."""
    return [
        tables.column_name(cls.name, f.name)
        for f in cls.fields.values()
        if isinstance(f, Value) and f.type == "string" and only in (None, f.name)
    ]


def _like(column: Any, term: Term) -> ColumnElement[bool]:
    return func.coalesce(func.lower(column).like(term.pattern, escape="\\"), false())
