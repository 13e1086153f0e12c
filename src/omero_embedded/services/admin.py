"""omero.api.IAdmin: users, groups, memberships, passwords, and who one is.

Who may do what: administrators (with the privilege that it takes), leaders for their own groups, users for themselves.
"""

from collections.abc import Iterable
from typing import Any, TypeAlias

import omero
import omero.model
import omero.sys
from omero.rtypes import rlist

from omero_embedded import errors, passwords, saving
from omero_embedded.call import Call, writing
from omero_embedded.event_context import event_context
from omero_embedded.loading import Loader, class_name
from omero_embedded.people import GUEST, ROOT, SYSTEM, USER
from omero_embedded.permissions import check_readable
from omero_embedded.schema import CLASSES
from omero_embedded.services import accounts, photos
from omero_embedded.services.types import all_values
from omero_embedded.wire.registry import stateless

Experimenter: TypeAlias = omero.model.Experimenter
ExperimenterGroup: TypeAlias = omero.model.ExperimenterGroup
IObject: TypeAlias = omero.model.IObject
SELF = ("firstName", "middleName", "lastName", "email", "institution")


def _leader_or_admin(call: Call, groups: Iterable[int], privilege: str) -> None:
    """Refuse who neither has the privilege nor leads all the groups."""
    if privilege in call.user.privileges or all(call.leads(g) for g in groups):
        return
    call.require_admin(privilege)


def _users(call: Call, ids: Iterable[int]) -> list[Experimenter]:
    """Return users with their groups."""
    loader = Loader(call)
    found = list(loader.objects("Experimenter", ids).values())
    loader.fetch(found, "groupExperimenterMap.parent")
    return found


def _groups(call: Call, ids: Iterable[int]) -> list[ExperimenterGroup]:
    """Return groups with their members."""
    loader = Loader(call)
    found = list(loader.objects("ExperimenterGroup", ids).values())
    loader.fetch(found, "groupExperimenterMap.child.groupExperimenterMap")
    return found


