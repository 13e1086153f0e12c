"""A plain TIFF is read as any reader reads it; every other file, and every doubt, is left to the general reader."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from pyomero_upload.errors import UnreadableFileError
from pyomero_upload.readers import read_planes
from pyomero_upload.readers.tiff_plain import decode_plain

TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")
PIXELS = np.arange(63, dtype=np.uint16).reshape(7, 9)


def tiff(pixels: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory):
    """Return a function that writes bytes to a file."""
    path = tmp_path_factory.mktemp("plain") / "image.tif"

    def write(content: bytes) -> Path:
        path.write_bytes(content)
        return path

    return write


def plainly(path: Path) -> np.ndarray | None:
    return decode_plain(path.read_bytes())


@st.composite
def plain(draw: st.DrawFn) -> tuple[np.ndarray, bytes]:
    """Return grey pixels of any type, and a file of them in either byte order, in any strips."""
    height, width = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    dtype = np.dtype(draw(st.sampled_from(TYPES)))
    random = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    pixels = random.integers(0, 256, height * width * dtype.itemsize, np.uint8).view(dtype)
    pixels = pixels.reshape(height, width)
    content = tiff(
        pixels,
        byteorder=draw(st.sampled_from("<>")),
        rowsperstrip=draw(st.integers(1, 12)),
        photometric=draw(st.sampled_from(["minisblack", "miniswhite"])),
        description=draw(st.sampled_from([None, "DAPI, 100 ms", '{"gain": 3}'])),
        metadata=draw(st.sampled_from([None, {}, {"channel": "DAPI"}])),
        resolution=draw(st.sampled_from([None, (300, 300)])),
        datetime=draw(st.booleans()),
    )
    return pixels, content


@given(plain())
def test_a_plain_file_is_read_as_it_was_written(file, drawn):
    pixels, content = drawn
    read = plainly(file(content))
    if (
        read is None
    ):  # such as one of two descriptions; what all readers together make of it is the same
        (read,) = read_planes(file(content), [(0, None)])
    assert read.dtype == pixels.dtype
    assert read.dtype.isnative
    assert read.flags.c_contiguous
    assert read.tobytes() == pixels.tobytes()


@pytest.mark.parametrize("order", "<>")
# Of 32 bits without a word on their format, some are floating-point numbers: uint32 is left to the general reader.
@pytest.mark.parametrize("kind", sorted({*TYPES} - {"uint32"}))
@pytest.mark.parametrize("options", [{}, {"metadata": None}, {"rowsperstrip": 2}], ids=str)
def test_these_are_plain(file, kind, order, options):
    pixels = PIXELS.astype(kind)
    read = plainly(file(tiff(pixels, byteorder=order, **options)))
    assert read is not None
    np.testing.assert_array_equal(read, pixels, strict=True)


NOT_PLAIN = {
    "two pages": tiff(np.stack([PIXELS, PIXELS])),
    "a stack of ImageJ": tiff(np.stack([PIXELS, PIXELS]), imagej=True),
    "a plane of ImageJ": tiff(PIXELS, imagej=True),
    "BigTIFF": tiff(PIXELS, bigtiff=True),
    "compressed": tiff(PIXELS, compression="zlib"),
    "with a predictor": tiff(PIXELS, compression="zlib", predictor=True),
    "in tiles": tiff(PIXELS, tile=(16, 16)),
    "RGB": tiff(np.stack([PIXELS] * 3, axis=-1), photometric="rgb"),
    "two samples": tiff(
        np.stack([PIXELS] * 2, axis=-1), photometric="minisblack", planarconfig="contig"
    ),
    "bits": tiff(PIXELS.astype(bool)),
    "half floats": tiff(PIXELS.astype(np.float16)),
    "complex": tiff(PIXELS.astype(np.complex64)),
    "32 bits that may be a float": tiff(PIXELS.astype(np.uint32)),
    "an unknown tag": tiff(PIXELS, extratags=[(65000, "H", 1, 5, True)]),
    "two widths": tiff(PIXELS).replace(
        struct.pack("<HHI", 256, 4, 1), struct.pack("<HHI", 256, 3, 2)
    ),
    "no width": tiff(PIXELS).replace(
        struct.pack("<HHI", 256, 4, 1), struct.pack("<HHI", 254, 4, 1)
    ),
    "the last byte is missing": tiff(PIXELS)[:-1],
    "nothing but a start": tiff(PIXELS)[:6],
    "empty": b"",
}


@pytest.mark.parametrize("which", NOT_PLAIN)
def test_these_are_not(file, which):
    assert plainly(file(NOT_PLAIN[which])) is None


def test_a_stack_behind_one_directory_is_no_plain_file(file):
    # What tifffile, ImageJ and MetaMorph write: the directory describes the first plane alone.
    stack = np.stack([PIXELS, PIXELS + 100])
    path = file(tiff(stack, metadata={"axes": "ZYX"}, contiguous=True))
    assert plainly(path) is None
    first, second = read_planes(path, [(0, None), (1, None)])
    np.testing.assert_array_equal([first, second], stack)


@given(plain(), st.data())
def test_a_damaged_file_is_read_as_the_general_reader_does_or_left_to_it(file, drawn, data):
    _, content = drawn
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.integers(0, min(len(content), 400) - 1))
        damaged[place] ^= data.draw(st.integers(1, 255))
    path = file(bytes(damaged))
    read = plainly(path)
    if read is not None:
        np.testing.assert_array_equal(read, tifffile.imread(path, key=0), strict=True)


@given(plain(), st.data())
def test_a_file_that_was_cut_off_is_never_read(file, drawn, data):
    _, content = drawn
    # The pixels come last in these files, behind the directory.
    path = file(content[: data.draw(st.integers(0, len(content) - 1))])
    assert plainly(path) is None
    with pytest.raises(UnreadableFileError):
        read_planes(path, [(0, None)])
