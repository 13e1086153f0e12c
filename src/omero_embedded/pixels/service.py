"""PixelsService: making images, describing them, and looking up settings and enumerations."""

# Operations have the names and parameters of Slice, whether they need them or not.

from collections.abc import Sequence
from typing import Any

import omero
import omero.model
from omero.model import IObject
from omero.rtypes import rlong, unwrap
from sqlalchemy import RowMapping, select

from omero_embedded import errors, permissions, saving, tables
from omero_embedded.call import Call, writing
from omero_embedded.pixels.description import describe
from omero_embedded.pixels.graphs import all_values, load_pixels, load_settings, value_of
from omero_embedded.rendering import settings as stored
from omero_embedded.schema import CLASSES, find_class
from omero_embedded.wire.registry import stateless

# What a copy of Pixels takes over unless the client gives it.
_COPIED = ("pixelsType", "dimensionOrder")
_COPIED_LENGTHS = ("physicalSizeX", "physicalSizeY", "physicalSizeZ")
_OF_IMAGE = (
    "acquisitionDate",
    "objectiveSettings",
    "imagingEnvironment",
    "experiment",
    "stageLabel",
    "instrument",
)
PENDING = "Pending..."


@stateless("omero.api.IPixels")
class PixelsService:
    """Making and describing Pixels."""

    # ------------------------------------------------------------ describing
    def retrievePixDescription(self, call: Call, pixId: int) -> IObject | None:
        """Return Pixels with its type, channels, logical channels and statistics."""
        return load_pixels(call, pixId)

    def retrieveRndSettings(self, call: Call, pixId: int) -> IObject | None:
        """Return the client's own settings for an image, or else those of the image's owner."""
        found = stored.find(call, pixId)
        return None if found is None else load_settings(call, [found])[0]

    def retrieveRndSettingsFor(self, call: Call, pixId: int, userId: int) -> IObject | None:
        """Return the settings of a user for an image."""
        found = stored.find(call, pixId, userId)
        return None if found is None else load_settings(call, [found])[0]

    def retrieveAllRndSettings(self, call: Call, pixId: int, userId: int) -> list[IObject]:
        """Return all settings of a user for an image; of all users where the id is negative."""
        return load_settings(call, stored.find_all(call, pixId, userId if userId >= 0 else None))

    def loadRndSettings(self, call: Call, renderingSettingsId: int) -> IObject | None:
        """Return the settings with that id."""
        if not stored.exists(call, renderingSettingsId):
            return None
        return load_settings(call, [renderingSettingsId])[0]

    @writing
    def saveRndSettings(self, call: Call, rndSettings: IObject) -> None:
        """Save settings."""
        saving.save(call, [rndSettings])

    # ------------------------------------------------------------ enumerations
    def getBitDepth(self, call: Call, type: IObject | None) -> int:  # Slice's name
        """Return the bits of a value of a pixel type, which the real server knows by its name (ome.util.PixelData)."""
        name = None if type is None or not type.isLoaded() else unwrap(type.value)
        if name is None:
            raise errors.null_pointer()
        table = tables.table("PixelsType")
        bits = call.db.scalar(select(table.c.bitSize).where(table.c.value == name))
        if bits is None or "complex" in name:
            raise errors.api_usage(f"Unknown type: '{name}'")
        return int(bits)

    def getEnumeration(self, call: Call, enumClass: str, value: str) -> IObject | None:
        """Return the value of an enumeration, or None."""
        return value_of(call, _enumeration(enumClass), value)

    def getAllEnumerations(self, call: Call, enumClass: str) -> list[IObject]:
        """Return all values of an enumeration."""
        return all_values(call, _enumeration(enumClass))

    # ------------------------------------------------------------ making
    @writing
    def createImage(
        self,
        call: Call,
        sizeX: int,
        sizeY: int,
        sizeZ: int,
        sizeT: int,
        channelList: Sequence[int],
        pixelsType: IObject | None,
        name: str,
        description: str,
    ) -> "omero.RLong":
        """Make an Image with its Pixels and a channel for each number in the list; return its id."""
        if not channelList:
            raise errors.validation("Channel list must be filled.")
        sizes = (sizeX, sizeY, sizeZ, len(channelList), sizeT)
        values = {"pixelsType": _type_id(call, pixelsType), **_checked_sizes(sizes)}
        image = saving.insert(call, "Image", name=name, description=description, series=0)
        order = stored.enumeration_id(call, "DimensionOrder", "XYZCT")
        pixels = _insert_pixels(call, image, 0, {"dimensionOrder": order, **values})
        for index in range(len(channelList)):
            logical = saving.insert(call, "LogicalChannel")
            saving.insert(
                call, "Channel", pixels=pixels, pixels_index=index, logicalChannel=logical
            )
        return rlong(image)

    @writing
    def copyAndResizeImage(
        self,
        call: Call,
        imageId: int,
        sizeX: "omero.RInt | None",
        sizeY: "omero.RInt | None",
        sizeZ: "omero.RInt | None",
        sizeT: "omero.RInt | None",
        channelList: Sequence[int],
        methodology: str,
        copyStats: bool,
    ) -> "omero.RLong | None":
        """Copy an Image without its planes, in other sizes; return its id.

        What Slice calls the methodology is the new Image's name.
        """
        images, pixels = tables.table("Image"), tables.table("Pixels")
        query = select(images).where(images.c.id == imageId)
        if not permissions.check_readable(call, "Image", imageId):
            raise errors.missing_row("ome.model.core.Image", imageId)
        source = call.db.execute(query).mappings().one()
        kept = {column: source[column] for column in _OF_IMAGE}
        image = saving.insert(call, "Image", name=methodology, series=0, **kept)
        of_image = select(pixels).where(pixels.c.image == imageId).order_by(pixels.c.image_index)
        sizes = (sizeX, sizeY, sizeZ, sizeT)
        for index, row in enumerate(call.db.execute(of_image).mappings().all()):
            _copy_pixels(call, row, image, index, sizes, channelList, None, copyStats)
        return rlong(image)

    @writing
    def copyAndResizePixels(
        self,
        call: Call,
        pixelsId: int,
        sizeX: "omero.RInt | None",
        sizeY: "omero.RInt | None",
        sizeZ: "omero.RInt | None",
        sizeT: "omero.RInt | None",
        channelList: Sequence[int],
        methodology: str,
        copyStats: bool,
    ) -> "omero.RLong | None":
        """Copy Pixels without planes, in other sizes, within the same Image; return the id."""
        description = describe(call, pixelsId)
        if description is None:
            _check_copied_sizes((sizeX, sizeY, sizeZ, sizeT), channelList)
            raise errors.null_pointer()
        pixels = tables.table("Pixels")
        row = call.db.execute(select(pixels).where(pixels.c.id == pixelsId)).mappings().one()
        of_image = select(pixels.c.id).where(pixels.c.image == description.image)
        index = len(call.db.execute(of_image).all())
        sizes = (sizeX, sizeY, sizeZ, sizeT)
        copy = _copy_pixels(
            call, row, description.image, index, sizes, channelList, methodology, copyStats
        )
        return rlong(copy)

    @writing
    def setChannelGlobalMinMax(
        self,
        call: Call,
        pixelsId: int,
        channelIndex: int,
        min: float,  # Slice's name
        max: float,  # Slice's name
    ) -> None:
        """Set the lowest and the highest value of a channel."""
        description = describe(call, pixelsId)
        if description is None:
            raise errors.null_pointer()
        if not 0 <= channelIndex < len(description.channels):
            raise IndexError(f"No channel {channelIndex}; there are {len(description.channels)}.")
        channel = description.channels[channelIndex]
        if not permissions.rights(call, description.owner, description.group).edit:
            changed = (
                f"core.Channel:Id_{channel.id}"
                if channel.stats_info is None
                else f"stats.StatsInfo:Id_{channel.stats_info}"
            )
            raise errors.security(f"Updating ome.model.{changed} not allowed.")
        values: dict[str, Any] = {"globalMin": min, "globalMax": max}
        if channel.stats_info is not None:
            saving.change(call, "StatsInfo", channel.stats_info, **values)
        else:
            made = saving.insert(call, "StatsInfo", group=description.group, **values)
            saving.change(call, "Channel", channel.id, statsInfo=made)


