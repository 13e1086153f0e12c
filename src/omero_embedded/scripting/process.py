"""omero.grid.ScriptProcess: what a client holds of a script that runs.

When the script has ended, what it printed is kept as OriginalFiles, linked to its ScriptJob and given as the outputs
`stdout` and `stderr` beside its own; only then the client is told.
"""

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import Ice
import omero
import omero.grid
import omero.model
from omero.rtypes import rint, robject

from omero_embedded import errors, saving
from omero_embedded.call import Call, writing
from omero_embedded.files.keeping import keep
from omero_embedded.initial import ENUMERATIONS
from omero_embedded.loading import Loader
from omero_embedded.scripting.launching import Launched

if TYPE_CHECKING:
    from omero_embedded.core import Core

log = logging.getLogger("omero_embedded")


class ScriptProcess:
    """A script that runs or has run.

    Parameters
    ----------
    core
        The server.
    launched
        The script's process.
    job
        Id of its ScriptJob.
    params
        What the script tells of itself.
    """

    interface = "omero.grid.ScriptProcess"
    waits = frozenset({"wait"})
    """Operations that may take long, during which the others are answered."""

    def __init__(
        self, core: "Core", launched: Launched, job: int, params: "omero.grid.JobParams"
    ) -> None:
        self._core, self._launched, self._job, self._params = core, launched, job, params
        self._done = threading.Event()
        self._code: int | None = None
        self._ended_by: str | None = None
        self._results: dict[str, omero.RType] = {}
        self._callbacks: list[Any] = []
        self._detached = False

    def start(self) -> None:
        """Begin to wait for the script's end."""
        threading.Thread(target=self._watch, name="omero_embedded-script", daemon=True).start()

    def _watch(self) -> None:
        code = self._launched.wait()
        session = self._launched.session
        try:
            if self._core.sessions.find(session.uuid) is not None:
                self._write_down(code)
        except Exception:
            log.exception("The end of script job %d could not be written down", self._job)
        self._results = {**session.outputs, **self._results}
        self._code = code
        self._launched.clear()
        self._core.sessions.close(session)
        self._done.set()
        for callback in list(self._callbacks):
            self._tell(callback)

    def _write_down(self, code: int) -> None:
        """Keep what was printed, and note how the job ended."""
        status = "Cancelled" if self._ended_by else "Finished" if code == 0 else "Error"
        call = Call(self._core, self._launched.session, {}, writes=True)
        try:
            for name, printed, mimetype in (
                ("stdout", "out", self._params.stdoutFormat),
                ("stderr", "err", self._params.stderrFormat),
            ):
                data = self._launched.printed(printed)
                if data and mimetype:
                    file = keep(call, data, name=name, path="/", mimetype=mimetype)
                    saving.insert(call, "JobOriginalFileLink", parent=self._job, child=file)
                    self._results[name] = robject(omero.model.OriginalFileI(file, False))
            ended = {"status": ENUMERATIONS["JobStatus"][status], "message": status}
            saving.change(call, "ScriptJob", self._job, finished=int(time.time() * 1000), **ended)
            call.finish()
        except BaseException:
            call.abandon()
            raise

    def _tell(self, callback: Any) -> None:
        """Tell a client's callback how the script ended; the client may be gone by now."""
        try:
            if self._ended_by == "cancel":
                callback.begin_processCancelled(True)
            elif self._ended_by == "kill":
                callback.begin_processKilled(True)
            else:
                callback.begin_processFinished(self._code)
        except Ice.Exception as error:
            log.debug("A callback could not be told: %s", error)

    # ------------------------------------------------------------ operations
    def poll(self, call: Call) -> "omero.RInt | None":
        """Give the exit status, None while the script runs."""
        return rint(self._code) if self._done.is_set() else None

    def wait(self, call: Call) -> int:
        """Wait for the script's end and give its exit status."""
        self._done.wait()
        assert self._code is not None
        return self._code

    def cancel(self, call: Call) -> bool:
        """Ask the script to end; say whether it has ended before."""
        if not self._done.is_set():
            self._ended_by = self._ended_by or "cancel"
            self._launched.terminate()
        return self._done.is_set()

    def kill(self, call: Call) -> bool:
        """End the script at once; say whether it has ended."""
        if not self._done.is_set():
            self._ended_by = "kill"
            self._launched.kill()
        return True

    def shutdown(self, call: Call) -> None:
        """End the script."""
        self.kill(call)

    def registerCallback(self, call: Call, cb: Any) -> None:
        """Take a callback of the client, reached over the connection it came by."""
        assert call.current is not None
        if cb is None:
            raise errors.api_usage("No callback is given.")
        proxy = call.current.con.createProxy(cb.ice_getIdentity())
        callback = omero.grid.ProcessCallbackPrx.uncheckedCast(proxy).ice_oneway()
        self._callbacks.append(callback)
        if self._done.is_set():
            self._tell(callback)

    def unregisterCallback(self, call: Call, cb: Any) -> None:
        """Forget a callback."""
        gone = None if cb is None else cb.ice_getIdentity()
        self._callbacks = [c for c in self._callbacks if c.ice_getIdentity() != gone]

    def getJob(self, call: Call) -> "omero.model.ScriptJob | None":
        """Give the job."""
        return Loader(call).object("ScriptJob", self._job)

    def getResults(self, call: Call, waitSecs: int) -> "dict[str, omero.RType]":
        """Give the outputs, waiting for them so long."""
        if not self._done.wait(max(0, min(waitSecs, 60))):
            raise errors.api_usage("The process is still running.")
        return self._results

    @writing
    def setMessage(self, call: Call, message: str) -> str:
        """Set the job's message; give the one it had."""
        job = Loader(call).object("ScriptJob", self._job)
        if job is None:
            raise errors.missing_row("ome.model.jobs.ScriptJob", self._job)
        saving.change(call, "ScriptJob", self._job, message=message)
        return "" if job.message is None else str(job.message.val)

    def close(self, call: Call, detach: bool = False) -> None:
        """Let go of the script: it runs on where it is detached, and ends otherwise."""
        self._callbacks = []
        if not detach:
            self.kill(call)
