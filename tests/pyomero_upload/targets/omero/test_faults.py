"""Faults that can pass are waited out, over a network that does what the test says."""

import threading

import omero
import omero.clients
import omero.model
import pytest
from omero.rtypes import rstring
from pydantic import SecretStr

from omero_embedded import Server
from proxy import Proxy
from pyomero_upload.errors import PyomeroError
from pyomero_upload.targets.omero import connection as connection_module
from pyomero_upload.targets.omero import entering
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.explaining import ServerRefusedError
from pyomero_upload.targets.omero.faults import (
    GaveUpError,
    Patience,
    StoresLostError,
    Waiting,
    WentOn,
)
from pyomero_upload.targets.omero.login import log_in
from pyomero_upload.targets.omero.settings import Said, ServerSettings, find_settings


@pytest.fixture(autouse=True)
def nobody_logged_in(tmp_path, monkeypatch):
    monkeypatch.setenv("OMERO_USERDIR", str(tmp_path / "omero"))


@pytest.fixture
def network(omero_server):
    with Proxy(omero_server.host, omero_server.port) as proxy:
        yield proxy


@pytest.fixture
def settings(omero_new_user, network):
    user = omero_new_user()
    password = SecretStr(user.password)
    return ServerSettings(network.host, network.port, user=user.name, password=password)


@pytest.fixture
def connection(settings):
    connection = Connection.open(settings)
    connection.detach()
    yield connection
    connection.close()


@pytest.fixture
def told():
    return []


@pytest.fixture
def patience(connection, told):
    return Patience(connection, seconds=30, tell=told.append)


def who(connection):
    return connection.sf.getAdminService().getEventContext().userName


def end_session(omero_server, connection):
    root = omero.client(omero_server.host, omero_server.port)
    root.createSession(omero_server.user, omero_server.password)
    root.destroySession(connection.key.get_secret_value())
    root.closeSession()


def store_on_new_pixels(connection):
    """Return the identity of a store that is open on a new Image's Pixels of 2 × 2."""
    kind = connection.query.findByQuery("from PixelsType where value = 'uint8'", None)
    image = connection.pixels.createImage(2, 2, 1, 1, [0], kind, "i", "").val
    pixels = connection.query.findByQuery(f"from Pixels p where p.image.id = {image}", None)
    store = connection.sf.createRawPixelsStore()
    store.setPixelsId(pixels.id.val, False)
    return store.ice_getIdentity()


def store_of(connection, identity):
    return omero.api.RawPixelsStorePrx.uncheckedCast(connection.sf.ice_identity(identity))


def test_what_succeeds_is_not_told_of(patience, connection, told):
    assert patience.run(lambda: who(connection)) == connection.user.name
    assert told == []


def test_after_a_drop_the_session_is_joined_again(patience, connection, network, told):
    key = connection.key
    network.drop()
    assert patience.run(lambda: who(connection)) == connection.user.name
    assert (connection.session_number, connection.key) == (1, key)
    waiting, went_on = told
    assert isinstance(waiting, Waiting)
    assert "was lost" in waiting.message
    assert isinstance(went_on, WentOn)
    assert not went_on.new_session


def test_a_store_goes_on_after_a_drop(patience, connection, network):
    identity = store_on_new_pixels(connection)

    def write(value):
        store = store_of(connection, identity)
        store.setPlane(bytes([value] * 4), 0, 0, 0)
        return store.getPlane(0, 0, 0)

    assert patience.run_in_session(lambda: write(1), 1) == b"\1\1\1\1"
    network.drop()
    assert patience.run_in_session(lambda: write(2), 1) == b"\2\2\2\2"


def test_a_wait_ends_with_a_store_that_is_gone_too(
    patience, connection, omero_server, network, told
):
    identity = store_on_new_pixels(connection)
    end_session(omero_server, connection)
    network.drop()
    with pytest.raises(StoresLostError):
        patience.run_in_session(lambda: store_of(connection, identity).getPlane(0, 0, 0), 1)
    assert [type(event) for event in told][-1] is WentOn
    assert told[-1].new_session


def test_everything_goes_to_the_same_group_after_a_drop(patience, connection, network):
    network.drop()
    dataset = omero.model.DatasetI()
    dataset.name = rstring("d")
    saved = patience.run(lambda: connection.update.saveAndReturnObject(dataset))
    assert saved.details.group.id.val == connection.group.id


def test_a_server_that_cannot_be_reached_is_waited_for_with_growing_pauses(
    connection, network, told
):
    def tell(event):
        told.append(event)
        if len(told) == 3:
            network.accept()

    network.refuse()
    patience = Patience(connection, seconds=30, tell=tell)
    assert patience.run(lambda: who(connection)) == connection.user.name
    pauses = [event.pause for event in told if isinstance(event, Waiting)]
    assert pauses == sorted(pauses)
    assert pauses[-1] > pauses[0]
    assert isinstance(told[-1], WentOn)


