"""How an image is shown before anyone has said otherwise."""

from collections.abc import Callable, Sequence

from omero_embedded.pixels.description import Channel, Colour, Description
from omero_embedded.pixels.repository import PixelsFile
from omero_embedded.pixels.statistics import extremes
from omero_embedded.rendering.settings import GREYSCALE, RGB, ChannelSettings, RenderingSettings

RED: Colour = (255, 0, 0, 255)
GREEN: Colour = (0, 255, 0, 255)
BLUE: Colour = (0, 0, 255, 255)
WHITE: Colour = (255, 255, 255, 255)

# Emission wavelengths in nm: blue up to this, green between, red from there on.
_BLUE_UP_TO = 500
_RED_FROM = 560

# So many channels are shown at first.
_ACTIVE = 3

Window = Callable[[int], tuple[float, float]]


def reset(settings: RenderingSettings, description: Description, window: Window) -> None:
    """Set settings back to the defaults for an image; their ids stay.

    Parameters
    ----------
    settings
        Changed in place; channels are added where there are too few.
    description
        Of the image.
    window
        Gives start and end of the window of a channel: `measured_window` or `known_window`.
    """
    _, _, size_z, _, _ = description.sizes
    count = len(description.channels)
    settings.z, settings.t = size_z // 2, 0
    settings.model = RGB if count > 1 else GREYSCALE
    settings.codomain, settings.bit_resolution = (0, 255), 255
    ids = [channel.id for channel in settings.channels[:count]]
    ids += [None] * (count - len(ids))
    colours = default_colours(description.channels)
    settings.channels = []
    for index, (channel, colour) in enumerate(zip(description.channels, colours, strict=True)):
        start, end = window(index)
        settings.channels.append(
            ChannelSettings(
                id=ids[index],
                active=index < _ACTIVE,
                start=start,
                end=end,
                rgba=colour,
                lookup_table=channel.lookup_table,
            )
        )


def default_colours(channels: Sequence[Channel]) -> list[Colour]:
    """Return the colour of each channel: as set, else by wavelength, else red, green, blue in turn.

    Where some channels have a wavelength, those without one and without a colour are white.
    """
    some_known = any(channel.wavelength is not None for channel in channels)
    turns = (RED, GREEN, BLUE)
    colours = []
    for index, channel in enumerate(channels):
        if channel.colour is not None:
            colours.append(channel.colour)
        elif channel.wavelength is not None:
            colours.append(_colour_of_light(channel.wavelength))
        else:
            colours.append(WHITE if some_known else turns[index % 3])
    return colours


def _colour_of_light(nanometres: float) -> Colour:
    if nanometres <= _BLUE_UP_TO:
        return BLUE
    return RED if nanometres >= _RED_FROM else GREEN


def known_window(description: Description) -> Window:
    """Return windows by the channels' statistics, or the range of the pixel type without them."""
    return description.extent


def measured_window(description: Description, pixels: PixelsFile) -> Window:
    """Return windows by the channels' statistics, or the extremes of the middle plane without them."""

    def window(c: int) -> tuple[float, float]:
        known = description.channels[c].extent
        return known or extremes(pixels.plane(description.sizes[2] // 2, c, 0))

    if pixels.resolution_levels > 1:
        pixels.set_resolution_level(0)
    return window
