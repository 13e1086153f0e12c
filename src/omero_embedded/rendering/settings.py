"""What a RenderingDef says: how the channels of an image become a picture, for one user.

Plain values for the renderer, and their way from and to the rows of RenderingDef, QuantumDef,
ChannelBinding and CodomainMapContext.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import delete, select

from omero_embedded import errors, permissions, saving, tables
from omero_embedded.call import Call
from omero_embedded.pixels.description import Description

GREYSCALE, RGB = "greyscale", "rgb"


@dataclass
class ChannelSettings:
    """How one channel is shown: the values of a ChannelBinding.

    Parameters
    ----------
    id
        Of the ChannelBinding; None before it is saved.
    active
        Whether it is part of the picture.
    start, end
        The window: pixel values that become darkest and brightest.
    family, coefficient, noise_reduction
        The curve between them; see `quantum.Quantum`.
    rgba
        Colour and opacity.
    lookup_table
        Name of the table that takes the colour's place, or None.
    reverse
        Whether dark and bright are exchanged.
    """

    id: int | None = None
    active: bool = True
    start: float = 0.0
    end: float = 1.0
    family: str = "linear"
    coefficient: float = 1.0
    noise_reduction: bool = False
    rgba: tuple[int, int, int, int] = (255, 0, 0, 255)
    lookup_table: str | None = None
    reverse: bool = False


@dataclass
class RenderingSettings:
    """How an image is shown: the values of a RenderingDef.

    Parameters
    ----------
    id, quantum_id
        Of the RenderingDef and its QuantumDef; None before they are saved.
    owner
        Id of the user whose settings these are; None before they are saved.
    pixels
        Id of the Pixels they were saved for; 0 before.
    model
        `GREYSCALE` or `RGB`.
    z, t
        The plane shown at first.
    codomain, bit_resolution
        Grey levels used; see `quantum.Quantum`.
    name, compression
        As the client set them.
    channels
        In the order of the image's channels.
    """

    id: int | None = None
    quantum_id: int | None = None
    owner: int | None = None
    pixels: int = 0
    model: str = RGB
    z: int = 0
    t: int = 0
    codomain: tuple[int, int] = (0, 255)
    bit_resolution: int = 255
    name: str | None = None
    compression: float | None = None
    channels: list[ChannelSettings] = field(default_factory=list)

    def unsaved_copy(self) -> "RenderingSettings":
        """Return the same settings without ids, to be saved as new ones."""
        channels = [replace(channel, id=None) for channel in self.channels]
        return replace(self, id=None, quantum_id=None, owner=None, channels=channels)


def find(call: Call, pixels_id: int, user_id: int | None = None) -> int | None:
    """Return the id of the newest settings of a user for an image.

    Parameters
    ----------
    call
        Who asks.
    pixels_id
        Of the Pixels.
    user_id
        Whose settings. None: those of who asks, or else those of the image's owner.
    """
    if user_id is None:
        own = find(call, pixels_id, call.user_id)
        if own is not None:
            return own
        pixels = tables.table("Pixels")
        owner = call.db.scalar(select(pixels.c.details_owner).where(pixels.c.id == pixels_id))
        return None if owner in (None, call.user_id) else find(call, pixels_id, owner)
    ids = find_all(call, pixels_id, user_id)
    return ids[0] if ids else None


def find_all(call: Call, pixels_id: int, user_id: int | None) -> list[int]:
    """Return the ids of the settings for an image, newest first: of one user, or of all where None."""
    table = tables.table("RenderingDef")
    query = select(table.c.id).where(table.c.pixels == pixels_id)
    if user_id is not None:
        query = query.where(table.c.details_owner == user_id)
    condition = permissions.readable(call, "RenderingDef", table)
    if condition is not None:
        query = query.where(condition)
    newest_first = (table.c.details_updateEvent.desc(), table.c.id.desc())
    return list(call.db.scalars(query.order_by(*newest_first)))


def exists(call: Call, settings_id: int) -> bool:
    """Whether there are settings with that id that may be read."""
    table = tables.table("RenderingDef")
    query = select(table.c.id).where(table.c.id == settings_id)
    condition = permissions.readable(call, "RenderingDef", table)
    if condition is not None:
        query = query.where(condition)
    return call.db.execute(query).first() is not None


def read(call: Call, settings_id: int) -> RenderingSettings:
    """Return the settings with that id, which must exist."""
    table, quantum = tables.table("RenderingDef"), tables.table("QuantumDef")
    models = tables.table("RenderingModel")
    row = call.db.execute(
        select(
            table,
            models.c.value.label("model_name"),
            quantum.c.cdStart,
            quantum.c.cdEnd,
            quantum.c.bitResolution,
        )
        .join(models, models.c.id == table.c.model)
        .join(quantum, quantum.c.id == table.c.quantization)
        .where(table.c.id == settings_id)
    ).one()
    return RenderingSettings(
        id=row.id,
        quantum_id=row.quantization,
        owner=row.details_owner,
        pixels=row.pixels,
        model=row.model_name,
        z=row.defaultZ,
        t=row.defaultT,
        codomain=(row.cdStart, row.cdEnd),
        bit_resolution=row.bitResolution,
        name=row.name,
        compression=row.compression,
        channels=_read_channels(call, settings_id),
    )


def _read_channels(call: Call, settings_id: int) -> list[ChannelSettings]:
    table, families = tables.table("ChannelBinding"), tables.table("Family")
    contexts = tables.table("CodomainMapContext")
    reversed_ones = select(contexts.c.channelBinding).where(
        contexts.c["class"] == "ReverseIntensityContext"
    )
    rows = call.db.execute(
        select(
            table,
            families.c.value.label("family_name"),
            table.c.id.in_(reversed_ones).label("reversed"),
        )
        .join(families, families.c.id == table.c.family)
        .where(table.c.renderingDef == settings_id)
        .order_by(table.c.renderingDef_index, table.c.id)
    )
    return [
        ChannelSettings(
            id=row.id,
            active=row.active,
            start=row.inputStart,
            end=row.inputEnd,
            family=row.family_name,
            coefficient=row.coefficient,
            noise_reduction=row.noiseReduction,
            rgba=(row.red, row.green, row.blue, row.alpha),
            lookup_table=row.lookupTable,
            reverse=bool(row.reversed),
        )
        for row in rows
    ]


def write(call: Call, description: Description, settings: RenderingSettings) -> int:
    """Save settings; those without id become new ones of who asks.

    Parameters
    ----------
    call
        A writing call.
    description
        Of the image they are for; new ones belong to its group.
    settings
        Their ids are filled in.

    Returns
    -------
    int
        The id of the RenderingDef. Its version is 0 where it is new, and rises by one with each save.

    Raises
    ------
    omero.SecurityViolation
        If who asks may not have settings of an image, or may not change somebody's.
    """
    group = description.group
    _check_allowed(call, description, settings)
    values = _definition_values(call, settings)
    if settings.quantum_id is None or settings.id is None:
        quantum = _quantum_values(settings)
        settings.quantum_id = saving.insert(call, "QuantumDef", group=group, **quantum)
        settings.id = saving.insert(
            call,
            "RenderingDef",
            group=group,
            pixels=description.id,
            quantization=settings.quantum_id,
            **values,
        )
        settings.owner = call.user_id
    else:
        saving.change(call, "QuantumDef", settings.quantum_id, **_quantum_values(settings))
        version = tables.table("RenderingDef").c.version + 1
        saving.change(call, "RenderingDef", settings.id, version=version, **values)
    for index, channel in enumerate(settings.channels):
        _write_channel(call, settings.id, group, index, channel)
    return settings.id


def _check_allowed(call: Call, description: Description, settings: RenderingSettings) -> None:
    """Refuse new settings to those who may not annotate the image, changes to those who may not edit."""
    group = description.group
    if settings.id is None and not permissions.rights(call, description.owner, group).annotate:
        kind = permissions.flags(call, "Pixels", description.owner, group)
        raise errors.security(
            f"Group is {kind}. Cannot link to object: ome.model.core.Pixels:Id_{description.id}"
        )
    owner = call.user_id if settings.owner is None else settings.owner
    if settings.id is not None and not permissions.rights(call, owner, group).edit:
        raise errors.security(
            f"Updating ome.model.display.RenderingDef:Id_{settings.id} not allowed."
        )


def _write_channel(
    call: Call, settings_id: int, group: int, index: int, channel: ChannelSettings
) -> None:
    red, green, blue, alpha = channel.rgba
    values: dict[str, Any] = {
        "family": enumeration_id(call, "Family", channel.family),
        "coefficient": channel.coefficient,
        "inputStart": channel.start,
        "inputEnd": channel.end,
        "active": channel.active,
        "noiseReduction": channel.noise_reduction,
        "red": red,
        "green": green,
        "blue": blue,
        "alpha": alpha,
        "lookupTable": channel.lookup_table,
    }
    contexts = tables.table("CodomainMapContext")
    if channel.id is None:
        channel.id = saving.insert(
            call,
            "ChannelBinding",
            group=group,
            renderingDef=settings_id,
            renderingDef_index=index,
            **values,
        )
        there = False
    else:
        saving.change(call, "ChannelBinding", channel.id, **values)
        query = select(contexts.c.id).where(contexts.c.channelBinding == channel.id)
        there = call.db.execute(query).first() is not None
    if channel.reverse and not there:
        saving.insert(
            call,
            "ReverseIntensityContext",
            group=group,
            channelBinding=channel.id,
            channelBinding_index=0,
            reverse=True,
        )
    elif there and not channel.reverse:
        call.db.execute(delete(contexts).where(contexts.c.channelBinding == channel.id))


def reversals(call: Call, channel: ChannelSettings) -> list[int]:
    """Return the ids of the reversals that are saved for a channel."""
    contexts = tables.table("CodomainMapContext")
    query = select(contexts.c.id).where(contexts.c.channelBinding == channel.id)
    return list(call.db.scalars(query.where(contexts.c["class"] == "ReverseIntensityContext")))


def enumeration_id(call: Call, cls: str, value: str) -> int:
    """Return the id of an enumeration's value, which must exist."""
    table = tables.table(cls)
    found: int = call.db.execute(select(table.c.id).where(table.c.value == value)).scalar_one()
    return found


def _quantum_values(settings: RenderingSettings) -> dict[str, Any]:
    start, end = settings.codomain
    return {"cdStart": start, "cdEnd": end, "bitResolution": settings.bit_resolution}


def _definition_values(call: Call, settings: RenderingSettings) -> dict[str, Any]:
    return {
        "model": enumeration_id(call, "RenderingModel", settings.model),
        "defaultZ": settings.z,
        "defaultT": settings.t,
        "name": settings.name,
        "compression": settings.compression,
    }