def test_patience_has_an_end_and_says_how_to_go_on(connection, network):
    network.refuse()
    with pytest.raises(GaveUpError) as gave_up:
        Patience(connection, seconds=0.6).run(lambda: who(connection))
    assert "run the same command again" in gave_up.value.hint
    network.accept()


def test_a_wait_can_be_stopped(connection, network):
    stop = threading.Event()
    network.refuse()
    patience = Patience(connection, seconds=600, tell=lambda _: stop.set(), stop=stop)
    with pytest.raises(GaveUpError):
        patience.run(lambda: who(connection))
    network.accept()


def test_a_line_that_is_dead_without_a_word_is_noticed(settings, network, told, monkeypatch):
    monkeypatch.setattr(entering, "SILENCE", 2)
    monkeypatch.setattr(connection_module, "KEEP_ALIVE", 0.5)
    connection = Connection.open(settings)
    connection.detach()

    def tell(event):
        told.append(event)
        network.flow()

    network.stall()
    patience = Patience(connection, seconds=60, tell=tell)
    assert patience.run(lambda: who(connection)) == connection.user.name
    assert connection.session_number == 1
    connection.close()


def test_after_the_end_of_the_session_a_new_one_is_begun(omero_server, patience, connection, told):
    end_session(omero_server, connection)
    assert patience.run(lambda: who(connection)) == connection.user.name
    assert connection.session_number == 2
    assert told[-1].new_session


def test_what_needs_a_store_of_the_old_session_is_told_that_it_is_gone(
    omero_server, patience, connection
):
    number = connection.session_number
    end_session(omero_server, connection)
    with pytest.raises(StoresLostError):
        patience.run_in_session(lambda: who(connection), number)
    assert patience.run_in_session(lambda: who(connection), connection.session_number)


def test_a_store_that_is_gone_alone_is_told_at_once(patience, connection):
    identity = store_on_new_pixels(connection)
    store_of(connection, identity).close()
    with pytest.raises(StoresLostError):
        patience.run_in_session(lambda: store_of(connection, identity).getPlane(0, 0, 0), 1)
    assert connection.session_number == 1


def test_without_a_password_the_session_of_a_new_login_is_taken(
    omero_server, settings, network, told
):
    log_in(settings)
    connection = Connection.open(find_settings(Said(), environment={}))
    end_session(omero_server, connection)

    def tell(event):
        if isinstance(event, Waiting) and not told:
            log_in(settings)  # as the user does in another window
        told.append(event)

    patience = Patience(connection, seconds=30, tell=tell)
    assert patience.run(lambda: who(connection)) == connection.user.name
    assert connection.session_number == 2
    assert any("pyomero login" in event.message for event in told if isinstance(event, Waiting))
    connection.close()


def test_a_server_that_is_started_anew_is_waited_for(tmp_path, told):
    server = Server(tmp_path / "server", in_process=True)
    server.start()
    password = SecretStr(server.password)
    connection = Connection.open(
        ServerSettings(server.host, server.port, "root", password=password)
    )

    def tell(event):
        if isinstance(event, Waiting) and not told:
            server.start()
        told.append(event)

    server.stop()
    assert Patience(connection, seconds=60, tell=tell).run(lambda: who(connection)) == "root"
    assert connection.session_number == 2
    connection.close()
    server.stop()


def test_threads_that_share_it_come_back_together(patience, connection, network):
    network.drop()
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(patience.run(lambda: who(connection))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [connection.user.name] * 4
    assert connection.session_number == 1


def test_a_fault_that_does_not_pass_is_raised_at_once_and_explained(patience, connection, told):
    def impossible():
        connection.update.saveAndReturnObject(omero.model.DatasetI())

    with pytest.raises(ServerRefusedError, match="ValidationException"):
        patience.run(impossible)
    assert told == []


def test_a_server_that_is_full_is_waited_for(patience, connection, told):
    full = omero.ResourceError()
    full.message = "No space left on device"
    answers = iter([full, full, "done"])

    def attempt():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = connection.client
    assert patience.run(attempt) == "done"
    assert len(told) == 3
    assert "no room left" in told[0].message
    assert connection.client is client


def test_errors_for_people_pass_through_as_they_are(patience):
    error = PyomeroError("as it is")

    def attempt():
        raise error

    with pytest.raises(PyomeroError) as raised:
        patience.run(attempt)
    assert raised.value is error


def test_no_message_holds_a_secret(omero_server, patience, connection, settings, network, told):
    network.drop()
    patience.run(lambda: who(connection))
    end_session(omero_server, connection)
    key = connection.key.get_secret_value()
    patience.run(lambda: who(connection))
    assert told
    for secret in (settings.password.get_secret_value(), key, connection.key.get_secret_value()):
        assert secret not in repr(told)
