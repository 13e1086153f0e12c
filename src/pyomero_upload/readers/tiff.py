"""TIFF and BigTIFF, of either byte order, in strips or tiles, of whatever compression imagecodecs knows.

Values are kept as stored. What a palette, or «0 is white», is to show is the viewer's business: ImageJ and MetaMorph
write their look-up tables there. Stacks that they write behind a single directory are read page by page too.
"""

import json
import logging
from io import BytesIO
from typing import Any, BinaryIO, Final

import numpy as np
import tifffile
from numpy.typing import NDArray

from pyomero_upload.readers.header import BadImageError, Header, check
from pyomero_upload.readers.pixel_size import pixel_size_um
from pyomero_upload.readers.samples import drop_opaque_alpha
from pyomero_upload.readers.tiff_plain import decode_plain

_UNCOMPRESSED: Final = 1
_JPEG: Final = frozenset({6, 7})
_RGB: Final = 2
_YCBCR: Final = 6
_PLAIN: Final = frozenset({0, 1, _RGB, 3, 4})
_ALPHA: Final = frozenset({1, 2})
# MetaMorph's tag UIC2 has an entry for each plane of a stack.
_METAMORPH_PLANES: Final = 33629

# What tifffile logs about odd tags is not for the user: what matters is checked here and raised.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)


def header(file: BinaryIO) -> Header:
    """Read the first directory, and compare the second and the last with it."""
    with tifffile.TiffFile(file) as tif:
        first = _header_of(tif, 0)
        stack = _stack_length(tif)
        if stack:
            _place_in_stack(tif, stack - 1)
        count = stack or len(tif.pages)
        for page in {1, count - 1} - {0}:
            if page < len(tif.pages):
                _check_alike(first, _header_of(tif, page), page)
        return Header(
            first.format,
            first.dtype,
            first.height,
            first.width,
            first.samples,
            count,
            pixel_size_um(tif),
        )


def decode(file: BinaryIO, pages: set[int]) -> tuple[int, dict[int, NDArray[Any]]]:
    """Decode some pages."""
    if pages == {0} and isinstance(file, BytesIO):
        plain = decode_plain(file.getvalue())
        if plain is not None:
            return 1, {0: plain}
    with tifffile.TiffFile(file) as tif:
        first = _header_of(tif, 0)
        stack = _stack_length(tif)
        count = stack or len(tif.pages)
        if max(pages) >= count:
            raise BadImageError(f"it has {count} pages, not {max(pages) + 1}")
        if stack:
            return count, {page: _decode_in_stack(tif, page) for page in pages}
        decoded: dict[int, NDArray[Any]] = {}
        for page in sorted(pages):
            _check_alike(first, _header_of(tif, page), page)
            decoded[page] = _tidy(_page(tif, page).asarray(maxworkers=1), _page(tif, page))
        return count, decoded


def _page(tif: tifffile.TiffFile, index: int) -> tifffile.TiffPage:
    page = tif.pages[index]
    assert isinstance(page, tifffile.TiffPage)
    return page


def _header_of(tif: tifffile.TiffFile, index: int) -> Header:
    """Read one directory; refuse what would not be read without loss, and what is not all there."""
    page = _page(tif, index)
    if np.ndim(page.bitspersample):  # one number for each sample, where they differ
        raise BadImageError("its colours have different numbers of bits", "Save it as RGB.")
    if page.dtype is None:
        raise BadImageError(
            f"its pixels are of a type that is not known ({page.bitspersample} bits)"
        )
    is_color = page.photometric == _RGB or (
        page.photometric == _YCBCR and page.compression in _JPEG
    )
    if page.photometric not in _PLAIN and not is_color:
        raise BadImageError(
            f"its colours are of a rare sort ({getattr(page.photometric, 'name', page.photometric)})",
            "Save it as grey or RGB.",
        )
    if page.imagedepth != 1:
        raise BadImageError("its pages are volumes", "Save each plane as a page of its own.")
    samples = page.samplesperpixel
    if page.extrasamples and (is_color or page.extrasamples[-1] in _ALPHA):
        samples -= 1  # an alpha, which must turn out to be opaque
    dtype = "uint8" if page.dtype.kind == "b" else page.dtype.name
    found = check(Header("TIFF", dtype, page.imagelength, page.imagewidth, samples))
    _check_bytes(tif, page)
    return found


