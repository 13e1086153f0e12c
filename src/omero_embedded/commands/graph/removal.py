"""Rows out of the tables, in an order that no foreign key minds, and their files off the disk after the commit."""

import logging
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from graphlib import TopologicalSorter
from pathlib import Path

from sqlalchemy import delete, select, update

from omero_embedded import tables
from omero_embedded.call import Call
from omero_embedded.commands.graph.rules import kind_of, links
from omero_embedded.commands.graph.selection import Selection, in_parts
from omero_embedded.files.place import paths_of
from omero_embedded.pixels.repository import delete_pixels, thumbnail_path
from omero_embedded.schema import CLASSES, Reference

log = logging.getLogger("omero_embedded")


def select_links(selection: Selection) -> None:
    """Add every link of which an end is selected."""
    kinds = set(selection.kinds())
    for link in links():
        rows = tables.table(link.name)
        ends = [
            selection.among(kind_of(field.target), rows.c[field.name])
            for field in link.references
            if field.name in ("parent", "child") and kind_of(field.target) in kinds
        ]
        if ends:
            for end in ends:
                selection.add_all(link.name, rows.c.id, select(rows.c.id).where(end))


def remove(call: Call, selection: Selection) -> None:
    """Delete what is selected; references from what stays become empty, files go once that is committed."""
    kinds = set(selection.kinds())
    _forget(selection, kinds)
    _remove_files(call, selection, kinds)
    ordered = children_first()
    for kind in (*ordered, *sorted(kinds.difference(ordered))):
        if kind in kinds:
            rows = tables.table(kind)
            call.log("DELETE", kind, selection.ids(kind))
            call.db.execute(delete(rows).where(rows.c.id.in_(selection.ids(kind))))


def _forget(selection: Selection, kinds: set[str]) -> None:
    """Empty the references of rows that stay to rows that go."""
    for cls in CLASSES.values():
        for field in cls.own:
            if (
                not isinstance(field, Reference)
                or not field.nullable
                or kind_of(field.target) not in kinds
            ):
                continue
            rows, column = tables.table(cls.name), tables.column_name(cls.name, field.name)
            gone = selection.ids(kind_of(field.target))
            stays = rows.c.id.not_in(selection.ids(kind_of(cls.name)))
            selection.db.execute(
                update(rows).where(rows.c[column].in_(gone), stays).values({column: None})
            )


@lru_cache(maxsize=1)
def children_first() -> tuple[str, ...]:
    """Return the kinds such that what refers comes before what it refers to."""
    order: TopologicalSorter[str] = TopologicalSorter()
    for cls in CLASSES.values():
        if cls.is_global:
            continue
        order.add(kind_of(cls.name))
        for field in cls.own:
            if isinstance(field, Reference):
                target = kind_of(field.target)
                if target != kind_of(cls.name) and not CLASSES[target].is_global:
                    order.add(target, kind_of(cls.name))
        if cls.name != "ExternalInfo":
            order.add("ExternalInfo", kind_of(cls.name))
    return tuple(order.static_order())


def _remove_files(call: Call, selection: Selection, kinds: set[str]) -> None:
    """Have the files of Pixels, Thumbnails and OriginalFiles removed after the commit."""
    folder = call.server.folder
    if "Pixels" in kinds:
        pixels = list(call.db.execute(selection.ids("Pixels")).scalars())
        call.after_commit(lambda: _delete_all_pixels(folder, pixels))
    gone: list[Path] = []
    if "Thumbnail" in kinds:
        gone += (
            thumbnail_path(folder, i) for i in call.db.execute(selection.ids("Thumbnail")).scalars()
        )
    if "OriginalFile" in kinds:
        for ids in in_parts(call.db.execute(selection.ids("OriginalFile")).scalars()):
            gone += paths_of(call, ids).values()
    if gone:
        call.after_commit(lambda: _unlink(gone))


def _delete_all_pixels(folder: Path, ids: Iterable[int]) -> None:
    for identifier in ids:
        _try(partial(delete_pixels, folder, identifier), f"The pixels {identifier}")


def _unlink(paths: Iterable[Path]) -> None:
    for path in sorted(paths, key=lambda p: -len(p.parts)):  # folders after what is in them
        _try(partial(_remove, path), str(path))


def _remove(path: Path) -> None:
    """Remove a file, or a folder of the repository."""
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def _try(removal: Callable[[], None], what: str) -> None:
    """Remove a file that nothing refers to any more; where that fails, the command has succeeded all the same."""
    try:
        removal()
    except OSError as error:
        log.warning("%s could not be removed: %s", what, error)
