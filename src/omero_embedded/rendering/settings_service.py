"""RenderingSettings: setting many images back to the defaults at once, and copying settings."""

# Operations have the names and parameters of Slice, whether they need them or not.

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import omero
import omero.model
from omero.model import IObject
from sqlalchemy import Select, select

from omero_embedded import errors, tables
from omero_embedded.call import Call, writing
from omero_embedded.pixels.description import Description, describe, describe_all
from omero_embedded.pixels.graphs import load_settings
from omero_embedded.rendering import defaults
from omero_embedded.rendering import settings as stored
from omero_embedded.rendering.graph import fill
from omero_embedded.rendering.reset import (
    apply,
    opened,
    reset_and_save,
    reset_to_known_range,
    reset_without_saving,
    widen_windows,
)
from omero_embedded.rendering.settings import RenderingSettings
from omero_embedded.schema import find_class
from omero_embedded.wire.registry import stateless

log = logging.getLogger("omero_embedded")

Reset = Callable[[Call, Description], int]


@stateless("omero.api.IRenderingSettings")
class RenderingSettingsService:
    """Settings of many images at once."""

    # ------------------------------------------------------------ one image
    def sanityCheckPixels(self, call: Call, pFrom: IObject, pTo: IObject) -> bool:
        """Whether settings of one image fit another: as many channels of the same pixel type."""
        found = describe_all(call, [pFrom.id.val, pTo.id.val])
        if len(found) < len({pFrom.id.val, pTo.id.val}):
            return False
        return _alike(found[pFrom.id.val], found[pTo.id.val])

    def getRenderingSettings(self, call: Call, pixelsId: int) -> IObject | None:
        """Return the client's settings for an image."""
        found = stored.find(call, pixelsId)
        return None if found is None else load_settings(call, [found])[0]

    def createNewRenderingDef(self, call: Call, pixels: IObject) -> IObject:
        """Return new settings for an image, with windows by its statistics; nothing is saved."""
        description = _described(call, pixels.id.val)
        settings = RenderingSettings()
        defaults.reset(settings, description, defaults.known_window(description))
        return fill(call, settings, omero.model.RenderingDefI(), description.id)

    @writing
    def resetDefaults(self, call: Call, _def: IObject, pixels: IObject) -> None:
        """Set the client's settings for an image back to the defaults."""
        reset_and_save(call, _described(call, pixels.id.val))

    def resetDefaultsNoSave(self, call: Call, _def: IObject, pixels: IObject) -> IObject:
        """Return the given settings set back to the defaults for an image; nothing is saved."""
        description = _described(call, pixels.id.val)
        settings = RenderingSettings()
        with opened(call, description) as file:
            reset_without_saving(description, file, settings)
        return fill(call, settings, _def, description.id)

    @writing
    def resetDefaultsInImage(self, call: Call, imageId: int) -> None:
        """Set an image back to the defaults."""
        self.resetDefaultsInSet(call, "Image", [imageId])

    @writing
    def resetDefaultsForPixels(self, call: Call, pixelsId: int) -> None:
        """Set an image back to the defaults."""
        self.resetDefaultsInSet(call, "Pixels", [pixelsId])

    @writing
    def setOriginalSettingsInImage(self, call: Call, imageId: int) -> None:
        """Set an image back to the defaults, with windows by its statistics."""
        self.setOriginalSettingsInSet(call, "Image", [imageId])

    @writing
    def setOriginalSettingsForPixels(self, call: Call, pixelsId: int) -> None:
        """Set an image back to the defaults, with windows by its statistics."""
        self.setOriginalSettingsInSet(call, "Pixels", [pixelsId])

    # ------------------------------------------------------------ many
    @writing
    def resetDefaultsInDataset(self, call: Call, datasetId: int) -> list[int]:
        """Set the images of a dataset back to the defaults; return their ids."""
        return self.resetDefaultsInSet(call, "Dataset", [datasetId])

    @writing
    def resetDefaultsInSet(self, call: Call, type: str, nodeIds: Sequence[int]) -> list[int]:
        """Set the images below objects back to the defaults; return the ids of the images."""
        return [d.image for d in _each(call, type, nodeIds, reset_and_save)]

    @writing
    def resetDefaultsByOwnerInSet(self, call: Call, type: str, nodeIds: Sequence[int]) -> list[int]:
        """Give images the settings of their owner; return the ids of those that have some."""
        done = []
        for description in pixels_below(call, type, nodeIds):
            found = stored.find(call, description.id, description.owner)
            if found is not None:
                apply(call, stored.read(call, found), description)
                done.append(description.image)
        return done

    @writing
    def resetMinMaxInSet(self, call: Call, type: str, nodeIds: Sequence[int]) -> list[int]:
        """Set the windows of images to their full range; return the ids of their Pixels."""
        return [d.id for d in _each(call, type, nodeIds, widen_windows)]

    @writing
    def setOriginalSettingsInDataset(self, call: Call, datasetId: int) -> list[int]:
        """Set the images of a dataset back to the defaults, with windows by their statistics."""
        return self.setOriginalSettingsInSet(call, "Dataset", [datasetId])

    @writing
    def setOriginalSettingsInSet(self, call: Call, type: str, nodeIds: Sequence[int]) -> list[int]:
        """Set images back to the defaults, with windows by their statistics; return their ids."""
        return [d.image for d in _each(call, type, nodeIds, reset_to_known_range)]

    # ------------------------------------------------------------ copying
    @writing
    def applySettingsToSet(
        self, call: Call, _from: int, toType: str, nodeIds: Sequence[int]
    ) -> dict[bool, list[int]]:
        """Give images the settings of the Pixels `_from`; return the image ids by success."""
        source = _described(call, _from)
        found = stored.find(call, _from)
        done: dict[bool, list[int]] = {True: [], False: []}
        for description in pixels_below(call, toType, nodeIds):
            fits = found is not None and _alike(source, description)
            if fits and found is not None and description.id != _from:
                apply(call, stored.read(call, found), description)
            done[fits].append(description.image)
        return done

    @writing
    def applySettingsToProject(self, call: Call, _from: int, to: int) -> dict[bool, list[int]]:
        """Give the images of a project the settings of the Pixels `_from`."""
        return self.applySettingsToSet(call, _from, "Project", [to])

    @writing
    def applySettingsToDataset(self, call: Call, _from: int, to: int) -> dict[bool, list[int]]:
        """Give the images of a dataset the settings of the Pixels `_from`."""
        return self.applySettingsToSet(call, _from, "Dataset", [to])

    @writing
    def applySettingsToImages(
        self, call: Call, _from: int, to: Sequence[int]
    ) -> dict[bool, list[int]]:
        """Give images the settings of the Pixels `_from`."""
        return self.applySettingsToSet(call, _from, "Image", to)

    @writing
    def applySettingsToImage(self, call: Call, _from: int, to: int) -> bool:
        """Give an image the settings of the Pixels `_from`; whether that was possible."""
        return bool(self.applySettingsToSet(call, _from, "Image", [to])[True])

    @writing
    def applySettingsToPixels(self, call: Call, _from: int, to: int) -> bool:
        """Give Pixels the settings of the Pixels `_from`; whether that was possible."""
        return bool(self.applySettingsToSet(call, _from, "Pixels", [to])[True])


