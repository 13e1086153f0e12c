"""Lookup tables by name."""

import numpy as np
import pytest

from omero_embedded.rendering.lookup_tables import lookup_table


@pytest.mark.parametrize(
    ("name", "middle"),
    [
        ("grays.lut", (128, 128, 128)),
        ("red.lut", (128, 0, 0)),
        ("cyan.lut", (0, 128, 128)),
        ("magenta.lut", (128, 0, 128)),
        ("3-3-2_rgb.lut", (128, 0, 0)),
        ("hilo.lut", (128, 128, 128)),
    ],
)
def test_the_colour_in_the_middle(name: str, middle: tuple[int, int, int]) -> None:
    table = lookup_table(name)
    assert table is not None
    assert tuple(table[128].tolist()) == middle


def test_hilo_shows_what_is_too_dark_and_too_bright() -> None:
    table = lookup_table("hilo.lut")
    assert table is not None
    assert table[[0, 255]].tolist() == [[0, 0, 255], [255, 0, 0]]


def test_fire_goes_through_its_control_points() -> None:
    table = lookup_table("fire.lut")
    assert table is not None
    assert table[[0, 8, 128, 248]].tolist() == [
        [0, 0, 0],
        [0, 0, 61],
        [240, 79, 0],
        [255, 255, 255],
    ]


@pytest.mark.parametrize("name", ["spectrum.lut", "red-green.lut", "ice.lut", "yellow.lut"])
def test_each_has_256_colours(name: str) -> None:
    table = lookup_table(name)
    assert table is not None
    assert table.shape == (256, 3)
    assert table.dtype == np.uint8


def test_an_unknown_name_is_no_table() -> None:
    assert lookup_table("nonsense.lut") is None
