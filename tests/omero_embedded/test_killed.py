"""A server killed at any moment, under load, holds what it has acknowledged, and nothing by halves.

`OMERO_KILL_ROUNDS=100` kills that often.
"""

import hashlib
import os
import random
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import Ice
import omero
import omero.clients
import omero.model
import omero.sys
import pytest
from omero.rtypes import rstring, unwrap

from omero_embedded import Server

ROUNDS = int(os.environ.get("OMERO_KILL_ROUNDS", "2"))
SHAPE = (64, 48, 2, 1, 2)
"""Sizes along x, y, z, c, t of the images that are written; 8 bits."""


@dataclass
class Ledger:
    """What was asked of the server and what it acknowledged, over all rounds."""

    asked: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    planes: dict[tuple[int, int, int], bytes] = field(default_factory=dict)
    images: dict[int, str] = field(default_factory=dict)
    files: dict[int, bytes] = field(default_factory=dict)

    def ask(self, *names: str) -> None:
        """Note names before they are sent."""
        self.asked.update(names)


def dataset(name: str) -> Any:
    made = omero.model.DatasetI()
    made.name = rstring(name)
    return made


def save_one_by_one(client: Any, ledger: Ledger, who: str) -> None:
    update = client.sf.getUpdateService()
    for i in range(10**6):
        name = f"{who} one {i}"
        ledger.ask(name)
        update.saveObject(dataset(name))
        ledger.acknowledged.add(name)


def save_five_at_once(client: Any, ledger: Ledger, who: str) -> None:
    update = client.sf.getUpdateService()
    for i in range(10**6):
        names = [f"{who} five {i} {part}" for part in range(5)]
        ledger.ask(*names)
        update.saveAndReturnArray([dataset(name) for name in names])
        ledger.acknowledged.update(names)


def save_with_links(client: Any, ledger: Ledger, who: str) -> None:
    update = client.sf.getUpdateService()
    for i in range(10**6):
        name, tag = f"{who} linked {i}", omero.model.TagAnnotationI()
        tag.textValue = rstring(name)
        made = dataset(name)
        made.linkAnnotation(tag)
        ledger.ask(name)
        update.saveObject(made)
        ledger.acknowledged.add(name)


def write_planes(client: Any, ledger: Ledger, who: str) -> None:
    session, (x, y, z, _, t) = client.sf, SHAPE
    query = session.getQueryService()
    kind = query.findByQuery("from PixelsType where value = 'uint8'", None)
    for i in range(10**6):
        name, dice = f"{who} image {i}", random.Random(f"{who} {i}")
        ledger.ask(name)
        image = session.getPixelsService().createImage(x, y, z, t, [0], kind, name, "").val
        ledger.acknowledged.add(name)
        parameters = omero.sys.ParametersI().addId(image)
        pixels = query.findByQuery("from Pixels where image.id = :id", parameters).id.val
        store, whole = session.createRawPixelsStore(), b""
        store.setPixelsId(pixels, False)
        for ct in range(t):
            for cz in range(z):
                plane = dice.randbytes(x * y)
                store.setPlane(plane, cz, 0, ct)
                ledger.planes[pixels, cz, ct] = plane
                whole += plane
        store.save()
        ledger.images[pixels] = hashlib.sha1(whole).hexdigest()
        store.close()


def write_files(client: Any, ledger: Ledger, who: str) -> None:
    update = client.sf.getUpdateService()
    for i in range(10**6):
        file, content = omero.model.OriginalFileI(), random.Random(f"{who} {i}").randbytes(50_000)
        file.name, file.path = rstring(f"{who} {i}"), rstring("/")
        identifier = update.saveAndReturnObject(file).id.val
        store = client.sf.createRawFileStore()
        store.setFileId(identifier)
        store.write(content, 0, len(content))
        store.save()
        ledger.files[identifier] = content
        store.close()


