"""Finding objects by words: in their names and descriptions, and in the texts and key-values of their annotations.

The real server asks a Lucene index that follows seconds later; here the database itself is asked, which is always up to
date. As there, texts are rows of letters and digits, and a word is found where it is one of them, in either case.
Understood: words, "phrases", * and ? in words, AND, OR (the default), NOT or -, and `field:word`.
"""

import fnmatch
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, or_, select

from omero_embedded import errors, permissions, tables
from omero_embedded.call import Call
from omero_embedded.schema import Collection, ModelClass, Value

WORD = re.compile(
    r'(?P<sign>[-+])?(?:(?P<field>[\w.]+):)?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"()]+))'
)
TOKEN = re.compile(r"[^\W_]+")
"""A row of letters and digits."""
SOUGHT = re.compile(r"(?:[^\W_]|[*?])+")
"""The same in what is searched for, where * and ? stand for others."""


@dataclass(frozen=True, slots=True)
class Term:
    """One word or phrase: in which field (None: any), whether it must be there (+) or must not (-).

    `choices` are rows of tokens: a text holds the term where one of these rows stands in it.
    """

    choices: tuple[tuple[str, ...], ...]
    field: str | None
    required: bool
    excluded: bool

    def is_in(self, text: str | None) -> bool:
        """Whether a text holds the term."""
        tokens = TOKEN.findall((text or "").lower())
        return any(_stands(row, tokens) for row in self.choices)


def _stands(row: tuple[str, ...], tokens: list[str]) -> bool:
    return any(
        all(map(fnmatch.fnmatchcase, tokens[start:], row))
        for start in range(len(tokens) - len(row) + 1)
    )


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
                    terms.append(Term(last.choices, last.field, required=True, excluded=False))
            exclude = word in ("NOT", "!")
            continue
        tokens = tuple(SOUGHT.findall(word.lower()))
        excluded = exclude or found["sign"] == "-"
        required = (require or found["sign"] == "+") and not excluded
        if tokens:
            choices = (tokens,) if found["phrase"] is not None else tuple((t,) for t in tokens)
            terms.append(Term(choices, found["field"], required, excluded))
        require = exclude = False
    if not any(not t.excluded for t in terms):
        raise errors.api_usage(f"Nothing to search for: {text}")
    return terms


def find_by_text(call: Call, cls: ModelClass, text: str, fields: tuple[str, ...] = ()) -> list[int]:
    """Return the ids of the objects of the class that hold the words and may be seen, in order.

    `fields` are those in which words are looked for that name none; none: all.
    """
    terms = parse(text)
    required = [t for t in terms if t.required]
    found = [set(_holding(call, cls, t, fields)) for t in required or terms if not t.excluded]
    together = set.intersection(*found) if required else set.union(*found)
    excluded = [_holding(call, cls, t, fields) for t in terms if t.excluded]
    return sorted(together.difference(*excluded))


def _holding(call: Call, cls: ModelClass, term: Term, fields: tuple[str, ...]) -> Iterator[int]:
    """Yield the ids of the objects that hold the term, themselves or in an annotation."""
    table = tables.table(cls.name)
    within = fields if term.field is None else (term.field,)
    columns = [table.c[c] for c in _texts(cls, within)]
    if columns:
        yield from _found(call, _visible(call, cls, select(table.c.id, *columns)), columns, term)
    link = cls.fields.get("annotationLinks")
    if isinstance(link, Collection) and (not within or {"annotation", "tag"} & set(within)):
        yield from _annotated(call, cls, link, term, within)


def _annotated(
    call: Call, cls: ModelClass, link: Collection, term: Term, within: tuple[str, ...]
) -> Iterator[int]:
    table, links = tables.table(cls.name), tables.table(link.target)
    notes = tables.table("Annotation").alias()
    pairs = tables.map_table("MapAnnotation", "mapValue")
    seen = permissions.readable(call, "Annotation", notes)
    to_notes = table.join(links, links.c[link.inverse] == table.c.id).join(
        notes, notes.c.id == links.c.child
    )
    texts: list[Any] = [notes.c[c] for c in ("textValue", "description", "termValue")]
    of_notes = select(table.c.id, *texts).select_from(to_notes)
    if within and "annotation" not in within:
        of_notes = of_notes.where(notes.c["class"] == "TagAnnotation")
    of_pairs = select(table.c.id, pairs.c.value).select_from(
        to_notes.join(pairs, pairs.c.parent == notes.c.id)
    )
    for query, columns in ((of_notes, texts), (of_pairs, [pairs.c.value])):
        readable = query if seen is None else query.where(seen)
        yield from _found(call, _visible(call, cls, readable), columns, term)


def _visible(call: Call, cls: ModelClass, query: Select[Any]) -> Select[Any]:
    """Return a query for objects of the class, limited to those that may be seen."""
    table = tables.table(cls.name)
    of_class = tables.of_class(cls.name, table)
    seen = permissions.readable(call, cls.name, table)
    return query.where(*[c for c in (of_class, seen) if c is not None])


def _found(call: Call, query: Select[Any], columns: list[Any], term: Term) -> Iterator[int]:
    """Yield the ids, the first column of the query, where one of the other columns holds the term."""
    for identifier, *texts in call.db.execute(query.where(_may_hold(columns, term))):
        if any(map(term.is_in, texts)):
            yield identifier


def _may_hold(columns: list[Any], term: Term) -> ColumnElement[bool]:
    """Return the condition that one of the columns holds the letters of the term, in one word or in several."""
    patterns = {"%" + row[0].replace("*", "%").replace("?", "_") + "%" for row in term.choices}
    return or_(
        *[
            func.coalesce(func.lower(column).like(pattern, escape="\\"), false())
            for column in columns
            for pattern in sorted(patterns)
        ]
    )


def _texts(cls: ModelClass, only: tuple[str, ...]) -> list[str]:
    """Return the columns of the class's texts: of the fields that are named, where any are."""
    return [
        tables.column_name(cls.name, f.name)
        for f in cls.fields.values()
        if isinstance(f, Value) and f.type == "string" and (not only or f.name in only)
    ]
