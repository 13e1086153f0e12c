"""Exporter: an image as an OME-TIFF file, made on the server and fetched in pieces."""

# Operations have the names and parameters of Slice, whether they need them or not.

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from omero.model import IObject
from omero.rtypes import unwrap
from sqlalchemy import select

from omero_embedded import errors, permissions, tables
from omero_embedded.call import Call
from omero_embedded.loading import Loader
from omero_embedded.pixels.description import Description, describe
from omero_embedded.pixels.errors import PixelsError
from omero_embedded.pixels.faults import as_omero
from omero_embedded.pixels.graphs import load_pixels
from omero_embedded.pixels.repository import PixelsFile, open_pixels
from omero_embedded.schema import UNITS
from omero_embedded.wire.registry import stateful

_MOST_AT_ONCE = 1 << 20
"""Bytes that one `read` may ask for."""


@dataclass(frozen=True, slots=True)
class _Chosen:
    """An image to export, and what is known of its Pixels."""

    image: IObject
    pixels: IObject
    description: Description


@stateful("omero.api.Exporter")
class Exporter:
    """One client's export: images are chosen, then one file is made of them, then it is read.

    The steps and what is refused when are those of the real server (ome.services.blitz.impl.ExporterI).
    """

    def __init__(self) -> None:
        self._images: list[int] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._file: Path | None = None

    def addImage(self, call: Call, id: int) -> None:  # Slice's name
        """Choose an image; whether there is one is looked at when the file is made."""
        self._check_nothing_made()
        self._images.append(id)

    def generateTiff(self, call: Call) -> int:
        """Make the OME-TIFF file of the one image chosen and return its size in bytes."""
        self._check_nothing_made()
        chosen = [_chosen(call, image) for image in self._images]
        if len(chosen) != 1:
            raise errors.api_usage(f"Only one image supported for TIFF, not {len(chosen)}")
        path = self._place("export.ome.tiff")
        _write_tiff(call, chosen[0], path)
        return self._made(path)

    def generateXml(self, call: Call) -> int:
        """Make the OME-XML of the images chosen, without their planes, and return its size in bytes."""
        self._check_nothing_made()
        xml = _xml([_chosen(call, image) for image in self._images])
        path = self._place("export.ome.xml")
        path.write_text(xml, encoding="utf-8")
        return self._made(path)

    def read(self, call: Call, position: int, length: int) -> bytes:
        """Return `length` bytes of what was made, from `position` on: nought where the file ends, none behind its end."""
        if self._file is None:
            raise errors.api_usage("Call a generate method first")
        if length > _MOST_AT_ONCE:
            raise errors.internal(f"Max read size is: {_MOST_AT_ONCE}")
        if position < 0 or length < 0:
            raise errors.internal(f"Cannot read {length} bytes at {position}.")
        with self._file.open("rb") as file:
            file.seek(position)
            data = file.read(length)
        return data.ljust(length, b"\0") if data else data

    def close(self, call: Call) -> None:
        """Remove what was made."""
        self._images, self._file = [], None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _check_nothing_made(self) -> None:
        if self._file is not None:
            raise errors.api_usage("Cannot configure during output")

    def _place(self, name: str) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="omero-export-")
        return Path(self._folder.name) / name

    def _made(self, path: Path) -> int:
        self._file = path
        return path.stat().st_size


def _chosen(call: Call, image_id: int) -> _Chosen:
    """Return an image with its first Pixels.

    Raises
    ------
    omero.ApiUsageException
        If there is none, or it has no Pixels, or it may not be read.
    """
    images = tables.table("Image")
    query = select(images.c.id).where(images.c.id == image_id)
    condition = permissions.readable(call, "Image", images)
    loader = Loader(call)
    if call.db.scalar(query if condition is None else query.where(condition)) is not None:
        image = loader.object("Image", image_id)
        found = loader.fetch([image], "pixels")
        description = describe(call, found[0].id.val) if found else None
        pixels = None if description is None else load_pixels(call, description.id)
        if image is not None and pixels is not None and description is not None:
            return _Chosen(image, pixels, description)
    raise errors.api_usage(f"Cannot load image: {image_id}")


CLASSIC = 2**31
"""Bytes of pixels up to which a file is classic TIFF, which more programs read than BigTIFF."""


def _write_tiff(call: Call, chosen: _Chosen, path: Path) -> None:
    """Write an image as OME-TIFF; planes that were never written are nought."""
    import tifffile  # noqa: PLC0415  # slow to import, only for exports

    description = chosen.description
    try:
        file = open_pixels(call.server.folder, description)
    except PixelsError as error:
        raise as_omero(error) from error
    x, y, z, c, t = description.sizes
    dtype = description.dimensions.type.dtype.newbyteorder(">")
    large = description.dimensions.total_size > CLASSIC
    try:
        with tifffile.TiffWriter(path, bigtiff=large, byteorder=">", ome=True) as tiff:
            tiff.write(
                _planes(file, description, dtype),
                shape=(t, c, z, y, x),
                dtype=dtype,
                photometric="minisblack",
                metadata=_metadata(chosen.image, chosen.pixels),
            )
    except PixelsError as error:
        raise as_omero(error) from error
    finally:
        file.close()


def _xml(chosen: Sequence[_Chosen]) -> str:
    """Return OME-XML that says of each image that its planes are elsewhere."""
    import tifffile  # noqa: PLC0415  # slow to import, only for exports

    made = tifffile.OmeXml()
    for one in chosen:
        x, y, z, c, t = one.description.sizes
        made.addimage(
            one.description.dimensions.type.dtype,
            (t, c, z, y, x),
            (t * c * z, 1, 1, y, x, 1),
            **_metadata(one.image, one.pixels),
        )
    xml: str = made.tostring(declaration=True)
    return re.sub(r"<TiffData [^>]*/>", "<MetadataOnly/>", xml)


def _planes(
    file: PixelsFile, description: Description, dtype: np.dtype[Any]
) -> Iterator[np.ndarray[Any, Any]]:
    _, _, size_z, size_c, size_t = description.sizes
    for t in range(size_t):
        for c in range(size_c):
            for z in range(size_z):
                yield file.plane(z, c, t).astype(dtype)


def _metadata(image: IObject, pixels: IObject) -> dict[str, Any]:
    """Return what the file says of the image, as tifffile takes it."""
    said: dict[str, Any] = {"axes": "TCZYX", "Name": unwrap(image.name)}
    if image.description is not None:
        said["Description"] = unwrap(image.description)
    for name in ("PhysicalSizeX", "PhysicalSizeY", "PhysicalSizeZ", "TimeIncrement"):
        value = getattr(pixels, name[0].lower() + name[1:])
        if value is not None:
            unit = UNITS["Time" if name == "TimeIncrement" else "Length"]
            said[name] = value.getValue()
            said[f"{name}Unit"] = unit.symbols[str(value.getUnit())]
    names = [unwrap(channel.logicalChannel.name) for channel in pixels.copyChannels()]
    if any(names):
        said["Channel"] = {"Name": [name or "" for name in names]}
    return said
