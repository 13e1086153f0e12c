"""What a new database holds: enumerations, the groups system, user and guest, the users root and guest.

Values and ids are those of a real server (`initial_content.json`), which clients rely on: enumerations by their values,
root, `system` and `user` by their ids.
"""

import json
import time
import uuid
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, TextClause, func, insert, select, text, update

from omero_embedded import passwords, tables
from omero_embedded.people import GUEST, PRIVATE, ROOT, SYSTEM, USER, WORLD

_CONTENT: dict[str, Any] = json.loads(
    (Path(__file__).parent / "initial_content.json").read_text(encoding="utf-8")
)

CONFIGURATION: dict[str, str] = _CONTENT["configuration"]
"""Configuration values by key, unless the database holds others."""

ENUMERATIONS: dict[str, dict[str, int]] = _CONTENT["enumerations"]
"""The values of each enumeration and their ids."""

BITS = {
    "bit": 1, "int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "int32": 32, "uint32": 32, "float": 32, "double": 64,
    "complex": 64, "double-complex": 128,
}  # fmt: skip
SERVER_NODE = 1
GUEST_USER = 1
REPOSITORIES = ("scripts", "ManagedRepository", "OMERO")
"""Names of the OriginalFiles that stand for the server's repositories (mimetype Repository)."""


def fill(connection: Connection, root_password: str) -> None:
    """Put the first content into empty tables."""
    now = int(time.time() * 1000)

    def put(cls: str, **values: object) -> None:
        table = tables.table(cls)
        version = {"version": 0} if "version" in table.c else {}
        connection.execute(insert(table).values({**version, **values}))

    for cls, values in ENUMERATIONS.items():
        rows = [{"id": i, "value": value} for value, i in values.items()]
        if cls == "PixelsType":
            rows = [{**row, "bitSize": BITS[str(row["value"])]} for row in rows]
        connection.execute(_insert(cls, *rows[0]), rows)
    put("Node", id=0, uuid="0" * 36, conn="unknown", up=now)  # a real server has one before its own
    put("Node", id=SERVER_NODE, uuid=str(uuid.uuid4()), conn="embedded", up=now)
    for i, name, bits in (
        (SYSTEM, "system", PRIVATE),
        (USER, "user", WORLD),
        (GUEST, "guest", PRIVATE),
    ):
        put("ExperimenterGroup", id=i, name=name, ldap=False, details_permissions=bits)
    put("Experimenter", id=ROOT, omeName="root", firstName="root", lastName="root", ldap=False)
    put(
        "Experimenter",
        id=GUEST_USER,
        omeName="guest",
        firstName="Guest",
        lastName="Account",
        ldap=False,
    )
    for i, group, user, leads, place in (
        (0, SYSTEM, ROOT, True, 0),
        (1, USER, ROOT, False, 1),
        (2, GUEST, GUEST_USER, False, 0),
    ):
        put("GroupExperimenterMap", id=i, parent=group, child=user, owner=leads, child_index=place)
    put(
        "Session", **{"class": "Session"}, id=0, node=SERVER_NODE, uuid=str(uuid.uuid4()), owner=ROOT, timeToIdle=0,
        timeToLive=0, started=now, closed=now, message="first content", defaultEventType="Bootstrap",
    )  # fmt: skip
    bootstrap = ENUMERATIONS["EventType"]["Bootstrap"]
    put(
        "Event",
        id=0,
        time=now,
        experimenter=ROOT,
        experimenterGroup=SYSTEM,
        type=bootstrap,
        session=0,
    )
    for name in REPOSITORIES:
        # Clients know a repository by the hash of its file; that of the scripts has a name of its own.
        key = "ScriptRepo" if name == "scripts" else str(uuid.uuid4())
        put(
            "OriginalFile", name=name, path="/", mimetype="Repository", repo=key, hash=key, details_owner=ROOT,
            details_group=USER, details_creationEvent=0, details_updateEvent=0,
        )  # fmt: skip
    passwords.store(connection, ROOT, root_password)
    # OMERO.web asks as guest whether there is a server and of which version, before anybody logs in.
    passwords.take_any(connection, GUEST_USER)
    connection.execute(
        insert(tables.configuration).values(key="omero.db.uuid", value=str(uuid.uuid4()))
    )
    if connection.dialect.name == "postgresql":
        _advance_sequences(connection)


def _insert(cls: str, *columns: str) -> TextClause:
    """Return what puts rows into a table, without that table: most enumerations are not used for long, if ever."""
    names = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(f":{column}" for column in columns)
    return text(f"INSERT INTO {cls.lower()} ({names}) VALUES ({values})")  # noqa: S608  # our own names


def place_repositories(connection: Connection, folder: Path) -> None:
    """Write down where the repositories are: the server's folder may have been moved since."""
    files = tables.table("OriginalFile")
    here = f"{folder.resolve().as_posix()}/"
    connection.execute(
        update(files)
        .where(files.c.mimetype == "Repository", files.c.repo.is_not(None), files.c.path != here)
        .values(path=here)
    )


def _advance_sequences(connection: Connection) -> None:
    """Have PostgreSQL count on after the ids that were given here."""
    for cls in tables.roots():
        table = tables.table(cls.name)
        last = connection.execute(select(func.max(table.c.id))).scalar()
        if last:
            sequence = func.pg_get_serial_sequence(table.name, "id")
            connection.execute(select(func.setval(sequence, last)))
