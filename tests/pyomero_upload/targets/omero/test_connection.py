"""Getting into a server, being somebody there, and leaving: with the real client, at a real server."""

import re

import keyring
import keyring.backend
import omero
import omero.clients
import omero.model
import pytest
from omero.rtypes import rbool, rstring
from pydantic import SecretStr

from pyomero_upload.errors import UsageError
from pyomero_upload.targets.omero import login_store
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.explaining import (
    LoginError,
    ReadOnlyError,
    SessionOverError,
    WrongPasswordError,
)
from pyomero_upload.targets.omero.login import log_in
from pyomero_upload.targets.omero.settings import Said, ServerSettings, find_settings


@pytest.fixture(autouse=True)
def nobody_logged_in(tmp_path, monkeypatch):
    monkeypatch.setenv("OMERO_USERDIR", str(tmp_path / "omero"))
    monkeypatch.delenv("OMERO_SESSIONDIR", raising=False)


@pytest.fixture
def opened():
    """Give a function that opens a connection, closed at the end of the test."""
    connections = []

    def open_(settings, **options):
        connections.append(Connection.open(settings, **options))
        return connections[-1]

    yield open_
    for connection in connections:
        connection.close()


def settings_of(user, **more):
    password = SecretStr(user.password)
    return ServerSettings(
        user.server.host, user.server.port, **({"user": user.name, "password": password} | more)
    )


def is_alive(user, key):
    client = omero.client(user.server.host, user.server.port)
    try:
        client.joinSession(key.get_secret_value())
        client.sf.detachOnDestroy()  # so that having looked does not end it
    except omero.clients.Glacier2.PermissionDeniedException:
        return False
    finally:
        client.closeSession()
    return True


def root_of(server):
    client = omero.client(server.host, server.port)
    client.createSession(server.user, server.password)
    return client


def test_a_password_lets_its_user_in_and_the_end_ends_the_session(omero_new_user):
    user = omero_new_user()
    connection = Connection.open(settings_of(user))
    assert connection.user == (user.id, user.name)
    assert connection.group.id == user.group
    assert connection.query.find("Experimenter", user.id).omeName.val == user.name
    connection.close()
    assert not is_alive(user, connection.key)


def test_a_detached_session_is_ended_too_at_the_end(omero_new_user):
    user = omero_new_user()
    connection = Connection.open(settings_of(user))
    connection.detach()
    connection.close()
    assert not is_alive(user, connection.key)


def test_a_wrong_password_is_told_without_it(omero_new_user):
    user = omero_new_user()
    with pytest.raises(WrongPasswordError) as told:
        Connection.open(settings_of(user, password=SecretStr("not-this")))
    assert user.name in told.value.message
    assert "not-this" not in told.value.message + told.value.hint


def test_a_password_that_nobody_knows_is_asked_for(omero_new_user, opened):
    user = omero_new_user()
    asked = []

    def ask(whom):
        asked.append(whom)
        return SecretStr(user.password)

    connection = opened(settings_of(user, password=None), ask=ask)
    assert connection.user.id == user.id
    assert asked == [f"{user.name} at {user.server.host}:{user.server.port}"]


def test_where_nobody_can_be_asked_it_says_how_to_give_a_password(omero_new_user):
    with pytest.raises(UsageError) as told:
        Connection.open(settings_of(omero_new_user(), password=None))
    assert "pyomero login" in told.value.hint


class Ring(keyring.backend.KeyringBackend):
    """A keyring of the test's own."""

    priority = 1

    def __init__(self):
        self.entries = {}

    def get_password(self, service, username):
        return self.entries.get((service, username))

    def set_password(self, service, username, password):
        self.entries[service, username] = password

    def delete_password(self, service, username):
        del self.entries[service, username]


def test_a_password_in_the_keyring_is_used_before_asking(omero_new_user, opened):
    user = omero_new_user()
    before = keyring.get_keyring()
    keyring.set_keyring(Ring())
    try:
        keyring.set_password("pyomero-upload", f"{user.name}@{user.server.host}", user.password)
        assert opened(settings_of(user, password=None)).user.id == user.id
    finally:
        keyring.set_keyring(before)


