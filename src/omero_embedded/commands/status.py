"""Requests about requests: omero.cmd.Timing and ListRequests."""

import time

import omero
import omero.cmd

from omero_embedded.call import Call
from omero_embedded.commands.graph.targets import refused
from omero_embedded.commands.steps import with_steps
from omero_embedded.wire.registry import COMMANDS, command

LONGEST = 300_000
"""Milliseconds that a Timing may take."""
MOST = 100_000
"""Steps that a Timing may have."""


@command("omero.cmd.Timing")
class Timing:
    """Does nothing for as long as it is told, to see what a command costs beside its work."""

    def __init__(self, request: omero.cmd.Timing) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.OK:
        """Wait."""
        steps, each = self._request.steps, self._request.millisPerStep
        if steps < 0 or each < 0 or steps > MOST or steps * each > LONGEST:
            raise refused(
                self._request, "timing", f"{steps} steps of {each} ms: at most {LONGEST} ms in all"
            )
        time.sleep(steps * each / 1000)
        return with_steps(omero.cmd.OK(), steps)


@command("omero.cmd.ListRequests")
class ListRequests:
    """Tells which requests there are."""

    def __init__(self, request: omero.cmd.ListRequests) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.ListRequestsRsp:
        """Give one of each, empty."""
        names = [name.rpartition(".")[2] for name in sorted(COMMANDS)]
        # the import has a handle too, but only the server begins it
        sent = [getattr(omero.cmd, name) for name in names if hasattr(omero.cmd, name)]
        return omero.cmd.ListRequestsRsp([request() for request in sent])
