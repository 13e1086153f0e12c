"""How an image is shown before anyone has said otherwise."""

from collections.abc import Callable, Sequence

from omero_embedded.pixels.description import Channel, Colour, Description
from omero_embedded.pixels.pyramid import requires_pyramid
from omero_embedded.pixels.repository import PixelsFile
from omero_embedded.pixels.statistics import extremes_within
from omero_embedded.pixels.types import pixel_type
from omero_embedded.rendering.settings import GREYSCALE, RGB, ChannelSettings, RenderingSettings

RED: Colour = (255, 0, 0, 255)
GREEN: Colour = (0, 255, 0, 255)
BLUE: Colour = (0, 0, 255, 255)
WHITE: Colour = (255, 255, 255, 255)

# Emission wavelengths in nm: blue up to this, green between, red from there on.
_BLUE_UP_TO = 500
_RED_FROM = 560

# So many channels are shown at first; images with so many channels are shown in grey.
_ACTIVE = 3
_GREY_FROM = 8

# Values closer than this are one.
_SAME = 1e-5

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
    settings.model = RGB if 1 < count < _GREY_FROM else GREYSCALE
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

    Where some of the channels without a set colour have an emission wavelength, the others of them
    are white, even if their excitation wavelength is known.
    """
    some_emit = any(channel.colour is None and channel.emission is not None for channel in channels)
    turns = (RED, GREEN, BLUE)
    colours = []
    for index, channel in enumerate(channels):
        if channel.colour is not None:
            colours.append(channel.colour)
        elif channel.emission is not None:
            colours.append(_colour_of_light(channel.emission))
        elif some_emit:
            colours.append(WHITE)
        elif channel.excitation is not None:
            colours.append(_colour_of_light(channel.excitation))
        else:
            colours.append(turns[index % 3])
    return colours


def _colour_of_light(nanometres: float) -> Colour:
    if nanometres <= _BLUE_UP_TO:
        return BLUE
    return RED if nanometres >= _RED_FROM else GREEN


def known_window(description: Description) -> Window:
    """Return windows by the channels' statistics, or the range of the pixel type without them.

    The range of the type also stands in for statistics that say that all values are the same.
    """
    whole = pixel_type(description.type_name).value_range(description.significant_bits)

    def window(c: int) -> tuple[float, float]:
        low, high = description.extent(c)
        return whole if abs(low - high) < _SAME else (low, high)

    return window


def measured_window(description: Description, pixels: PixelsFile) -> Window:
    """Return windows by the channels' statistics, or the extremes of the middle plane without them.

    Whether there are statistics is decided by the first channel for all, and big images are not
    looked at, as on the real server.
    """
    d = pixels.dimensions
    if description.channels[0].extent is not None or requires_pyramid(d):
        return known_window(description)
    return lambda c: extremes_within(
        pixels.plane((d.z - 1) // 2, c, (d.t - 1) // 2), d.type, description.significant_bits
    )
