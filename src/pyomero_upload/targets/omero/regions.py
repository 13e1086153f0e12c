"""Regions of interest: those of an Image read, and put on another one, each shape as it is.

Stands beside `said`, for `transfer.copying`, which copies them as the server has them, and `transfer.server_plan`, which says them in
the terms of the plan. All ROIs of an Image are saved in one transaction, so an Image has all of them or none.
"""

import re
from collections.abc import Iterator
from typing import Any

import omero.model

from pyomero_upload.model import Roi, Shape, ShapeValue
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.objects import parameters, text_of

# What belongs to the place where a shape is, not to the shape.
_OF_ITS_PLACE = {"_id", "_details", "_version", "_loaded", "_roi", "_pixels"}
_CAPITAL = re.compile("([A-Z])")
_IN_THE_MODEL = {"_textValue": "text", "_bytes": "bin_data"}
_TRANSFORM = ("a00", "a10", "a01", "a11", "a02", "a12")


def read_regions(connection: Connection, image_id: int) -> list[Any]:
    """Return the ROIs of an Image, with their shapes, as new ones that can be put on another Image."""
    copies = []
    for roi in _rois(connection, image_id):
        copy = omero.model.RoiI()
        copy.name, copy.description = roi.name, roi.description
        for shape in _shapes(roi):
            copy.addShape(_copied(shape))
        copies.append(copy)
    return copies


def read_rois(connection: Connection, image_id: int) -> tuple[Roi, ...]:
    """Return the ROIs of an Image in the terms of the plan."""
    return tuple(
        Roi(
            text_of(roi.name),
            text_of(roi.description),
            tuple(
                Shape(type(shape).__name__.removesuffix("I"), tuple(_values(shape)))
                for shape in _shapes(roi)
            ),
        )
        for roi in _rois(connection, image_id)
    )


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


def _rois(connection: Connection, image_id: int) -> list[Any]:
    found: list[Any] = connection.query.findAllByQuery(
        "select r from Roi r left outer join fetch r.shapes s left outer join fetch s.transform "
        "where r.image.id = :id order by r.id",
        parameters(id=image_id),
    )
    return found


def _shapes(roi: Any) -> list[Any]:
    return [shape for shape in roi.copyShapes() if shape is not None]


def _values(shape: Any) -> Iterator[tuple[str, ShapeValue]]:
    """Iterate over what is known of a shape, under the names that `model.Shape` has."""
    for attribute, value in sorted(vars(shape).items()):
        if attribute in _OF_ITS_PLACE or value is None or "annotationLinks" in attribute:
            continue
        name = _IN_THE_MODEL.get(attribute) or _CAPITAL.sub(r"_\1", attribute[1:]).lower()
        if isinstance(value, omero.model.AffineTransform):
            yield name, tuple(getattr(value, place).val for place in _TRANSFORM)
        elif isinstance(value, omero.model.Length):
            yield name, value.getValue()
            yield f"{name}_unit", value.getSymbol()
        else:
            yield name, value if isinstance(value, bytes) else value.val


def _copied(thing: Any) -> Any:
    """Return a new object with the values of another one: those of its class, whichever these are."""
    copy = type(thing)()
    for name, value in vars(thing).items():
        if name in _OF_ITS_PLACE or "annotationLinks" in name:
            continue
        setattr(copy, name, _copied(value) if isinstance(value, omero.model.IObject) else value)
    return copy
