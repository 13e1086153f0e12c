"""The functions of HQL: which there are, what they take and what they give. How they are written in SQL says `sql`.

Those that Hibernate 3.6 registers for PostgreSQL (`Dialect`, `PostgreSQLDialect`), each with the type it is registered
with, as far as SQLite can do them too; and some that only the database knows: Hibernate hands them on as they stand, so
they can be compared with, but not selected, as nobody knows their type.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal as Choice

from omero_embedded.hql.resolved import DOUBLE, INT, LONG, STRING, TIME, UNKNOWN, Type


@dataclass(frozen=True, slots=True)
class Function:
    """A function.

    Attributes
    ----------
    at_least, at_most
        How many arguments it takes.
    gives
        The type of what it gives.
    takes
        What its first argument must be; None: anything.
    """

    at_least: int
    at_most: int
    gives: Callable[[Sequence[Type]], Type]
    takes: Choice["text", "number", "time"] | None = None

    def accepts(self, kind: Type) -> bool:
        """Whether the database finds a function of the name for a first argument of the type."""
        if self.takes is None or kind.kind == "unknown":
            return True
        if self.takes == "number":
            return kind.is_number or kind.kind == "entity"
        return kind.kind == ("string" if self.takes == "text" else "time")


def _always(given: Type) -> Callable[[Sequence[Type]], Type]:
    return lambda _: given


def _first(types: Sequence[Type]) -> Type:
    """Return the type of the first argument, which is what Hibernate gives a function registered without a type."""
    return types[0] if types else UNKNOWN


MANY = 1000
FUNCTIONS: dict[str, Function] = {
    "lower": Function(1, 1, _first, "text"),
    "upper": Function(1, 1, _first, "text"),
    "initcap": Function(1, 1, _first, "text"),
    "md5": Function(1, 1, _first, "text"),
    "substring": Function(2, 3, _always(STRING), "text"),
    "substr": Function(2, 3, _always(STRING), "text"),
    "concat": Function(1, MANY, _always(STRING)),
    "str": Function(1, 1, _always(STRING)),
    "length": Function(1, 1, _always(INT), "text"),
    "char_length": Function(1, 1, _always(LONG), "text"),
    "bit_length": Function(1, 1, _always(LONG), "text"),
    "octet_length": Function(1, 1, _always(LONG), "text"),
    "ascii": Function(1, 1, _always(INT), "text"),
    "chr": Function(1, 1, _always(Type("character")), "number"),
    "locate": Function(2, 3, _always(INT), "text"),
    "coalesce": Function(1, MANY, _first),
    "nullif": Function(2, 2, _first),
    "abs": Function(1, 1, _first, "number"),
    "sign": Function(1, 1, _always(INT), "number"),
    "mod": Function(2, 2, _always(INT), "number"),
    "round": Function(1, 2, _first, "number"),
    "trunc": Function(1, 2, _first, "number"),
    "floor": Function(1, 1, _first, "number"),
    "ceil": Function(1, 1, _first, "number"),
    **{
        name: Function(1, 1, _always(DOUBLE), "number")
        for name in (
            *("acos", "asin", "atan", "cos", "cot", "sin", "tan", "radians", "degrees"),
            *("exp", "ln", "log", "sqrt", "cbrt", "stddev", "variance"),
        )
    },
    **{
        name: Function(1, 1, _always(INT), "time")
        for name in ("year", "month", "day", "hour", "minute", "second")
    },
    "current_date": Function(0, 0, _always(TIME)),
    "current_time": Function(0, 0, _always(TIME)),
    "current_timestamp": Function(0, 0, _always(TIME)),
    "now": Function(0, 0, _always(TIME)),
    # known to the database alone
    "replace": Function(3, 3, _always(UNKNOWN), "text"),
    "ltrim": Function(1, 1, _always(UNKNOWN), "text"),
    "rtrim": Function(1, 1, _always(UNKNOWN), "text"),
    "left": Function(2, 2, _always(UNKNOWN), "text"),
    "right": Function(2, 2, _always(UNKNOWN), "text"),
    "reverse": Function(1, 1, _always(UNKNOWN), "text"),
    "strpos": Function(2, 2, _always(UNKNOWN), "text"),
    "power": Function(2, 2, _always(UNKNOWN), "number"),
    "greatest": Function(1, MANY, _always(UNKNOWN)),
    "least": Function(1, MANY, _always(UNKNOWN)),
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