WORK: list[Callable[[Any, Ledger, str], None]] = [
    save_one_by_one,
    save_five_at_once,
    save_with_links,
    write_planes,
    write_files,
]


def until_it_dies(work: Callable[[Any, Ledger, str], None], client: Any, ledger: Ledger, who: str) -> None:  # fmt: skip
    try:
        work(client, ledger, who)
    except Ice.Exception:
        return


def log_in(server: Server) -> Any:
    client = omero.client(server.host, server.port)
    client.createSession(server.user, server.password)
    return client


def kill_under_load(server: Server, ledger: Ledger, number: int) -> None:
    clients = [log_in(server) for _ in WORK]
    threads = [
        threading.Thread(target=until_it_dies, args=(work, client, ledger, f"{number}.{i}"))
        for i, (work, client) in enumerate(zip(WORK, clients, strict=True))
    ]
    for thread in threads:
        thread.start()
    before = len(ledger.acknowledged)
    while len(ledger.acknowledged) < before + 5:
        threads[0].join(0.01)
    threads[0].join(random.Random(number).uniform(0, 2))
    assert server._process is not None
    server._process.send_signal(signal.SIGKILL)
    server._process.wait()
    for thread in threads:
        thread.join()
    for client in clients:
        client.getCommunicator().destroy()


def check_objects(client: Any, ledger: Ledger) -> None:
    query, everywhere = client.sf.getQueryService(), {"omero.group": "-1"}

    def names(hql: str) -> list[str]:
        return [unwrap(row[0]) for row in query.projection(hql, None, everywhere)]

    found = names("select d.name from Dataset d") + names("select i.name from Image i")
    assert len(found) == len(set(found))
    assert ledger.acknowledged - set(found) == set(), "acknowledged and lost"
    assert set(found) - ledger.asked == set(), "never asked for"
    fives: dict[str, int] = {}
    for name in found:
        if " five " in name:
            group = name.rpartition(" ")[0]
            fives[group] = fives.get(group, 0) + 1
    assert set(fives.values()) <= {5}, "half a call was saved"
    linked = names("select d.name from Dataset d join d.annotationLinks l where l.child.id > 0")
    assert sorted(linked) == sorted(n for n in found if " linked " in n)
    assert len(names("select t.textValue from TagAnnotation t")) == len(linked)
    pixels = names("select p.sha1 from Pixels p")
    assert len(pixels) == len([n for n in found if " image " in n]), "an image without its pixels"


def check_binaries(client: Any, ledger: Ledger) -> None:
    store = client.sf.createRawPixelsStore()
    for (pixels, z, t), plane in ledger.planes.items():
        store.setPixelsId(pixels, False)
        assert store.getPlane(z, 0, t) == plane
    store.close()
    rows = client.sf.getQueryService().projection("select p.id, p.sha1 from Pixels p", None)
    digests = {unwrap(row[0]): unwrap(row[1]) for row in rows}
    for pixels, digest in ledger.images.items():
        assert digests[pixels] == digest
    file = client.sf.createRawFileStore()
    for identifier, content in ledger.files.items():
        file.setFileId(identifier)
        assert file.read(0, len(content)) == content
        assert file.size() == len(content)
    file.close()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="nothing kills that hard here")
def test_what_was_acknowledged_is_there_whole_and_nothing_else(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    ledger, folder = Ledger(), tmp_path / "data"
    for number in range(ROUNDS):
        server = Server(folder)
        server.start()
        kill_under_load(server, ledger, number)
        with closing(sqlite3.connect(folder / "omero.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        with Server(folder) as again:
            client = log_in(again)
            check_objects(client, ledger)
            check_binaries(client, ledger)
            client.closeSession()
        # Planes and files that were right once need not be read a hundred times.
        ledger.planes.clear()
        ledger.files.clear()
    assert len(ledger.acknowledged) >= 5 * ROUNDS
    record_property("acknowledged", len(ledger.acknowledged))
    record_property("images", len(ledger.images))
