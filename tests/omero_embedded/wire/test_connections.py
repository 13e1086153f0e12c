"""Sessions and connections as with the real router: what ends when, and what goes on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import Ice
import omero
import pytest
from omero.rtypes import rstring

from omero_embedded import Server
from omero_embedded.pytest_plugin import OmeroUser

PLANE = bytes(range(48))


@contextmanager
def joined(server: Server, uuid: str) -> Iterator[omero.client]:
    client = omero.client(server.host, server.port)
    client.joinSession(uuid)
    try:
        yield client
    finally:
        client.closeSession()


def drop_connection(client: omero.client) -> None:
    """Close the client's connection as a failing network or a dying process does: without a word."""
    client.getRouter(client.getCommunicator()).ice_getConnection().close(True)


def until(condition: Callable[[], bool]) -> None:
    """Wait for what the server does on its own: it comes to know of a dropped connection a moment later."""
    pause = threading.Event()
    for _ in range(1000):
        if condition():
            return
        pause.wait(0.01)
    pytest.fail("it did not happen")


def cannot_join(server: Server, uuid: str) -> bool:
    client = omero.client(server.host, server.port)
    try:
        client.joinSession(uuid)
    except Ice.UserException:
        return True
    finally:
        client.closeSession()
    return False


def new_pixels(client: omero.client, planes: int = 2) -> int:
    query = client.sf.getQueryService()
    kind = query.findByString("PixelsType", "value", "uint8")
    image = client.sf.getPixelsService().createImage(8, 6, planes, 1, [0], kind, "image", "")
    return query.findByQuery(f"from Pixels where image.id = {image.val}", None).id.val


def store_on(client: omero.client, pixels: int) -> Any:
    store = client.sf.createRawPixelsStore()
    store.setPixelsId(pixels, False)
    return store


def test_a_dropped_connection_ends_the_clients_use_of_the_session(
    omero_client: omero.client,
) -> None:
    query = omero_client.sf.getQueryService()
    query.findAll("Dataset", None)
    drop_connection(omero_client)
    for _ in range(2):
        with pytest.raises(Ice.ConnectionLostException):
            query.findAll("Dataset", None)


def test_a_dropped_connection_closes_a_session_that_nobody_else_uses(
    omero_server: Server, omero_client: omero.client
) -> None:
    uuid = omero_client.getSessionId()
    drop_connection(omero_client)
    until(lambda: cannot_join(omero_server, uuid))


def test_a_dropped_connection_ends_its_stores_for_good(
    omero_server: Server, omero_new_user: Callable[..., OmeroUser]
) -> None:
    user = omero_new_user()
    client, watcher = user.log_in(), user.log_in()
    pixels = new_pixels(client)
    store_on(client, pixels).setPlane(PLANE, 0, 0, 0)
    uuid = client.getSessionId()
    drop_connection(client)
    until(lambda: cannot_join(omero_server, uuid))
    query = watcher.sf.getQueryService()
    until(lambda: query.get("Pixels", pixels).sha1.val != "Pending...")
    late = store_on(watcher, pixels)
    assert late.getPlane(0, 0, 0) == PLANE
    assert late.getPlane(1, 0, 0) == bytes(48)
    with pytest.raises(omero.ApiUsageException):
        late.setPlane(PLANE, 1, 0, 0)
    watcher.closeSession()


def test_a_detached_session_outlives_its_connection_and_its_stores_go_on(
    omero_server: Server, omero_client: omero.client
) -> None:
    omero_client.sf.detachOnDestroy()
    pixels = new_pixels(omero_client)
    store = store_on(omero_client, pixels)
    store.setPlane(PLANE, 0, 0, 0)
    uuid, identity = omero_client.getSessionId(), store.ice_getIdentity()
    drop_connection(omero_client)
    with joined(omero_server, uuid) as client:
        assert any("RawPixelsStore" in name for name in client.sf.activeServices())
        again = omero.api.RawPixelsStorePrx.uncheckedCast(client.sf.ice_identity(identity))
        again.setPlane(PLANE, 1, 0, 0)
        assert again.getPlane(0, 0, 0) == PLANE
        client.sf.closeOnDestroy()


def test_a_session_lives_while_another_client_is_joined_to_it(
    omero_server: Server, omero_client: omero.client
) -> None:
    with joined(omero_server, omero_client.getSessionId()) as other:
        drop_connection(omero_client)
        assert other.sf.getAdminService().getEventContext().sessionUuid == other.getSessionId()


def test_a_joined_client_that_leaves_leaves_the_session_to_the_first(
    omero_server: Server, omero_client: omero.client
) -> None:
    uuid, sessions = omero_client.getSessionId(), omero_client.sf.getSessionService()
    assert sessions.getReferenceCount(uuid) == 1
    with joined(omero_server, uuid) as other:
        assert other.getSessionId() == uuid
        assert sessions.getReferenceCount(uuid) == 2
    until(lambda: sessions.getReferenceCount(uuid) == 1)
    assert omero_client.sf.getAdminService().getEventContext().sessionUuid == uuid


