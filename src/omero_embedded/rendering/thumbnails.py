"""ThumbnailStore: small pictures of images, kept on disk until the settings change.

A store remembers for each image the thumbnail it spoke of last, and speaks of another only if one of
the size asked for exists: after `getThumbnail(96, 96)` a `getThumbnailByLongestSide(32)` gives the one
of 96×96 again, unless there was one of 32 before. So does the real server.
"""

# Operations have the names and parameters of Slice, whether they need them or not.

from collections.abc import Iterable
from typing import TypeAlias

import omero
from omero import RInt
from omero.rtypes import unwrap

from omero_embedded import errors, permissions
from omero_embedded.call import Call, writing
from omero_embedded.pixels.description import Description, describe, describe_all
from omero_embedded.pixels.repository import pixels_path
from omero_embedded.rendering import settings as stored
from omero_embedded.rendering import thumbnail_files as files
from omero_embedded.rendering.reset import (
    alike,
    opened,
    reset_and_save,
    reset_without_saving,
)
from omero_embedded.rendering.settings import RenderingSettings
from omero_embedded.rendering.thumbnail_files import Thumbnail
from omero_embedded.wire.registry import stateful

_DEFAULT_SIDE = 48
_LONGEST_SIDE = 1 << 14

Side: TypeAlias = "RInt | None"


