"""omero.api.IRoi: regions of interest with their shapes.

Only Rois that have shapes and are on an Image are found, and by plane only the shapes there come with them; measurements
hang on the Plate of the Image (ome.services.blitz.impl.RoiI).
"""

import functools
import io
from typing import Any

import numpy as np
import numpy.typing as npt
import omero
import omero.api
import omero.model
import omero.sys
from omero.rtypes import rdouble, rint
from sqlalchemy import literal, or_, select

from omero_embedded import errors, permissions, saving, tables
from omero_embedded.call import Call, writing
from omero_embedded.files.shared_resources import SharedResources
from omero_embedded.loading import Loader, set_collection
from omero_embedded.pixels.description import describe
from omero_embedded.pixels.repository import PixelsFile
from omero_embedded.rendering.reset import opened
from omero_embedded.services import shape_statistics
from omero_embedded.services.parameters import page, read, visible
from omero_embedded.wire.registry import stateless


@stateless("omero.api.IRoi")
class RoiService:
    """Finding Rois, and counting the pixels of shapes."""

    def findByRoi(self, call: Call, roiId: int, opts: Any) -> "omero.api.RoiResult":
        """Give one Roi."""
        rows = tables.table("Roi")
        return _result(call, opts, visible(call, "Roi", rows).where(rows.c.id == roiId))

    def findByImage(self, call: Call, imageId: int, opts: Any) -> "omero.api.RoiResult":
        """Give the Rois of an Image."""
        return _result(call, opts, _of_image(call, imageId, opts))

    def findByPlane(
        self, call: Call, imageId: int, z: int, t: int, opts: Any
    ) -> "omero.api.RoiResult":
        """Give the Rois of which a shape is on a plane: there, or on all planes."""
        rows, shape = tables.table("Roi"), tables.table("Shape")
        there = [or_(shape.c[n].is_(None), shape.c[n] == v) for n, v in (("theZ", z), ("theT", t))]
        on_plane = select(shape.c.roi).where(*there)
        found = _of_image(call, imageId, opts).where(rows.c.id.in_(on_plane))
        return _result(call, opts, found, plane=(z, t))

    def getRoiMeasurements(
        self, call: Call, imageId: int, opts: Any
    ) -> "list[omero.model.IObject]":
        """Give the annotations of measurements that hang on the Image's Plate and on Rois of the Image."""
        note, roi, link = (tables.table(c) for c in ("Annotation", "Roi", "RoiAnnotationLink"))
        on_rois = select(link.c.child).join(roi, roi.c.id == link.c.parent)
        wishes = read(_as_parameters(opts))
        query = visible(call, "Annotation", note, wishes).where(
            note.c.ns == MEASUREMENT,
            note.c.id.in_(_on_plates(imageId)),
            note.c.id.in_(on_rois.where(roi.c.image == imageId)),
        )
        ids = call.db.execute(page(query.order_by(note.c.id), wishes)).scalars()
        return list(Loader(call).objects("Annotation", ids).values())

    def getMeasuredRois(
        self, call: Call, imageId: int, annotationId: int, opts: Any
    ) -> "omero.api.RoiResult":
        """Give the Rois of an Image on whose Plate an annotation hangs."""
        measured = literal(annotationId).in_(_on_plates(imageId))
        return _result(call, opts, _of_image(call, imageId, None).where(measured), paged=False)

    def getMeasuredRoisMap(
        self, call: Call, imageId: int, annotationIds: list[int], opts: Any
    ) -> "dict[int, omero.api.RoiResult]":
        """Give the Rois of an Image, by the annotations on its Plate."""
        return {i: self.getMeasuredRois(call, imageId, i, opts) for i in annotationIds or ()}

    def getTable(self, call: Call, annotationId: int) -> Any:
        """Give a handle on the table that an annotation has as its file."""
        note = tables.table("FileAnnotation")
        file = note.c[tables.column_name("FileAnnotation", "file")]
        query = visible(call, "FileAnnotation", note).where(note.c.id == annotationId)
        found = call.db.scalar(query.with_only_columns(file))
        if found is None:
            raise errors.api_usage(f"No such file annotation: {annotationId}")
        return SharedResources().openTable(call, omero.model.OriginalFileI(found, False))

    def getShapeStatsRestricted(
        self,
        call: Call,
        shapeIdList: list[int],
        zForUnattached: int,
        tForUnattached: int,
        channels: list[int],
    ) -> "list[omero.api.ShapeStats]":
        """Give statistics of the pixels under shapes of one Image; a shape on no plane is taken to be on z and t."""
        loader = Loader(call)
        shapes = list(loader.objects("Shape", shapeIdList or ()).values())
        images = {roi.image.id.val for roi in loader.fetch(shapes, "roi")}
        if len(shapes) != len(set(shapeIdList or ())) or len(images) != 1:
            raise errors.api_usage("The shapes must exist and be of one Image.")
        (image,) = images
        permissions.check_readable(call, "Image", image)
        rows = tables.table("Pixels")
        first = select(rows.c.id).where(rows.c.image == image).order_by(rows.c.id).limit(1)
        description = describe(call, call.db.execute(first).scalar_one())
        if description is None:
            raise errors.validation(f"Cannot read the pixels of image {image}")

        def on(number: "omero.RInt | None", otherwise: int) -> int:
            return otherwise if number is None else int(number.val)

        with opened(call, description) as pixels:
            found = []
            for shape in shapes:
                z, t = on(shape.theZ, zForUnattached), on(shape.theT, tForUnattached)
                chosen = channels or (
                    list(range(len(description.channels)))
                    if shape.theC is None
                    else [shape.theC.val]
                )
                plane = functools.partial(_plane, pixels, z, t)
                found.append(shape_statistics.statistics(shape, chosen, plane))
        return found

    @writing
    def uploadMask(self, call: Call, roiId: int, z: int, t: int, bytes: bytes) -> None:
        """Add a mask to a Roi from a black and white picture: what is not black is inside."""
        from PIL import Image  # noqa: PLC0415  # only pictures need it

        roi = Loader(call).object("Roi", roiId)
        if roi is None or not permissions.check_readable(call, "Roi", roiId):
            raise errors.validation(f"No roi with id {roiId}")
        try:
            picture = np.asarray(Image.open(io.BytesIO(bytes)).convert("L"))
        except OSError as error:
            raise errors.api_usage(f"The mask is no picture: {error}") from error
        mask = omero.model.MaskI()
        mask.x, mask.y = rdouble(0), rdouble(0)
        mask.width, mask.height = rdouble(picture.shape[1]), rdouble(picture.shape[0])
        mask.theZ, mask.theT = rint(z), rint(t)
        mask.bytes = np.packbits(picture > 0).tobytes()
        mask.roi = omero.model.RoiI(roiId, False)
        saving.save(call, [mask])


