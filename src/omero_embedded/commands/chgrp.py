"""omero.cmd.Chgrp2: moving objects to another group with all that belongs to them."""

from collections.abc import Iterator
from contextlib import nullcontext

import omero
import omero.cmd
from sqlalchemy import FromClause, Select, select, update

from omero_embedded import tables
from omero_embedded.call import Call
from omero_embedded.commands.graph.closure import Growth
from omero_embedded.commands.graph.integrity import (
    check_file_users,
    check_files,
    check_filesets,
    check_rois,
    check_shared,
    check_wells,
    cut_references,
    select_external_infos,
    select_inner_links,
    select_torn_links,
)
from omero_embedded.commands.graph.removal import remove, select_links
from omero_embedded.commands.graph.rules import FILE_OF_A_NOTE, PARTS_OF, Part
from omero_embedded.commands.graph.selection import Selection
from omero_embedded.commands.graph.targets import (
    child_options,
    in_all_groups,
    refused,
    select_targets,
)
from omero_embedded.commands.steps import with_steps
from omero_embedded.people import GROUP_READ
from omero_embedded.permissions import Rights
from omero_embedded.wire.registry import command

PERSONAL = ("Roi", "RenderingDef", "Thumbnail")
"""What others leave on one's Images. It goes along, but not into a private group: there it would be in nobody's sight."""


def may_move(rights: Rights) -> bool:
    """Whether the rights allow to move a target."""
    return rights.chgrp


def may_take_along(rights: Rights) -> bool:
    """Whether the rights allow to move what a target holds."""
    return rights.delete


@command("omero.cmd.Chgrp2")
class ChangeGroup:
    """Moves. Links between what moves and what stays are cut."""

    def __init__(self, request: omero.cmd.Chgrp2) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.Chgrp2Response:
        """Move, or tell what would be moved."""
        request = self._request
        group = call.people.groups.get(request.groupId)
        if request.groupId not in call.user.groups and "Chgrp" not in call.user.privileges:
            raise refused(request, "not-in-group", "not a member of the chgrp destination group")
        if group is None:
            raise refused(request, "steps-cancel", f"No group with id {request.groupId}")
        # Clients that link what they moved send all of it in the context of the destination.
        named = call.context.get("omero.group") == str(group.id)
        with (
            in_all_groups(call) if named else nullcontext(),
            Selection(call.db) as chosen,
            Selection(call.db, "removed") as removed,
        ):
            options = child_options(request)
            select_targets(call, request, chosen, may_move, "does not own {}".format)
            Growth(call, chosen, may_take_along, options, apart=[FILE_OF_A_NOTE]).grow()
            check_filesets(call, request, chosen, "move")
            check_wells(call, request, chosen, "move")
            check_files(call, request, chosen, "move")
            check_shared(call, request, chosen, "move")
            check_file_users(call, request, chosen, "move")
            check_rois(call, request, chosen, "move")
            if not group.grants(GROUP_READ):
                select_personal(call, chosen, removed)
            select_inner_links(chosen)
            select_torn_links(chosen, removed)
            select_external_infos(chosen)
            response = omero.cmd.Chgrp2Response(chosen.by_class(), removed.by_class())
            if not request.dryRun:
                remove(call, removed)
                cut_references(chosen)
                for kind in chosen.kinds():
                    rows = tables.table(kind)
                    moved = update(rows).where(rows.c.id.in_(chosen.ids(kind)))
                    call.db.execute(moved.values(details_group=group.id))
                    call.log("UPDATE", kind, chosen.ids(kind))
        return with_steps(response, 4 if request.dryRun else 6)


def left_by_others() -> Iterator[tuple[Part, FromClause, Select[int]]]:
    """Yield what others have left on Images and Pixels: the rule, the Images' (Pixels') rows, the query for the ids."""
    for parts in PARTS_OF.values():
        for part in parts:
            if part.kind in PERSONAL and part.whole_kind in ("Image", "Pixels"):
                rows, whole = part.rows, tables.table(part.whole_kind).alias()
                query = select(rows.c.id).join(whole, whole.c.id == rows.c[part.whole])
                yield part, whole, query.where(rows.c.details_owner != whole.c.details_owner)


def select_personal(call: Call, chosen: Selection, removed: Selection) -> None:
    """Take from `chosen` to `removed` what others left on the Images that are taken."""
    for part, whole, query in left_by_others():
        taken = query.where(chosen.among(part.whole_kind, whole.c.id))
        removed.add_all(part.kind, part.rows.c.id, taken)
    Growth(call, removed, may_take_along).grow()
    select_links(removed)
    chosen.drop_all(removed)
