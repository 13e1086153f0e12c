"""Datasets and Images on a test server, made with the client library alone, as other programs leave them."""

from typing import Any

import numpy as np
import omero
import omero.gateway
import omero.grid
import omero.model
from numpy.typing import NDArray
from omero.rtypes import rdouble, rint, rstring

CLIENT_MAP = "openmicroscopy.org/omero/client/mapAnnotation"


def pixels_of(
    seed: int, shape: tuple[int, ...] = (2, 2, 3, 8, 10), dtype: str = "uint16"
) -> NDArray[Any]:
    """Return pixels, axes t, c, z, y, x, that differ from those of every other seed."""
    return np.random.default_rng(seed).integers(0, 250, shape).astype(dtype)


class Samples:
    """Makes things over an `omero.client`; each method returns an id."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.gateway = omero.gateway.BlitzGateway(client_obj=client)
        self.update = client.sf.getUpdateService()
        self.query = client.sf.getQueryService()

    def dataset(self, name: str = "d", description: str = "") -> int:
        made = omero.model.DatasetI()
        made.name, made.description = rstring(name), rstring(description)
        return self.save(made)

    def project(self, name: str, *datasets: int) -> int:
        made = omero.model.ProjectI()
        made.name = rstring(name)
        for dataset in datasets:
            made.linkDataset(omero.model.DatasetI(dataset, False))
        return self.save(made)

    def image(self, pixels: NDArray[Any], name: str = "i", dataset: int | None = None) -> int:
        t, c, z, _, _ = pixels.shape
        planes = (pixels[ti, ci, zi] for zi in range(z) for ci in range(c) for ti in range(t))
        made = self.gateway.createImageFromNumpySeq(planes, name, z, c, t)
        if dataset is not None:
            link = omero.model.DatasetImageLinkI()
            link.parent = omero.model.DatasetI(dataset, False)
            link.child = omero.model.ImageI(made.getId(), False)
            self.save(link)
        return int(made.getId())

    def pixels(self, image: int) -> Any:
        """Return an Image's Pixels with channels, to be changed and saved."""
        return self.query.findByQuery(
            "select p from Pixels p join fetch p.image join fetch p.channels c "
            "join fetch c.logicalChannel where p.image.id = :id",
            omero.sys.ParametersI().addId(image),
        )

    def plane_info(self, image: int, t: int, c: int, z: int, **values: Any) -> None:
        info = omero.model.PlaneInfoI()
        info.pixels = omero.model.PixelsI(self.pixels(image).id.val, False)
        info.theT, info.theC, info.theZ = rint(t), rint(c), rint(z)
        for name, value in values.items():
            setattr(info, name, value)
        self.save(info)

    def tag(self, kind: str, identifier: int, text: str) -> int:
        tag = omero.model.TagAnnotationI()
        tag.textValue = rstring(text)
        return self.annotate(kind, identifier, tag)

    def key_values(
        self, kind: str, identifier: int, pairs: list[tuple[str, str]], ns: str | None = CLIENT_MAP
    ) -> int:
        made = omero.model.MapAnnotationI()
        if ns is not None:
            made.ns = rstring(ns)
        made.setMapValue([omero.model.NamedValue(key, value) for key, value in pairs])
        return self.annotate(kind, identifier, made)

    def comment(self, kind: str, identifier: int, text: str) -> int:
        made = omero.model.CommentAnnotationI()
        made.textValue = rstring(text)
        return self.annotate(kind, identifier, made)

    def rating(self, kind: str, identifier: int, number: int) -> int:
        made = omero.model.LongAnnotationI()
        made.ns = rstring("openmicroscopy.org/omero/insight/rating")
        made.longValue = omero.rtypes.rlong(number)
        return self.annotate(kind, identifier, made)

    def file(self, kind: str, identifier: int, content: bytes, name: str) -> int:
        """Attach a file; returns the id of its OriginalFile."""
        made = omero.model.OriginalFileI()
        made.name, made.path = rstring(name), rstring("/somewhere/")
        made.mimetype = rstring("text/plain")
        made.hasher = omero.model.ChecksumAlgorithmI()
        made.hasher.value = rstring("SHA1-160")
        file_id = self.save(made)
        store = self.client.sf.createRawFileStore()
        store.setFileId(file_id)
        store.write(content, 0, len(content))
        store.save()
        store.close()
        self._attach(kind, identifier, file_id)
        return file_id

    def table(self, kind: str, identifier: int, name: str, columns: list[Any]) -> int:
        """Attach a table; returns the id of its OriginalFile."""
        resources = self.client.sf.sharedResources()
        table = resources.newTable(resources.repositories().descriptions[0].id.val, name)
        table.initialize(columns)
        table.addData(columns)
        file_id = int(table.getOriginalFile().id.val)
        table.close()
        self._attach(kind, identifier, file_id)
        return file_id

    def rois(self, image: int, *shapes: Any) -> int:
        """Put shapes on an Image as one ROI."""
        roi = omero.model.RoiI()
        roi.image = omero.model.ImageI(image, False)
        for shape in shapes:
            roi.addShape(shape)
        return self.save(roi)

    def _attach(self, kind: str, identifier: int, file_id: int) -> None:
        made = omero.model.FileAnnotationI()
        made.file = omero.model.OriginalFileI(file_id, False)
        self.annotate(kind, identifier, made)

    def annotate(self, kind: str, identifier: int, annotation: Any) -> int:
        link = getattr(omero.model, f"{kind}AnnotationLinkI")()
        link.parent = getattr(omero.model, f"{kind}I")(identifier, False)
        link.child = annotation
        return int(self.update.saveAndReturnObject(link).child.id.val)

    def save(self, o: Any) -> int:
        return int(self.update.saveAndReturnObject(o).id.val)


def shape(kind: str, text: str = "", **values: Any) -> Any:
    """Return a shape such as `shape("Ellipse", x=3.0, y=4.0, radiusX=1.0, radiusY=2.0)`."""
    made = getattr(omero.model, f"{kind}I")()
    made.textValue = rstring(text)
    for name, value in values.items():
        wrapped = {float: rdouble, int: rint, str: rstring}.get(type(value), lambda v: v)(value)
        setattr(made, name, wrapped)
    return made
