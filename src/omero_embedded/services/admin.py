"""omero.api.IAdmin: users, groups, memberships, passwords, and who one is.

Who may do what: administrators (with the privilege that it takes), leaders for their own groups and the users in them,
users for themselves. The rules and their messages are those of ome.logic.AdminImpl.
"""

from collections.abc import Iterable
from typing import Any, TypeAlias

import omero
import omero.model
import omero.sys
from omero.rtypes import rlist

from omero_embedded import errors, passwords, saving
from omero_embedded.call import Call, writing
from omero_embedded.event_context import session_context
from omero_embedded.loading import Loader, class_name
from omero_embedded.people import GUEST, PRIVILEGES, ROOT, SYSTEM, USER
from omero_embedded.permissions import check_readable
from omero_embedded.schema import CLASSES
from omero_embedded.services import accounts, owning, photos
from omero_embedded.services.types import all_values
from omero_embedded.wire.registry import stateless

Experimenter: TypeAlias = omero.model.Experimenter
ExperimenterGroup: TypeAlias = omero.model.ExperimenterGroup
IObject: TypeAlias = omero.model.IObject
SELF = ("firstName", "middleName", "lastName", "email", "institution")
SPECIAL_USERS = ("root", "guest")
SPECIAL_GROUPS = ("guest", "system", "user")


def _require_leader(call: Call, groups: Iterable[int], privilege: str) -> None:
    """Refuse who neither has the privilege nor leads all the groups."""
    if privilege not in call.user.privileges and not all(call.leads(g) for g in groups):
        raise _neither_admin_nor_leader()


def _require_leader_of_user(call: Call, user: int) -> None:
    """Refuse who neither may change all users nor leads a group that the user is in."""
    if "ModifyUser" not in call.user.privileges and not any(
        call.leads(g) for g in call.people.users[user].groups
    ):
        raise _neither_admin_nor_leader()


def _neither_admin_nor_leader() -> Exception:
    return errors.security(
        "Current user is neither admin nor group-leader for the given user(s)/group(s)"
    )


def _refuse_elevation(call: Call, gained: Iterable[str]) -> None:
    """Refuse to give somebody an administrator's privilege that one does not have."""
    if not set(gained) <= set(call.user.privileges):
        raise errors.security(
            "cannot give administrator privileges that current user does not have"
        )


def _names(privileges: "list[IObject] | None") -> list[str]:
    """Return the names of privileges; refuse unknown ones."""
    found = [p.value.val for p in privileges or []]
    for name in found:
        if name not in PRIVILEGES:
            raise errors.api_usage(f"unknown light administrator privilege: {name}")
    return found


def _users(call: Call, ids: Iterable[int]) -> list[Experimenter]:
    """Return users with their groups."""
    loader = Loader(call)
    found = list(loader.objects("Experimenter", ids).values())
    loader.fetch(found, "groupExperimenterMap.parent")
    return found


def _groups(call: Call, ids: Iterable[int], *, deep: bool = False) -> list[ExperimenterGroup]:
    """Return groups with their members; `deep`: with the members' own groups."""
    loader = Loader(call)
    found = list(loader.objects("ExperimenterGroup", ids).values())
    loader.fetch(found, "groupExperimenterMap.child")
    if deep:
        loader.fetch(found, "groupExperimenterMap.child.groupExperimenterMap")
    return found


def group_with_members(call: Call, identifier: int) -> ExperimenterGroup:
    """Return a group with its members.

    Raises
    ------
    omero.ApiUsageException
        There is none.
    """
    if identifier not in call.people.groups:
        raise errors.api_usage(f"No such group: {identifier}")
    return _groups(call, [identifier])[0]


