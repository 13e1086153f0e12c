"""Requests about what an Image is made of on the disk: UsedFiles, ManageImageBinaries, OriginalMetadata."""

import re
from pathlib import Path
from typing import Any

import omero
import omero.cmd
from omero.rtypes import rlong, rstring
from sqlalchemy import Row, select

from omero_embedded import errors, tables
from omero_embedded.call import Call
from omero_embedded.commands.graph.targets import declined, in_all_groups, refused
from omero_embedded.commands.steps import with_steps
from omero_embedded.files.place import paths_of
from omero_embedded.permissions import can_read, rights
from omero_embedded.pixels.pyramid import files_of
from omero_embedded.pixels.repository import pixels_path, thumbnail_path
from omero_embedded.schema import CLASSES
from omero_embedded.wire.handles import Refused
from omero_embedded.wire.registry import command

METADATA = "original_metadata.txt"
COMPANION = "openmicroscopy.org/omero/import/companionFile"


def _image(call: Call, identifier: int) -> Row[Any, Any, Any, Any, Any] | None:
    """Return the row of an Image that may be seen, in whatever group, or None."""
    rows = tables.table("Image")
    query = select(
        rows.c.id, rows.c.fileset, rows.c.series, rows.c.details_owner, rows.c.details_group
    )
    found = call.db.execute(query.where(rows.c.id == identifier)).first()
    with in_all_groups(call):
        if found is None or not can_read(call, found.details_owner, found.details_group):
            return None
    return found


def _pixels(call: Call, image: int) -> list[int]:
    rows = tables.table("Pixels")
    return list(call.db.execute(select(rows.c.id).where(rows.c.image == image)).scalars())


def _archived(call: Call, image: int) -> list[int]:
    """Return the OriginalFiles that the Pixels were made of, where there is no Fileset."""
    rows = tables.table("PixelsOriginalFileMap")
    query = select(rows.c.parent).where(rows.c.child.in_(_pixels(call, image)))
    return list(call.db.execute(query.order_by(rows.c.parent)).scalars())


def _companions(call: Call, image: int) -> dict[int, str]:
    """Return the names, by id, of the files that were attached to the Image when it was imported."""
    link, note, file = (
        tables.table(name) for name in ("ImageAnnotationLink", "FileAnnotation", "OriginalFile")
    )
    query = (
        select(file.c.id, file.c.name)
        .join(note, note.c.file == file.c.id)
        .join(link, link.c.child == note.c.id)
        .where(link.c.parent == image, note.c.ns == COMPANION)
    )
    return {row.id: row.name for row in call.db.execute(query)}


@command("omero.cmd.UsedFilesRequest")
class UsedFiles:
    """Tells which OriginalFiles an Image came from."""

    def __init__(self, request: omero.cmd.UsedFilesRequest) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.Response:
        """Give the ids: all files of the Fileset count for each of its Images."""
        identifier = self._request.imageId
        image = _image(call, identifier)
        if image is None:
            raise refused(self._request, "bad-image", f"cannot read image {identifier}")
        if not _pixels(call, image.id):
            raise refused(self._request, "bad-image", f"no pixels for image {identifier}")
        if image.fileset is None:
            companions = _companions(call, image.id)
            described = [i for i, name in companions.items() if name == METADATA]
            others = [i for i in companions if i not in described]
            return omero.cmd.UsedFilesResponsePreFs(_archived(call, image.id), others, described)
        entries = tables.table("FilesetEntry")
        query = select(entries.c.originalFile).where(entries.c.fileset == image.fileset)
        files = list(
            call.db.execute(query.order_by(entries.c.fileset_index, entries.c.id)).scalars()
        )
        return omero.cmd.UsedFilesResponse(files, [], [], [])


@command("omero.cmd.ManageImageBinaries")
class ManageImageBinaries:
    """Tells what an Image has on the disk; deletes its pyramid and thumbnails where asked."""

    def __init__(self, request: omero.cmd.ManageImageBinaries) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.ManageImageBinariesResponse:
        """Give sizes as they were before."""
        request = self._request
        image = _image(call, request.imageId)
        if image is None:
            raise self._missing()
        for asked, what in ((request.togglePixels, "pixels"), (request.deletePyramid, "pyramid")):
            if asked and image.fileset is None:
                raise declined(request, f"{what}-requires-fileset")
        allowed = rights(call, image.details_owner, image.details_group).delete
        pixels = _pixels(call, image.id)
        whole = [pixels_path(call.server.folder, i) for i in pixels]
        aside = [path.with_name(f"{path.name}_bak") for path in whole]
        levels = [f for path in whole for f in files_of(path) if f != path]
        moves = [(a, b) for a, b in zip(whole, aside, strict=True) if a.exists()]
        if request.togglePixels and moves and not allowed:
            raise declined(request, "pixels-move-delete-disallowed")
        if request.deletePyramid and any(p.exists() for p in levels) and not allowed:
            raise declined(request, "pyramid-delete-disallowed")
        thumbnails = self._thumbnails(call, pixels)
        archived = _archived(call, image.id)
        response = omero.cmd.ManageImageBinariesResponse()
        response.filesetId = None if image.fileset is None else rlong(image.fileset)
        response.archivedFiles = archived
        response.pixelsPresent = any(p.exists() for p in whole) and not request.togglePixels
        response.pyramidPresent = any(p.exists() for p in levels) and not request.deletePyramid
        response.pixelSize, response.pyramidSize, response.thumbnailSize = map(
            _bytes, ([*whole, *aside], levels, thumbnails)
        )
        response.archivedSize = self._size_of(call, archived)
        gone = (levels if request.deletePyramid else []) + (
            thumbnails if request.deleteThumbnails and allowed else []
        )
        call.after_commit(lambda: _unlink(gone))
        if request.togglePixels:
            call.after_commit(lambda: _rename(moves))
        return with_steps(response, 6)

    def _missing(self) -> Refused:
        """Refuse as a query for the Image does, with the id."""
        identifier = self._request.imageId
        message = errors.missing_row(CLASSES["Image"].java, identifier).message  # type: ignore[attr-defined]  # of a ServerError
        refusal = refused(self._request, "no-image", message)
        refusal.response.parameters["image-id"] = str(identifier)
        return refusal

    def _thumbnails(self, call: Call, pixels: list[int]) -> list[Path]:
        rows = tables.table("Thumbnail")
        query = select(rows.c.id).where(rows.c.pixels.in_(pixels))
        return [thumbnail_path(call.server.folder, i) for i in call.db.execute(query).scalars()]

    def _size_of(self, call: Call, files: list[int]) -> int:
        rows = tables.table("OriginalFile")
        query = select(rows.c.size).where(rows.c.id.in_(files))
        return sum(size or 0 for size in call.db.execute(query).scalars())


