"""What the pixels of a file are to be on the server: sizes, and SHA-1 over the planes t, c, z."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from folders import plane
from pyomero_upload.model import Sizes
from pyomero_upload.targets.omero.original_pixels import PixelDigest, pixel_digests


def digest(sizes: tuple[int, ...], content: bytes) -> PixelDigest:
    return PixelDigest(Sizes(*sizes), hashlib.sha1(content).hexdigest())


def test_planes_are_taken_in_the_order_t_c_z_whatever_the_order_in_the_file(tmp_path: Path) -> None:
    pixels = plane(1, (2, 3, 4, 6, 8))  # z, t, c, y, x
    tifffile.imwrite(tmp_path / "a.ome.tif", pixels, metadata={"axes": "ZTCYX"})
    expected = pixels.transpose(1, 2, 0, 3, 4)
    assert pixel_digests([tmp_path / "a.ome.tif"]) == (
        digest((3, 4, 2, 6, 8), expected.astype("<u2").tobytes()),
    )


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_colours_are_channels(tmp_path: Path, planar: str) -> None:
    pixels = plane(1, (6, 8, 3), "uint8")
    stored = pixels if planar == "contig" else np.moveaxis(pixels, -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planar)
    assert pixel_digests([tmp_path / "a.tif"]) == (
        digest((1, 3, 1, 6, 8), np.moveaxis(pixels, -1, 0).tobytes()),
    )


@pytest.mark.parametrize(
    "options",
    [
        {"photometric": "miniswhite"},
        {"photometric": "palette", "colormap": np.zeros((3, 256), np.uint16)},
        {"compression": "jpeg"},
    ],
)
def test_what_readers_may_take_differently_has_no_digest(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", plane(1, (16, 16), "uint8"), **options)
    assert pixel_digests([tmp_path / "a.tif"]) == ()


def test_several_images_that_are_not_of_an_ome_tiff_have_no_digest(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as out:
        out.write(plane(1, (16, 20)), metadata=None)
        out.write(plane(1, (9, 10)), metadata=None)
    assert pixel_digests([tmp_path / "a.tif"]) == ()


def test_a_makers_own_format_has_no_digest(tmp_path: Path) -> None:
    (tmp_path / "a.czi").write_bytes(b"ZISRAWFILE")
    assert pixel_digests([tmp_path / "a.czi"]) == ()
