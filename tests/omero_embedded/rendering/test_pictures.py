"""Quantizing and composing: pictures of an 8×6 ramp, equal to the last bit to a real server's."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omero_embedded.pixels.types import pixel_type
from omero_embedded.rendering.composition import (
    ColourError,
    Layer,
    colour_bands,
    colour_picture,
    grey_bands,
    grey_picture,
    may_paint_primaries,
)
from omero_embedded.rendering.projection import MAXIMUM, MEAN, SUM, project
from omero_embedded.rendering.quantum import Quantum

UINT16 = pixel_type("uint16")
WHITE = (255, 255, 255, 255)
RED, GREEN = (255, 0, 0, 255), (0, 255, 0, 255)


def ramp(z: int, c: int) -> np.ndarray:
    return (np.arange(48).reshape(6, 8) * 3 + z * 5 + c * 7) % 120


def levels(
    values: np.ndarray, window: tuple[float, float] = (0.0, 119.0), **more: Any
) -> np.ndarray:
    return Quantum(UINT16, None, (0, 65535), window, **more)(values)


def painted(*layers: Layer) -> np.ndarray:
    opaque = all(layer.rgba[3] == 255 for layer in layers)
    return colour_picture(layers, (6, 8), primaries=may_paint_primaries(layers), opaque=opaque)


def one(rgba: tuple[int, int, int, int] = WHITE, **more: Any) -> np.ndarray:
    return painted(Layer(levels(ramp(0, 0), **more), rgba))


def two(first: tuple[int, int, int, int], second: tuple[int, int, int, int]) -> np.ndarray:
    return painted(Layer(levels(ramp(0, 0)), first), Layer(levels(ramp(0, 1)), second))


def projected(algorithm: int) -> np.ndarray:
    layers = []
    for c, colour in ((0, RED), (1, GREEN)):
        stack = np.stack([ramp(z, c) for z in range(3)])
        plane = project(stack, algorithm, stepping=1, start=0, end=2, target=UINT16)
        window = (float(stack[1].min()), float(stack[1].max()))
        layers.append(Layer(levels(plane, window), colour))
    return painted(*layers)


PICTURES: dict[str, Callable[[], np.ndarray]] = {
    "linear": one,
    "linear 1.0": lambda: one(family="linear", coefficient=1.0),
    "window": lambda: one(window=(20.0, 60.0)),
    "narrow window": lambda: one(window=(50.0, 51.0)),
    "equal window": lambda: one(window=(50.0, 50.0)),
    "colour": lambda: one((255, 100, 0, 255)),
    "alpha": lambda: one((255, 255, 255, 128)),
    "two channels": lambda: two(RED, GREEN),
    "two channels overlap": lambda: two((200, 200, 0, 255), (0, 200, 200, 255)),
    "greyscale model": lambda: grey_picture([Layer(levels(ramp(0, 0)), RED)], (6, 8)),
    "polynomial 2.0": lambda: one(family="polynomial", coefficient=2.0),
    "polynomial 0.5": lambda: one(family="polynomial", coefficient=0.5),
    "logarithmic 1.0": lambda: one(family="logarithmic"),
    "exponential 0.3": lambda: one(family="exponential", coefficient=0.3),
    "noise reduction": lambda: one(noise_reduction=True),
    "codomain interval": lambda: one(codomain=(50, 200)),
    "8 bit to 4": lambda: one(bit_resolution=15),
    "nothing active": painted,
    "projection max": lambda: projected(MAXIMUM),
    "projection mean": lambda: projected(MEAN),
    "projection sum": lambda: projected(SUM),
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_picture_is_that_of_a_real_server(shared: Path, name: str) -> None:
    answers = (shared / "conformance" / "real-server.json").read_text(encoding="utf-8")
    seen = json.loads(answers)["pictures"][name]
    assert [v & 0xFFFFFF for v in PICTURES[name]().reshape(-1).tolist()] == seen


def test_colour_pictures_are_opaque_and_grey_ones_as_opaque_as_the_channel() -> None:
    assert set(one((9, 9, 9, 255)).reshape(-1).view(np.uint32) >> 24) == {255}
    grey = grey_picture([Layer(np.zeros((6, 8), np.uint8), (0, 0, 0, 128))], (6, 8))
    assert set(grey.reshape(-1).view(np.uint32) >> 24) == {128}


def test_pure_colours_are_painted_as_they_are_only_if_all_differ_and_have_no_table() -> None:
    nothing = np.zeros((0, 0), np.uint8)
    red, green = Layer(nothing, RED), Layer(nothing, GREEN)
    assert may_paint_primaries([red, green])
    assert not may_paint_primaries([red, red])
    assert not may_paint_primaries([red, Layer(nothing, (255, 255, 0, 255))])
    assert not may_paint_primaries([Layer(nothing, RED, np.zeros((256, 3), np.uint8))])


def test_a_lookup_table_takes_the_place_of_the_colour_and_adds_up_to_white() -> None:
    table = np.zeros((256, 3), np.uint8)
    table[100] = (200, 10, 0)
    layer = Layer(np.full((1, 1), 100, np.uint8), RED, table)
    picture = colour_picture([layer, layer], (1, 1), primaries=False, opaque=True)
    assert hex(picture.view(np.uint32)[0, 0]) == "0xffff1400"


def test_bands_of_one_channel_are_its_colour_by_its_levels() -> None:
    layer = Layer(np.array([[0, 51, 255]], np.uint8), (255, 100, 0, 255))
    red, green, blue = colour_bands([layer], (1, 3))
    assert red.tolist() == [[0, 51, 255]]
    assert green.tolist() == [[0, 20, 100]]
    assert blue.tolist() == [[0, 0, 0]]
    grey = grey_bands([layer], (1, 3))
    assert all(band.tolist() == [[0, 51, 255]] for band in grey)


# ------------------------------------------------------------ other pixel types
def test_signed_values_are_looked_up_by_their_own_range() -> None:
    quantum = Quantum(pixel_type("int8"), None, (-128, 127), (-128.0, 127.0))
    assert quantum(np.array([-128, 0, 127], np.int8)).tolist() == [0, 128, 255]


def test_a_window_beyond_the_type_is_cut_to_it() -> None:
    quantum = Quantum(pixel_type("uint8"), None, (0, 255), (0.0, 1000.0))
    assert quantum(np.array([0, 255], np.uint8)).tolist() == [0, 255]


def test_values_above_the_significant_bits_are_brightest() -> None:
    quantum = Quantum(UINT16, 12, (0, 4095), (0.0, 4095.0))
    assert quantum(np.array([0, 4095, 5000])).tolist() == [0, 255, 255]


def test_floating_point_values_go_to_the_middle_of_the_step_below() -> None:
    quantum = Quantum(pixel_type("float"), None, (-(2.0**31), 2.0**31 - 1), (0.0, 256.0))
    # Steps of 1: 0 becomes 0.5, 1 becomes 0.5, 100 becomes 99.5; outside, the ends.
    assert quantum(np.array([-5.0, 0.0, 1.0, 100.0, 256.0, 999.0])).tolist() == [
        0,
        0,
        0,
        99,
        255,
        255,
    ]


def test_curves_that_leave_the_numbers_are_dark() -> None:
    quantum = Quantum(UINT16, None, (0, 65535), (0.0, 119.0), "exponential", 2.0)
    assert set(np.unique(quantum(ramp(0, 0)))) <= {0, 255}


@pytest.mark.parametrize(
    "wrong", [{"coefficient": 0.0}, {"family": "cubic"}, {"bit_resolution": 100}]
)
def test_settings_that_map_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Unsupported"):
        Quantum(UINT16, None, (0, 1), (0.0, 1.0), **wrong)


def test_a_colour_that_is_pure_no_more_cannot_be_painted_as_one() -> None:
    layer = Layer(np.zeros((1, 1), np.uint8), (128, 0, 0, 128))
    with pytest.raises(ColourError, match="Unable to find color component offset"):
        colour_picture([layer], (1, 1), primaries=True, opaque=False)


def test_pure_colours_that_became_alike_are_laid_over_each_other_bit_by_bit() -> None:
    first, second = (Layer(np.full((1, 1), v, np.uint8), RED) for v in (0x0F, 0x81))
    picture = colour_picture([first, second], (1, 1), primaries=True, opaque=False)
    assert hex(picture.view(np.uint32)[0, 0]) == "0xff8f0000"


def test_what_is_no_number_lies_in_the_first_step_of_the_window() -> None:
    kind, values = pixel_type("float"), np.array([np.nan, -1.0, 20.0], ">f4")
    assert Quantum(kind, None, (0.0, 1.0), (10.0, 20.0))(values).tolist() == [0, 0, 255]
    flat = Quantum(kind, None, (0.0, 1.0), (1.0, 1.0), codomain=(50, 200))
    assert flat(values)[0] == flat(np.array([1.0], ">f4"))[0] == 50
