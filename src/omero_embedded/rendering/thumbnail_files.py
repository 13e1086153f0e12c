"""Thumbnails that are kept: rows of Thumbnail, and a JPEG file for each.

One of the two rooms behind ThumbnailStore: this finds, makes and renews them; `thumbnails` answers
clients.
"""

import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from sqlalchemy import select

from omero_embedded import saving, tables
from omero_embedded.call import Call
from omero_embedded.pixels.description import Description
from omero_embedded.pixels.repository import PixelsFile, thumbnail_path
from omero_embedded.rendering.jpeg import DEFAULT_QUALITY, jpeg, picture
from omero_embedded.rendering.renderer import Renderer
from omero_embedded.rendering.scaling import scaled
from omero_embedded.rendering.settings import RenderingSettings
from omero_embedded.rendering.slices import XY, Slice

_GREY = (96, 96, 96)


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A row of Thumbnail: size in pixels, and the event that wrote it last."""

    id: int
    width: int
    height: int
    event: int


def find(
    call: Call, pixels_id: int, owner: int, size: tuple[int, int] | None = None
) -> list[Thumbnail]:
    """Return the thumbnails of an image that a user owns; of one width and height if given."""
    table = tables.table("Thumbnail")
    query = select(table).where(table.c.pixels == pixels_id, table.c.details_owner == owner)
    if size is not None:
        query = query.where(table.c.sizeX == size[0], table.c.sizeY == size[1])
    return [
        Thumbnail(row.id, row.sizeX, row.sizeY, row.details_updateEvent)
        for row in call.db.execute(query.order_by(table.c.id))
    ]


def make(call: Call, description: Description, size: tuple[int, int]) -> Thumbnail:
    """Make a row for a thumbnail of that width and height; its file comes later."""
    made = saving.insert(
        call,
        "Thumbnail",
        group=description.group,
        pixels=description.id,
        mimeType="image/jpeg",
        sizeX=size[0],
        sizeY=size[1],
    )
    return Thumbnail(made, *size, call.event_id)


def cached(call: Call, thumbnail: Thumbnail, settings_id: int | None) -> bytes | None:
    """Return a thumbnail's file, or None where it is missing or older than the settings."""
    table = tables.table("RenderingDef")
    changed = call.db.scalar(select(table.c.details_updateEvent).where(table.c.id == settings_id))
    if changed is not None and changed > thumbnail.event:
        return None
    try:
        return thumbnail_path(call.server.folder, thumbnail.id).read_bytes()
    except FileNotFoundError:
        return None


def keep(call: Call, thumbnail: Thumbnail, data: bytes) -> None:
    """Write a thumbnail's file, and note when.

    The old file goes first and the new one comes whole, so that a server killed in between leaves
    none rather than an old one or a half.
    """
    path = thumbnail_path(call.server.folder, thumbnail.id)
    path.unlink(missing_ok=True)
    saving.change(call, "Thumbnail", thumbnail.id, version=tables.table("Thumbnail").c.version + 1)
    call.after_commit(lambda: _write(path, data))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}-{uuid.uuid4()}")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def longest_side(description: Description, side: int) -> tuple[int, int]:
    """Return width and height of a thumbnail whose longer side is given.

    In single precision and cut off, as on the real server.
    """
    x, y = description.sizes[:2]
    ratio = np.float32(side) / np.float32(max(x, y))
    if x > y:
        return side, int(np.float32(y) * ratio)
    return int(np.float32(x) * ratio), side


def draw(
    description: Description,
    pixels: PixelsFile,
    settings: RenderingSettings,
    size: tuple[int, int],
    plane: tuple[int, int],
) -> bytes:
    """Return a plane z, t as a JPEG file of that width and height."""
    _choose_level(pixels, size)
    cut = Slice(XY, 0, 0, *plane)
    image = picture(Renderer(description, pixels, settings).packed(cut))
    return jpeg(scaled(image, *size), DEFAULT_QUALITY)


def placeholder(size: tuple[int, int]) -> bytes:
    """Return the grey picture that stands for an image without pixels."""
    width, height = (max(1, side) for side in size)
    return jpeg(Image.new("RGB", (width, height), _GREY), DEFAULT_QUALITY)


def _choose_level(pixels: PixelsFile, size: tuple[int, int]) -> None:
    """Go to the largest resolution of a big image that is not larger than the thumbnail."""
    sizes = list(reversed(pixels.level_sizes()))
    if len(sizes) == 1:
        return
    small = [i for i, (x, y) in enumerate(sizes) if x <= size[0] or y <= size[1]]
    pixels.set_resolution_level(max(small, default=0))
