"""What the browser looks at: a server with OMERO.web, two people, a Project with two Images and what hangs on them."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import omero
import omero.gateway
import omero.grid
import omero.model
import omero.romio
from omero.rtypes import rbool, rstring

from omero_embedded import Server
from pyomero_upload.web import Web

WIDTH, HEIGHT, SECTIONS, CHANNELS, TIMES = 96, 64, 3, 2, 4
STEPS = 4
"""How many grey values stand side by side on a plane."""
PASSWORDS = {"ann": "secret of ann", "bob": "secret of bob"}


def plane(z: int, c: int, t: int) -> npt.NDArray[np.uint16]:
    """Return a plane of steps that tells its z, c and t: four grey values side by side, shape y, x."""
    steps = (np.arange(STEPS) * 3 + z + 2 * c + 5 * t) % 16 * 200 + 100
    return np.repeat(np.tile(np.repeat(steps, WIDTH // 4), (HEIGHT, 1)), 1, axis=0).astype(
        np.uint16
    )


def rendered(
    conn: omero.gateway.BlitzGateway,
    image: int,
    z: int,
    t: int,
    change: Callable[[Any], None] = lambda _engine: None,
) -> npt.NDArray[np.int64]:
    """Return the colours that the rendering engine gives the steps of a plane, shape step, (red, green, blue).

    `change` changes the engine's settings before; nothing is saved.
    """
    engine = conn.c.sf.createRenderingEngine()
    try:
        pixels = conn.getObject("Image", image).getPixelsId()
        engine.lookupPixels(pixels)
        engine.lookupRenderingDef(pixels)
        engine.load()
        change(engine)
        where = omero.romio.PlaneDef(omero.romio.XY, 0, 0, z, t, None, -1)
        packed = np.array(engine.renderAsPackedInt(where)).reshape(HEIGHT, WIDTH)
    finally:
        engine.close()
    middle = packed[HEIGHT // 2, WIDTH // STEPS // 2 :: WIDTH // STEPS]
    return np.stack([middle >> 16 & 255, middle >> 8 & 255, middle & 255], axis=-1)


@dataclass
class Harbour:
    """The server, its pages, and the ids of what is there by name."""

    server: Server
    web: Web
    ids: dict[str, int] = field(default_factory=dict)

    def gateway(self, who: str = "ann") -> omero.gateway.BlitzGateway:
        """Return a connection of somebody; close it."""
        made = omero.gateway.BlitzGateway(
            who, PASSWORDS[who], host=self.server.host, port=self.server.port, secure=True
        )
        assert made.connect(), made.getLastError()
        return made

    def fill(self) -> None:
        """Make the people and their data."""
        self._people()
        conn = self.gateway()
        try:
            self._images(conn)
            self._annotations(conn)
        finally:
            conn.close()

    def _people(self) -> None:
        client = self.server.client()
        admin = client.sf.getAdminService()
        group = omero.model.ExperimenterGroupI()
        group.name, group.ldap = rstring("harbour lab"), rbool(False)
        group.details.permissions = omero.model.PermissionsI("rwra--")
        self.ids["lab"] = admin.createGroup(group)
        lab, users = (omero.model.ExperimenterGroupI(i, False) for i in (self.ids["lab"], 1))
        for name, password in PASSWORDS.items():
            person = omero.model.ExperimenterI()
            person.omeName, person.firstName = rstring(name), rstring(name.title())
            person.lastName, person.ldap = rstring("Harbour"), rbool(False)
            self.ids[name] = admin.createExperimenterWithPassword(
                person, rstring(password), lab, [users]
            )
        client.closeSession()

    def _images(self, conn: omero.gateway.BlitzGateway) -> None:
        update = conn.getUpdateService()
        project = omero.model.ProjectI()
        project.name, project.description = rstring("harbour"), rstring("boats and piers")
        self.ids["project"] = update.saveAndReturnObject(project).id.val
        for name in ("pier", "quay"):
            dataset = omero.model.DatasetI()
            dataset.name, dataset.description = rstring(name), rstring(f"what is at the {name}")
            link = omero.model.ProjectDatasetLinkI()
            link.parent = omero.model.ProjectI(self.ids["project"], False)
            link.child = dataset
            self.ids[name] = update.saveAndReturnObject(link).child.id.val
        for name, dataset in (("buoy", "pier"), ("crane", "pier"), ("ferry", "quay")):
            self.ids[name] = self.add_image(conn, name, dataset)

    def add_image(self, conn: omero.gateway.BlitzGateway, name: str, dataset: str) -> int:
        """Make an Image in a Dataset; return its id."""
        planes = (
            plane(z, c, t) for z in range(SECTIONS) for c in range(CHANNELS) for t in range(TIMES)
        )
        image = conn.createImageFromNumpySeq(
            planes,
            name,
            SECTIONS,
            CHANNELS,
            TIMES,
            description=f"a {name} in 5 dimensions",
            dataset=conn.getObject("Dataset", self.ids[dataset]),
        )
        return int(image.getId())

    def _annotations(self, conn: omero.gateway.BlitzGateway) -> None:
        image = conn.getObject("Image", self.ids["buoy"])
        tag = omero.gateway.TagAnnotationWrapper(conn)
        tag.setValue("floating")
        tag.save()
        image.linkAnnotation(tag)
        pairs = omero.gateway.MapAnnotationWrapper(conn)
        pairs.setNs(omero.constants.metadata.NSCLIENTMAPANNOTATION)
        pairs.setValue([["colour", "red"], ["anchored", "yes"]])
        pairs.save()
        image.linkAnnotation(pairs)
        file = conn.createOriginalFileFromFileObj(
            io.BytesIO(b"high water at noon\n"), "/harbour", "tides.txt", 19, mimetype="text/plain"
        )
        note = omero.gateway.FileAnnotationWrapper(conn)
        note.setFile(file)
        note.save()
        image.linkAnnotation(note)
        self._table(conn)

    def _table(self, conn: omero.gateway.BlitzGateway) -> None:
        table = conn.c.sf.sharedResources().newTable(1, "catch.h5")
        columns: list[Any] = [
            omero.grid.StringColumn("fish", "", 16, []),
            omero.grid.LongColumn("number", "", []),
        ]
        table.initialize(columns)
        columns[0].values, columns[1].values = ["cod", "eel"], [12, 7]
        table.addData(columns)
        made = table.getOriginalFile().id.val
        table.close()
        note = omero.model.FileAnnotationI()
        note.file = omero.model.OriginalFileI(made, False)
        note.ns = rstring("openmicroscopy.org/omero/bulk_annotations")
        link = omero.model.DatasetAnnotationLinkI()
        link.parent, link.child = omero.model.DatasetI(self.ids["pier"], False), note
        self.ids["table"] = made
        conn.getUpdateService().saveObject(link)
