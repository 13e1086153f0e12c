"""What is stored is what is read: every format and pixel type, whatever the file is called."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from pyomero_upload.errors import UnreadableFileError
from pyomero_upload.readers import Header, probe, read_planes

RNG = np.random.default_rng(1)
GREY8 = RNG.integers(0, 256, (9, 13), np.uint8)
GREY16 = RNG.integers(0, 65536, (9, 13), np.uint16)
RGB8 = RNG.integers(0, 256, (9, 13, 3), np.uint8)
RGB16 = RNG.integers(0, 65536, (9, 13, 3), np.uint16)


def pillow(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def tiff(pixels: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


@pytest.fixture
def file(tmp_path: Path):
    """Return a function that writes bytes to a file whose name says nothing."""

    def write(content: bytes, name: str = "image.dat") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def assert_grey(path: Path, pixels: np.ndarray, kind: str) -> None:
    height, width = pixels.shape
    header = probe(path)
    assert header == Header(kind, pixels.dtype.name, height, width)
    (read,) = read_planes(path, [(0, None)])
    assert read.dtype == pixels.dtype
    assert read.dtype.isnative
    assert read.flags.c_contiguous
    np.testing.assert_array_equal(read, pixels)


def assert_colors(path: Path, pixels: np.ndarray, kind: str) -> None:
    height, width, _ = pixels.shape
    assert probe(path) == Header(kind, pixels.dtype.name, height, width, samples=3)
    planes = read_planes(path, [(0, 0), (0, 1), (0, 2)])
    for sample, plane in enumerate(planes):
        assert plane.dtype == pixels.dtype
        assert plane.flags.c_contiguous
        np.testing.assert_array_equal(plane, pixels[..., sample])


class TestPng:
    @pytest.mark.parametrize("pixels", [GREY8, GREY16])
    def test_grey_is_kept(self, file, pixels):
        assert_grey(file(imagecodecs.png_encode(pixels)), pixels, "PNG")

    @pytest.mark.parametrize("pixels", [RGB8, RGB16])
    def test_colors_keep_their_bits(self, file, pixels):
        assert_colors(file(imagecodecs.png_encode(pixels)), pixels, "PNG")

    def test_one_bit_is_black_and_white(self, file):
        mask = np.eye(8, dtype=bool)
        path = file(pillow(Image.fromarray(mask), "PNG"))
        assert_grey(path, np.where(mask, 255, 0).astype(np.uint8), "PNG")

    def test_a_palette_of_greys_is_grey(self, file):
        image = Image.fromarray(255 - GREY8).copy()
        image = image.convert("L").copy()
        indexed = Image.fromarray(GREY8, "L").convert("P")
        indexed.putpalette([255 - value for value in range(256) for _ in range(3)])
        assert_grey(file(pillow(indexed, "PNG")), 255 - GREY8, "PNG")

    def test_a_palette_of_colors_shows_its_colors(self, file):
        indexed = Image.fromarray(GREY8, "L").convert("P")
        indexed.putpalette([part for value in range(256) for part in (0, value, 255 - value)])
        shown = np.stack([np.zeros_like(GREY8), GREY8, 255 - GREY8], axis=-1)
        assert_colors(file(pillow(indexed, "PNG")), shown, "PNG")

    @pytest.mark.parametrize("pixels", [GREY8, RGB8, RGB16])
    def test_an_opaque_alpha_is_dropped(self, file, pixels):
        colors = np.atleast_3d(pixels)
        alpha = np.full((*colors.shape[:2], 1), np.iinfo(pixels.dtype).max, pixels.dtype)
        path = file(imagecodecs.png_encode(np.concatenate([colors, alpha], axis=2)))
        check = assert_grey if pixels.ndim == 2 else assert_colors
        check(path, pixels, "PNG")

    def test_transparent_pixels_are_refused(self, file):
        alpha = np.full((9, 13, 1), 254, np.uint8)
        path = file(imagecodecs.png_encode(np.concatenate([RGB8, alpha], axis=2)))
        with pytest.raises(UnreadableFileError, match="transparent pixels") as raised:
            read_planes(path, [(0, 0)])
        assert "without transparency" in raised.value.hint

    def test_a_transparent_grey_is_refused(self, file):
        path = file(pillow(Image.fromarray(GREY8), "PNG", transparency=int(GREY8[0, 0])))
        with pytest.raises(UnreadableFileError, match="transparent pixels"):
            read_planes(path, [(0, None)])

    def test_an_animation_is_refused(self, file):
        frames = [Image.fromarray(GREY8), Image.fromarray(255 - GREY8)]
        path = file(pillow(frames[0], "PNG", save_all=True, append_images=frames[1:]))
        with pytest.raises(UnreadableFileError, match="animated"):
            probe(path)

    def test_dots_per_inch_are_no_pixel_size(self, file):
        path = file(pillow(Image.fromarray(GREY8), "PNG", dpi=(300, 300)))
        assert probe(path).pixel_size_um is None

    def test_the_demo_is_read(self, demo):
        path = demo / "pos001" / "microscope1_000001_GFP_001.png"
        assert probe(path) == Header("PNG", "uint16", 512, 512)
        np.testing.assert_array_equal(read_planes(path, [(0, None)])[0], np.array(Image.open(path)))


class TestTiff:
    @pytest.mark.parametrize("byteorder", ["<", ">"])
    @pytest.mark.parametrize(
        "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"]
    )
    def test_every_pixel_type_is_kept_in_both_byte_orders(self, file, dtype, byteorder):
        pixels = (GREY16.astype(np.float64) - 1000).astype(dtype)
        assert_grey(file(tiff(pixels, byteorder=byteorder)), pixels, "TIFF")

    @pytest.mark.parametrize("compression", ["none", "lzw", "deflate", "zstd", "packbits", "lzma"])
    @pytest.mark.parametrize("predictor", [False, True])
    @pytest.mark.parametrize("byteorder", ["<", ">"])
    def test_every_compression_is_undone(self, file, compression, predictor, byteorder):
        if predictor and compression in {"none", "packbits"}:
            pytest.skip("no predictor without a compression that uses it")
        path = file(tiff(GREY16, compression=compression, predictor=predictor, byteorder=byteorder))
        assert_grey(path, GREY16, "TIFF")

    def test_jpeg_in_tiff_gives_colors(self, file):
        path = file(tiff(np.full((16, 16, 3), 100, np.uint8), compression="jpeg"))
        assert_colors(path, np.full((16, 16, 3), 100, np.uint8), "TIFF")

    @pytest.mark.parametrize(
        "options", [{"tile": (16, 16)}, {"rowsperstrip": 2}, {"bigtiff": True}]
    )
    def test_tiles_strips_and_bigtiff_are_read(self, file, options):
        pixels = RNG.integers(0, 65536, (40, 23), np.uint16)
        assert_grey(file(tiff(pixels, **options)), pixels, "TIFF")
        assert_grey(file(tiff(pixels, compression="lzw", **options)), pixels, "TIFF")

    @pytest.mark.parametrize("pixels", [RGB8, RGB16, RGB16.astype(np.float32)])
    def test_colors_keep_their_type(self, file, pixels):
        assert_colors(file(tiff(pixels, photometric="rgb")), pixels, "TIFF")

    def test_colors_in_planes_of_their_own_are_read(self, file):
        planar = np.moveaxis(RGB16, -1, 0)
        path = file(tiff(planar, photometric="rgb", planarconfig="separate"))
        assert_colors(path, RGB16, "TIFF")

    def test_stored_values_are_kept_where_0_is_white(self, file):
        assert_grey(file(tiff(GREY8, photometric="miniswhite")), GREY8, "TIFF")

    def test_stored_values_are_kept_where_there_is_a_look_up_table(self, file):
        table = np.stack([np.zeros(256), np.arange(256) * 257, np.zeros(256)]).astype(np.uint16)
        path = file(tiff(GREY8, photometric="palette", colormap=table))
        assert_grey(path, GREY8, "TIFF")

    def test_one_bit_is_0_and_1(self, file):
        mask = np.eye(16, dtype=bool)
        assert_grey(file(tiff(mask)), mask.astype(np.uint8), "TIFF")

    def test_twelve_bits_become_sixteen(self, file):
        pixels = (GREY16 & 0xFFF)[:, :12]
        first, second = pixels.reshape(-1, 2).T
        triples = (first >> 4, (first & 0xF) << 4 | second >> 8, second & 0xFF)
        stored = np.stack(triples, axis=-1).astype(np.uint8).tobytes()
        whole = bytearray(tiff(np.zeros((9, 18), np.uint8)))
        with tifffile.TiffFile(io.BytesIO(whole)) as tif:
            page = tif.pages.first
            for tag, value in ((page.tags["ImageWidth"], 12), (page.tags["BitsPerSample"], 12)):
                size = tag.valuebytecount
                whole[tag.valueoffset : tag.valueoffset + size] = value.to_bytes(size, "little")
            start = page.dataoffsets[0]
        whole[start : start + len(stored)] = stored
        assert_grey(file(bytes(whole)), pixels, "TIFF")

    def test_an_opaque_alpha_is_dropped(self, file):
        alpha = np.full((9, 13, 1), 255, np.uint8)
        pixels = np.concatenate([RGB8, alpha], axis=2)
        path = file(tiff(pixels, photometric="rgb", extrasamples=["unassalpha"]))
        assert_colors(path, RGB8, "TIFF")

    def test_each_page_is_a_plane(self, file):
        pages = RNG.integers(0, 65536, (5, 9, 13), np.uint16)
        path = file(tiff(pages, photometric="minisblack", metadata=None))
        assert probe(path) == Header("TIFF", "uint16", 9, 13, pages=5)
        for page, plane in zip(
            (3, 0, 3), read_planes(path, [(3, None), (0, None), (3, None)]), strict=True
        ):
            np.testing.assert_array_equal(plane, pages[page])

    def test_a_page_that_is_not_there_is_an_error(self, file):
        path = file(tiff(GREY8))
        with pytest.raises(UnreadableFileError, match="it has 1 pages, not 3"):
            read_planes(path, [(2, None)])

    @pytest.mark.parametrize("options", [{"imagej": True}, {"imagej": True, "byteorder": ">"}, {}])
    def test_stacks_behind_a_single_directory_are_read(self, file, options):
        pages = RNG.integers(0, 65536, (5, 9, 13), np.uint16)
        with_one = tiff(pages, photometric="minisblack", truncate=True, **options)
        path = file(with_one)
        assert probe(path) == Header("TIFF", "uint16", 9, 13, pages=5)
        np.testing.assert_array_equal(read_planes(path, [(4, None)])[0], pages[4])

    def test_stacks_of_metamorph_are_read(self, file):
        pages = RNG.integers(0, 65536, (3, 9, 13), np.uint16)
        tags = [(33628, 4, 2, (0, 0), True), (33629, 5, 3, (0, 1) * 3, True)]
        options = {"photometric": "minisblack", "metadata": None, "extratags": tags}
        content = tiff(pages[0], **options) + pages[1:].tobytes()
        path = file(content)
        assert probe(path) == Header("TIFF", "uint16", 9, 13, pages=3)
        np.testing.assert_array_equal(read_planes(path, [(2, None)])[0], pages[2])

    def test_pages_of_different_sizes_are_refused(self, file):
        content = io.BytesIO()
        with tifffile.TiffWriter(content) as writer:
            writer.write(GREY8)
            writer.write(GREY8[:4])
        path = file(content.getvalue())
        with pytest.raises(UnreadableFileError, match=r"its pages differ.* page 2 has 13 × 4"):
            probe(path)
        with pytest.raises(UnreadableFileError, match="its pages differ"):
            read_planes(path, [(1, None)])

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (tiff(GREY16.astype(np.int64)), "of type int64"),
            (tiff(GREY16.astype(np.float16)), "of type float16"),
            (tiff(GREY16.astype(np.complex64)), "of type complex64"),
            (tiff(np.zeros((9, 13, 4), np.uint8), photometric="separated"), "rare sort"),
            (
                tiff(
                    np.zeros((9, 13, 5), np.uint8), photometric="minisblack", planarconfig="contig"
                ),
                "5 values for each pixel",
            ),
            (tiff(np.zeros((2, 9, 13), np.uint8), volumetric=True, tile=(16, 16, 16)), "volumes"),
        ],
    )
    def test_what_would_lose_something_is_refused(self, file, content, reason):
        path = file(content)
        with pytest.raises(UnreadableFileError, match=reason) as raised:
            probe(path)
        assert raised.value.hint
        with pytest.raises(UnreadableFileError, match=reason):
            read_planes(path, [(0, None)])


class TestPixelSize:
    @pytest.mark.parametrize(
        ("unit", "size"), [("um", 0.25), ("micron", 0.25), ("nm", 0.00025), ("inch", None)]
    )
    def test_imagej_says_it_with_a_unit(self, file, unit, size):
        path = file(tiff(GREY8, imagej=True, resolution=(4, 4), metadata={"unit": unit}))
        assert probe(path).pixel_size_um == (None if size is None else pytest.approx(size))

    def test_imagej_without_a_resolution_says_nothing(self, file):
        assert probe(file(tiff(GREY8, imagej=True, metadata={"unit": "um"}))).pixel_size_um in {
            None,
            1.0,
        }

    def test_ome_says_it(self, file):
        metadata = {"PhysicalSizeX": 0.263, "PhysicalSizeXUnit": "µm"}
        path = file(tiff(GREY8, ome=True, metadata=metadata))
        assert probe(path).pixel_size_um == pytest.approx(0.263)

    def test_micro_manager_says_it(self, file):
        tag = (51123, 2, None, '{"PixelSizeUm": 0.5}', True)
        assert probe(file(tiff(GREY8, extratags=[tag]))).pixel_size_um == 0.5

    @pytest.mark.parametrize("content", ['{"PixelSizeUm": 0}', "{}", '{"PixelSizeUm": "x"}'])
    def test_what_makes_no_sense_is_not_taken(self, file, content):
        tag = (51123, 2, None, content, True)
        assert probe(file(tiff(GREY8, extratags=[tag]))).pixel_size_um is None

    def test_metamorph_says_it(self, file):
        description = (
            '<MetaData><PlaneInfo><prop id="spatial-calibration-state" type="bool" value="on"/>'
            '<prop id="spatial-calibration-x" type="float" value="0.1625"/>'
            '<prop id="spatial-calibration-units" type="string" value="um"/></PlaneInfo>'
            "</MetaData>"
        )
        path = file(tiff(GREY8, description=description, metadata=None, software="MetaSeries"))
        assert probe(path).pixel_size_um == pytest.approx(0.1625)

    def test_dots_per_inch_are_no_pixel_size(self, file):
        path = file(tiff(GREY8, resolution=(300, 300), resolutionunit="inch", metadata=None))
        assert probe(path).pixel_size_um is None


class TestOthers:
    def test_a_grey_jpeg_is_grey(self, file):
        pixels = np.full((16, 24), 77, np.uint8)
        assert_grey(file(pillow(Image.fromarray(pixels), "JPEG")), pixels, "JPEG")

    @pytest.mark.parametrize("options", [{}, {"progressive": True}])
    def test_a_jpeg_in_colors_has_three_planes(self, file, options):
        content = pillow(Image.fromarray(RGB8), "JPEG", quality=90, **options)
        decoded = np.array(Image.open(io.BytesIO(content)))
        path = file(content)
        assert probe(path) == Header("JPEG", "uint8", 9, 13, samples=3)
        planes = read_planes(path, [(0, sample) for sample in range(3)])
        assert np.abs(np.stack(planes, -1).astype(int) - decoded).max() <= 2

    def test_a_jpeg_for_printers_is_refused(self, file):
        image = Image.fromarray(np.zeros((8, 8, 4), np.uint8), "CMYK")
        with pytest.raises(UnreadableFileError, match="4 values for each pixel"):
            probe(file(pillow(image, "JPEG")))

    def test_a_grey_bmp_is_grey(self, file):
        assert_grey(file(pillow(Image.fromarray(GREY8), "BMP")), GREY8, "BMP")

    def test_a_black_and_white_bmp_is_grey(self, file):
        mask = np.eye(8, dtype=bool)
        path = file(pillow(Image.fromarray(mask), "BMP"))
        assert_grey(path, np.where(mask, 255, 0).astype(np.uint8), "BMP")

    def test_a_bmp_in_colors_has_three_planes(self, file):
        assert_colors(file(pillow(Image.fromarray(RGB8), "BMP")), RGB8, "BMP")

    def test_a_grey_gif_is_grey(self, file):
        assert_grey(file(pillow(Image.fromarray(GREY8), "GIF")), GREY8, "GIF")

    def test_a_gif_in_colors_has_three_planes(self, file):
        blocks = np.zeros((8, 8, 3), np.uint8)
        blocks[:4, :, 0] = 255
        blocks[4:, :, 1] = 128
        assert_colors(file(pillow(Image.fromarray(blocks), "GIF")), blocks, "GIF")

    def test_the_frames_of_a_gif_are_pages(self, file):
        frames = [Image.fromarray(np.full((8, 8), value, np.uint8)) for value in (0, 100, 200)]
        path = file(pillow(frames[0], "GIF", save_all=True, append_images=frames[1:]))
        assert probe(path) == Header("GIF", "uint8", 8, 8, pages=3)
        planes = read_planes(path, [(page, None) for page in range(3)])
        assert [int(plane.max()) for plane in planes] == [0, 100, 200]
        with pytest.raises(UnreadableFileError, match="it has 3 pages"):
            read_planes(path, [(3, None)])

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP"])
    def test_a_second_page_of_a_format_without_pages_is_an_error(self, file, kind):
        path = file(pillow(Image.fromarray(GREY8), kind))
        with pytest.raises(UnreadableFileError, match="a single image"):
            read_planes(path, [(1, None)])


class TestSamples:
    def test_three_equal_colors_can_be_read_as_one(self, file):
        path = file(imagecodecs.png_encode(np.stack([GREY16] * 3, axis=-1)))
        (plane,) = read_planes(path, [(0, -1)])
        np.testing.assert_array_equal(plane, GREY16)

    def test_different_colors_are_never_read_as_one(self, file):
        path = file(imagecodecs.png_encode(RGB16))
        for sample in (-1, None):
            with pytest.raises(UnreadableFileError, match="red, green and blue differ"):
                read_planes(path, [(0, sample)])

    def test_a_grey_file_has_no_colors(self, file):
        path = file(imagecodecs.png_encode(GREY8))
        with pytest.raises(UnreadableFileError, match="it is grey"):
            read_planes(path, [(0, 0)])
        np.testing.assert_array_equal(read_planes(path, [(0, -1)])[0], GREY8)


@pytest.mark.parametrize("name", ["a.tif", "a", "b c.jpg", "µ.txt"])
def test_the_name_does_not_matter(file, name):
    assert_grey(file(imagecodecs.png_encode(GREY8), name), GREY8, "PNG")


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_file_that_is_too_big_to_be_held_whole_is_read_as_the_others(file, kind):
    pixels = np.random.default_rng(2).integers(0, 65536, (3000, 3000), np.uint16)
    content = tiff(pixels) if kind == "TIFF" else imagecodecs.png_encode(pixels, level=0)
    assert len(content) > 16 << 20
    assert_grey(file(content), pixels, kind)


@pytest.mark.skipif(
    sys.platform != "linux", reason="no other system tells how much a thread has read"
)
class TestNoMoreIsReadThanIsWanted:
    """A folder may hold 90,000 files, on a network drive."""

    @staticmethod
    def bytes_read(read: Callable[[], object]) -> int:
        def so_far() -> int:
            told = Path("/proc/thread-self/io").read_text()
            return int(told.partition("rchar: ")[2].split()[0])

        before = so_far()
        read()
        return so_far() - before

    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_of_a_header(self, file, kind):
        pixels = np.random.default_rng(3).integers(0, 65536, (1000, 1000), np.uint16)
        path = file(tiff(pixels) if kind == "TIFF" else imagecodecs.png_encode(pixels, level=0))
        assert self.bytes_read(lambda: probe(path)) < 100_000

    def test_of_a_page_among_many(self, file):
        stack = np.random.default_rng(3).integers(0, 65536, (10, 500, 500), np.uint16)
        path = file(tiff(stack, photometric="minisblack"))
        for page in (0, 7):
            read = lambda page=page: read_planes(path, [(page, None)], pages=10)  # noqa: E731
            assert self.bytes_read(read) < 2 * stack[0].nbytes
