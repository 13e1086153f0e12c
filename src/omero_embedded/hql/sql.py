"""How each operator and function is written in SQL, for SQLite and PostgreSQL; used by `emit`.

Times are milliseconds since 1970 in both, so what a date function needs is made of them first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    LargeBinary,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    not_,
    or_,
)
from sqlalchemy.types import TypeEngine

from omero_embedded.hql.functions import EPOCH, TIME_FIELDS
from omero_embedded.hql.resolved import Type
from omero_embedded.tables import Real

SQL: TypeAlias = ColumnElement[Any]

TYPES: dict[str, TypeEngine[Any]] = {
    "string": Text(),
    "int": Integer(),
    "long": BigInteger(),
    "entity": BigInteger(),
    "time": BigInteger(),
    "float": Real(),
    "double": Real(),
    "bool": Boolean(),
}
LONGEST_CAST = 255
"""How many characters of a text a cast keeps: Hibernate casts to varchar(255)."""

_STRFTIME = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S"}
_DAY = 86_400_000
_EPOCH_IN_JULIAN_DAYS = 2440587.5


def constant(value: float | str | bool | None, kind: Type) -> SQL:
    """Return a constant; numbers stand in the text, so that equal expressions are equal texts (for `group by`)."""
    if value is None:
        return literal_column("NULL")
    if isinstance(value, (str, bool)):
        return literal(value, TYPES.get(kind.kind))
    return literal_column(repr(value), TYPES[kind.kind])


def written(name: str, operands: list[SQL], *, sqlite: bool) -> SQL:
    """Return the SQL of an operator, a function or an aggregate.

    Raises
    ------
    KeyError
        There is none of the name.
    """
    if name in TIME_FIELDS:
        return _time_field(name, operands[0], sqlite=sqlite)
    own = (_SQLITE if sqlite else _POSTGRESQL).get(name)
    return own(*operands) if own is not None else _WRITTEN[name](*operands)


def as_text(value: SQL, kind: Type, *, sqlite: bool) -> SQL:
    """Return a value of a type as the text that PostgreSQL makes of it."""
    if kind.kind == "time":
        if sqlite:
            return func.time_text(value)
        seconds = value.op("/")(literal_column("1000.0")).self_group()
        return cast(cast(func.to_timestamp(seconds), DateTime()), Text)
    if sqlite and kind.kind in ("float", "double"):
        return func.real_text(value)
    if sqlite and kind.kind == "bool":
        return case((value.is_(None), None), (value, "true"), else_="false")
    return cast(value, Text)


def as_type(value: SQL, kind: Type, of: Type, *, sqlite: bool) -> SQL:
    """Return a value of the type `of` cast to another: a text that says no number is refused."""
    wanted = TYPES[kind.kind]
    if kind.kind == "string":
        return func.substr(as_text(value, of, sqlite=sqlite), 1, LONGEST_CAST)
    if sqlite and kind.kind in ("int", "long"):
        if of.kind == "string":
            return func.integer_of(value, 32 if kind.kind == "int" else 64)
        return cast(func.round(value), wanted)
    if sqlite and kind.kind in ("float", "double") and of.kind == "string":
        return func.real_of(value)
    return cast(value, wanted)


def _operator(symbol: str) -> Callable[[SQL, SQL], SQL]:
    return lambda left, right: left.op(symbol)(right).self_group()


def _divided(symbol: str) -> Callable[[SQL, SQL], SQL]:
    """Return a division for SQLite that fails where the divisor is zero."""
    return lambda left, right: left.op(symbol)(func.divisor(right)).self_group()


def _compared(symbol: str) -> Callable[[SQL, SQL], SQL]:
    return lambda left, right: left.op(symbol, is_comparison=True)(right)


def _case(*parts: SQL) -> SQL:
    whens = list(zip(parts[::2], parts[1::2], strict=False))
    return case(*whens, else_=parts[-1]) if len(parts) % 2 else case(*whens)


def _concatenated(*terms: SQL) -> SQL:
    joined = terms[0]
    for term in terms[1:]:
        joined = joined.op("||")(term)
    return joined.self_group()


def _locate(position: Callable[[SQL, SQL], SQL]) -> Callable[..., SQL]:
    def located(needle: SQL, text: SQL, start: SQL | None = None) -> SQL:
        if start is None:
            return position(text, needle)
        found = position(func.substr(text, start), needle)
        return case((found == 0, 0), else_=found + start - 1)

    return located


def _time_field(name: str, moment: SQL, *, sqlite: bool) -> SQL:
    if sqlite:
        seconds = moment.op("/")(literal_column("1000")).self_group()
        return cast(func.strftime(_STRFTIME[name], seconds, "unixepoch", "localtime"), Integer)
    seconds = moment.op("/")(literal_column("1000.0")).self_group()
    return cast(func.floor(func.date_part(name, func.to_timestamp(seconds))), Integer)


def _now_sqlite() -> SQL:
    return cast((func.julianday("now") - _EPOCH_IN_JULIAN_DAYS) * _DAY, BigInteger)


def _now_postgresql() -> SQL:
    return cast(func.date_part("epoch", func.now()) * 1000, BigInteger)


def _extreme(of_all: Callable[..., SQL]) -> Callable[..., SQL]:
    """Return what gives the largest or smallest of its arguments in SQLite, where with one it would be an aggregate."""
    return lambda *values: of_all(*values) if len(values) > 1 else values[0]


def _day_sqlite() -> SQL:
    """Return the beginning of the day in the server's time zone."""
    seconds = func.strftime("%s", "now", "localtime", "start of day", "utc")
    return (cast(seconds, BigInteger) * 1000).self_group()


