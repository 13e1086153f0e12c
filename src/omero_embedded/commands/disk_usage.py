"""omero.cmd.DiskUsage2: how much room objects, and all that is in them, take on the disk.

Counted by owner and group, and by what refers to the files: Pixels and Thumbnails have files of their own; OriginalFiles
are counted for the FilesetEntry, the Annotation, the Job or the Pixels that they belong to.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import omero
import omero.api
import omero.cmd
from sqlalchemy import select

from omero_embedded import tables
from omero_embedded.call import Call
from omero_embedded.commands.graph.closure import Growth, anything
from omero_embedded.commands.graph.rules import ROOTS
from omero_embedded.commands.graph.selection import Selection
from omero_embedded.commands.graph.targets import (
    class_of,
    impossible,
    in_all_groups,
    select_targets,
)
from omero_embedded.commands.steps import with_steps
from omero_embedded.permissions import can_read, readable
from omero_embedded.pixels.pyramid import files_of
from omero_embedded.pixels.repository import pixels_path, thumbnail_path
from omero_embedded.schema import CLASSES
from omero_embedded.wire.registry import command

PEOPLE = ("Experimenter", "ExperimenterGroup")
REFERRERS = (
    ("FilesetEntry", "originalFile", "FilesetEntry", "id", "FilesetEntry"),
    ("FileAnnotation", "file", "Annotation", "id", "Annotation"),
    ("JobOriginalFileLink", "child", "Job", "parent", "Job"),
    ("PixelsOriginalFileMap", "parent", "Pixels", "child", "Pixels"),
)
"""A table, its column with an OriginalFile, the kind of what refers to it, its column, and what that is called."""

Whose = tuple[int, int]
Use = tuple[Whose, str, str, int]
"""Whose it is (user and group), what refers to it, what tells the file from others, and its bytes."""


@command("omero.cmd.DiskUsage2")
class DiskUsage:
    """Adds up the sizes of files."""

    def __init__(self, request: omero.cmd.DiskUsage2) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.DiskUsage2Response:
        """Give counts and bytes, by (user, group)."""
        with in_all_groups(call), Selection(call.db) as chosen:
            select_targets(call, self._request, chosen, anything, "{}".format, self._targets(call))
            Growth(call, chosen, anything, whole=True).grow()
            uses = [*_binaries(call, chosen), *_original_files(call, chosen)]
        files: dict[Whose, Counter[str]] = defaultdict(Counter)
        sizes: dict[Whose, Counter[str]] = defaultdict(Counter)
        distinct: dict[Whose, dict[str, int]] = defaultdict(dict)
        for whose, referrer, file, size in uses:
            files[whose][referrer] += 1
            sizes[whose][referrer] += size
            distinct[whose][file] = size
        response = omero.cmd.DiskUsage2Response(
            {_pair(whose): dict(by) for whose, by in files.items()},
            {_pair(whose): dict(by) for whose, by in sizes.items()},
            {_pair(whose): len(by) for whose, by in distinct.items()},
            {_pair(whose): sum(by.values()) for whose, by in distinct.items()},
        )
        return with_steps(response, 5)

    def _targets(self, call: Call) -> Mapping[str, Sequence[int]]:
        """Return the ids of the targets by class; users and groups stand for all that is theirs."""
        request = self._request
        found: dict[str, list[int]] = defaultdict(list)
        for name in request.targetClasses or ():
            cls = class_of(request, name)
            if cls in PEOPLE:
                for kind in ROOTS:
                    found[kind] += _ids(call, kind)
            else:
                found[cls] += _ids(call, cls)
        for name, ids in (request.targetObjects or {}).items():
            cls = class_of(request, name)
            if cls not in PEOPLE:
                found[cls] += ids
                continue
            known = call.people.users if cls == "Experimenter" else call.people.groups
            for identifier in ids:
                if identifier not in known:
                    raise impossible(request, f"cannot read {CLASSES[cls].java}[{identifier}]")
            column = "details_owner" if cls == "Experimenter" else "details_group"
            for kind in ROOTS:
                found[kind] += _ids(call, kind, column, ids)
        return found


def _pair(whose: Whose) -> omero.api.LongPair:
    return omero.api.LongPair(*whose)


def _ids(call: Call, cls: str, column: str | None = None, values: Sequence[int] = ()) -> list[int]:
    """Return the ids of what may be seen of a class, of some owners or groups only."""
    rows = tables.table(cls)
    query = select(rows.c.id)
    for condition in (readable(call, cls, rows), tables.of_class(cls, rows)):
        query = query if condition is None else query.where(condition)
    if column is not None:
        query = query.where(rows.c[column].in_(values))
    return list(call.db.execute(query).scalars())


def _binaries(call: Call, chosen: Selection) -> Iterator[Use]:
    """Yield the files of Pixels and Thumbnails."""
    folder = call.server.folder
    for kind in ("Pixels", "Thumbnail"):
        rows = tables.table(kind)
        query = select(rows.c.id, rows.c.details_owner, rows.c.details_group).where(
            rows.c.id.in_(chosen.ids(kind))
        )
        for row in call.db.execute(query):
            if not can_read(call, row.details_owner, row.details_group):
                continue
            paths = (
                files_of(pixels_path(folder, row.id))
                if kind == "Pixels"
                else [thumbnail_path(folder, row.id)]
            )
            for path in paths:
                if path.exists():
                    yield (
                        (row.details_owner, row.details_group),
                        kind,
                        str(path),
                        path.stat().st_size,
                    )


def _original_files(call: Call, chosen: Selection) -> Iterator[Use]:
    """Yield the OriginalFiles, for each thing that refers to one."""
    file = tables.table("OriginalFile")
    for cls, held, kind, holder, referrer in REFERRERS:
        rows = tables.table(cls)
        query = select(file.c.id, file.c.size, file.c.details_owner, file.c.details_group)
        query = query.join(rows, rows.c[held] == file.c.id).where(
            chosen.among(kind, rows.c[holder])
        )
        for row in call.db.execute(query):
            if can_read(call, row.details_owner, row.details_group):
                yield (
                    (row.details_owner, row.details_group),
                    referrer,
                    f"file {row.id}",
                    row.size or 0,
                )
