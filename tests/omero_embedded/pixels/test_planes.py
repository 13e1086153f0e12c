"""The file of an ordinary image: who may write, what reads back, the digest."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omero_embedded.pixels.dimensions import Dimensions
from omero_embedded.pixels.errors import (
    OutOfBoundsError,
    PixelsError,
    ReadOnlyError,
    UnsupportedError,
    WrongLengthError,
)
from omero_embedded.pixels.planes import PlaneFile
from omero_embedded.pixels.types import pixel_type

SIZES = Dimensions(8, 6, 2, 3, 4, pixel_type("uint16"))


def plane(z: int, c: int, t: int) -> bytes:
    """A plane whose values tell which one it is."""
    return (np.arange(48) + 1000 * z + 100 * c + 10 * t).astype(">u2").tobytes()


def write_all(file: PlaneFile) -> None:
    for t in range(4):
        for c in range(3):
            for z in range(2):
                file.write_exactly(SIZES.plane_offset(z, c, t), SIZES.plane_size, plane(z, c, t))


def test_opening_alone_makes_no_file(tmp_path: Path) -> None:
    PlaneFile(tmp_path / "1", SIZES).close()
    assert list(tmp_path.iterdir()) == []


def test_the_first_write_makes_the_whole_file_with_zeros_elsewhere(tmp_path: Path) -> None:
    file = PlaneFile(tmp_path / "1", SIZES)
    file.write_exactly(SIZES.plane_offset(1, 2, 3), SIZES.plane_size, plane(1, 2, 3))
    assert (tmp_path / "1").stat().st_size == 8 * 6 * 2 * 3 * 4 * 2
    assert not file.plane(0, 0, 0).any()
    assert file.plane(1, 2, 3).tobytes() == plane(1, 2, 3)


def test_the_first_read_makes_the_file_too_and_later_stores_cannot_write(tmp_path: Path) -> None:
    PlaneFile(tmp_path / "1", SIZES).plane(0, 0, 0)
    late = PlaneFile(tmp_path / "1", SIZES)
    with pytest.raises(ReadOnlyError, match="Write-method not permitted"):
        late.write_exactly(0, SIZES.plane_size, plane(0, 0, 0))


def test_all_who_opened_in_time_can_write_and_see_each_other(tmp_path: Path) -> None:
    one, other = PlaneFile(tmp_path / "1", SIZES), PlaneFile(tmp_path / "1", SIZES)
    one.write_exactly(0, SIZES.plane_size, plane(0, 0, 0))
    other.write_exactly(SIZES.plane_offset(1, 0, 0), SIZES.plane_size, plane(1, 0, 0))
    assert one.stack(0, 0).tobytes() == plane(0, 0, 0) + plane(1, 0, 0)
    one.close()
    other.write_exactly(SIZES.plane_offset(0, 1, 0), SIZES.plane_size, plane(0, 1, 0))
    assert PlaneFile(tmp_path / "1", SIZES).plane(0, 1, 0).tobytes() == plane(0, 1, 0)


@pytest.mark.parametrize(
    ("length", "kind"), [(94, "Underflow"), (98, "Overflow"), (0, "Underflow")]
)
def test_a_plane_of_the_wrong_length_is_refused_and_writes_nothing(
    tmp_path: Path, length: int, kind: str
) -> None:
    file = PlaneFile(tmp_path / "1", SIZES)
    with pytest.raises(WrongLengthError, match=f"Buffer{kind}Exception: null"):
        file.write_exactly(0, SIZES.plane_size, b"\1" * length)
    assert not file.array().any()


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ((2, 0, 0), "Z '2' greater than sizeZ '2'."),
        ((0, -1, 0), "C '-1' greater than sizeC '3'."),
        ((0, 0, 4), "T '4' greater than sizeT '4'."),
        ((5, 5, 5), "Z '5' greater than sizeZ '2'."),
    ],
)
def test_indexes_are_checked_in_the_order_z_c_t(index: tuple[int, int, int], message: str) -> None:
    with pytest.raises(OutOfBoundsError) as raised:
        SIZES.plane_offset(*index)
    assert str(raised.value) == message


def test_the_digest_is_over_the_planes_in_the_order_t_c_z(tmp_path: Path) -> None:
    file = PlaneFile(tmp_path / "1", SIZES)
    write_all(file)
    planes = [plane(z, c, t) for t in range(4) for c in range(3) for z in range(2)]
    assert file.digest() == hashlib.sha1(b"".join(planes)).digest()


def test_the_digest_of_nothing_written_is_that_of_zeros(tmp_path: Path) -> None:
    file = PlaneFile(tmp_path / "1", SIZES)
    assert file.digest() == hashlib.sha1(bytes(SIZES.total_size)).digest()


def test_parts_of_planes(tmp_path: Path) -> None:
    file = PlaneFile(tmp_path / "1", SIZES)
    write_all(file)
    whole = np.frombuffer(plane(1, 2, 3), ">u2").reshape(6, 8)
    assert (file.tile((1, 2, 3), (2, 1, 3, 4)) == whole[1:5, 2:5]).all()
    assert file.column(3, 1, 2, 3) == whole[:, 3].tobytes()
    assert file.read(SIZES.row_offset(2, 1, 2, 3), SIZES.row_size) == whole[2].tobytes()
    assert (file.tile((1, 2, 3), (0, 0, 8, 6)) == whole).all()
    with pytest.raises(OutOfBoundsError, match="greater than sizeX"):
        file.tile((1, 2, 3), (6, 1, 5, 2))
    with pytest.raises(PixelsError, match="No column 8"):
        file.column(8, 0, 0, 0)


@settings(deadline=None)
@given(data=st.data())
def test_a_hypercube_is_what_numpy_slices(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    file = PlaneFile(tmp_path_factory.mktemp("pixels") / "1", SIZES)
    write_all(file)
    sizes = (8, 6, 2, 3, 4)
    offset = [data.draw(st.integers(0, size - 1)) for size in sizes]
    extent = [data.draw(st.integers(1, s - o)) for s, o in zip(sizes, offset, strict=True)]
    step = [data.draw(st.integers(1, 3)) for _ in sizes]
    cuts = [slice(o, o + e, s) for o, e, s in zip(offset, extent, step, strict=True)]
    assert file.hypercube(offset, extent, step) == file.array()[tuple(reversed(cuts))].tobytes()
    file.close()


@pytest.mark.parametrize(
    ("offset", "size", "step"),
    [
        ([0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]),
        ([0] * 5, [9, 1, 1, 1, 1], [1] * 5),
        ([0] * 5, [1] * 5, [0, 1, 1, 1, 1]),
    ],
)
def test_a_hypercube_that_is_none_is_refused(
    tmp_path: Path, offset: list[int], size: list[int], step: list[int]
) -> None:
    with pytest.raises(OutOfBoundsError):
        PlaneFile(tmp_path / "1", SIZES).hypercube(offset, size, step)


def test_tiles_of_an_ordinary_image_are_whole_rows(tmp_path: Path) -> None:
    file = PlaneFile(tmp_path / "1", SIZES)
    file.write_tile(plane(0, 0, 0)[:32], (0, 0, 0), (0, 2, 8, 2))
    assert file.plane(0, 0, 0)[2:4].tobytes() == plane(0, 0, 0)[:32]
    with pytest.raises(UnsupportedError):
        file.write_tile(b"\0" * 8, (0, 0, 0), (0, 0, 4, 1))


def test_the_tile_size_is_whole_rows_up_to_a_megabyte(tmp_path: Path) -> None:
    wide = Dimensions(3192, 3192, 1, 1, 1, pixel_type("uint8"))
    assert PlaneFile(tmp_path / "1", wide).tile_size == (3192, 328)
    assert PlaneFile(tmp_path / "2", SIZES).tile_size == (8, 6)


@pytest.mark.parametrize(
    ("name", "width", "is_float", "is_signed"),
    [
        ("int8", 1, False, True),
        ("uint8", 1, False, False),
        ("int16", 2, False, True),
        ("uint16", 2, False, False),
        ("int32", 4, False, True),
        ("uint32", 4, False, False),
        ("float", 4, True, True),
        ("double", 8, True, True),
    ],
)
def test_the_eight_types_that_can_be_stored(
    name: str, width: int, is_float: bool, is_signed: bool
) -> None:
    kind = pixel_type(name)
    assert (kind.byte_width, kind.is_float, kind.is_signed) == (width, is_float, is_signed)


@pytest.mark.parametrize("name", ["bit", "complex", "double-complex"])
def test_the_other_types_cannot(name: str) -> None:
    with pytest.raises(PixelsError, match=name):
        pixel_type(name)


def test_significant_bits_narrow_the_range_of_a_type() -> None:
    assert pixel_type("uint16").value_range(12) == (0, 4095)
    assert pixel_type("int16").value_range(12) == (-2048, 2047)
    assert pixel_type("uint8").value_range(12) == (0, 255)
    assert pixel_type("float").value_range(12) == (-(2**31), 2**31 - 1)


def test_more_than_one_answer_can_hold_is_refused(tmp_path: Path) -> None:
    wide = Dimensions(100_000, 100_000, 1, 1, 1, pixel_type("float"))
    file = PlaneFile(tmp_path / "1", wide)
    with pytest.raises(OutOfBoundsError, match="overflow"):
        file.plane(0, 0, 0)
    with pytest.raises(OutOfBoundsError, match="overflow"):
        file.hypercube([0] * 5, [100_000, 100_000, 1, 1, 1], [1] * 5)
    assert file.hypercube([0] * 5, [100_000, 100_000, 1, 1, 1], [50_000, 50_000, 1, 1, 1]) == bytes(
        16
    )


def test_the_digest_follows_what_anybody_writes(tmp_path: Path) -> None:
    first, second = PlaneFile(tmp_path / "1", SIZES), PlaneFile(tmp_path / "1", SIZES)
    write_all(first)
    whole = first.read(0, SIZES.total_size)
    assert first.digest() == second.digest() == hashlib.sha1(whole).digest()
    second.write(SIZES.plane_offset(1, 2, 3), b"\7" * SIZES.plane_size)
    changed = first.read(0, SIZES.total_size)
    assert changed != whole
    assert first.digest() == second.digest() == hashlib.sha1(changed).digest()
    # By nobody that has it open, and later than the clock of files tells apart.
    (tmp_path / "1").write_bytes(whole)
    os.utime(tmp_path / "1", (0, 2_000_000_000))
    assert first.digest() == hashlib.sha1(whole).digest()
    first.close()
    second.close()
