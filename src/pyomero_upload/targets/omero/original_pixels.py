"""The pixels of files that are imported as they are: what the server is to find in them.

Stands below `fileset`. The server's digest of an imported image is the SHA-1 over its planes in the order t, c, z, each in
the byte order of the file. The same is computed here with other libraries than the server's, for files of which there is
one way to read them: TIFF and OME-TIFF, OME-Zarr, grey and RGB PNG and BMP. Of all others there is no digest; lossy
compression, palettes and transparency are each reader's own affair.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import PIL.Image
import tensorstore
import tifffile
from numpy.typing import NDArray

from pyomero_upload.model import Sizes
from pyomero_upload.targets.omero.original_files import TIFF_SIGNATURES

ReadPage = Callable[[tuple[int, ...]], NDArray[Any]]
"""Returns the page at an index into the axes before y and x (and samples): shape (y, x), (y, x, s) or (s, y, x)."""

_TYPES: Final = frozenset({"u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"})
_JPEG: Final = frozenset({6, 7})
_MINISBLACK, _RGB = 1, 2
# Axes of pages that nobody named are taken for time points.
_UNNAMED: Final = {"I": "T", "Q": "T"}


class PixelDigest(NamedTuple):
    """What one image's pixels are: sizes, and SHA-1 over the planes t, c, z in the file's byte order."""

    sizes: Sizes
    sha1: str


def pixel_digests(files: Sequence[Path]) -> tuple[PixelDigest, ...]:
    """Read files that belong together and return the digest of each image in them.

    Parameters
    ----------
    files
        The files, whole; the first leads to the others.

    Returns
    -------
    tuple of PixelDigest
        In the order of the images in the file; none where only the server can tell.

    Raises
    ------
    OSError
        If a file cannot be read.

    """
    first = files[0]
    if first.name in {"zarr.json", ".zattrs", ".zgroup"}:
        found = _of_zarr(first.parent)
        return () if found is None else (found,)
    with first.open("rb") as file:
        start = file.read(4)
    try:
        if start.startswith(TIFF_SIGNATURES):
            return _of_tiff(first)
        return _of_picture(first)
    except (ValueError, IndexError, KeyError, RuntimeError, tifffile.TiffFileError):
        return ()  # not a file that can be read in one way only


# ------------------------------------------------------------ TIFF
def _of_tiff(path: Path) -> tuple[PixelDigest, ...]:
    with tifffile.TiffFile(path) as tiff:
        if not tiff.is_ome and len(tiff.series) > 1:
            return ()
        found = [_of_series(series, tiff.byteorder) for series in tiff.series]
    return tuple(digest for digest in found if digest is not None) if None not in found else ()


def _of_series(series: tifffile.TiffPageSeries, order: str) -> PixelDigest | None:
    key = series.keyframe
    plain = (
        key.photometric in {_MINISBLACK, _RGB}
        and key.compression not in _JPEG
        and not key.extrasamples
        and key.bitspersample == series.dtype.itemsize * 8
        and series.dtype.str[1:] in _TYPES
    )
    read = _page_reader(series)
    if not plain or read is None:
        return None
    return _digest(
        read, series.axes, series.shape, series.dtype.newbyteorder("<" if order == "<" else ">")
    )


def _page_reader(series: tifffile.TiffPageSeries) -> ReadPage | None:
    """Return what reads a page of a series: from its own page, or out of the block that follows the first."""
    before = [n for axis, n in zip(series.axes, series.shape, strict=True) if axis not in "YXS"]
    count = int(np.prod(before, dtype=np.int64))
    if len(series.pages) == count and None not in list(series.pages):

        def read(index: tuple[int, ...]) -> NDArray[Any]:
            page = series.pages[int(np.ravel_multi_index(index, before)) if before else 0]
            assert page is not None
            return np.asarray(page.asarray(maxworkers=1))

        return read
    if series.dataoffset is None or series.axes[-2:] != "YX":
        return None
    block = series.asarray(out="memmap").reshape(series.shape)
    return lambda index: np.asarray(block[index])


# ------------------------------------------------------------ OME-Zarr
def _of_zarr(group: Path) -> PixelDigest | None:
    """Return the digest of the full resolution of an OME-Zarr that holds one image; None of any other Zarr."""
    third = (group / "zarr.json").is_file()
    content = json.loads(
        (group / ("zarr.json" if third else ".zattrs")).read_text(encoding="utf-8")
    )
    attributes = content.get("attributes", {}).get("ome", {}) if third else content
    scales = attributes.get("multiscales") or []
    if len(scales) != 1:
        return None
    names = "".join(
        axis["name"] if isinstance(axis, dict) else axis for axis in scales[0].get("axes", "tczyx")
    )
    if not names.endswith("yx") or not set(names) <= set("tczyx"):
        return None
    place = group / scales[0]["datasets"][0]["path"]
    if not third and json.loads((place / ".zarray").read_text(encoding="utf-8"))["dtype"][0] == ">":
        return None
    spec = {
        "driver": "zarr3" if third else "zarr",
        "kvstore": {"driver": "file", "path": f"{place.as_posix()}/"},
    }
    array = tensorstore.open(spec, open=True, read=True).result()
    dtype = np.dtype(array.dtype.numpy_dtype).newbyteorder("<")
    if dtype.str[1:] not in _TYPES:
        return None
    return _digest(
        lambda index: np.asarray(array[index].read().result()), names.upper(), array.shape, dtype
    )


# ------------------------------------------------------------ pictures
def _of_picture(path: Path) -> tuple[PixelDigest, ...]:
    try:
        with PIL.Image.open(path, formats=("PNG", "BMP")) as picture:
            if picture.mode not in {"L", "I;16", "RGB"} or getattr(picture, "n_frames", 1) > 1:
                return ()
            pixels = np.asarray(picture)
    except (PIL.UnidentifiedImageError, PIL.Image.DecompressionBombError):
        return ()
    axes = "YXS" if pixels.ndim == 3 else "YX"
    return (_digest(lambda _index: pixels, axes, pixels.shape, pixels.dtype.newbyteorder(">")),)


# ------------------------------------------------------------ digest
def _digest(read: ReadPage, axes: str, shape: Sequence[int], dtype: np.dtype[Any]) -> PixelDigest:
    """Read all planes in the order t, c, sample, z; samples are channels of their own.

    Raises
    ------
    ValueError
        If an axis is none of t, c, z, y, x and samples, or occurs twice.

    """
    names = [_UNNAMED.get(axis, axis) for axis in axes]
    if len(set(names)) < len(names) or not set(names) <= set("TCZYXS"):
        raise ValueError(f"Axes {axes}")
    size = {axis: shape[names.index(axis)] if axis in names else 1 for axis in "TCZYXS"}
    leading = [name for name in names if name not in "YXS"]
    samples_last = names[-1] == "S"
    digest = hashlib.sha1(usedforsecurity=False)
    for t, c, s, z in np.ndindex(size["T"], size["C"], size["S"], size["Z"]):
        at = {"T": t, "C": c, "Z": z}
        page = read(tuple(at[name] for name in leading))
        if page.ndim == 3:
            page = page[..., s] if samples_last else page[s]
        digest.update(np.ascontiguousarray(page, dtype).reshape(-1).view(np.uint8).data)
    sizes = Sizes(size["T"], size["C"] * size["S"], size["Z"], size["Y"], size["X"])
    return PixelDigest(sizes, digest.hexdigest())
