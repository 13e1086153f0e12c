"""What is refused when objects are saved, with the real server's exceptions.

In this order: what does not exist or may not be seen; missing values; values out of their domain; details that were
set by hand; stale objects; and, for what is new or changed, whether who asks may do that where the object lives.
"""

from collections.abc import Iterable

import omero
import omero.model
from omero.rtypes import unwrap

from omero_embedded import errors, permissions
from omero_embedded.call import Call
from omero_embedded.initial import GUEST_USER
from omero_embedded.people import (
    GROUP_READ,
    USER,
    WORLD_ANNOTATE,
    WORLD_READ,
    WORLD_WRITE,
    Group,
)
from omero_embedded.saving.graph import Node
from omero_embedded.schema import CLASSES, Quantity, Reference, Value

EXPERIMENTER, GROUP, EVENT = (
    CLASSES[name].java for name in ("Experimenter", "ExperimenterGroup", "Event")
)

POSITIVE = {
    "Pixels": (
        "sizeX",
        "sizeY",
        "sizeZ",
        "sizeC",
        "sizeT",
        "physicalSizeX",
        "physicalSizeY",
        "physicalSizeZ",
    ),
}
PERSONAL = {"RenderingDef", "Thumbnail"}
"""What everybody may make for whatever they see (ome.security.basic.OmeroInterceptor.neededRight)."""


def existence(call: Call, node: Node) -> None:
    """Refuse an object that is not there, or that may not be seen."""
    assert node.id is not None
    if node.row is None or (
        node.cls.root is not node.cls and node.row._mapping["class"] != node.cls.name
    ):
        if node.loaded:
            raise errors.validation("object no longer exists in database")
        raise errors.missing_row(node.cls.java, node.id)
    if not node.cls.is_global and not permissions.can_read(
        call, node.row.details_owner, node.row.details_group
    ):
        raise errors.security(f"Cannot read {node}")


def values(node: Node) -> None:
    """Refuse missing values, numbers out of their domain, and text that no database holds."""
    o, cls = node.object, node.cls
    for _, field in sorted(cls.fields.items()):  # as Hibernate does: the first one missing is told
        if isinstance(field, Reference):
            missing = node.references.get(field.name) is None
        elif isinstance(field, (Value, Quantity)):
            value = getattr(o, f"_{field.name}")
            missing = value is None
            if (
                isinstance(field, Value)
                and field.type == "string"
                and value is not None
                and "\0" in value.val
            ):
                raise errors.validation(
                    f"invalid byte sequence for encoding UTF8: 0x00 in {cls.java}.{field.name}"
                )
        else:
            continue
        if missing and not field.nullable:
            at = f"{cls.java}.{field.name}"
            message = f"not-null property references a null or transient value: {at}"
            raise errors.validation(
                f"{message}; nested exception is org.hibernate.PropertyValueException: {message}"
            )
    for name in POSITIVE.get(cls.name, ()):
        value = getattr(o, f"_{name}")
        number = None if value is None else value.getValue()
        if number is not None and number <= 0:
            raise omero.InternalException(
                None,
                "java.lang.IllegalArgumentException",
                f"values of {cls.name}.{name} must be strictly positive",
            )


def file_place(call: Call, node: Node) -> None:
    """Refuse an OriginalFile that would name the bytes of another one as its own.

    Files of a repository lie under their path and name; the repository alone says which.
    """
    if node.cls.name != "OriginalFile" or call.is_admin:
        return
    sent = {name: unwrap(getattr(node.object, f"_{name}")) for name in ("repo", "path", "name")}
    held = dict.fromkeys(sent) if node.new else {name: getattr(node.row, name) for name in sent}
    if sent["repo"] != held["repo"] or (held["repo"] is not None and sent != held):
        raise errors.security(f"The repository, path and name of {node} are the repository's own.")


def new_details(call: Call, node: Node) -> tuple[int, int]:
    """Return owner and group of a new object; refuse those that who asks may not give it."""
    details = node.object._details  # a Slice member
    owner, group = call.user_id, call.group.id
    asked_owner = None if details is None else _id(details.owner)
    asked_group = None if details is None else _id(details.group)
    kind = "File" if node.cls.name == "OriginalFile" else "Owned"
    privileged = f"Write{kind}" in call.user.privileges
    if asked_owner is not None and asked_owner != owner:
        if not privileged:
            raise errors.security(
                f"You are not authorized to set the Experimenter for {node} to {EXPERIMENTER}:Id_{asked_owner}"
            )
        owner = asked_owner
    if asked_group is not None and asked_group != group:
        if not privileged or asked_group != USER:
            raise errors.security(
                f"You are not authorized to set the ExperimenterGroup for {node} to {GROUP}:Id_{asked_group}"
            )
        group = asked_group
    if not privileged and group not in call.user.groups and not _open_to_all(call, node, group):
        raise errors.security(f"You are not authorized to create {node}")
    asked = None if details is None else details.permissions
    if asked is not None and group != USER and asked.getPerm1() != call.group.permissions:
        raise errors.permission_mismatch("Manually setting permissions currently disallowed")
    return owner, group


def _open_to_all(call: Call, node: Node, group: int) -> bool:
    """Whether those who are not in the group may make such an object there."""
    annotating = node.cls.name.endswith("AnnotationLink")
    there = call.people.groups[group]
    if there.grants(WORLD_ANNOTATE if annotating else WORLD_WRITE):
        return True
    return node.cls.java.startswith("ome.model.display.") and there.grants(WORLD_READ)


