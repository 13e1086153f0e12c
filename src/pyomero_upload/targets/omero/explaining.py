"""What omero-py and Ice raise, said in a sentence with what to do about it.

Beside `connection`. The texts of Ice hold the identities of services, which are session keys, and a refused login names
what it was given; so neither is repeated here, and the errors made here do not refer to those that they explain.
"""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import Glacier2
import Ice
import omero
import omero.clients

from pyomero_upload.errors import PyomeroError
from pyomero_upload.targets.omero.settings import ServerSettings

OLDEST = (5, 6)
"""The oldest version of a server that this works with."""

_PROBING = 3.0
"""Seconds for a look at what answers at a port."""

_KEY = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_FULL = re.compile(r"no space left|quota|disk (is )?full|not enough space", re.IGNORECASE)
_READ_ONLY = re.compile(r"read[- ]only", re.IGNORECASE)
_NO_MEMBER = re.compile(r"not a member of group", re.IGNORECASE)
_NO_CIPHER = re.compile(
    r"handshake failure|no shared cipher|key too small|unsupported protocol", re.IGNORECASE
)

_TRY = "Check --server and --port."


class ConnectingError(PyomeroError):
    """The server cannot be reached, or what answers is no OMERO server that this works with."""


class LoginError(PyomeroError):
    """The server does not let the user in: user, password, group or rights."""


class WrongPasswordError(LoginError):
    """The server does not know the user or the password."""


class SessionOverError(LoginError):
    """The session that was to be joined is over; logging in again may help."""


class ServerFullError(PyomeroError):
    """The server has no room: its disk or the user's quota is full."""


class ReadOnlyError(PyomeroError):
    """The server or the group takes no changes."""


class NotAllowedError(PyomeroError):
    """The user may not do this."""


class ServerRefusedError(PyomeroError):
    """The server refused for another reason; the message has its words."""


@contextmanager
def explained_errors(settings: ServerSettings) -> Iterator[None]:
    """Raise what omero-py and Ice raise in the `with` as errors for people."""
    try:
        yield
    except (Ice.Exception, omero.ClientError) as error:
        # not "from error": its text may hold the session's key
        raise explain(error, settings) from None


def explain(
    error: BaseException, settings: ServerSettings, *, joining: bool = False
) -> PyomeroError:
    """Return the error for people that says what an error of omero-py's or Ice's means and what to do.

    Parameters
    ----------
    error
        What was raised; an error for people is returned as it is.
    settings
        Where and as whom.
    joining
        Whether a session was being joined: then a refusal means that it is over.

    """
    if isinstance(error, PyomeroError):
        return error
    if isinstance(error, Glacier2.PermissionDeniedException):
        # What the router says where the server behind it does not answer (Glacier2's SessionRouterI).
        if "internal server error" in str(error.reason).lower():
            return _not_ready(error, settings)
        return session_over(settings) if joining else _wrong_password(settings)
    for kind, said in _EXPLANATIONS:
        if isinstance(error, kind):
            return said(error, settings)
    return ServerRefusedError(
        f"{settings.place}: {type(error).__name__}: {without_keys(str(error))}"
    )


def may_pass(error: "omero.ServerError") -> bool:
    """Whether the server refused because it is full, or because it or the group takes no changes."""
    words = str(error.message or "")
    return isinstance(error, omero.ReadOnlyGroupSecurityViolation) or bool(
        _FULL.search(words) or _READ_ONLY.search(words)
    )


def without_keys(text: str) -> str:
    """Return a text with everything that may be the key of a session blotted out."""
    return _KEY.sub("…", text)


def session_over(settings: ServerSettings) -> SessionOverError:
    """Return the error that says that the session is over."""
    whose = f" of {settings.user}" if settings.user else ""
    return SessionOverError(
        f"The session{whose} at {settings.place} is over.", hint="Log in again: pyomero login"
    )


def _wrong_password(settings: ServerSettings) -> LoginError:
    return WrongPasswordError(
        f"{settings.place} does not accept this user and password: {settings.prover}.",
        hint="Check both; they are the ones you use for OMERO.web. Upper and lower case matter.",
    )


