"""One rule for all digests."""

import numpy as np
import xxhash

from pyomero_upload.targets.digest import bytes_digest, file_digest, plane_digest, zeros_digest

PIXELS = np.arange(12, dtype="<u2").reshape(3, 4)


def test_a_plane_digest_is_that_of_its_little_endian_bytes_row_by_row():
    assert plane_digest(PIXELS) == xxhash.xxh3_128_hexdigest(PIXELS.tobytes())


def test_byte_order_and_memory_layout_do_not_change_a_digest():
    expected = plane_digest(PIXELS)
    assert plane_digest(PIXELS.astype(">u2")) == expected
    assert plane_digest(np.asfortranarray(PIXELS)) == expected
    assert plane_digest(np.repeat(PIXELS, 2, axis=1)[:, ::2]) == expected


def test_one_other_pixel_is_another_digest():
    other = PIXELS.copy()
    other[1, 2] += 1
    assert plane_digest(other) != plane_digest(PIXELS)


def test_a_plane_of_nothing_has_the_digest_of_zeros():
    assert zeros_digest(3, 4, "float32") == plane_digest(np.zeros((3, 4), "float32"))


def test_a_file_has_the_digest_of_its_bytes(tmp_path):
    content = bytes(range(256)) * 10_000
    (tmp_path / "a").write_bytes(content)
    assert file_digest(tmp_path / "a", "a") == bytes_digest(content, "a")
    assert file_digest(tmp_path / "a", "a").bytes == 2_560_000
