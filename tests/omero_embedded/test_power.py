"""What a server that keeps things has acknowledged as saved is on the disk, not only in the system's memory."""

import os
import sys
from pathlib import Path
from typing import Any

import omero
import omero.clients
import omero.model
import omero.sys
import pytest
from omero.rtypes import rstring

from omero_embedded import Server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="tells files by /proc")


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> set[Path]:
    """The files and folders that were brought to the disk."""
    seen: set[Path] = set()
    really = os.fsync

    def fsync(descriptor: int) -> None:
        seen.add(Path(f"/proc/self/fd/{descriptor}").resolve())
        really(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return seen


def save_something(server: Server) -> None:
    client = omero.client(server.host, server.port)
    session = client.createSession(server.user, server.password)
    kind = session.getQueryService().findByQuery("from PixelsType where value = 'uint8'", None)
    image = session.getPixelsService().createImage(4, 3, 1, 1, [0], kind, "i", "").val
    parameters = omero.sys.ParametersI().addId(image)
    pixels = session.getQueryService().findByQuery("from Pixels where image.id = :id", parameters)
    planes = session.createRawPixelsStore()
    planes.setPixelsId(pixels.id.val, False)
    planes.setPlane(bytes(12), 0, 0, 0)
    planes.save()
    file: Any = omero.model.OriginalFileI()
    file.name, file.path = rstring("f"), rstring("/")
    file = session.getUpdateService().saveAndReturnObject(file)
    bytes_of_it = session.createRawFileStore()
    bytes_of_it.setFileId(file.id.val)
    bytes_of_it.write(b"abc", 0, 3)
    bytes_of_it.save()
    client.closeSession()


def test_planes_and_files_are_on_the_disk_when_they_are_saved(
    tmp_path: Path, synced: set[Path]
) -> None:
    with Server(tmp_path / "data", in_process=True) as server:
        save_something(server)
    folder = (tmp_path / "data").resolve()
    assert {p.parent.name for p in synced if p.is_file()} >= {"Pixels", "Files"}
    assert {folder / "Pixels", folder / "Files"} <= synced


def test_a_server_that_keeps_nothing_does_not_wait_for_the_disk(synced: set[Path]) -> None:
    with Server(memory=True, in_process=True) as server:
        save_something(server)
    assert synced == set()