def test_the_session_of_a_login_is_left_alive(omero_new_user):
    user = omero_new_user()
    log_in(settings_of(user))
    settings = find_settings(Said(), environment={})
    connection = Connection.open(settings)
    assert connection.user.id == user.id
    connection.close()
    assert is_alive(user, connection.key)


def test_a_detached_session_of_a_login_is_left_alive_too(omero_new_user):
    user = omero_new_user()
    log_in(settings_of(user))
    connection = Connection.open(find_settings(Said(), environment={}))
    connection.detach()
    connection.close()
    assert is_alive(user, connection.key)


def test_a_login_that_is_over_is_told_and_nothing_else_is_tried(omero_new_user):
    user = omero_new_user()
    log_in(settings_of(user))
    settings = find_settings(Said(), environment={})
    Connection.join(ServerSettings(settings.host, settings.port), settings.session).close()
    end_all(user, settings.session)
    with pytest.raises(SessionOverError, match="is over") as told:
        Connection.open(settings)
    assert "pyomero login" in told.value.hint


def end_all(user, key):
    root = root_of(user.server)
    root.destroySession(key.get_secret_value())
    root.closeSession()


def test_a_login_that_is_over_gives_way_to_a_password(omero_new_user, opened):
    user = omero_new_user()
    log_in(settings_of(user))
    settings = find_settings(Said(password=SecretStr(user.password)), environment={})
    end_all(user, settings.session)
    connection = opened(settings)
    assert connection.user.id == user.id
    assert connection.key != settings.session


def test_a_session_can_be_given_and_must_be_that_of_the_user_who_is_meant(omero_new_user, opened):
    user = omero_new_user()
    key = opened(settings_of(user)).key
    settings = ServerSettings(user.server.host, user.server.port, session=key)
    joined = opened(settings)
    assert joined.user.id == user.id
    with pytest.raises(LoginError, match=f"is {user.name}'s, not somebody's"):
        Connection.open(ServerSettings(user.server.host, user.server.port, "somebody", session=key))


def test_omero_pys_own_sessions_are_seen_and_ours_are_seen_by_it(omero_new_user):
    from omero.util.sessions import SessionsStore  # noqa: PLC0415

    user = omero_new_user()
    store = SessionsStore()
    properties = {"omero.host": user.server.host, "omero.port": str(user.server.port)}
    client, key, _, _ = store.create(user.name, user.password, properties)
    client.closeSession()
    settings = find_settings(Said(), environment={})
    assert settings.session == SecretStr(key)
    connection = Connection.open(settings)
    assert connection.user.id == user.id
    connection.close()
    client, _, _, _ = store.attach(user.server.host, user.name, key)
    client.closeSession()

    other = omero_new_user()
    log_in(settings_of(other))
    host, name, key, port = store.get_current()
    assert (host, name, port) == (other.server.host, other.name, str(other.server.port))
    client, _, _, _ = store.attach(host, name, key)
    assert client.sf.getAdminService().getEventContext().userId == other.id
    client.closeSession()


def test_a_group_is_chosen_by_name_or_by_id_and_everything_goes_there(omero_new_user, opened):
    user, owner = omero_new_user(), omero_new_user()
    group = owner.group
    root = root_of(user.server)
    admin = root.sf.getAdminService()
    admin.addGroups(
        omero.model.ExperimenterI(user.id, False), [omero.model.ExperimenterGroupI(group, False)]
    )
    name = admin.getGroup(group).name.val
    root.closeSession()
    for wanted in (name, str(group)):
        connection = opened(settings_of(user, group=wanted))
        assert connection.group == (group, name)
        dataset = omero.model.DatasetI()
        dataset.name = rstring("d")
        assert connection.update.saveAndReturnObject(dataset).details.group.id.val == group


def test_a_group_that_one_is_not_in_is_refused_with_those_there_are(omero_new_user):
    user, other = omero_new_user(), omero_new_user()
    for wanted in ("no such group", str(other.group)):
        with pytest.raises(LoginError) as told:
            Connection.open(settings_of(user, group=wanted))
        assert wanted in told.value.message
        assert told.value.hint == f"Groups to choose from with --group: group-of-{user.name}."


