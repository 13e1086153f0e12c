"""An import once its files have arrived: images read, their planes written, rows made of what they say.

Planes are read and written before the database is asked for anything, so nobody waits for that; they
get to their final place once the rows are in.
"""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import omero
import omero.cmd
import omero.grid
import omero.model
from omero.rtypes import rstring, unwrap

from omero_embedded import errors, saving
from omero_embedded.call import Call
from omero_embedded.files.images import ImageFound, PlaneFound, UnreadableImageError
from omero_embedded.files.place import StoredFile
from omero_embedded.files.readers import read_images
from omero_embedded.initial import ENUMERATIONS
from omero_embedded.loading import Loader
from omero_embedded.pixels.description import describe
from omero_embedded.pixels.dimensions import Dimensions
from omero_embedded.pixels.levels import new_levels
from omero_embedded.pixels.planes import PlaneFile
from omero_embedded.pixels.pyramid import TILE, PyramidFile, files_of, requires_pyramid
from omero_embedded.pixels.repository import import_folder, pixels_path
from omero_embedded.pixels.statistics import extremes
from omero_embedded.pixels.types import pixel_type
from omero_embedded.power import secure
from omero_embedded.rendering.reset import reset_to_known_range
from omero_embedded.wire.handles import refused
from omero_embedded.wire.registry import command

GREY = (128, 128, 128, 255)
_NAMESPACE = "openmicroscopy.org/omero/client/mapAnnotation"


class ImportRequest(omero.grid.ImportRequest):  # type: ignore[misc]  # generated code is untyped
    """The request that an `ImportProcess` begins once its files have arrived; clients cannot make one."""

    def __init__(
        self,
        fileset: int,
        files: Sequence[StoredFile],
        settings: "omero.grid.ImportSettings",
    ) -> None:
        super().__init__(settings=settings)
        self.fileset = fileset
        self.files = files


@dataclass(frozen=True)
class Written:
    """An image whose planes wait on disk.

    Parameters
    ----------
    found
        What the file says.
    path
        Where the planes are until the rows are in.
    extents
        Lowest and highest value of each channel.
    sha1
        Over the planes in the order t, c, z and in the file's byte order.
    """

    found: ImageFound
    path: Path
    extents: tuple[tuple[float, float], ...]
    sha1: str


@command("omero.cmd.ImportRequest")
class Import:
    """Carries out an import."""

    def __init__(self, request: "omero.grid.ImportRequest") -> None:
        self._request = request

    def run(self, call: Call) -> "omero.grid.ImportResponse":
        """Read the images, write their planes and make their rows."""
        request = self._request
        if not isinstance(request, ImportRequest):
            raise refused(
                "graph-fail", "unknown-request", {"message": "Imports begin at a repository."}
            )
        folder = import_folder(call.server.folder)
        try:
            written = _write_all([file.path for file in request.files], folder)
            secure(call, *(file for image in written for file in files_of(image.path)))
            pixels = [
                _insert_image(call, request, index, image, len(written))
                for index, image in enumerate(written)
            ]
        except UnreadableImageError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise refused("omero.cmd.ERR", "error-on-init", {"message": str(error)}) from error
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        moves = [
            (file, target.with_name(file.name.replace(image.path.name, target.name, 1)))
            for image, target in zip(
                written, (pixels_path(call.server.folder, i) for i in pixels), strict=True
            )
            for file in files_of(image.path)
            if file.exists()
        ]
        call.after_commit(lambda: _move(folder, moves))
        loader = Loader(call)
        made = list(loader.objects("Pixels", pixels).values())
        loader.fetch(made, "pixelsType")
        return omero.grid.ImportResponse(made, loader.fetch(made, "image"))


# ------------------------------------------------------------ planes
def _write_all(paths: Sequence[Path], folder: Path) -> list[Written]:
    return [_write(image, folder / str(i)) for i, image in enumerate(read_images(paths))]


def _write(found: ImageFound, path: Path) -> Written:
    """Write all planes of an image to disk."""
    d = Dimensions(*found.sizes, pixel_type(found.type_name))
    pyramid = requires_pyramid(d) and not found.smaller
    file = PyramidFile(path, d) if pyramid else PlaneFile(path, d)
    digest = hashlib.sha1(usedforsecurity=False)
    seen: list[list[float]] = [[] for _ in range(d.c)]
    try:
        for t in range(d.t):
            for c in range(d.c):
                for z in range(d.z):
                    plane = found.plane(z, c, t)
                    digest.update(plane.astype(found.dtype).tobytes())
                    seen[c] += extremes(plane)
                    _write_plane(file, plane.astype(d.type.dtype), (z, c, t))
    finally:
        file.close()
    _write_smaller(found, path, d)
    extents = tuple((min(values), max(values)) for values in seen)
    return Written(found, path, extents, digest.hexdigest())


def _write_smaller(found: ImageFound, path: Path, d: Dimensions) -> None:
    """Write the smaller resolutions that the file brings."""
    sizes = [(level.width, level.height) for level in found.smaller]
    if not sizes:
        return
    for level, file in zip(found.smaller, new_levels(path, d, sizes), strict=True):
        try:
            for t in range(d.t):
                for c in range(d.c):
                    for z in range(d.z):
                        _write_plane(file, level.plane(z, c, t).astype(d.type.dtype), (z, c, t))
        finally:
            file.close()


