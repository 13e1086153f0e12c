"""Who may do what with an object: as flags on it, as a condition in SQL, as an exception.

All follows from the kind of the object's group, who owns the object, and who asks: a member, the group's leader, an
administrator with the privileges left to them. The four kinds: private rw----, read-only rwr---, read-annotate rwra--,
read-write rwrw--; each may give everybody on the server something too (rwr-r- …). The rules are those of
ome.security.basic.BasicACLVoter and of the two security filters beside it.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import omero
import omero.model
from omero.constants import permissions as flag
from sqlalchemy import ColumnElement, FromClause, and_, false, func, or_, select

from omero_embedded import errors, tables
from omero_embedded.call import Call
from omero_embedded.lists import one_of
from omero_embedded.people import (
    GROUP_ANNOTATE,
    GROUP_READ,
    GROUP_WRITE,
    PRIVATE,
    SYSTEM,
    USER,
    WORLD,
    WORLD_ANNOTATE,
    WORLD_READ,
    WORLD_WRITE,
    Group,
    User,
)
from omero_embedded.schema import CLASSES

if TYPE_CHECKING:
    from omero_embedded.wire.sessions import Session

MOVABLE = {
    "Annotation",
    "Dataset",
    "Experiment",
    "Fileset",
    "Folder",
    "Image",
    "Instrument",
    "OriginalFile",
    "Plate",
    "Project",
    "Roi",
    "Screen",
}
"""Roots whose objects their owner may move to another group; the parts of such objects go with them."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do with an object."""

    annotate: bool = False
    delete: bool = False
    edit: bool = False
    link: bool = False
    chgrp: bool = False
    chown: bool = False

    def __or__(self, other: "Rights") -> "Rights":
        """Return what either allows."""
        return Rights(
            self.annotate or other.annotate,
            self.delete or other.delete,
            self.edit or other.edit,
            self.link or other.link,
            self.chgrp or other.chgrp,
            self.chown or other.chown,
        )


OWNER = Rights(annotate=True, delete=True, edit=True, link=True, chgrp=True)


EVERYTHING = Rights(annotate=True, delete=True, edit=True, link=True)
NOTHING = Rights()
COMMON = (SYSTEM, USER)
"""Groups whose objects everybody may read by their id, and link to."""


def rights(call: Call, owner: int, group_id: int, cls: str = "") -> Rights:
    """Return what who asks may do with an object of the owner in the group; for an OriginalFile give the class."""
    kind = "File" if cls == "OriginalFile" else "Owned"
    return _rights(call.user, call.people.groups[group_id], kind, owns=owner == call.user_id)


@lru_cache(maxsize=1000)
def _rights(user: User, group: Group, kind: str, *, owns: bool) -> Rights:
    """Return what a user may do with their own or somebody else's object in a group; asked for every object anew."""
    privileges, leads = user.privileges, group.id in user.leads
    found = OWNER if owns else NOTHING
    if group.id in COMMON:
        found |= Rights(annotate=True, link=True)
    found |= _granted(group, GROUP_WRITE, GROUP_ANNOTATE) if group.id in user.groups else NOTHING
    found |= _granted(group, WORLD_WRITE, WORLD_ANNOTATE)
    if leads:
        found |= replace(EVERYTHING, chown=True)
    if f"Write{kind}" in privileges:
        found |= replace(EVERYTHING, delete=False)
    found |= Rights(
        delete=f"Delete{kind}" in privileges,
        chgrp="Chgrp" in privileges,
        chown="Chown" in privileges,
    )
    # In a private group nobody but its owner would see what was put on an object.
    critical = user.is_admin or leads
    if critical and group.id != USER and not owns and not _is_open(group):
        found = replace(found, annotate=False, link=False)
    return found


def _granted(group: Group, write: int, annotate: int) -> Rights:
    """Return what the permissions give to all of a role."""
    if group.grants(write):
        return EVERYTHING
    return Rights(annotate=True) if group.grants(annotate) else NOTHING


def _is_open(group: Group) -> bool:
    """Whether others than owner, leaders and administrators see what is in the group."""
    return group.grants(GROUP_READ) or group.grants(WORLD_READ)


def flags(
    call: Call,
    cls: str,
    owner: int | None,
    group_id: int | None,
    own_bits: int | None = None,
    *,
    of_the_call: bool = False,
) -> "omero.model.Permissions":
    """Return the permissions of an object, with the flags for who asks.

    Global objects (no owner, no group) bear the permissions of the call's group, and those they were made with where it
    is in all groups; an ExperimenterGroup its own (`own_bits`). `of_the_call`: it is the call's own group or user (see
    `is_of_the_call`).
    """
    if owner is None or group_id is None:
        may = may_change_global(call, cls)
        found = Rights(annotate=not of_the_call, delete=may, edit=may, link=True)
        bits = _bits_of_global(call, cls) if own_bits is None else own_bits
    else:
        found = rights(call, owner, group_id, cls)
        bits = call.people.groups[group_id].permissions
        if CLASSES[cls].root.name not in MOVABLE:
            found = replace(found, chgrp=False)
    made = omero.model.PermissionsI(bits)
    refused = [False] * 6
    for place, allowed in (
        (flag.LINKRESTRICTION, found.link),
        (flag.EDITRESTRICTION, found.edit),
        (flag.DELETERESTRICTION, found.delete),
        (flag.ANNOTATERESTRICTION, found.annotate),
        (flag.CHGRPRESTRICTION, found.chgrp),
        (flag.CHOWNRESTRICTION, found.chown),
    ):
        refused[place] = not allowed
    made._restrictions = refused  # the Slice member
    made._extendedRestrictions = []
    return made