def _checked_sizes(sizes: Sequence[int]) -> dict[str, int]:
    """Return the sizes along x, y, z, c, t by column.

    Raises
    ------
    omero.ApiUsageException
        If one is below 1.
    """
    by_axis = dict(zip("XYZCT", sizes, strict=True))
    for axis, size in by_axis.items():
        if size < 1:
            raise errors.api_usage(f"values of Pixels.size{axis} must be strictly positive")
    return {f"size{axis}": size for axis, size in by_axis.items()}


def _type_id(call: Call, given: IObject | None) -> int:
    """Return the id of a pixel type that a client gave by id or by value."""
    if given is None:
        raise errors.validation(
            "not-null property references a null or transient value: "
            "ome.model.core.Pixels.pixelsType; nested exception is "
            "org.hibernate.PropertyValueException: not-null property references a null or "
            "transient value: ome.model.core.Pixels.pixelsType"
        )
    table = tables.table("PixelsType")
    if given.id is not None:
        condition = table.c.id == given.id.val
    else:
        condition = table.c.value == unwrap(given.value)
    found = call.db.scalar(select(table.c.id).where(condition))
    if found is None:
        raise errors.missing_row("ome.model.enums.PixelsType", unwrap(given.id) or 0)
    return int(found)


def _enumeration(name: str) -> str:
    """Return the name of the enumeration class that a client means."""
    found = find_class(name)
    if found is None:
        raise errors.api_usage(f"{name} does not specify a valid class.")
    if not CLASSES[found.name].enumeration:
        raise errors.api_usage(f"{name} does not specify a valid enumeration.")
    return found.name


