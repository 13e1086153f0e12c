"""A client's parameters made values for the database, as strictly as Hibernate takes them.

A parameter that stands beside a long must be an RLong: an RInt or an RString there is the client's mistake, and the
real server answers it with an InternalException.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import omero
import omero.rtypes
import omero.sys

from omero_embedded import errors
from omero_embedded.hql.resolved import Variable, list_name, parameter_name
from omero_embedded.schema import CLASSES

Scalar: TypeAlias = "str | int | float | bool"

_RTYPES: dict[type, tuple[str, ...]] = {
    omero.RString: ("string",),
    omero.RInt: ("int",),
    omero.RLong: ("long",),
    omero.RFloat: ("float",),
    omero.RDouble: ("double",),
    omero.RBool: ("bool",),
    omero.RTime: ("time",),
    omero.RObject: ("entity",),
}
"""The types of values in a query that each kind of parameter stands for."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the result is asked for: `limit` None means to the end."""

    offset: int = 0
    limit: int | None = None

    @property
    def whole(self) -> bool:
        """Whether it is all of the result."""
        return self.offset == 0 and self.limit is None


def page_of(parameters: omero.sys.Parameters | None) -> Page:
    """Return the page that a client asks for."""
    chosen = None if parameters is None else parameters.theFilter
    if chosen is None:
        return Page()
    offset = 0 if chosen.offset is None else max(0, chosen.offset.val)
    limit = None if chosen.limit is None or chosen.limit.val < 0 else chosen.limit.val
    return Page(offset, limit)


def bound(
    text: str, variables: Iterable[Variable], parameters: omero.sys.Parameters | None
) -> dict[str, Scalar | list[Scalar]]:
    """Return the values of a query's parameters, by their names in SQL.

    Raises
    ------
    omero.ApiUsageException
        One is missing, or is an empty list.
    omero.InternalException
        One is not of the type that its place in the query asks for.
    """
    variables = list(variables)
    names = list(dict.fromkeys(v.name for v in variables))
    given = {} if parameters is None or parameters.map is None else parameters.map
    for name in names:
        if not name:
            raise errors.api_usage("Expected positional parameter count: 1, actual parameters: []")
        if given.get(name) is None:
            raise errors.api_usage(f"Null parameters not allowed: {name}")
    for name in names:
        if isinstance(given[name], omero.RCollection) and not given[name].val:
            raise errors.api_usage(
                f"unexpected end of subtree [{text.replace(f':{name}', '')}]; nested exception is "
                "org.hibernate.hql.ast.QuerySyntaxException: unexpected end of subtree"
            )
    values: dict[str, Scalar | list[Scalar]] = {}
    for variable in variables:
        listed = _listed(variable, given[variable.name])
        if variable.many:
            values[list_name(names, variable.name)] = listed
        elif len(listed) > 1:
            raise errors.api_usage(
                f"unexpected token: , near a list that stands for one value [{text}]; nested exception is "
                "org.hibernate.hql.ast.QuerySyntaxException: unexpected token: ,"
            )
        else:
            values[parameter_name(names, variable.name)] = listed[0]
    return values


def _listed(variable: Variable, given: omero.RType) -> list[Scalar]:
    if isinstance(given, omero.RCollection):
        plain = _PLAIN.get(variable.type.kind)
        if plain is not None and set(map(type, given.val)) == {
            plain
        }:  # long lists of ids: as fast as can be
            return [item.__dict__["_val"] for item in given.val]
        return [_scalar(variable, item) for item in given.val]
    return [_scalar(variable, given)]


_PLAIN: dict[str, type] = {"long": omero.rtypes.RLongI, "int": omero.rtypes.RIntI}


def _scalar(variable: Variable, given: omero.RType | None) -> Scalar:
    kinds = next((kinds for rtype, kinds in _RTYPES.items() if isinstance(given, rtype)), None)
    wanted = variable.type.kind
    if kinds is None or (wanted != "unknown" and wanted not in kinds):
        raise errors.internal(
            f"Wrapped Exception: (java.lang.ClassCastException):\n{type(given).__name__} cannot be cast to {wanted}"
        )
    value: Any = given.val  # type: ignore[union-attr]  # one of the above
    if kinds == ("entity",):
        return _id_of(value, variable.type.of)
    if isinstance(value, str) and "\0" in value:
        raise errors.validation(
            "could not execute query; invalid byte sequence for encoding UTF8: 0x00"
        )
    return value  # type: ignore[no-any-return]


def _id_of(value: omero.model.IObject | None, cls: str) -> int:
    """Return the id of an object that stands for itself in a query."""
    if value is None or value.id is None:
        raise errors.internal(
            "Wrapped Exception: (org.hibernate.TransientObjectException):\nobject references an unsaved transient instance"
        )
    name = value.ice_id().rsplit("::", 1)[-1]
    if cls and (name not in CLASSES or CLASSES[name].root is not CLASSES[cls].root):
        raise errors.internal(
            f"Wrapped Exception: (java.lang.ClassCastException):\n{name} cannot be cast to {cls}"
        )
    return int(value.id.val)
