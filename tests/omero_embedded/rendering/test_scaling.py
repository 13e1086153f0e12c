"""Pictures in another size."""

import numpy as np
import pytest
from PIL import Image

from omero_embedded.rendering.scaling import scaled


def ramp(width: int, height: int) -> Image.Image:
    values = np.arange(width)[None, :] * 3 + np.arange(height)[:, None]
    return Image.fromarray(np.stack([values, values // 2, 255 - values], -1).astype(np.uint8))


@pytest.mark.parametrize("size", [(96, 72), (30, 20), (64, 1)])
def test_a_plain_picture_stays_plain(size: tuple[int, int]) -> None:
    done = scaled(Image.new("RGB", (64, 48), (10, 200, 77)), *size)
    assert done.size == size
    assert (np.asarray(done) == (10, 200, 77)).all()


def test_scaling_leaves_at_least_one_pixel() -> None:
    assert scaled(Image.new("RGB", (10, 1000)), 0, 20).size == (1, 20)


def test_a_ramp_is_moved_by_half_a_pixel_as_on_the_real_server() -> None:
    before, after = (
        np.asarray(i).astype(int) for i in (ramp(64, 40), scaled(ramp(64, 40), 64, 40))
    )
    inner = np.s_[4:-4, 4:-4]
    difference = after[inner] - before[inner]
    assert (np.abs(difference[..., 0] - 2) <= 1).all()  # half of 3 across and half of 1 down
    assert (np.abs(difference[..., 2] + 2) <= 1).all()