@stateless("omero.api.IAdmin")
class AdminService:
    """Users and groups."""

    # ------------------------------------------------------------ oneself
    def getEventContext(self, call: Call) -> "omero.sys.EventContext":
        """Tell who one is: the session's user and group, whatever the context of the call says."""
        return session_context(call.people, call.session)

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
        return bool(_trusted(call, obj).details.permissions.canEdit())

    def canAnnotate(self, call: Call, obj: IObject) -> bool:
        """Tell whether one may annotate an object."""
        return bool(_trusted(call, obj).details.permissions.canAnnotate())

    @writing
    def updateSelf(self, call: Call, experimenter: Experimenter) -> None:
        """Change one's own name and address to what another object says, whoever that stands for."""
        accounts.change_user(call, call.user_id, experimenter, SELF)

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
        return group_with_members(call, id)

    def lookupGroup(self, call: Call, name: str) -> ExperimenterGroup:
        """Give the group of a name."""
        group = call.people.group_named(name)
        if group is None:
            raise errors.api_usage(f"No such group: {name}")
        return _groups(call, [group.id])[0]

    def lookupGroups(self, call: Call) -> list[ExperimenterGroup]:
        """Give all groups."""
        return _groups(call, sorted(call.people.groups), deep=True)

    def containedExperimenters(self, call: Call, groupId: int) -> list[Experimenter]:
        """Give the members of a group."""
        return _users(call, [u.id for u in call.people.members(groupId)])

    def containedGroups(self, call: Call, experimenterId: int) -> list[ExperimenterGroup]:
        """Give the groups of a user."""
        user = call.people.users.get(experimenterId)
        return [] if user is None else _groups(call, user.groups, deep=True)

    def getDefaultGroup(self, call: Call, experimenterId: int) -> ExperimenterGroup:
        """Give the group that a user's sessions begin in."""
        user = call.people.users.get(experimenterId)
        if user is None or user.default_group is None:
            raise errors.validation(f"The user {experimenterId} has no default group set.")
        found = Loader(call).object("ExperimenterGroup", user.default_group)
        assert found is not None
        return found

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
        wanted = set(_names(privileges))
        ids = [u.id for u in call.people.members(SYSTEM) if wanted <= set(u.privileges)]
        return list(Loader(call).objects("Experimenter", ids).values())

    @writing
    def setAdminPrivileges(self, call: Call, user: Experimenter, privileges: list[IObject]) -> None:
        """Leave an administrator with these privileges."""
        call.require_admin()
        given, who = _names(privileges), accounts.user_id(call, user)
        if who == ROOT and set(given) != set(PRIVILEGES):
            raise errors.api_usage(
                "cannot remove light administrator privileges from the root user"
            )
        if "ModifyUser" not in call.user.privileges:
            raise errors.security(f"Updating {CLASSES['Experimenter'].java}:Id_{who} not allowed.")
        known = call.people.users[who]
        if known.is_admin:
            _refuse_elevation(call, set(given) - set(known.privileges))
        accounts.set_privileges(call, who, given)

    # ------------------------------------------------------------ making and removing users and groups
    @writing
    def createUser(self, call: Call, experimenter: Experimenter, group: str) -> int:
        """Make a user in a group (by name)."""
        named = call.people.group_named(group)
        if named is None:
            raise errors.api_usage(f"No such group: {group}")
        return self._create(call, experimenter, " ", [named.id, USER])

    @writing
    def createSystemUser(self, call: Call, experimenter: Experimenter) -> int:
        """Make an administrator."""
        call.require_admin()
        return self._create(call, experimenter, " ", [SYSTEM, USER])

    @writing
    def createRestrictedSystemUser(
        self, call: Call, experimenter: Experimenter, privileges: list[IObject]
    ) -> int:
        """Make an administrator with these privileges only."""
        call.require_admin()
        return self._create(call, experimenter, " ", [SYSTEM, USER], _names(privileges))

    @writing
    def createRestrictedSystemUserWithPassword(
        self,
        call: Call,
        experimenter: Experimenter,
        privileges: list[IObject],
        password: "omero.RString",
    ) -> int:
        """Make an administrator with these privileges only, and a password."""
        call.require_admin()
        return self._create(call, experimenter, _text(password), [SYSTEM, USER], _names(privileges))

    @writing
    def createExperimenter(
        self,
        call: Call,
        user: Experimenter,
        defaultGroup: ExperimenterGroup,
        groups: list[ExperimenterGroup],
    ) -> int:
        """Make a user in several groups, whom no password lets in until one is set."""
        return self._create(call, user, " ", accounts.group_ids(call, [defaultGroup, *groups]))

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
        ids = accounts.group_ids(call, [defaultGroup, *groups])
        return self._create(call, user, _text(password), ids)

    def _create(
        self,
        call: Call,
        user: Experimenter,
        password: str | None,
        groups: list[int],
        privileges: Iterable[str] = PRIVILEGES,
    ) -> int:
        _require_leader(call, [groups[0], *(g for g in groups[1:] if g != USER)], "ModifyUser")
        privileges = set(privileges)
        if SYSTEM in groups:
            _refuse_elevation(call, privileges)
        withheld = [p for p in PRIVILEGES if p not in privileges]
        return accounts.create_user(call, user, groups, password, withheld)

    @writing
    def createGroup(self, call: Call, group: ExperimenterGroup) -> int:
        """Make a group."""
        call.require_admin()
        _require_leader(call, [-1], "ModifyGroup")
        return accounts.create_group(call, group)

    @writing
    def updateExperimenter(self, call: Call, experimenter: Experimenter) -> None:
        """Change a user; one's own name and address everybody may change."""
        who = accounts.user_id(call, experimenter)
        try:
            _require_leader_of_user(call, who)
        except omero.SecurityViolation:
            if who != call.user_id:
                raise
            accounts.change_user(call, who, experimenter, SELF)
            return
        self._change(call, who, experimenter)

    @writing
    def updateExperimenterWithPassword(
        self, call: Call, experimenter: Experimenter, password: "omero.RString"
    ) -> None:
        """Change a user and the password."""
        call.require_password()
        who = accounts.user_id(call, experimenter)
        _require_leader_of_user(call, who)
        _refuse_password_of_better(call, who)
        self._change(call, who, experimenter)
        passwords.store(call.db, who, _text(password))

    def _change(self, call: Call, who: int, experimenter: Experimenter) -> None:
        held, new = call.people.users[who].name, _value(experimenter.omeName)
        if held != new and held in SPECIAL_USERS:
            raise errors.validation(f"cannot change name of special experimenter '{held}'")
        if held != new and new in SPECIAL_USERS:
            raise errors.validation(f"cannot change name to special experimenter '{new}'")
        accounts.change_user(call, who, experimenter, ("omeName", *SELF))

    @writing
    def updateGroup(self, call: Call, group: ExperimenterGroup) -> None:
        """Change a group's name, description and permissions."""
        identifier = accounts.group_id(call, group)
        _require_leader(call, [identifier], "ModifyGroup")
        if group.details is not None and group.details.permissions is not None:
            accounts.change_permissions(call, identifier, group.details.permissions.getPerm1())
        held, new = call.people.groups[identifier].name, _value(group.name)
        if held != new and held in SPECIAL_GROUPS:
            raise errors.validation(f"cannot change name of special group '{held}'")
        if held != new and new in SPECIAL_GROUPS:
            raise errors.validation(f"cannot change name to special group '{new}'")
        if held != new and identifier == call.group_id:
            raise errors.validation(f"cannot rename the current group context '{held}'")
        accounts.change_group(call, identifier, group)

    @writing
    def changePermissions(self, call: Call, obj: IObject, perms: "omero.model.Permissions") -> None:
        """Change a group's permissions, where nothing stands in the way that would be seen no more."""
        if obj is None or class_name(obj) != "ExperimenterGroup":
            raise errors.security("Only groups allowed")
        if obj.id is None:
            raise errors.api_usage("ID cannot be null")
        identifier = accounts.group_id(call, obj)
        if "ModifyGroup" not in call.user.privileges and not call.leads(identifier):
            raise errors.security("chmod not permitted")
        accounts.change_permissions(call, identifier, perms.getPerm1())

    @writing
    def deleteExperimenter(self, call: Call, user: Experimenter) -> None:
        """Remove a user who owns nothing."""
        who = accounts.user_id(call, user)
        _require_leader_of_user(call, who)
        accounts.delete_user(call, who)

    @writing
    def deleteGroup(self, call: Call, group: ExperimenterGroup) -> None:
        """Remove a group that holds nothing."""
        identifier = accounts.group_id(call, group)
        _require_leader(call, [identifier], "ModifyGroup")
        accounts.delete_group(call, identifier)

    # ------------------------------------------------------------ memberships
    @writing
    def addGroups(self, call: Call, user: Experimenter, groups: list[ExperimenterGroup]) -> None:
        """Make a user a member of groups."""
        if not groups:
            raise errors.validation("Nothing to do.")
        for obj in (user, *groups):
            if obj is None:
                raise errors.api_usage("Argument may not be null.")
            if obj.id is None:
                raise errors.api_usage(f"{CLASSES[class_name(obj)].java} has no id.")
        self._add(call, accounts.user_id(call, user), accounts.group_ids(call, groups))

    def _add(self, call: Call, who: int, groups: list[int]) -> None:
        _require_leader(call, groups, "ModifyGroupMembership")
        known = call.people.users[who]
        if SYSTEM in groups and not known.is_admin:
            _refuse_elevation(call, set(PRIVILEGES) - known.without)
        accounts.add_to_groups(call, who, groups)

    @writing
    def removeGroups(self, call: Call, user: Experimenter, groups: list[ExperimenterGroup]) -> None:
        """End a user's membership of groups."""
        if user is None:
            return
        who = accounts.user_id(call, user)
        ids = [int(g.id.val) for g in groups or [] if g is not None and g.id is not None]
        _require_leader(call, ids, "ModifyGroupMembership")
        needed = SYSTEM in ids or USER in ids
        if needed and who == ROOT:
            raise errors.validation(
                "experimenter 'root' may not be removed from the 'system' or 'user' group"
            )
        if needed and who == call.user_id:
            raise errors.validation(
                "experimenters may not remove themselves from the 'system' or 'user' group"
            )
        left = [g for g in call.people.users[who].groups if g not in ids]
        if not left:
            raise errors.validation("experimenter must remain a member of some group")
        if left == [USER]:
            raise errors.validation(
                "experimenter cannot be a member of only the 'user' group, a different default group is also required"
            )
        accounts.remove_from_groups(call, who, ids)

    @writing
    def setDefaultGroup(self, call: Call, user: Experimenter, group: ExperimenterGroup) -> None:
        """Set the group that a user's sessions begin in."""
        if user is None or group is None:
            return
        if group.id is None:
            raise errors.api_usage(
                "Group argument to setDefaultGroup must be managed (i.e. have an id)"
            )
        who = accounts.user_id(call, user)
        if who != call.user_id and "ModifyUser" not in call.user.privileges:
            raise errors.security(f"User {who} can only set own default group.")
        if group.id.val == USER:
            raise errors.api_usage("Cannot set default group to: user")
        accounts.set_default_group(call, who, accounts.group_id(call, group))

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
        """Set whether users lead a group; who is not in it becomes a member in either case."""
        if group is None:
            return
        if group.id is None:
            raise errors.api_usage(
                "Group argument to setGroupOwner must be managed (i.e. have an id)"
            )
        identifier = accounts.group_id(call, group)
        _require_leader(call, [identifier], "ModifyGroupMembership")
        for owner in owners or []:
            if owner is None:
                continue
            if owner.id is None:
                raise errors.api_usage(
                    "Owner argument to setGroupOwner must be managed (i.e. have an id)"
                )
            who = accounts.user_id(call, owner)
            if identifier not in call.people.users[who].groups:
                self._add(call, who, [identifier])
            accounts.set_leader(call, who, identifier, leads=leads)

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
        found = _trusted(call, obj)
        owner = call.people.user_named(omeName)
        if owner is None:
            raise errors.api_usage(f"No such experimenter: {omeName}")
        found.details.owner = omero.model.ExperimenterI(owner.id, False)
        saving.save(call, [found])

    @writing
    def changeGroup(self, call: Call, obj: IObject, groupName: str) -> None:
        """Move one object (an Image with its Pixels) to another group that one is in, where nothing elsewhere refers to it."""
        found = _trusted(call, obj)
        group = call.people.group_named(groupName)
        if group is None:
            raise errors.api_usage(f"No such group: {groupName}")
        cls, identifier = class_name(found), int(found.id.val)
        if found.details.owner.id.val != call.user_id and not call.is_admin:
            raise errors.security(f"Cannot change group for:{CLASSES[cls].java}:Id_{identifier}")
        if group.id == USER:
            raise errors.security("Use moveToCommonSpace for moving to user group")
        if group.id not in call.user.groups:
            raise errors.security(f"Can't change to group; not a member of {group.id}")
        owning.move(call, cls, identifier, group.id)

    @writing
    def moveToCommonSpace(self, call: Call, objects: list[IObject]) -> None:
        """Move objects to the group of everybody, and nothing that belongs to them; leaders and administrators only."""
        for obj in objects or []:
            if obj is None:
                continue
            found = _trusted(call, obj)
            group = int(found.details.group.id.val)
            if group != USER:
                _require_leader(call, [group], "ModifyGroup")
                saving.change(call, class_name(found), found.id.val, details_group=USER)

    # ------------------------------------------------------------ passwords
    @writing
    def changePassword(self, call: Call, newPassword: "omero.RString | None") -> None:
        """Change one's own password; None: none will do."""
        call.require_password()
        passwords.store(call.db, call.user_id, _text(newPassword))

    @writing
    def changePasswordWithOldPassword(
        self,
        call: Call,
        oldPassword: "omero.RString | None",
        newPassword: "omero.RString | None",
    ) -> None:
        """Change one's own password, giving the old one."""
        if oldPassword is None:
            raise errors.api_usage("Value for digesting may not be null")
        if not passwords.check(call.db, call.user_id, oldPassword.val):
            raise errors.security("Old password is invalid")
        passwords.store(call.db, call.user_id, _text(newPassword))

    @writing
    def changeUserPassword(
        self, call: Call, omeName: str, newPassword: "omero.RString | None"
    ) -> None:
        """Change somebody's password; not that of somebody with more privileges."""
        call.require_password()
        user = call.people.user_named(omeName)
        if user is None:
            raise errors.api_usage(f"No such experimenter: {omeName}")
        _require_leader_of_user(call, user.id)
        _refuse_password_of_better(call, user.id)
        passwords.store(call.db, user.id, _text(newPassword))


def _refuse_password_of_better(call: Call, user: int) -> None:
    if not set(call.people.users[user].privileges) <= set(call.user.privileges):
        raise errors.security("Cannot change the password of a more privileged user.")


def _trusted(call: Call, obj: IObject | None) -> IObject:
    """Return an object as it is in the database, where it may be seen."""
    if obj is None:
        raise errors.api_usage("Argument cannot be null")
    if obj.id is None:
        raise errors.internal("Wrapped Exception: (java.lang.NullPointerException):\nnull")
    cls, identifier = class_name(obj), obj.id.val
    found = Loader(call).object(cls, identifier) if check_readable(call, cls, identifier) else None
    if found is None:
        raise errors.missing_row(CLASSES[cls].java, identifier)
    return found


def _value(field: "omero.RString | None") -> str | None:
    return None if field is None else str(field.val)


def _text(password: "omero.RString | None") -> str | None:
    return None if password is None else str(password.val)
