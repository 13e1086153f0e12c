"""Setting images back to the defaults, or to their full range, and giving them the settings of another.

What RenderingEngine, RenderingSettings and ThumbnailStore have in common: find or make the client's
own settings for an image, change them, save them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from omero_embedded import errors, saving
from omero_embedded.call import Call
from omero_embedded.pixels.description import Description
from omero_embedded.pixels.errors import PixelsError
from omero_embedded.pixels.faults import as_omero
from omero_embedded.pixels.repository import PixelsFile, open_for_reading
from omero_embedded.rendering import defaults
from omero_embedded.rendering import settings as stored
from omero_embedded.rendering.settings import RenderingSettings

Change = Callable[[RenderingSettings], None]


def reset_without_saving(
    description: Description, pixels: PixelsFile, settings: RenderingSettings
) -> None:
    """Set settings back to the defaults, in memory."""
    defaults.reset(settings, description, defaults.measured_window(description, pixels))


def reset_and_save(call: Call, description: Description) -> int:
    """Set the client's own settings for an image back to the defaults, making them where missing.

    Returns
    -------
    int
        The id of the RenderingDef.

    Raises
    ------
    omero.LockTimeout
        If the image has no pixels yet.
    """
    with opened(call, description) as pixels:
        return _change(call, description, lambda s: reset_without_saving(description, pixels, s))


@contextmanager
def opened(call: Call, description: Description) -> Iterator[PixelsFile]:
    """Open the pixels of an image for as long as the block lasts.

    Raises
    ------
    omero.LockTimeout
        If the image has no pixels yet.
    """
    try:
        pixels = open_for_reading(call.server.folder, description)
        try:
            yield pixels
        finally:
            pixels.close()
    except PixelsError as error:
        raise as_omero(error) from error


def reset_to_known_range(call: Call, description: Description) -> int:
    """Set the client's own settings back to the defaults, with windows by the statistics alone."""
    window = defaults.known_window(description)
    return _change(call, description, lambda s: defaults.reset(s, description, window))


def widen_windows(call: Call, description: Description) -> int:
    """Set the windows to the channels' lowest and highest values; leave everything else as it is."""
    if stored.find(call, description.id, call.user_id) is None:
        made = reset_to_known_range(call, description)
        saving.change(call, "RenderingDef", made, version=2)
        return made

    def widen(settings: RenderingSettings) -> None:
        for c, channel in enumerate(settings.channels):
            channel.start, channel.end = description.extent(c)

    return _change(call, description, widen)


def apply(call: Call, source: RenderingSettings, description: Description) -> int:
    """Give an image the settings of another; the plane shown at first where there is such a plane."""

    def take_over(settings: RenderingSettings) -> None:
        ids = [channel.id for channel in settings.channels] or [None] * len(source.channels)
        _, _, size_z, _, size_t = description.sizes
        settings.z = source.z if source.z < size_z else settings.z
        settings.t = source.t if source.t < size_t else settings.t
        settings.model = source.model
        settings.codomain = source.codomain
        settings.bit_resolution = source.bit_resolution
        settings.channels = source.unsaved_copy().channels
        for channel, identifier in zip(settings.channels, ids, strict=True):
            channel.id = identifier

    return _change(call, description, take_over)


def _change(call: Call, description: Description, change: Change) -> int:
    """Change the client's own settings for an image and save them."""
    found = stored.find(call, description.id, call.user_id)
    settings = RenderingSettings() if found is None else stored.read(call, found)
    if not description.channels:
        raise errors.validation(f"Pixels {description.id} have no channels.")
    change(settings)
    return _version_one(call, stored.write(call, description, settings), new=found is None)


def _version_one(call: Call, settings_id: int, *, new: bool) -> int:
    """Give new settings the version 1, which the first reset leaves behind on the real server."""
    if new:
        saving.change(call, "RenderingDef", settings_id, version=1)
    return settings_id


def alike(one: Description, other: Description) -> bool:
    """Return whether pixel type, number of channels and emission wavelengths are the same."""
    if one.type_name != other.type_name or len(one.channels) != len(other.channels):
        return False
    known = [channel.emission for channel in one.channels]
    return all(channel.emission in known for channel in other.channels)
