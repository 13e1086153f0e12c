"""Requests made of requests: omero.cmd.DoAll, SkipHead and LegalGraphTargets."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import omero
import omero.cmd

from omero_embedded.call import Call
from omero_embedded.commands.chgrp import may_take_along
from omero_embedded.commands.chown import may_give
from omero_embedded.commands.delete import may_delete
from omero_embedded.commands.graph.closure import DELETED, Growth, anything
from omero_embedded.commands.graph.options import Option
from omero_embedded.commands.graph.rules import ANNOTATION_LINKS
from omero_embedded.commands.graph.selection import Selection
from omero_embedded.commands.graph.targets import (
    child_options,
    classes_named,
    declined,
    in_all_groups,
    legal_targets,
    refused,
    select_targets,
)
from omero_embedded.commands.steps import with_steps
from omero_embedded.schema import CLASSES
from omero_embedded.wire.registry import COMMANDS, command

Head = Callable[[Call, Selection, list[Option], list[str]], Growth]

HEADS: Mapping[str, Head] = {
    "Chgrp2": lambda call, chosen, options, stop: Growth(
        call, chosen, may_take_along, options, stop=stop
    ),
    "Chown2": lambda call, chosen, options, stop: Growth(
        call, chosen, may_give, options, stop=stop, contents_of_same_owner=True
    ),
    "Delete2": lambda call, chosen, options, stop: Growth(
        call, chosen, may_delete, options, stop=stop, notes=DELETED
    ),
    "Duplicate": lambda call, chosen, options, stop: Growth(
        call, chosen, anything, options, stop=stop, whole=True
    ),
}
"""How far the requests go that SkipHead can begin further on: what they would not take is not begun with either."""

PLANNING = {"Chown2": 2}
"""Steps until a request knows what it is about, where these are more than one."""

LINKS = f"ome.model.{ANNOTATION_LINKS}"
"""The one legal target that is no class of the model: an interface of the real server's."""


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
        if not requests:
            raise declined(self._request, "no-steps")
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
        if inner is None:
            raise refused(request, "steps-cancel", "GraphException: must pass a request argument")
        name = inner.ice_id().rsplit("::", 1)[-1]
        if name not in HEADS:
            raise refused(
                request, "steps-cancel", f"GraphException: cannot use SkipHead on {name}I"
            )
        begin = classes_named(request, request.startFrom, "graph-fail")
        if not begin:
            text = "GraphException: SkipHead requires the start classes to be named"
            raise refused(request, "graph-fail", text)
        inner.targetObjects = request.targetObjects
        with in_all_groups(call), Selection(call.db) as chosen:
            select_targets(call, inner, chosen, anything, "{}".format)
            HEADS[name](call, chosen, child_options(request), begin).grow()
            wanted = {c.name for name in begin for c in CLASSES[name].concrete}
            found = {cls: ids for cls, ids in chosen.by_class(java=False).items() if cls in wanted}
        inner.targetObjects = found
        inner.dryRun = inner.dryRun or request.dryRun
        response = carry_out(call, inner, request)
        return with_steps(response, response.steps + PLANNING.get(name, 1))


@command("omero.cmd.LegalGraphTargets")
class LegalTargets:
    """Tells which classes a request may name."""

    def __init__(self, request: omero.cmd.LegalGraphTargets) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.LegalGraphTargetsResponse:
        """Give the Java names."""
        asked = self._request.request
        legal = () if asked is None else legal_targets(asked)
        if not legal:
            name = "null" if asked is None else asked.ice_id()
            text = f"no legal target classes defined for request class {name}"
            raise refused(self._request, "graph-no-targets", text)
        java = [LINKS if name == ANNOTATION_LINKS else CLASSES[name].java for name in legal]
        return omero.cmd.LegalGraphTargetsResponse(sorted(java))
