"""Sixteen clients at once for a minute: is anything lost, does anything fail, does the server's memory stay flat?

    python benchmarks/load.py [--clients 16] [--seconds 60]

Each client is a user of its own and does, over and over, what scripts do: make a dataset and an image in it, write
its planes, read them back, tag it, give it key-values and a file, ask queries, look at a picture of it, and delete
every third one. At the end all that was acknowledged is looked for. Memory is that of the server's process, read
from /proc.
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import omero
import omero.clients
import omero.gateway
import omero.model
from omero.rtypes import rbool, rstring

from omero_embedded import Server

SIZE = 128
SAMPLE = 5.0
"""Seconds between two looks at the memory."""


class Client(threading.Thread):
    """One user's work until the time is over; `kept` holds the pixels of the images that must be there."""

    def __init__(self, server: Server, name: str, password: str, until: float) -> None:
        super().__init__(name=name)
        client = omero.client(server.host, server.port)
        client.createSession(name, password)
        self.conn = omero.gateway.BlitzGateway(client_obj=client)
        self.until = until
        self.kept: dict[int, np.ndarray[Any, Any]] = {}
        self.gone: list[int] = []
        self.rounds: list[float] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while time.monotonic() < self.until:
                begun = time.monotonic()
                self.work(len(self.rounds))
                self.rounds.append(time.monotonic() - begun)
        except BaseException as error:  # noqa: BLE001  # told at the end
            self.error = error

    def work(self, number: int) -> None:
        dice = random.Random(f"{self.name} {number}")
        planes = np.frombuffer(dice.randbytes(4 * SIZE * SIZE), "uint8").reshape(4, SIZE, SIZE)
        dataset = omero.gateway.DatasetWrapper(self.conn, omero.model.DatasetI())
        dataset.setName(f"{self.name} {number}")
        dataset.save()
        image = self.conn.createImageFromNumpySeq(
            iter(planes),
            f"image {number}",
            sizeZ=2,
            sizeC=2,
            dataset=dataset._obj,  # noqa: SLF001
        )
        tag = omero.gateway.TagAnnotationWrapper(self.conn)
        tag.setValue(f"{self.name} {number % 5}")
        tag.save()
        pairs = omero.gateway.MapAnnotationWrapper(self.conn)
        pairs.setValue([["number", str(number)], ["who", self.name]])
        pairs.save()
        for annotation in (tag, pairs):
            image.linkAnnotation(annotation)
        with tempfile.NamedTemporaryFile(suffix=".txt") as file:
            file.write(self.name.encode() * 100)
            file.flush()
            image.linkAnnotation(self.conn.createFileAnnfromLocalFile(file.name))
        image = self.conn.getObject("Image", image.getId())
        np.testing.assert_array_equal(self.pixels(image), planes)
        image.renderJpeg()
        image.getThumbnail()
        assert len(list(dataset.listChildren())) == 1
        assert list(self.conn.getObjects("Image", opts={"limit": 5}))
        if number % 3 == 2:
            self.conn.deleteObjects("Dataset", [dataset.getId()], deleteAnns=True, wait=True, deleteChildren=True)  # fmt: skip
            self.gone.append(image.getId())
        else:
            self.kept[image.getId()] = planes

    def pixels(self, image: Any) -> "np.ndarray[Any, Any]":
        zct = [(z, c, 0) for z in range(2) for c in range(2)]
        return np.stack(list(image.getPrimaryPixels().getPlanes(zct)))

    def check(self) -> int:
        """Return how many images are not there as they should be."""
        ids = {i.getId(): i for i in self.conn.getObjects("Image")}
        wrong = len(set(self.kept) ^ set(ids))
        wrong += sum(
            not np.array_equal(self.pixels(ids[i]), planes)
            for i, planes in self.kept.items()
            if i in ids
        )
        self.conn.close()
        return wrong


def user(root: Any, number: int) -> tuple[str, str]:
    """Make a user in a private group of its own, and return name and password."""
    admin, name, password = root.sf.getAdminService(), f"client{number}", uuid.uuid4().hex
    group = omero.model.ExperimenterGroupI()
    group.name, group.ldap = rstring(f"group of {name}"), rbool(False)
    group.details.permissions = omero.model.PermissionsI("rw----")
    made = omero.model.ExperimenterGroupI(admin.createGroup(group), False)
    person = omero.model.ExperimenterI()
    person.omeName, person.firstName, person.lastName = map(rstring, (name, "A", "B"))
    person.ldap = rbool(False)
    everybody = omero.model.ExperimenterGroupI(1, False)
    admin.createExperimenterWithPassword(person, rstring(password), made, [made, everybody])
    return name, password


def resident(process: int) -> float:
    """Return the megabytes of memory that a process holds."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, Server(Path(home) / "data") as server:
        os.environ["OMERO_USERDIR"] = home
        root = omero.client(server.host, server.port)
        root.createSession(server.user, server.password)
        people = [user(root, i) for i in range(arguments.clients)]
        begun = time.monotonic()
        clients = [Client(server, *who, begun + arguments.seconds) for who in people]
        for client in clients:
            client.start()
        process = server._process  # noqa: SLF001  # its number is told nowhere else
        assert process is not None
        memory = [resident(process.pid)]
        while any(client.is_alive() for client in clients):
            time.sleep(SAMPLE)
            memory.append(resident(process.pid))
            print(f"{time.monotonic() - begun:6.0f} s {memory[-1]:7.0f} MB", flush=True)
        errors = [client.error for client in clients if client.error is not None]
        wrong = sum(client.check() for client in clients)
        root.closeSession()
    rounds = [seconds for client in clients for seconds in client.rounds]
    half = memory[len(memory) // 2]
    print(f"{len(rounds)} rounds of about 60 calls, median {statistics.median(rounds):.2f} s, longest {max(rounds):.2f} s")  # fmt: skip
    print(f"{sum(len(c.kept) for c in clients)} images kept, {sum(len(c.gone) for c in clients)} deleted, {wrong} wrong or lost")  # fmt: skip
    print(f"memory {half:.0f} MB half-way, {memory[-1]:.0f} MB at the end; {len(errors)} errors {errors[:3]}")  # fmt: skip
    return 1 if errors or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
