"""omero.cmd.Chmod2: changing what the members of a group may do with one another's objects."""

from collections.abc import Sequence

import omero
import omero.cmd
import omero.model
from sqlalchemy import or_, select, update

from omero_embedded import tables
from omero_embedded.call import Call
from omero_embedded.commands.chgrp import left_by_others
from omero_embedded.commands.graph.closure import Growth, anything
from omero_embedded.commands.graph.removal import remove, select_links
from omero_embedded.commands.graph.rules import links
from omero_embedded.commands.graph.selection import Selection
from omero_embedded.commands.graph.targets import impossible, refused
from omero_embedded.commands.steps import with_steps
from omero_embedded.people import GROUP_READ
from omero_embedded.schema import CLASSES
from omero_embedded.wire.registry import command

GROUP = CLASSES["ExperimenterGroup"].java


@command("omero.cmd.Chmod2")
class ChangePermissions:
    """Changes a group's permissions; in a group that becomes private what joins different owners' objects is cut."""

    def __init__(self, request: omero.cmd.Chmod2) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.Chmod2Response:
        """Change, or tell what would be changed."""
        request = self._request
        bits = self._bits()
        groups = self._groups(call)
        with Selection(call.db) as removed:
            if not bits & GROUP_READ:
                for group in groups:
                    _select_between_owners(call, removed, group)
            response = omero.cmd.Chmod2Response({GROUP: groups}, removed.by_class())
            if not request.dryRun:
                remove(call, removed)
                rows = tables.table("ExperimenterGroup")
                changed = update(rows).where(rows.c.id.in_(groups))
                call.db.execute(changed.values(details_permissions=bits))
                call.log("UPDATE", "ExperimenterGroup", groups)
                call.people_changed()
        return with_steps(response, 5 if request.dryRun else 7)

    def _bits(self) -> int:
        try:
            return int(omero.model.PermissionsI(self._request.permissions).getPerm1())
        except (ValueError, TypeError) as error:
            text = f"cannot parse permissions: {self._request.permissions}"
            raise refused(self._request, "bad-permissions", text) from error

    def _groups(self, call: Call) -> Sequence[int]:
        found: list[int] = []
        for name, ids in (self._request.targetObjects or {}).items():
            short = name.rpartition(".")[2]
            if short not in CLASSES:
                raise refused(self._request, "graph-fail")
            if short != "ExperimenterGroup":
                raise refused(self._request, "bad-target", f"cannot target {short}")
            for group in ids:
                if group not in call.people.groups:
                    raise impossible(self._request, f"cannot read {GROUP}[{group}]")
                if "ModifyGroup" not in call.user.privileges and not call.leads(group):
                    raise impossible(
                        self._request, f"not permitted to change permissions on {GROUP}[{group}]"
                    )
                found.append(group)
        return list(dict.fromkeys(found))


def _select_between_owners(call: Call, removed: Selection, group: int) -> None:
    """Add what joins objects of different owners in the group: links, and what others left on one's Images."""
    for link in links():
        rows = tables.table(link.name)
        query = select(rows.c.id).where(rows.c.details_group == group)
        different = []
        for field in link.references:
            if field.name in ("parent", "child") and not CLASSES[field.target].is_global:
                end = tables.table(field.target).alias()
                query = query.join(end, end.c.id == rows.c[field.name])
                different.append(end.c.details_owner != rows.c.details_owner)
        removed.add_all(link.name, rows.c.id, query.where(or_(*different)))
    for part, _, query in left_by_others():
        here = query.where(part.rows.c.details_group == group)
        removed.add_all(part.kind, part.rows.c.id, here)
    Growth(call, removed, anything).grow()
    select_links(removed)