@stateful("omero.api.ThumbnailStore")
class ThumbnailStore:
    """Small pictures of images."""

    def __init__(self) -> None:
        self._description: Description | None = None
        self._settings_id: int | None = None
        self._owner: int | None = None
        self._in_progress = False
        self._last: dict[int, Thumbnail] = {}

    # ------------------------------------------------------------ life
    def setPixelsId(self, call: Call, pixelsId: int) -> bool:
        """Choose the image; whether there are settings for it."""
        if self._description is None or self._description.id != pixelsId:
            self._last = {}
        self._choose(call, _described(call, pixelsId))
        return self._settings_id is not None

    def setRenderingDefId(self, call: Call, renderingDefId: int) -> None:
        """Choose settings by their id; the thumbnails are then those of their owner."""
        description = self._image
        if not stored.exists(call, renderingDefId):
            raise errors.validation(f"No rendering definition exists with ID = {renderingDefId}")
        settings = stored.read(call, renderingDefId)
        theirs = describe(call, settings.pixels)
        if theirs is None or not alike(description, theirs):
            raise errors.validation(
                f"The rendering definition {renderingDefId} is incompatible with pixels set "
                f"{description.id}"
            )
        self._settings_id, self._owner = settings.id, settings.owner

    def getRenderingDefId(self, call: Call) -> int:
        """Return the id of the settings."""
        if self._settings_id is None:
            raise errors.api_usage("No rendering def")
        return self._settings_id

    @writing
    def resetDefaults(self, call: Call) -> None:
        """Give an image that has no settings the default ones."""
        if self._description is None:
            raise errors.null_pointer()
        own = stored.find(call, self._description.id, call.user_id)
        if self._settings_id is not None or own is not None:
            raise errors.api_usage(
                "The thumbnail service only resets **empty** rendering settings. Resetting of "
                "existing settings should either be performed using the RenderingEngine or "
                "IRenderingSettings."
            )
        try:
            self._settings_id = reset_and_save(call, self._description)
        except omero.LockTimeout:
            self._in_progress = True  # as the real server notes it, for an image without pixels

    def isInProgress(self, call: Call) -> bool:
        """Whether the last picture stands for an image without pixels."""
        return self._in_progress

    def close(self, call: Call) -> None:
        """Forget the image."""
        self._description = None

    def _choose(self, call: Call, description: Description) -> None:
        self._description = description
        self._settings_id = stored.find(call, description.id)
        self._owner = call.user_id
        self._in_progress = False

    def _check_begun(self) -> None:
        """Raise what the real server does where no image was ever chosen and it does not look."""
        if self._description is None:
            raise errors.null_pointer()

    @property
    def _image(self) -> Description:
        if self._description is None:
            raise errors.api_usage("Thumbnail service not ready: Pixels not set.")
        return self._description

    # ------------------------------------------------------------ kept pictures
    @writing
    def getThumbnail(self, call: Call, sizeX: Side, sizeY: Side) -> bytes:
        """Return the thumbnail of that width and height, 48 unless given."""
        return self._kept(call, _size(sizeX, sizeY))

    @writing
    def getThumbnailWithoutDefault(self, call: Call, sizeX: Side, sizeY: Side) -> bytes:
        """Return the thumbnail of that size, or nothing for an image without pixels."""
        data = self._kept(call, _size(sizeX, sizeY))
        return b"" if self._in_progress else data

    @writing
    def getThumbnailByLongestSide(self, call: Call, size: Side) -> bytes:
        """Return the thumbnail whose longer side is given, 48 unless given."""
        return self._kept(call, files.longest_side(self._image, _size(size, size)[0]))

    @writing
    def getThumbnailSet(
        self, call: Call, sizeX: Side, sizeY: Side, pixelsIds: Iterable[int]
    ) -> dict[int, bytes]:
        """Return the thumbnails of many images by Pixels id; empty for those without pixels."""
        size, ids = _size(sizeX, sizeY), list(pixelsIds)
        if not ids:
            raise errors.empty_list(
                "select t from ome.model.display.Thumbnail as t join t.pixels p "
                "join fetch t.details.updateEvent where t.sizeX = :x and t.sizeY = :y "
                "and t.details.owner.id = :o_id and p.id in ()"
            )
        return self._kept_of_many(call, {d.id: size for d in _all(call, ids)})

    @writing
    def getThumbnailByLongestSideSet(
        self, call: Call, size: Side, pixelsIds: Iterable[int]
    ) -> dict[int, bytes]:
        """Return the thumbnails of many images by Pixels id; empty for those without pixels."""
        side = _size(size, size)[0]
        return self._kept_of_many(
            call, {d.id: files.longest_side(d, side) for d in _all(call, pixelsIds)}
        )

    @writing
    def createThumbnailsByLongestSideSet(
        self, call: Call, size: Side, pixelsIds: Iterable[int]
    ) -> None:
        """Make the thumbnails of many images."""
        self.getThumbnailByLongestSideSet(call, size, pixelsIds)

    @writing
    def createThumbnail(self, call: Call, sizeX: Side, sizeY: Side) -> None:
        """Make or renew the thumbnail of that size."""
        self._check_begun()
        self._renew(call, self._remembered(call, _size(sizeX, sizeY)))

    @writing
    def createThumbnails(self, call: Call) -> None:
        """Renew all thumbnails of the image that there are."""
        self._check_begun()
        owner = call.user_id if self._owner is None else self._owner
        for thumbnail in files.find(call, self._image.id, owner):
            self._renew(call, thumbnail)

    def thumbnailExists(self, call: Call, sizeX: Side, sizeY: Side) -> bool:
        """Whether there is a thumbnail of that size, made since the settings changed."""
        owner = call.user_id if self._owner is None else self._owner
        found = files.find(call, self._image.id, owner, _size(sizeX, sizeY))
        thumbnail = found[0] if found else self._last.get(self._image.id)
        if thumbnail is None or self._in_progress:
            return False
        return files.cached(call, thumbnail, self._settings_id) is not None

    def _kept(self, call: Call, size: tuple[int, int]) -> bytes:
        """Return a thumbnail from disk, or make it and keep it."""
        description = self._image
        if not permissions.rights(call, description.owner, description.group).annotate:
            return self._drawn(call, size)
        thumbnail = self._remembered(call, size)
        return files.cached(call, thumbnail, self._settings_id) or self._renew(call, thumbnail)

    def _remembered(self, call: Call, size: tuple[int, int]) -> Thumbnail:
        description = self._image
        owner = call.user_id if self._owner is None else self._owner
        found = files.find(call, description.id, owner, size)
        if found:
            self._last[description.id] = found[0]
        elif description.id not in self._last:
            self._last[description.id] = files.make(call, description, size)
        return self._last[description.id]

    def _renew(self, call: Call, thumbnail: Thumbnail) -> bytes:
        data = self._drawn(call, (thumbnail.width, thumbnail.height))
        if not self._in_progress:
            files.keep(call, thumbnail, data)
        return data

    def _kept_of_many(self, call: Call, sizes: dict[int, tuple[int, int]]) -> dict[int, bytes]:
        self._last = {}
        pictures = {}
        for pixels_id, size in sizes.items():
            description = _described(call, pixels_id)
            self._choose(call, description)
            mine = permissions.rights(call, description.owner, description.group).annotate
            if self._settings_id is None and mine and _has_pixels(call, description):
                self._settings_id = reset_and_save(call, description)
            data = self._kept(call, size)
            pictures[pixels_id] = b"" if self._in_progress else data
        return pictures

    # ------------------------------------------------------------ pictures that are not kept
    def getThumbnailDirect(self, call: Call, sizeX: Side, sizeY: Side) -> bytes:
        """Return a picture of that width and height."""
        return self._drawn(call, _size(sizeX, sizeY))

    def getThumbnailByLongestSideDirect(self, call: Call, size: Side) -> bytes:
        """Return a picture whose longer side is given."""
        return self._drawn(call, files.longest_side(self._image, _size(size, size)[0]))

    def getThumbnailForSectionDirect(
        self, call: Call, theZ: int, theT: int, sizeX: Side, sizeY: Side
    ) -> bytes:
        """Return a picture of the plane at z and t, of that width and height."""
        return self._drawn(call, _size(sizeX, sizeY), (theZ, theT))

    def getThumbnailForSectionByLongestSideDirect(
        self, call: Call, theZ: int, theT: int, size: Side
    ) -> bytes:
        """Return a picture of the plane at z and t, whose longer side is given."""
        side = _size(size, size)[0]
        return self._drawn(call, files.longest_side(self._image, side), (theZ, theT))

    def _drawn(
        self, call: Call, size: tuple[int, int], plane: tuple[int, int] | None = None
    ) -> bytes:
        description = self._image
        self._in_progress = not _has_pixels(call, description)
        if self._in_progress:
            return files.placeholder(size)
        with opened(call, description) as pixels:
            if self._settings_id is None:
                settings = RenderingSettings()
                reset_without_saving(description, pixels, settings)
            else:
                settings = stored.read(call, self._settings_id)
            return files.draw(
                description, pixels, settings, size, plane or (settings.z, settings.t)
            )


def _has_pixels(call: Call, description: Description) -> bool:
    return pixels_path(call.server.folder, description.id).exists()


def _size(width: Side, height: Side) -> tuple[int, int]:
    """Return width and height, with the default for what is not given.

    Raises
    ------
    omero.ApiUsageException
        If one is negative, or larger than any thumbnail.
    """
    sides = []
    for axis, side in (("X", width), ("Y", height)):
        value = _DEFAULT_SIDE if side is None else int(unwrap(side))
        if value < 0:
            raise errors.api_usage(f"size{axis} is negative")
        if value > _LONGEST_SIDE:
            raise errors.api_usage(f"size{axis} is beyond {_LONGEST_SIDE}")
        sides.append(value)
    return sides[0], sides[1]


def _described(call: Call, pixels_id: int) -> Description:
    description = describe(call, pixels_id)
    if description is None:
        raise errors.resource(
            f"Error retrieving Pixels id:{pixels_id}. Pixels set does not exist or the user "
            f"id:{call.user_id} has insufficient permissions to retrieve it."
        )
    return description


def _all(call: Call, pixels_ids: Iterable[int]) -> list[Description]:
    return list(describe_all(call, pixels_ids).values())
