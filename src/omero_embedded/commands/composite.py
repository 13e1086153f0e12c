"""Requests made of requests: omero.cmd.DoAll, SkipHead and LegalGraphTargets."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import omero
import omero.cmd

from omero_embedded.call import Call
from omero_embedded.commands.graph.closure import Growth, anything
from omero_embedded.commands.graph.selection import Selection
from omero_embedded.commands.graph.targets import (
    child_options,
    classes_named,
    in_all_groups,
    refused,
    select_targets,
    target_classes,
)
from omero_embedded.commands.steps import with_steps
from omero_embedded.schema import CLASSES
from omero_embedded.wire.registry import COMMANDS, command

GRAPH_REQUESTS = (
    "Chgrp2",
    "Chmod2",
    "Chown2",
    "Delete2",
    "DiskUsage2",
    "Duplicate",
    "FindChildren",
    "FindParents",
)


def carry_out(
    call: Call, request: omero.cmd.Request | None, parent: omero.cmd.Request
) -> omero.cmd.Response:
    """Carry out a request inside another one, in its transaction."""
    name = "" if request is None else f"omero.cmd.{request.ice_id().rsplit('::', 1)[-1]}"
    if name not in COMMANDS:
        raise refused(parent, "unknown-request", f"{name or 'null'} is not offered by this server.")
    return COMMANDS[name](request).run(call)


@command("omero.cmd.DoAll")
class DoAll:
    """Carries out several requests in one transaction: where one fails, nothing of the others stays."""

    def __init__(self, request: omero.cmd.DoAll) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.DoAllRsp:
        """Carry them out in their order."""
        requests, contexts = self._request.requests or [], self._request.contexts or []
        responses, states = [], []
        for place, request in enumerate(requests):
            context = contexts[place] if place < len(contexts) else None
            with _in_context(call, context or {}):
                response = carry_out(call, request, self._request)
            responses.append(response)
            steps = getattr(response, "steps", 1)
            states.append(omero.cmd.Status(flags=[], currentStep=steps - 1, steps=steps))
        total = sum(status.steps for status in states)
        return with_steps(omero.cmd.DoAllRsp(responses, states), total)


@contextmanager
def _in_context(call: Call, context: Mapping[str, str]) -> Iterator[None]:
    """Have the call be in the group of the context meanwhile."""
    asked, previous = context.get("omero.group", ""), call.group_id
    if asked.lstrip("-").isdigit():
        call.group_id = int(asked)
    try:
        yield
    finally:
        call.group_id = previous


@command("omero.cmd.SkipHead")
class SkipHead:
    """Carries out a request not on its targets but on what of some classes belongs to them."""

    def __init__(self, request: omero.cmd.SkipHead) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.Response:
        """Find what to begin with, then carry out the request on it."""
        request, inner = self._request, self._request.request
        if not isinstance(inner, omero.cmd.GraphModify2):
            raise refused(request, "bad-request", "SkipHead needs a request that changes a graph.")
        begin = classes_named(request, request.startFrom)
        if not begin:
            raise refused(request, "bad-start", "must specify some types to start from")
        with in_all_groups(call), Selection(call.db) as chosen:
            select_targets(call, request, chosen, anything, "{}".format)
            Growth(call, chosen, anything, child_options(request), whole=True, stop=begin).grow()
            wanted = {c.name for name in begin for c in CLASSES[name].concrete}
            found = {cls: ids for cls, ids in chosen.by_class(java=False).items() if cls in wanted}
        inner.targetObjects = found
        inner.dryRun = inner.dryRun or request.dryRun
        inner.childOptions = inner.childOptions or request.childOptions
        return carry_out(call, inner, request)


@command("omero.cmd.LegalGraphTargets")
class LegalTargets:
    """Tells which classes a request may name."""

    def __init__(self, request: omero.cmd.LegalGraphTargets) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.LegalGraphTargetsResponse:
        """Give the Java names."""
        asked = self._request.request
        name = "" if asked is None else asked.ice_id().rsplit("::", 1)[-1]
        if name not in GRAPH_REQUESTS:
            raise refused(
                self._request, "bad-request", f"{name or 'null'} is not a request on a graph."
            )
        classes = [CLASSES["ExperimenterGroup"]] if name == "Chmod2" else target_classes()
        if name == "DiskUsage2":
            classes += [CLASSES["Experimenter"], CLASSES["ExperimenterGroup"]]
        return omero.cmd.LegalGraphTargetsResponse(sorted(c.java for c in classes))
