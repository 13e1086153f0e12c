"""Projection: one plane out of a stack, as bytes or as an image of its own."""

# Operations have the names and parameters of Slice, whether they need them or not.

from collections.abc import Sequence

import omero
import omero.model
from omero.model import IObject
from omero.rtypes import rint, unwrap

from omero_embedded import errors, saving
from omero_embedded.call import Call, writing
from omero_embedded.loading import Loader
from omero_embedded.pixels.description import Description, describe
from omero_embedded.pixels.errors import PixelsError
from omero_embedded.pixels.faults import as_omero
from omero_embedded.pixels.graphs import value_of
from omero_embedded.pixels.repository import PixelsFile, open_pixels
from omero_embedded.pixels.service import PixelsService
from omero_embedded.pixels.statistics import extremes
from omero_embedded.pixels.types import PixelType, pixel_type
from omero_embedded.rendering.projection import Array, ProjectionError, project
from omero_embedded.rendering.reset import opened
from omero_embedded.wire.registry import stateless

_METHODOLOGIES = (
    "MAXIMUM_INTENSITY_PROJECTION",
    "MEAN_INTENSITY_PROJECTION",
    "SUM_INTENSITY_PROJECTION",
)


@stateless("omero.api.IProjection")
class ProjectionService:
    """One plane out of a stack."""

    def projectStack(
        self,
        call: Call,
        pixelsId: int,
        pixelsType: IObject | None,
        algorithm: "omero.constants.projection.ProjectionType",
        timepoint: int,
        channelIndex: int,
        stepping: int,
        start: int,
        end: int,
    ) -> bytes:
        """Return the projection of one stack."""
        description = _described(call, pixelsId)
        target = _target(call, description, pixelsType)
        with opened(call, description) as pixels:
            place = (channelIndex, timepoint)
            return _projected(
                pixels, place, algorithm.value, stepping, start, end, target
            ).tobytes()

    @writing
    def projectPixels(
        self,
        call: Call,
        pixelsId: int,
        pixelsType: IObject | None,
        algorithm: "omero.constants.projection.ProjectionType",
        tStart: int,
        tEnd: int,
        channelList: Sequence[int],
        stepping: int,
        zStart: int,
        zEnd: int,
        name: str,
    ) -> int:
        """Make an image of the projections of channels and time points; return its id."""
        description = _described(call, pixelsId)
        target = _target(call, description, pixelsType)
        made = PixelsService().copyAndResizeImage(
            call, description.image, None, None, rint(1), None, channelList, name, False
        )
        image = int(unwrap(made))
        copy = _pixels_of(call, image)
        type_id = value_of(call, "PixelsType", target.name)
        assert type_id is not None
        saving.change(
            call,
            "Pixels",
            copy,
            pixelsType=type_id.id.val,
            methodology=_METHODOLOGIES[algorithm.value],
        )
        result = _described(call, copy)
        self._write(
            call,
            description,
            result,
            algorithm.value,
            (tStart, tEnd),
            channelList,
            stepping,
            (zStart, zEnd),
        )
        return image

    def _write(
        self,
        call: Call,
        source: Description,
        result: Description,
        algorithm: int,
        times: tuple[int, int],
        channels: Sequence[int],
        stepping: int,
        sections: tuple[int, int],
    ) -> None:
        """Project every stack into the new image, and note lowest and highest values and digest."""
        file = open_pixels(call.server.folder, result)
        target = pixel_type(result.type_name)
        try:
            with opened(call, source) as pixels:
                for new, c in enumerate(channels):
                    seen: list[float] = []
                    for t in range(times[0], times[1] + 1):
                        plane = _projected(pixels, (c, t), algorithm, stepping, *sections, target)
                        file.write(result.dimensions.plane_offset(0, new, t), plane.tobytes())
                        seen += extremes(plane)
                    low, high = min(seen), max(seen)
                    PixelsService().setChannelGlobalMinMax(call, result.id, new, low, high)
            saving.change(call, "Pixels", result.id, sha1=file.digest().hex())
        except PixelsError as error:
            raise as_omero(error) from error
        finally:
            file.close()


def _projected(
    pixels: PixelsFile,
    place: tuple[int, int],
    algorithm: int,
    stepping: int,
    start: int,
    end: int,
    target: PixelType,
) -> Array:
    try:
        stack = pixels.stack(*place)
        return project(stack, algorithm, stepping=stepping, start=start, end=end, target=target)
    except ProjectionError as error:
        raise errors.validation(str(error)) from error


def _target(call: Call, description: Description, given: IObject | None) -> PixelType:
    """Return the pixel type of the result: as given by id or value, or else that of the image."""
    if given is None:
        return description.dimensions.type
    if given.id is None:
        return pixel_type(str(unwrap(given.value)))
    found = Loader(call).object("PixelsType", given.id.val)
    if found is None:
        raise errors.missing_row("ome.model.enums.PixelsType", given.id.val)
    return pixel_type(str(found.value.val))


def _pixels_of(call: Call, image: int) -> int:
    loader = Loader(call)
    pixels = loader.fetch([loader.object("Image", image)], "pixels")
    return int(pixels[0].id.val)


def _described(call: Call, pixels_id: int) -> Description:
    description = describe(call, pixels_id)
    if description is None:
        raise errors.missing_row("ome.model.core.Pixels", pixels_id)
    return description
