"""Exporter: an image as an OME-TIFF file, made on the server and fetched in pieces."""

# Operations have the names and parameters of Slice, whether they need them or not.

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from omero.model import IObject
from omero.rtypes import unwrap

from omero_embedded import errors, permissions
from omero_embedded.call import Call
from omero_embedded.loading import Loader
from omero_embedded.pixels.description import Description, describe
from omero_embedded.pixels.graphs import load_pixels
from omero_embedded.pixels.repository import PixelsFile
from omero_embedded.rendering.reset import opened
from omero_embedded.schema import UNITS
from omero_embedded.wire.registry import stateful


@stateful("omero.api.Exporter")
class Exporter:
    """One client's export of one image."""

    def __init__(self) -> None:
        self._image: int | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._file: Path | None = None

    def addImage(self, call: Call, id: int) -> None:  # Slice's name
        """Choose the image; one at a time."""
        if self._image is not None:
            raise errors.api_usage("Only one image is supported for export.")
        if not permissions.check_readable(call, "Image", id):
            raise errors.missing_row("ome.model.core.Image", id)
        self._image = id

    def generateTiff(self, call: Call) -> int:
        """Make the OME-TIFF file and return its size in bytes."""
        return self._made(_write_tiff(call, self._chosen, self._place("export.ome.tiff")))

    def generateXml(self, call: Call) -> int:
        """Make the OME-XML of the image, without its planes, and return its size in bytes."""
        import tifffile  # noqa: PLC0415  # slow to import, only for exports

        path = _write_tiff(call, self._chosen, self._place("export.ome.tiff"))
        with tifffile.TiffFile(path) as tiff:
            xml = tiff.ome_metadata or ""
        place = self._place("export.ome.xml")
        place.write_text(xml, encoding="utf-8")
        return self._made(place)

    def read(self, call: Call, position: int, length: int) -> bytes:
        """Return up to `length` bytes of what was made, from `position` on."""
        if self._file is None:
            raise errors.api_usage("Call generateTiff or generateXml first.")
        if position < 0 or length < 0:
            raise errors.api_usage(f"Cannot read {length} bytes at {position}.")
        with self._file.open("rb") as file:
            file.seek(position)
            return file.read(length)

    def close(self, call: Call) -> None:
        """Remove what was made."""
        self._image, self._file = None, None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    @property
    def _chosen(self) -> int:
        if self._image is None:
            raise errors.api_usage("Call addImage first.")
        return self._image

    def _place(self, name: str) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="omero-export-")
        return Path(self._folder.name) / name

    def _made(self, path: Path) -> int:
        self._file = path
        return path.stat().st_size


CLASSIC = 2**31
"""Bytes of pixels up to which a file is classic TIFF, which more programs read than BigTIFF."""


def _write_tiff(call: Call, image_id: int, path: Path) -> Path:
    """Write an image as OME-TIFF and return the path."""
    import tifffile  # noqa: PLC0415  # slow to import, only for exports

    loader = Loader(call)
    image = loader.object("Image", image_id)
    found = loader.fetch([image], "pixels")
    if image is None or not found:
        raise errors.validation(f"Image {image_id} has no pixels.")
    description = describe(call, found[0].id.val)
    pixels = load_pixels(call, found[0].id.val)
    if description is None or pixels is None:
        raise errors.validation(f"Cannot read pixels id={found[0].id.val}")
    x, y, z, c, t = description.sizes
    dtype = description.dimensions.type.dtype.newbyteorder(">")
    large = description.dimensions.total_size > CLASSIC
    with (
        opened(call, description) as file,
        tifffile.TiffWriter(path, bigtiff=large, byteorder=">", ome=True) as tiff,
    ):
        tiff.write(
            _planes(file, description, dtype),
            shape=(t, c, z, y, x),
            dtype=dtype,
            photometric="minisblack",
            metadata=_metadata(image, pixels),
        )
    return path


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
