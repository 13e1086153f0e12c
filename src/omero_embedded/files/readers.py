"""Images out of files: TIFF and OME-TIFF, OME-Zarr, and the plain pictures that Pillow reads.

Formats are told by content. What no reader knows raises `UnreadableImageError`, which says what is read.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from omero_embedded.files.images import (
    ImageFound,
    Plane,
    SmallerFound,
    UnreadableImageError,
    type_name_of,
)
from omero_embedded.files.ome_xml import with_metadata
from omero_embedded.files.ome_zarr import find_image, read_zarr

READ = "TIFF, OME-TIFF, OME-Zarr, PNG, JPEG, GIF and BMP"

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PICTURES = {"PNG": "APNG", "JPEG": "JPEG", "GIF": "GIF", "BMP": "BMP"}
# Bio-Formats takes a row of pages without further word for time points, as we do.
_AXES = {"I": "T", "Q": "T", "S": "C"}


def read_images(paths: Sequence[Path]) -> list[ImageFound]:
    """Return the images in files that belong together.

    Parameters
    ----------
    paths
        The files. The first one is read, with the others it refers to; of an OME-Zarr all are its parts.

    Raises
    ------
    UnreadableImageError
        If there is no image in them, or one that is cut off.
    """
    group = find_image(paths)
    if group is not None:
        return [read_zarr(group)]
    path = paths[0]
    with path.open("rb") as file:
        start = file.read(4)
    try:
        return _read_tiff(path) if start in _TIFF else _read_picture(path)
    except UnreadableImageError:
        raise
    except (OSError, ValueError, IndexError, KeyError, RuntimeError) as error:
        raise UnreadableImageError(f"{path.name} cannot be read ({error}); {READ} are.") from error


# ------------------------------------------------------------ TIFF
def _read_tiff(path: Path) -> list[ImageFound]:
    import tifffile  # noqa: PLC0415  # slow to import, only for imports

    with tifffile.TiffFile(path) as tiff:
        xml = tiff.ome_metadata
        found = []
        for index, series in enumerate(tiff.series):
            _check_complete(path, tiff)
            format_name = "OMETiff" if xml else "TiffDelegate"
            image, *smaller = [
                _of_level(level, tiff.byteorder, format_name) for level in series.levels
            ]
            image = replace(image, smaller=_smaller(image, smaller))
            found.append(with_metadata(image, xml, index) if xml else image)
            if not xml:
                break
    if not found:
        raise UnreadableImageError(f"{path.name} is a TIFF without an image; {READ} are read.")
    return found


def _of_level(level: Any, byteorder: str, format_name: str) -> ImageFound:
    """Make an image of one resolution of a series."""
    values = level.asarray(out="memmap")
    dtype = np.dtype(values.dtype).newbyteorder(byteorder)
    return _of_array(values, str(level.axes), dtype, format_name)


def _smaller(full: ImageFound, others: Sequence[ImageFound]) -> tuple[SmallerFound, ...]:
    """Return those of other resolutions that are smaller in the plane and the same across it."""
    return tuple(
        SmallerFound(*other.sizes[:2], other.plane)
        for other in others
        if other.sizes[2:] == full.sizes[2:] and other.type_name == full.type_name
    )


def _check_complete(path: Path, tiff: Any) -> None:
    """Raise `UnreadableImageError` where data that a page speaks of lie beyond the end of the file."""
    size = path.stat().st_size
    for page in tiff.pages:
        ends = (o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False))
        if max(ends, default=0) > size:
            raise UnreadableImageError(f"{path.name} is cut off: its data go on beyond its end.")


def _of_array(
    values: Plane, axes: str, dtype: np.dtype[Any], format_name: str | None
) -> ImageFound:
    """Make an image of an array with named axes."""
    names = [_AXES.get(axis, axis) for axis in axes]
    if len(set(names)) < len(names) and "S" in axes and values.shape[axes.index("S")] == 1:
        values = values.take(0, axes.index("S"))
        names.pop(axes.index("S"))
    if len(set(names)) < len(names) or not set(names) <= set("TCZYX"):
        raise UnreadableImageError(f"Axes {axes} cannot be stored; T, C, Z, Y and X can.")
    order = [names.index(axis) for axis in "TCZYX" if axis in names]
    ordered = values.transpose(order)
    shape = [values.shape[names.index(axis)] if axis in names else 1 for axis in "TCZYX"]
    ordered = ordered.reshape(shape)
    t, c, z, y, x = shape
    return ImageFound(
        name=None,
        sizes=(x, y, z, c, t),
        type_name=type_name_of(dtype),
        dtype=dtype,
        plane=lambda z, c, t: ordered[t, c, z],
        format_name=format_name,
        significant_bits=None if dtype.kind == "f" else dtype.itemsize * 8,
    )


# ------------------------------------------------------------ pictures
def _read_picture(path: Path) -> list[ImageFound]:
    from PIL import Image, ImageSequence, UnidentifiedImageError  # noqa: PLC0415

    try:
        with Image.open(path) as picture:
            if picture.format not in _PICTURES:
                raise UnreadableImageError(
                    f"{path.name} is a {picture.format} file; {READ} are read."
                )
            format_name = _PICTURES[picture.format]
            frames = [_pixels(frame) for frame in ImageSequence.Iterator(picture)]
    except UnidentifiedImageError:
        raise UnreadableImageError(f"{path.name} is no image that is read; {READ} are.") from None
    values = np.stack(frames)
    axes = "TYX" if values.ndim == 3 else "TYXS"
    return [_of_array(values, axes, values.dtype.newbyteorder(">"), format_name)]


def _pixels(frame: Any) -> Plane:
    """Return the values of a picture: palettes become colours, black and white 0 and 255."""
    if frame.mode in ("P", "PA"):
        frame = frame.convert("RGB")
    elif frame.mode == "1":
        frame = frame.convert("L")
    values = np.asarray(frame)
    return values.astype(np.uint16) if frame.mode == "I" else values