def _not_ready(error: Any, settings: ServerSettings) -> ConnectingError:
    return ConnectingError(
        f"{settings.place} begins no session at present: {without_keys(str(error.reason)).rstrip('.')}.",
        hint="It may be starting: try again in a minute. If this stays so, ask the server's administrator.",
    )


def _no_session(error: Any, settings: ServerSettings) -> PyomeroError:
    reason = without_keys(str(error.reason)).rstrip(".")
    if _READ_ONLY.search(reason):
        return read_only(settings)
    return LoginError(
        f"{settings.place} does not let {settings.prover or 'you'} in: {reason}.",
        hint="If this stays so, ask the server's administrator.",
    )


def read_only(settings: ServerSettings) -> ReadOnlyError:
    """Return the error that says that the server takes no changes."""
    return ReadOnlyError(
        f"The OMERO server {settings.place} is read-only at present.",
        hint="Wait until its administrator has made it writable again, and run the same command again.",
    )


def _client_error(error: Any, settings: ServerSettings) -> PyomeroError:
    text = without_keys(str(error))
    if "null object" in text:
        return _no_answer(error, settings)
    if "No host" in text or "protocol" in text:
        return ConnectingError(
            f"{settings.host!r} is no address of a server.",
            hint="Give a name such as omero.example.org, or a URL such as wss://omero.example.org/omero-ws.",
        )
    return ServerRefusedError(f"{settings.place}: {text}")


def _command_failed(error: Any, settings: ServerSettings) -> PyomeroError:
    told = error.err
    words = (told.parameters or {}).get("message") or f"{told.category} {told.name}"
    return ServerRefusedError(f"{settings.place} could not do it: {without_keys(str(words))}")


def _no_answer(_: Any, settings: ServerSettings) -> ConnectingError:
    return ConnectingError(
        f"{settings.place} does not answer.",
        hint=f"{_TRY} A firewall may stand between, or you may need the VPN; where only the web is open, the server "
        "may have an address like wss://omero.example.org/omero-ws.",
    )


def _no_name(error: Any, _: ServerSettings) -> ConnectingError:
    return ConnectingError(
        f"There is no server called {error.host}.",
        hint="Check the spelling (--server), and that this computer is on the network.",
    )


def _nobody_listens(_: Any, settings: ServerSettings) -> ConnectingError:
    return ConnectingError(
        f"Nothing listens at {settings.place}.",
        hint="Check --port: OMERO's is usually 4064. If it is right, the server is not running.",
    )


def _not_safe(error: Any, settings: ServerSettings) -> ConnectingError:
    why = without_keys(str(error.reason).strip().splitlines()[-1])
    return ConnectingError(
        f"The certificate of {settings.place} is not trusted: {why}.",
        hint="Certificates are checked because the Ice configuration says so (IceSSL.VerifyPeer). Give it the "
        "authority that signed this one (IceSSL.CAs), or ask the server's administrator.",
    )


def _failed(error: Any, settings: ServerSettings) -> PyomeroError:
    words = without_keys(str(error.unknown))
    if _NO_MEMBER.search(words):
        return _no_member(settings)
    return ServerRefusedError(
        f"{settings.place} failed with an error of its own: {words[:300]}",
        hint="Tell the server's administrator; its log says more.",
    )


def _too_large(_: Any, settings: ServerSettings) -> PyomeroError:
    return ServerRefusedError(
        f"A message to or from {settings.place} is larger than it takes (Ice.MessageSizeMax).",
        hint="Ask the server's administrator to raise it.",
    )


def _lost(_: Any, settings: ServerSettings) -> ConnectingError:
    return ConnectingError(
        f"The connection to {settings.place} was lost.",
        hint="Check the network, and run the same command again.",
    )


def _refused(error: Any, settings: ServerSettings) -> PyomeroError:
    words = without_keys(str(error.message or type(error).__name__)).strip()
    if _FULL.search(words):
        return ServerFullError(
            f"{settings.place} has no room left: {words}",
            hint="Free some, or ask the server's administrator; then run the same command again.",
        )
    if _READ_ONLY.search(words):
        return read_only(settings)
    return ServerRefusedError(f"{settings.place} refused ({type(error).__name__}): {words}")


def _not_allowed(error: Any, settings: ServerSettings) -> PyomeroError:
    words = without_keys(str(error.message or type(error).__name__)).strip()
    if _NO_MEMBER.search(words):
        return _no_member(settings)
    return NotAllowedError(
        f"{settings.place} does not allow this: {words}",
        hint="Ask the group's owner or the server's administrator.",
    )


