"""Projection: one plane out of a stack, as bytes or as an image of its own."""

# Operations have the names and parameters of Slice, whether they need them or not.

import sys
from collections.abc import Sequence

import numpy as np
import omero
import omero.model
from omero.model import IObject
from omero.rtypes import rint, unwrap

from omero_embedded import errors, permissions, saving
from omero_embedded.call import Call, writing
from omero_embedded.loading import Loader
from omero_embedded.pixels.description import Description, describe
from omero_embedded.pixels.errors import OutOfBoundsError, PixelsError
from omero_embedded.pixels.faults import as_omero
from omero_embedded.pixels.graphs import value_of
from omero_embedded.pixels.repository import PixelsFile, open_pixels
from omero_embedded.pixels.service import PixelsService
from omero_embedded.pixels.types import PixelType, pixel_type
from omero_embedded.rendering.projection import (
    Array,
    ProjectionError,
    as_type,
    check_sections,
    check_stack,
    projected_values,
)
from omero_embedded.rendering.reset import opened
from omero_embedded.wire.registry import stateless

_METHODOLOGIES = (
    "MAXIMUM_INTENSITY_PROJECTION",
    "MEAN_INTENSITY_PROJECTION",
    "SUM_INTENSITY_PROJECTION",
)

_SMALLEST = 5e-324
"""Double.MIN_VALUE of Java: the smallest positive number."""


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
        _, _, size_z, size_c, size_t = description.sizes
        with opened(call, description) as pixels:
            try:
                check_sections(size_z, stepping=stepping, start=start, end=end)
                check_stack(channelIndex, timepoint, size_c, size_t)
            except ProjectionError as error:
                raise errors.validation(str(error)) from error
            target = _target(call, description, pixelsType)
            place = (channelIndex, timepoint)
            values = _projected(pixels, place, algorithm.value, stepping, start, end, target)
            return as_type(values, target).tobytes()

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
        """Make an image of the projections of channels and time points; return its id.

        Its Pixels keep «Pending...» for a digest, as on the real server.
        """
        description = _described(call, pixelsId)
        try:
            check_sections(description.sizes[2], stepping=stepping, start=zStart, end=zEnd)
        except ProjectionError as error:
            raise errors.validation(str(error)) from error
        made = PixelsService().copyAndResizeImage(
            call,
            description.image,
            None,
            None,
            rint(1),
            rint(abs(tEnd - tStart) + 1),
            channelList,
            name,
            False,
        )
        target = _target(call, description, pixelsType)
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
        """Project every stack into the new image, and note lowest and highest values.

        These are noted before values are cut off to the pixel type, and the search for the highest begins at
        the smallest positive number: that is the highest value where there is nothing above nought.
        """
        file = open_pixels(call.server.folder, result)
        target = pixel_type(result.type_name)
        try:
            with opened(call, source) as pixels:
                for new, c in enumerate(channels):
                    low, high = sys.float_info.max, _SMALLEST
                    for t in range(times[0], times[1] + 1):
                        values = _projected(pixels, (c, t), algorithm, stepping, *sections, target)
                        offset = result.dimensions.plane_offset(0, new, t - times[0])
                        file.write(offset, as_type(values, target).tobytes())
                        low = min(low, float(np.fmin.reduce(values, axis=None, initial=low)))
                        high = max(high, float(np.fmax.reduce(values, axis=None, initial=high)))
                    PixelsService().setChannelGlobalMinMax(call, result.id, new, low, high)
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
        return projected_values(
            stack, algorithm, stepping=stepping, start=start, end=end, target=target
        )
    except OutOfBoundsError as error:
        c, t = place
        raise errors.validation(f"C={c} or T={t} out of range: {error}") from error
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
        permissions.check_readable(call, "Pixels", pixels_id)
        raise errors.missing_row("ome.model.core.Pixels", pixels_id)
    return description
