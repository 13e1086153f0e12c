"""Patience: going on after faults that can pass.

Beside `connection`, for what writes to a server for hours. A fault that can pass is one of these: the connection drops or
stalls, the server is being restarted, the session is over, the server is busy, full or read-only. Everything else is
raised as it is, at once.

A drop is met by joining the same session again with a new client; what lives in the session (stores) lives on if it was
detached (`Connection.detach`). Where the session is over, a new one is begun: with the password that is known, or, where
the old one was one of a login, with the one that the user makes by logging in again in another window.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias, TypeVar

import Ice
import omero
import omero.clients

from pyomero_upload.errors import PyomeroError
from pyomero_upload.targets.omero import explaining
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.defaults import PATIENCE

T = TypeVar("T")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0


class Fault(Enum):
    """A fault that can pass, by what it takes to go on."""

    LOST = "lost"
    """The client is of no use any more: come back with a new one."""
    OVER = "over"
    """The service that was called is gone: with the session, or alone."""
    BUSY = "busy"
    """The same client may try again."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A fault is being waited out.

    Attributes
    ----------
    message
        What is the matter and what to do, for a person.
    pause
        Seconds until the next try.
    waited, patience
        Seconds since the fault began, and after which it is given up.

    """

    message: str
    pause: float
    waited: float
    patience: float


@dataclass(frozen=True, slots=True)
class WentOn:
    """A fault has passed after `waited` seconds, whatever is answered now; `new_session`: in a session begun anew."""

    waited: float
    new_session: bool


Tell: TypeAlias = Callable[[Waiting | WentOn], None]


class StoresLostError(PyomeroError):
    """What lived in the session, such as a store, is gone, with the session or alone: it must be begun anew."""


class GaveUpError(PyomeroError):
    """A fault did not pass in time. Running the same command again goes on where this stopped."""


# The first that fits counts.
_FAULTS: tuple[tuple[type[BaseException], Fault | None], ...] = (
    (Ice.SocketException, Fault.LOST),
    (Ice.TimeoutException, Fault.LOST),
    (Ice.DNSException, Fault.LOST),
    (Ice.ForcedCloseConnectionException, Fault.LOST),
    (Ice.MarshalException, None),
    # Also what TLS says where a connection is cut in the middle of a record.
    (Ice.ProtocolException, Fault.LOST),
    # Another thread has put a new client in the place of this one: Ice's word for it, and omero-py's, which is
    # "No session available".
    (Ice.CommunicatorDestroyedException, Fault.LOST),
    (omero.CmdError, None),
    (omero.ClientError, Fault.LOST),
    (omero.ShutdownInProgress, Fault.LOST),
    (explaining.ConnectingError, Fault.LOST),
    (Ice.ObjectNotExistException, Fault.OVER),
    (omero.SessionException, Fault.OVER),
    (explaining.SessionOverError, Fault.OVER),
    (omero.DatabaseBusyException, Fault.BUSY),
    (omero.TryAgain, Fault.BUSY),
    (omero.LockTimeout, Fault.BUSY),
    (explaining.ServerFullError, Fault.BUSY),
    (explaining.ReadOnlyError, Fault.BUSY),
)


def fault_of(error: BaseException) -> Fault | None:
    """Return which fault that can pass an error is; None for one that will not."""
    for kind, fault in _FAULTS:
        if isinstance(error, kind):
            return fault
    full_or_read_only = isinstance(error, omero.ServerError) and explaining.may_pass(error)
    return Fault.BUSY if full_or_read_only else None


class Patience:
    """Runs things on a connection, and waits out faults that can pass.

    Several threads may share one, as they share the connection: whoever notices a drop first comes back for all.

    Parameters
    ----------
    connection
        Where; its client is replaced when it has to be. So what is run must ask the connection for its services each
        time, and for its open stores by `connection.sf.ice_identity(identity)`.
    seconds
        For how long one fault is waited out.
    tell
        Told of every pause and of every end of a fault, in the thread that waits.
    stop
        Set by another thread, it ends a pause at once, as if patience were over.

    """

    def __init__(
        self,
        connection: Connection,
        *,
        seconds: float = PATIENCE,
        tell: Tell | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self.connection = connection
        self.seconds = seconds
        self._tell: Tell = tell if tell is not None else lambda _: None
        self._stop = threading.Event() if stop is None else stop

    def run(self, what: Callable[[], T]) -> T:
        """Run something that depends on no session, again and again until it succeeds.

        Parameters
        ----------
        what
            Must be such that running it again does no harm, though it may have reached the server the first time: what
            makes things must look first whether they are there.

        Raises
        ------
        GaveUpError
            If a fault did not pass in time.
        PyomeroError
            What omero-py raised that is no fault that can pass, explained; `what`'s own errors as they are.

        """
        return self._run(what, self.connection.session_number, any_session=True)

    def run_in_session(self, what: Callable[[], T], number: int) -> T:
        """Run something that needs what lives in one session (a store), again and again until it succeeds.

        Parameters
        ----------
        what
            As for `run`.
        number
            The `session_number` of the connection when the store was opened.

        Raises
        ------
        StoresLostError
            If that session is over and another one has begun, or the store is gone: open anew, and call with the
            connection's present number.
        GaveUpError, PyomeroError
            As `run` does.

        """
        return self._run(what, number, any_session=False)

    def _run(self, what: Callable[[], T], number: int, *, any_session: bool) -> T:
        wait = _Wait(self.seconds)
        client = self.connection.client
        while True:
            try:
                if wait.fault in {Fault.LOST, Fault.OVER}:
                    self.connection.come_back(client)
                client = self.connection.client
                if not any_session and self.connection.session_number != number:
                    raise _stores_lost(self.connection)
                result = what()
            except (Ice.Exception, omero.ClientError, PyomeroError) as error:
                before, wait.fault = wait.fault, fault_of(error)
                explained = explaining.explain(error, self.connection.settings)
                if before is Fault.OVER and isinstance(error, Ice.ObjectNotExistException):
                    # The session is alive, so it is the store that is gone.
                    explained, wait.fault = _stores_lost(self.connection), None
                if wait.fault is None:
                    self._end(wait, number)
                    raise explained from None
            else:
                self._end(wait, number)
                return result
            if wait.is_over or self._wait(wait, explained):
                raise _gave_up(explained, wait.waited)

    def _end(self, wait: "_Wait", number: int) -> None:
        """Tell that a wait is over, if there was one."""
        if wait.began is not None:
            self._tell(WentOn(wait.waited, self.connection.session_number != number))

    def _wait(self, wait: "_Wait", explained: PyomeroError) -> bool:
        """Wait for the next try; return whether it is to be given up instead."""
        self._tell(Waiting(self._sentence(explained), wait.pause, wait.waited, self.seconds))
        stopped = self._stop.wait(wait.pause)
        wait.pause = min(wait.pause * 2, _LONGEST_PAUSE)
        return stopped

    def _sentence(self, explained: PyomeroError) -> str:
        """Say what is the matter; and what to do only where it does not pass without the user."""
        if isinstance(explained, explaining.SessionOverError) and not self.connection.can_log_in:
            return f"{explained.message} Log in again in another window: pyomero login"
        return explained.message


class _Wait:
    """One wait for a fault to pass: which it is, when it began, and how long the next pause is."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self.fault: Fault | None = None
        self.began: float | None = None
        self.pause = _FIRST_PAUSE

    @property
    def waited(self) -> float:
        """Seconds since it began; it begins when this is first asked."""
        if self.began is None:
            self.began = time.monotonic()
        return time.monotonic() - self.began

    @property
    def is_over(self) -> bool:
        """Whether the next pause would end after patience does."""
        return self.waited + self.pause > self._patience


def _gave_up(explained: PyomeroError, waited: float) -> GaveUpError:
    return GaveUpError(
        f"{explained.message} This did not pass in {waited:.0f} seconds.",
        hint=f"{explained.hint} What is done is kept: run the same command again to go on.".strip(),
    )


def _stores_lost(connection: Connection) -> StoresLostError:
    return StoresLostError(
        f"What was open in the session at {connection.settings.place} is gone.",
        hint="It has to be begun anew: run the same command again.",
    )