def _group_takes_nothing(error: Any, _: ServerSettings) -> PyomeroError:
    return ReadOnlyError(
        f"The group takes no changes: {without_keys(str(error.message))}",
        hint="Ask the group's owner, or choose another --group.",
    )


def _no_member(settings: ServerSettings) -> LoginError:
    return LoginError(
        f"{settings.user or 'The user'} is not a member of the group any more.",
        hint="Choose another --group, or ask the group's owner to let you in again.",
    )


# The first that fits counts.
_EXPLANATIONS: tuple[
    tuple[type[BaseException], Callable[[Any, ServerSettings], PyomeroError]], ...
] = (
    (Ice.DNSException, _no_name),
    (Ice.ConnectionRefusedException, _nobody_listens),
    (Ice.ConnectFailedException, _no_answer),
    (Ice.ConnectTimeoutException, _no_answer),
    (Ice.SecurityException, _not_safe),
    (Ice.RequestFailedException, lambda _, settings: session_over(settings)),
    (Ice.MemoryLimitException, _too_large),
    (Ice.UnknownException, _failed),
    (Ice.LocalException, _lost),
    (omero.WrappedCreateSessionException, _no_session),
    (Glacier2.CannotCreateSessionException, _not_ready),
    (omero.SessionException, lambda _, settings: session_over(settings)),
    (omero.ReadOnlyGroupSecurityViolation, _group_takes_nothing),
    (omero.SecurityViolation, _not_allowed),
    (omero.ServerError, _refused),
    (omero.CmdError, _command_failed),
    (omero.ClientError, _client_error),
)


def explain_connecting(
    error: BaseException, settings: ServerSettings, *, joining: bool = False
) -> PyomeroError:
    """Return what `explain` does for an error while a connection is being made, after a look at what answers there."""
    if isinstance(error, Ice.RequestFailedException):
        return _no_omero(settings)
    strange = (
        Ice.ProtocolException,
        Ice.ConnectionLostException,
        Ice.TimeoutException,
        omero.ClientError,
    )
    if isinstance(error, strange) and "://" not in settings.host:
        if isinstance(error, Ice.ProtocolException) and _NO_CIPHER.search(str(error.reason or "")):
            return ConnectingError(
                f"This computer and {settings.place} agree on no encryption.",
                hint="The server has no certificate, or an old one; its administrator makes one with "
                "'omero certificates' (omero-certificates on PyPI).",
            )
        found = _what_answers(settings)
        if found is not None:
            return found
    if isinstance(error, Ice.ConnectionLostException | Ice.ProtocolException):
        return _no_omero(settings)
    return explain(error, settings, joining=joining)


def _no_omero(settings: ServerSettings) -> ConnectingError:
    return ConnectingError(
        f"What answers at {settings.place} is not an OMERO server.",
        hint=f"{_TRY} OMERO's port is usually 4064.",
    )


def _what_answers(settings: ServerSettings) -> ConnectingError | None:
    """Look at who speaks at a port: OMERO without encryption greets at once, a web server when it is asked."""
    address = (settings.host, settings.port or omero.constants.GLACIER2PORT)
    try:
        with socket.create_connection(address, timeout=_PROBING) as there:
            there.settimeout(_PROBING / 3)
            heard = _heard(there)
            if not heard:
                there.sendall(b"GET / HTTP/1.0\r\n\r\n")
                heard = _heard(there)
    except OSError:
        return None
    if heard.startswith(b"IceP"):
        return ConnectingError(
            f"{settings.place} is OMERO's port without encryption.",
            hint=f"Give the one with it, usually 4064; or, in a network that you trust: --server tcp://{settings.place}",
        )
    if heard.startswith(b"HTTP/"):
        return ConnectingError(
            f"At {settings.place} a web server answers, not OMERO.",
            hint="Give OMERO's own port, usually 4064; or, where the web server passes OMERO on, its address, "
            f"such as --server wss://{settings.host}/omero-ws",
        )
    return _no_omero(settings) if heard else None


def _heard(there: socket.socket) -> bytes:
    try:
        return there.recv(16)
    except TimeoutError:
        return b""
