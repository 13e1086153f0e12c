"""Files imported as they are: read back with BlitzGateway, never twice, never half, never altered."""

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import Ice
import numpy as np
import omero
import omero.clients
import omero.gateway
import omero.model
import PIL.Image
import pytest
import tifffile
from omero.rtypes import rstring, unwrap

from folders import plane, write_png
from omero_imports import begun
from originals import write_part
from plans import planned
from proxy import Proxy
from pyomero_upload.errors import PlanError, UnreadableFileError, UsageError
from pyomero_upload.targets.omero import fileset_finding
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.fileset import (
    ImportProgress,
    ImportRefusedError,
    group_for_import,
    import_files,
)
from pyomero_upload.targets.omero.fileset_sending import SharedDiskError, link_files
from pyomero_upload.targets.omero.original_files import original_files
from pyomero_upload.transfer.convert import convert

PLANES = np.arange(2 * 3 * 2 * 6 * 8, dtype=np.uint16).reshape(2, 3, 2, 6, 8)


@pytest.fixture
def dataset(conn: Connection) -> int:
    return new_dataset(conn)


def new_dataset(conn: Connection) -> int:
    dataset = omero.model.DatasetI()
    dataset.name = rstring("originals")
    return int(conn.update.saveAndReturnObject(dataset).id.val)


def ome_tiff(path: Path, pixels: Any = PLANES, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, pixels, metadata={"axes": "TCZYX"[-pixels.ndim :]}, **options)
    return path


def count(conn: Connection, of: str) -> int:
    return int(unwrap(conn.query.projection(f"select count(o) from {of} o", None))[0][0])


def pixels_of(conn: Connection, image_id: int) -> Any:
    """Read an Image back with BlitzGateway: axes t, c, z, y, x."""
    image = omero.gateway.BlitzGateway(client_obj=conn.client).getObject("Image", image_id)
    sizes = image.getSizeT(), image.getSizeC(), image.getSizeZ()
    wanted = [(z, c, t) for t, c, z in np.ndindex(*sizes)]
    planes = list(image.getPrimaryPixels().getPlanes(wanted))
    return np.stack(planes).reshape(*sizes, image.getSizeY(), image.getSizeX())


