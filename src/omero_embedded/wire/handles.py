"""Commands under way: a handle for each, its status, its response, and the client's callbacks.

A command runs in a thread of its own, in one transaction. What it raises becomes an omero.cmd.ERR in the response.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import Ice
import omero
import omero.cmd

from omero_embedded.call import Call
from omero_embedded.wire import registry

if TYPE_CHECKING:
    from omero_embedded.core import Core
    from omero_embedded.wire.sessions import Session

log = logging.getLogger("omero_embedded")
State = omero.cmd.State


class Refused(Exception):  # noqa: N818  # becomes a response, not an error
    """A command ends with this response (an omero.cmd.ERR), and nothing of what it wrote stays."""

    def __init__(self, response: omero.cmd.ERR) -> None:
        super().__init__(response.name)
        self.response = response


def refused(category: str, name: str, parameters: dict[str, str] | None = None) -> Refused:
    """Make the refusal with an ERR of the category and the name."""
    return Refused(omero.cmd.ERR(category, name, parameters or {}))


class Handle:
    """omero.cmd.Handle of one command."""

    interface = "omero.cmd.Handle"
    in_any_group = True

    def __init__(
        self,
        core: "Core",
        session: "Session",
        context: dict[str, str],
        request: omero.cmd.Request,
        *,
        keeps_session: bool = False,
    ) -> None:
        self._core = core
        self._session = session
        self._context = context
        self._request = request
        self._keeps_session = keeps_session
        self._response: omero.cmd.Response | None = None
        self._callbacks: list[Any] = []
        self._lock = threading.Lock()
        self._started = self._stopped = 0
        self._steps, self._step = 1, 0
        self._flags: list[omero.cmd.State] = []
        self._cancelled = self._committing = False

    def start(self) -> None:
        """Begin. A command that keeps its session is one client more of it until it has finished."""
        if self._keeps_session:
            self._core.sessions.enter(self._session)
        self._started = int(time.time() * 1000)
        threading.Thread(target=self._run, name="omero_embedded-command", daemon=True).start()

    def _run(self) -> None:
        response = carry_out(
            self._core, self._session, self._context, self._request, self._may_commit
        )
        with self._lock:
            if isinstance(response, omero.cmd.ERR):
                self._flags = [State.FAILURE, State.CANCELLED]
            self._steps = max(self._steps, getattr(response, "steps", 0) or 0)
            self._step = self._steps - 1
            self._stopped = int(time.time() * 1000)
            self._response = response
            waiting = list(self._callbacks)
        for callback in waiting:
            self._tell(callback)
        if self._keeps_session:
            self._core.sessions.leave(self._session)

    def _may_commit(self) -> bool:
        """Whether nobody has cancelled the command; from now on nobody can."""
        with self._lock:
            self._committing = not self._cancelled
            return self._committing

    def _tell(self, callback: Any) -> None:
        """Tell a client's callback that the command has finished; the client may be gone by now."""
        try:
            callback.begin_finished(self._response, self._status())
        except Ice.Exception as error:
            log.debug("A callback could not be told: %s", error)

    def _status(self) -> omero.cmd.Status:
        status = omero.cmd.Status()
        status.flags = list(self._flags)
        status.steps, status.currentStep = self._steps, self._step
        status.startTime, status.stopTime = self._started, self._stopped
        return status

    # ------------------------------------------------------------ operations
    def addCallback(self, call: Call, cb: Any) -> None:
        """Take a callback of the client, reached over the connection it came by."""
        assert call.current is not None
        callback = omero.cmd.CmdCallbackPrx.uncheckedCast(
            call.current.con.createProxy(cb.ice_getIdentity())
        )
        with self._lock:
            self._callbacks.append(callback.ice_oneway())
            finished = self._response is not None
        if finished:
            self._tell(callback.ice_oneway())

    def removeCallback(self, call: Call, cb: Any) -> None:
        """Forget a callback."""
        with self._lock:
            self._callbacks = [
                c for c in self._callbacks if c.ice_getIdentity() != cb.ice_getIdentity()
            ]

    def getRequest(self, call: Call) -> omero.cmd.Request:
        """Give the request."""
        return self._request

    def getResponse(self, call: Call) -> omero.cmd.Response | None:
        """Give the response, None before there is one."""
        return self._response

    def getStatus(self, call: Call) -> omero.cmd.Status:
        """Tell how it goes."""
        with self._lock:
            return self._status()

    def cancel(self, call: Call) -> bool:
        """Have nothing of the command stay; say whether there was time for that."""
        with self._lock:
            self._cancelled = not self._committing and self._response is None
            return self._cancelled

    def close(self, call: Call) -> None:
        """Let go of the handle; the command runs on."""
        with self._lock:
            self._callbacks = []


def carry_out(
    core: "Core",
    session: "Session",
    context: dict[str, str],
    request: omero.cmd.Request,
    may_commit: Callable[[], bool],
) -> omero.cmd.Response:
    """Carry out a request in a transaction of its own and return its response.

    What `may_commit` refuses in the end is rolled back.
    """
    if request is None:
        return omero.cmd.Unknown("unknown", "null-request", {})
    name = f"omero.cmd.{request.ice_id().rsplit('::', 1)[-1]}"
    registry.load()
    if name not in registry.COMMANDS:
        log.warning("%s is not offered", name)
        return omero.cmd.Unknown(
            request.ice_id(), "unknown-request", {"message": f"{name} is not offered."}
        )
    command = registry.COMMANDS[name]
    if getattr(command, "all_groups", False) and not context.get("omero.group"):
        context = {**context, "omero.group": "-1"}
    call: Call | None = None
    began = False
    try:
        call = Call(core, session, context, writes=True)
        began = True
        response = command(request).run(call)
        began = False
        if not may_commit():
            call.abandon()
            return omero.cmd.ERR(request.ice_id(), "cancelled", {})
        call.finish()
    except Refused as refusal:
        if call is not None:
            call.abandon()
        return refusal.response
    except Exception as error:  # whatever it is, the client must hear of it
        if call is not None:
            call.abandon()
        if not isinstance(error, omero.ServerError):
            log.exception("%s failed", name)
        message = getattr(error, "message", None) or f"{type(error).__name__}: {error}"
        return omero.cmd.ERR(
            request.ice_id(),
            "steps-cancel" if began else "run-fail",  # as omero.cmd.HandleI
            {"message": message, "stacktrace": message},
        )
    return response
