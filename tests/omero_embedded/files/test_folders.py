"""The managed repository by paths: folders made, files written, registered, listed and deleted."""

from typing import Any

import omero
import omero.callbacks
import omero.clients
import omero.grid
import pytest
from omero.rtypes import rstring, unwrap

from omero_embedded import Server


@pytest.fixture
def repository(omero_client: Any) -> Any:
    shared = omero_client.sf.sharedResources().repositories()
    return next(
        p for p in map(omero.grid.ManagedRepositoryPrx.checkedCast, shared.proxies) if p is not None
    )


@pytest.fixture
def own(omero_client: Any) -> str:
    """The user's folder."""
    context = omero_client.sf.getAdminService().getEventContext()
    return f"{context.userName}_{context.userId}"


def finished(client: Any, handle: Any) -> Any:
    callback = omero.callbacks.CmdCallbackI(client, handle)
    callback.loop(60, 500)
    response = callback.getResponse()
    callback.close(True)
    return response


def write(repository: Any, path: str, data: bytes) -> int:
    store = repository.file(path, "rw")
    store.write(data, 0, len(data))
    store.save()
    identifier = int(store.getFileId().val)
    store.close()
    return identifier


def test_folders_and_files_are_listed_as_a_tree(repository: Any, own: str) -> None:
    repository.makeDir(f"{own}/a/b", True)
    first, second = (
        write(repository, f"{own}/a/b/one.txt", b"1"),
        write(repository, f"{own}/a/two.txt", b"22"),
    )
    assert repository.list(f"{own}/a") == [f"{own}/a/b", f"{own}/a/two.txt"]
    tree = unwrap(repository.treeList(f"{own}/a"))
    assert tree[f"/{own}/a/two.txt"] == {"id": second, "mimetype": "text/plain", "size": 2}
    folder = tree[f"/{own}/a/b"]
    assert folder["mimetype"] == "Directory"
    assert folder["files"] == {
        f"/{own}/a/b/one.txt": {"id": first, "mimetype": "text/plain", "size": 1}
    }


def test_a_folder_needs_the_one_that_it_is_in(repository: Any, own: str) -> None:
    with pytest.raises(omero.ResourceError, match="Cannot find parent directory"):
        repository.makeDir(f"{own}/x/y", False)
    repository.makeDir(own, True)
    repository.makeDir(f"{own}/x", False)
    assert repository.fileExists(f"{own}/x")
    with pytest.raises(omero.ResourceError, match="Path exists"):
        repository.makeDir(f"{own}/x", False)


@pytest.mark.parametrize("path", ["elsewhere/x", "../x", "root_0/x"])
def test_nobody_makes_folders_outside_of_the_own_one(repository: Any, path: str) -> None:
    with pytest.raises((omero.SecurityViolation, omero.ValidationException)):
        repository.makeDir(path, True)
    with pytest.raises((omero.SecurityViolation, omero.ValidationException)):
        repository.file(path, "rw")


def test_a_path_is_one_however_it_is_written(repository: Any, own: str) -> None:
    repository.makeDir(f"/{own}//a/./b/", True)
    assert repository.list(f"{own}/a") == [f"{own}/a/b"]
    with pytest.raises(omero.ApiUsageException):
        repository.makeDir("/", True)


def test_a_file_that_lies_there_is_registered_once(
    repository: Any, own: str, omero_server: Server
) -> None:
    repository.makeDir(own, True)
    path = omero_server.folder / "ManagedRepository" / own / "put.csv"
    path.write_bytes(b"a,b\n")
    made = repository.register(f"{own}/put.csv", rstring("text/csv"))
    assert (made.name.val, made.path.val, made.size.val) == ("put.csv", f"{own}/", 4)
    with pytest.raises(omero.ValidationException, match="registered already"):
        repository.register(f"{own}/put.csv", rstring("text/csv"))
    with pytest.raises(omero.ResourceError, match="does not exist"):
        repository.register(f"{own}/missing.csv", rstring("text/csv"))
    store = repository.file(f"{own}/put.csv", "r")
    assert store.read(0, 4) == b"a,b\n"
    store.close()


def test_what_is_deleted_by_its_path_is_gone_from_the_disk_too(
    repository: Any, own: str, omero_client: Any, omero_server: Server
) -> None:
    repository.makeDir(f"{own}/gone", True)
    write(repository, f"{own}/gone/one.txt", b"1")
    with pytest.raises(omero.ResourceError, match="not empty"):
        repository.deletePaths([f"{own}/gone"], False, False)
    response = finished(omero_client, repository.deletePaths([f"{own}/gone"], True, False))
    assert len(response.deletedObjects["ome.model.core.OriginalFile"]) == 2
    assert repository.list(own) == []
    assert not (omero_server.folder / "ManagedRepository" / own / "gone").exists()
    with pytest.raises(omero.ResourceError, match="does not exist"):
        repository.deletePaths([f"{own}/gone"], True, False)
