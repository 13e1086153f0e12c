"""omero.cmd.Delete2: deleting objects with all that belongs to them."""

import omero
import omero.cmd

from omero_embedded.call import Call
from omero_embedded.commands.graph.closure import Growth
from omero_embedded.commands.graph.integrity import check_filesets, check_tags, check_wells
from omero_embedded.commands.graph.removal import remove, select_links
from omero_embedded.commands.graph.selection import Selection
from omero_embedded.commands.graph.targets import (
    child_options,
    classes_named,
    in_all_groups,
    select_targets,
)
from omero_embedded.commands.steps import with_steps
from omero_embedded.permissions import Rights
from omero_embedded.wire.registry import command


def may_delete(rights: Rights) -> bool:
    """Whether the rights allow to delete."""
    return rights.delete


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
            Growth(call, chosen, may_delete, options, leave=ignored).grow()
            check_filesets(call, request, chosen)
            check_wells(call, request, chosen, "delete")
            check_tags(call, request, chosen, may_delete)
            select_links(chosen)
            response = omero.cmd.Delete2Response(chosen.by_class())
            if not request.dryRun:
                remove(call, chosen)
        return with_steps(response, 4 if request.dryRun else 6)
