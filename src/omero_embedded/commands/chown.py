"""omero.cmd.Chown2: giving objects to another user with all that belongs to them.

What goes along depends on the group: where people annotate one another's objects, annotations and Rois stay whose they
are; settings and thumbnails are given in private groups only (blitz-chown-rules.xml).
"""

from collections.abc import Mapping, Sequence

import omero
import omero.cmd
from sqlalchemy import ColumnElement, FromClause, and_, delete, exists, literal, select, update

from omero_embedded import tables
from omero_embedded.call import Call
from omero_embedded.commands.graph.closure import Growth, Notes, PartsWhere
from omero_embedded.commands.graph.integrity import (
    check_file_users,
    check_files,
    check_filesets,
    check_rois,
    check_shared,
    check_wells,
    select_external_infos,
    select_inner_links,
    select_torn_links,
)
from omero_embedded.commands.graph.removal import remove
from omero_embedded.commands.graph.rules import FILE_OF_A_NOTE, Part, kind_of
from omero_embedded.commands.graph.selection import Selection
from omero_embedded.commands.graph.targets import (
    child_options,
    impossible,
    in_all_groups,
    may_be_named,
    refused,
    select_targets,
)
from omero_embedded.commands.steps import with_steps
from omero_embedded.people import GROUP_ANNOTATE, GROUP_READ, GROUP_WRITE
from omero_embedded.permissions import Rights
from omero_embedded.schema import CLASSES
from omero_embedded.wire.registry import command

CONTAINER_LINKS = ("DatasetImageLink", "FolderImageLink", "FolderRoiLink", "ProjectDatasetLink")
"""Links that are cut where owners come to differ, but for groups in which members write for one another."""


def _given_parts(private: Sequence[int], closed: Sequence[int]) -> PartsWhere:
    """Return which parts of what is given are given too: those that people make for themselves not everywhere."""

    def wanted(part: Part, rows: FromClause) -> ColumnElement[bool] | None:
        if part.kind in ("RenderingDef", "Thumbnail") and part.whole_kind == "Pixels":
            return rows.c.details_group.in_(private)
        if part.kind == "Roi" and part.whole_kind == "Image":
            image = tables.table("Image").alias()
            owner = select(image.c.details_owner).where(image.c.id == rows.c[part.whole])
            return and_(
                rows.c.details_group.in_(closed), rows.c.details_owner == owner.scalar_subquery()
            )
        return None

    return wanted


def may_give(rights: Rights) -> bool:
    """Whether the rights allow to give away."""
    return rights.chown


