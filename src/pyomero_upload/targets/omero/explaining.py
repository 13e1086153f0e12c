"""What omero-py and Ice raise, said in a sentence with what to do about it.

Beside `connection`. The texts of Ice hold the identities of services, which are session keys, and a refused login names
what it was given; so neither is repeated here, and the errors made here do not refer to those that they explain.
"""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import Glacier2
import Ice
import omero
import omero.clients

from pyomero_upload.errors import PyomeroError
from pyomero_upload.targets.omero.defaults import DEFAULT_PORT
from pyomero_upload.targets.omero.settings import ServerSettings

OLDEST = (5, 6)
"""The oldest version of a server that this works with."""

_PROBING = 3.0
"""Seconds for a look at what answers at a port."""

_KEY = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_FULL = re.compile(r"no space left|quota|disk (is )?full|not enough space", re.IGNORECASE)
_READ_ONLY = re.compile(r"read[- ]only", re.IGNORECASE)
_NOT_IN_GROUP = re.compile(r"not a member of group", re.IGNORECASE)
_INTERNAL = re.compile(r"internal server error", re.IGNORECASE)
_NULL_OBJECT = re.compile(r"null object")
_BAD_ADDRESS = re.compile(r"No host|protocol")
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


PyomeroErrorT = TypeVar("PyomeroErrorT", bound=PyomeroError)


@dataclass(frozen=True, slots=True)
class _Saying(Generic[PyomeroErrorT]):
    """An error for people as it is written down: `{place}`, `{words}` and others are filled in when it is raised."""

    kind: type[PyomeroErrorT]
    message: str
    hint: str = ""

    def of(self, settings: ServerSettings, error: object = None, words: str = "") -> PyomeroErrorT:
        """Make the error."""
        known = {
            "place": settings.place,
            "host": settings.host,
            "user": settings.user or "The user",
            "whose": f" of {settings.user}" if settings.user else "",
            "prover": settings.prover,
            "you": settings.prover or "you",
            "raised": type(error).__name__,
            "words": words,
        }
        return self.kind(self.message.format(**known), hint=self.hint.format(**known))


