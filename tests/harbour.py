"""What the browser looks at: a server with OMERO.web, three people, and an Image of known colours."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import omero
import omero.gateway
import omero.model
from omero.rtypes import rbool, rstring

import pyomero_upload as pu
from omero_embedded import Server
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.web import Web

WIDTH, HEIGHT, SECTIONS, CHANNELS, TIMES = 96, 64, 3, 2, 4
STEPS = 4
"""How many grey values stand side by side on a plane."""
LABS = {"harbour lab": ("rwra--", ("ann", "bob")), "lighthouse": ("rw----", ("eve",))}
"""The groups: what their members may do with what is another's, and who they are."""
PASSWORDS = {name: f"secret of {name}" for _, members in LABS.values() for name in members}


def plane(z: int, c: int, t: int) -> npt.NDArray[np.uint16]:
    """Return a plane of steps that tells its z, c and t: four grey values side by side, shape y, x."""
    steps = (np.arange(STEPS) * 3 + z + 2 * c + 5 * t) % 16 * 200 + 100
    return np.tile(np.repeat(steps, WIDTH // STEPS), (HEIGHT, 1)).astype(np.uint16)


@dataclass
class Harbour:
    """The server, its pages, and the ids of people and groups by name."""

    server: Server
    web: Web
    ids: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def gateway(self, who: str = "ann") -> Iterator[omero.gateway.BlitzGateway]:
        """Give a BlitzGateway of somebody."""
        made = omero.gateway.BlitzGateway(
            who, PASSWORDS[who], host=self.server.host, port=self.server.port, secure=True
        )
        assert made.connect(), made.getLastError()
        try:
            yield made
        finally:
            made.close()

    def connection(self, who: str = "ann") -> Connection:
        """Return a connection of somebody that uploads; close it."""
        return pu.connect(
            self.server.host, port=self.server.port, user=who, password=PASSWORDS[who]
        )

    def fill(self) -> None:
        """Make the groups and the people."""
        client = self.server.client()
        admin = client.sf.getAdminService()
        for lab, (permissions, members) in LABS.items():
            group = omero.model.ExperimenterGroupI()
            group.name, group.ldap = rstring(lab), rbool(False)
            group.details.permissions = omero.model.PermissionsI(permissions)
            self.ids[lab] = admin.createGroup(group)
            groups = [omero.model.ExperimenterGroupI(i, False) for i in (self.ids[lab], 1)]
            for name in members:
                person = omero.model.ExperimenterI()
                person.omeName, person.firstName = rstring(name), rstring(name.title())
                person.lastName, person.ldap = rstring("Harbour"), rbool(False)
                self.ids[name] = admin.createExperimenterWithPassword(
                    person, rstring(PASSWORDS[name]), groups[0], groups
                )
        client.closeSession()

    def add_ferry(self) -> int:
        """Make an Image of known colours; return its id."""
        with self.gateway() as conn:
            planes = (
                plane(z, c, t)
                for z in range(SECTIONS)
                for c in range(CHANNELS)
                for t in range(TIMES)
            )
            image = conn.createImageFromNumpySeq(planes, "ferry", SECTIONS, CHANNELS, TIMES)
            return int(image.getId())
