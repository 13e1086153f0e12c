"""How an Image is shown, taken from one server to another.

Stands above `rendering`, which makes settings from a plan, for `transfer.copying`, which has settings that somebody chose.
"""

from collections.abc import Sequence
from typing import Any

from omero.rtypes import unwrap

from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.objects import parameters
from pyomero_upload.targets.omero.rendering import rendering_engine


def read_settings(connection: Connection, pixels_id: int) -> Any | None:
    """Return the user's own rendering settings of Pixels, else those of their owner; None where there are none."""
    own = connection.pixels.retrieveRndSettings(pixels_id)
    if own is not None:
        return own
    rows = connection.query.projection(
        "select p.details.owner.id from Pixels p where p.id = :id", parameters(id=pixels_id)
    )
    return connection.pixels.retrieveRndSettingsFor(pixels_id, rows[0][0].val)


def read_extremes(connection: Connection, pixels_id: int) -> list[tuple[float, float] | None]:
    """Return the lowest and highest value of each channel, as noted; None where nothing is."""
    rows = connection.query.projection(
        "select s.globalMin, s.globalMax from Pixels p join p.channels c left outer join c.statsInfo s"
        " where p.id = :id order by index(c)",
        parameters(id=pixels_id),
    )
    return [None if low is None or high is None else (low.val, high.val) for low, high in rows]


def apply_extremes(
    connection: Connection, image_id: int, extremes: Sequence[tuple[float, float] | None]
) -> None:
    """Note the lowest and highest value of each channel; calling it again gives the same."""
    pixels_id = _pixels_of(connection, image_id)
    for channel, found in enumerate(extremes):
        if found is not None:
            connection.pixels.setChannelGlobalMinMax(pixels_id, channel, *found)


def apply_settings(connection: Connection, image_id: int, settings: Any) -> None:
    """Show an Image, which has as many channels, by settings of another; calling it again gives the same."""
    pixels_id = _pixels_of(connection, image_id)
    with rendering_engine(connection, pixels_id) as engine:
        engine.setDefaultZ(unwrap(settings.defaultZ))
        engine.setDefaultT(unwrap(settings.defaultT))
        engine.setModel(_of_value(engine.getAvailableModels(), settings.model))
        quantum = settings.quantization
        engine.setQuantumStrategy(unwrap(quantum.bitResolution))
        engine.setCodomainInterval(unwrap(quantum.cdStart), unwrap(quantum.cdEnd))
        families = engine.getAvailableFamilies()
        for c, channel in enumerate(settings.copyWaveRendering()):
            engine.setQuantizationMap(
                c,
                _of_value(families, channel.family),
                unwrap(channel.coefficient),
                unwrap(channel.noiseReduction),
            )
            engine.setChannelWindow(c, unwrap(channel.inputStart), unwrap(channel.inputEnd))
            colors = (channel.red, channel.green, channel.blue, channel.alpha)
            engine.setRGBA(c, *(unwrap(color) for color in colors))
            lookup_table = unwrap(channel.lookupTable)
            if lookup_table:
                engine.setChannelLookupTable(c, lookup_table)
            engine.setActive(c, unwrap(channel.active))
        engine.saveCurrentSettings()


def _pixels_of(connection: Connection, image_id: int) -> int:
    rows = connection.query.projection(
        "select p.id from Pixels p where p.image.id = :id", parameters(id=image_id)
    )
    return int(rows[0][0].val)


def _of_value(known: list[Any], wanted: Any) -> Any:
    """Return a server's own enumeration that has the value of another's."""
    return next(item for item in known if unwrap(item.value) == unwrap(wanted.value))