def existing_details(call: Call, node: Node) -> dict[str, int]:
    """Return the new owner and group of an existing object where they change; refuse what may not.

    The permissions that come with it are of no account: they are the group's.
    """
    details = node.object._details
    if details is None or node.cls.is_global:
        return {}
    changed: dict[str, int] = {}
    owner, held = _id(details.owner), node.row.details_owner
    if owner is not None and owner != held:
        if "Chown" not in call.user.privileges:
            raise _not_authorized("owner", node, EXPERIMENTER, held, owner)
        changed["details_owner"] = owner
    group, held = _id(details.group), node.row.details_group
    if group is not None and group != held:
        if held not in (call.group_id, USER):
            raise _wrong_group(call, held)
        member = group in call.user.groups and group != USER
        if not member and "Chgrp" not in call.user.privileges:
            raise _not_authorized("group", node, GROUP, held, group)
        changed["details_group"] = group
    made, held = _id(details.creationEvent), node.row.details_creationEvent
    if made is not None and made != held:
        raise _not_authorized("creation event", node, EVENT, held, made)
    sent, held = _id(details.updateEvent), node.row.details_updateEvent
    if sent is not None and sent != held:
        raise errors.optimistic_lock(
            f"You are not authorized to change the update event for {node} from {EVENT}:Id_{held} to {EVENT}:Id_{sent}\n"
            "You may need to reload the object before continuing."
        )
    return changed


def may_create(call: Call, node: Node) -> None:
    """Refuse new objects that only the server or an administrator makes, and all of guest's."""
    if node.cls.is_global and not permissions.may_change_global(call, node.cls.name):
        raise errors.security(
            f"{node.cls.java}:{_name(node)}:Id_null is a System-type, and may be created only through privileged APIs."
        )
    if not node.cls.is_global and call.user_id == GUEST_USER:
        raise errors.security(f"not permitted to create {node}")


def may_change(call: Call, node: Node) -> None:
    """Refuse to change what who asks may not edit, or what is in another group than the call."""
    if node.cls.is_global:
        allowed = permissions.may_change_global(call, node.cls.name)
    else:
        if node.row.details_group not in (call.group_id, USER):
            raise _wrong_group(call, node.row.details_group)
        allowed = _rights(call, node).edit
    if not allowed:
        raise errors.security(f"Updating {node} not allowed.")


def may_delete(call: Call, node: Node) -> None:
    """Refuse to delete what who asks may not."""
    if node.cls.is_global:
        allowed = permissions.may_change_global(call, node.cls.name)
    else:
        allowed = _rights(call, node).delete
    if not allowed:
        raise errors.security(f"Deleting {node} not allowed.")


def may_refer(call: Call, node: Node, owner: int, group: int, targets: Iterable[Node]) -> None:
    """Refuse references to what lives in another group, or what who asks may not link or annotate.

    To what is in the groups of everybody and of administrators everybody may refer.
    """
    for target in targets:
        if target.new or target.cls.is_global or target.row.details_group in permissions.COMMON:
            continue
        row = target.row
        if row.details_group != group:
            raise errors.group_security(
                f"MIXED GROUP: {node}(group={GROUP}:Id_{group}) and {target}(group={GROUP}:Id_{row.details_group}) "
                "cannot be linked."
            )
        rights = _rights(call, target)
        if _suffices(rights, node, target):
            continue
        there = call.people.groups[group]
        supervises = call.user.is_admin or call.leads(group)
        if supervises and not there.grants(GROUP_READ):
            if owner == row.details_owner:
                continue  # whose it is will see it
            raise errors.read_only_group(
                f"Cannot link to {target}\nCurrent user ({call.user.name}) is an admin or the owner of\nthe private "
                f"group ({there.name}={_kind(there)}). It is not allowed to\nlink to users' data."
            )
        raise errors.security(f"Group is {_kind(there)}. Cannot link to object: {target}")


def _suffices(rights: permissions.Rights, node: Node, target: Node) -> bool:
    """Whether the rights on the target allow an object of the class to refer to it."""
    if rights.link:
        return True
    if {node.cls.name, target.cls.name} & PERSONAL:
        return True
    annotating = node.cls.name.endswith("AnnotationLink") or (
        node.cls.name == "Roi" and target.cls.name == "Image"
    )
    return annotating and rights.annotate


def _kind(group: Group) -> str:
    return str(omero.model.PermissionsI(group.permissions))


def _rights(call: Call, node: Node) -> permissions.Rights:
    row = node.row
    return permissions.rights(call, row.details_owner, row.details_group, node.cls.name)


def _id(o: omero.model.IObject | None) -> int | None:
    return None if o is None or o.id is None else int(o.id.val)


def _name(node: Node) -> str:
    for field in ("value", "name", "omeName", "uuid"):
        value = getattr(node.object, f"_{field}", None)
        if value is not None:
            return str(value.val)
    return ""


def _wrong_group(call: Call, held: int) -> Exception:
    return errors.security(
        f"Currently logged into group {call.group_id}. Cannot alter object in group {held}"
    )


def _not_authorized(what: str, node: Node, java: str, held: int, asked: int) -> Exception:
    return errors.security(
        f"You are not authorized to change the {what} for {node} from {java}:Id_{held} to {java}:Id_{asked}"
    )
