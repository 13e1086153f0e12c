"""A TIFF of which any part is missing is refused; a whole one never."""

import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from folders import plane
from pyomero_upload.readers.header import BadImageError
from pyomero_upload.targets.omero.tiff_bounds import check_bounds

KINDS: dict[str, dict[str, Any]] = {
    "plain": {"metadata": None},
    "big-endian": {"metadata": None, "byteorder": ">"},
    "BigTIFF": {"metadata": None, "bigtiff": True},
    "OME-TIFF": {"ome": True},
    "ImageJ": {"imagej": True},
    "tiled": {"metadata": None, "tile": (16, 16)},
    "compressed": {"metadata": None, "compression": "zlib"},
    "of many strips": {"metadata": None, "rowsperstrip": 3},
}


def written(path: Path, kind: str) -> Path:
    tifffile.imwrite(path, plane(1, (5, 60, 80)), **KINDS[kind])
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_whole_ones_are_taken(tmp_path: Path, kind: str) -> None:
    check_bounds(written(tmp_path / "a.tif", kind))


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(share=st.floats(0, 0.97))
def test_cut_off_anywhere_they_are_refused(tmp_path: Path, kind: str, share: float) -> None:
    path = written(tmp_path / "a.tif", kind)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(BadImageError):
        check_bounds(path)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_damaged_ones_are_taken_or_refused_and_nothing_else(tmp_path: Path, data: Any) -> None:
    content = bytearray(written(tmp_path / "a.tif", "plain").read_bytes())
    content[4:8] = struct.pack("<I", data.draw(st.integers(0, len(content))))
    for _ in range(5):
        content[data.draw(st.integers(8, 400))] = data.draw(st.integers(0, 255))
    (tmp_path / "a.tif").write_bytes(content)
    with suppress(BadImageError):
        check_bounds(tmp_path / "a.tif")


def test_a_sub_resolution_that_is_cut_off_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    full = plane(1, (64, 64))
    with tifffile.TiffWriter(path) as out:
        out.write(full, subifds=1, tile=(16, 16))
        out.write(full[::2, ::2], subfiletype=1, tile=(16, 16))
    check_bounds(path)
    with tifffile.TiffFile(path) as tiff:
        lengths = tiff.series[0].levels[1].pages[0].tags["TileByteCounts"].valueoffset
    content = bytearray(path.read_bytes())
    content[lengths : lengths + 2] = struct.pack("<H", 60_000)
    path.write_bytes(content)
    with pytest.raises(BadImageError, match="cut off"):
        check_bounds(path)


def test_a_stack_of_imagej_behind_one_directory_is_looked_at_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    stack = plane(1, (5, 60, 80))
    description = "ImageJ=1.54f\nimages=5\nslices=5\n"
    tifffile.imwrite(path, stack[0], description=description, metadata=None)
    with path.open("ab") as file:
        file.write(stack[1:].tobytes())
    check_bounds(path)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(BadImageError, match="cut off"):
        check_bounds(path)


def test_pages_in_a_circle_and_pixels_that_were_never_written_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif", "plain")
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        first = tiff.pages[0]
        entry = first.tags["StripOffsets"].offset
        following = first.offset + 2 + 12 * len(first.tags)
    content[following : following + 4] = struct.pack("<I", first.offset)
    path.write_bytes(content)
    with pytest.raises(BadImageError, match="circle"):
        check_bounds(path)
    content[entry + 8 : entry + 12] = bytes(4)
    path.write_bytes(content)
    with pytest.raises(BadImageError, match="never written"):
        check_bounds(path)


def test_many_pages_are_walked_quickly(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((3000, 4, 4), np.uint8), metadata=None)
    check_bounds(path)
