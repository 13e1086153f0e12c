"""omero.cmd.FindParents and FindChildren: what contains an object, and what it contains."""

from collections.abc import Sequence

import omero
import omero.cmd
from sqlalchemy import select

from omero_embedded import permissions, tables
from omero_embedded.call import Call
from omero_embedded.commands.graph.closure import Growth, anything
from omero_embedded.commands.graph.rules import HOLDERS_OF, PARTS_OF, kind_of, links
from omero_embedded.commands.graph.selection import Selection
from omero_embedded.commands.graph.targets import (
    classes_named,
    in_all_groups,
    refused,
    select_targets,
)
from omero_embedded.schema import CLASSES
from omero_embedded.wire.registry import command


@command("omero.cmd.FindChildren")
class FindChildren:
    """Finds what of some classes is in the targets, at whatever depth."""

    def __init__(self, request: omero.cmd.FindChildren) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.FoundChildren:
        """Give the ids by class."""
        request = self._request
        with in_all_groups(call), Selection(call.db) as chosen:
            wanted, stop = _classes(
                request, "children", request.typesOfChildren, request.stopBefore
            )
            select_targets(call, request, chosen, anything, "{}".format)
            Growth(call, chosen, anything, whole=True, leave=stop).grow()
            _add_links(chosen, wanted)
            return omero.cmd.FoundChildren(_found(call, chosen, wanted))


@command("omero.cmd.FindParents")
class FindParents:
    """Finds what of some classes the targets are in, at whatever height."""

    def __init__(self, request: omero.cmd.FindParents) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.FoundParents:
        """Give the ids by class."""
        request = self._request
        with in_all_groups(call), Selection(call.db) as chosen:
            wanted, stop = _classes(request, "parents", request.typesOfParents, request.stopBefore)
            select_targets(call, request, chosen, anything, "{}".format)
            _climb(chosen, {CLASSES[name].root.name for name in stop})
            _add_links(chosen, wanted)
            return omero.cmd.FoundParents(_found(call, chosen, wanted))


def _classes(
    request: omero.cmd.Request,
    relatives: str,
    wanted: Sequence[str] | None,
    stop: Sequence[str] | None,
) -> tuple[set[str], list[str]]:
    names = classes_named(request, wanted)
    if not names:
        raise refused(request, "bad-options", f"no types of {relatives} specified to find")
    return {c.name for name in names for c in CLASSES[name].concrete}, classes_named(request, stop)


def _found(call: Call, chosen: Selection, wanted: set[str]) -> dict[str, list[int]]:
    """Return what of the wanted classes is selected and may be seen, the targets too."""
    found = {}
    for cls, ids in chosen.by_class(java=False).items():
        if cls in wanted:
            rows = tables.table(cls)
            query = select(rows.c.id).join(
                chosen.table, chosen.join(CLASSES[cls].root.name, rows.c.id)
            )
            seen = permissions.readable(call, cls, rows)
            visible = set(call.db.execute(query if seen is None else query.where(seen)).scalars())
            found[CLASSES[cls].java] = [i for i in ids if i in visible]
    return {java: ids for java, ids in found.items() if ids}


def _add_links(chosen: Selection, wanted: set[str]) -> None:
    """Add the links of the wanted classes that join what is selected."""
    kinds = set(chosen.kinds())
    for link in links():
        ends = {end: kind_of(link.fields[end].target) for end in ("parent", "child")}  # type: ignore[union-attr]  # references
        if link.name in wanted and kinds.issuperset(ends.values()):
            rows = tables.table(link.name)
            joined = [chosen.among(kind, rows.c[end]) for end, kind in ends.items()]
            chosen.add_all(link.name, rows.c.id, select(rows.c.id).where(*joined))


def _climb(chosen: Selection, stop: set[str]) -> None:
    """Add what holds the selected objects or what they are parts of."""
    wholes = [part for parts in PARTS_OF.values() for part in parts]
    fresh = set(chosen.kinds())
    while fresh:
        kind = fresh.pop()
        ways = [(h.rows, *h.ends(h.rows), h.holder_kind) for h in HOLDERS_OF[kind]]
        ways += [
            (p.rows, p.rows.c[p.whole], p.rows.c.id, p.whole_kind) for p in wholes if p.kind == kind
        ]
        for rows, holder, held, found_kind in ways:
            if found_kind in stop or CLASSES[found_kind].is_global:
                continue
            query = select(holder).select_from(rows).join(chosen.table, chosen.join(kind, held))
            if chosen.add_all(found_kind, holder, query.where(holder.is_not(None))):
                fresh.add(found_kind)
