"""Making and changing users, groups and memberships: the rows behind omero.api.IAdmin.

Nothing here asks who may do it; `admin` does.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import omero
import omero.model
from sqlalchemy import delete, insert, select, update

from omero_embedded import errors, passwords, saving, tables
from omero_embedded.call import Call
from omero_embedded.people import GROUP_READ, PRIVILEGES, USER
from omero_embedded.saving.rows import maps_of, values_of, write_map
from omero_embedded.schema import CLASSES
from omero_embedded.services import owning

IObject: TypeAlias = omero.model.IObject


def group_id(call: Call, group: "omero.model.ExperimenterGroup | None") -> int:
    """Return the id of a group that a client sent, by id or by name."""
    if group is None:
        raise errors.api_usage("Group may not be null.")
    if group.id is None:
        named = None if group.name is None else call.people.group_named(group.name.val)
        if named is None:
            raise errors.api_usage("Group must have an id.")
        return named.id
    if group.id.val not in call.people.groups:
        raise errors.missing_row("ome.model.meta.ExperimenterGroup", group.id.val)
    return int(group.id.val)


def group_ids(call: Call, groups: Iterable[Any]) -> list[int]:
    """Return the ids of groups that a client sent; each must have one."""
    found = []
    for group in groups:
        if group is None or group.id is None:
            raise errors.api_usage("Group must be persistent.")
        found.append(group_id(call, group))
    return found


def user_id(call: Call, user: "omero.model.Experimenter | None") -> int:
    """Return the id of a user that a client sent."""
    if user is None or user.id is None:
        raise errors.api_usage("Experimenter must have an id.")
    if user.id.val not in call.people.users:
        raise errors.missing_row("ome.model.meta.Experimenter", user.id.val)
    return int(user.id.val)


def create_user(
    call: Call,
    user: "omero.model.Experimenter | None",
    groups: Iterable[int],
    password: str | None,
    withheld: Iterable[str] = (),
) -> int:
    """Make a user who is a member of the groups, the first one by default; return the id.

    Parameters
    ----------
    password
        None or blank: no password lets the user in until one is set.
    withheld
        Administrator's privileges that the user shall not have.
    """
    if user is None or not user.isLoaded() or user.omeName is None:
        raise errors.validation("OmeName may not be null.")
    values = values_of(user, "Experimenter")
    _refuse_missing("Experimenter", values)
    made = saving.insert(call, "Experimenter", **values)
    limits = [(f"AdminPrivilege:{p}", "false") for p in sorted(withheld)]
    write_map(call, "Experimenter", "config", made, limits, anew=False)
    add_to_groups(call, made, groups, first_is_default=True)
    passwords.store(call.db, made, password)
    call.people_changed()
    return made


def create_group(call: Call, group: "omero.model.ExperimenterGroup | None") -> int:
    """Make a group; return its id."""
    if group is None or not group.isLoaded() or group.name is None:
        raise errors.validation("Group name may not be null.")
    values = values_of(group, "ExperimenterGroup")
    _refuse_missing("ExperimenterGroup", values)
    asked = None if group.details is None else group.details.permissions
    bits = omero.model.PermissionsI("rw----").getPerm1() if asked is None else asked.getPerm1()
    made = saving.insert(call, "ExperimenterGroup", details_permissions=bits, **values)
    write_map(
        call,
        "ExperimenterGroup",
        "config",
        made,
        maps_of(group, "ExperimenterGroup")["config"],
        anew=False,
    )
    call.people_changed()
    return made


def _refuse_missing(cls: str, values: Mapping[str, Any]) -> None:
    """Refuse what lacks a value; the first in the order of the names is told, as by Hibernate."""
    for name, field in sorted(CLASSES[cls].fields.items()):
        if name in values and values[name] is None and not getattr(field, "nullable", True):
            raise errors.validation(
                f"not-null property references a null or transient value: {CLASSES[cls].java}.{name}"
            )


def change_user(
    call: Call, identifier: int, user: "omero.model.Experimenter", fields: Iterable[str]
) -> None:
    """Change the fields of a user to what a client sent."""
    if user is None or not user.isLoaded():
        raise errors.api_usage("The user must be loaded.")
    sent = values_of(user, "Experimenter")
    values = {name: sent[name] for name in fields}
    _refuse_missing("Experimenter", values)
    saving.change(call, "Experimenter", identifier, **values)
    call.people_changed()


def change_group(call: Call, identifier: int, group: "omero.model.ExperimenterGroup") -> None:
    """Change name and description of a group to what a client sent."""
    sent = values_of(group, "ExperimenterGroup")
    values = {name: sent[name] for name in ("name", "description")}
    _refuse_missing("ExperimenterGroup", values)
    saving.change(call, "ExperimenterGroup", identifier, **values)
    call.people_changed()


def change_permissions(call: Call, identifier: int, bits: int) -> None:
    """Change a group's permissions; refuse what would leave something between members that then see nothing of each other."""
    group, asked = call.people.groups[identifier], omero.model.PermissionsI(bits)
    if bits == group.permissions:
        return
    java = f"{CLASSES['ExperimenterGroup'].java}:Id_{identifier}"
    if not asked.isUserRead():
        raise errors.group_security(f"Cannot remove user read: {java}")
    if group.grants(GROUP_READ) and not asked.isGroupRead():
        locks = owning.between_owners(call, identifier)
        if locks:
            total = sum(locks.values())
            raise errors.security(
                f"Cannot change permissions on {java} to {asked} due to locks:\n{{*={total}, {_told(locks)}}}"
            )
    saving.change(call, "ExperimenterGroup", identifier, details_permissions=bits)
    call.people_changed()


