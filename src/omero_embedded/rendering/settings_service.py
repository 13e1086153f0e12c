"""RenderingSettings: setting many images back to the defaults at once, and copying settings."""

# Operations have the names and parameters of Slice, whether they need them or not.

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import omero
import omero.model
from omero.model import IObject
from omero.rtypes import rint
from sqlalchemy import Select, select

from omero_embedded import errors, tables
from omero_embedded.call import Call, writing
from omero_embedded.pixels.description import Description, describe, describe_all
from omero_embedded.pixels.graphs import load_settings
from omero_embedded.rendering import settings as stored
from omero_embedded.rendering.graph import fill
from omero_embedded.rendering.reset import (
    alike,
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
        if pFrom is None or pTo is None:
            return False
        found = describe_all(call, [pFrom.id.val, pTo.id.val])
        if len(found) < len({pFrom.id.val, pTo.id.val}):
            return False
        return alike(found[pFrom.id.val], found[pTo.id.val])

    def getRenderingSettings(self, call: Call, pixelsId: int) -> IObject | None:
        """Return the client's settings for an image."""
        found = stored.find(call, pixelsId)
        return None if found is None else load_settings(call, [found])[0]

    def createNewRenderingDef(self, call: Call, pixels: IObject) -> IObject:
        """Return new settings for an image that say which plane is shown at first, and nothing else; nothing is saved."""
        description = _described(call, pixels.id.val)
        made = _new(omero.model.RenderingDefI())
        made.defaultZ, made.defaultT = rint(description.sizes[2] // 2), rint(0)
        made.quantization = _new(omero.model.QuantumDefI())
        for _ in range(description.sizes[3]):
            made.addChannelBinding(_new(omero.model.ChannelBindingI()))
        made.pixels = omero.model.PixelsI(description.id, False)
        return made

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
        """Set the windows of images to their full range; return the ids of their Pixels.

        Settings that are new count two changes (ome.logic.RenderingSettingsImpl).
        """
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
        """Give images the settings of the Pixels `_from`; return the image ids by success.

        Where `_from` is one of them it is the first that succeeds, whether it has settings or not, and only
        the client's own settings are given on; else those of its owner stand in.
        """
        targets = pixels_below(call, toType, nodeIds)
        done: dict[bool, list[int]] = {True: [], False: []}
        if not targets:
            return done
        source = next((d for d in targets if d.id == _from), None)
        if source is not None:
            found = stored.find(call, _from, call.user_id)
            done[True].append(source.image)
            targets.remove(source)
        else:
            source = describe(call, _from)
            if source is None:
                raise errors.validation(f"No pixels set with ID: {_from}")
            found = stored.find(call, _from)
        settings = None if found is None else stored.read(call, found)
        for description in targets:
            fits = alike(source, description)
            if fits and settings is not None:
                apply(call, settings, description)
            done[fits and settings is not None].append(description.image)
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
        if not pixels_below(call, "Pixels", [to]):
            raise IndexError("Index: 0, Size: 0")
        return bool(self.applySettingsToSet(call, _from, "Pixels", [to])[True])


def pixels_below(call: Call, cls: str, ids: Sequence[int]) -> list[Description]:
    """Return the Pixels of all images below objects of a class, as far as they may be read.

    Raises
    ------
    omero.ApiUsageException
        If objects of the class hold no images, or no ids are given.
    """
    found = find_class(cls)
    if found is None:
        raise errors.api_usage(f"{cls} does not specify a valid class.")
    name = found.name
    if name not in _BELOW:
        raise errors.api_usage(
            "Class parameter for changing settings must be in {Project, Dataset, Image, Plate, "
            f"Screen, PlateAcquisition, Pixels}}, not class {found.java}"
        )
    if not ids:
        start, condition = _PIXELS_OF[name]
        raise errors.empty_list(f"{start} where {condition}.id in ()")
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


def _new(made: IObject) -> IObject:
    """Return an object with the version that those made inside the server have."""
    made.version = rint(0)
    return made


_PIXELS = (
    "select pix from ome.model.core.Pixels as pix join fetch pix.image {}join fetch pix.pixelsType "
    "join fetch pix.channels as c join fetch c.logicalChannel"
)
_IN_WELLS = f"{_PIXELS.format('as i ')} left outer join i.wellSamples as s left outer join"
_IN_PLATES = f"{_IN_WELLS} s.well as w left outer join w.plate as p"
_IN_DATASETS = (
    f"{_PIXELS.format('as i ')} left outer join i.datasetLinks dil left outer join dil.parent"
)
_PIXELS_OF = {
    "Pixels": (_PIXELS.format(""), "pix"),
    "Image": (_PIXELS.format("as i "), "i"),
    "Dataset": (f"{_IN_DATASETS} d", "d"),
    "Project": (
        f"{_IN_DATASETS} as d left outer join d.projectLinks as pdl left outer join pdl.parent as p",
        "p",
    ),
    "Plate": (_IN_PLATES, "p"),
    "PlateAcquisition": (f"{_IN_WELLS} s.plateAcquisition as p", "p"),
    "Screen": (
        f"{_IN_PLATES} left outer join p.screenLinks as spl left outer join spl.parent as s",
        "s",
    ),
}
"""How the real server looks for Pixels below each class, and the alias that the ids are of: told where there are none."""


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
