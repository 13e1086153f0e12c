"""Single rows: the values of an object as columns, and rows that the server makes, changes or removes itself."""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeAlias

import omero
import omero.model
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update
from sqlalchemy.exc import IntegrityError

from omero_embedded import errors, tables
from omero_embedded.call import Call
from omero_embedded.schema import CLASSES, UNITS, Quantity, Value

IObject: TypeAlias = omero.model.IObject


@cache
def _plan(cls: str) -> tuple[tuple[str, str, Value | Quantity], ...]:
    """Return member, column and field of each value and quantity that the object's own table holds."""
    return tuple(
        (f"_{f.name}", tables.column_name(cls, f.name), f)
        for f in CLASSES[cls].fields.values()
        if isinstance(f, Quantity) or (isinstance(f, Value) and f.type != "map")
    )


def values_of(o: IObject, cls: str) -> dict[str, Any]:
    """Return the object's plain values and quantities by column."""
    found: dict[str, Any] = {}
    for member, column, field in _plan(cls):
        value = getattr(o, member)
        if isinstance(field, Quantity):
            found[column] = None if value is None else value.getValue()
            found[f"{column}_unit"] = (
                None if value is None else UNITS[field.unit].symbols[str(value.getUnit())]
            )
        elif field.type == "bytes":
            found[column] = None if value is None else bytes(value)
        elif field.type == "strings":
            found[column] = None if value is None else list(value)
        else:
            found[column] = None if value is None else value.val
    return found


def maps_of(o: IObject, cls: str) -> dict[str, list[tuple[str, str]]]:
    """Return the object's maps by field: names and values in order, the empty string for None."""
    return {
        f.name: [
            (p.name or "", p.value or "") for p in getattr(o, f"_{f.name}") or [] if p is not None
        ]
        for f in CLASSES[cls].fields.values()
        if isinstance(f, Value) and f.type == "map"
    }


def write_map(
    call: Call, cls: str, field: str, identifier: int, pairs: list[tuple[str, str]], *, anew: bool
) -> None:
    """Write one map of an object; `anew` replaces what is there."""
    table = tables.map_table(cls, field)
    if anew:
        call.db.execute(sql_delete(table).where(table.c.parent == identifier))
    if pairs:
        call.db.execute(
            sql_insert(table),
            [
                {"parent": identifier, "position": i, "name": n, "value": v}
                for i, (n, v) in enumerate(pairs)
            ],
        )


def details_columns(
    call: Call, owner: int | None = None, group: int | None = None
) -> dict[str, int]:
    """Return the columns of `details` for a row made in this call."""
    return {
        "details_owner": call.user_id if owner is None else owner,
        "details_group": call.group.id if group is None else group,
        "details_creationEvent": call.event_id,
        "details_updateEvent": call.event_id,
    }


def insert(
    call: Call, cls: str, *, owner: int | None = None, group: int | None = None, **values: Any
) -> int:
    """Make a row of the server's own and return its id.

    Parameters
    ----------
    cls
        The class of the object.
    owner, group
        Whose it is and where; who acts and the call's group unless given.
    values
        By field name: plain values, ids of references; quantities as (number, symbol).
    """
    table = tables.table(cls)
    row: dict[str, Any] = _columns(cls, values)
    if "class" in table.c:
        row["class"] = cls
    if "version" in table.c:
        row["version"] = 0
    if not CLASSES[cls].is_global:
        row.update(details_columns(call, owner, group))
    try:
        made = int(
            call.db.execute(sql_insert(table).values(row).returning(table.c.id)).scalar_one()
        )
    except IntegrityError as error:
        raise refused(error) from None
    call.log("INSERT", cls, [made])
    return made


def change(call: Call, cls: str, identifier: int, **values: Any) -> None:
    """Change a row, as one of the call's event."""
    table = tables.table(cls)
    row = _columns(cls, values)
    if not CLASSES[cls].is_global:
        row["details_updateEvent"] = call.event_id
    try:
        call.db.execute(sql_update(table).where(table.c.id == identifier).values(row))
    except IntegrityError as error:
        raise refused(error) from None
    call.log("UPDATE", cls, [identifier])


def delete(call: Call, cls: str, identifier: int) -> None:
    """Remove a row; nothing may refer to it."""
    table = tables.table(cls)
    try:
        call.db.execute(sql_delete(table).where(table.c.id == identifier))
    except IntegrityError as error:
        raise refused(error) from None
    call.log("DELETE", cls, [identifier])


def _columns(cls: str, values: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, value in values.items():
        if name in tables.table(cls).c and name not in CLASSES[cls].fields:
            row[name] = value  # an index column, or details
            continue
        column = tables.column_name(cls, name)
        if isinstance(CLASSES[cls].fields[name], Quantity):
            row[column], row[f"{column}_unit"] = value if value is not None else (None, None)
        else:
            row[column] = value
    return row


def refused(error: IntegrityError) -> Exception:
    """Say what the database refused."""
    statement = " ".join(str(error.statement).split())
    words = statement.split()
    table = (
        words[2].strip('"')
        if words[:1] == ["INSERT"]
        else words[1].strip('"')
        if len(words) > 1
        else ""
    )
    java = next((c.java for c in CLASSES.values() if c.name.lower() == table), table)
    verb = {"INSERT": "insert", "DELETE": "delete"}.get(words[0] if words else "", "update")
    return errors.validation(
        f"could not {verb}: [{java}]; SQL [{statement}]; constraint: {error.orig}"
    )
