"""omero.sys.Parameters as services other than IQuery read them: whose, when, how many, and how deep."""

from dataclasses import dataclass
from typing import Any

import omero
import omero.model
import omero.sys
from sqlalchemy import FromClause, Select, select

from omero_embedded import permissions, tables
from omero_embedded.call import Call


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a client asks for beside the objects themselves; None where it says nothing.

    `owner` and `group` are ids (less than 0 are none), `start` and `end` milliseconds since 1970.
    """

    owner: int | None = None
    group: int | None = None
    offset: int | None = None
    limit: int | None = None
    start: int | None = None
    end: int | None = None
    leaves: bool = False
    orphan: bool = False


def read(parameters: "omero.sys.Parameters | None") -> Wishes:
    """Read a client's parameters."""
    limits = None if parameters is None else parameters.theFilter
    options = None if parameters is None else parameters.theOptions

    def number(name: str) -> int | None:
        value = None if limits is None else getattr(limits, name)
        return None if value is None else int(value.val)

    def whether(name: str) -> bool:
        value = None if options is None else getattr(options, name)
        return value is not None and bool(value.val)

    owner, group = number("ownerId"), number("groupId")
    return Wishes(
        owner=owner if owner is not None and owner >= 0 else None,
        group=group if group is not None and group >= 0 else None,
        offset=number("offset"),
        limit=number("limit"),
        start=number("startTime"),
        end=number("endTime"),
        leaves=whether("leaves"),
        orphan=whether("orphan"),
    )


def visible(call: Call, cls: str, rows: FromClause, wishes: Wishes | None = None) -> Select[Any]:
    """Return the query for the ids of a class's rows that may be seen, and are whose the client wants."""
    query = select(rows.c.id)
    for condition in (permissions.readable(call, cls, rows), tables.of_class(cls, rows)):
        query = query if condition is None else query.where(condition)
    if wishes is not None and wishes.owner is not None:
        query = query.where(rows.c.details_owner == wishes.owner)
    if wishes is not None and wishes.group is not None:
        query = query.where(rows.c.details_group == wishes.group)
    return query


def page(query: Select[Any], wishes: Wishes) -> Select[Any]:
    """Return the query for the page of the results that the client wants."""
    if wishes.offset:
        query = query.offset(wishes.offset)
    return query.limit(wishes.limit) if wishes.limit else query
