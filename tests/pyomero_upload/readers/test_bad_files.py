"""A file that is not whole is refused, with its path, the reason and what to do; never read in part."""

import io
import os
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pyomero_upload.errors import UnreadableFileError
from pyomero_upload.readers import probe, read_planes

PIXELS = np.random.default_rng(2).integers(0, 65536, (64, 64), np.uint16)
PNG = imagecodecs.png_encode(PIXELS)


def tiff(pixels: np.ndarray = PIXELS, **options) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def pillow(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray((PIXELS >> 8).astype(np.uint8)).save(file, kind)
    return file.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png_of(header: bytes, *chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


@pytest.fixture
def file(tmp_path: Path):
    def write(content: bytes) -> Path:
        path = tmp_path / "plane.png"
        path.write_bytes(content)
        return path

    return write


def assert_refused(path: Path, reason: str, *, by_header: bool = True) -> None:
    if by_header:
        with pytest.raises(UnreadableFileError, match=reason) as raised:
            probe(path)
        assert str(path) in raised.value.message
        assert raised.value.hint
    with pytest.raises(UnreadableFileError, match=reason) as raised:
        read_planes(path, [(0, None)])
    assert str(path) in raised.value.message
    assert raised.value.hint


def test_an_empty_file(file):
    assert_refused(file(b""), r"empty \(0 bytes\)")


def test_a_text_called_png(file):
    assert_refused(file(b"This is a text.\n"), "it is no PNG, TIFF, JPEG, GIF or BMP")


def test_a_file_of_zeros(file):
    assert_refused(file(bytes(1000)), "zeros alone")


def test_a_file_that_vanished(tmp_path):
    assert_refused(tmp_path / "gone.png", "no longer there")


def test_a_folder_called_like_an_image(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(UnreadableFileError, match=r"a\.png"):
        probe(tmp_path / "a.png")


@pytest.mark.skipif(
    sys.platform == "win32" or getattr(os, "geteuid", lambda: 1)() == 0,
    reason="root may read everything; Windows has other permissions",
)
def test_a_file_without_permission(file):
    path = file(PNG)
    path.chmod(0)
    assert_refused(path, "Permission denied")


@pytest.mark.parametrize(
    "keep", [9, 20, 40, len(PNG) // 2, len(PNG) - 20, len(PNG) - 5, len(PNG) - 1]
)
def test_a_png_that_is_cut_off(file, keep):
    assert_refused(file(PNG[:keep]), "cut off")


@pytest.mark.parametrize("place", [30, len(PNG) // 2, len(PNG) - 14])
def test_a_png_with_a_wrong_checksum(file, place):
    damaged = bytearray(PNG)
    damaged[place] ^= 1
    assert_refused(file(bytes(damaged)), "damaged", by_header=False)


def test_a_png_that_lacks_rows(file):
    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(9 * 4))
    assert_refused(file(png_of(header, chunk(b"IDAT", rows))), "damaged", by_header=False)


def test_a_png_without_pixels(file):
    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    assert_refused(file(png_of(header)), "damaged", by_header=False)


@pytest.mark.parametrize("header", [b"", struct.pack(">IIBBBBB", 8, 8, 3, 0, 0, 0, 0), bytes(13)])
def test_a_png_with_a_damaged_header(file, header):
    assert_refused(file(png_of(header)), "damaged|no pixels")


def test_something_behind_the_end_of_a_png(file):
    assert_refused(file(PNG + b"junk"), "4 bytes follow the end of the image")
    assert_refused(file(PNG + PNG), "follow the end of the image", by_header=False)


def test_zeros_behind_the_end_of_a_png_do_no_harm(file):
    path = file(PNG + bytes(512))
    assert probe(path).width == 64
    np.testing.assert_array_equal(read_planes(path, [(0, None)])[0], PIXELS)


def test_a_png_that_declares_more_than_it_holds(file):
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
    assert_refused(file(png_of(header, chunk(b"IDAT", zlib.compress(b"0")))), "cannot hold")


@pytest.mark.parametrize("kind", ["png", "gif"])
def test_a_header_that_declares_more_than_memory_holds(file, kind):
    content = png_of(struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 16, 0, 0, 0, 0))
    if kind == "gif":
        content = pillow("GIF")
        content = content[:6] + b"\xff\xff\xff\xff" + content[10:]
    assert_refused(file(content), "GB; the header is damaged")


@pytest.mark.parametrize(
    "compression", ["none", "lzw", "deflate", "zstd", "packbits", "lzma", "jpeg"]
)
@pytest.mark.parametrize("options", [{}, {"rowsperstrip": 8}, {"tile": (16, 16)}])
@pytest.mark.parametrize("share", [0.5, 0.99])
def test_a_tiff_that_is_cut_off(file, compression, options, share):
    pixels = (PIXELS >> 8).astype(np.uint8) if compression == "jpeg" else PIXELS
    whole = tiff(pixels, compression=compression, **options)
    assert_refused(file(whole[: int(len(whole) * share)]), "cut off|damaged")


@pytest.mark.parametrize("compression", ["lzw", "deflate", "zstd", "packbits", "lzma"])
def test_a_tiff_whose_strip_ends_early(file, compression):
    whole = tiff(compression=compression)
    with tifffile.TiffFile(io.BytesIO(whole)) as tif:
        half = tif.pages.first.databytecounts[0] // 2
    path = file(with_tag(whole, "StripByteCounts", half))
    assert_refused(path, "damaged", by_header=False)


@pytest.mark.parametrize(
    ("options", "tag", "value", "reason"),
    [
        ({}, "StripByteCounts", 100, "fewer bytes than pixels"),
        ({"rowsperstrip": 8}, "StripByteCounts", 0, "never written"),
        ({"rowsperstrip": 8, "compression": "deflate"}, "ImageLength", 128, "stands nowhere"),
        ({}, "BitsPerSample", 40, "of a type that is not known"),
        ({"shape": (64, 64, 3)}, "BitsPerSample", 8, "different numbers of bits"),
    ],
)
def test_a_tiff_whose_directory_is_wrong(file, options, tag, value, reason):
    pixels = np.zeros(options.pop("shape", (64, 64)), np.uint16)
    whole = tiff(pixels, metadata=None, **options)
    assert_refused(file(with_tag(whole, tag, value)), reason)


def with_tag(content: bytes, name: str, value: int) -> bytes:
    """Return a TIFF with another (first) value of a tag."""
    with tifffile.TiffFile(io.BytesIO(content)) as tif:
        tag = tif.pages.first.tags[name]
    size = tag.valuebytecount // tag.count
    changed = value.to_bytes(size, "little")
    return content[: tag.valueoffset] + changed + content[tag.valueoffset + size :]


def test_a_compressed_stack_behind_one_directory(file):
    description = "ImageJ=1.53t\nimages=3\nslices=3\n"
    content = tiff(compression="deflate", metadata=None, description=description)
    assert_refused(file(content), "compressed stack")


def test_a_stack_behind_one_directory_that_is_cut_off(file):
    pages = np.stack([PIXELS] * 3)
    whole = tiff(pages, imagej=True, truncate=True)
    path = file(whole[:-100])
    with pytest.raises(UnreadableFileError, match="cut off"):
        probe(path)
    with pytest.raises(UnreadableFileError, match="cut off"):
        read_planes(path, [(2, None)])


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "BMP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_other_formats_that_are_cut_off(file, kind, share):
    whole = pillow(kind)
    assert_refused(file(whole[: int(len(whole) * share)]), "cut off|damaged")


def test_a_jpeg_of_twelve_bits(file):
    content = imagecodecs.jpeg_encode(PIXELS >> 4, bitspersample=12)
    assert_refused(file(content), "rare sort")


def test_a_jpeg_that_is_nothing_but_a_beginning(file):
    assert_refused(file(b"\xff\xd8\xff\xff\xff\xe0\x00\x04ab"), "cut off")
    assert_refused(file(b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00"), "cut off")
    assert_refused(file(b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08"), "cut off")
    assert_refused(file(b"\xff\xd8\xff\xe0\x00\x04ab\x00\x00\x00\x00"), "header is damaged")


WHOLE = [
    PNG,
    tiff(),
    tiff(compression="lzw"),
    tiff(np.stack([PIXELS] * 3), imagej=True),
    pillow("JPEG"),
    pillow("GIF"),
    pillow("BMP"),
]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150
)
@given(
    whole=st.sampled_from(WHOLE),
    place=st.integers(0, 10**6),
    junk=st.binary(min_size=1, max_size=8),
    cut=st.integers(0, 10**6),
)
def test_whatever_is_wrong_with_a_file_the_error_is_ours(tmp_path, whole, place, junk, cut):
    damaged = bytearray(whole)
    place %= min(len(damaged), 400)
    damaged[place : place + len(junk)] = junk
    path = tmp_path / "damaged"
    path.write_bytes(damaged[: len(damaged) - cut % 50])
    assert_whole_or_refused(lambda: probe(path), path)
    assert_whole_or_refused(lambda: read_planes(path, [(0, None)]), path)


def assert_whole_or_refused(look: Callable[[], object], path: Path) -> None:
    try:
        look()
    except UnreadableFileError as error:
        assert str(path) in error.message  # noqa: PT017 - that it raises is no requirement