_SESSION_OVER = _Saying(
    SessionOverError, "The session{whose} at {place} is over.", "Log in again: pyomero login"
)
_WRONG_PASSWORD = _Saying(
    WrongPasswordError,
    "{place} does not accept this user and password: {prover}.",
    "Check both; they are the ones you use for OMERO.web. Upper and lower case matter.",
)
_NO_MEMBER = _Saying(
    LoginError,
    "{user} is not a member of the group any more.",
    "Choose another --group, or ask the group's owner to let you in again.",
)
_NOT_LET_IN = _Saying(
    LoginError,
    "{place} does not let {you} in: {words}.",
    "If this stays so, ask the server's administrator.",
)
_READ_ONLY_SERVER = _Saying(
    ReadOnlyError,
    "The OMERO server {place} is read-only at present.",
    "Wait until its administrator has made it writable again, and run the same command again.",
)
_READ_ONLY_GROUP = _Saying(
    ReadOnlyError,
    "The group takes no changes: {words}",
    "Ask the group's owner, or choose another --group.",
)
_NOT_ALLOWED = _Saying(
    NotAllowedError,
    "{place} does not allow this: {words}",
    "Ask the group's owner or the server's administrator.",
)
_SERVER_FULL = _Saying(
    ServerFullError,
    "{place} has no room left: {words}",
    "Free some, or ask the server's administrator; then run the same command again.",
)
_NOT_READY = _Saying(
    ConnectingError,
    "{place} begins no session at present: {words}.",
    "It may be starting: try again in a minute. If this stays so, ask the server's administrator.",
)
_NO_ANSWER = _Saying(
    ConnectingError,
    "{place} does not answer.",
    f"{_TRY} A firewall may stand between, or you may need the VPN; where only the web is open, the server "
    "may have an address like wss://omero.example.org/omero-ws.",
)
_NO_NAME = _Saying(
    ConnectingError,
    "There is no server called {words}.",
    "Check the spelling (--server), and that this computer is on the network.",
)
_NO_ADDRESS = _Saying(
    ConnectingError,
    "{host!r} is no address of a server.",
    "Give a name such as omero.example.org, or a URL such as wss://omero.example.org/omero-ws.",
)
_NOBODY_LISTENS = _Saying(
    ConnectingError,
    "Nothing listens at {place}.",
    "Check --port: OMERO's is usually 4064. If it is right, the server is not running.",
)
_NOT_TRUSTED = _Saying(
    ConnectingError,
    "The certificate of {place} is not trusted: {words}.",
    "Certificates are checked because the Ice configuration says so (IceSSL.VerifyPeer). Give it the "
    "authority that signed this one (IceSSL.CAs), or ask the server's administrator.",
)
_LOST = _Saying(
    ConnectingError,
    "The connection to {place} was lost.",
    "Check the network, and run the same command again.",
)
_NO_CIPHERS = _Saying(
    ConnectingError,
    "This computer and {place} agree on no encryption.",
    "The server has no certificate, or an old one; its administrator makes one with "
    "'omero certificates' (omero-certificates on PyPI).",
)
_NO_OMERO = _Saying(
    ConnectingError,
    "What answers at {place} is not an OMERO server.",
    f"{_TRY} OMERO's port is usually 4064.",
)
_WITHOUT_ENCRYPTION = _Saying(
    ConnectingError,
    "{place} is OMERO's port without encryption.",
    "Give the one with it, usually 4064; or, in a network that you trust: --server tcp://{place}",
)
_WEB_SERVER = _Saying(
    ConnectingError,
    "At {place} a web server answers, not OMERO.",
    "Give OMERO's own port, usually 4064; or, where the web server passes OMERO on, its address, "
    "such as --server wss://{host}/omero-ws",
)
_TOO_LARGE = _Saying(
    ServerRefusedError,
    "A message to or from {place} is larger than it takes (Ice.MessageSizeMax).",
    "Ask the server's administrator to raise it.",
)
_FAILED = _Saying(
    ServerRefusedError,
    "{place} failed with an error of its own: {words:.300}",
    "Tell the server's administrator; its log says more.",
)
_NOT_DONE = _Saying(ServerRefusedError, "{place} could not do it: {words}")
_REFUSED = _Saying(ServerRefusedError, "{place} refused ({raised}): {words}")
_REFUSED_HERE = _Saying(ServerRefusedError, "{place}: {words}")
_UNKNOWN = _Saying(ServerRefusedError, "{place}: {raised}: {words}")


def _reason(error: Any) -> str:
    return str(error.reason).rstrip(".")


def _last_line(error: Any) -> str:
    return str(error.reason).strip().splitlines()[-1]


def _message(error: Any) -> str:
    return str(error.message or type(error).__name__).strip()


def _told(error: Any) -> str:
    told = error.err
    return (told.parameters or {}).get("message") or f"{told.category} {told.name}"


