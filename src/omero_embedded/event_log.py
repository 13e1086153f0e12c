"""The event log: a row of EventLog for each object that a call makes, changes or deletes.

As on the real server (ome.security.basic.EventLogListener): `action` is INSERT, UPDATE or DELETE, `entityType` the full
name of the class (ome.model.containers.Dataset), `event` the call's. Rows are collected while the call is under way and
written together before it commits: one statement, however many objects.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, insert, literal, select

from omero_embedded import tables
from omero_embedded.schema import CLASSES

if TYPE_CHECKING:
    from omero_embedded.call import Call

UNLOGGED = {"Event", "EventLog"}


class EventLog:
    """What one call has done so far."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, int], None] = {}

    def note(self, call: "Call", action: str, cls: str, ids: "Iterable[int] | Select[Any]") -> None:
        """Note what happens to objects of a class; a query's objects are written down at once."""
        if cls in UNLOGGED:
            return
        if isinstance(ids, Select):
            _write_all(call, action, cls, ids)
            return
        java = CLASSES[cls].java
        self._rows.update(dict.fromkeys((action, java, identifier) for identifier in ids))

    def write(self, call: "Call") -> None:
        """Write what was noted."""
        if not self._rows:
            return
        rows, self._rows = self._rows, {}
        event = call.event_id
        call.db.execute(
            insert(tables.table("EventLog")),
            [
                {"action": action, "entityType": java, "entityId": identifier, "event": event}
                for action, java, identifier in rows
            ],
        )


def _write_all(call: "Call", action: str, cls: str, ids: "Select[Any]") -> None:
    """Write down what happens to the objects of a query, each as the class it is of."""
    rows, log = tables.table(cls), tables.table("EventLog")
    for model in CLASSES[cls].concrete:
        query = select(
            rows.c.id, literal(model.java), literal(action), literal(call.event_id)
        ).where(rows.c.id.in_(ids))
        of_class = tables.of_class(model.name, rows)
        if of_class is not None:
            query = query.where(of_class)
        elif "class" in rows.c:
            query = query.where(rows.c["class"] == model.name)
        call.db.execute(
            insert(log).from_select(["entityId", "entityType", "action", "event"], query)
        )
