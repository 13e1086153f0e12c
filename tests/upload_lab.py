"""A user of an OMERO server at a shell: the program in processes of its own, and what is on the server, asked through omero-py alone."""

import json
import os
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import omero.clients
import omero.gateway
import omero.model
import omero.sys
from numpy.typing import NDArray
from omero.rtypes import rbool, rstring

from omero_embedded import Server

PROVENANCE = "pyomero_upload/provenance"
KEY_VALUES = "openmicroscopy.org/omero/client/mapAnnotation"
MAIN = "from pyomero_upload.cli import main; main()"


@dataclass
class Lab:
    """A user, alone in a group of a server, with a home and a state folder of their own."""

    server: Server
    home: Path
    user: str
    password: str
    group: int
    variables: dict[str, str] = field(default_factory=dict)

    @classmethod
    def found(cls, server: Server, home: Path, permissions: str = "rwra--") -> "Lab":
        """Make a user in a new group."""
        name, password = (uuid.uuid4().hex for _ in range(2))
        root = server.client()
        try:
            admin = root.sf.getAdminService()
            group = omero.model.ExperimenterGroupI()
            group.name, group.ldap = rstring(f"lab-{name}"), rbool(False)
            group.details.permissions = omero.model.PermissionsI(permissions)
            lab = omero.model.ExperimenterGroupI(admin.createGroup(group), False)
            person = omero.model.ExperimenterI()
            person.omeName, person.ldap = rstring(name), rbool(False)
            person.firstName, person.lastName = rstring("Olga"), rstring("Test")
            users = omero.model.ExperimenterGroupI(1, False)
            admin.createExperimenterWithPassword(person, rstring(password), lab, [lab, users])
        finally:
            root.closeSession()
        return cls(server, home, name, password, lab.id.val)

    @property
    def state(self) -> Path:
        """The folder that the program keeps its journals in."""
        return self.home / "state"

    @property
    def environment(self) -> dict[str, str]:
        """What the program finds in its environment."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OMERO", "PYOMERO"))}
        return {
            **kept,
            "HOME": str(self.home),
            "PYOMERO_STATE": str(self.state),
            "OMERO_USERDIR": str(self.home / "omero"),
            "OMERO_HOST": self.server.host,
            "OMERO_PORT": str(self.server.port),
            "OMERO_USER": self.user,
            "OMERO_PASSWORD": self.password,
            "PYTHONUTF8": "1",
            "COLUMNS": "120",
            **self.variables,
        }

    def start(self, *words: object, **variables: str) -> "subprocess.Popen[str]":
        """Start the program; its standard input stays open, and is empty so far."""
        return subprocess.Popen(
            [sys.executable, "-c", MAIN, *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env={**self.environment, **variables},
            cwd=self.home,
        )

    def run(
        self, *words: object, typed: str = "", timeout: float = 120, **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run the program to its end."""
        process = self.start(*words, **variables)
        out, err = process.communicate(typed, timeout)
        assert "Traceback" not in out + err, out + err
        return subprocess.CompletedProcess(list(map(str, words)), process.returncode, out, err)

    def uploaded(self, *words: object, **variables: str) -> dict[str, Any]:
        """Run `pyomero upload … --json`, which must succeed; return its document."""
        done = self.run("upload", *words, "--json", **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def session_keys(self) -> list[str]:
        """Return the keys of all sessions that the user ever had."""
        with self._root() as root:
            return [session.uuid.val for session in self._sessions(root)]

    def end_sessions(self) -> None:
        """Have the server end the user's sessions, as it does where nobody used them for ten minutes."""
        with self._root() as root:
            service = root.sf.getSessionService()
            for session in self._sessions(root):
                if session.closed is None:
                    service.closeSession(session)

    @contextmanager
    def _root(self) -> Iterator[Any]:
        root = self.server.client()
        try:
            yield root
        finally:
            root.closeSession()

    def _sessions(self, root: Any) -> list[Any]:
        params = omero.sys.ParametersI().addString("user", self.user)
        hql = "select s from Session s where s.owner.omeName = :user"
        return list(root.sf.getQueryService().findAllByQuery(hql, params))

    @contextmanager
    def gateway(self) -> Iterator[omero.gateway.BlitzGateway]:
        """Give a connection of the same user."""
        conn = omero.gateway.BlitzGateway(
            self.user, self.password, host=self.server.host, port=self.server.port, secure=True
        )
        assert conn.connect(), conn.getLastError()
        try:
            yield conn
        finally:
            conn.close()


def pixels_on_server(image: Any) -> NDArray[Any]:
    """Return an Image's pixels; axes t, c, z, y, x."""
    sizes = image.getSizeT(), image.getSizeC(), image.getSizeZ()
    planes = [(z, c, t) for t in range(sizes[0]) for c in range(sizes[1]) for z in range(sizes[2])]
    read = list(image.getPrimaryPixels().getPlanes(planes))
    return np.stack(read).reshape(*sizes, image.getSizeY(), image.getSizeX())


def annotations(thing: Any, kind: str, ns: str | None = None) -> list[Any]:
    """Return an object's annotations of a class such as `TagAnnotation`, of a namespace if one is named."""
    return [
        a
        for a in thing.listAnnotations()
        if a.OMERO_TYPE.__name__ == f"{kind}I" and (ns is None or a.getNs() == ns)
    ]


def pairs(thing: Any, ns: str) -> list[tuple[str, str]]:
    """Return the key-values of a namespace on an object."""
    return [
        (key, value) for a in annotations(thing, "MapAnnotation", ns) for key, value in a.getValue()
    ]


def asked(conn: Any, hql: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query over what the user's group holds, its condition being `{own}`."""
    params = omero.sys.ParametersI().addLong("group", conn.getEventContext().groupId)
    rows = conn.getQueryService().projection(
        hql.format(own="o.details.group.id = :group"), params, conn.SERVICE_OPTS
    )
    return [tuple(None if cell is None else cell.val for cell in row) for row in rows]


CONTENT = {
    "projects": "select o.name from Project o where {own}",
    "datasets": "select o.name, o.description from Dataset o where {own}",
    "images": "select o.name, o.description from Image o where {own}",
    "pixels": "select o.sizeT, o.sizeC, o.sizeZ, o.sha1 from Pixels o where {own}",
    "channels": "select o.logicalChannel.name, o.red, o.green, o.blue, o.statsInfo.globalMin, o.statsInfo.globalMax from Channel o where {own}",
    "planes": "select o.pixels.image.name, o.theT, o.theC, o.theZ, o.deltaT.value, o.exposureTime.value from PlaneInfo o where {own}",
    "tags": "select o.textValue from TagAnnotation o where {own}",
    "files": "select o.name, o.size, o.mimetype from OriginalFile o where {own}",
    "attached": "select o.ns, o.file.name from FileAnnotation o where {own}",
    "dataset annotations": "select o.parent.name from DatasetAnnotationLink o where {own}",
    "image annotations": "select o.parent.name from ImageAnnotationLink o where {own}",
    "channel annotations": "select o.parent.logicalChannel.name from ChannelAnnotationLink o where {own}",
    "in projects": "select o.parent.name, o.child.name from ProjectDatasetLink o where {own}",
    "in datasets": "select o.parent.name, o.child.name from DatasetImageLink o where {own}",
    "rendering": "select o.defaultZ, o.defaultT from RenderingDef o where {own}",
    "stage labels": "select o.name from StageLabel o where {own}",
    "detectors": "select o.id from Detector o where {own}",
    "instruments": "select o.id from Instrument o where {own}",
    "thumbnails": "select o.sizeX from Thumbnail o where {own}",
}
"""All that an upload may leave on a server, without ids and moments."""


def content(conn: Any) -> Counter[Any]:
    """Return all that the user's group holds, each thing with how many there are."""
    found: Counter[Any] = Counter()
    for what, hql in CONTENT.items():
        for row in asked(conn, hql):
            without_ids = () if what in {"detectors", "instruments"} else row
            if what == "files" and row[2] == "OMERO.tables":
                without_ids = (row[0], row[2])  # HDF5 files of the same rows may differ in size
            found[(what, *without_ids)] += 1
    for annotation in conn.getObjects(
        "MapAnnotation", opts={"group": conn.getEventContext().groupId}
    ):
        said = tuple(pair for pair in annotation.getValue() if pair[0] != "Made at")
        found[("map", annotation.getNs(), said)] += 1
    return found