def _write_plane(file: PlaneFile | PyramidFile, plane: Any, position: tuple[int, int, int]) -> None:
    if isinstance(file, PlaneFile):
        file.write(file.dimensions.plane_offset(*position), plane.tobytes())
        return
    height, width = plane.shape
    for y in range(0, height, TILE):
        for x in range(0, width, TILE):
            part = plane[y : y + TILE, x : x + TILE]
            file.write_tile(part.tobytes(), position, (x, y, part.shape[1], part.shape[0]))


def _move(folder: Path, moves: Sequence[tuple[Path, Path]]) -> None:
    for source, target in moves:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
    shutil.rmtree(folder, ignore_errors=True)


# ------------------------------------------------------------ rows
def _insert_image(
    call: Call, request: ImportRequest, index: int, image: Written, count: int
) -> int:
    """Make the rows of an image; return the id of its Pixels."""
    found, settings = image.found, request.settings
    image_id = saving.insert(
        call,
        "Image",
        name=_name(request, found, index, count),
        description=unwrap(settings.userSpecifiedDescription) or found.description,
        acquisitionDate=found.acquired,
        series=index,
        fileset=request.fileset,
        format=ENUMERATIONS["Format"].get(found.format_name or ""),
    )
    x, y, z, c, t = found.sizes
    physical_x, physical_y, physical_z = found.physical_sizes
    pixels = saving.insert(
        call,
        "Pixels",
        image=image_id,
        image_index=0,
        pixelsType=ENUMERATIONS["PixelsType"][found.type_name],
        dimensionOrder=ENUMERATIONS["DimensionOrder"]["XYZCT"],
        sizeX=x,
        sizeY=y,
        sizeZ=z,
        sizeC=c,
        sizeT=t,
        sha1=image.sha1,
        significantBits=found.significant_bits,
        physicalSizeX=physical_x,
        physicalSizeY=physical_y,
        physicalSizeZ=physical_z,
        timeIncrement=found.time_increment,
    )
    # What an import makes has no version, unlike what the server makes of its own accord.
    saving.change(call, "Image", image_id, version=None)
    saving.change(call, "Pixels", pixels, version=None)
    for place in range(c):
        _insert_channel(call, pixels, place, image)
    for plane in found.planes:
        _insert_plane_info(call, pixels, plane)
    saving.insert(call, "PixelsOriginalFileMap", parent=request.files[0].id, child=pixels)
    _annotate(call, image_id, found, settings)
    description = describe(call, pixels)
    assert description is not None
    reset_to_known_range(call, description)
    return pixels


def _name(request: ImportRequest, found: ImageFound, index: int, count: int) -> str:
    """Return an image's name: the client's or the file's, with its own where the file holds several."""
    file = request.files[0].path.name
    wished = unwrap(request.settings.userSpecifiedName)
    if wished:
        return f"{wished} [{found.name or index + 1}]" if count > 1 else str(wished)
    if found.name and (count > 1 or found.format_name is None):
        return f"{file} [{found.name}]" if found.format_name is not None else found.name
    return file


def _insert_channel(call: Call, pixels: int, place: int, image: Written) -> None:
    known = image.found.channels[place] if place < len(image.found.channels) else None
    logical = saving.insert(
        call,
        "LogicalChannel",
        name=None if known is None else known.name,
        emissionWave=None if known is None else known.emission,
        excitationWave=None if known is None else known.excitation,
    )
    low, high = image.extents[place]
    stats = saving.insert(call, "StatsInfo", globalMin=low, globalMax=high)
    colour = None if known is None else known.colour
    if colour is None and image.found.sizes[3] == 1 and (known is None or known.emission is None):
        colour = GREY
    red, green, blue, alpha = colour or (None, None, None, None)
    saving.insert(
        call,
        "Channel",
        pixels=pixels,
        pixels_index=place,
        logicalChannel=logical,
        statsInfo=stats,
        red=red,
        green=green,
        blue=blue,
        alpha=alpha,
    )


def _insert_plane_info(call: Call, pixels: int, plane: PlaneFound) -> None:
    saving.insert(
        call,
        "PlaneInfo",
        pixels=pixels,
        theZ=plane.z,
        theC=plane.c,
        theT=plane.t,
        deltaT=plane.delta_t,
        exposureTime=plane.exposure,
        positionX=plane.x,
        positionY=plane.y,
        positionZ=plane.stage_z,
    )


def _annotate(
    call: Call, image: int, found: ImageFound, settings: "omero.grid.ImportSettings"
) -> None:
    """Link the annotations that the file and the client ask for, and put the image into its dataset."""
    links: list[Any] = []
    annotations = [*map(_tag, found.tags), *map(_map, found.pairs)]
    for annotation in [*annotations, *(settings.userSpecifiedAnnotationList or [])]:
        link = omero.model.ImageAnnotationLinkI()
        link.parent, link.child = omero.model.ImageI(image, False), annotation
        links.append(link)
    target = settings.userSpecifiedTarget
    if target is not None:
        if not isinstance(target, omero.model.Dataset):
            raise errors.api_usage("Images can be imported into a Dataset.")
        link = omero.model.DatasetImageLinkI()
        link.parent = omero.model.DatasetI(target.id.val, False)
        link.child = omero.model.ImageI(image, False)
        links.append(link)
    if links:
        saving.save(call, links)


def _tag(text: str) -> Any:
    tag = omero.model.TagAnnotationI()
    tag.textValue = rstring(text)
    return tag


def _map(pairs: Sequence[tuple[str, str]]) -> Any:
    annotation = omero.model.MapAnnotationI()
    annotation.ns = rstring(_NAMESPACE)
    annotation.mapValue = [omero.model.NamedValue(name, value) for name, value in pairs]
    return annotation
