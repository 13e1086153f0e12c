"""Users, groups and who belongs where, as one snapshot in memory: every call needs it, and it rarely changes.

`People` is frozen; `Directory` reads a new one after a transaction that touched experimenters, groups or memberships.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from omero_embedded import tables
from omero_embedded.database import Database

ROOT, SYSTEM, USER, GUEST = 0, 0, 1, 2
"""Ids that are the same on every server: the user root; the groups system, user and guest."""

PRIVATE, WORLD = -120, -52
"""Bits of rw---- and rwr-r-."""

# Bits of a group's permissions, as in omero.model.Permissions.
GROUP_READ, GROUP_WRITE, GROUP_ANNOTATE = 4 << 4, 2 << 4, 1 << 4
WORLD_READ, WORLD_WRITE, WORLD_ANNOTATE = 4, 2, 1

PRIVILEGES = (
    "Chgrp",
    "Chown",
    "DeleteFile",
    "DeleteManagedRepo",
    "DeleteOwned",
    "DeleteScriptRepo",
    "ModifyGroup",
    "ModifyGroupMembership",
    "ModifyUser",
    "ReadSession",
    "Sudo",
    "WriteFile",
    "WriteManagedRepo",
    "WriteOwned",
    "WriteScriptRepo",
)


@dataclass(frozen=True, slots=True)
class Group:
    """A group: its name and the bits of its permissions."""

    id: int
    name: str
    permissions: int

    def grants(self, bit: int) -> bool:
        """Whether the permissions hold the bit (GROUP_READ …)."""
        return self.permissions & bit == bit


@dataclass(frozen=True, slots=True)
class User:
    """A user: the groups in the order that makes the first one the default, those led, and admin privileges taken."""

    id: int
    name: str
    groups: tuple[int, ...]
    leads: tuple[int, ...]
    without: frozenset[str]

    @property
    def is_admin(self) -> bool:
        """Whether the user is a member of the group system."""
        return SYSTEM in self.groups

    @property
    def default_group(self) -> int | None:
        """The group a session begins in: the first one; none where that is `user`, in which no session begins."""
        return next((g for g in self.groups[:1] if g != USER), None)

    @property
    def privileges(self) -> tuple[str, ...]:
        """The administrator's privileges that the user has."""
        return tuple(p for p in PRIVILEGES if p not in self.without) if self.is_admin else ()


@dataclass(frozen=True, slots=True)
class People:
    """Everybody at one moment."""

    users: Mapping[int, User]
    groups: Mapping[int, Group]

    def user_named(self, name: str) -> User | None:
        """Return the user of the name."""
        return next((u for u in self.users.values() if u.name == name), None)

    def group_named(self, name: str) -> Group | None:
        """Return the group of the name."""
        return next((g for g in self.groups.values() if g.name == name), None)

    def members(self, group: int) -> list[User]:
        """Return the members of a group."""
        return [u for u in self.users.values() if group in u.groups]


class Directory:
    """Gives the current `People`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._people: People | None = None

    def now(self) -> People:
        """Return everybody as of the last committed change."""
        people = self._people
        if people is None:
            with self._lock:
                people = self._people
                if people is None:
                    transaction = self._database.begin(writes=False)
                    try:
                        people = self._people = read(transaction.connection)
                    finally:
                        transaction.rollback()
        return people

    def changed(self) -> None:
        """Note that experimenters, groups or memberships have changed."""
        with self._lock:
            self._people = None


def read(connection: Connection) -> People:
    """Read everybody from the database."""
    experimenter, group = tables.table("Experimenter"), tables.table("ExperimenterGroup")
    member, config = (
        tables.table("GroupExperimenterMap"),
        tables.map_table("Experimenter", "config"),
    )
    groups = {
        row.id: Group(row.id, row.name, row.details_permissions)
        for row in connection.execute(select(group.c.id, group.c.name, group.c.details_permissions))
    }
    belongs: dict[int, list[Any]] = {}
    for row in connection.execute(
        select(member).order_by(member.c.child, member.c.child_index, member.c.id)
    ):
        belongs.setdefault(row.child, []).append(row)
    without: dict[int, set[str]] = {}
    limits = select(config.c.parent, config.c.name).where(
        config.c.name.like("AdminPrivilege:%"), config.c.value == "false"
    )
    for row in connection.execute(limits):
        without.setdefault(row.parent, set()).add(row.name.partition(":")[2])
    users = {
        row.id: User(
            row.id,
            row.omeName,
            tuple(m.parent for m in belongs.get(row.id, ())),
            tuple(m.parent for m in belongs.get(row.id, ()) if m.owner),
            frozenset(without.get(row.id, ())),
        )
        for row in connection.execute(select(experimenter.c.id, experimenter.c.omeName))
    }
    return People(users, groups)