def _day_postgresql() -> SQL:
    return cast(func.date_part("epoch", func.date_trunc("day", func.now())) * 1000, BigInteger)


_WRITTEN: dict[str, Callable[..., SQL]] = {
    "and": and_,
    "or": lambda *terms: or_(*terms).self_group(),
    "not": not_,
    "is null": lambda value: value.is_(None),
    "like": lambda value, pattern: value.like(pattern, escape="\\"),
    "bits": lambda value: value,
    "negative": lambda value: -value,
    EPOCH: lambda moment: moment.op("/")(literal_column("1000")).self_group(),
    "concat": _concatenated,
    "case": _case,
    "count": func.count,
    "count distinct": lambda value: func.count(value.distinct()),
    "count rows": func.count,
    "sum": func.sum,
    "avg": func.avg,
    "min": func.min,
    "max": func.max,
    "lower": func.lower,
    "upper": func.upper,
    "substring": func.substr,
    "substr": func.substr,
    "replace": func.replace,
    "trim both": func.trim,
    "trim leading": func.ltrim,
    "trim trailing": func.rtrim,
    "ltrim": func.ltrim,
    "rtrim": func.rtrim,
    "length": func.length,
    "char_length": func.length,
    "stddev": func.stddev,
    "variance": func.variance,
    "coalesce": lambda *values: func.coalesce(*values) if len(values) > 1 else values[0],
    "nullif": func.nullif,
    "abs": func.abs,
    "sign": func.sign,
    "mod": _operator("%"),
    "round": func.round,
    **{
        name: getattr(func, name)
        for name in (
            *("acos", "asin", "atan", "cos", "cot", "sin", "tan", "radians", "degrees"),
            *("exp", "ln", "log", "sqrt", "cbrt", "floor", "ceil", "trunc", "power"),
            *("initcap", "md5", "reverse"),
        )
    },
    **{symbol: _operator(symbol) for symbol in "+-*/%"},
    **{symbol: _compared(symbol) for symbol in ("=", "!=", "<", "<=", ">", ">=")},
}
_SQLITE: dict[str, Callable[..., SQL]] = {
    "bit_length": lambda value: func.length(cast(value, LargeBinary)) * 8,
    "octet_length": lambda value: func.length(cast(value, LargeBinary)),
    "ascii": lambda value: case((value == "", 0), else_=func.unicode(value)),
    "chr": func.char,
    "left": func.left_of,
    "right": func.right_of,
    "locate": _locate(func.instr),
    "strpos": func.instr,
    "greatest": _extreme(func.max),
    "least": _extreme(func.min),
    "/": _divided("/"),
    "%": _divided("%"),
    "mod": _divided("%"),
    "current_timestamp": _now_sqlite,
    "current_time": _now_sqlite,
    "now": _now_sqlite,
    "current_date": _day_sqlite,
}
_POSTGRESQL: dict[str, Callable[..., SQL]] = {
    "bit_length": func.bit_length,
    "octet_length": func.octet_length,
    "ascii": func.ascii,
    "chr": func.chr,
    "left": func.left,
    "right": func.right,
    "locate": _locate(func.strpos),
    "strpos": func.strpos,
    "greatest": func.greatest,
    "least": func.least,
    "trim both": func.btrim,
    "current_timestamp": _now_postgresql,
    "current_time": _now_postgresql,
    "now": _now_postgresql,
    "current_date": _day_postgresql,
}
