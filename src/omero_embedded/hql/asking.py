"""Asking the database: text and parameters in, rows out. The three rooms are passed here, and errors get their names.

Statements are kept for each person and group they were made for, as what may be seen is written into them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import omero
import omero.sys
from sqlalchemy import Select
from sqlalchemy.exc import DBAPIError, StatementError

from omero_embedded import errors, permissions
from omero_embedded.call import Call
from omero_embedded.hql.emit import Statement, emit
from omero_embedded.hql.parameters import Page, bound, page_of
from omero_embedded.hql.parse import HqlError
from omero_embedded.hql.resolve import DataChangeError, resolve
from omero_embedded.hql.resolved import Mistake, Resolved
from omero_embedded.lists import as_parameter, is_sqlite
from omero_embedded.people import People

Row: TypeAlias = Sequence[Any]
KEPT = 500


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
    statement = _statement(call, text, query)
    sqlite = is_sqlite(call.db)
    given: dict[str, object] = {
        n: as_parameter(v, sqlite=sqlite) if isinstance(v, list) else v for n, v in values.items()
    }
    try:
        return Answer(query, statement, _rows(call, query, statement, given, page_of(parameters)))
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
_Key: TypeAlias = tuple[str, str, int, int, int, int]
_statements: OrderedDict[_Key, tuple[People, Statement]] = OrderedDict()
_lock = threading.Lock()


def _statement(call: Call, text: str, query: Resolved) -> Statement:
    """Return the statement of a query for who asks; made anew once people, groups or memberships have changed."""
    dialect = call.db.dialect.name
    key = (text, dialect, call.user_id, call.session.user_id, call.group_id, call.group.permissions)
    with _lock:
        kept = _statements.get(key)
        if kept is not None and kept[0] is call.people and kept[1].query is query:
            _statements.move_to_end(key)
            return kept[1]
    made = emit(
        query,
        lambda cls, rows: permissions.readable(call, cls, rows),
        sqlite=is_sqlite(call.db),
        call_permissions=call.group.permissions,
    )
    with _lock:
        _statements[key] = (call.people, made)
        if len(_statements) > KEPT:
            _statements.popitem(last=False)
    return made


# ---------------------------------------------------------------- rows
def _rows(
    call: Call, query: Resolved, statement: Statement, values: Mapping[str, Any], page: Page
) -> Sequence[Row]:
    sql = statement.sql
    if page.limit == 0 and fetches_collections(query):
        # Hibernate cuts such pages itself, and looks whether one is full only once it has put something on it.
        page = Page(page.offset, 1)
    if page.limit == 0:
        return []
    if page.whole:
        return _all(call, statement, sql, values)
    if not fetches_collections(query):
        return _all(call, statement, _cut(sql, page), values)
    if statement.identifiers is None:
        end = None if page.limit is None else page.offset + page.limit
        return _all(call, statement, sql, values)[page.offset : end]
    return _rows_of_page(call, statement, statement.identifiers, values, page)


def _all(
    call: Call, statement: Statement, sql: Select[Any], values: Mapping[str, Any]
) -> Sequence[Row]:
    """Return all rows; plain ones as the driver gives them, which takes a third of the time."""
    result = call.db.execute(sql, values)
    if not statement.plain or result.cursor is None:
        return result.all()
    rows: Sequence[Row] = result.cursor.fetchall()
    result.close()
    return rows


def _cut(sql: Select[Any], page: Page) -> Select[Any]:
    sql = sql.offset(page.offset) if page.offset else sql
    return sql if page.limit is None else sql.limit(page.limit)


def _rows_of_page(
    call: Call,
    statement: Statement,
    identifiers: Select[Any],
    values: Mapping[str, Any],
    page: Page,
) -> Sequence[Row]:
    """Return the rows of one page of objects, each of which may have many rows because a collection is fetched.

    First the ids of the page's objects are read, in order and as far as it takes.
    """
    end = None if page.limit is None else page.offset + page.limit
    seen: dict[int, None] = {}
    with call.db.execute(identifiers.execution_options(yield_per=1000), values) as result:
        for (number,) in result:
            seen[number] = None
            if len(seen) == end:
                break
    chosen = list(seen)[page.offset :]
    identifier = identifiers.selected_columns[0]
    return (
        _all(call, statement, statement.sql.where(identifier.in_(chosen)), values) if chosen else []
    )


def fetches_collections(query: Resolved) -> bool:
    """Whether an object may have several rows because the members of a collection are fetched with it."""
    return any(s.fetch and (s.collection is not None or s.pairs is not None) for s in query.sources)
