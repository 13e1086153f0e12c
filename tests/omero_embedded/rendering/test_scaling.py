"""Pictures in another size."""

import numpy as np
import pytest
from PIL import Image

from omero_embedded.rendering.scaling import scaled


def ramp(width: int, height: int) -> Image.Image:
    values = np.arange(width)[None, :] * 3 + np.arange(height)[:, None]
    return Image.fromarray(np.stack([values, values // 2, 255 - values], -1).astype(np.uint8))


@pytest.mark.parametrize("size", [(96, 72), (30, 20), (64, 3)])
def test_a_plain_picture_stays_plain(size: tuple[int, int]) -> None:
    done = scaled(Image.new("RGB", (64, 48), (10, 200, 77)), *size)
    assert done.size == size
    assert (np.asarray(done) == (10, 200, 77)).all()


def test_scaling_leaves_at_least_three_pixels() -> None:
    assert scaled(Image.new("RGB", (10, 1000)), 0, 20).size == (3, 20)


def test_some_sizes_come_out_a_pixel_smaller_as_single_precision_has_it() -> None:
    assert scaled(Image.new("RGB", (37, 64)), 96, 48).size == (95, 48)


def test_a_picture_too_small_for_the_filter_is_drawn_value_by_value() -> None:
    two = Image.fromarray(np.array([[[0] * 3, [200] * 3]], np.uint8))
    done = np.asarray(scaled(two, 4, 3))[..., 0]
    assert done.tolist() == [[0, 0, 200, 200]] * 3


def test_a_ramp_is_moved_by_half_a_pixel_as_on_the_real_server() -> None:
    before, after = (
        np.asarray(i).astype(int) for i in (ramp(64, 40), scaled(ramp(64, 40), 64, 40))
    )
    inner = np.s_[4:-4, 4:-4]
    difference = after[inner] - before[inner]
    assert (np.abs(difference[..., 0] - 2) <= 1).all()  # half of 3 across and half of 1 down
    assert (np.abs(difference[..., 2] + 2) <= 1).all()
