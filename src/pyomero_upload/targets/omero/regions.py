"""Regions of interest: those of an Image read, and put on another one, each shape as it is.

Stands beside `said`, for `transfer.copying`. All ROIs of an Image are saved in one transaction, so an Image has all of them or
none.
"""

from typing import Any

import omero.model

from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.objects import parameters

# What belongs to the place where a shape is, not to the shape.
_OF_ITS_PLACE = {"_id", "_details", "_version", "_loaded", "_roi", "_pixels"}


def read_regions(connection: Connection, image_id: int) -> list[Any]:
    """Return the ROIs of an Image, with their shapes, as new ones that can be put on another Image."""
    rois = connection.query.findAllByQuery(
        "select r from Roi r left outer join fetch r.shapes s left outer join fetch s.transform "
        "where r.image.id = :id order by r.id",
        parameters(id=image_id),
    )
    copies = []
    for roi in rois:
        copy = omero.model.RoiI()
        copy.name, copy.description = roi.name, roi.description
        for shape in roi.copyShapes():
            if shape is not None:
                copy.addShape(_copied(shape))
        copies.append(copy)
    return copies


def add_regions(connection: Connection, image_id: int, rois: list[Any]) -> bool:
    """Put new ROIs on an Image that has none; where it has some, they have been put there before.

    Returns
    -------
    bool
        Whether it has as many now, or more.

    """
    there = connection.query.projection(
        "select count(r.id) from Roi r where r.image.id = :id", parameters(id=image_id)
    )
    count = int(there[0][0].val) if there and there[0] else 0
    if not rois or count:
        return count >= len(rois)
    for roi in rois:
        roi.image = omero.model.ImageI(image_id, False)
    connection.update.saveArray(rois)
    return True


def _copied(thing: Any) -> Any:
    """Return a new object with the values of another one: those of its class, whichever these are."""
    copy = type(thing)()
    for name, value in vars(thing).items():
        if name in _OF_ITS_PLACE or "annotationLinks" in name:
            continue
        setattr(copy, name, _copied(value) if isinstance(value, omero.model.IObject) else value)
    return copy
