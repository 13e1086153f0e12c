"""omero.api.IQuery: objects by id, by field, by example, and by HQL."""

from typing import Any, TypeAlias

import omero
import omero.model
import omero.sys
from sqlalchemy import Select, func, select

from omero_embedded import errors, hql, permissions, tables
from omero_embedded.call import Call
from omero_embedded.loading import Loader, class_name
from omero_embedded.saving.rows import values_of
from omero_embedded.schema import CLASSES, ModelClass, Value, find_class
from omero_embedded.services.full_text import find_by_text
from omero_embedded.wire.registry import stateless

IObject: TypeAlias = omero.model.IObject
Parameters: TypeAlias = omero.sys.Parameters


def concrete_class(name: str | None) -> ModelClass:
    """Return the class a client means; abstract ones have no objects of their own.

    Raises
    ------
    omero.ApiUsageException
        There is none of that name.
    """
    cls = find_class(name or "")
    if cls is None or cls.abstract:
        raise errors.api_usage(f"{name} does not specify a valid class.")
    return cls


@stateless("omero.api.IQuery")
class QueryService:
    """Reading."""

    refuses_untyped = True

    def find(self, call: Call, klass: str, id: int) -> IObject | None:  # Slice's name
        """Give an object, or None where there is none."""
        cls = concrete_class(klass)
        if not permissions.check_readable(call, cls.name, id):
            return None
        loader = Loader(call)
        found = loader.object(cls.name, id)
        if call.group_id < 0 and not cls.is_global:
            loader.details([found], "owner")  # as the real server does in the context of all groups
        return found

    def get(self, call: Call, klass: str, id: int) -> IObject:
        """Give an object."""
        found = self.find(call, klass, id)
        if found is None:
            raise errors.missing_row(concrete_class(klass).java, id)
        return found

    def findAll(self, call: Call, klass: str, filter: "omero.sys.Filter | None") -> list[IObject]:
        """Give all objects of a class."""
        cls = concrete_class(klass)
        return _found(call, cls, _ids(call, cls), filter)

    def findByExample(self, call: Call, example: IObject) -> IObject | None:
        """Give the one object that is like the example."""
        return _only(f"example: {class_name(example)}", self.findAllByExample(call, example, None))

    def findAllByExample(
        self, call: Call, example: IObject, filter: "omero.sys.Filter | None"
    ) -> list[IObject]:
        """Give all objects whose values are those that the example has.

        Neither its id nor what it refers to counts: Hibernate's `Example` leaves references and collections out.
        """
        if example is None:
            raise errors.api_usage("Example cannot be null.")
        cls = CLASSES[class_name(example)]
        table, query = tables.table(cls.name), _ids(call, cls)
        for column, value in values_of(example, cls.name).items():
            if value is not None:
                query = query.where(table.c[column] == value)
        return _found(call, cls, query, filter)

    def findByString(self, call: Call, klass: str, field: str, value: str) -> IObject | None:
        """Give the one object whose field is the text."""
        found = self._by_string(
            call, klass, field, value, case_sensitive=True, like=False, limits=None
        )
        return _only(f"{klass}.{field}", found)

    def findAllByString(
        self,
        call: Call,
        klass: str,
        field: str,
        value: str,
        caseSensitive: bool,
        filter: "omero.sys.Filter | None",
    ) -> list[IObject]:
        """Give the objects whose field is like the text, anywhere in it."""
        return self._by_string(
            call, klass, field, value, case_sensitive=caseSensitive, like=True, limits=filter
        )

    def _by_string(
        self,
        call: Call,
        klass: str,
        field: str,
        value: str,
        *,
        case_sensitive: bool,
        like: bool,
        limits: Any,
    ) -> list[IObject]:
        cls = concrete_class(klass)
        described = cls.fields.get(field)
        if described is None and field not in ("id", "version", "details"):
            message = f"could not resolve property: {field} of: {cls.java}"
            raise errors.api_usage(
                f"{message}; nested exception is org.hibernate.QueryException: {message}"
            )
        if not isinstance(described, Value) or described.type != "string":
            raise errors.internal(
                f"Wrapped Exception: (java.lang.ClassCastException):\n{cls.java}.{field} is no text"
            )
        column: Any = tables.table(cls.name).c[tables.column_name(cls.name, field)]
        if like:
            pattern = f"%{value}%"
            condition = (
                column.like(pattern) if case_sensitive else func.lower(column).like(pattern.lower())
            )
        else:
            condition = column == value
        return _found(call, cls, _ids(call, cls).where(condition), limits)

    def findByQuery(self, call: Call, query: str, params: "Parameters | None") -> IObject | None:
        """Give the one object that a query finds."""
        return hql.find_one(call, query, params)

    def findAllByQuery(self, call: Call, query: str, params: "Parameters | None") -> list[IObject]:
        """Give the objects that a query finds."""
        return list(hql.find(call, query, params))

    def projection(self, call: Call, query: str, params: "Parameters | None") -> list[list[Any]]:
        """Give the rows that a query finds."""
        return list(hql.project(call, query, params))

    def findAllByFullText(
        self, call: Call, klass: str, query: str, params: "Parameters | None"
    ) -> list[IObject]:
        """Give the objects whose names, descriptions or annotations hold the words."""
        cls = concrete_class(klass)
        if not (query or "").strip(" *?"):
            raise errors.api_usage("Query string has no search terms.")
        ids = find_by_text(call, cls, query)
        return list(Loader(call).objects(cls.name, ids).values())

    def refresh(self, call: Call, iObject: IObject) -> IObject:
        """Refuse, as the real server does."""
        raise errors.security("This method allows no remote access.")


def _ids(call: Call, cls: ModelClass) -> Select[Any]:
    """Return the query for the ids of all objects of the class that may be seen."""
    table = tables.table(cls.name)
    query = select(table.c.id).order_by(table.c.id)
    for condition in (
        tables.of_class(cls.name, table),
        permissions.readable(call, cls.name, table),
    ):
        if condition is not None:
            query = query.where(condition)
    return query


def _found(
    call: Call, cls: ModelClass, query: Select[Any], limits: "omero.sys.Filter | None"
) -> list[IObject]:
    if limits is not None:
        if limits.offset is not None and limits.offset.val > 0:
            query = query.offset(limits.offset.val)
        if limits.limit is not None:
            if limits.limit.val < 0:
                raise errors.validation("could not execute query; LIMIT must not be negative")
            query = query.limit(limits.limit.val)
    return list(Loader(call).objects(cls.name, call.db.execute(query).scalars()).values())


def _only(name: str, found: list[IObject]) -> IObject | None:
    if len(found) > 1:
        raise errors.not_unique(name)
    return found[0] if found else None