def _told(locks: Mapping[str, int]) -> str:
    return ", ".join(f"{name}={count}" for name, count in sorted(locks.items()))


def add_to_groups(
    call: Call, user: int, groups: Iterable[int], *, first_is_default: bool = False
) -> None:
    """Make a user a member of the groups, behind those the user is in.

    The group of everybody does not stay the default one where there is another, unless `first_is_default`.
    """
    there = _memberships(call, user)
    known = {m.parent for m in there}
    rows = tables.table("GroupExperimenterMap")
    for place, group in enumerate(dict.fromkeys(g for g in groups if g not in known), len(there)):
        row = {"version": 0, "parent": group, "child": user, "owner": False, "child_index": place}
        made = call.db.execute(insert(rows).values(row).returning(rows.c.id)).scalar_one()
        call.log("INSERT", "GroupExperimenterMap", [made])
    if not first_is_default:
        _put_in_order(call, user)
    call.people_changed()


def remove_from_groups(call: Call, user: int, groups: Iterable[int]) -> None:
    """End a user's membership of the groups."""
    gone = set(groups)
    for membership in _memberships(call, user):
        if membership.parent in gone:
            saving.delete(call, "GroupExperimenterMap", membership.id)
    _put_in_order(call, user)
    call.people_changed()


def set_default_group(call: Call, user: int, group: int) -> None:
    """Put a group first among those of a user."""
    if group not in {m.parent for m in _memberships(call, user)}:
        raise errors.api_usage(f"Group {group} was not found for user {user}")
    _put_in_order(call, user, first=group)
    call.people_changed()


def set_leader(call: Call, user: int, group: int, *, leads: bool) -> None:
    """Have a member of a group lead it, or not."""
    for membership in _memberships(call, user):
        if membership.parent == group:
            rows = tables.table("GroupExperimenterMap")
            there = rows.c.id == membership.id
            call.db.execute(update(rows).where(there).values(owner=leads))
            call.log("UPDATE", "GroupExperimenterMap", [membership.id])
    call.people_changed()


def _memberships(call: Call, user: int) -> list[Any]:
    """Return the rows of a user's memberships in their order."""
    rows = tables.table("GroupExperimenterMap")
    query = select(rows).where(rows.c.child == user).order_by(rows.c.child_index, rows.c.id)
    return list(call.db.execute(query))


def _put_in_order(call: Call, user: int, first: int | None = None) -> None:
    """Count a user's memberships from 0: the given group first, else not that of everybody where there is another."""
    ordered = _memberships(call, user)
    if first is not None:
        ordered.sort(key=lambda m: m.parent != first)
    elif len(ordered) > 1 and ordered[0].parent == USER:
        ordered[0:2] = ordered[1], ordered[0]
    rows = tables.table("GroupExperimenterMap")
    for place, membership in enumerate(ordered):
        if membership.child_index != place:
            there = rows.c.id == membership.id
            call.db.execute(update(rows).where(there).values(child_index=place))


def delete_user(call: Call, user: int) -> None:
    """Remove a user who owns nothing."""
    for membership in _memberships(call, user):
        saving.delete(call, "GroupExperimenterMap", membership.id)
    saving.delete(call, "Experimenter", user)
    call.people_changed()


def delete_group(call: Call, group: int) -> None:
    """Remove a group that holds nothing."""
    table = tables.table("GroupExperimenterMap")
    call.db.execute(delete(table).where(table.c.parent == group))
    saving.delete(call, "ExperimenterGroup", group)
    call.people_changed()


def set_privileges(call: Call, user: int, privileges: Iterable[str]) -> None:
    """Leave an administrator with these privileges only."""
    given = set(privileges)
    table = tables.map_table("Experimenter", "config")
    query = (
        select(table.c.name, table.c.value).where(table.c.parent == user).order_by(table.c.position)
    )
    held = [
        (r.name, r.value)
        for r in call.db.execute(query)
        if not r.name.startswith("AdminPrivilege:")
    ]
    limits = [(f"AdminPrivilege:{p}", "false") for p in PRIVILEGES if p not in given]
    write_map(call, "Experimenter", "config", user, held + limits, anew=True)
    call.log("UPDATE", "Experimenter", [user])
    call.people_changed()
