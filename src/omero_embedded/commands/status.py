"""Requests about requests: omero.cmd.Timing and ListRequests."""

import time

import omero
import omero.cmd

from omero_embedded.call import Call
from omero_embedded.commands.graph.targets import declined
from omero_embedded.commands.steps import with_steps
from omero_embedded.wire.registry import COMMANDS, command

LONGEST = 300_000
"""Milliseconds that a Timing may take."""
MOST = 1_000_000
"""Steps that a Timing may have."""


@command("omero.cmd.Timing")
class Timing:
    """Does nothing for as long as it is told, to see what a command costs beside its work."""

    def __init__(self, request: omero.cmd.Timing) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.OK:
        """Wait."""
        request, steps, each = self._request, self._request.steps, self._request.millisPerStep
        if steps > MOST:
            raise declined(request, "too-many-steps", steps=steps)
        if each > LONGEST:
            raise declined(request, "too-long-steps", millisPerStep=each)
        if steps * each > LONGEST:
            raise declined(request, "too-long", millisPerStep=each, steps=steps)
        if steps <= 0:
            raise declined(request, "no-steps")
        time.sleep(steps * max(each, 0) / 1000)
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
