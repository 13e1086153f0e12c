"""Taking the files of an import: what a client must say, what is noted of each file, and links in place of bytes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import omero
import omero.clients
import omero.grid
import omero.model
import PIL.Image
import pytest
import tifffile
from omero.model import NamedValue
from omero.rtypes import rstring, unwrap

from omero_imports import begun, imported, sha1


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    PIL.Image.new("L", (8, 6), 7).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def fileset_of(client: Any, response: Any) -> int:
    image = client.sf.getQueryService().get("Image", response.objects[0].id.val)
    return int(image.fileset.id.val)


def repository(client: Any) -> Any:
    shared = client.sf.sharedResources().repositories()
    return omero.grid.ManagedRepositoryPrx.checkedCast(shared.proxies[1])


def test_a_fileset_comes_with_one_upload_job(omero_client: Any, picture: Path) -> None:
    settings = omero.grid.ImportSettings(checksumAlgorithm=omero.model.ChecksumAlgorithmI())
    settings.checksumAlgorithm.value = rstring("SHA1-160")
    fileset = omero.model.FilesetI()
    entry = omero.model.FilesetEntryI()
    entry.clientPath = rstring(str(picture))
    fileset.addFilesetEntry(entry)
    with pytest.raises(omero.ValidationException, match="job link"):
        repository(omero_client).importFileset(fileset, settings)
    fileset.linkJob(omero.model.IndexingJobI())
    with pytest.raises(omero.ValidationException, match="non-UploadJob"):
        repository(omero_client).importFileset(fileset, settings)


def test_the_upload_job_keeps_what_the_client_said_and_ends_with_the_upload(
    omero_client: Any, picture: Path
) -> None:
    settings = omero.grid.ImportSettings(checksumAlgorithm=omero.model.ChecksumAlgorithmI())
    settings.checksumAlgorithm.value = rstring("SHA1-160")
    fileset, job = omero.model.FilesetI(), omero.model.UploadJobI()
    job.versionInfo = [NamedValue("client", "mine")]
    fileset.linkJob(job)
    entry = omero.model.FilesetEntryI()
    entry.clientPath = rstring(str(picture))
    fileset.addFilesetEntry(entry)
    process = repository(omero_client).importFileset(fileset, settings)
    query = (
        "select j from FilesetJobLink l join l.child j join fetch j.status "
        "where l.parent.id = (select max(f.id) from Fileset f) and j.class = UploadJob"
    )
    find = omero_client.sf.getQueryService().findByQuery
    assert find(query, None).status.value.val == "Submitted"
    store = process.getUploader(0)
    store.write(picture.read_bytes(), 0, picture.stat().st_size)
    store.close()
    process.verifyUpload([sha1(picture)])
    found = find(query, None)
    assert found.status.value.val == "Finished"
    assert [(pair.name, pair.value) for pair in found.versionInfo] == [("client", "mine")]


def test_the_repository_keeps_three_of_the_folders_that_all_files_share(
    omero_client: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "experiment" / "day" / "slide"
    (folder / "more").mkdir(parents=True)
    for name in ("a.png", "more/b.png"):
        PIL.Image.new("L", (8, 6)).save(folder / name)
    fileset = fileset_of(
        omero_client, imported(omero_client, [folder / "a.png", folder / "more" / "b.png"])
    )
    query = (
        "select e.clientPath, f.templatePrefix, o.path from FilesetEntry e join e.fileset f "
        f"join e.originalFile o where f.id = {fileset} order by e.id"
    )
    rows = unwrap(omero_client.sf.getQueryService().projection(query, None))
    assert [row[0] for row in rows] == [
        f"{folder.as_posix().lstrip('/')}/{name}" for name in ("a.png", "more/b.png")
    ]
    assert [row[2].removeprefix(row[1]) for row in rows] == [
        "experiment/day/slide/",
        "experiment/day/slide/more/",
    ]


def test_the_repository_says_where_it_is(omero_server: Any, omero_client: Any) -> None:
    root = repository(omero_client).root()
    assert Path(root.path.val, root.name.val) == omero_server.folder.resolve() / "ManagedRepository"


def test_a_link_in_the_place_of_a_file_counts_once_its_store_was_saved(
    omero_server: Any, omero_client: Any, picture: Path
) -> None:
    process = begun(omero_client, [picture])
    store = process.getUploader(0)
    file = omero_client.sf.getQueryService().get("OriginalFile", store.getFileId().val)
    place = omero_server.folder / "ManagedRepository" / file.path.val / file.name.val
    other = picture.with_name("other.png")
    PIL.Image.new("L", (80, 60), 8).save(other)
    place.unlink()
    place.symlink_to(other)
    with pytest.raises(omero.ChecksumValidationException):
        process.verifyUpload([sha1(other)])
    saved = store.save()
    store.close()
    assert (saved.hash.val, saved.size.val) == (sha1(other), other.stat().st_size)
    assert process.verifyUpload([sha1(other)]) is not None


def test_an_import_goes_on_without_its_client_and_keeps_the_session_open_until_its_end(
    omero_new_user: Callable[..., Any], picture: Path
) -> None:
    user = omero_new_user()
    leaving, staying = user.log_in(), user.log_in()
    try:
        begun(leaving, [picture]).verifyUpload([sha1(picture)])
        leaving.closeSession()
        find = staying.sf.getQueryService().projection
        query = "select f.details.creationEvent.session.closed, count(i) from Fileset f left outer join f.images i group by f.details.creationEvent.session.closed"
        while (row := unwrap(find(query, None))[0])[0] is None:
            pass
        assert row[1] == 1
    finally:
        staying.closeSession()


def test_several_images_of_one_file_share_the_name_that_the_client_wished(
    omero_client: Any, tmp_path: Path
) -> None:
    with tifffile.TiffWriter(tmp_path / "two.ome.tif") as out:
        for value, name in ((1, "left"), (2, "right")):
            out.write(np.full((6, 8), value, "uint8"), metadata={"Name": name})
    response = imported(omero_client, [tmp_path / "two.ome.tif"], userSpecifiedName=rstring("mine"))
    assert [image.name.val for image in response.objects] == ["mine [left]", "mine [right]"]
