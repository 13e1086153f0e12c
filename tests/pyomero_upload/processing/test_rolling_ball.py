"""Subtracting an uneven background."""

import numpy as np
import pytest

from pyomero_upload.model import Channel, Hypercube, Sizes
from pyomero_upload.processing import load_processor
from pyomero_upload.processing.rolling_ball import RollingBall

IMAGE = Hypercube("pos1", Sizes(1, 1, 1, 90, 120), "uint16", (Channel("GFP"),), {})


def slope(height=90, width=120):
    y, x = np.mgrid[:height, :width]
    return 1000 + 3.0 * y + 2.0 * x


def spots(image):
    image = image.copy()
    for y, x in ((20, 30), (60, 90), (45, 60)):
        image[y - 2 : y + 3, x - 2 : x + 3] += 500
    return image


@pytest.mark.parametrize("dtype", ["uint16", "int32", "float32"])
def test_a_slope_goes_and_small_spots_stay(dtype):
    result = load_processor("rolling-ball").process(
        spots(slope()).astype(dtype)[None], 0, 0, IMAGE
    )[0]
    assert result.dtype == dtype
    assert result.min() >= 0
    inner = result[10:-10, 10:-10]
    assert np.median(inner) < 40
    for y, x in ((20, 30), (60, 90), (45, 60)):
        assert 480 <= result[y, x] <= 560


def test_a_flat_image_becomes_nothing():
    flat = np.full((1, 33, 47), 700, np.uint16)
    assert not load_processor("rolling-ball").process(flat, 0, 0, IMAGE).any()


def test_without_shrinking_the_background_is_the_opening_by_the_ball():
    image = np.random.default_rng(1).integers(0, 50, (20, 25)).astype(float)
    ball = RollingBall(radius=3)
    reach = range(-3, 4)
    heights = {
        (i, j): np.sqrt(9 - i * i - j * j) - 3 for i in reach for j in reach if i * i + j * j <= 9
    }

    def at(array, y, x, outside):
        inside = 0 <= y < array.shape[0] and 0 <= x < array.shape[1]
        return array[y, x] if inside else outside

    lowered = np.array(
        [
            [
                min(at(image, y + i, x + j, np.inf) - h for (i, j), h in heights.items())
                for x in range(25)
            ]
            for y in range(20)
        ]
    )
    raised = np.array(
        [
            [
                max(at(lowered, y - i, x - j, -np.inf) + h for (i, j), h in heights.items())
                for x in range(25)
            ]
            for y in range(20)
        ]
    )
    np.testing.assert_allclose(ball.background(image), raised)


def test_an_image_smaller_than_the_ball_works():
    result = load_processor("rolling-ball").process(np.array([[[3, 9]]], np.uint8), 0, 0, IMAGE)
    assert result.shape == (1, 1, 2)


def test_sizes_type_and_missing_planes_stay():
    made = load_processor("rolling-ball").describe(IMAGE)
    assert (made.sizes, made.dtype, made.planes) == (IMAGE.sizes, "uint16", {})