def _bytes(paths: list[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.exists())


def _rename(moves: list[tuple[Path, Path]]) -> None:
    for source, target in moves:
        source.rename(target)


def _unlink(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


@command("omero.cmd.OriginalMetadataRequest")
class OriginalMetadata:
    """Tells what the imported file said of itself, as far as a file of metadata is attached.

    Of what was imported into a Fileset nothing is kept beside what the model holds.
    """

    def __init__(self, request: omero.cmd.OriginalMetadataRequest) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.OriginalMetadataResponse:
        """Give the Fileset, or the attached file with what stands in it; neither for an Image that cannot be seen."""
        response = omero.cmd.OriginalMetadataResponse(None, None, {}, {})
        image = _image(call, self._request.imageId)
        if image is None:
            return response
        if image.fileset is not None:
            response.filesetId = rlong(image.fileset)
            return response
        described = [i for i, name in _companions(call, image.id).items() if name == METADATA]
        if described:
            note = tables.table("FileAnnotation")
            query = select(note.c.id).where(note.c.file == described[0]).order_by(note.c.id)
            response.fileAnnotationId = rlong(call.db.execute(query).scalars().first())
            path = paths_of(call, described[:1])[described[0]]
            if not path.exists():
                raise declined(self._request, "reader-failure", original_metadata=path.name)
            found = _sections(path.read_text(encoding="utf-8"))
            response.globalMetadata = found["GlobalMetadata"]
            response.seriesMetadata = found["SeriesMetadata"]
        return response


def _sections(text: str) -> dict[str, dict[str, omero.RType]]:
    """Return what stands as «key=value» below [GlobalMetadata] and [SeriesMetadata].

    A line is split at its last = outside of brackets (omero.cmd.fs.OriginalMetadataRequestI).
    """
    found: dict[str, dict[str, omero.RType]] = {"GlobalMetadata": {}, "SeriesMetadata": {}}
    section: dict[str, omero.RType] | None = None
    for line in text.splitlines():
        title = re.fullmatch(r"\s*\[\s*(.+?)\s*\]\s*", line)
        if title is not None:
            section = found.get(title[1])
            continue
        split = _split_on_equals(line)
        if section is not None and split is not None:
            section[split[0]] = rstring(split[1])
    return found


def _split_on_equals(line: str) -> tuple[str, str] | None:
    depth, place, least = 0, -1, 0
    for position, letter in enumerate(line):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "=" and (place < 0 or depth <= least):
            place, least = position, depth
    return None if place < 0 else (line[:place].strip(), line[place + 1 :].strip())


@command("omero.cmd.FindPyramids")
class FindPyramids:
    """Tells which Images have smaller resolutions on the disk."""

    def __init__(self, request: omero.cmd.FindPyramids) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.FindPyramidsResponse:
        """Give the ids of Images; those made after a moment, and with the byte order, unless all are wanted."""
        request, rows, event = self._request, tables.table("Pixels"), tables.table("Event")
        image = tables.table("Image")
        query = (
            select(
                rows.c.id,
                image.c.id.label("image"),
                event.c.time,
                image.c.details_owner,
                image.c.details_group,
            )
            .join(image, image.c.id == rows.c.image)
            .join(event, event.c.id == image.c.details_creationEvent)
            .order_by(rows.c.id)
        )
        wanted = [
            row
            for row in call.db.execute(query)
            if request.checkEmptyFile or _is_wanted(request, row.time)
        ]
        with in_all_groups(call):
            found = [
                row.image
                for row in wanted
                if can_read(call, row.details_owner, row.details_group)
                and any(p.exists() for p in _levels(call, row.id))
            ]
        return omero.cmd.FindPyramidsResponse(
            found[: request.limit] if request.limit > 0 else found
        )


def _is_wanted(request: omero.cmd.FindPyramids, made: int) -> bool:
    """Return whether Pixels of an age are asked for; all are kept big-endian."""
    order, since = request.littleEndian, request.importedAfter
    return (order is None or not order.val) and (since is None or bool(since.val < made))


def _levels(call: Call, pixels: int) -> list[Path]:
    path = pixels_path(call.server.folder, pixels)
    return [file for file in files_of(path) if file != path]
