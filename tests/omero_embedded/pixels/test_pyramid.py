"""The file of a big image: tiles in, six resolutions out."""

from pathlib import Path

import numpy as np
import pytest

from omero_embedded.pixels.dimensions import Dimensions
from omero_embedded.pixels.errors import (
    BeingWrittenError,
    BrokenPyramidError,
    OutOfBoundsError,
    ReadOnlyError,
    UnsupportedError,
    WriteModeError,
    WrongLengthError,
)
from omero_embedded.pixels.pyramid import PyramidFile, requires_pyramid
from omero_embedded.pixels.types import pixel_type

# Smaller than what needs a pyramid, for speed; two rows of tiles, three columns, the last ones cut.
SIZES = Dimensions(600, 300, 1, 2, 1, pixel_type("uint8"))


def values(c: int) -> np.ndarray:
    y, x = np.mgrid[:300, :600]
    return ((x // 3 + y + 50 * c) % 256).astype(">u1")


def write_tiles(file: PyramidFile, *, leave_out: int = 0) -> None:
    tiles = [
        (c, x, y, min(256, 600 - x), min(256, 300 - y))
        for c in range(2)
        for y in (0, 256)
        for x in (0, 256, 512)
    ]
    for c, x, y, w, h in tiles[: len(tiles) - leave_out]:
        part = values(c)[y : y + h, x : x + w]
        file.write_tile(part.tobytes(), (0, c, 0), (x, y, w, h))


@pytest.mark.parametrize(
    ("x", "y", "kind", "needed"),
    [
        (3192, 3192, "uint16", False),
        (3193, 10, "uint16", False),
        (3193, 3192, "uint16", True),
        (10000, 2000, "int8", True),
        (4000, 4000, "float", False),
    ],
)
def test_what_counts_is_the_number_of_pixels_of_a_plane(
    x: int, y: int, kind: str, needed: bool
) -> None:
    assert requires_pyramid(Dimensions(x, y, 1, 1, 1, pixel_type(kind))) is needed


def test_tiles_in_and_planes_out(tmp_path: Path) -> None:
    file = PyramidFile(tmp_path / "1", SIZES)
    write_tiles(file)
    assert (file.plane(0, 1, 0) == values(1)).all()
    file.close()
    again = PyramidFile(tmp_path / "1", SIZES)
    assert again.resolution_levels == 6
    assert again.resolution_level == 5
    assert (again.tile((0, 0, 0), (250, 100, 20, 10)) == values(0)[100:110, 250:270]).all()


def test_each_resolution_is_half_of_the_next_rounded_up(tmp_path: Path) -> None:
    file = PyramidFile(tmp_path / "1", SIZES)
    write_tiles(file)
    file.digest()
    assert file.level_sizes() == [(600, 300), (300, 150), (150, 75), (75, 38), (38, 19), (19, 10)]
    file.set_resolution_level(3)
    assert file.plane(0, 0, 0).shape == (75, 150)


def test_a_smaller_resolution_of_an_even_plane_is_even(tmp_path: Path) -> None:
    file = PyramidFile(tmp_path / "1", Dimensions(256, 256, 1, 1, 1, pixel_type("uint16")))
    file.write_tile(b"\1\2" * 65536, (0, 0, 0), (0, 0, 256, 256))
    file.digest()
    for level in range(6):
        file.set_resolution_level(level)
        assert set(np.unique(file.plane(0, 0, 0))) == {0x0102}


def test_a_smaller_resolution_follows_the_wavelet_of_jpeg_2000(tmp_path: Path) -> None:
    file = PyramidFile(tmp_path / "1", Dimensions(4, 1, 1, 1, 1, pixel_type("uint8")))
    file.write_tile(bytes([10, 20, 30, 60]), (0, 0, 0), (0, 0, 4, 1))
    file.digest()
    file.set_resolution_level(4)
    # Details: 20 - (10+30)//2 = 0 and 60 - 30 = 30; so 10 + (0+0+2)//4 and 30 + (0+30+2)//4.
    assert file.plane(0, 0, 0).tolist() == [[10, 38]]


def test_planes_and_stacks_are_refused(tmp_path: Path) -> None:
    file = PyramidFile(tmp_path / "1", SIZES)
    with pytest.raises(UnsupportedError):
        file.write_exactly(0, SIZES.plane_size, bytes(SIZES.plane_size))
    with pytest.raises(UnsupportedError):
        file.stack(0, 0)


def test_while_writing_there_is_nothing_to_ask(tmp_path: Path) -> None:
    file = PyramidFile(tmp_path / "1", SIZES)
    assert file.tile_size == (256, 256)
    with pytest.raises(WriteModeError, match="In write mode!"):
        _ = file.resolution_levels


def test_reading_ends_the_writing(tmp_path: Path) -> None:
    file = PyramidFile(tmp_path / "1", SIZES)
    write_tiles(file)
    file.digest()
    with pytest.raises(ReadOnlyError, match="In read-only mode!"):
        file.write_tile(b"\0", (0, 0, 0), (0, 0, 1, 1))


def test_a_pyramid_closed_too_early_can_never_be_read(tmp_path: Path) -> None:
    file = PyramidFile(tmp_path / "1", SIZES)
    write_tiles(file, leave_out=1)
    file.close()
    with pytest.raises(BrokenPyramidError, match="Error instantiating pixel buffer"):
        PyramidFile(tmp_path / "1", SIZES)


def test_opening_and_closing_leaves_nothing_behind(tmp_path: Path) -> None:
    PyramidFile(tmp_path / "1", SIZES).close()
    assert PyramidFile(tmp_path / "1", SIZES).writable


def test_one_store_alone_writes_a_pyramid(tmp_path: Path) -> None:
    first = PyramidFile(tmp_path / "1", SIZES)
    with pytest.raises(BeingWrittenError):
        PyramidFile(tmp_path / "1", SIZES)
    write_tiles(first)
    first.close()
    assert not PyramidFile(tmp_path / "1", SIZES).writable


def test_tiles_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    file = PyramidFile(tmp_path / "1", SIZES)
    with pytest.raises(WrongLengthError):
        file.write_tile(b"\0" * 3, (0, 0, 0), (0, 0, 2, 2))
    with pytest.raises(OutOfBoundsError):
        file.write_tile(b"\0" * 4, (0, 0, 0), (599, 0, 2, 2))


def test_an_image_of_countless_planes_takes_its_first_tile_at_once(tmp_path: Path) -> None:
    file = PyramidFile(tmp_path / "1", Dimensions(3200, 3200, 10, 1000, 10, pixel_type("uint8")))
    file.write_tile(b"\1" * 65536, (0, 0, 0), (0, 0, 256, 256))
    file.close()
    with pytest.raises(BrokenPyramidError):
        PyramidFile(tmp_path / "1", file.dimensions)