def _check_bytes(tif: tifffile.TiffFile, page: tifffile.TiffPage) -> None:
    """Make sure that all data are in the file: the decoder would put zeros for what is not."""
    offsets, counts = page.dataoffsets, page.databytecounts
    if not offsets or len(offsets) != len(counts) or 0 in counts or 0 in offsets:
        raise BadImageError("its pixels were never written, or only a part of them")
    end = max(offset + count for offset, count in zip(offsets, counts, strict=True))
    size = tif.filehandle.size
    if end > size:
        raise BadImageError(f"it is cut off: {size} of at least {end} bytes are there")
    if len(offsets) < int(np.prod(page.chunked)) and not page.is_contiguous:
        raise BadImageError("it is damaged: a part of its pixels stands nowhere")
    if page.compression == _UNCOMPRESSED:
        # Planes of separate colours have rows of their own; full bytes a row are the least there must be.
        row_bytes = page.imagewidth * page.bitspersample * page.samplesperpixel // 8
        if sum(counts) < row_bytes * page.imagelength:
            raise BadImageError("it is damaged: it has fewer bytes than pixels")


def _check_alike(first: Header, other: Header, page: int) -> None:
    if other != first:
        raise BadImageError(
            f"its pages differ: the first has {first.width} × {first.height} pixels of {first.dtype}, "
            f"page {page + 1} has {other.width} × {other.height} of {other.dtype}",
            "Save it without a preview image, or each page as a file of its own.",
        )


def _stack_length(tif: tifffile.TiffFile) -> int:
    """Return how many planes stand behind the single directory of an ImageJ or MetaMorph stack; 0 for other files."""
    if len(tif.pages) != 1:
        return 0
    first = _page(tif, 0)
    length = 1
    if tif.is_imagej:
        length = int((tif.imagej_metadata or {}).get("images", 1))
    elif tif.is_stk and _METAMORPH_PLANES in first.tags:
        length = first.tags[_METAMORPH_PLANES].count
    elif tif.is_shaped and not _says_one_plane(first):
        length = int(np.prod(tif.series[0].shape)) // int(np.prod(first.shape))
    return length if length > 1 else 0


def _says_one_plane(page: tifffile.TiffPage) -> bool:
    """Tell whether the shape that tifffile wrote into a description is that of the page; looking for series takes longer than all the rest."""
    try:
        shape = json.loads(page.description)["shape"]
    except (ValueError, KeyError, TypeError):
        return False
    return list(shape) == list(page.shape)


def _place_in_stack(tif: tifffile.TiffFile, index: int) -> tuple[int, int]:
    """Return where a page of a stack begins and how many bytes it has; its pages follow one another."""
    page = _page(tif, 0)
    if page.compression != _UNCOMPRESSED or not page.is_contiguous:
        raise BadImageError(
            "it is a compressed stack with a single directory", "Save it anew with ImageJ."
        )
    start = page.dataoffsets[0] + index * page.nbytes
    if start + page.nbytes > tif.filehandle.size:
        raise BadImageError(f"it is cut off: page {index + 1} is not all there")
    return start, page.nbytes


def _decode_in_stack(tif: tifffile.TiffFile, index: int) -> NDArray[Any]:
    page = _page(tif, 0)
    start, length = _place_in_stack(tif, index)
    assert page.dtype is not None
    tif.filehandle.seek(start)
    pixels = np.frombuffer(tif.filehandle.read(length), page.dtype.newbyteorder(tif.byteorder))
    return _tidy(pixels.reshape(page.shape), page)


def _tidy(pixels: NDArray[Any], page: tifffile.TiffPage) -> NDArray[Any]:
    """Return a page as (y, x) or (y, x, 3)."""
    if pixels.ndim == 3 and page.planarconfig == 2:
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.dtype.kind == "b":
        pixels = pixels.astype(np.uint8)
    return drop_opaque_alpha(pixels)
