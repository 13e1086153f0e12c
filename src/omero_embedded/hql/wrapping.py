"""Values out of the database made the RTypes that a projection gives."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeAlias

import omero
import omero.model
from omero.rtypes import rbool, rclass, rdouble, rfloat, rint, rlist, rlong, rmap, rstring, rtime

from omero_embedded import errors
from omero_embedded.hql.discriminators import DISCRIMINATORS
from omero_embedded.hql.resolved import Type
from omero_embedded.schema import CLASSES, UNITS

Wrap: TypeAlias = Callable[..., omero.RType]


def wrap_of(kind: Type) -> Wrap:
    """Return what makes an RType of a value of the type; of a quantity it takes the number and the symbol.

    Raises
    ------
    omero.ApiUsageException
        The real server has no RType for such values either.
    """
    plain = _WRAPS.get(kind.kind)
    if plain is not None:
        return plain
    if kind.kind == "quantity":
        return functools.partial(_quantity, kind.of)
    if kind.kind == "unit":
        return lambda symbol: rstring(UNITS[kind.of].value_of(symbol))
    if kind.kind == "class":
        return functools.partial(_class, kind.of)
    raise errors.api_usage(f"Unsupported conversion to rtype from {kind.kind}")


def permissions_map(permissions: omero.model.Permissions) -> omero.RMap:
    """Return an object's permissions as a map."""
    return rmap(
        {
            "perm": rstring(str(permissions)),
            "canAnnotate": rbool(permissions.canAnnotate()),
            "canDelete": rbool(permissions.canDelete()),
            "canEdit": rbool(permissions.canEdit()),
            "canLink": rbool(permissions.canLink()),
            "canChgrp": rbool(permissions.canChgrp()),
            "canChown": rbool(permissions.canChown()),
        }
    )


def _bare_permissions(bits: int) -> omero.RMap:
    """Return permissions without a viewer: nothing is refused."""
    permissions = omero.model.PermissionsI(bits)
    permissions._restrictions = [False] * 6  # the Slice member
    return permissions_map(permissions)


def _quantity(unit: str, value: float, symbol: str) -> omero.RMap:
    return rmap(
        {
            "value": rdouble(float(value)),
            "unit": rstring(UNITS[unit].value_of(symbol)),
            "symbol": rstring(symbol),
        }
    )


def _class(root: str, name: str) -> omero.RType:
    """Return what tells the classes of one table apart: a text, or where the real server has none a number."""
    if name in DISCRIMINATORS:
        return rstring(DISCRIMINATORS[name])
    return rint([c.name for c in CLASSES[root].concrete].index(name))


def _java_class(name: str) -> omero.RClass:
    return rclass(CLASSES[name].java)


def _whole(make: Callable[[int], omero.RType]) -> Wrap:
    """Return a wrap of whole numbers: PostgreSQL gives sums as Decimal."""
    return lambda value: make(int(value))


_WRAPS: dict[str, Wrap] = {
    "string": rstring,
    "int": _whole(rint),
    "long": _whole(rlong),
    "entity": _whole(rlong),
    "float": lambda value: rfloat(float(value)),
    "double": lambda value: rdouble(float(value)),
    "bool": lambda value: rbool(bool(value)),
    "time": _whole(rtime),
    "strings": lambda values: rlist([rstring(v) for v in values]),
    "javaclass": _java_class,
    "permissions": _bare_permissions,
}
