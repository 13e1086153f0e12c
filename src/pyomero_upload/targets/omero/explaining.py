"""What omero-py and Ice raise, said in a sentence with what to do about it.

Beside `connection`. The texts of Ice hold the identities of services, which are session keys, and a refused login names
what it was given; so neither is repeated here, and the errors made here do not refer to those that they explain.
"""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager

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
        What was raised.
    settings
        Where and as whom.
    joining
        Whether a session was being joined: then a refusal means that it is over.

    """
    if isinstance(error, PyomeroError):
        return error
    if isinstance(error, Ice.LocalException):
        return _explain_ice(error, settings)
    if isinstance(error, Glacier2.PermissionDeniedException):
        return session_over(settings) if joining else _wrong_password(settings)
    if isinstance(error, Glacier2.CannotCreateSessionException):
        return _no_session(str(error.reason), settings)
    if isinstance(error, omero.SessionException):
        return session_over(settings)
    if isinstance(error, omero.ServerError):
        return _explain_refusal(error, settings)
    text = without_keys(str(error))
    if isinstance(error, omero.ClientError):
        if "null object" in text:
            return _no_answer(settings)
        if "host" in text.lower() or "protocol" in text.lower():
            return ConnectingError(
                f"{settings.host!r} is no address of a server.",
                hint="Give a name such as omero.example.org, or a URL such as wss://omero.example.org/omero-ws.",
            )
    return ServerRefusedError(f"{settings.place}: {type(error).__name__}: {text}")


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
    return LoginError(
        f"{settings.place} does not accept this user and password: {settings.prover}.",
        hint="Check both; they are the ones you use for OMERO.web. Upper and lower case matter.",
    )


def _no_session(reason: str, settings: ServerSettings) -> PyomeroError:
    if _READ_ONLY.search(reason):
        return read_only(settings)
    if "No such group" in reason:
        return LoginError(
            f"{settings.place}: {without_keys(reason)}.", hint="Choose another --group."
        )
    return LoginError(
        f"{settings.place} does not let {settings.prover} in: {without_keys(reason).rstrip('.')}.",
        hint="If this stays so, ask the server's administrator.",
    )


def read_only(settings: ServerSettings) -> ReadOnlyError:
    """Return the error that says that the server takes no changes."""
    return ReadOnlyError(
        f"The OMERO server {settings.place} is read-only at present.",
        hint="Wait until its administrator has made it writable again, and run the same command again.",
    )


def _no_answer(settings: ServerSettings) -> ConnectingError:
    return ConnectingError(
        f"{settings.place} does not answer.",
        hint=f"{_TRY} A firewall may stand between, or you may need the VPN; where only the web is open, the server "
        "may have an address like wss://omero.example.org/omero-ws.",
    )


def _explain_ice(error: Ice.LocalException, settings: ServerSettings) -> PyomeroError:
    place = settings.place
    if isinstance(error, Ice.DNSException):
        return ConnectingError(
            f"There is no server called {error.host}.",
            hint="Check the spelling (--server), and that this computer is on the network.",
        )
    if isinstance(error, Ice.ConnectionRefusedException):
        return ConnectingError(
            f"Nothing listens at {place}.",
            hint="Check --port: OMERO's is usually 4064. If it is right, the server is not running.",
        )
    if isinstance(error, Ice.ConnectFailedException | Ice.ConnectTimeoutException):
        return _no_answer(settings)
    if isinstance(error, Ice.SecurityException) and "certificate" in str(error):
        why = str(error.reason).splitlines()[-1]
        return ConnectingError(
            f"The certificate of {place} is not trusted: {without_keys(why)}.",
            hint="Certificates are checked because the Ice configuration says so (IceSSL.VerifyPeer). Give it the "
            "authority that signed this one (IceSSL.CAs), or ask the server's administrator.",
        )
    if isinstance(error, Ice.RequestFailedException):
        return session_over(settings)
    if isinstance(error, Ice.UnknownException) and _NO_MEMBER.search(str(error)):
        return _no_member(settings)
    if isinstance(error, Ice.MemoryLimitException):
        return ServerRefusedError(
            f"A message to or from {place} is larger than it takes.",
            hint="The server's administrator can raise omero.ice.message_size_max… (Ice.MessageSizeMax).",
        )
    if isinstance(error, Ice.UnknownException):
        return ServerRefusedError(
            f"{place} failed with an error of its own: {without_keys(str(error.unknown))[:300]}",
            hint="Tell the server's administrator; its log says more.",
        )
    return ConnectingError(
        f"The connection to {place} was lost ({type(error).__name__}).",
        hint="Check the network, and run the same command again.",
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


def _no_member(settings: ServerSettings) -> LoginError:
    who = settings.user or "The user"
    return LoginError(
        f"{who} is not a member of the group any more.",
        hint="Choose another --group, or ask the group's owner to let you in again.",
    )


def _explain_refusal(error: "omero.ServerError", settings: ServerSettings) -> PyomeroError:
    words = without_keys(str(error.message or type(error).__name__)).strip()
    if isinstance(error, omero.ResourceError | omero.InternalException) and _FULL.search(words):
        return ServerFullError(
            f"{settings.place} has no room left: {words}",
            hint="Free some, or ask the server's administrator; then run the same command again.",
        )
    if isinstance(error, omero.ReadOnlyGroupSecurityViolation):
        return ReadOnlyError(
            f"The group takes no changes: {words}",
            hint="Ask the group's owner, or choose another --group.",
        )
    if isinstance(error, omero.SecurityViolation):
        if _NO_MEMBER.search(words):
            return _no_member(settings)
        return NotAllowedError(
            f"{settings.place} does not allow this: {words}",
            hint="Ask the group's owner or the server's administrator.",
        )
    if _READ_ONLY.search(words):
        return read_only(settings)
    return ServerRefusedError(f"{settings.place} refused ({type(error).__name__}): {words}")
