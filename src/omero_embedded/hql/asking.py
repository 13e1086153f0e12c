"""Asking the database: text and parameters in, rows out. The three rooms are passed here, and errors get their names.

Statements are kept for each person and group they were made for, as what may be seen is written into them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import omero
import omero.sys
from sqlalchemy import BigInteger, Select, bindparam
from sqlalchemy.exc import DBAPIError, StatementError

from omero_embedded import errors, permissions
from omero_embedded.call import Call
from omero_embedded.hql.emit import Statement, emit
from omero_embedded.hql.parameters import Page, bound, page_of
from omero_embedded.hql.parse import HqlError
from omero_embedded.hql.resolve import DataChangeError, resolve
from omero_embedded.hql.resolved import Mistake, Resolved
from omero_embedded.lists import among, as_parameter, is_sqlite
from omero_embedded.people import People
from omero_embedded.prepared import Prepared, Row

KEPT = 500
_OFFSET, _LIMIT, _CHOSEN = "page_offset", "page_limit", "page_ids"
"""Parameters of our own."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows that a query gave, and how to read them."""

    query: Resolved
    statement: Statement
    rows: Sequence[Row]


def ask(call: Call, text: str | None, parameters: omero.sys.Parameters | None) -> Answer:
    """Return what the database says to a query.

    Raises
    ------
    omero.QueryException
        The text is no HQL, or names what does not exist.
    omero.ApiUsageException
        It would change data, a parameter is missing or an empty list, or the database refuses the statement.
    omero.InternalException
        A parameter is of the wrong type.
    omero.ValidationException
        The database refuses the values.
    """
    text = text or ""
    try:
        query = resolve(text)
    except HqlError as error:
        raise errors.query(f"Illegal query:{text}\n{error}") from error
    except DataChangeError as refused:
        message = f"Not supported for DML operations [{refused}]"
        nested = f"nested exception is org.hibernate.hql.QueryExecutionRequestException: {message}"
        raise errors.api_usage(f"{message}; {nested}") from refused
    values = bound(text, query.variables, parameters)
    if query.mistakes:
        raise _refused(text, query.mistakes[0])
    asked = _asked(call, text, query)
    given: dict[str, object] = {
        n: as_parameter(v, sqlite=asked.sqlite) if isinstance(v, list) else v
        for n, v in values.items()
    }
    try:
        return Answer(query, asked.statement, _rows(call, query, asked, given, page_of(parameters)))
    except (DBAPIError, StatementError) as error:
        raise _refused(text, _mistake(error)) from error


# ---------------------------------------------------------------- refusals
_OF_STATEMENTS = ("07", "20", "37", "42", "65", "S0")
"""Classes of SQLSTATE that Hibernate's `SQLStateConverter` takes for mistakes of the statement."""


def _refused(text: str, mistake: Mistake) -> Exception:
    """Return the error that says what the database refused, of the class that OMERO's ServiceHandler makes of it."""
    make = errors.validation if mistake.of_data else errors.api_usage
    return make(f"could not execute query; SQL [{text}]; {mistake.text}")


def _mistake(error: DBAPIError | StatementError) -> Mistake:
    """Return what the database says. SQLite has no SQLSTATE: what it refuses here are values (`sqlite_functions`)."""
    state = getattr(error.orig, "sqlstate", None) or ""
    return Mistake(str(error.args[0]), of_data=state[:2] not in _OF_STATEMENTS)


# ---------------------------------------------------------------- statements
class _Asked:
    """A query's statement in the ways it is asked."""

    def __init__(self, people: People, statement: Statement, *, sqlite: bool) -> None:
        self.people = people
        self.statement = statement
        self.sqlite = sqlite

    @cached_property
    def whole(self) -> Prepared:
        """All rows."""
        return Prepared(self.statement.sql)

    @cached_property
    def page(self) -> Prepared:
        """The rows from `_OFFSET`, `_LIMIT` of them."""
        offset, limit = (bindparam(name, type_=BigInteger()) for name in (_OFFSET, _LIMIT))
        return Prepared(self.statement.sql.offset(offset).limit(limit))

    @cached_property
    def chosen(self) -> Prepared:
        """The rows of the objects with the ids `_CHOSEN`; where one kind of object is selected."""
        assert self.statement.identifiers is not None
        identifier = self.statement.identifiers.selected_columns[0]
        return Prepared(self.statement.sql.where(among(identifier, _CHOSEN, sqlite=self.sqlite)))


_Key: TypeAlias = tuple[str, str, int, int, int, int]
_statements: OrderedDict[_Key, _Asked] = OrderedDict()
_lock = threading.Lock()


def _asked(call: Call, text: str, query: Resolved) -> _Asked:
    """Return the statement of a query for who asks; made anew once people, groups or memberships have changed."""
    dialect = call.db.dialect.name
    key = (text, dialect, call.user_id, call.session.user_id, call.group_id, call.group.permissions)
    with _lock:
        kept = _statements.get(key)
        if kept is not None and kept.people is call.people and kept.statement.query is query:
            _statements.move_to_end(key)
            return kept
    sqlite = is_sqlite(call.db)
    statement = emit(
        query,
        lambda cls, rows: permissions.readable(call, cls, rows),
        sqlite=sqlite,
        call_permissions=call.group.permissions,
    )
    made = _Asked(call.people, statement, sqlite=sqlite)
    with _lock:
        _statements[key] = made
        if len(_statements) > KEPT:
            _statements.popitem(last=False)
    return made


# ---------------------------------------------------------------- rows
def _rows(
    call: Call, query: Resolved, asked: _Asked, values: Mapping[str, object], page: Page
) -> Sequence[Row]:
    if page.limit == 0 and fetches_collections(query):
        # Hibernate cuts such pages itself, and looks whether one is full only once it has put something on it.
        page = Page(page.offset, 1)
    if page.limit == 0:
        return []
    if page.whole:
        return asked.whole.rows(call.db, values)
    if not fetches_collections(query):
        to_the_end = -1 if asked.sqlite else None
        limit = to_the_end if page.limit is None else page.limit
        return asked.page.rows(call.db, {**values, _OFFSET: page.offset, _LIMIT: limit})
    if asked.statement.identifiers is None:
        end = None if page.limit is None else page.offset + page.limit
        return asked.whole.rows(call.db, values)[page.offset : end]
    chosen = _ids_of_page(call, asked.statement.identifiers, values, page)
    if not chosen:
        return []
    given = {**values, _CHOSEN: as_parameter(chosen, sqlite=asked.sqlite)}
    return asked.chosen.rows(call.db, given)


def _ids_of_page(
    call: Call, identifiers: Select[Any], values: Mapping[str, object], page: Page
) -> list[int]:
    """Return the ids of the objects of a page, each of which may have many rows because a collection is fetched.

    They are read in order and as far as it takes.
    """
    end = None if page.limit is None else page.offset + page.limit
    seen: dict[int, None] = {}
    with call.db.execute(identifiers.execution_options(yield_per=1000), values) as result:
        for (number,) in result:
            seen[number] = None
            if len(seen) == end:
                break
    return list(seen)[page.offset :]


def fetches_collections(query: Resolved) -> bool:
    """Whether an object may have several rows because the members of a collection are fetched with it."""
    return any(s.fetch and (s.collection is not None or s.pairs is not None) for s in query.sources)
