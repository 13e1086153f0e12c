"""The functions of HQL: which there are, what they take and what they give. How they are written in SQL says `emit`.

Those that Hibernate registers for PostgreSQL, as far as SQLite can do them too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from omero_embedded.hql.resolved import DOUBLE, INT, LONG, STRING, TIME, UNKNOWN, Type


@dataclass(frozen=True, slots=True)
class Function:
    """How many arguments a function takes, at least and at most, and the type of what it gives."""

    at_least: int
    at_most: int
    gives: Callable[[Sequence[Type]], Type]


def _always(given: Type) -> Callable[[Sequence[Type]], Type]:
    return lambda _: given


def _first_known(types: Sequence[Type]) -> Type:
    return next((t for t in types if t.kind != "unknown"), UNKNOWN)


MANY = 1000
FUNCTIONS: dict[str, Function] = {
    "lower": Function(1, 1, _always(STRING)),
    "upper": Function(1, 1, _always(STRING)),
    "substring": Function(2, 3, _always(STRING)),
    "substr": Function(2, 3, _always(STRING)),
    "concat": Function(1, MANY, _always(STRING)),
    "str": Function(1, 1, _always(STRING)),
    "replace": Function(3, 3, _always(STRING)),
    "ltrim": Function(1, 1, _always(STRING)),
    "rtrim": Function(1, 1, _always(STRING)),
    "length": Function(1, 1, _always(LONG)),
    "char_length": Function(1, 1, _always(LONG)),
    "bit_length": Function(1, 1, _always(INT)),
    "locate": Function(2, 3, _always(INT)),
    "coalesce": Function(1, MANY, _first_known),
    "nullif": Function(2, 2, _first_known),
    "abs": Function(1, 1, _first_known),
    "sign": Function(1, 1, _always(INT)),
    "mod": Function(2, 2, _always(INT)),
    "sqrt": Function(1, 1, _always(DOUBLE)),
    "round": Function(1, 2, _first_known),
    "floor": Function(1, 1, _first_known),
    "ceil": Function(1, 1, _first_known),
    "year": Function(1, 1, _always(INT)),
    "month": Function(1, 1, _always(INT)),
    "day": Function(1, 1, _always(INT)),
    "hour": Function(1, 1, _always(INT)),
    "minute": Function(1, 1, _always(INT)),
    "second": Function(1, 1, _always(INT)),
    "current_date": Function(0, 0, _always(TIME)),
    "current_time": Function(0, 0, _always(TIME)),
    "current_timestamp": Function(0, 0, _always(TIME)),
    "now": Function(0, 0, _always(TIME)),
}
TIME_FIELDS = ("year", "month", "day", "hour", "minute", "second")
"""What `extract` takes out of a time; each is a function of its own too."""

EPOCH = "epoch"
"""What `extract` takes out of a time besides: the seconds since 1970."""

CASTS: dict[str, Type] = {
    "string": STRING,
    "text": STRING,
    "character": STRING,
    "int": INT,
    "integer": INT,
    "short": INT,
    "long": LONG,
    "big_integer": LONG,
    "float": Type("float"),
    "double": DOUBLE,
    "big_decimal": DOUBLE,
    "boolean": Type("bool"),
    "timestamp": TIME,
}
"""What one may cast to."""