def test_a_group_whose_name_is_a_number_is_found_by_its_name(omero_server, omero_new_user, opened):
    root = root_of(omero_server)
    new = omero.model.ExperimenterGroupI()
    new.name, new.ldap = rstring("0"), rbool(False)
    new.details.permissions = omero.model.PermissionsI("rw----")
    group = root.sf.getAdminService().createGroup(new)
    root.closeSession()
    user = omero_new_user(group=group)
    assert opened(settings_of(user, group="0")).group.id == group


def test_an_administrator_works_in_a_users_place(omero_server, omero_new_user):
    user = omero_new_user()
    settings = settings_of(user, password=SecretStr(omero_server.password), sudo="root")
    connection = Connection.open(settings)
    dataset = omero.model.DatasetI()
    dataset.name = rstring("theirs")
    made = connection.update.saveAndReturnObject(dataset)
    assert made.details.owner.id.val == user.id
    assert made.details.group.id.val == user.group
    connection.close()
    assert not is_alive(user, connection.key)


def test_an_administrators_login_is_left_alive_by_working_in_a_users_place(
    omero_server, omero_new_user
):
    user = omero_new_user()
    root = SecretStr(omero_server.password)
    log_in(ServerSettings(omero_server.host, omero_server.port, "root", password=root))
    settings = find_settings(Said(user=user.name), sudo="root", environment={})
    connection = Connection.open(settings)
    assert connection.user.id == user.id
    connection.close()
    assert not is_alive(user, connection.key)
    assert is_alive(user, settings.session)


def test_only_an_administrator_works_in_a_users_place(omero_new_user):
    user, other = omero_new_user(), omero_new_user()
    with pytest.raises(LoginError, match="may not work as"):
        Connection.open(settings_of(user, sudo=other.name, password=SecretStr(other.password)))


def test_nobody_works_in_the_place_of_somebody_unknown(omero_server):
    password = SecretStr(omero_server.password)
    settings = ServerSettings(
        omero_server.host, omero_server.port, "no-such-user", sudo="root", password=password
    )
    with pytest.raises(LoginError, match="There is no user no-such-user"):
        Connection.open(settings)


@pytest.mark.parametrize(
    ("host", "web", "address"),
    [
        ("omero.example.org", None, "http://omero.example.org/webclient/?show=dataset-7"),
        ("wss://o.example.org/omero-ws", None, "https://o.example.org/webclient/?show=dataset-7"),
        ("a.org", "https://web.a.org/omero/", "https://web.a.org/omero/webclient/?show=dataset-7"),
    ],
)
def test_an_object_has_an_address_in_omero_web(omero_client, host, web, address):
    connection = Connection.over(omero_client)
    connection.settings = ServerSettings(host, web=web)
    assert connection.web_url("Dataset", 7) == address


def test_a_server_that_says_that_it_is_read_only_takes_nothing(omero_server, opened):
    from omero_embedded import Server  # noqa: PLC0415

    with Server(memory=True, in_process=True) as server:
        settings = ServerSettings(
            server.host, server.port, "root", password=SecretStr(server.password)
        )
        connection = opened(settings)
        connection.check_writable()
        config = connection.sf.getConfigService()
        config.setConfigValue("omero.cluster.read_only.runtime.repo", "true")
        with pytest.raises(ReadOnlyError, match="is read-only at present"):
            connection.check_writable()
        config.setConfigValue("omero.client.web.host", "https://web.example.org/")
        assert connection.web_url("Image", 1) == "https://web.example.org/webclient/?show=image-1"
        config.setConfigValue("omero.version", "5.5.1-ice36-b122")
        with pytest.raises(
            LoginError.__base__, match=re.escape("OMERO 5.5.1-ice36-b122, which is too old")
        ):
            Connection.open(settings)
        connection.close()


def test_the_process_and_what_is_printed_hold_no_secret(omero_new_user, opened, caplog, capfd):
    user = omero_new_user()
    caplog.set_level(0)
    connection = opened(settings_of(user))
    connection.rejoin()
    told = [repr(connection), repr(vars(connection)), caplog.text, *capfd.readouterr()]
    for text in told:
        assert user.password not in text
        assert connection.key.get_secret_value() not in text


def test_a_stored_session_is_for_its_users_eyes(omero_new_user):
    user = omero_new_user()
    log_in(settings_of(user))
    stored = login_store.fitting(None, None, None)
    assert stored.key.get_secret_value() not in repr(stored)