def _plane(pixels: PixelsFile, z: int, t: int, c: int) -> npt.NDArray[Any]:
    """Return a whole plane, shape y, x."""
    width, height = pixels.level_sizes()[0]
    return pixels.tile((z, c, t), (0, 0, width, height))


MEASUREMENT = "openmicroscopy.org/omero/measurement"


def _on_plates(image: int) -> Any:
    """Return the query for the ids of the annotations on the Plates that an Image is in."""
    sample, well, link = (tables.table(c) for c in ("WellSample", "Well", "PlateAnnotationLink"))
    query = select(link.c.child).join(well, well.c.plate == link.c.parent)
    return query.join(sample, sample.c.well == well.c.id).where(sample.c.image == image)


def _of_image(call: Call, image: int, opts: Any) -> Any:
    rows, wishes = tables.table("Roi"), read(_as_parameters(opts))
    return visible(call, "Roi", rows, wishes).where(rows.c.image == image)


def _as_parameters(opts: Any) -> "omero.sys.Parameters | None":
    """Return RoiOptions as parameters: whose, and which page."""
    if opts is None:
        return None
    parameters = omero.sys.Parameters()
    parameters.theFilter = omero.sys.Filter()
    parameters.theFilter.ownerId, parameters.theFilter.groupId = opts.userId, opts.groupId
    parameters.theFilter.offset, parameters.theFilter.limit = opts.offset, opts.limit
    return parameters


def _result(
    call: Call, opts: Any, query: Any, *, plane: tuple[int, int] | None = None, paged: bool = True
) -> "omero.api.RoiResult":
    """Return Rois that have shapes, in the order of their ids, and their shapes by plane; those on one plane, if it is told."""
    rows, shape = tables.table("Roi"), tables.table("Shape")
    query = query.where(rows.c.image.is_not(None), rows.c.id.in_(select(shape.c.roi)))
    query = query.order_by(rows.c.id)
    loader = Loader(call)
    ids = call.db.execute(page(query, read(_as_parameters(opts))) if paged else query).scalars()
    rois = list(loader.objects("Roi", ids).values())
    shapes = loader.fetch(rois, "shapes")
    loader.fetch(rois, "folderLinks.parent")
    if plane is not None:
        shapes = [one for one in shapes if _is_on(one, plane)]
        for roi in rois:
            own = [one for one in roi.copyShapes() if _is_on(one, plane)]
            set_collection(roi, "shapes", own)
    by_z: dict[int, list[Any]] = {}
    by_t: dict[int, list[Any]] = {}
    for one in shapes:
        for place, number in ((by_z, one.theZ), (by_t, one.theT)):
            place.setdefault(-1 if number is None else number.val, []).append(one)
    return omero.api.RoiResult(opts, rois, by_z, by_t)


def _is_on(shape: Any, plane: tuple[int, int]) -> bool:
    """Whether a shape is on a plane: there, or on all along an axis."""
    return all(
        on is None or on.val == number
        for on, number in zip((shape.theZ, shape.theT), plane, strict=True)
    )
