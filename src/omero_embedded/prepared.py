"""A statement that is compiled once and asked often: its text and its parameters, straight to the driver.

SQLAlchemy looks a statement up and dresses its result each time, which takes ten times as long as the query itself
where it gives a row or two. Here that is done once; values and rows are those of the driver, but for columns
that are stored otherwise than they are meant (JSON).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import JSON, Connection, Dialect, Select
from sqlalchemy.exc import DBAPIError

Row: TypeAlias = Sequence[Any]
_Processor: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement as one kind of database takes it.

    Attributes
    ----------
    order
        The names of the parameters where the driver takes them by place; None where it takes them by name.
    fixed
        The values of those that stand in the statement.
    to_driver, from_driver
        What makes a value one of the driver, by the parameter's name, and the other way round, by place in the row.
    """

    text: str
    order: tuple[str, ...] | None
    fixed: Mapping[str, object]
    to_driver: tuple[tuple[str, _Processor], ...]
    from_driver: tuple[tuple[int, _Processor], ...]


class Prepared:
    """A query with parameters; compiled when a kind of database is asked first.

    Parameters
    ----------
    sql
        The query; each of its parameters that is to be given has a name of its own.
    """

    def __init__(self, sql: Select[Any]) -> None:
        self._sql = sql
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, connection: Connection, values: Mapping[str, object]) -> Sequence[Row]:
        """Return all rows.

        Parameters
        ----------
        values
            Those of the parameters, by name.

        Raises
        ------
        sqlalchemy.exc.DBAPIError
            The database refuses.
        """
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _compiled(self._sql, dialect)
        given = {**compiled.fixed, **values}
        for name, process in compiled.to_driver:
            given[name] = process(given[name])
        parameters = (
            given if compiled.order is None else tuple([given[name] for name in compiled.order])
        )
        cursor = connection.connection.cursor()
        driver = dialect.loaded_dbapi.Error
        try:
            cursor.execute(compiled.text, parameters)
            rows: Sequence[Row] = cursor.fetchall()
        except driver as error:
            refused = DBAPIError.instance(compiled.text, parameters, error, driver)
            raise refused from error
        finally:
            cursor.close()
        if compiled.from_driver:
            return [_as_meant(row, compiled.from_driver) for row in rows]
        return rows


def _compiled(sql: Select[Any], dialect: Dialect) -> _Compiled:
    made = sql.compile(dialect=dialect)
    assert not made.post_compile_params, "a list must be one parameter (see `lists`)"
    fixed: dict[str, object] = {}
    to_driver: list[tuple[str, _Processor]] = []
    for bind, name in made.bind_names.items():
        process = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if not bind.required:
            fixed[name] = bind.value if process is None else process(bind.value)
        elif process is not None:
            to_driver.append((name, process))
    from_driver = [
        (place, column.type.dialect_impl(dialect).result_processor(dialect, None))
        for place, column in enumerate(sql.selected_columns)
        if isinstance(column.type, JSON)
    ]
    return _Compiled(
        made.string,
        None if made.positiontup is None else tuple(made.positiontup),
        fixed,
        tuple(to_driver),
        tuple((place, process) for place, process in from_driver if process is not None),
    )


def _as_meant(row: Row, processors: Sequence[tuple[int, _Processor]]) -> Row:
    meant = list(row)
    for place, process in processors:
        meant[place] = process(meant[place])
    return meant
