"""Users, groups and passwords over IAdmin."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import Ice
import omero
import omero.model
import pytest
from omero.rtypes import rbool, rstring

from omero_embedded import Server
from omero_embedded.pytest_plugin import OmeroUser


@pytest.fixture
def root(omero_server: Server) -> Iterator[Any]:
    client = omero.client(omero_server.host, omero_server.port)
    client.createSession(omero_server.user, omero_server.password)
    yield client.sf.getAdminService()
    client.closeSession()


@pytest.fixture
def admin(omero_client: omero.client) -> Any:
    return omero_client.sf.getAdminService()


def new_group(permissions: str | None = None) -> omero.model.ExperimenterGroupI:
    made = omero.model.ExperimenterGroupI()
    made.name, made.ldap = rstring(f"group-{uuid4()}"), rbool(False)
    if permissions is not None:
        made.details.permissions = omero.model.PermissionsI(permissions)
    return made


def new_user() -> omero.model.ExperimenterI:
    made = omero.model.ExperimenterI()
    made.omeName = rstring(f"user-{uuid4()}")
    made.firstName, made.lastName, made.ldap = rstring("A"), rstring("B"), rbool(False)
    return made


def group(identifier: int) -> omero.model.ExperimenterGroupI:
    return omero.model.ExperimenterGroupI(identifier, False)


def user(identifier: int) -> omero.model.ExperimenterI:
    return omero.model.ExperimenterI(identifier, False)


def logs_in(server: Server, name: str, password: str) -> bool:
    client = omero.client(server.host, server.port)
    try:
        client.createSession(name, password)
    except Ice.UserException:
        return False
    finally:
        client.closeSession()
    return True


def test_a_new_group_is_private_unless_it_says_otherwise(root: Any) -> None:
    kinds = {None: "rw----", "rwr---": "rwr---", "rwra--": "rwra--", "rwrw--": "rwrw--"}
    for asked, given in kinds.items():
        assert str(root.getGroup(root.createGroup(new_group(asked))).details.permissions) == given


def test_names_of_groups_and_users_are_taken_once(root: Any) -> None:
    twice, same = new_group(), new_user()
    made = root.createGroup(twice)
    with pytest.raises(omero.ValidationException, match="could not insert"):
        root.createGroup(twice)
    root.createExperimenter(same, group(made), [])
    with pytest.raises(omero.ValidationException, match="could not insert"):
        root.createExperimenter(same, group(made), [])


def test_a_user_has_groups_the_first_one_by_default(root: Any) -> None:
    first, second = root.createGroup(new_group()), root.createGroup(new_group())
    made = root.createExperimenter(new_user(), group(first), [group(second), group(1)])
    assert root.getMemberOfGroupIds(user(made)) == [first, second, 1]
    assert root.getDefaultGroup(made).id.val == first
    root.setDefaultGroup(user(made), group(second))
    assert root.getDefaultGroup(made).id.val == second
    maps = root.getExperimenter(made).copyGroupExperimenterMap()
    assert [m.parent.id.val for m in maps] == [second, first, 1]
    root.removeGroups(user(made), [group(first)])
    assert root.getMemberOfGroupIds(user(made)) == [second, 1]
    assert made not in [e.id.val for e in root.containedExperimenters(first)]


def test_leaders_are_members_who_lead(root: Any) -> None:
    where = root.createGroup(new_group())
    who = root.createExperimenter(new_user(), group(1), [])
    root.setGroupOwner(group(where), user(who))
    assert root.getLeaderOfGroupIds(user(who)) == [where]
    root.unsetGroupOwner(group(where), user(who))
    assert root.getLeaderOfGroupIds(user(who)) == []
    assert where in root.getMemberOfGroupIds(user(who))


def test_a_leader_may_add_members_and_change_the_groups_permissions(
    root: Any, omero_new_user: Callable[..., OmeroUser]
) -> None:
    lea = omero_new_user(leader=True)
    stranger = root.createExperimenter(new_user(), group(1), [])
    client = lea.log_in()
    admin = client.sf.getAdminService()
    admin.addGroups(user(stranger), [group(lea.group)])
    assert lea.group in admin.getMemberOfGroupIds(user(stranger))
    changed = admin.getGroup(lea.group)
    changed.details.permissions = omero.model.PermissionsI("rwrw--")
    admin.updateGroup(changed)
    assert str(admin.getGroup(lea.group).details.permissions) == "rwrw--"
    with pytest.raises(omero.SecurityViolation):
        admin.addGroups(user(stranger), [group(0)])
    client.closeSession()


def test_administrators_alone_make_groups_and_administrators(admin: Any) -> None:
    for attempt in (
        lambda: admin.createGroup(new_group()),
        lambda: admin.createSystemUser(new_user()),
        lambda: admin.setAdminPrivileges(user(1), []),
        admin.synchronizeLoginCache,
    ):
        with pytest.raises(omero.SecurityViolation, match="No matching roles found"):
            attempt()


def test_users_and_memberships_are_for_administrators_and_leaders(admin: Any) -> None:
    for attempt in (
        lambda: admin.createUser(new_user(), "system"),
        lambda: admin.createExperimenter(new_user(), group(0), []),
        lambda: admin.changeUserPassword("root", rstring("mine")),
        lambda: admin.addGroups(user(1), [group(0)]),
        lambda: admin.removeGroups(user(0), [group(0)]),
        lambda: admin.setGroupOwner(group(0), user(1)),
        lambda: admin.updateGroup(admin.getGroup(1)),
        lambda: admin.deleteExperimenter(user(1)),
        lambda: admin.deleteGroup(group(2)),
        lambda: admin.updateExperimenter(admin.getExperimenter(0)),
    ):
        with pytest.raises(omero.SecurityViolation, match="neither admin nor group-leader"):
            attempt()


def test_the_roles_in_a_refusal_are_the_groups_in_their_order(
    root: Any, omero_new_user: Callable[..., OmeroUser]
) -> None:
    someone = omero_new_user()
    client = someone.log_in()
    mine = root.getGroup(someone.group).name.val
    with pytest.raises(omero.SecurityViolation, match=rf"found in \[{mine}, user\] for session"):
        client.sf.getAdminService().createGroup(new_group())
    client.closeSession()


def test_a_leader_makes_users_in_the_group_and_sets_their_passwords(
    root: Any, omero_server: Server, omero_new_user: Callable[..., OmeroUser]
) -> None:
    lea = omero_new_user(leader=True)
    client = lea.log_in()
    admin, made = client.sf.getAdminService(), new_user()
    identifier = admin.createUser(made, root.getGroup(lea.group).name.val)
    assert admin.getMemberOfGroupIds(user(identifier)) == [lea.group, 1]
    assert not logs_in(omero_server, made.omeName.val, " ")
    admin.changeUserPassword(made.omeName.val, rstring("from lea"))
    assert logs_in(omero_server, made.omeName.val, "from lea")
    client.closeSession()


def test_users_and_groups_need_their_values(root: Any) -> None:
    nameless = new_user()
    nameless.omeName = None
    unsaid = new_user()
    unsaid.ldap = None
    for made, message in ((nameless, "OmeName may not be null"), (unsaid, "Experimenter.ldap")):
        with pytest.raises(omero.ValidationException, match=message):
            root.createExperimenter(made, group(2), [])
    with pytest.raises(omero.ValidationException, match="Group name may not be null"):
        root.createGroup(omero.model.ExperimenterGroupI())
    with pytest.raises(omero.ApiUsageException, match="Group must be persistent"):
        root.createExperimenter(new_user(), omero.model.ExperimenterGroupI(), [])
    with pytest.raises(omero.ApiUsageException, match="No such group: nowhere"):
        root.createUser(new_user(), "nowhere")


def test_a_user_stays_in_a_group_that_sessions_can_begin_in(root: Any) -> None:
    first = root.createGroup(new_group())
    made = root.createExperimenter(new_user(), group(first), [group(1)])
    with pytest.raises(omero.ValidationException, match="remain a member of some group"):
        root.removeGroups(user(made), [group(first), group(1)])
    with pytest.raises(omero.ValidationException, match="member of only the 'user' group"):
        root.removeGroups(user(made), [group(first)])
    root.removeGroups(user(made), [group(1)])
    assert root.getMemberOfGroupIds(user(made)) == [first]
    root.addGroups(user(made), [group(1)])
    for groups in ([group(0)], [group(1)]):
        with pytest.raises(omero.ValidationException, match="'root' may not be removed"):
            root.removeGroups(user(0), groups)


def test_the_group_of_everybody_is_nobodys_default(root: Any) -> None:
    made = root.createExperimenter(new_user(), group(1), [])
    with pytest.raises(omero.ValidationException, match=f"{made} has no default group set"):
        root.getDefaultGroup(made)
    with pytest.raises(omero.ApiUsageException, match="Cannot set default group to: user"):
        root.setDefaultGroup(user(made), group(1))
    other = root.createGroup(new_group())
    with pytest.raises(omero.ApiUsageException, match=f"{other} was not found for user {made}"):
        root.setDefaultGroup(user(made), group(other))
    root.addGroups(user(made), [group(other)])
    assert root.getMemberOfGroupIds(user(made)) == [other, 1]
    assert root.getDefaultGroup(made).id.val == other


def test_one_sets_ones_own_default_group_and_nobody_elses(admin: Any) -> None:
    with pytest.raises(omero.SecurityViolation, match="User 0 can only set own default group"):
        admin.setDefaultGroup(user(0), group(1))


def test_what_is_to_be_added_must_be_there(root: Any) -> None:
    with pytest.raises(omero.ValidationException, match="Nothing to do"):
        root.addGroups(user(0), [])
    with pytest.raises(omero.ApiUsageException, match="Argument may not be null"):
        root.addGroups(None, [group(1)])
    with pytest.raises(omero.ApiUsageException, match=r"ome\.model\.meta\.Experimenter has no id"):
        root.addGroups(omero.model.ExperimenterI(), [group(1)])


def test_special_names_and_the_current_group_keep_their_names(root: Any) -> None:
    for special in (0, 1):
        changed = root.getExperimenter(special)
        changed.omeName = rstring(f"other-{uuid4()}")
        with pytest.raises(omero.ValidationException, match="name of special experimenter"):
            root.updateExperimenter(changed)
        changed = root.getGroup(special + 1)
        changed.name = rstring(f"other-{uuid4()}")
        with pytest.raises(omero.ValidationException, match="name of special group"):
            root.updateGroup(changed)


def test_a_leader_cannot_rename_the_group_of_the_session(
    omero_new_user: Callable[..., OmeroUser],
) -> None:
    lea = omero_new_user(leader=True)
    client = lea.log_in()
    changed = client.sf.getAdminService().getGroup(lea.group)
    changed.name = rstring(f"other-{uuid4()}")
    with pytest.raises(omero.ValidationException, match="cannot rename the current group context"):
        client.sf.getAdminService().updateGroup(changed)
    client.sf.setSecurityContext(group(1))
    client.sf.getAdminService().updateGroup(changed)
    assert client.sf.getAdminService().getGroup(lea.group).name.val == changed.name.val
    client.closeSession()


def test_only_groups_permissions_are_changed_and_only_where_nothing_stands_in_the_way(
    root: Any, omero_new_user: Callable[..., OmeroUser]
) -> None:
    ann = omero_new_user(permissions="rwra--")
    bob = omero_new_user(group=ann.group)
    clients = [ann.log_in(), bob.log_in()]
    dataset, private = omero.model.DatasetI(), omero.model.PermissionsI("rw----")
    dataset.name = rstring("d")
    saved = clients[0].sf.getUpdateService().saveAndReturnObject(dataset)
    admin = clients[0].sf.getAdminService()
    with pytest.raises(omero.SecurityViolation, match="Only groups allowed"):
        admin.changePermissions(saved, private)
    with pytest.raises(omero.SecurityViolation, match="chmod not permitted"):
        admin.changePermissions(group(ann.group), private)
    link = omero.model.DatasetAnnotationLinkI()
    link.parent, link.child = saved.proxy(), omero.model.TagAnnotationI()
    clients[1].sf.getUpdateService().saveObject(link)
    with pytest.raises(omero.SecurityViolation, match="due to locks"):
        root.changePermissions(group(ann.group), private)
    with pytest.raises(omero.GroupSecurityViolation, match="Cannot remove user read"):
        root.changePermissions(group(ann.group), omero.model.PermissionsI("------"))
    root.changePermissions(group(ann.group), omero.model.PermissionsI("rwr---"))
    assert str(root.getGroup(ann.group).details.permissions) == "rwr---"
    for client in clients:
        client.closeSession()


def test_a_group_comes_with_its_members_and_all_groups_with_the_members_groups_too(
    omero_new_user: Callable[..., OmeroUser],
) -> None:
    ann = omero_new_user()
    client = ann.log_in()
    admin = client.sf.getAdminService()
    [member] = admin.getGroup(ann.group).copyGroupExperimenterMap()
    assert member.child.omeName.val == ann.name
    assert not member.child.groupExperimenterMapLoaded
    [found] = [g for g in admin.lookupGroups() if g.id.val == ann.group]
    [member] = found.copyGroupExperimenterMap()
    assert {m.parent.id.val for m in member.child.copyGroupExperimenterMap()} == {ann.group, 1}
    assert not admin.getDefaultGroup(ann.id).groupExperimenterMapLoaded
    client.closeSession()


def test_who_one_is_does_not_depend_on_the_context_of_the_call(
    omero_new_user: Callable[..., OmeroUser],
) -> None:
    ann = omero_new_user()
    client = ann.log_in()
    for context in ({"omero.group": "1"}, {"omero.group": "-1"}):
        assert client.sf.getAdminService().getEventContext(context).groupId == ann.group
    client.closeSession()


def test_whether_one_may_change_an_object_is_asked_of_those_one_sees(
    root: Any, admin: Any, omero_new_user: Callable[..., OmeroUser]
) -> None:
    with pytest.raises(omero.ApiUsageException, match="Argument cannot be null"):
        admin.canUpdate(None)
    with pytest.raises(omero.ValidationException, match="No row with the given identifier"):
        admin.canUpdate(omero.model.DatasetI(2**40, False))
    other = omero_new_user().log_in()
    dataset = omero.model.DatasetI()
    dataset.name = rstring("d")
    saved = other.sf.getUpdateService().saveAndReturnObject(dataset)
    assert other.sf.getAdminService().canUpdate(saved)
    with pytest.raises(omero.SecurityViolation, match="Cannot read"):
        admin.canUpdate(saved)
    other.closeSession()


def test_what_is_not_there_is_named(admin: Any) -> None:
    with pytest.raises(omero.ApiUsageException, match="No such experimenter: nobody"):
        admin.lookupExperimenter("nobody")
    with pytest.raises(omero.ApiUsageException, match="No such group: nothing"):
        admin.lookupGroup("nothing")


def test_one_changes_ones_own_password_with_the_old_one(
    omero_server: Server, omero_new_user: Callable[..., OmeroUser]
) -> None:
    ann = omero_new_user()
    client = ann.log_in()
    admin = client.sf.getAdminService()
    with pytest.raises(omero.SecurityViolation, match="Old password is invalid"):
        admin.changePasswordWithOldPassword(rstring("wrong"), rstring("new"))
    admin.changePasswordWithOldPassword(rstring(ann.password), rstring("new"))
    client.closeSession()
    assert logs_in(omero_server, ann.name, "new")
    assert not logs_in(omero_server, ann.name, ann.password)


def test_one_changes_ones_own_name_whoever_the_object_stands_for(admin: Any) -> None:
    me = admin.getExperimenter(admin.getEventContext().userId)
    me.lastName = rstring("Other")
    admin.updateSelf(me)
    assert admin.getExperimenter(me.id.val).lastName.val == "Other"
    other = admin.getExperimenter(0)
    other.lastName = rstring("Mine")
    admin.updateSelf(other)
    assert admin.getExperimenter(me.id.val).lastName.val == "Mine"
    assert admin.getExperimenter(0).lastName.val == "root"


def test_updating_oneself_as_a_user_changes_all_but_the_login_name(admin: Any) -> None:
    me = admin.getExperimenter(admin.getEventContext().userId)
    name = me.omeName.val
    me.omeName, me.email = rstring("mine"), rstring("me@example.org")
    admin.updateExperimenter(me)
    found = admin.getExperimenter(me.id.val)
    assert (found.omeName.val, found.email.val) == (name, "me@example.org")


def test_a_password_that_was_taken_away_lets_nobody_in(
    omero_server: Server, omero_new_user: Callable[..., OmeroUser]
) -> None:
    ann = omero_new_user()
    client = ann.log_in()
    admin = client.sf.getAdminService()
    admin.changePassword(None)
    for password in ("", " ", ann.password):
        with pytest.raises(omero.SecurityViolation, match="Old password is invalid"):
            admin.changePasswordWithOldPassword(rstring(password), rstring("new"))
    with pytest.raises(omero.ApiUsageException):
        admin.changePasswordWithOldPassword(None, rstring("new"))
    admin.changePassword(rstring("new"))
    client.closeSession()
    assert logs_in(omero_server, ann.name, "new")


def test_an_administrator_can_be_left_with_few_privileges(root: Any, omero_server: Server) -> None:
    privileges = [p for p in root.getCurrentAdminPrivileges() if p.value.val == "ReadSession"]
    made = new_user()
    identifier = root.createRestrictedSystemUserWithPassword(made, privileges, rstring("secret"))
    assert [p.value.val for p in root.getAdminPrivileges(user(identifier))] == ["ReadSession"]
    client = omero.client(omero_server.host, omero_server.port)
    client.createSession(made.omeName.val, "secret")
    context = client.sf.getAdminService().getEventContext()
    assert (context.isAdmin, context.adminPrivileges) == (True, ["ReadSession"])
    with pytest.raises(omero.SecurityViolation):
        client.sf.getAdminService().createGroup(new_group())
    client.closeSession()


@contextmanager
def light_admin(root: Any, server: Server, *privileges: str) -> Iterator[Any]:
    """Give a client of an administrator who has these privileges."""
    given = [p for p in root.getCurrentAdminPrivileges() if p.value.val in privileges]
    made = new_user()
    root.createRestrictedSystemUserWithPassword(made, given, rstring("secret"))
    client = omero.client(server.host, server.port)
    client.createSession(made.omeName.val, "secret")
    yield client
    client.closeSession()


def test_nobody_gives_privileges_that_one_does_not_have(root: Any, omero_server: Server) -> None:
    with light_admin(root, omero_server, "ModifyUser", "ModifyGroupMembership") as client:
        admin = client.sf.getAdminService()
        made = admin.createUser(new_user(), "guest")
        for attempt in (
            lambda: admin.createSystemUser(new_user()),
            lambda: admin.addGroups(user(made), [group(0)]),
        ):
            with pytest.raises(omero.SecurityViolation, match="cannot give administrator"):
                attempt()
        with pytest.raises(omero.SecurityViolation, match="more privileged user"):
            admin.changeUserPassword("root", rstring("mine"))
        with pytest.raises(omero.SecurityViolation, match="neither admin nor group-leader"):
            admin.createGroup(new_group())
    with pytest.raises(omero.ApiUsageException, match="privileges from the root user"):
        root.setAdminPrivileges(user(0), [])


@pytest.mark.parametrize(
    ("privileges", "allowed"),
    [((), ""), (("WriteOwned",), "AEL"), (("DeleteOwned",), "D"), (("Chgrp", "Chown"), "GO")],
)
def test_an_administrator_may_do_with_others_objects_what_the_privileges_say(
    root: Any,
    omero_server: Server,
    omero_new_user: Callable[..., OmeroUser],
    privileges: tuple[str, ...],
    allowed: str,
) -> None:
    ann = omero_new_user(permissions="rwr---")
    client, dataset = ann.log_in(), omero.model.DatasetI()
    dataset.name = rstring("ann's")
    saved = client.sf.getUpdateService().saveAndReturnObject(dataset)
    client.closeSession()
    context = {"omero.group": str(ann.group)}
    with light_admin(root, omero_server, *privileges) as light:
        found = light.sf.getQueryService().get("Dataset", saved.id.val, context)
        may = found.details.permissions
        flags = {
            "A": may.canAnnotate(), "D": may.canDelete(), "E": may.canEdit(), "L": may.canLink(),
            "G": may.canChgrp(), "O": may.canChown(),
        }  # fmt: skip
        assert "".join(sorted(f for f, yes in flags.items() if yes)) == allowed
        new = omero.model.DatasetI()
        new.name = rstring("light's")
        update = light.sf.getUpdateService()
        if "WriteOwned" in privileges:
            update.saveObject(new, context)
        else:
            with pytest.raises(omero.SecurityViolation, match="not authorized to create"):
                update.saveObject(new, context)
        if "DeleteOwned" in privileges:
            update.deleteObject(saved.proxy(), context)
        else:
            with pytest.raises(omero.SecurityViolation, match=r"Deleting .* not allowed"):
                update.deleteObject(saved.proxy(), context)
