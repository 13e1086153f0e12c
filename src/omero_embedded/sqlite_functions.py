"""What SQLite lacks of PostgreSQL's functions, and where it lets pass what PostgreSQL refuses.

Each is registered under a name with every new connection (`register`). One that raises makes the query fail, as
PostgreSQL does with the same values; SQLite would have gone on with NULL or 0.
"""

import datetime as dt
import hashlib
import math
from collections.abc import Callable
from typing import Any, TypeAlias

from sqlalchemy.engine.interfaces import DBAPIConnection

Plain: TypeAlias = "str | int | float | bytes | None"


def register(connection: DBAPIConnection) -> None:
    """Register all of them with a connection."""
    for name, (arguments, function) in _FUNCTIONS.items():
        connection.create_function(name, arguments, function, deterministic=True)
    for name, (arguments, aggregate) in _AGGREGATES.items():
        connection.create_aggregate(name, arguments, aggregate)


# ---------------------------------------------------------------- nulls
def _of_text(function: Callable[[str], Plain]) -> Callable[[Plain], Plain]:
    return lambda value: None if value is None else function(str(value))


def _of_number(function: Callable[[Any], Plain]) -> Callable[[Plain], Plain]:
    return lambda value: None if value is None else function(float(value))


def _strict(function: Callable[..., Plain]) -> Callable[..., Plain]:
    """Return a function that gives NULL where one of its arguments is NULL."""
    return lambda *values: None if None in values else function(*values)


# ---------------------------------------------------------------- values that are refused
def _divisor(value: Plain) -> Plain:
    if value == 0:
        raise ZeroDivisionError("division by zero")
    return value


def _integer(text: str, bits: int) -> int:
    if "_" in text:
        raise ValueError(f"invalid input syntax for type integer: {text}")
    number = int(text)
    if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise OverflowError(f"value {text} is out of range for type integer")
    return number


def _real(text: str) -> float:
    if "_" in text:
        raise ValueError(f"invalid input syntax for type double precision: {text}")
    return float(text)


class _Only:
    """The only one of the values that a sub-query gives where one is asked for."""

    def __init__(self) -> None:
        self._found: list[Plain] = []

    def step(self, value: Plain) -> None:
        self._found.append(value)

    def finalize(self) -> Plain:
        if len(self._found) > 1:
            raise ValueError("more than one row returned by a subquery used as an expression")
        return self._found[0] if self._found else None


# ---------------------------------------------------------------- texts
def _initcap(text: str) -> str:
    """Return a text whose words begin with large letters; all that is no letter or digit parts words."""
    letters = []
    inside = False
    for letter in text:
        letters.append(letter.lower() if inside else letter.upper())
        inside = letter.isalnum()
    return "".join(letters)


def _real_text(number: float) -> str:
    """Return a number as PostgreSQL says it: as short as can be, whole ones without a point."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return repr(number).removesuffix(".0")


def _time_text(milliseconds: int) -> str:
    """Return a moment as PostgreSQL says it, in the server's time zone."""
    moment = dt.datetime.fromtimestamp(milliseconds / 1000)  # noqa: DTZ006  # local, as the real server's
    text = moment.strftime("%Y-%m-%d %H:%M:%S")
    return text if not moment.microsecond else f"{text}.{moment.microsecond:06d}".rstrip("0")


def _left(text: str, count: int) -> str:
    return text[:count]


def _right(text: str, count: int) -> str:
    return text[max(0, len(text) - count) :] if count >= 0 else text[-count:]


# ---------------------------------------------------------------- numbers
def _cotangent(number: float) -> float:
    return 1 / math.tan(number)


def _cube_root(number: float) -> float:
    return math.copysign(abs(number) ** (1 / 3), number)


# ---------------------------------------------------------------- statistics
class _Variance:
    def __init__(self) -> None:
        self._values: list[float] = []

    def step(self, value: float | None) -> None:
        if value is not None:
            self._values.append(float(value))

    def finalize(self) -> float | None:
        count = len(self._values)
        if count < 2:  # a sample of one says nothing of the others
            return None
        mean = math.fsum(self._values) / count
        return math.fsum((v - mean) ** 2 for v in self._values) / (count - 1)


class _Deviation(_Variance):
    def finalize(self) -> float | None:
        variance = super().finalize()
        return None if variance is None else math.sqrt(variance)


_OF_ONE_NUMBER: dict[str, Callable[[float], float]] = {
    "acos": math.acos,
    "asin": math.asin,
    "atan": math.atan,
    "cos": math.cos,
    "cot": _cotangent,
    "sin": math.sin,
    "tan": math.tan,
    "radians": math.radians,
    "degrees": math.degrees,
    "exp": math.exp,
    "ln": math.log,
    "log": math.log10,
    "sqrt": math.sqrt,
    "cbrt": _cube_root,
    "floor": math.floor,
    "ceil": math.ceil,
    "trunc": math.trunc,
}
_FUNCTIONS: dict[str, tuple[int, Callable[..., Plain]]] = {
    # SQLite's own know ASCII only.
    "lower": (1, _of_text(str.lower)),
    "upper": (1, _of_text(str.upper)),
    "divisor": (1, _divisor),
    "integer_of": (2, _strict(_integer)),
    "real_of": (1, _of_text(_real)),
    "real_text": (1, _of_number(_real_text)),
    "time_text": (1, _strict(_time_text)),
    "initcap": (1, _of_text(_initcap)),
    "md5": (
        1,
        _of_text(lambda text: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()),
    ),
    "reverse": (1, _of_text(lambda text: text[::-1])),
    "left_of": (2, _strict(_left)),
    "right_of": (2, _strict(_right)),
    "power": (2, _strict(math.pow)),
    **{name: (1, _of_number(function)) for name, function in _OF_ONE_NUMBER.items()},
}
_AGGREGATES: dict[str, tuple[int, Any]] = {
    "only": (1, _Only),
    "variance": (1, _Variance),
    "stddev": (1, _Deviation),
}
