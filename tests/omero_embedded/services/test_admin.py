"""Users, groups and passwords over IAdmin."""

from collections.abc import Callable, Iterator
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


def test_ordinary_users_may_not_make_users_groups_or_administrators(admin: Any) -> None:
    for attempt in (
        lambda: admin.createGroup(new_group()),
        lambda: admin.createExperimenter(new_user(), group(1), []),
        lambda: admin.createSystemUser(new_user()),
        lambda: admin.changeUserPassword("root", rstring("mine")),
        lambda: admin.addGroups(user(1), [group(0)]),
        lambda: admin.deleteExperimenter(user(1)),
    ):
        with pytest.raises(omero.SecurityViolation, match="No matching roles found"):
            attempt()


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


def test_one_changes_ones_own_name_and_nobody_elses(admin: Any) -> None:
    me = admin.getExperimenter(admin.getEventContext().userId)
    me.lastName = rstring("Other")
    admin.updateSelf(me)
    assert admin.getExperimenter(me.id.val).lastName.val == "Other"
    with pytest.raises(omero.SecurityViolation):
        admin.updateSelf(admin.getExperimenter(0))


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


def test_root_logs_in_for_a_user_and_an_ordinary_user_does_not(
    omero_server: Server, omero_client: omero.client, omero_new_user: Callable[..., OmeroUser]
) -> None:
    ann = omero_new_user()
    client = omero.client(omero_server.host, omero_server.port)
    client.createSession(omero_server.user, omero_server.password)
    principal = omero.sys.Principal(ann.name, "", "Test", None)
    session = client.sf.getSessionService().createSessionWithTimeout(principal, 60_000)
    sudo = omero.client(omero_server.host, omero_server.port)
    sudo.joinSession(session.uuid.val)
    assert sudo.sf.getAdminService().getEventContext().userName == ann.name
    sudo.closeSession()
    client.closeSession()
    with pytest.raises(omero.SecurityViolation, match="Group sudo is not permitted"):
        omero_client.sf.getSessionService().createSessionWithTimeout(principal, 60_000)
