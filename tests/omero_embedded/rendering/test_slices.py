"""Planes through an image along three axes, regions and strides."""

from pathlib import Path

import numpy as np
import pytest

from omero_embedded.pixels.dimensions import Dimensions
from omero_embedded.pixels.errors import BeyondPlaneError
from omero_embedded.pixels.planes import PlaneFile
from omero_embedded.pixels.types import pixel_type
from omero_embedded.rendering.slices import XY, XZ, ZY, KindError, Slice, SliceError, values

SIZES = Dimensions(6, 4, 3, 2, 1, pixel_type("uint16"))
IMAGE = np.arange(6 * 4 * 3 * 2).reshape(1, 2, 3, 4, 6)


@pytest.fixture
def pixels(tmp_path: Path) -> PlaneFile:
    file = PlaneFile(tmp_path / "1", SIZES)
    file.write(0, IMAGE.astype(">u2").tobytes())
    return file


def test_an_xy_plane(pixels: PlaneFile) -> None:
    assert (values(pixels, SIZES, Slice(XY, 0, 0, 2, 0), 1) == IMAGE[0, 1, 2]).all()


def test_an_xz_plane_has_a_row_for_each_section(pixels: PlaneFile) -> None:
    assert (values(pixels, SIZES, Slice(XZ, 0, 3, 0, 0), 1) == IMAGE[0, 1, :, 3, :]).all()


def test_a_zy_plane_has_a_column_for_each_section(pixels: PlaneFile) -> None:
    assert (values(pixels, SIZES, Slice(ZY, 5, 0, 0, 0), 0) == IMAGE[0, 0, :, :, 5].T).all()


def test_a_region_is_cut_to_the_plane(pixels: PlaneFile) -> None:
    cut = Slice(XY, 0, 0, 1, 0, (4, 2, 10, 10)).within(6, 4)
    assert (values(pixels, SIZES, cut, 0) == IMAGE[0, 0, 1, 2:, 4:]).all()


@pytest.mark.parametrize("region", [(-1, 0, 2, 2), (6, 0, 2, 2), (0, 0, 0, 2), (0, 0, 2, -1)])
def test_a_region_with_nothing_in_it_is_refused(region: tuple[int, int, int, int]) -> None:
    with pytest.raises(SliceError, match="Invalid region"):
        Slice(XY, 0, 0, 0, 0, region).within(6, 4)


def test_a_stride_takes_every_second_value(pixels: PlaneFile) -> None:
    picked = values(pixels, SIZES, Slice(XY, 0, 0, 0, 0, None, 1), 0)
    assert (picked == IMAGE[0, 0, 0, ::2, ::2]).all()


def test_planes_that_are_not_there_are_refused(pixels: PlaneFile) -> None:
    for cut in (Slice(XY, 0, 0, 3, 0), Slice(XZ, 0, 0, 0, 1)):
        with pytest.raises(SliceError):
            values(pixels, SIZES, cut, 0)
    for cut in (Slice(XZ, 0, 4, 0, 0), Slice(ZY, 6, 0, 0, 0)):
        with pytest.raises(BeyondPlaneError):
            values(pixels, SIZES, cut, 0)
    with pytest.raises(KindError):
        values(pixels, SIZES, Slice(7, 0, 0, 0, 0), 0)