def may_change_global(call: Call, cls: str) -> bool:
    """Whether who asks may make, change and delete objects of a class that belongs to no group."""
    return call.user.is_admin and GLOBAL_PRIVILEGES.get(cls) in (None, *call.user.privileges)


GLOBAL_PRIVILEGES = {
    "Experimenter": "ModifyUser",
    "ExperimenterGroup": "ModifyGroup",
    "GroupExperimenterMap": "ModifyGroupMembership",
}
"""Privileges that administrators need for some of them."""


def is_of_the_call(call: Call, cls: str, identifier: int) -> bool:
    """Whether it is the group that the call is in, or who makes a call that writes.

    The real server has loaded these before it knows who asks, and says that they cannot be annotated.
    """
    if cls == "ExperimenterGroup":
        return identifier == call.group_id
    return (
        cls == "Experimenter" and call.writes and call.group_id >= 0 and identifier == call.user_id
    )


def _bits_of_global(call: Call, cls: str) -> int:
    if call.group_id >= 0:
        return call.group.permissions
    return WORLD if CLASSES[cls].enumeration else PRIVATE


def readable(call: Call, cls: str, rows: FromClause) -> ColumnElement[bool] | None:
    """Return the condition that a row of the class's table (or an alias of it) may be seen; None: all may.

    What is in the group of everybody (scripts, photos) is seen from all groups.
    """
    if cls in ("Session", "Share"):
        by = func.coalesce(rows.c.sudoer, rows.c.owner)
        return None if "ReadSession" in call.user.privileges else by == begun_by(call.session)
    if CLASSES[cls].is_global or (call.group_id < 0 and call.is_admin):
        return None
    mine = rows.c.details_owner == call.user_id
    if call.group_id < 0:
        seen = [g for g in call.people.groups if _sees_all_of(call, g)]
        return or_(mine, one_of(rows.c.details_group, seen) if seen else false())
    if _sees_all_of(call, call.group_id):
        return one_of(rows.c.details_group, sorted({call.group_id, USER}))
    here = and_(rows.c.details_group == call.group_id, mine)
    return or_(here, rows.c.details_group == USER)


def begun_by(session: "Session") -> int:
    """Return who really acts in a session: its user, or who began it for them."""
    return session.user_id if session.sudoer is None else session.sudoer


def may_see(call: Call, session: "Session") -> bool:
    """Whether who asks may see a session: one's own, but for administrators who may read them all."""
    return "ReadSession" in call.user.privileges or begun_by(session) == begun_by(call.session)


def _sees_all_of(call: Call, group_id: int) -> bool:
    """Whether who asks sees what others own in the group."""
    group = call.people.groups[group_id]
    member = group_id in call.user.groups and group.grants(GROUP_READ)
    return call.is_admin or call.leads(group_id) or member or group.grants(WORLD_READ)


def can_read(call: Call, owner: int, group_id: int) -> bool:
    """Whether who asks may see an object of the owner in the group, in the context of the call.

    By its id everybody may see what is in the groups of everybody and of the administrators.
    """
    if group_id in COMMON:
        return True
    if call.group_id not in (-1, group_id):
        return False
    return owner == call.user_id or _sees_all_of(call, group_id)


def check_readable(call: Call, cls: str, identifier: int) -> bool:
    """Return whether there is such an object.

    Raises
    ------
    omero.SecurityViolation
        There is one, and it may not be seen.
    """
    rows = tables.table(cls)
    query = select(rows).where(rows.c.id == identifier)
    of_class = tables.of_class(cls, rows)
    row = call.db.execute(query if of_class is None else query.where(of_class)).first()
    if row is None:
        return False
    if not row_is_readable(call, cls, row):
        raise errors.security(f"Cannot read {CLASSES[cls].java}:Id_{identifier}")
    return True


def row_is_readable(call: Call, cls: str, row: Any) -> bool:
    """Whether who asks may see the object of a row, which holds all columns of the class's table."""
    if CLASSES[cls].root.name == "Session":
        owner = row.owner if row.sudoer is None else row.sudoer
        return "ReadSession" in call.user.privileges or owner == begun_by(call.session)
    return CLASSES[cls].is_global or can_read(call, row.details_owner, row.details_group)
