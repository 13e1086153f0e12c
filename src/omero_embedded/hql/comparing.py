"""What can be compared with what, and what can be calculated; part of the second room.

Hibernate lets almost everything pass and PostgreSQL then refuses what does not fit, so what is found here becomes a
`MistakeError`: an error of carrying the query out, not of reading it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from omero_embedded.hql.discriminators import DISCRIMINATORS
from omero_embedded.hql.resolved import (
    BOOL,
    DOUBLE,
    FLOAT,
    INT,
    LONG,
    NUMBERS,
    STRING,
    TIME,
    UNKNOWN,
    Column,
    Constant,
    Mistake,
    Type,
    Value,
    Variable,
)
from omero_embedded.schema import UNITS

_FAMILIES = {**dict.fromkeys(NUMBERS, "number"), "entity": "number", "javaclass": "class"}


class MistakeError(Exception):
    """The database would refuse this.

    Parameters
    ----------
    text
        Why.
    of_data
        Whether the values are wrong and not the statement: see `Mistake`.
    """

    def __init__(self, text: str, *, of_data: bool = False) -> None:
        super().__init__(text)
        self.mistake = Mistake(text, of_data)


INTERVAL = Type("interval")
"""What lies between two moments: Hibernate takes it for a double, the database does not."""


def fitted(left: Value, right: Value) -> tuple[Value, Value]:
    """Return both sides of a comparison, a constant text read as what the other side is.

    Raises
    ------
    MistakeError
        They cannot be compared.
    """
    right = _read_as(right, left.type)
    left = _read_as(left, right.type)
    if isinstance(left, Variable) or isinstance(right, Variable):
        return left, right  # a parameter is made to fit: see `expected_of`
    ours, theirs = _family(left.type), _family(right.type)
    if "unknown" not in (ours, theirs) and ours != theirs:
        raise MistakeError(
            f"operator does not exist: {_sql_name(left.type)} = {_sql_name(right.type)}"
        )
    return left, right


def expected_of(other: Value) -> Type:
    """Return the type that a parameter must have to be compared with the other side."""
    if other.type.kind in ("class", "javaclass"):
        return Type("string")
    return other.type


def calculated(operator: str, left: Type, right: Type) -> Type:
    """Return the type of a calculation's result, as Java would have it.

    Raises
    ------
    MistakeError
        One of the two is nothing to calculate with.
    """
    if left == right == TIME and operator == "-":
        return INTERVAL
    for side in (left, right):
        if not side.is_number and side.kind not in ("unknown", "entity"):
            raise MistakeError(
                f"operator does not exist: {_sql_name(left)} {operator} {_sql_name(right)}"
            )
    for kind in (DOUBLE, FLOAT, LONG):
        if kind in (left, right):
            return kind
    if "entity" in (left.kind, right.kind):
        return LONG
    return INT if INT in (left, right) else UNKNOWN


def _family(kind: Type) -> str:
    return _FAMILIES.get(kind.kind, kind.kind)


def _sql_name(kind: Type) -> str:
    return {"string": "text", "long": "bigint", "entity": "bigint", "bool": "boolean"}.get(
        kind.kind, kind.kind
    )


def _read_as(value: Value, wanted: Type) -> Value:
    """Read a constant text as PostgreSQL reads one whose type it may choose."""
    if not (isinstance(value, Constant) and isinstance(value.value, str) and value.type == STRING):
        return value
    read = _READ.get(_family(wanted))
    if read is None:
        return value
    try:
        return read(value.value, wanted)
    except (ValueError, KeyError, OverflowError) as error:
        text = f'invalid input syntax for type {_sql_name(wanted)}: "{value.value}"'
        raise MistakeError(text, of_data=True) from error


def _read_number(text: str, wanted: Type) -> Constant:
    return Constant(float(text) if wanted in (FLOAT, DOUBLE) else int(text), wanted)


def _read_time(text: str, _wanted: Type) -> Constant:
    moment = dt.datetime.fromisoformat(text).astimezone()
    return Constant(int(moment.timestamp() * 1000), TIME)


def _read_bool(text: str, _wanted: Type) -> Constant:
    return Constant({"t": True, "true": True, "f": False, "false": False}[text.lower()], BOOL)


def _read_unit(text: str, wanted: Type) -> Constant:
    """Return the symbol of a unit, which is what the database holds; its name the database does not know."""
    if text not in UNITS[wanted.of].symbols.values():
        raise ValueError(text)
    return Constant(text, wanted)


def _read_class(text: str, wanted: Type) -> Constant:
    """Return the class that a text stands for in the database; of other texts, and of a class's name, none."""
    return Constant(next((c for c, t in DISCRIMINATORS.items() if t == text), ""), wanted)


_READ: dict[str, Callable[[str, Type], Constant]] = {
    "number": _read_number,
    "time": _read_time,
    "bool": _read_bool,
    "unit": _read_unit,
    "class": _read_class,
}


def same_column(one: Value, other: Value) -> bool:
    """Whether both are the same column of the same source."""
    return (
        isinstance(one, Column)
        and isinstance(other, Column)
        and (one.source, one.name) == (other.source, other.name)
    )