def pixels_below(call: Call, cls: str, ids: Sequence[int]) -> list[Description]:
    """Return the Pixels of all images below objects of a class, as far as they may be read.

    Raises
    ------
    omero.ApiUsageException
        If objects of the class hold no images.
    """
    found = find_class(cls)
    name = found.name if found is not None else cls
    if name not in _BELOW:
        raise errors.api_usage(
            f"Class parameter for changing settings must be in {sorted(_BELOW)}, not {cls}"
        )
    rows = call.db.execute(_BELOW[name](list(ids))).scalars().all()
    return list(describe_all(call, list(dict.fromkeys(rows))).values())


def _of_pixels(ids: Iterable[int]) -> Select[Any]:
    pixels = tables.table("Pixels")
    return select(pixels.c.id).where(pixels.c.id.in_(ids))


def _of_images(ids: Iterable[int] | Select[Any]) -> Select[Any]:
    pixels = tables.table("Pixels")
    return select(pixels.c.id).where(pixels.c.image.in_(ids)).order_by(pixels.c.id)


def _of_datasets(ids: Iterable[int] | Select[Any]) -> Select[Any]:
    links = tables.table("DatasetImageLink")
    return _of_images(select(links.c.child).where(links.c.parent.in_(ids)))


def _of_projects(ids: Iterable[int]) -> Select[Any]:
    links = tables.table("ProjectDatasetLink")
    return _of_datasets(select(links.c.child).where(links.c.parent.in_(ids)))


def _of_plates(ids: Iterable[int] | Select[Any]) -> Select[Any]:
    wells, samples = tables.table("Well"), tables.table("WellSample")
    return _of_images(
        select(samples.c.image)
        .join(wells, wells.c.id == samples.c.well)
        .where(wells.c.plate.in_(ids))
    )


def _of_acquisitions(ids: Iterable[int]) -> Select[Any]:
    samples = tables.table("WellSample")
    return _of_images(select(samples.c.image).where(samples.c.plateAcquisition.in_(ids)))


def _of_screens(ids: Iterable[int]) -> Select[Any]:
    links = tables.table("ScreenPlateLink")
    return _of_plates(select(links.c.child).where(links.c.parent.in_(ids)))


_BELOW: dict[str, Callable[[Iterable[int]], Select[Any]]] = {
    "Pixels": _of_pixels,
    "Image": _of_images,
    "Dataset": _of_datasets,
    "Project": _of_projects,
    "Plate": _of_plates,
    "PlateAcquisition": _of_acquisitions,
    "Screen": _of_screens,
}


def _each(call: Call, cls: str, ids: Sequence[int], reset: Reset) -> list[Description]:
    """Reset the images below objects; return those where it could be done."""
    done = []
    for description in pixels_below(call, cls, ids):
        try:
            reset(call, description)
        except (omero.LockTimeout, omero.ResourceError) as error:  # noqa: PERF203  # one by one
            log.warning("Pixels %d keep their settings: %s", description.id, error.message)
        else:
            done.append(description)
    return done


def _described(call: Call, pixels_id: int) -> Description:
    description = describe(call, pixels_id)
    if description is None:
        raise errors.missing_row("ome.model.core.Pixels", pixels_id)
    return description


def _alike(one: Description, other: Description) -> bool:
    """Whether pixel type, number of channels and emission wavelengths are the same."""
    if one.type_name != other.type_name or len(one.channels) != len(other.channels):
        return False
    known = [channel.emission for channel in one.channels]
    return all(channel.emission in known for channel in other.channels)
