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
from omero_embedded.people import GROUP_READ
from omero_embedded.saving.graph import Node
from omero_embedded.schema import Quantity, Reference, Value

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
ANNOTATING = {
    "Annotation", "ChannelBinding", "CodomainMapContext", "QuantumDef", "RenderingDef", "Roi", "Shape", "Thumbnail",
}  # fmt: skip
"""Roots of what a member of a read-annotate group may make for what others own, beside links to annotations."""


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
    if details is None:
        return owner, group
    asked_owner, asked_group = _id(details.owner), _id(details.group)
    if asked_owner is not None and asked_owner != owner:
        if not call.is_admin:
            raise _not_authorized(
                node, "Experimenter", "ome.model.meta.Experimenter", owner, asked_owner
            )
        owner = asked_owner
    if asked_group is not None and asked_group != group:
        if not call.is_admin:
            raise _not_authorized(
                node, "ExperimenterGroup", "ome.model.meta.ExperimenterGroup", group, asked_group
            )
        group = asked_group
    _permissions(call, node, details.permissions, group)
    return owner, group


def existing_details(call: Call, node: Node) -> int | None:
    """Return the new owner of an existing object where an administrator gives it one; refuse all other changes."""
    details = node.object._details
    if details is None or node.cls.is_global:
        return None
    sent, held = _id(details.updateEvent), node.row.details_updateEvent
    if sent is not None and sent != held:
        raise errors.optimistic_lock(
            f"You are not authorized to change the update event for {node} from ome.model.meta.Event:Id_{held} "
            f"to ome.model.meta.Event:Id_{sent}"
        )
    group, owner = _id(details.group), _id(details.owner)
    if group is not None and group != node.row.details_group:
        raise _not_authorized(
            node,
            "ExperimenterGroup",
            "ome.model.meta.ExperimenterGroup",
            node.row.details_group,
            group,
        )
    _permissions(call, node, details.permissions, node.row.details_group)
    if owner is None or owner == node.row.details_owner:
        return None
    if not call.is_admin:
        raise _not_authorized(
            node, "Experimenter", "ome.model.meta.Experimenter", node.row.details_owner, owner
        )
    return owner


def may_create(call: Call, node: Node) -> None:
    """Refuse new objects that only the server or an administrator makes."""
    if node.cls.is_global and not call.is_admin:
        raise errors.security(
            f"{node.cls.java}:{_name(node)}:Id_null is a System-type, and may be created only through privileged APIs."
        )


def may_change(call: Call, node: Node) -> None:
    """Refuse to change what who asks may not edit."""
    if node.cls.is_global:
        allowed = call.is_admin
    else:
        allowed = permissions.rights(call, node.row.details_owner, node.row.details_group).edit
    if not allowed:
        raise errors.security(f"Updating {node} not allowed.")


def may_delete(call: Call, node: Node) -> None:
    """Refuse to delete what who asks may not."""
    if node.cls.is_global:
        allowed = call.is_admin
    else:
        allowed = permissions.rights(call, node.row.details_owner, node.row.details_group).delete
    if not allowed:
        raise errors.security(f"Deleting {node} not allowed.")


def may_refer(call: Call, node: Node, group: int, targets: Iterable[Node]) -> None:
    """Refuse references to what lives in another group, or what who asks may not link or annotate."""
    annotating = node.cls.root.name in ANNOTATING or (
        node.cls.link
        and node.cls.references
        and any(t.cls.is_a("Annotation") for t in node.references.values() if t)
    )
    for target in targets:
        if target.new or target.cls.is_global:
            continue
        row = target.row
        if row.details_group != group:
            raise errors.security(f"Cannot read {target}")
        rights = permissions.rights(call, row.details_owner, row.details_group)
        if not (rights.annotate if annotating else rights.link):
            if not call.people.groups[group].grants(GROUP_READ):
                raise errors.read_only_group(f"Cannot link to {target}")
            kind = omero.model.PermissionsI(call.people.groups[group].permissions)
            raise errors.security(f"Group is {kind}. Cannot link to object: {target}")


def _permissions(
    call: Call, node: Node, asked: "omero.model.Permissions | None", group: int
) -> None:
    if asked is None or node.cls.is_global:
        return
    if asked.getPerm1() != call.people.groups[group].permissions:
        raise errors.permission_mismatch("Manually setting permissions currently disallowed")


def _id(o: omero.model.IObject | None) -> int | None:
    return None if o is None or o.id is None else int(o.id.val)


def _name(node: Node) -> str:
    for field in ("value", "name", "omeName", "uuid"):
        value = getattr(node.object, f"_{field}", None)
        if value is not None:
            return str(value.val)
    return ""


def _not_authorized(node: Node, what: str, java: str, held: int, asked: int) -> Exception:
    return errors.security(
        f"You are not authorized to set the {what} for {node} from {java}:Id_{held} to {java}:Id_{asked}"
    )
