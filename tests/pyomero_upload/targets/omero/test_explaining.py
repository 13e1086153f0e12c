"""What goes wrong when connecting is said in a sentence that tells what to do, within seconds."""

import http.server
import socket
import threading

import Glacier2
import Ice
import omero
import omero.clients
import omero.cmd
import pytest
from pydantic import SecretStr

from pyomero_upload.targets.omero import entering
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.explaining import (
    ConnectingError,
    LoginError,
    NotAllowedError,
    ReadOnlyError,
    ServerFullError,
    ServerRefusedError,
    SessionOverError,
    explain,
    explained_errors,
)
from pyomero_upload.targets.omero.settings import ServerSettings

KEY = "0e9a3b9e-5d0c-4d0f-9d55-3c0d4c1a7f11"
SETTINGS = ServerSettings("omero.example.org", user="olga")


def refusal(host, port):
    settings = ServerSettings(host, port, user="olga", password=SecretStr("secret"))
    with pytest.raises(ConnectingError) as told:
        Connection.open(settings)
    assert "secret" not in told.value.message + told.value.hint
    return told.value.message, told.value.hint


@pytest.fixture
def port_of():
    """Give a function that listens at a port and does something with who comes; returns the port."""
    listeners = []

    def listen(do):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def take():
            while True:
                try:
                    client = listener.accept()[0]
                except OSError:
                    return
                with client:
                    do(client)

        threading.Thread(target=take, daemon=True).start()
        return listener.getsockname()[1]

    yield listen
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_a_name_that_nobody_has():
    message, hint = refusal("no-such-host.invalid", 4064)
    assert message == "There is no server called no-such-host.invalid."
    assert "--server" in hint


def test_a_port_that_nobody_listens_at():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        message, hint = refusal("127.0.0.1", port)
    assert message == f"Nothing listens at 127.0.0.1:{port}."
    assert "4064" in hint


def test_a_web_server():
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), http.server.BaseHTTPRequestHandler
    ) as server:
        server.RequestHandlerClass.log_message = lambda *_: None
        threading.Thread(target=server.serve_forever, daemon=True).start()
        message, hint = refusal("127.0.0.1", server.server_port)
        server.shutdown()
    assert message == f"At 127.0.0.1:{server.server_port} a web server answers, not OMERO."
    assert "wss://127.0.0.1/omero-ws" in hint


def test_a_web_server_where_omero_is_asked_for_through_it():
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), http.server.BaseHTTPRequestHandler
    ) as server:
        server.RequestHandlerClass.log_message = lambda *_: None
        threading.Thread(target=server.serve_forever, daemon=True).start()
        message, _ = refusal(f"ws://127.0.0.1:{server.server_port}/omero-ws", None)
        server.shutdown()
    assert "is not an OMERO server" in message


@pytest.mark.parametrize("words", [b"SSH-2.0-OpenSSH_9.6\r\n", b"\0\1\2\3garbage", b""])
def test_something_else(port_of, words):
    port = port_of(lambda client: client.sendall(words))
    message, hint = refusal("127.0.0.1", port)
    assert message == f"What answers at 127.0.0.1:{port} is not an OMERO server."
    assert "--port" in hint


def test_something_that_takes_the_connection_and_says_nothing(port_of, monkeypatch):
    monkeypatch.setattr(entering, "CONNECTING", 100)
    ended = threading.Event()
    port = port_of(lambda _: ended.wait(30))
    message, hint = refusal("127.0.0.1", port)
    ended.set()
    assert message == f"127.0.0.1:{port} does not answer."
    assert "VPN" in hint


def test_a_port_without_encryption(omero_server):
    message, hint = refusal(omero_server.host, omero_server.insecure_port)
    place = f"{omero_server.host}:{omero_server.insecure_port}"
    assert message == f"{place} is OMERO's port without encryption."
    assert f"--server tcp://{place}" in hint


def test_a_port_without_encryption_can_be_asked_for(omero_server):
    host = f"tcp://{omero_server.host}:{omero_server.insecure_port}"
    connection = Connection.open(
        ServerSettings(host, user="root", password=SecretStr(omero_server.password))
    )
    assert connection.user.name == "root"
    connection.close()


