"""The whole server over PostgreSQL instead of SQLite: logging in, saving, asking, being refused, deleting."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import omero
import omero.model
import pytest
from omero.rtypes import rstring

from omero_embedded import Server
from postgresql import NewDatabase


@pytest.fixture(scope="module")
def server(
    new_postgresql: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("server")
    with Server(folder, database_url=new_postgresql(), in_process=True) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    made = omero.client(server.host, server.port)
    made.createSession(server.user, server.password)
    yield made
    made.closeSession()


def dataset(name: str) -> omero.model.DatasetI:
    made = omero.model.DatasetI()
    made.name = rstring(name)
    return made


def test_it_saves_and_finds(client: omero.client) -> None:
    saved = client.sf.getUpdateService().saveAndReturnArray([dataset("a"), dataset("b")])
    found = client.sf.getQueryService().findAllByQuery(
        "from Dataset d where d.name in ('a', 'b') order by d.name", None
    )
    assert [d.id.val for d in found] == [d.id.val for d in saved]
    assert not (
        client.sf.getQueryService().get("Dataset", saved[0].id.val).details.owner.isLoaded()
    )


def test_a_refused_object_undoes_the_whole_call(client: omero.client) -> None:
    with pytest.raises(omero.ValidationException):
        client.sf.getUpdateService().saveArray([dataset("half"), omero.model.DatasetI()])
    assert client.sf.getQueryService().findAllByString("Dataset", "name", "half", True, None) == []


def test_the_same_link_twice_is_refused(client: omero.client) -> None:
    update = client.sf.getUpdateService()
    project = omero.model.ProjectI()
    project.name = rstring("p")
    project.linkDataset(dataset("linked"))
    saved = update.saveAndReturnObject(project)
    again = omero.model.ProjectDatasetLinkI()
    again.parent = omero.model.ProjectI(saved.id.val, False)
    again.child = omero.model.DatasetI(saved.linkedDatasetList()[0].id.val, False)
    with pytest.raises(omero.ValidationException, match="could not insert"):
        update.saveObject(again)


def test_pixels_are_written_and_summed(client: omero.client) -> None:
    query = client.sf.getQueryService()
    kind = query.findByString("PixelsType", "value", "uint8")
    image = client.sf.getPixelsService().createImage(4, 2, 1, 1, [0], kind, "i", "").val
    pixels = query.findByQuery(f"from Pixels where image.id = {image}", None)
    store = client.sf.createRawPixelsStore()
    store.setPixelsId(pixels.id.val, False)
    store.setPlane(bytes(range(8)), 0, 0, 0)
    store.save()
    assert store.getPlane(0, 0, 0) == bytes(range(8))
    store.close()
    assert query.get("Pixels", pixels.id.val).sha1.val != "Pending..."


def test_a_second_start_finds_what_the_first_one_stored(
    server: Server, client: omero.client
) -> None:
    saved = client.sf.getUpdateService().saveAndReturnObject(dataset("kept"))
    client.closeSession()
    server.stop()
    server.start()
    again = omero.client(server.host, server.port)
    again.createSession(server.user, server.password)
    assert again.sf.getQueryService().get("Dataset", saved.id.val).name.val == "kept"
    again.closeSession()