@stateless("omero.api.IAdmin")
class AdminService:
    """Users and groups."""

    # ------------------------------------------------------------ oneself
    def getEventContext(self, call: Call) -> "omero.sys.EventContext":
        """Tell who one is."""
        return event_context(call)

    def getSecurityRoles(self, call: Call) -> "omero.sys.Roles":
        """Tell the ids and names that are the same everywhere."""
        roles = omero.sys.Roles()
        roles.rootId, roles.rootName = ROOT, "root"
        roles.systemGroupId, roles.systemGroupName = SYSTEM, "system"
        roles.userGroupId, roles.userGroupName = USER, "user"
        roles.guestId, roles.guestName = 1, "guest"
        roles.guestGroupId, roles.guestGroupName = GUEST, "guest"
        return roles

    def canUpdate(self, call: Call, obj: IObject) -> bool:
        """Tell whether one may change an object."""
        if obj is None or obj.id is None:
            raise errors.api_usage("Argument cannot be null and must have an id.")
        found = Loader(call).object(class_name(obj), obj.id.val)
        if found is None:
            raise errors.missing_row(CLASSES[class_name(obj)].java, obj.id.val)
        return bool(found.details.permissions.canEdit())

    @writing
    def updateSelf(self, call: Call, experimenter: Experimenter) -> None:
        """Change one's own name and address."""
        if accounts.user_id(call, experimenter) != call.user_id:
            raise errors.security("You can only update yourself.")
        accounts.change_user(call, experimenter, SELF)

    # ------------------------------------------------------------ users and groups
    def getExperimenter(self, call: Call, id: int) -> Experimenter:  # Slice's name
        """Give a user."""
        if id not in call.people.users:
            raise errors.api_usage(f"No such experimenter: {id}")
        return _users(call, [id])[0]

    def lookupExperimenter(self, call: Call, name: str) -> Experimenter:
        """Give the user of a login name."""
        user = call.people.user_named(name)
        if user is None:
            raise errors.api_usage(f"No such experimenter: {name}")
        return _users(call, [user.id])[0]

    def lookupExperimenters(self, call: Call) -> list[Experimenter]:
        """Give all users."""
        return _users(call, sorted(call.people.users))

    def getGroup(self, call: Call, id: int) -> ExperimenterGroup:
        """Give a group."""
        if id not in call.people.groups:
            raise errors.api_usage(f"No such group: {id}")
        return _groups(call, [id])[0]

    def lookupGroup(self, call: Call, name: str) -> ExperimenterGroup:
        """Give the group of a name."""
        group = call.people.group_named(name)
        if group is None:
            raise errors.api_usage(f"No such group: {name}")
        return _groups(call, [group.id])[0]

    def lookupGroups(self, call: Call) -> list[ExperimenterGroup]:
        """Give all groups."""
        return _groups(call, sorted(call.people.groups))

    def containedExperimenters(self, call: Call, groupId: int) -> list[Experimenter]:
        """Give the members of a group."""
        return _users(call, [u.id for u in call.people.members(groupId)])

    def containedGroups(self, call: Call, experimenterId: int) -> list[ExperimenterGroup]:
        """Give the groups of a user."""
        user = call.people.users.get(experimenterId)
        return [] if user is None else _groups(call, user.groups)

    def getDefaultGroup(self, call: Call, experimenterId: int) -> ExperimenterGroup:
        """Give the group that a user's sessions begin in."""
        user = call.people.users.get(experimenterId)
        if user is None or user.default_group is None:
            raise errors.validation(f"The user {experimenterId} has no default group set.")
        return _groups(call, [user.default_group])[0]

    def getMemberOfGroupIds(self, call: Call, exp: Experimenter) -> list[int]:
        """Give the ids of the groups of a user."""
        return list(call.people.users[accounts.user_id(call, exp)].groups)

    def getLeaderOfGroupIds(self, call: Call, exp: Experimenter) -> list[int]:
        """Give the ids of the groups that a user leads."""
        return list(call.people.users[accounts.user_id(call, exp)].leads)

    def lookupLdapAuthExperimenters(self, call: Call) -> "omero.RList":
        """Give the users that a directory service knows: there is none."""
        return rlist([])

    def lookupLdapAuthExperimenter(self, call: Call, id: int) -> str:
        """Give the name that a directory service knows a user by: there is none."""
        return ""

    def synchronizeLoginCache(self, call: Call) -> None:
        """Do nothing: logins are always checked against the database."""
        call.require_admin()

    # ------------------------------------------------------------ privileges
    def getCurrentAdminPrivileges(self, call: Call) -> list[IObject]:
        """Give one's own administrator's privileges."""
        return [
            p
            for p in all_values(call, CLASSES["AdminPrivilege"])
            if p.value.val in call.user.privileges
        ]

    def getAdminPrivileges(self, call: Call, user: Experimenter) -> list[IObject]:
        """Give the administrator's privileges of a user."""
        held = call.people.users[accounts.user_id(call, user)].privileges
        return [p for p in all_values(call, CLASSES["AdminPrivilege"]) if p.value.val in held]

    def getAdminsWithPrivileges(self, call: Call, privileges: list[IObject]) -> list[Experimenter]:
        """Give the administrators who have all the privileges."""
        wanted = {p.value.val for p in privileges or []}
        return _users(
            call, [u.id for u in call.people.members(SYSTEM) if wanted <= set(u.privileges)]
        )

    @writing
    def setAdminPrivileges(self, call: Call, user: Experimenter, privileges: list[IObject]) -> None:
        """Leave an administrator with these privileges."""
        call.require_admin("ModifyUser")
        given = [p.value.val for p in privileges or []]
        if not set(given) <= set(call.user.privileges):
            raise errors.security("Cannot give privileges that you do not have.")
        accounts.set_privileges(call, accounts.user_id(call, user), given)

    # ------------------------------------------------------------ making and removing users and groups
    @writing
    def createUser(self, call: Call, experimenter: Experimenter, group: str) -> int:
        """Make a user in a group (by name)."""
        call.require_admin("ModifyUser")
        named = call.people.group_named(group)
        if named is None:
            raise errors.api_usage(f"No such group: {group}")
        return accounts.create_user(call, experimenter, [named.id, USER], None)

    @writing
    def createSystemUser(self, call: Call, experimenter: Experimenter) -> int:
        """Make an administrator."""
        call.require_admin("ModifyUser")
        return accounts.create_user(call, experimenter, [SYSTEM, USER], None)

    @writing
    def createRestrictedSystemUser(
        self, call: Call, experimenter: Experimenter, privileges: list[IObject]
    ) -> int:
        """Make an administrator with these privileges only."""
        return self._restricted(call, experimenter, privileges, None)

    @writing
    def createRestrictedSystemUserWithPassword(
        self,
        call: Call,
        experimenter: Experimenter,
        privileges: list[IObject],
        password: "omero.RString",
    ) -> int:
        """Make an administrator with these privileges only, and a password."""
        return self._restricted(call, experimenter, privileges, password)

    def _restricted(
        self, call: Call, experimenter: Experimenter, privileges: list[IObject], password: Any
    ) -> int:
        call.require_admin("ModifyUser")
        made = accounts.create_user(
            call, experimenter, [SYSTEM, USER], None if password is None else password.val
        )
        accounts.set_privileges(call, made, [p.value.val for p in privileges or []])
        return made

    @writing
    def createExperimenter(
        self,
        call: Call,
        user: Experimenter,
        defaultGroup: ExperimenterGroup,
        groups: list[ExperimenterGroup],
    ) -> int:
        """Make a user in several groups."""
        return self._create(call, user, None, defaultGroup, groups)

    @writing
    def createExperimenterWithPassword(
        self,
        call: Call,
        user: Experimenter,
        password: "omero.RString",
        defaultGroup: ExperimenterGroup,
        groups: list[ExperimenterGroup],
    ) -> int:
        """Make a user in several groups, with a password."""
        return self._create(call, user, password, defaultGroup, groups)

    def _create(
        self, call: Call, user: Experimenter, password: Any, default: Any, groups: list[Any]
    ) -> int:
        call.require_admin("ModifyUser")
        ids = [accounts.group_id(call, g) for g in (default, *(groups or []))]
        return accounts.create_user(call, user, ids, None if password is None else password.val)

    @writing
    def createGroup(self, call: Call, group: ExperimenterGroup) -> int:
        """Make a group."""
        call.require_admin("ModifyGroup")
        return accounts.create_group(call, group)

    @writing
    def updateExperimenter(self, call: Call, experimenter: Experimenter) -> None:
        """Change a user."""
        call.require_admin("ModifyUser")
        accounts.change_user(call, experimenter, ("omeName", *SELF))

    @writing
    def updateExperimenterWithPassword(
        self, call: Call, experimenter: Experimenter, password: "omero.RString"
    ) -> None:
        """Change a user and the password."""
        call.require_admin("ModifyUser")
        accounts.change_user(call, experimenter, ("omeName", *SELF))
        if password is not None:
            passwords.store(call.db, accounts.user_id(call, experimenter), password.val)

    @writing
    def updateGroup(self, call: Call, group: ExperimenterGroup) -> None:
        """Change a group's name, description and permissions."""
        identifier = accounts.group_id(call, group)
        _leader_or_admin(call, [identifier], "ModifyGroup")
        values: dict[str, Any] = {"name": group.name and group.name.val}
        values["description"] = None if group.description is None else group.description.val
        details = group.details
        if details is not None and details.permissions is not None:
            values["details_permissions"] = details.permissions.getPerm1()
        saving.change(call, "ExperimenterGroup", identifier, **values)
        call.people_changed()

    @writing
    def changePermissions(self, call: Call, obj: IObject, perms: "omero.model.Permissions") -> None:
        """Change a group's permissions."""
        if obj is None or class_name(obj) != "ExperimenterGroup":
            raise errors.permission_mismatch("Only the permissions of groups can be changed.")
        identifier = accounts.group_id(call, obj)
        _leader_or_admin(call, [identifier], "ModifyGroup")
        saving.change(call, "ExperimenterGroup", identifier, details_permissions=perms.getPerm1())
        call.people_changed()

    @writing
    def deleteExperimenter(self, call: Call, user: Experimenter) -> None:
        """Remove a user who owns nothing."""
        call.require_admin("ModifyUser")
        accounts.delete_user(call, accounts.user_id(call, user))

    @writing
    def deleteGroup(self, call: Call, group: ExperimenterGroup) -> None:
        """Remove a group that holds nothing."""
        call.require_admin("ModifyGroup")
        accounts.delete_group(call, accounts.group_id(call, group))

    # ------------------------------------------------------------ memberships
    @writing
    def addGroups(self, call: Call, user: Experimenter, groups: list[ExperimenterGroup]) -> None:
        """Make a user a member of groups."""
        ids = [accounts.group_id(call, g) for g in groups or []]
        _leader_or_admin(call, ids, "ModifyGroupMembership")
        accounts.add_to_groups(call, accounts.user_id(call, user), ids)

    @writing
    def removeGroups(self, call: Call, user: Experimenter, groups: list[ExperimenterGroup]) -> None:
        """End a user's membership of groups."""
        ids, who = [accounts.group_id(call, g) for g in groups or []], accounts.user_id(call, user)
        _leader_or_admin(call, ids, "ModifyGroupMembership")
        if who == ROOT and {SYSTEM, USER} & set(ids):
            raise errors.validation(
                "Experimenter root may not be removed from the groups system and user."
            )
        accounts.remove_from_groups(call, who, ids)

    @writing
    def setDefaultGroup(self, call: Call, user: Experimenter, group: ExperimenterGroup) -> None:
        """Set the group that a user's sessions begin in."""
        who, where = accounts.user_id(call, user), accounts.group_id(call, group)
        if who != call.user_id:
            _leader_or_admin(call, [where], "ModifyGroupMembership")
        accounts.set_default_group(call, who, where)

    @writing
    def setGroupOwner(self, call: Call, group: ExperimenterGroup, owner: Experimenter) -> None:
        """Make a user lead a group."""
        self._lead(call, group, [owner], leads=True)

    @writing
    def unsetGroupOwner(self, call: Call, group: ExperimenterGroup, owner: Experimenter) -> None:
        """Have a user no longer lead a group."""
        self._lead(call, group, [owner], leads=False)

    @writing
    def addGroupOwners(
        self, call: Call, group: ExperimenterGroup, owners: list[Experimenter]
    ) -> None:
        """Make users lead a group."""
        self._lead(call, group, owners, leads=True)

    @writing
    def removeGroupOwners(
        self, call: Call, group: ExperimenterGroup, owners: list[Experimenter]
    ) -> None:
        """Have users no longer lead a group."""
        self._lead(call, group, owners, leads=False)

    def _lead(self, call: Call, group: Any, owners: list[Any], *, leads: bool) -> None:
        identifier = accounts.group_id(call, group)
        _leader_or_admin(call, [identifier], "ModifyGroupMembership")
        for owner in owners or []:
            accounts.set_leader(call, accounts.user_id(call, owner), identifier, leads=leads)

    # ------------------------------------------------------------ photos
    def uploadMyUserPhoto(self, call: Call, filename: str, format: str, data: bytes) -> int:
        """Keep a photo of oneself instead of the one there was; give the id of its file."""
        if not filename or not format or not data:
            raise errors.api_usage("A photo needs a name, a format and data.")
        return photos.store_photo(call, filename, format, data)

    def getMyUserPhotos(self, call: Call) -> "list[omero.model.OriginalFile]":
        """Give the files of one's own photos."""
        ids = photos.photos_of(call, call.user_id)
        return list(Loader(call).objects("OriginalFile", ids).values())

    # ------------------------------------------------------------ whose an object is
    @writing
    def changeOwner(self, call: Call, obj: IObject, omeName: str) -> None:
        """Give one object to another user, and nothing that belongs to it; administrators only."""
        call.require_admin("Chown")
        owner = call.people.user_named(omeName)
        if owner is None:
            raise errors.api_usage(f"No such experimenter: {omeName}")
        found = _owned(call, obj)
        saving.change(call, class_name(found), found.id.val, details_owner=owner.id)

    @writing
    def changeGroup(self, call: Call, obj: IObject, groupName: str) -> None:
        """Move one object to another group of its owner's, and nothing that belongs to it."""
        group = call.people.group_named(groupName)
        if group is None:
            raise errors.api_usage(f"No such group: {groupName}")
        self._move(call, obj, group.id)

    @writing
    def moveToCommonSpace(self, call: Call, objects: list[IObject]) -> None:
        """Move objects to the group of everybody, and nothing that belongs to them."""
        for obj in objects or []:
            self._move(call, obj, USER)

    def _move(self, call: Call, obj: IObject, group: int) -> None:
        found = _owned(call, obj)
        if found.details.owner.id.val != call.user_id or group not in call.user.groups:
            call.require_admin("Chgrp")
        saving.change(call, class_name(found), found.id.val, details_group=group)

    # ------------------------------------------------------------ passwords
    @writing
    def changePassword(self, call: Call, newPassword: "omero.RString") -> None:
        """Change one's own password."""
        passwords.store(call.db, call.user_id, _text(newPassword))

    @writing
    def changePasswordWithOldPassword(
        self, call: Call, oldPassword: "omero.RString", newPassword: "omero.RString"
    ) -> None:
        """Change one's own password, giving the old one."""
        if not passwords.check(call.db, call.user_id, _text(oldPassword)):
            raise errors.security("Old password is invalid")
        passwords.store(call.db, call.user_id, _text(newPassword))

    @writing
    def changeUserPassword(self, call: Call, omeName: str, newPassword: "omero.RString") -> None:
        """Change somebody's password."""
        call.require_admin("ModifyUser")
        user = call.people.user_named(omeName)
        if user is None:
            raise errors.api_usage(f"No such experimenter: {omeName}")
        passwords.store(call.db, user.id, _text(newPassword))


def _owned(call: Call, obj: IObject | None) -> IObject:
    """Return an object that has an owner and that may be seen, as it is in the database."""
    if obj is None or obj.id is None or CLASSES[class_name(obj)].is_global:
        raise errors.api_usage("An object with an id and an owner is needed.")
    cls, identifier = class_name(obj), obj.id.val
    found = Loader(call).object(cls, identifier) if check_readable(call, cls, identifier) else None
    if found is None:
        raise errors.missing_row(CLASSES[cls].java, identifier)
    return found


def _text(password: "omero.RString | None") -> str:
    if password is None or not password.val:
        raise errors.api_usage("A password may not be empty.")
    return str(password.val)
