"""A command that is cancelled in time leaves everything as it was."""

from typing import Any

import omero
import omero.callbacks
import omero.cmd

from omero_bench import Bench


def test_a_command_cancelled_in_time_changes_nothing(bench: Bench) -> None:
    dataset = bench.named("Dataset")
    requests: list[Any] = [
        omero.cmd.Delete2(targetObjects={"Dataset": [dataset]}),
        omero.cmd.Timing(millisPerStep=500, steps=1),
    ]
    handle = bench.client.sf.submit(omero.cmd.DoAll(requests, []))
    assert handle.cancel()
    callback = omero.callbacks.CmdCallbackI(bench.client, handle)
    callback.loop(60, 500)
    response, status = callback.getResponse(), handle.getStatus()
    callback.close(True)
    assert isinstance(response, omero.cmd.ERR)
    assert response.name == "cancelled"
    assert omero.cmd.State.CANCELLED in status.flags
    assert bench.exists("Dataset", dataset)


def test_a_command_that_has_finished_cannot_be_cancelled(bench: Bench) -> None:
    dataset = bench.named("Dataset")
    handle = bench.client.sf.submit(omero.cmd.Delete2(targetObjects={"Dataset": [dataset]}))
    callback = omero.callbacks.CmdCallbackI(bench.client, handle)
    callback.loop(60, 500)
    assert not handle.cancel()
    callback.close(True)
    assert not bench.exists("Dataset", dataset)