@command("omero.cmd.Chown2")
class ChangeOwner:
    """Gives. Links between what is given and what is not are cut where the group lets nobody make such links."""

    def __init__(self, request: omero.cmd.Chown2) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.Chown2Response:
        """Give, or tell what would be given."""
        request = self._request
        self._check_people(call)
        private, closed, guarded = self._groups(call)
        with (
            in_all_groups(call),
            Selection(call.db) as chosen,
            Selection(call.db, "removed") as removed,
        ):
            options = child_options(request)
            complaint = "not permitted to change the owner of {}".format
            select_targets(call, request, chosen, may_give, complaint)
            select_targets(call, request, chosen, may_give, complaint, self._targets_of_users(call))
            Growth(
                call,
                chosen,
                may_give,
                options,
                notes=Notes(same_owner=("Annotation",), groups=closed),
                apart=[FILE_OF_A_NOTE],
                parts_where=_given_parts(private, closed),
                contents_of_same_owner=True,
            ).grow()
            check_filesets(call, request, chosen, "give")
            check_wells(call, request, chosen, "give", private)
            check_files(call, request, chosen, "give")
            check_shared(call, request, chosen, "give", private)
            check_file_users(call, request, chosen, "give")
            check_rois(call, request, chosen, "give", closed)
            select_inner_links(chosen)
            select_torn_links(
                chosen, removed, lambda link: guarded if link in CONTAINER_LINKS else private
            )
            select_external_infos(chosen)
            self._check_groups(call, chosen)
            response = omero.cmd.Chown2Response(chosen.by_class(), removed.by_class())
            if not request.dryRun:
                remove(call, removed)
                self._give(call, chosen)
        return with_steps(response, 5 if request.dryRun else 7)

    def _groups(self, call: Call) -> tuple[tuple[int, ...], ...]:
        """Return the groups that are private, those where nobody annotates, and those where nobody writes for others."""
        groups = call.people.groups.values()
        guarded = [g for g in groups if not g.grants(GROUP_WRITE)]
        return (
            tuple(g.id for g in groups if not g.grants(GROUP_READ)),
            tuple(g.id for g in guarded if not g.grants(GROUP_ANNOTATE)),
            tuple(g.id for g in guarded),
        )

    def _check_people(self, call: Call) -> None:
        request = self._request
        if "Chown" not in call.user.privileges and not call.user.leads:
            raise refused(request, "steps-cancel", "GraphException: not an owner of any group")
        if request.userId not in call.people.users:
            raise impossible(
                request, f"cannot read {CLASSES['Experimenter'].java}[{request.userId}]"
            )
        for user in request.targetUsers or ():
            if "Chown" not in call.user.privileges and not self._led_groups_of(call, user):
                who = f"{CLASSES['Experimenter'].java}[{user}]"
                raise refused(
                    request, "steps-cancel", f"GraphException: not an owner of any group of {who}"
                )

    def _led_groups_of(self, call: Call, user: int) -> set[int]:
        known = call.people.users.get(user)
        return set() if known is None else set(known.groups) & set(call.user.leads)

    def _targets_of_users(self, call: Call) -> Mapping[str, Sequence[int]]:
        """Return all that the target users own and that may be given."""
        users = list(self._request.targetUsers or ())
        if not users:
            return {}
        found = {}
        kinds = {
            kind_of(cls.name)
            for cls in CLASSES.values()
            if not cls.is_global and may_be_named(self._request, cls)
        }
        for kind in sorted(kinds):
            rows = tables.table(kind)
            query = select(rows.c.id).where(rows.c.details_owner.in_(users))
            if "Chown" not in call.user.privileges:
                query = query.where(rows.c.details_group.in_(call.user.leads))
            found[kind] = list(call.db.execute(query).scalars())
        return found

    def _check_groups(self, call: Call, chosen: Selection) -> None:
        """Refuse where a group's leader gives to somebody who is no member of it."""
        if "Chown" in call.user.privileges:
            return
        groups = call.people.users[self._request.userId].groups
        for kind in chosen.kinds():
            rows = tables.table(kind)
            query = select(rows.c.details_group).where(
                rows.c.id.in_(chosen.ids(kind)), rows.c.details_group.not_in(groups)
            )
            outside = call.db.execute(query.limit(1)).scalar()
            if outside is not None:
                who = f"{CLASSES['Experimenter'].java}[{self._request.userId}]"
                where = f"{CLASSES['ExperimenterGroup'].java}[{outside}]"
                raise impossible(self._request, f"{who} is not a member of {where}")

    def _give(self, call: Call, chosen: Selection) -> None:
        """Set the owner. Where the new owner has made the same link already, that one is enough."""
        owner = self._request.userId
        for kind in chosen.kinds():
            rows = tables.table(kind)
            given = rows.c.id.in_(chosen.ids(kind))
            if CLASSES[kind].link:
                twin = rows.alias()
                same = (
                    twin.c.parent == rows.c.parent,
                    twin.c.child == rows.c.child,
                    twin.c.details_owner == owner,
                )
                double = exists(
                    select(literal(1)).select_from(twin).where(*same, twin.c.id != rows.c.id)
                )
                call.db.execute(delete(rows).where(given, double))
            call.db.execute(update(rows).where(given).values(details_owner=owner))
            call.log("UPDATE", kind, chosen.ids(kind))
