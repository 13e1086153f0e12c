"""A command that is cancelled in time leaves everything as it was."""

from typing import Any

import omero
import omero.callbacks
import omero.cmd
import pytest

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


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"omero.group": "999999999"}, "No row with the given identifier exists"),
        ({"omero.user": "0"}, "is not an admin and so cannot set uid"),
    ],
)
def test_a_command_for_whom_it_cannot_be_is_taken_and_fails(
    omero_new_user: Any, bench_of: Any, context: dict[str, str], message: str
) -> None:
    """The handle is made without a look at group and user; carrying out is what fails (omero.cmd.HandleI)."""
    bench = bench_of(omero_new_user())
    request = omero.cmd.Timing(millisPerStep=0, steps=1)
    handle = bench.client.sf.submit(request, context)
    callback = omero.callbacks.CmdCallbackI(bench.client, handle)
    callback.loop(60, 500)
    response = callback.getResponse()
    callback.close(True)
    assert (response.category, response.name) == ("::omero::cmd::Timing", "run-fail")
    assert message in response.parameters["message"]
