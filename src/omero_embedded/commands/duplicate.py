"""omero.cmd.Duplicate: copies of objects with all that belongs to them, for who asks, in the group of the call."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import omero
import omero.cmd
from sqlalchemy import insert, select

from omero_embedded import tables
from omero_embedded.call import Call
from omero_embedded.commands.graph.closure import Growth, anything
from omero_embedded.commands.graph.integrity import select_inner_links
from omero_embedded.commands.graph.removal import children_first
from omero_embedded.commands.graph.rules import kind_of
from omero_embedded.commands.graph.selection import Selection, in_parts
from omero_embedded.commands.graph.targets import (
    child_options,
    classes_named,
    select_targets,
)
from omero_embedded.commands.steps import with_steps
from omero_embedded.files.place import paths_of
from omero_embedded.pixels.pyramid import files_of
from omero_embedded.pixels.repository import pixels_path
from omero_embedded.saving.rows import details_columns
from omero_embedded.schema import CLASSES, ModelClass, Reference, Value
from omero_embedded.wire.registry import command

DUPLICATE, REFERENCE, IGNORE = "duplicate", "reference", "ignore"
NEVER = {"Fileset": IGNORE, "Thumbnail": IGNORE, "FileAnnotation": IGNORE, "OriginalFile": IGNORE}
"""A Fileset stays with the Images it was imported as; Thumbnails are made anew; the real server copies no files."""

Copies = dict[str, dict[int, int]]


@command("omero.cmd.Duplicate")
class Duplicate:
    """Duplicates. Of what is only referenced, the copies use the original; of what is ignored, nothing."""

    def __init__(self, request: omero.cmd.Duplicate) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.DuplicateResponse:
        """Duplicate, or tell what would be: in a dry run the ids are the originals'."""
        request = self._request
        handling = self._handling()
        with Selection(call.db) as chosen:
            options = child_options(request)
            select_targets(call, request, chosen, anything, "{}".format)
            left = [cls for cls, how in handling.items() if how != DUPLICATE]
            Growth(call, chosen, anything, options, whole=True, leave=left).grow()
            select_inner_links(chosen)
            originals = {
                c: ids
                for c, ids in chosen.by_class(java=False).items()
                if handling.get(c) != IGNORE
            }
            if request.dryRun:
                found = {CLASSES[cls].java: ids for cls, ids in originals.items()}
                return with_steps(omero.cmd.DuplicateResponse(found), 3)
            copies = _copy(call, originals, handling)
        java = {
            CLASSES[cls].java: [copies[kind_of(cls)][i] for i in ids]
            for cls, ids in originals.items()
        }
        return with_steps(omero.cmd.DuplicateResponse(java), 8)

    def _handling(self) -> Mapping[str, str]:
        """Return how each concrete class is handled that the request speaks of: the closest class above it counts."""
        request = self._request
        said = dict(NEVER)
        for how, names in (
            (DUPLICATE, request.typesToDuplicate),
            (REFERENCE, request.typesToReference),
            (IGNORE, request.typesToIgnore),
        ):
            for name in names or ():
                short = name.rpartition(".")[2]
                if short in ("IAnnotationLink", "ILink"):
                    said.update({c.name: how for c in CLASSES.values() if c.link})
                else:
                    said.update(dict.fromkeys(classes_named(request, [name], "bad-class"), how))
        found = {}
        for cls in CLASSES.values():
            closest = next((a.name for a in cls.ancestors if a.name in said), None)
            if closest is not None and not cls.abstract:
                found[cls.name] = said[closest]
        return found


def _copy(
    call: Call, originals: Mapping[str, Sequence[int]], handling: Mapping[str, str]
) -> Copies:
    """Copy the rows, what is referred to before what refers to it; return the copies' ids by kind and original."""
    copies: Copies = {kind_of(cls): {} for cls in originals}
    order = list(reversed(children_first()))
    for cls in sorted(originals, key=lambda name: (order.index(kind_of(name)), name)):
        if not CLASSES[cls].link:
            _copy_rows(call, CLASSES[cls], originals[cls], copies, handling)
    for cls in originals:
        if CLASSES[cls].link:
            _copy_rows(call, CLASSES[cls], originals[cls], copies, handling)
        else:
            _copy_maps(call, cls, copies[kind_of(cls)], originals[cls])
    _link_references(call, copies, handling)
    _copy_files(call, copies)
    return copies


