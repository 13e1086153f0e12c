"""Pictures as files."""

from io import BytesIO

import numpy as np
from PIL import Image

from omero_embedded.rendering.jpeg import jpeg, picture


def test_packed_integers_become_red_green_and_blue() -> None:
    packed = np.array([[0x00010203, -0x1000000 | 0xFFFEFD]], np.int32)
    assert np.asarray(picture(packed)).tolist() == [[[1, 2, 3], [255, 254, 253]]]


def test_a_jpeg_has_the_size_of_the_picture_and_more_bytes_for_more_quality() -> None:
    noise = np.random.default_rng(0).integers(0, 2**24, (48, 64)).astype(np.int32)
    low, high = jpeg(picture(noise), 0.2), jpeg(picture(noise), 0.95)
    assert Image.open(BytesIO(low)).size == (64, 48)
    assert len(low) < len(high)
