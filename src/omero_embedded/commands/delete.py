"""omero.cmd.Delete2: deleting objects with all that belongs to them."""

import omero
import omero.cmd
from sqlalchemy import ColumnElement, FromClause, exists, select

from omero_embedded import tables
from omero_embedded.call import Call
from omero_embedded.commands.graph.closure import DELETED, Growth, PartsWhere, permitted
from omero_embedded.commands.graph.integrity import (
    check_files,
    check_filesets,
    check_tags,
    check_wells,
    select_external_infos,
)
from omero_embedded.commands.graph.removal import remove, select_links
from omero_embedded.commands.graph.rules import Part
from omero_embedded.commands.graph.selection import Selection
from omero_embedded.commands.graph.targets import (
    child_options,
    classes_named,
    impossible,
    in_all_groups,
    select_targets,
)
from omero_embedded.commands.steps import with_steps
from omero_embedded.permissions import Rights
from omero_embedded.schema import CLASSES
from omero_embedded.wire.registry import command


def may_delete(rights: Rights) -> bool:
    """Whether the rights allow to delete."""
    return rights.delete


def _deleted_parts(chosen: Selection) -> PartsWhere:
    """Return which parts of what is deleted go: a Roi stays that is in a Folder which stays."""

    def wanted(part: Part, rows: FromClause) -> ColumnElement[bool] | None:
        if part.kind != "Roi":
            return None
        links = tables.table("FolderRoiLink")
        kept = select(links.c.id).where(
            links.c.child == rows.c.id,
            ~chosen.holds("Folder", links.c.parent),
            ~chosen.holds("FolderRoiLink", links.c.id),
        )
        return ~exists(kept)

    return wanted


def _check_rois(call: Call, request: omero.cmd.Delete2, chosen: Selection) -> None:
    """Refuse where an Image goes on which there is a Roi that one may not delete: it cannot be left without one."""
    rows = tables.table("Roi")
    query = select(rows.c.id).where(
        chosen.among("Roi", rows.c.id), ~permitted(call, may_delete, rows)
    )
    roi = call.db.execute(query.limit(1)).scalar()
    if roi is not None:
        raise impossible(request, f"not permitted to update {CLASSES['Roi'].java}[{roi}]")


@command("omero.cmd.Delete2")
class Delete:
    """Deletes, in whichever group the objects are."""

    def __init__(self, request: omero.cmd.Delete2) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.Delete2Response:
        """Delete, or tell what would be deleted."""
        request = self._request
        with in_all_groups(call), Selection(call.db) as chosen:
            options, ignored = child_options(request), classes_named(request, request.typesToIgnore)
            select_targets(call, request, chosen, may_delete, "not permitted to delete {}".format)
            Growth(
                call,
                chosen,
                may_delete,
                options,
                leave=ignored,
                notes=DELETED,
                parts_where=_deleted_parts(chosen),
            ).grow()
            _check_rois(call, request, chosen)
            check_filesets(call, request, chosen, "delete")
            check_wells(call, request, chosen, "delete")
            check_files(call, request, chosen, "delete")
            check_tags(call, request, chosen, may_delete)
            select_links(chosen)
            select_external_infos(chosen)
            response = omero.cmd.Delete2Response(chosen.by_class())
            if not request.dryRun:
                remove(call, chosen)
                if "GroupExperimenterMap" in chosen.kinds():
                    call.people_changed()
        return with_steps(response, 4 if request.dryRun else 6)
