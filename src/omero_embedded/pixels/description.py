"""What the database says of a Pixels object: its dimensions, its channels, whose it is.

The step from rows to the pure parts of `pixels` and `rendering`; it reads a few columns and makes no
objects of the model.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, select

from omero_embedded import permissions, tables
from omero_embedded.call import Call
from omero_embedded.pixels.dimensions import Dimensions
from omero_embedded.pixels.types import pixel_type

Colour = tuple[int, int, int, int]

# Wavelengths are Lengths; colours follow from nanometres.
_NANOMETRES = {"nm": 1.0, "µm": 1e3, "Å": 0.1, "pm": 1e-3, "mm": 1e6, "m": 1e9}


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of an image.

    Parameters
    ----------
    id
        Of the Channel.
    stats_info
        Id of its StatsInfo, or None.
    extent
        Lowest and highest value by its StatsInfo, or None.
    colour
        Red, green, blue and alpha where all four are set, else None.
    lookup_table
        Name of the channel's own lookup table, or None.
    emission, excitation
        Wavelengths in nm, or None.
    """

    id: int
    stats_info: int | None
    extent: tuple[float, float] | None
    colour: Colour | None
    lookup_table: str | None
    emission: float | None
    excitation: float | None


@dataclass(frozen=True, slots=True)
class Description:
    """A Pixels object as far as pixels and rendering go."""

    id: int
    image: int
    owner: int
    group: int
    type_id: int
    type_name: str
    significant_bits: int | None
    sizes: tuple[int, int, int, int, int]
    sha1: str
    imported: bool
    channels: tuple[Channel, ...]

    @property
    def dimensions(self) -> Dimensions:
        """Sizes and pixel type.

        Raises
        ------
        PixelsError
            If pixels of the type cannot be stored.
        """
        return Dimensions(*self.sizes, pixel_type(self.type_name))

    def extent(self, c: int) -> tuple[float, float]:
        """Return the lowest and highest value of a channel, by its statistics or its type."""
        known = self.channels[c].extent
        return known or pixel_type(self.type_name).value_range(self.significant_bits)


def describe(call: Call, pixels_id: int) -> Description | None:
    """Return what is known of a Pixels object, or None where it is missing or may not be read."""
    return describe_all(call, [pixels_id]).get(pixels_id)


def describe_all(call: Call, pixels_ids: Iterable[int]) -> dict[int, Description]:
    """Return what is known of Pixels objects by id; those missing or unreadable are left out."""
    pixels, types = tables.table("Pixels"), tables.table("PixelsType")
    images = tables.table("Image")
    ids = list(pixels_ids)
    query = (
        select(pixels, types.c.value.label("type_name"), images.c.fileset)
        .join(types, types.c.id == pixels.c.pixelsType)
        .join(images, images.c.id == pixels.c.image)
        .where(pixels.c.id.in_(ids))
    )
    condition = permissions.readable(call, "Pixels", pixels)
    rows = call.db.execute(query if condition is None else query.where(condition)).all()
    channels: dict[int, list[Channel]] = {row.id: [] for row in rows}
    for row in call.db.execute(_channels_of(list(channels))):
        channels[row.pixels].append(_channel(row))
    return {row.id: _description(row, tuple(channels[row.id])) for row in rows}


def _channels_of(pixels_ids: list[int]) -> Select[Any]:
    channel, logical = tables.table("Channel"), tables.table("LogicalChannel")
    stats = tables.table("StatsInfo")
    return (
        select(
            channel,
            stats.c.globalMin,
            stats.c.globalMax,
            logical.c.emissionWave,
            logical.c.emissionWave_unit,
            logical.c.excitationWave,
            logical.c.excitationWave_unit,
        )
        .join(logical, logical.c.id == channel.c.logicalChannel)
        .outerjoin(stats, stats.c.id == channel.c.statsInfo)
        .where(channel.c.pixels.in_(pixels_ids))
        .order_by(channel.c.pixels, channel.c.pixels_index, channel.c.id)
    )


def _description(row: Row[Any], channels: tuple[Channel, ...]) -> Description:
    return Description(
        id=row.id,
        image=row.image,
        owner=row.details_owner,
        group=row.details_group,
        type_id=row.pixelsType,
        type_name=row.type_name,
        significant_bits=row.significantBits,
        sizes=(row.sizeX, row.sizeY, row.sizeZ, row.sizeC, row.sizeT),
        sha1=row.sha1,
        imported=row.fileset is not None,
        channels=channels,
    )


def _channel(row: Row[Any]) -> Channel:
    parts = (row.red, row.green, row.blue, row.alpha)
    return Channel(
        id=row.id,
        stats_info=row.statsInfo,
        extent=None if row.globalMin is None else (row.globalMin, row.globalMax),
        colour=None if None in parts else parts,
        lookup_table=row.lookupTable,
        emission=_nanometres(row.emissionWave, row.emissionWave_unit),
        excitation=_nanometres(row.excitationWave, row.excitationWave_unit),
    )


def _nanometres(value: float | None, unit: str | None) -> float | None:
    return None if value is None else value * _NANOMETRES.get(unit or "nm", 1.0)
