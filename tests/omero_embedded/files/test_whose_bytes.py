"""Nobody gets at the bytes of a file by naming its place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import omero
import omero.clients
import omero.cmd
import omero.model
import PIL.Image
import pytest
from omero.rtypes import rstring

from omero_imports import imported


@pytest.fixture
def file_of_another(omero_new_user: Callable[..., Any], tmp_path: Path) -> Any:
    PIL.Image.new("L", (8, 6)).save(tmp_path / "secret.png")
    client = omero_new_user(permissions="rw----").log_in()
    response = imported(client, [tmp_path / "secret.png"])
    query = (
        "select e.originalFile from FilesetEntry e join e.fileset.images i where i.id = "
        f"{response.objects[0].id.val}"
    )
    yield client.sf.getQueryService().findByQuery(query, None)
    client.closeSession()


@pytest.mark.parametrize("before", ["", "/", "./"])
def test_a_new_file_cannot_lie_where_another_does(
    omero_client: Any, file_of_another: Any, before: str
) -> None:
    file = omero.model.OriginalFileI()
    file.name, file.repo = file_of_another.name, file_of_another.repo
    file.path = rstring(before + file_of_another.path.val)
    with pytest.raises(omero.SecurityViolation):
        omero_client.sf.getUpdateService().saveAndReturnObject(file)


def test_a_file_cannot_be_moved_to_where_another_lies(
    omero_client: Any, file_of_another: Any
) -> None:
    update = omero_client.sf.getUpdateService()
    file = omero.model.OriginalFileI()
    file.name, file.path = file_of_another.name, file_of_another.path
    file = update.saveAndReturnObject(file)
    file.repo = file_of_another.repo
    with pytest.raises(omero.SecurityViolation):
        update.saveObject(file)


def test_an_imported_file_keeps_its_name_and_takes_all_other_changes(
    omero_client: Any, tmp_path: Path
) -> None:
    PIL.Image.new("L", (8, 6)).save(tmp_path / "mine.png")
    imported(omero_client, [tmp_path / "mine.png"])
    query, update = omero_client.sf.getQueryService(), omero_client.sf.getUpdateService()
    found = "select o from OriginalFile o where o.name = 'mine.png' order by o.id desc"
    file = query.findAllByQuery(found, omero.sys.ParametersI().page(0, 1))[0]
    file.mimetype = rstring("image/png")
    assert update.saveAndReturnObject(file).mimetype.val == "image/png"
    file = query.get("OriginalFile", file.id.val)
    file.name = rstring("other.png")
    with pytest.raises(omero.SecurityViolation):
        update.saveObject(file)


def test_a_copy_of_an_imported_file_has_bytes_of_its_own(omero_client: Any, tmp_path: Path) -> None:
    PIL.Image.new("L", (8, 6)).save(tmp_path / "twice.png")
    image = imported(omero_client, [tmp_path / "twice.png"]).objects[0].id.val
    query = omero_client.sf.getQueryService()
    first = query.findByQuery("select o from OriginalFile o where o.name = 'twice.png'", None)
    # Files are copied only where that is asked for.
    copy = omero.cmd.Duplicate(targetObjects={"Image": [image]}, typesToDuplicate=["OriginalFile"])
    done = omero_client.submit(copy)
    (second,) = done.getResponse().duplicates["ome.model.core.OriginalFile"]
    done.close(True)
    omero_client.submit(omero.cmd.Delete2(targetObjects={"OriginalFile": [second]})).close(True)
    store = omero_client.sf.createRawFileStore()
    store.setFileId(first.id.val)
    assert store.read(0, 8) == b"\x89PNG\r\n\x1a\n"
    store.close()


def test_a_file_that_calls_itself_a_repository_is_none(omero_client: Any) -> None:
    file = omero.model.OriginalFileI()
    file.name, file.path = rstring("ManagedRepository"), rstring("/")
    file.mimetype = rstring("Repository")
    file = omero_client.sf.getUpdateService().saveAndReturnObject(file)
    found = omero_client.sf.sharedResources().repositories().descriptions
    assert file.id.val not in [description.id.val for description in found]
