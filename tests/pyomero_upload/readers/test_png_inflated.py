"""A PNG with its pixels inflated holds the very pixels of the original, whatever its filters; damage stays visible."""

import struct
import zlib

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyomero_upload.readers.png_inflated import inflated

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
BITS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


@st.composite
def pngs(draw: st.DrawFn) -> bytes:
    """Any filter on any row, any colours, the stream in one chunk or in many, with other chunks about it."""
    color = draw(st.sampled_from(sorted(CHANNELS)))
    bits = draw(st.sampled_from(BITS[color]))
    width, height = draw(st.integers(1, 40)), draw(st.integers(1, 12))
    row = (width * bits * CHANNELS[color] + 7) // 8
    random = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    rows = random.integers(0, 256, (height, 1 + row), np.uint8)
    rows[:, 0] = random.integers(0, 5, height)
    stream = zlib.compress(rows.tobytes(), draw(st.sampled_from([0, 1, 9])))
    step = draw(st.integers(1, len(stream)))
    parts = [chunk(b"IDAT", stream[i : i + step]) for i in range(0, len(stream), step)]
    palette = (
        [chunk(b"PLTE", random.integers(0, 256, 3 << bits, np.uint8).tobytes())]
        if color == 3
        else []
    )
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0))
    text = [chunk(b"tEXt", b"Comment\0a microscope")]
    return b"".join([b"\x89PNG\r\n\x1a\n", header, *palette, *parts, *text, chunk(b"IEND", b"")])


@given(pngs())
def test_the_pixels_are_the_same(png):
    decoded = imagecodecs.png_decode(inflated(png))
    original = imagecodecs.png_decode(png)
    assert decoded.dtype == original.dtype
    np.testing.assert_array_equal(decoded, original)


def test_more_than_one_stored_block():
    pixels = np.random.default_rng(3).integers(0, 4096, (300, 257), np.uint16)
    png = imagecodecs.png_encode(pixels)
    assert len(png) < pixels.nbytes < len(inflated(png))
    np.testing.assert_array_equal(imagecodecs.png_decode(inflated(png)), pixels)


@given(pngs(), st.data())
def test_what_is_damaged_is_left_to_libpng_or_still_the_same(png, data):
    place = data.draw(st.integers(8, len(png) - 1))
    damaged = bytearray(png)
    damaged[place] ^= data.draw(st.integers(1, 255))
    damaged = bytes(damaged)
    given_on = inflated(damaged)
    try:
        original = imagecodecs.png_decode(damaged)
    except (imagecodecs.PngError, UnicodeDecodeError):  # some of libpng's complaints are no UTF-8
        with pytest.raises((imagecodecs.PngError, UnicodeDecodeError)):
            imagecodecs.png_decode(given_on)
    else:
        np.testing.assert_array_equal(imagecodecs.png_decode(given_on), original)


@pytest.mark.parametrize("rest", [b"", b"\0\0\0\0IEND\xaeB`\x82"])
def test_a_wrong_checksum_of_the_compressed_pixels_is_left_for_libpng_to_find(rest):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0))
    body = bytearray(chunk(b"IDAT", zlib.compress(bytes(20))))
    body[-1] ^= 1
    png = b"\x89PNG\r\n\x1a\n" + header + bytes(body) + rest
    assert inflated(png) == png


def test_an_interlaced_one_is_left_as_it_is():
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 1))
    png = (
        b"\x89PNG\r\n\x1a\n"
        + header
        + chunk(b"IDAT", zlib.compress(b"\0\x07"))
        + chunk(b"IEND", b"")
    )
    assert inflated(png) == png
    assert imagecodecs.png_decode(png).tolist() == [[7]]
