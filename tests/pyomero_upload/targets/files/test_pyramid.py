"""Pyramid levels: how many, how large, of what."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pyomero_upload.model import Sizes
from pyomero_upload.targets.files.pyramid import chunk_side, default_levels, halve, level_sizes


@pytest.mark.parametrize(
    ("y", "x", "levels"),
    [(512, 512, 0), (100, 512, 0), (513, 100, 2), (1024, 1024, 3), (2048, 100, 4), (4096, 4096, 5)],
)
def test_images_over_512_get_levels_until_both_sides_are_under_256(y, x, levels):
    sizes = Sizes(1, 1, 1, y, x)
    assert default_levels(sizes) == levels
    if levels:
        assert (
            max(list(level_sizes(sizes, levels))[-1])
            < 256
            <= max(list(level_sizes(sizes, levels))[-2])
        )


def test_each_level_has_half_of_each_side_rounded_up():
    assert list(level_sizes(Sizes(1, 1, 1, 7, 10), 3)) == [(7, 10), (4, 5), (2, 3), (1, 2)]


@pytest.mark.parametrize(
    ("side", "chunk"), [(1, 1), (512, 512), (1024, 1024), (1025, 513), (2160, 720), (4096, 1024)]
)
def test_chunks_are_whole_sides_or_equal_parts_up_to_1024(side, chunk):
    assert chunk_side(side) == chunk


def test_a_level_is_the_mean_of_two_by_two_pixels_rounded_half_up():
    plane = np.array([[1, 2, 9], [2, 1, 9], [0, 1, 65535]], np.uint16)
    np.testing.assert_array_equal(halve(plane), np.array([[2, 9], [1, 65535]], np.uint16))


@given(
    st.sampled_from(["uint8", "int8", "uint16", "int16", "uint32", "int32"]).flatmap(
        lambda dtype: arrays(dtype, array_shapes(min_dims=2, max_dims=2, max_side=9))
    )
)
def test_no_level_leaves_the_range_of_its_pixels_or_changes_their_type(plane):
    half = halve(plane)
    assert half.dtype == plane.dtype
    assert half.shape == ((plane.shape[0] + 1) // 2, (plane.shape[1] + 1) // 2)
    assert plane.min() <= half.min() <= half.max() <= plane.max()


def test_floating_point_pixels_keep_their_fractions():
    np.testing.assert_array_equal(
        halve(np.array([[0, 1], [1, 1]], np.float32)), np.array([[0.75]], np.float32)
    )
