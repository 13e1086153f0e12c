"""Making and changing users, groups and memberships: the rows behind omero.api.IAdmin.

Nothing here asks who may do it; `admin` does.
"""

from collections.abc import Iterable
from typing import TypeAlias

import omero
import omero.model
from sqlalchemy import delete, func, insert, select, update

from omero_embedded import errors, passwords, saving, tables
from omero_embedded.call import Call
from omero_embedded.people import PRIVILEGES
from omero_embedded.saving.rows import maps_of, values_of, write_map

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
    """Make a user who is a member of the groups, the first one by default; return the id."""
    if user is None or not user.isLoaded() or user.omeName is None:
        raise errors.validation(
            "not-null property references a null or transient value: ome.model.meta.Experimenter.omeName"
        )
    values = values_of(user, "Experimenter")
    values["ldap"] = bool(values["ldap"])
    for name in ("firstName", "lastName"):
        if values[name] is None:
            raise errors.validation(
                f"not-null property references a null or transient value: ome.model.meta.Experimenter.{name}"
            )
    made = saving.insert(call, "Experimenter", **values)
    limits = [(f"AdminPrivilege:{p}", "false") for p in sorted(withheld)]
    write_map(
        call,
        "Experimenter",
        "config",
        made,
        maps_of(user, "Experimenter")["config"] + limits,
        anew=False,
    )
    add_to_groups(call, made, groups)
    if password is not None:
        passwords.store(call.db, made, password)
    call.people_changed()
    return made


def create_group(call: Call, group: "omero.model.ExperimenterGroup | None") -> int:
    """Make a group; return its id."""
    if group is None or not group.isLoaded() or group.name is None:
        raise errors.validation(
            "not-null property references a null or transient value: ome.model.meta.ExperimenterGroup.name"
        )
    values = values_of(group, "ExperimenterGroup")
    values["ldap"] = bool(values["ldap"])
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


def change_user(call: Call, user: "omero.model.Experimenter", fields: Iterable[str]) -> None:
    """Change the fields of a user to what a client sent."""
    identifier, values = user_id(call, user), values_of(user, "Experimenter")
    saving.change(
        call,
        "Experimenter",
        identifier,
        **{f: values[f] for f in fields if values[f] is not None or f in OPTIONAL},
    )
    call.people_changed()


OPTIONAL = ("middleName", "email", "institution")
"""Fields of a user that may be emptied."""


def add_to_groups(call: Call, user: int, groups: Iterable[int]) -> None:
    """Make a user a member of the groups, behind those the user is in."""
    table = tables.table("GroupExperimenterMap")
    there = set(call.db.execute(select(table.c.parent).where(table.c.child == user)).scalars())
    last = call.db.execute(
        select(func.max(table.c.child_index)).where(table.c.child == user)
    ).scalar()
    place = 0 if last is None else last + 1
    for group in groups:
        if group not in there:
            there.add(group)
            call.db.execute(
                insert(table).values(
                    version=0, parent=group, child=user, owner=False, child_index=place
                )
            )
            place += 1
    call.people_changed()


def remove_from_groups(call: Call, user: int, groups: Iterable[int]) -> None:
    """End a user's membership of the groups."""
    table = tables.table("GroupExperimenterMap")
    call.db.execute(delete(table).where(table.c.child == user, table.c.parent.in_(list(groups))))
    call.people_changed()


def set_default_group(call: Call, user: int, group: int) -> None:
    """Put a group first among those of a user."""
    table = tables.table("GroupExperimenterMap")
    first = call.db.execute(
        select(func.min(table.c.child_index)).where(table.c.child == user)
    ).scalar()
    here = (table.c.child == user) & (table.c.parent == group)
    if not call.db.execute(select(table.c.id).where(here)).first():
        raise errors.api_usage(f"Group {group} was not found for user {user}")
    call.db.execute(update(table).where(here).values(child_index=(first or 0) - 1))
    call.people_changed()


def set_leader(call: Call, user: int, group: int, *, leads: bool) -> None:
    """Make a user lead a group (and be in it), or not."""
    table = tables.table("GroupExperimenterMap")
    if leads:
        add_to_groups(call, user, [group])
    call.db.execute(
        update(table).where(table.c.child == user, table.c.parent == group).values(owner=leads)
    )
    call.people_changed()


def delete_user(call: Call, user: int) -> None:
    """Remove a user who owns nothing."""
    table = tables.table("GroupExperimenterMap")
    call.db.execute(delete(table).where(table.c.child == user))
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
    unknown = given - set(PRIVILEGES)
    if unknown:
        raise errors.api_usage(f"Unknown privileges: {', '.join(sorted(unknown))}")
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
    call.people_changed()