def _insert_pixels(call: Call, image: int, index: int, values: dict[str, Any]) -> int:
    return int(
        saving.insert(call, "Pixels", image=image, image_index=index, sha1=PENDING, **values)
    )


def _check_copied_sizes(
    sizes: "Sequence[omero.RInt | None]", channels: Sequence[int]
) -> tuple[int | None, ...]:
    """Return the sizes that are given for a copy, along x, y, z, t.

    Raises
    ------
    omero.ValidationException
        If one is negative, or there are no channels. A size of nothing is found only when the copy is saved.
    """
    given = tuple(unwrap(size) for size in sizes)
    for axis, size in zip("XYZT", given, strict=True):
        if size is not None and size < 0:
            raise errors.validation(f"size{axis}: {size} <= 0")
    if not channels:
        raise errors.validation("Channel List is not null but size == 0")
    return given


def _copy_pixels(
    call: Call,
    source: RowMapping,
    image: int,
    index: int,
    sizes: "Sequence[omero.RInt | None]",
    channels: Sequence[int],
    methodology: str | None,
    copy_stats: bool,
) -> int:
    """Copy a row of Pixels with its channels; return the id of the copy."""
    description = describe(call, source["id"])
    assert description is not None
    x, y, z, t = _check_copied_sizes(sizes, channels)
    for place, c in enumerate(channels):
        if not 0 <= c < len(description.channels):
            raise errors.validation(f"channel: {place} out of bounds")
    if copy_stats and any(description.channels[c].extent is None for c in channels):
        raise errors.null_pointer()  # the real server looks into statistics that there are not
    old_x, old_y, old_z, _, old_t = description.sizes
    new = (
        old_x if x is None else x,
        old_y if y is None else y,
        old_z if z is None else z,
        len(channels),
        old_t if t is None else t,
    )
    values = {column: source[column] for column in _COPIED}
    for name in _COPIED_LENGTHS:
        length = source[name]
        values[name] = None if length is None else (length, source[f"{name}_unit"])
    values.update(_checked_sizes(new), relatedTo=source["id"], methodology=methodology)
    copy = _insert_pixels(call, image, index, values)
    table = tables.table("Channel")
    for place, c in enumerate(channels):
        channel = description.channels[c]
        logical = call.db.scalar(select(table.c.logicalChannel).where(table.c.id == channel.id))
        stats = None
        if copy_stats and channel.extent is not None:
            low, high = channel.extent
            stats = saving.insert(call, "StatsInfo", globalMin=low, globalMax=high)
        saving.insert(
            call,
            "Channel",
            pixels=copy,
            pixels_index=place,
            logicalChannel=logical,
            statsInfo=stats,
        )
    return copy
