"""omero.api.ISession: sessions begun for oneself and for others, how long they live, who sees them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import omero
import omero.clients
import omero.cmd
import omero.model
import omero.sys
import pytest
from omero.rtypes import rlong, rstring, unwrap

from omero_bench import run
from omero_embedded import Server
from omero_embedded.pytest_plugin import OmeroUser

NewUser = Callable[..., OmeroUser]


def principal(name: str, group: str = "", kind: str = "User") -> Any:
    return omero.sys.Principal(name, group, kind, None)


@pytest.fixture
def root(omero_server: Server) -> Iterator[Any]:
    client = omero.client(omero_server.host, omero_server.port)
    client.createSession(omero_server.user, omero_server.password)
    yield client
    client.closeSession()


@contextmanager
def joined(server: Server, session: Any) -> Iterator[Any]:
    client = omero.client(server.host, server.port)
    client.joinSession(session.uuid.val)
    yield client
    client.closeSession()


def name_of(root: Any, group: int) -> str:
    return str(root.sf.getAdminService().getGroup(group).name.val)


# ---------------------------------------------------------------- for others
def test_an_administrator_acts_for_a_user(
    root: Any, omero_server: Server, omero_new_user: NewUser
) -> None:
    ann = omero_new_user()
    begin = root.sf.getSessionService().createSessionWithTimeouts
    session = begin(principal(ann.name, kind="Test"), 60_000, 5_000)
    told = [session.timeToLive, session.timeToIdle, session.userAgent, session.defaultEventType]
    assert unwrap(told) == [60_000, 5_000, "OMERO.sudo", "Test"]
    with joined(omero_server, session) as client:
        context = client.sf.getAdminService().getEventContext()
        assert (context.userName, context.isAdmin) == (ann.name, False)
        assert (unwrap(context.sudoerName), unwrap(context.sudoerId)) == ("root", 0)


def test_a_session_for_somebody_is_never_idle_for_too_long_unless_a_time_is_given(
    root: Any, omero_new_user: NewUser
) -> None:
    begin = root.sf.getSessionService().createSessionWithTimeout
    session = begin(principal(omero_new_user().name), 60_000)
    assert unwrap([session.timeToLive, session.timeToIdle]) == [60_000, 0]


def test_a_leader_acts_for_a_member_in_the_groups_led_and_nowhere_else(
    root: Any, omero_server: Server, omero_new_user: NewUser
) -> None:
    lea, ann = omero_new_user(leader=True), omero_new_user()
    led = name_of(root, lea.group)
    member, group = omero.model.ExperimenterI(ann.id, False), omero.model.ExperimenterGroupI
    root.sf.getAdminService().addGroups(member, [group(lea.group, False)])
    client = lea.log_in()
    begin = client.sf.getSessionService().createSessionWithTimeout
    own = name_of(root, ann.group)
    refused = rf"Group sudo is not permitted for group {own} \(gid={ann.group}\)"
    with pytest.raises(omero.SecurityViolation, match=refused):
        begin(principal(ann.name), 60_000)
    with joined(omero_server, begin(principal(ann.name, led), 60_000)) as sudo:
        assert sudo.sf.getAdminService().getEventContext().userName == ann.name
        query = sudo.sf.getQueryService()
        for attempt in (
            lambda: sudo.sf.setSecurityContext(group(ann.group, False)),
            lambda: query.findAll("Dataset", None, {"omero.group": str(ann.group)}),
            lambda: query.findAll("Dataset", None, {"omero.group": "-1"}),
        ):
            with pytest.raises(omero.SecurityViolation, match="Group-sudo session cannot change"):
                attempt()
    client.closeSession()


def test_nobody_else_acts_for_others_not_even_for_oneself(
    omero_client: Any, omero_new_user: NewUser
) -> None:
    me = omero_client.sf.getAdminService().getEventContext().userName
    for name in (me, omero_new_user().name, "root"):
        with pytest.raises(omero.SecurityViolation, match="Group sudo is not permitted"):
            omero_client.sf.getSessionService().createSessionWithTimeout(principal(name), 60_000)


def test_who_acts_for_an_administrator_has_no_more_privileges_than_before(
    root: Any, omero_server: Server
) -> None:
    admin, light = root.sf.getAdminService(), omero.model.ExperimenterI()
    light.omeName, light.firstName, light.lastName = (rstring(f"light-{id(root)}"), rstring("l"), rstring("a"))  # fmt: skip
    light.ldap = omero.rtypes.rbool(False)
    sudo = [p for p in admin.getCurrentAdminPrivileges() if p.value.val == "Sudo"]
    admin.createRestrictedSystemUserWithPassword(light, sudo, rstring("secret"))
    client = omero.client(omero_server.host, omero_server.port)
    client.createSession(light.omeName.val, "secret")
    session = client.sf.getSessionService().createSessionWithTimeout(principal("root"), 60_000)
    with joined(omero_server, session) as as_root:
        context = as_root.sf.getAdminService().getEventContext()
        assert (context.userName, context.adminPrivileges) == ("root", ["Sudo"])
    client.closeSession()


def test_a_session_for_nobody_is_refused(root: Any) -> None:
    begin = root.sf.getSessionService().createSessionWithTimeout
    with pytest.raises(omero.AuthenticationException):
        begin(principal("nobody"), 60_000)
    with pytest.raises(omero.RemovedSessionException, match="Cannot find a user with name nobody"):
        begin(principal("nobody", "system"), 60_000)
    for wrong in (principal("root", "nowhere"), principal("root", kind="Nonsense")):
        with pytest.raises(omero.AuthenticationException):
            begin(wrong, 60_000)


# ---------------------------------------------------------------- for oneself
def test_another_session_of_ones_own_lives_ten_times_as_long_at_most(omero_client: Any) -> None:
    service = omero_client.sf.getSessionService()
    session = service.createUserSession(10_000, 10**9, "")
    told = [session.timeToLive, session.timeToIdle, session.userAgent]
    assert unwrap(told) == [0, 6_000_000, "createSession"]
    with pytest.raises(omero.SecurityViolation, match="Cannot disable timeToIdle"):
        service.createUserSession(10_000, 0, "")


def test_what_needs_a_password_is_refused_to_who_joined_without(
    root: Any, omero_server: Server, omero_new_user: NewUser
) -> None:
    ann = omero_new_user()
    begin = root.sf.getSessionService().createSessionWithTimeout
    with joined(omero_server, begin(principal(ann.name), 60_000)) as client:
        for attempt in (
            lambda: client.sf.getAdminService().changePassword(rstring("new")),
            lambda: client.sf.getAdminService().changeUserPassword(ann.name, rstring("new")),
            lambda: client.sf.getSessionService().createUserSession(10_000, 10_000, ""),
        ):
            with pytest.raises(omero.SecurityViolation, match="Bad authentication credentials"):
                attempt()
        with pytest.raises(omero.SecurityViolation, match=f"Bad password for {ann.name}"):
            client.sf.setSecurityPassword("wrong")
        client.sf.setSecurityPassword(ann.password)
        client.sf.getAdminService().changePassword(rstring("new"))


def test_a_session_is_begun_with_a_password_or_gone_on_with_by_its_uuid(
    omero_client: Any, omero_new_user: NewUser
) -> None:
    ann, service = omero_new_user(), omero_client.sf.getSessionService()
    session = service.createSession(principal(ann.name), ann.password)
    again = service.createSession(principal(ann.name), session.uuid.val)
    assert again.uuid.val == session.uuid.val
    assert service.getReferenceCount(session.uuid.val) == 2
    with pytest.raises(omero.AuthenticationException):
        service.createSession(principal(ann.name), "wrong")


# ---------------------------------------------------------------- how long
def test_a_session_is_used_by_who_began_it_until_it_is_closed(
    root: Any, omero_server: Server, omero_new_user: NewUser
) -> None:
    service = root.sf.getSessionService()
    session = service.createSessionWithTimeout(principal(omero_new_user().name), 60_000)
    uuid = session.uuid.val
    assert service.getReferenceCount(uuid) == 1
    with joined(omero_server, session):
        assert service.getReferenceCount(uuid) == 2
    assert service.getReferenceCount(uuid) == 1
    assert service.closeSession(session) == -2
    assert service.closeSession(session) == -1
    for ask in (service.getSession, service.getReferenceCount, service.getInputs):
        with pytest.raises(omero.RemovedSessionException, match=f"No context for {uuid}"):
            ask(uuid)


def test_closing_a_session_that_others_use_tells_how_many(
    root: Any, omero_server: Server, omero_new_user: NewUser
) -> None:
    service = root.sf.getSessionService()
    session = service.createSessionWithTimeout(principal(omero_new_user().name), 60_000)
    with joined(omero_server, session):
        assert service.closeSession(session) == 1
        assert service.getSession(session.uuid.val).uuid.val == session.uuid.val


def test_administrators_alone_have_a_session_live_longer(root: Any, omero_client: Any) -> None:
    service, key = omero_client.sf.getSessionService(), omero_client.getSessionId()
    longer = omero.cmd.UpdateSessionTimeoutRequest(key, None, rlong(700_000))
    refused = run(omero_client, longer)
    assert refused.name == "non-admin-increase"
    assert refused.parameters == {"target": "700000", "current": "600000"}
    assert run(root, longer).__class__ is omero.cmd.OK
    assert service.getSession(key).timeToIdle.val == 700_000
    shorter = omero.cmd.UpdateSessionTimeoutRequest(key, None, rlong(500_000))
    assert run(omero_client, shorter).__class__ is omero.cmd.OK
    nothing = omero.cmd.UpdateSessionTimeoutRequest(key, None, None)
    refused = run(omero_client, nothing)
    assert (refused.name, refused.parameters) == ("no-update-performed", {"session": key})
    others = omero.cmd.UpdateSessionTimeoutRequest(root.getSessionId(), None, rlong(1))
    refused = run(omero_client, others)
    assert (refused.name, refused.parameters) == ("no-session", {})


# ---------------------------------------------------------------- who sees them
def test_one_sees_ones_own_sessions_and_those_begun_for_others(
    root: Any, omero_new_user: NewUser
) -> None:
    ann = omero_new_user()
    client = ann.log_in()
    begin = root.sf.getSessionService().createSessionWithTimeout
    sudo = begin(principal(ann.name), 60_000).uuid.val
    mine, query = client.getSessionId(), client.sf.getQueryService()
    assert [s.uuid.val for s in query.findAll("Session", None)] == [mine]
    other = root.sf.getAdminService().getEventContext().sessionId
    with pytest.raises(omero.SecurityViolation, match=r"Cannot read ome\.model\.meta\.Session"):
        query.get("Session", other)
    assert {mine, sudo} < {s.uuid.val for s in root.sf.getQueryService().findAll("Session", None)}
    client.closeSession()


def test_ones_open_sessions_are_told_the_newest_first(root: Any, omero_new_user: NewUser) -> None:
    ann = omero_new_user()
    client = ann.log_in()
    service = client.sf.getSessionService()
    begun = service.createUserSession(0, 10_000, "").uuid.val
    root.sf.getSessionService().createSessionWithTimeout(principal(ann.name), 60_000)
    assert [s.uuid.val for s in service.getMyOpenSessions()] == [begun, client.getSessionId()]
    assert [s.uuid.val for s in service.getMyOpenAgentSessions("createSession")] == [begun]
    assert service.getMyOpenAgentSessions("") == []
    assert service.getMyOpenClientSessions() == []
    client.closeSession()


def test_values_of_a_session_are_set_and_removed(omero_client: Any) -> None:
    service, key = omero_client.sf.getSessionService(), omero_client.getSessionId()
    service.setInput(key, "a", rlong(1))
    service.setInput(key, "b", rstring("x"))
    assert service.getInputKeys(key) == ["a", "b"]
    service.setInput(key, "a", None)
    assert unwrap(service.getInputs(key)) == {"b": "x"}
    assert service.getInput(key, "a") is None