@pytest.mark.parametrize("host", ["a b c", "https://omero.example.org", "foo://bar"])
def test_what_is_no_address(host):
    assert "is no address of a server" in refusal(host, None)[0]


def test_a_certificate_that_the_users_ice_configuration_does_not_trust(
    omero_server, tmp_path, monkeypatch
):
    file = tmp_path / "ice.config"
    file.write_text("IceSSL.VerifyPeer=2\n", encoding="utf-8")
    monkeypatch.setenv("ICE_CONFIG", str(file))
    message, hint = refusal(omero_server.host, omero_server.port)
    assert "The certificate of" in message
    assert "self-signed certificate" in message
    assert "IceSSL.CAs" in hint


def server_error(kind, message):
    error = kind()
    error.message = message
    return error


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (
            server_error(omero.ResourceError, "No space left on device"),
            ServerFullError,
            "no room left",
        ),
        (server_error(omero.InternalException, "quota exceeded"), ServerFullError, "no room left"),
        (server_error(omero.ApiUsageException, "in read-only mode"), ReadOnlyError, "is read-only"),
        (
            server_error(omero.ReadOnlyGroupSecurityViolation, "Cannot link"),
            ReadOnlyError,
            "The group takes no changes",
        ),
        (
            server_error(
                omero.SecurityViolation, "User 3 is not a member of group 7 and cannot login"
            ),
            LoginError,
            "olga is not a member of the group any more.",
        ),
        (
            Ice.UnknownException("User 3 is not a member of group 7 and cannot login"),
            LoginError,
            "olga is not a member of the group any more.",
        ),
        (
            server_error(omero.SecurityViolation, "Cannot read ome.model.core.Image:Id_1"),
            NotAllowedError,
            "does not allow this: Cannot read ome.model.core.Image:Id_1",
        ),
        (
            server_error(omero.RemovedSessionException, f"No context for {KEY}"),
            SessionOverError,
            "The session of olga at omero.example.org:4064 is over.",
        ),
        (
            server_error(omero.ValidationException, "could not insert"),
            ServerRefusedError,
            "refused (ValidationException): could not insert",
        ),
        (
            omero.CmdError(omero.cmd.ERR("c", "n", {"message": "cannot read Image[1]"})),
            ServerRefusedError,
            "could not do it: cannot read Image[1]",
        ),
        (Ice.ConnectionLostException(), ConnectingError, "was lost"),
        (
            Glacier2.PermissionDeniedException("internal server error"),
            ConnectingError,
            "begins no session at present",
        ),
        (
            Glacier2.CannotCreateSessionException("internal server error"),
            ConnectingError,
            "begins no session at present",
        ),
        (
            omero.WrappedCreateSessionException("No such group: x", False, -1, ""),
            LoginError,
            "does not let olga in: No such group: x.",
        ),
    ],
)
def test_what_a_server_refuses_is_said_in_its_words_where_those_help(error, kind, words):
    told = explain(error, SETTINGS)
    assert type(told) is kind
    assert words in told.message


def test_no_key_of_a_session_is_repeated():
    identity = Ice.Identity(KEY, f"session-{KEY}")
    for error in (
        Ice.ObjectNotExistException(identity, "", "find"),
        server_error(omero.InternalException, f"no session {KEY}"),
        Ice.UnknownException(f"no session {KEY}"),
        RuntimeError(KEY),
    ):
        told = explain(error, SETTINGS)
        assert KEY not in told.message + told.hint


def test_no_traceback_holds_what_was_explained():
    import traceback  # noqa: PLC0415

    with pytest.raises(SessionOverError) as told, explained_errors(SETTINGS):
        raise Ice.ObjectNotExistException(Ice.Identity(KEY, ""), "", "find")
    assert KEY not in "".join(traceback.format_exception(told.value))


def test_a_router_whose_server_is_not_up_yet_is_no_end_of_a_session():
    starting = Glacier2.PermissionDeniedException("internal server error")
    assert type(explain(starting, SETTINGS, joining=True)) is ConnectingError
    over = Glacier2.PermissionDeniedException(f"Password check failed for '{KEY}': []")
    assert type(explain(over, SETTINGS, joining=True)) is SessionOverError