_ANYTHING = re.compile("")
# What was raised; where its words are; what must stand in them; what it means. The first row that fits counts.
_EXPLANATIONS: tuple[
    tuple[type[BaseException], Callable[[Any], object], re.Pattern[str], _Saying[Any]],
    ...,
] = (
    (Ice.DNSException, lambda error: error.host, _ANYTHING, _NO_NAME),
    (Ice.ConnectionRefusedException, str, _ANYTHING, _NOBODY_LISTENS),
    (Ice.ConnectFailedException, str, _ANYTHING, _NO_ANSWER),
    (Ice.ConnectTimeoutException, str, _ANYTHING, _NO_ANSWER),
    (Ice.SecurityException, _last_line, _ANYTHING, _NOT_TRUSTED),
    (Ice.RequestFailedException, str, _ANYTHING, _SESSION_OVER),
    (Ice.MemoryLimitException, str, _ANYTHING, _TOO_LARGE),
    (Ice.UnknownException, lambda error: error.unknown, _NOT_IN_GROUP, _NO_MEMBER),
    (Ice.UnknownException, lambda error: error.unknown, _ANYTHING, _FAILED),
    (Ice.LocalException, str, _ANYTHING, _LOST),
    # What the router says where the server behind it does not answer (Glacier2's SessionRouterI).
    (Glacier2.PermissionDeniedException, _reason, _INTERNAL, _NOT_READY),
    (Glacier2.PermissionDeniedException, _reason, _ANYTHING, _WRONG_PASSWORD),
    (omero.WrappedCreateSessionException, _reason, _READ_ONLY, _READ_ONLY_SERVER),
    (omero.WrappedCreateSessionException, _reason, _ANYTHING, _NOT_LET_IN),
    (Glacier2.CannotCreateSessionException, _reason, _ANYTHING, _NOT_READY),
    (omero.SessionException, _message, _ANYTHING, _SESSION_OVER),
    (omero.ReadOnlyGroupSecurityViolation, _message, _ANYTHING, _READ_ONLY_GROUP),
    (omero.SecurityViolation, _message, _NOT_IN_GROUP, _NO_MEMBER),
    (omero.SecurityViolation, _message, _ANYTHING, _NOT_ALLOWED),
    (omero.ServerError, _message, _FULL, _SERVER_FULL),
    (omero.ServerError, _message, _READ_ONLY, _READ_ONLY_SERVER),
    (omero.ServerError, _message, _ANYTHING, _REFUSED),
    (omero.CmdError, _told, _ANYTHING, _NOT_DONE),
    (omero.ClientError, str, _NULL_OBJECT, _NO_ANSWER),
    (omero.ClientError, str, _BAD_ADDRESS, _NO_ADDRESS),
    (omero.ClientError, str, _ANYTHING, _REFUSED_HERE),
    (BaseException, str, _ANYTHING, _UNKNOWN),
)


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
    saying, words = next(_that_fit(error))
    if joining and saying is _WRONG_PASSWORD:
        return session_over(settings)
    made: PyomeroError = saying.of(settings, error, words)
    return made


def _that_fit(error: BaseException) -> Iterator[tuple[_Saying[Any], str]]:
    """Iterate over what an error may mean, with its words; the last one fits all."""
    for kind, words_of, pattern, saying in _EXPLANATIONS:
        if isinstance(error, kind):
            words = without_keys(str(words_of(error)))
            if pattern.search(words):
                yield saying, words


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
    return _SESSION_OVER.of(settings)


def read_only(settings: ServerSettings) -> ReadOnlyError:
    """Return the error that says that the server takes no changes."""
    return _READ_ONLY_SERVER.of(settings)


def explain_connecting(
    error: BaseException, settings: ServerSettings, *, joining: bool = False
) -> PyomeroError:
    """Return what `explain` does for an error while a connection is being made, after a look at what answers there."""
    if isinstance(error, Ice.RequestFailedException):
        return _NO_OMERO.of(settings)
    strange = (
        Ice.ProtocolException,
        Ice.ConnectionLostException,
        Ice.TimeoutException,
        omero.ClientError,
    )
    if isinstance(error, strange) and "://" not in settings.host:
        if isinstance(error, Ice.ProtocolException) and _NO_CIPHER.search(str(error.reason or "")):
            return _NO_CIPHERS.of(settings)
        found = _what_answers(settings)
        if found is not None:
            return found
    if isinstance(error, Ice.ConnectionLostException | Ice.ProtocolException):
        return _NO_OMERO.of(settings)
    return explain(error, settings, joining=joining)


def _what_answers(settings: ServerSettings) -> ConnectingError | None:
    """Look at who speaks at a port: OMERO without encryption greets at once, a web server when it is asked."""
    address = (settings.host, settings.port or DEFAULT_PORT)
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
        return _WITHOUT_ENCRYPTION.of(settings)
    if heard.startswith(b"HTTP/"):
        return _WEB_SERVER.of(settings)
    return _NO_OMERO.of(settings) if heard else None


def _heard(there: socket.socket) -> bytes:
    try:
        return there.recv(16)
    except TimeoutError:
        return b""
