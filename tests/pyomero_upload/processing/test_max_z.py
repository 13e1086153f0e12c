"""The maximum projection along z."""

from datetime import datetime, timezone

import numpy as np

from pyomero_upload.model import (
    Channel,
    Hypercube,
    PlaneIndex,
    PlaneInfo,
    PlaneSource,
    Point,
    Sizes,
)
from pyomero_upload.processing import load_processor

IMAGE = Hypercube(
    "pos1",
    Sizes(1, 1, 3, 2, 2),
    "uint16",
    (Channel("GFP"),),
    {PlaneIndex(0, 0, z): PlaneSource(f"{z}.png") for z in range(3)},
    physical_size_um=Point(0.2, 0.2, 0.6),
    stage=Point(1.0, 2.0, 3.0),
    plane_infos={
        PlaneIndex(0, 0, z): PlaneInfo(
            datetime(2026, 1, 1, 0, 0, z, tzinfo=timezone.utc),
            delta_t_s=float(z),
            stage=Point(1.0, 2.0, 3.0 + z),
        )
        for z in range(3)
    },
)


def test_each_pixel_is_the_brightest_of_its_column():
    stack = np.array([[[1, 9], [3, 0]], [[5, 2], [3, 0]], [[4, 4], [2, 7]]], np.uint16)
    result = load_processor("max-z").process(stack, 0, 0, IMAGE)
    np.testing.assert_array_equal(result, np.array([[[5, 9], [3, 7]]], np.uint16))
    assert result.dtype == np.uint16


def test_the_image_has_one_section_the_times_of_the_first_and_no_heights():
    made = load_processor("max-z").describe(IMAGE)
    assert made.sizes == Sizes(1, 1, 1, 2, 2)
    assert made.planes == {}
    assert made.physical_size_um == Point(0.2, 0.2, None)
    assert made.stage == Point(1.0, 2.0, None)
    assert made.plane_infos == {
        PlaneIndex(0, 0, 0): PlaneInfo(
            datetime(2026, 1, 1, tzinfo=timezone.utc), delta_t_s=0.0, stage=Point(1.0, 2.0, None)
        )
    }
