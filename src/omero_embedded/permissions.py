"""Who may do what with an object: as flags on it, as a condition in SQL, as an exception.

All follows from the kind of the object's group, who owns the object, and who asks: a member, the group's leader, an
administrator. The four kinds: private rw----, read-only rwr---, read-annotate rwra--, read-write rwrw--.
"""

from dataclasses import dataclass

import omero
import omero.model
from omero.constants import permissions as flag
from sqlalchemy import ColumnElement, FromClause, and_, false, or_, select

from omero_embedded import errors, tables
from omero_embedded.call import Call
from omero_embedded.people import (
    GROUP_ANNOTATE,
    GROUP_READ,
    GROUP_WRITE,
    PRIVATE,
    SYSTEM,
    USER,
    WORLD,
    WORLD_READ,
)
from omero_embedded.schema import CLASSES

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
NOTHING = Rights()


def rights(call: Call, owner: int, group_id: int) -> Rights:
    """Return what who asks may do with an object of the owner in the group."""
    group = call.people.groups[group_id]
    found = OWNER if owner == call.user_id else NOTHING
    if group_id in call.user.groups:
        if group.grants(GROUP_READ | GROUP_WRITE):
            found |= Rights(annotate=True, delete=True, edit=True, link=True)
        elif group.grants(GROUP_READ | GROUP_ANNOTATE):
            found |= Rights(annotate=True)
    private = not group.grants(GROUP_READ)
    if call.leads(group_id):
        found |= Rights(annotate=not private, delete=True, edit=True, link=not private, chown=True)
    if call.user.is_admin:
        found |= Rights(
            annotate=not private, delete=True, edit=True, link=not private, chgrp=True, chown=True
        )
    return found


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
        may = call.user.is_admin
        found = Rights(annotate=not of_the_call, delete=may, edit=may, link=True)
        bits = _bits_of_global(call, cls) if own_bits is None else own_bits
    else:
        found = rights(call, owner, group_id)
        bits = call.people.groups[group_id].permissions
        if CLASSES[cls].root.name not in MOVABLE:
            found = Rights(found.annotate, found.delete, found.edit, found.link, chown=found.chown)
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
    """Return the condition that a row of the class's table (or an alias of it) may be seen; None: all may."""
    if CLASSES[cls].is_global:
        return None
    mine = rows.c.details_owner == call.user_id
    if call.group_id >= 0:
        here = rows.c.details_group == call.group_id
        return here if _sees_all_of(call, call.group_id) else and_(here, mine)
    if call.is_admin:
        return None
    seen = [g for g in call.people.groups if _sees_all_of(call, g)]
    return or_(mine, rows.c.details_group.in_(seen) if seen else false())


def _sees_all_of(call: Call, group_id: int) -> bool:
    """Whether who asks sees what others own in the group."""
    group = call.people.groups[group_id]
    member = group_id in call.user.groups and group.grants(GROUP_READ)
    return call.is_admin or call.leads(group_id) or member or group.grants(WORLD_READ)


def can_read(call: Call, owner: int, group_id: int) -> bool:
    """Whether who asks may see an object of the owner in the group, in the context of the call.

    What is in the group of everybody (scripts, photos) is seen from all groups.
    """
    if group_id == USER:
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
    columns = (
        [rows.c.id] if CLASSES[cls].is_global else [rows.c.details_owner, rows.c.details_group]
    )
    of_class = tables.of_class(cls, rows)
    query = select(*columns).where(rows.c.id == identifier)
    row = call.db.execute(query if of_class is None else query.where(of_class)).first()
    if row is None:
        return False
    if not CLASSES[cls].is_global and not can_read(call, row.details_owner, row.details_group):
        raise errors.security(f"Cannot read {CLASSES[cls].java}:Id_{identifier}")
    return True


def is_protected_group(group_id: int) -> bool:
    """Whether the group is the one of administrators, which nobody may change."""
    return group_id == SYSTEM
