"""What an image looks like before anyone has said otherwise."""

from pathlib import Path

import numpy as np
import pytest

from omero_embedded.pixels.description import Channel, Description
from omero_embedded.pixels.planes import PlaneFile
from omero_embedded.rendering.defaults import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    default_colours,
    known_window,
    measured_window,
    reset,
)
from omero_embedded.rendering.settings import ChannelSettings, RenderingSettings

Extent = tuple[float, float] | None


def channel(
    emission: float | None = None,
    excitation: float | None = None,
    colour: tuple[int, int, int, int] | None = None,
    extent: Extent = None,
) -> Channel:
    return Channel(1, None, extent, colour, None, emission, excitation)


def image(*channels: Channel, z: int = 1, t: int = 1) -> Description:
    sizes = (8, 6, z, len(channels), t)
    return Description(1, 1, 0, 0, 1, "uint16", None, sizes, "", False, channels)


def test_without_wavelengths_red_green_and_blue_take_turns() -> None:
    assert default_colours([channel()] * 4) == [RED, GREEN, BLUE, RED]


@pytest.mark.parametrize(
    ("nanometres", "colour"),
    [(300, BLUE), (500, BLUE), (501, GREEN), (559, GREEN), (560, RED), (800, RED)],
)
def test_colours_follow_the_emission_wavelength(
    nanometres: float, colour: tuple[int, int, int, int]
) -> None:
    assert default_colours([channel(nanometres)]) == [colour]


def test_lacking_that_they_follow_the_excitation_wavelength() -> None:
    assert default_colours([channel(None, 600), channel(None, 450)]) == [RED, BLUE]


def test_channels_without_emission_beside_one_with_it_are_white() -> None:
    assert default_colours([channel(520), channel(), channel(None, 450)]) == [GREEN, WHITE, WHITE]


def test_a_colour_that_was_set_wins_and_makes_no_other_white() -> None:
    own = (1, 2, 3, 255)
    assert default_colours([channel(520, colour=own), channel()]) == [own, GREEN]


@pytest.mark.parametrize(
    ("count", "model"), [(1, "greyscale"), (2, "rgb"), (7, "rgb"), (8, "greyscale")]
)
def test_one_channel_and_more_than_seven_are_grey(count: int, model: str) -> None:
    settings = RenderingSettings()
    description = image(*[channel()] * count)
    reset(settings, description, known_window(description))
    assert settings.model == model
    assert [c.active for c in settings.channels] == [i < 3 for i in range(count)]


def test_the_middle_section_and_the_first_time_point_are_shown_and_ids_stay() -> None:
    settings = RenderingSettings(id=5, channels=[ChannelSettings(id=7, reverse=True)])
    description = image(channel(), channel(), z=5, t=4)
    reset(settings, description, known_window(description))
    assert (settings.z, settings.t, settings.id) == (2, 0, 5)
    assert [c.id for c in settings.channels] == [7, None]
    assert not settings.channels[0].reverse


def test_windows_by_statistics_or_by_type() -> None:
    description = image(channel(extent=(3.0, 200.0)), channel(), channel(extent=(7.0, 7.0)))
    window = known_window(description)
    assert [window(c) for c in range(3)] == [(3.0, 200.0), (0.0, 65535.0), (0.0, 65535.0)]


def test_windows_by_the_middle_plane_where_there_are_no_statistics(tmp_path: Path) -> None:
    description = image(channel(), z=4, t=3)
    file = PlaneFile(tmp_path / "1", description.dimensions)
    middle = np.arange(10, 58, dtype=">u2")
    file.write(description.dimensions.plane_offset(1, 0, 1), middle.tobytes())
    assert measured_window(description, file)(0) == (10.0, 57.0)


def test_the_first_channel_decides_whether_there_are_statistics(tmp_path: Path) -> None:
    description = image(channel(extent=(1.0, 2.0)), channel())
    file = PlaneFile(tmp_path / "1", description.dimensions)
    assert measured_window(description, file)(1) == (0.0, 65535.0)