def _copy_rows(
    call: Call, cls: ModelClass, ids: Sequence[int], copies: Copies, handling: Mapping[str, str]
) -> None:
    rows, kind = tables.table(cls.name), kind_of(cls.name)
    details = details_columns(call)
    for part in in_parts(ids):
        made: list[tuple[int, dict[str, Any]]] = []
        for row in call.db.execute(select(rows).where(rows.c.id.in_(part)).order_by(rows.c.id)):
            values = {**row._mapping, **details}  # public in spite of its name
            identifier = values.pop("id")
            if kind == "OriginalFile":
                values["repo"] = None  # so that its bytes lie below its own id
            for field in cls.references:
                column = tables.column_name(cls.name, field.name)
                values[column] = _pointer(values[column], field, copies, handling)
            made.append((identifier, values))
        for identifier, values in made:
            new = call.db.execute(insert(rows).values(values).returning(rows.c.id)).scalar_one()
            copies[kind][identifier] = new
        call.log("INSERT", cls.name, [copies[kind][identifier] for identifier, _ in made])


def _pointer(
    value: int | None, field: Reference, copies: Copies, handling: Mapping[str, str]
) -> int | None:
    """Return what a copy's reference points to: the copy where there is one, else the original or nothing."""
    if value is None or CLASSES[field.target].is_global:
        return value
    copy = copies.get(kind_of(field.target), {}).get(value)
    if copy is None and field.nullable and handling.get(field.target) == IGNORE:
        return None
    return value if copy is None else copy


def _copy_maps(call: Call, cls: str, copies: Mapping[int, int], ids: Sequence[int]) -> None:
    for field in CLASSES[cls].fields.values():
        if isinstance(field, Value) and field.type == "map":
            table = tables.map_table(cls, field.name)
            for part in in_parts(ids):
                query = select(table).where(table.c.parent.in_(part))
                pairs = [
                    {**row._mapping, "parent": copies[row.parent]} for row in call.db.execute(query)
                ]
                if pairs:
                    call.db.execute(insert(table), pairs)


def _link_references(call: Call, copies: Copies, handling: Mapping[str, str]) -> None:
    """Link the copies to the originals of what is only referenced, such as tags."""
    wanted = {kind_of(cls) for cls, how in handling.items() if how == REFERENCE}
    details = details_columns(call)
    for link in (
        c for c in CLASSES.values() if c.link and not c.is_global and handling.get(c.name) != IGNORE
    ):
        parent, child = (link.fields[end] for end in ("parent", "child"))
        assert isinstance(parent, Reference)
        assert isinstance(child, Reference)
        own = copies.get(kind_of(parent.target), {})
        if kind_of(child.target) not in wanted or not own:
            continue
        rows, target = tables.table(link.name), tables.table(child.target)
        cls = target.c.get("class")
        for part in in_parts(own):
            query = (
                select(rows)
                .join(target, target.c.id == rows.c.child)
                .where(rows.c.parent.in_(part))
            )
            if cls is not None:
                query = query.where(cls.in_([c for c, how in handling.items() if how == REFERENCE]))
            taken = copies.get(kind_of(child.target), {})
            made = [
                {
                    **{k: v for k, v in row._mapping.items() if k != "id"},
                    **details,
                    "parent": own[row.parent],
                }
                for row in call.db.execute(query)
                if row.child not in taken
            ]
            if made:
                new = call.db.execute(insert(rows).returning(rows.c.id), made).scalars()
                call.log("INSERT", link.name, new)


def _copy_files(call: Call, copies: Copies) -> None:
    """Copy the files of Pixels and OriginalFiles, once the rows are in."""
    folder = call.server.folder
    pairs: list[tuple[Path, Path]] = []
    for original, copy in copies.get("Pixels", {}).items():
        pairs.append((pixels_path(folder, original), pixels_path(folder, copy)))
    files = copies.get("OriginalFile", {})
    for ids in in_parts(files):
        sources, targets = paths_of(call, ids), paths_of(call, [files[i] for i in ids])
        pairs += [(sources[i], targets[files[i]]) for i in ids if sources[i] != targets[files[i]]]
    call.after_commit(_copier(pairs))


def _copier(pairs: Sequence[tuple[Path, Path]]) -> Callable[[], None]:
    def copy() -> None:
        for source, target in pairs:
            for file in files_of(source):
                if file.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(
                        file, target.with_name(file.name.replace(source.name, target.name, 1))
                    )

    return copy