def sha1(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()


def kept(conn: Connection, image_id: int) -> dict[str, tuple[str, str]]:
    """Return path and checksum of each file of an Image, as OMERO.web shows them, by the client's path."""
    image = omero.gateway.BlitzGateway(client_obj=conn.client).getObject("Image", image_id)
    entries = conn.query.findAllByQuery(
        "select e from FilesetEntry e join fetch e.originalFile "
        f"where e.fileset.id = {image.getFileset().getId()}",
        None,
    )
    return {
        e.clientPath.val: (
            e.originalFile.path.val + e.originalFile.name.val,
            e.originalFile.hash.val,
        )
        for e in entries
    }


# ------------------------------------------------------------ what arrives
def test_an_ome_tiff_arrives_byte_by_byte_and_plane_by_plane(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    path = ome_tiff(tmp_path / "cells.ome.tif")
    result = import_files(conn, [path], dataset_id=dataset)
    (image,) = result.images
    assert (result.new, image.name, image.verified, image.planes) == (
        True,
        "cells.ome.tif",
        True,
        12,
    )
    np.testing.assert_array_equal(pixels_of(conn, image.id), PLANES)
    assert image.sha1 == hashlib.sha1(PLANES.astype("<u2").tobytes()).hexdigest()
    ((client_path, (_, checksum)),) = kept(conn, image.id).items()
    assert client_path == path.as_posix().lstrip("/")
    assert checksum == sha1(path)


def test_the_image_lies_in_the_dataset_under_the_name_that_was_asked_for(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    path = write_png(tmp_path / "a.png", plane(1))
    result = import_files(conn, [path], dataset_id=dataset, name="first try")
    gateway = omero.gateway.BlitzGateway(client_obj=conn.client)
    children = list(gateway.getObject("Dataset", dataset).listChildren())
    assert [(c.getId(), c.getName()) for c in children] == [(result.image_ids[0], "first try")]


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_pixels_are_compared_in_the_byte_order_of_the_file(
    conn: Connection, dataset: int, tmp_path: Path, byteorder: str, dtype: str
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, plane(1, dtype=dtype), byteorder=byteorder)
    assert import_files(conn, [path], dataset_id=dataset).images[0].verified is True


@pytest.mark.parametrize(
    ("name", "mode", "verified"),
    [
        ("grey.png", "L", True),
        ("deep.png", "I;16", True),
        ("colours.png", "RGB", True),
        ("colours.bmp", "RGB", True),
        ("lossy.jpg", "RGB", None),
        ("palette.gif", "P", None),
    ],
)
def test_pictures_are_compared_where_there_is_one_way_to_read_them(
    conn: Connection, dataset: int, tmp_path: Path, name: str, mode: str, verified: bool | None
) -> None:
    PIL.Image.new(mode, (8, 6), (7, 8, 9) if mode == "RGB" else 7).save(tmp_path / name)
    result = import_files(conn, [tmp_path / name], dataset_id=dataset)
    assert [image.verified for image in result.images] == [verified]


def test_pages_colours_and_compressed_stacks_are_compared_too(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    tifffile.imwrite(
        tmp_path / "pages.tif", plane(1, (3, 16, 20)), compression="zlib", metadata=None
    )
    tifffile.imwrite(tmp_path / "rgb.tif", plane(2, (16, 20, 3), "uint8"), photometric="rgb")
    tifffile.imwrite(tmp_path / "shaped.tif", plane(3, (5, 16, 20)))
    for name in ("pages.tif", "rgb.tif", "shaped.tif"):
        (image,) = import_files(conn, [tmp_path / name], dataset_id=dataset).images
        assert (name, image.verified) == (name, True)


def test_an_ome_zarr_comes_with_all_its_files_and_their_folders(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    plan = planned(tmp_path / "folder", positions=["pos001"], times=2, sections=3)
    convert(plan, tmp_path / "out")
    (zarr,) = (tmp_path / "out").rglob("*.ome.zarr")
    result = import_files(conn, [zarr], dataset_id=dataset)
    (image,) = result.images
    assert (image.name, image.verified) == (zarr.name, True)
    files = kept(conn, image.id)
    assert set(files) == {p.as_posix().lstrip("/") for p in zarr.rglob("*") if p.is_file()}
    assert all(checksum == sha1(Path("/", path)) for path, (_, checksum) in files.items())
    assert all(f"/{zarr.name}/" in place for place, _ in files.values())
    sizes = plan.images[0].sizes
    assert pixels_of(conn, image.id).shape == tuple(sizes)


def test_an_ome_tiff_of_several_files_is_one_image(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    names = ["t0.ome.tif", "t1.ome.tif", "t2.ome.tif"]
    for i, name in enumerate(names):
        write_part(tmp_path / name, [n for n in names if n != name], i)
    (group,) = group_for_import(tmp_path)
    (image,) = import_files(conn, group.files, dataset_id=dataset, name=group.name).images
    assert (image.name, image.sizes.t, image.verified) == ("t0.ome.tif", 3, True)
    np.testing.assert_array_equal(
        pixels_of(conn, image.id)[:, 0, 0], np.stack([plane(i) for i in range(3)])
    )


def test_a_file_of_several_images_makes_them_all(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    path = tmp_path / "two.ome.tif"
    with tifffile.TiffWriter(path) as out:
        out.write(plane(1, (16, 20)), metadata={"Name": "left"})
        out.write(plane(2, (32, 10)), metadata={"Name": "right"})
    images = import_files(conn, [path], dataset_id=dataset).images
    assert [image.name for image in images] == ["two.ome.tif [left]", "two.ome.tif [right]"]
    assert [image.verified for image in images] == [True, True]
    np.testing.assert_array_equal(pixels_of(conn, images[1].id)[0, 0, 0], plane(2, (32, 10)))


def test_files_of_the_same_name_in_different_folders_stay_apart(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    paths = [write_png(tmp_path / f"pos{i}" / "a.png", plane(i)) for i in (1, 2)]
    ids = [import_files(conn, [path], dataset_id=dataset).image_ids[0] for path in paths]
    for image_id, i in zip(ids, (1, 2), strict=True):
        np.testing.assert_array_equal(pixels_of(conn, image_id)[0, 0, 0], plane(i))


@pytest.mark.parametrize(
    "name", ["Zellen µm größe.png", "a b  c.png", "[1] (2) {3} #%&+'.png", "中文.png", "é.png"]
)
def test_odd_names_are_kept(conn: Connection, dataset: int, tmp_path: Path, name: str) -> None:
    path = write_png(tmp_path / "an odd folder" / name, plane(1))
    (image,) = import_files(conn, [path], dataset_id=dataset).images
    assert image.name == name
    assert list(kept(conn, image.id)) == [path.as_posix().lstrip("/")]


def test_a_link_to_a_file_is_followed(conn: Connection, dataset: int, tmp_path: Path) -> None:
    target = write_png(tmp_path / "elsewhere" / "b.png", plane(1))
    (tmp_path / "a.png").symlink_to(target)
    (image,) = import_files(conn, [tmp_path / "a.png"], dataset_id=dataset).images
    assert image.name == "a.png"
    np.testing.assert_array_equal(pixels_of(conn, image.id)[0, 0, 0], plane(1))


def test_progress_tells_of_sending_importing_and_comparing(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    path = ome_tiff(tmp_path / "a.ome.tif", np.zeros((3, 700, 800), np.uint16))
    told: list[ImportProgress] = []
    import_files(conn, [path], dataset_id=dataset, on_progress=told.append)
    size = path.stat().st_size
    assert told[-1] == ImportProgress("a.ome.tif", "comparing", 1, 1)
    sent = [p.done for p in told if p.step == "sending"]
    assert (sent[-1], sent) == (size, sorted(sent))
    assert {p.total for p in told if p.step == "sending"} == {size}


# ------------------------------------------------------------ what is refused, before anything is sent
@pytest.mark.parametrize(
    "options",
    [{"ome": True}, {"imagej": True}, {"compression": "zlib", "metadata": None}, {"bigtiff": True}],
)
@pytest.mark.parametrize("left", [0.99, 0.6, 0.05])
def test_a_tiff_that_is_cut_off_anywhere_is_refused_and_nothing_is_sent(
    conn: Connection, dataset: int, tmp_path: Path, options: dict[str, Any], left: float
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, plane(1, (5, 60, 80)), **options)
    import_whole = path.read_bytes()
    path.write_bytes(import_whole[: int(len(import_whole) * left)])
    with pytest.raises(UnreadableFileError, match=r"a\.tif cannot be imported: it is "):
        import_files(conn, [path], dataset_id=dataset)
    assert count(conn, "Fileset") == 0


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.bmp"])
def test_a_picture_that_is_cut_off_is_refused(
    conn: Connection, dataset: int, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    PIL.Image.fromarray(plane(1, (60, 80), "uint8")).save(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UnreadableFileError, match="damaged or cut off"):
        import_files(conn, [path], dataset_id=dataset)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "it is empty"),
        (b"This is text.", "it is no TIFF"),
        (b"\0" * 5000, "it is no TIFF"),
        (b"II*\0", "cut off"),
    ],
)
def test_what_is_no_tiff_is_refused(
    conn: Connection, dataset: int, tmp_path: Path, content: bytes, says: str
) -> None:
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(UnreadableFileError, match=says):
        import_files(conn, [tmp_path / "a.tif"], dataset_id=dataset)


def test_nothing_at_all_missing_files_and_folders_are_refused(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="no files"):
        import_files(conn, [], dataset_id=dataset)
    with pytest.raises(UsageError, match=r"no file .*gone"):
        import_files(conn, [tmp_path / "gone.tif"], dataset_id=dataset)
    with pytest.raises(UsageError, match="no OME-Zarr"):
        import_files(conn, [tmp_path], dataset_id=dataset)
    with pytest.raises(UsageError, match="is a folder"):
        import_files(conn, [write_png(tmp_path / "a.png", plane(1)), tmp_path], dataset_id=dataset)


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes among the files of Windows")
def test_a_pipe_is_refused_and_not_waited_for(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(UsageError, match="no file that could be imported"):
        import_files(conn, [tmp_path / "a.png"], dataset_id=dataset)


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0,
    reason="nothing is forbidden to root, or by chmod on Windows",
)
def test_a_file_that_may_not_be_read_is_refused(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    path = write_png(tmp_path / "a.png", plane(1))
    path.chmod(0)
    with pytest.raises(UnreadableFileError, match="Permission denied"):
        import_files(conn, [path], dataset_id=dataset)


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are Linux's")
def test_a_name_that_is_not_unicode_is_refused(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    path = tmp_path / os.fsdecode(b"a\xff.png")
    write_png(path, plane(1))
    with pytest.raises(UsageError, match=r"a\\udcff\.png is not valid Unicode"):
        import_files(conn, [path], dataset_id=dataset)


def test_an_ome_zarr_that_leads_elsewhere_is_refused(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    zarr = tmp_path / "a.zarr"
    zarr.mkdir()
    (zarr / "zarr.json").write_text("{}", encoding="utf-8")
    (zarr / "0").symlink_to(tmp_path)
    with pytest.raises(PlanError) as raised:
        import_files(conn, [zarr], dataset_id=dataset)
    assert [problem.where for problem in raised.value.problems] == ["0"]


def test_a_dataset_that_is_not_there_or_somebody_elses_is_refused(
    conn: Connection, omero_new_user: Callable[..., Any], tmp_path: Path
) -> None:
    path = write_png(tmp_path / "a.png", plane(1))
    with pytest.raises(UsageError, match="no Dataset:999999"):
        import_files(conn, [path], dataset_id=999999)
    client = omero_new_user(group=conn.group.id).log_in()
    try:
        theirs = new_dataset(Connection.over(client))
    finally:
        client.closeSession()
    with pytest.raises(UsageError, match="may not be put"):
        import_files(conn, [path], dataset_id=theirs)
    assert count(conn, "Fileset") == 0


# ------------------------------------------------------------ what fails on the way
def test_a_file_that_the_server_cannot_read_says_so_and_leaves_nothing(
    conn: Connection, dataset: int, tmp_path: Path, omero_server: Any
) -> None:
    path = tmp_path / "own-format-of-a-maker.xyz"
    path.write_bytes(b"not an image at all")
    with pytest.raises(ImportRefusedError, match=r"own-format-of-a-maker\.xyz"):
        import_files(conn, [path], dataset_id=dataset)
    assert (count(conn, "Fileset"), count(conn, "FilesetEntry")) == (0, 0)
    assert not list(omero_server.folder.rglob("own-format-of-a-maker.xyz"))


def test_an_error_of_the_callers_own_takes_back_what_was_sent(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    path = ome_tiff(tmp_path / "a.ome.tif")

    def stop(progress: ImportProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_files(conn, [path], dataset_id=dataset, on_progress=stop)
    assert count(conn, "Fileset") == 0


# ------------------------------------------------------------ never twice
def test_what_is_there_is_found_and_not_imported_again(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    path = ome_tiff(tmp_path / "a.ome.tif")
    first = import_files(conn, [path], dataset_id=dataset)
    again = import_files(conn, [path], dataset_id=dataset)
    assert (again.new, again.image_ids, again.fileset_id) == (
        False,
        first.image_ids,
        first.fileset_id,
    )
    assert again.images == first.images
    assert (count(conn, "Fileset"), count(conn, "Image")) == (1, 1)


def test_what_has_moved_since_is_found_too(conn: Connection, dataset: int, tmp_path: Path) -> None:
    ome_tiff(tmp_path / "here" / "a.ome.tif")
    first = import_files(conn, [tmp_path / "here" / "a.ome.tif"], dataset_id=dataset)
    (tmp_path / "here").rename(tmp_path / "there")
    again = import_files(conn, [tmp_path / "there" / "a.ome.tif"], dataset_id=dataset)
    assert again.image_ids == first.image_ids


def test_another_content_name_or_dataset_is_another_import(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    path = ome_tiff(tmp_path / "a.ome.tif")
    ids = set(import_files(conn, [path], dataset_id=dataset).image_ids)
    ome_tiff(path, PLANES[::-1])
    ids |= set(import_files(conn, [path], dataset_id=dataset).image_ids)
    ids |= set(
        import_files(conn, [path.rename(tmp_path / "b.ome.tif")], dataset_id=dataset).image_ids
    )
    ids |= set(import_files(conn, [tmp_path / "b.ome.tif"], dataset_id=new_dataset(conn)).image_ids)
    assert len(ids) == 4


def test_an_ome_zarr_is_found_again_by_all_its_files(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    convert(planned(tmp_path / "folder", positions=["pos001"], times=1), tmp_path / "out")
    (zarr,) = (tmp_path / "out").rglob("*.ome.zarr")
    first = import_files(conn, [zarr], dataset_id=dataset)
    assert import_files(conn, [zarr], dataset_id=dataset).fileset_id == first.fileset_id
    chunk = max((p for p in zarr.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    chunk.with_name("more").write_bytes(b"one file more")
    assert import_files(conn, [zarr], dataset_id=dataset).new


RUN = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    import omero.clients
    from pyomero_upload.targets.omero.connection import Connection
    from pyomero_upload.targets.omero.fileset import import_files

    host, port, key, dataset, path, last = sys.argv[1:]
    steps = ["sending", "importing", "comparing"]

    def die(progress):
        if steps.index(progress.step) >= steps.index(last):
            os.kill(os.getpid(), signal.SIGKILL)

    client = omero.client(host, int(port))
    client.createSession(key, os.environ["PASSWORD"])
    import_files(Connection.over(client), [Path(path)], dataset_id=int(dataset), on_progress=die)
    """
)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("last", ["sending", "importing", "comparing"])
def test_a_run_that_was_killed_leaves_nothing_that_the_next_one_doubles(
    omero_new_user: Callable[..., Any], omero_server: Any, tmp_path: Path, last: str
) -> None:
    user = omero_new_user()
    client = user.log_in()
    try:
        conn = Connection.over(client)
        dataset = new_dataset(conn)
        path = ome_tiff(tmp_path / "a.ome.tif")
        killed = subprocess.run(
            [
                sys.executable, "-W", "ignore", "-c", RUN, omero_server.host, str(omero_server.port), user.name,
                str(dataset), str(path), last,
            ],
            env={**os.environ, "PASSWORD": user.password},
            check=False,
            timeout=60,
        )  # fmt: skip
        assert killed.returncode == -signal.SIGKILL
        result = import_files(conn, [path], dataset_id=dataset)
        assert (count(conn, "Fileset"), count(conn, "Image")) == (1, 1)
        assert result.new is (last == "sending")
        np.testing.assert_array_equal(pixels_of(conn, result.image_ids[0]), PLANES)
        assert (
            len(
                list(
                    (omero_server.folder / "ManagedRepository").rglob(
                        f"*/{tmp_path.name}/a.ome.tif"
                    )
                )
            )
            == 1
        )
    finally:
        client.closeSession()


def our_job() -> Any:
    job = omero.model.UploadJobI()
    job.versionInfo = [omero.model.NamedValue(fileset_finding.MARK, "6.0")]
    return job


def test_what_another_program_left_is_not_ours_to_remove(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    path = ome_tiff(tmp_path / "a.ome.tif")
    begun(conn.client, [path])
    assert import_files(conn, [path], dataset_id=dataset).new
    assert count(conn, "Fileset") == 2


def test_an_import_that_was_cut_off_in_this_session_is_cleared_away(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    path = ome_tiff(tmp_path / "a.ome.tif")
    begun(conn.client, [path], job=our_job())
    result = import_files(conn, [path], dataset_id=dataset)
    assert (result.new, count(conn, "Fileset")) == (True, 1)


def test_an_import_that_another_session_has_under_way_is_waited_for(
    omero_new_user: Callable[..., Any], tmp_path: Path
) -> None:
    user = omero_new_user()
    mine, other = user.log_in(), user.log_in()
    try:
        conn = Connection.over(mine)
        dataset = new_dataset(conn)
        path = ome_tiff(tmp_path / "a.ome.tif")
        begun(other, [path], job=our_job())
        told: list[ImportProgress] = []

        def end_the_other(progress: ImportProgress) -> None:
            if not told:
                other.closeSession()
            told.append(progress)

        result = import_files(conn, [path], dataset_id=dataset, on_progress=end_the_other)
        assert told[0] == ImportProgress("a.ome.tif", "importing", 0, 1)
        assert (result.new, count(conn, "Fileset")) == (True, 1)
    finally:
        mine.closeSession()


def test_an_import_that_does_not_end_elsewhere_is_left_alone(
    omero_new_user: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fileset_finding, "_SENDING_S", 0.1)
    user = omero_new_user()
    mine, other = user.log_in(), user.log_in()
    try:
        conn = Connection.over(mine)
        dataset = new_dataset(conn)
        path = ome_tiff(tmp_path / "a.ome.tif")
        begun(other, [path], job=our_job())
        with pytest.raises(
            fileset_finding.ImportUnderWayError, match=r"a\.ome\.tif is being imported"
        ):
            import_files(conn, [path], dataset_id=dataset)
        assert (count(conn, "Fileset"), count(conn, "Image")) == (1, 0)
    finally:
        mine.closeSession()
        other.closeSession()


@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 1.0])
def test_a_connection_that_breaks_while_files_are_sent_leaves_nothing_that_is_doubled(
    omero_new_user: Callable[..., Any], omero_server: Any, tmp_path: Path, share: float
) -> None:
    user = omero_new_user()
    client = user.log_in()
    conn = Connection.over(client)
    dataset = new_dataset(conn)
    path = ome_tiff(tmp_path / "a.ome.tif", plane(1, (4, 500, 500)))
    with Proxy(omero_server.host, omero_server.port) as network:
        broken = omero.client(network.host, network.port)
        broken.createSession(user.name, user.password)
        through = Connection.over(broken)
        network.cut_after(int(share * path.stat().st_size))
        with pytest.raises(Ice.LocalException):
            import_files(through, [path], dataset_id=dataset)
        broken.closeSession()
    try:
        result = import_files(conn, [path], dataset_id=dataset)
        assert (count(conn, "Fileset"), count(conn, "Image")) == (1, 1)
        assert result.images[0].verified is True
    finally:
        client.closeSession()


# ------------------------------------------------------------ in place
def in_repository(server: Any, conn: Connection, image_id: int) -> list[Path]:
    root = server.folder / "ManagedRepository"
    return [root / place for place, _ in kept(conn, image_id).values()]


def test_in_place_the_repository_holds_links_and_the_server_reads_through_them(
    omero_server: Any, conn: Connection, dataset: int, tmp_path: Path
) -> None:
    path = ome_tiff(tmp_path / "a.ome.tif")
    before = path.read_bytes()
    result = import_files(conn, [path], dataset_id=dataset, in_place=True)
    (place,) = in_repository(omero_server, conn, result.image_ids[0])
    assert place.is_symlink()
    assert place.resolve() == path.resolve()
    assert [checksum for _, checksum in kept(conn, result.image_ids[0]).values()] == [sha1(path)]
    assert result.images[0].verified is True
    np.testing.assert_array_equal(pixels_of(conn, result.image_ids[0]), PLANES)
    assert path.read_bytes() == before


def test_in_place_an_ome_zarr_is_linked_file_by_file(
    omero_server: Any, conn: Connection, dataset: int, tmp_path: Path
) -> None:
    convert(planned(tmp_path / "folder", positions=["pos001"], times=1), tmp_path / "out")
    (zarr,) = (tmp_path / "out").rglob("*.ome.zarr")
    result = import_files(conn, [zarr], dataset_id=dataset, in_place=True)
    places = in_repository(omero_server, conn, result.image_ids[0])
    assert {place.resolve() for place in places} == {p for p in zarr.rglob("*") if p.is_file()}
    assert result.images[0].verified is True


def test_in_place_the_link_leads_to_the_file_itself(
    omero_server: Any, conn: Connection, dataset: int, tmp_path: Path
) -> None:
    target = write_png(tmp_path / "elsewhere" / "b.png", plane(1))
    (tmp_path / "a.png").symlink_to(target)
    result = import_files(conn, [tmp_path / "a.png"], dataset_id=dataset, in_place=True)
    (place,) = in_repository(omero_server, conn, result.image_ids[0])
    assert place.readlink() == target.resolve()


def test_in_place_a_file_as_long_as_the_check_text_is_noted_as_well(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    path = ome_tiff(tmp_path / "a.ome.tif")
    (tmp_path / "a.txt").write_bytes(b"x" * 32)
    result = import_files(conn, [path, tmp_path / "a.txt"], dataset_id=dataset, in_place=True)
    assert {sha1(path), sha1(tmp_path / "a.txt")} == {
        checksum for _, checksum in kept(conn, result.image_ids[0]).values()
    }


def test_deleting_an_image_that_was_imported_in_place_leaves_the_users_file(
    omero_server: Any, conn: Connection, dataset: int, tmp_path: Path
) -> None:
    path = ome_tiff(tmp_path / "a.ome.tif")
    result = import_files(conn, [path], dataset_id=dataset, in_place=True)
    (place,) = in_repository(omero_server, conn, result.image_ids[0])
    fileset_finding.discard(conn, result.fileset_id)
    assert not place.is_symlink()
    assert path.exists()


def test_in_place_a_file_that_changes_meanwhile_is_refused_and_its_links_are_removed(
    omero_server: Any, conn: Connection, dataset: int, tmp_path: Path
) -> None:
    first, second = ome_tiff(tmp_path / "a.ome.tif"), ome_tiff(tmp_path / "b.ome.tif")

    def meddle(progress: ImportProgress) -> None:
        if progress.step == "sending":
            os.utime(second, ns=(1, 1))

    with pytest.raises(UnreadableFileError, match=r"b\.ome\.tif cannot be imported: it changed"):
        import_files(conn, [first, second], dataset_id=dataset, in_place=True, on_progress=meddle)
    assert count(conn, "Fileset") == 0
    assert not list(
        (omero_server.folder / "ManagedRepository").rglob(f"*/{tmp_path.name}/*.ome.tif")
    )
    assert first.exists()
    assert second.exists()


class Elsewhere:
    """The repository of a server whose disk is not here."""

    def root(self) -> Any:
        root = omero.model.OriginalFileI()
        root.path, root.name = rstring("/no/such/disk"), rstring("ManagedRepository")
        return root


def test_in_place_from_another_machine_is_refused(conn: Connection, tmp_path: Path) -> None:
    path = ome_tiff(tmp_path / "a.ome.tif")
    process = begun(conn.client, [path])
    with pytest.raises(
        SharedDiskError, match="cannot be linked into the server's folder from here"
    ):
        link_files(conn, Elsewhere(), process, original_files([path]), lambda done: None)
