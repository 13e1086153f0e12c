"""Pixels and RenderingDefs as clients get them from IPixels: which of their references are loaded."""

from collections.abc import Iterable

from omero.model import IObject

from omero_embedded import tables
from omero_embedded.call import Call
from omero_embedded.loading import Loader
from omero_embedded.pixels.description import describe

_OF_LOGICAL_CHANNEL = (
    "photometricInterpretation",
    "illumination",
    "mode",
    "contrastMethod",
)


def load_pixels(call: Call, pixels_id: int) -> IObject | None:
    """Return Pixels with type, channels, logical channels and statistics; None where it may not be read."""
    if describe(call, pixels_id) is None:
        return None
    loader = Loader(call)
    pixels = [loader.object("Pixels", pixels_id)]
    loader.fetch(pixels, "pixelsType")
    channels = loader.fetch(pixels, "channels")
    loader.fetch(channels, "statsInfo")
    logical = loader.fetch(channels, "logicalChannel")
    for reference in _OF_LOGICAL_CHANNEL:
        loader.fetch(logical, reference)
    return pixels[0]


def load_settings(call: Call, ids: Iterable[int]) -> list[IObject]:
    """Return RenderingDefs with model, quantization, channel bindings, families and transformations."""
    loader = Loader(call)
    settings = list(loader.objects("RenderingDef", ids).values())
    for path in ("details.owner", "quantization", "model"):
        loader.fetch(settings, path)
    bindings = loader.fetch(settings, "waveRendering")
    loader.fetch(bindings, "family")
    loader.fetch(bindings, "spatialDomainEnhancement")
    loader.fetch(settings, "projections")
    return settings


def all_values(call: Call, cls: str) -> list[IObject]:
    """Return all values of an enumeration."""
    ids = call.db.scalars(tables.table(cls).select().with_only_columns(tables.table(cls).c.id))
    return list(Loader(call).objects(cls, ids).values())


def value_of(call: Call, cls: str, value: str) -> IObject | None:
    """Return the enumeration's value of that name, or None."""
    return next((v for v in all_values(call, cls) if v.value.val == value), None)