def test_a_killed_session_is_gone_for_all_its_clients(
    omero_server: Server, omero_client: omero.client
) -> None:
    uuid = omero_client.getSessionId()
    with joined(omero_server, uuid) as other:
        omero_client.killSession()
        with pytest.raises(Ice.ObjectNotExistException):
            other.sf.getAdminService()
        assert cannot_join(omero_server, uuid)


def test_a_store_that_was_closed_is_reached_by_nobody(omero_client: omero.client) -> None:
    store = store_on(omero_client, new_pixels(omero_client))
    store.close()
    with pytest.raises(Ice.ObjectNotExistException):
        store.getPlane(0, 0, 0)
    assert not any("RawPixelsStore" in name for name in omero_client.sf.activeServices())


def test_a_wrong_password_and_an_unknown_user_are_refused_alike(
    omero_server: Server, omero_new_user: Callable[..., OmeroUser]
) -> None:
    user = omero_new_user()
    for name, reason in ((user.name, f"[id={user.id}]"), ("nobody", "[]")):
        client = omero.client(omero_server.host, omero_server.port)
        with pytest.raises(Ice.UserException) as refusal:
            client.createSession(name, "wrong")
        assert refusal.value.reason == f"Password check failed for '{name}': {reason}"
        client.closeSession()


def test_a_login_can_name_its_group(
    omero_server: Server, omero_new_user: Callable[..., OmeroUser]
) -> None:
    user = omero_new_user()
    client = omero.client(omero_server.host, omero_server.port, pmap=None)
    client.getImplicitContext().put("omero.group", "user")
    client.createSession(user.name, user.password)
    assert client.sf.getAdminService().getEventContext().groupName == "user"
    client.closeSession()


def test_a_login_into_an_unknown_group_is_refused(
    omero_server: Server, omero_new_user: Callable[..., OmeroUser]
) -> None:
    user = omero_new_user()
    client = omero.client(omero_server.host, omero_server.port)
    client.getImplicitContext().put("omero.group", "no such group")
    with pytest.raises(omero.WrappedCreateSessionException, match="No such group"):
        client.createSession(user.name, user.password)
    client.closeSession()


def test_an_unknown_service_is_named_in_the_refusal(omero_client: omero.client) -> None:
    with pytest.raises(
        omero.ApiUsageException, match=r"omero\.api\.Nonsense is an unknown service"
    ):
        omero_client.sf.getByName("omero.api.Nonsense")


def test_switching_the_group_gives_the_previous_one_and_needs_all_stores_closed(
    omero_client: omero.client,
) -> None:
    before = omero_client.sf.getAdminService().getEventContext().groupId
    store = omero_client.sf.createRawPixelsStore()
    with pytest.raises(omero.SecurityViolation, match="SecurityContext change cancelled"):
        omero_client.sf.setSecurityContext(omero.model.ExperimenterGroupI(1, False))
    store.close()
    assert (
        omero_client.sf.setSecurityContext(omero.model.ExperimenterGroupI(1, False)).id.val
        == before
    )
    assert omero_client.sf.getAdminService().getEventContext().groupName == "user"


def test_plain_tcp_answers_like_tls(omero_server: Server, omero_client: omero.client) -> None:
    plain = omero_client.createClient(False)
    try:
        dataset = omero.model.DatasetI()
        dataset.name = rstring("by tcp")
        saved = plain.sf.getUpdateService().saveAndReturnObject(dataset)
        assert omero_client.sf.getQueryService().get("Dataset", saved.id.val).name.val == "by tcp"
    finally:
        plain.closeSession()


def test_who_logs_in_to_a_group_without_being_in_it_gets_a_session_and_nothing_else(
    omero_server: Server, omero_new_user: Callable[..., OmeroUser]
) -> None:
    user, stranger = omero_new_user(), omero_new_user()
    other = stranger.log_in()
    group = other.sf.getAdminService().getGroup(stranger.group).name.val
    other.closeSession()
    where = [f"--omero.host={omero_server.host}", f"--omero.port={omero_server.port}"]
    client = omero.client([*where, f"--omero.group={group}"])
    client.createSession(user.name, user.password)
    refused = f"User {user.id} is not a member of group {stranger.group} and cannot login"
    with pytest.raises(omero.SecurityViolation, match=refused):
        client.sf.getAdminService().getEventContext()
    # Seen on a real server: reading and saving are refused by an exception without a type, other services by a typed one.
    with pytest.raises(Ice.UnknownException, match=refused):
        client.sf.getQueryService().findAll("Dataset", None)
    with pytest.raises(Ice.UnknownException, match=refused):
        client.sf.getUpdateService().saveAndReturnObject(omero.model.TagAnnotationI())
    client.closeSession()
