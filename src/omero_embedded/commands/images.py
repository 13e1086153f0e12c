"""Requests about what an Image is made of on the disk: UsedFiles, ManageImageBinaries, OriginalMetadata."""

from pathlib import Path
from typing import Any

import omero
import omero.cmd
from omero.rtypes import rlong
from sqlalchemy import Row, select

from omero_embedded import tables
from omero_embedded.call import Call
from omero_embedded.commands.graph.targets import in_all_groups, refused
from omero_embedded.permissions import can_read, rights
from omero_embedded.pixels.pyramid import files_of
from omero_embedded.pixels.repository import pixels_path, thumbnail_path
from omero_embedded.wire.registry import command

METADATA = "original_metadata.txt"
COMPANION = "openmicroscopy.org/omero/import/companionFile"


def _image(call: Call, request: omero.cmd.Request, identifier: int) -> Row[Any, Any, Any, Any, Any]:
    rows = tables.table("Image")
    query = select(
        rows.c.id, rows.c.fileset, rows.c.series, rows.c.details_owner, rows.c.details_group
    )
    found = call.db.execute(query.where(rows.c.id == identifier)).first()
    with in_all_groups(call):
        if found is None or not can_read(call, found.details_owner, found.details_group):
            raise refused(request, "no-image", f"No image with id {identifier}")
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
        image = _image(call, self._request, self._request.imageId)
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
        image = _image(call, request, request.imageId)
        changes = request.togglePixels or request.deletePyramid or request.deleteThumbnails
        if changes and not rights(call, image.details_owner, image.details_group).edit:
            raise refused(request, "not-permitted", f"not permitted to change image {image.id}")
        if request.togglePixels:
            raise refused(request, "not-offered", "This server does not put pixels aside.")
        pixels = _pixels(call, image.id)
        whole = [pixels_path(call.server.folder, i) for i in pixels]
        levels = [f for path in whole for f in files_of(path) if f != path]
        thumbnails = self._thumbnails(call, pixels)
        archived = _archived(call, image.id)
        response = omero.cmd.ManageImageBinariesResponse()
        response.filesetId = None if image.fileset is None else rlong(image.fileset)
        response.archivedFiles = [rlong(i) for i in archived]
        response.pixelsPresent = any(p.exists() for p in whole)
        response.pyramidPresent = any(p.exists() for p in levels)
        response.pixelSize, response.pyramidSize, response.thumbnailSize = map(
            _bytes, (whole, levels, thumbnails)
        )
        response.archivedSize = self._size_of(call, archived)
        gone = (levels if request.deletePyramid else []) + (
            thumbnails if request.deleteThumbnails else []
        )
        call.after_commit(lambda: _unlink(gone))
        return response

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


def _unlink(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


@command("omero.cmd.OriginalMetadataRequest")
class OriginalMetadata:
    """Tells what the imported file said of itself, beside what the model holds: nothing is kept of that here."""

    def __init__(self, request: omero.cmd.OriginalMetadataRequest) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.OriginalMetadataResponse:
        """Give the Fileset, or the file of metadata that is attached, and empty maps."""
        image = _image(call, self._request, self._request.imageId)
        response = omero.cmd.OriginalMetadataResponse(None, None, {}, {})
        if image.fileset is not None:
            response.filesetId = rlong(image.fileset)
            return response
        described = [i for i, name in _companions(call, image.id).items() if name == METADATA]
        if described:
            note = tables.table("FileAnnotation")
            query = select(note.c.id).where(note.c.file == described[0]).order_by(note.c.id)
            response.fileAnnotationId = rlong(call.db.execute(query).scalars().first())
        return response
