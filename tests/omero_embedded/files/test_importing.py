"""Imports through the managed repository's own protocol."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import omero
import omero.callbacks
import omero.clients
import omero.cmd
import omero.grid
import omero.model
import omero.sys
import PIL.Image
import pytest
import tensorstore
import tifffile
from omero.rtypes import rstring, unwrap

from omero_imports import begun, imported, sha1


def planes(client: Any, pixels: int) -> Any:
    store = client.sf.createRawPixelsStore()
    store.setPixelsId(pixels, False)
    return store


def test_a_plain_tiff(omero_client: Any, tmp_path: Path) -> None:
    values = (np.arange(48).reshape(6, 8) * 5).astype("uint8")
    PIL.Image.fromarray(values).save(tmp_path / "plain.tif")
    response = imported(omero_client, [tmp_path / "plain.tif"])
    pixels = response.pixels[0]
    assert [type(o).__name__ for o in response.objects] == ["ImageI"]
    assert response.objects[0].name.val == "plain.tif"
    assert pixels.sha1.val == hashlib.sha1(values.tobytes()).hexdigest()
    assert pixels.significantBits.val == 8
    store = planes(omero_client, pixels.id.val)
    assert store.getPlane(0, 0, 0) == values.tobytes()
    with pytest.raises(omero.InternalException, match="UnsupportedOperation"):
        store.setPlane(values.tobytes(), 0, 0, 0)
    settings = omero_client.sf.getPixelsService().retrieveRndSettings(pixels.id.val)
    binding = settings.getChannelBinding(0)
    assert (unwrap(binding.inputStart), unwrap(binding.inputEnd)) == (0.0, 235.0)
    assert unwrap(binding.red) == 128


def test_the_files_of_an_import_lie_below_user_and_time(omero_client: Any, tmp_path: Path) -> None:
    PIL.Image.new("L", (8, 6)).save(tmp_path / "a.png")
    response = imported(omero_client, [tmp_path / "a.png"])
    query = (
        "select o from Image i join i.fileset f join f.usedFiles u join u.originalFile o "
        "join fetch o.hasher where i.id = :id"
    )
    parameters = omero.sys.ParametersI().addId(response.objects[0].id.val)
    file = omero_client.sf.getQueryService().findByQuery(query, parameters)
    context = omero_client.sf.getAdminService().getEventContext()
    assert file.path.val.startswith(f"{context.userName}_{context.userId}/")
    assert file.path.val.endswith(f"/{'/'.join(tmp_path.parts[-3:])}/")
    assert (file.name.val, file.hash.val, file.hasher.value.val) == (
        "a.png",
        sha1(tmp_path / "a.png"),
        "SHA1-160",
    )
    store = omero_client.sf.createRawFileStore()
    store.setFileId(file.id.val)
    assert store.read(0, store.size()) == (tmp_path / "a.png").read_bytes()


def test_an_ome_tiff_with_all_it_says(omero_client: Any, tmp_path: Path) -> None:
    values = (np.arange(2 * 3 * 2 * 6 * 8).reshape(2, 3, 2, 6, 8) % 5000).astype("uint16")
    tifffile.imwrite(
        tmp_path / "a.ome.tif",
        values,
        metadata={
            "axes": "TCZYX",
            "Name": "cells",
            "PhysicalSizeX": 0.25,
            "PhysicalSizeXUnit": "µm",
            "TimeIncrement": 2.0,
            "TimeIncrementUnit": "s",
            "Channel": {"Name": ["DAPI", "GFP", "RFP"]},
            "Plane": {"DeltaT": [float(i) for i in range(12)], "DeltaTUnit": ["s"] * 12},
        },
    )
    response = imported(omero_client, [tmp_path / "a.ome.tif"])
    pixels = response.pixels[0]
    assert [unwrap(getattr(pixels, f"size{axis}")) for axis in "XYZCT"] == [8, 6, 2, 3, 2]
    assert (pixels.physicalSizeX.getValue(), str(pixels.physicalSizeX.getUnit())) == (
        0.25,
        "MICROMETER",
    )
    assert pixels.timeIncrement.getValue() == 2.0
    # The digest is over the file's own bytes, little-endian here; the store gives big-endian ones.
    assert pixels.sha1.val == hashlib.sha1(values.astype("<u2").tobytes()).hexdigest()
    store = planes(omero_client, pixels.id.val)
    for t in range(2):
        for c in range(3):
            for z in range(2):
                assert store.getPlane(z, c, t) == values[t, c, z].astype(">u2").tobytes()
    found = omero_client.sf.getPixelsService().retrievePixDescription(pixels.id.val)
    assert [c.logicalChannel.name.val for c in found.copyChannels()] == ["DAPI", "GFP", "RFP"]
    assert found.getChannel(0).statsInfo.globalMax.val == values[:, 0].max()
    count = "select count(p) from PlaneInfo p where p.pixels.id = :id"
    parameters = omero.sys.ParametersI().addId(pixels.id.val)
    assert unwrap(omero_client.sf.getQueryService().projection(count, parameters)) == [[12]]


@pytest.mark.parametrize(
    ("name", "mode", "channels"), [("a.png", "RGB", 3), ("a.jpg", "L", 1), ("a.bmp", "RGB", 3)]
)
def test_plain_pictures(
    omero_client: Any, tmp_path: Path, name: str, mode: str, channels: int
) -> None:
    PIL.Image.new(mode, (8, 6), 7 if mode == "L" else (7, 8, 9)).save(tmp_path / name)
    pixels = imported(omero_client, [tmp_path / name]).pixels[0]
    assert (pixels.sizeX.val, pixels.sizeY.val, pixels.sizeC.val) == (8, 6, channels)
    if mode == "RGB":
        store = planes(omero_client, pixels.id.val)
        assert [store.getPlane(0, c, 0)[:1] for c in range(3)] == [b"\7", b"\x08", b"\x09"]


def test_pages_without_further_word_are_time_points(omero_client: Any, tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "pages.tif") as tiff:
        for page in range(3):
            tiff.write(np.full((6, 8), page, "uint8"), contiguous=False, metadata=None)
    pixels = imported(omero_client, [tmp_path / "pages.tif"]).pixels[0]
    assert (pixels.sizeZ.val, pixels.sizeC.val, pixels.sizeT.val) == (1, 1, 3)
    assert planes(omero_client, pixels.id.val).getPlane(0, 0, 2) == bytes([2]) * 48


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_an_ome_zarr(omero_client: Any, tmp_path: Path, version: str) -> None:
    values = np.arange(2 * 3 * 6 * 8).reshape(2, 3, 6, 8).astype("uint16")
    group = tmp_path / "cells.ome.zarr"
    group.mkdir()
    third = version == "0.5"
    store = tensorstore.open(
        {
            "driver": "zarr3" if third else "zarr",
            "kvstore": {"driver": "file", "path": f"{group}/0/"},
            "metadata": {"shape": list(values.shape)}
            | ({"data_type": "uint16"} if third else {"dtype": "<u2"}),
            "create": True,
        }
    ).result()
    store.write(values).result()
    axes = [{"name": "c"}, {"name": "z"}, *({"name": n, "unit": "micrometer"} for n in "yx")]
    scale = [{"type": "scale", "scale": [1, 1, 0.5, 0.25]}]
    attributes = {
        "multiscales": [
            {
                "name": "cells",
                "axes": axes,
                "datasets": [{"path": "0", "coordinateTransformations": scale}],
            }
        ],
        "omero": {
            "channels": [{"label": "DAPI", "color": "0000FF"}, {"label": "GFP", "color": "00FF00"}]
        },
    }
    if third:
        content = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": attributes}}
        (group / "zarr.json").write_text(json.dumps(content), encoding="utf-8")
    else:
        (group / ".zattrs").write_text(json.dumps(attributes), encoding="utf-8")
    files = sorted(path for path in group.rglob("*") if path.is_file())
    response = imported(omero_client, files)
    pixels = response.pixels[0]
    assert response.objects[0].name.val == "cells"
    assert [unwrap(getattr(pixels, f"size{axis}")) for axis in "XYZCT"] == [8, 6, 3, 2, 1]
    assert pixels.physicalSizeX.getValue() == 0.25
    assert (
        planes(omero_client, pixels.id.val).getPlane(2, 1, 0)
        == values[1, 2].astype(">u2").tobytes()
    )
    found = omero_client.sf.getPixelsService().retrievePixDescription(pixels.id.val)
    assert [c.logicalChannel.name.val for c in found.copyChannels()] == ["DAPI", "GFP"]
    assert [unwrap(c.blue) for c in found.copyChannels()] == [255, 0]


def test_the_clients_wishes(omero_client: Any, tmp_path: Path) -> None:
    PIL.Image.new("L", (8, 6)).save(tmp_path / "a.png")
    dataset = omero.model.DatasetI()
    dataset.name = rstring("target")
    dataset = omero_client.sf.getUpdateService().saveAndReturnObject(dataset)
    response = imported(
        omero_client,
        [tmp_path / "a.png"],
        userSpecifiedName=rstring("mine"),
        userSpecifiedTarget=omero.model.DatasetI(dataset.id.val, False),
    )
    query = "select i.name from DatasetImageLink l join l.child i where l.parent.id = :id"
    parameters = omero.sys.ParametersI().addId(dataset.id.val)
    assert unwrap(omero_client.sf.getQueryService().projection(query, parameters)) == [["mine"]]
    assert response.objects[0].name.val == "mine"


@pytest.mark.parametrize("content", [b"This is text.", b"", b"II*\0garbage"])
def test_what_is_no_image_ends_in_an_error_that_says_what_is_read(
    omero_client: Any, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "text.tif").write_bytes(content)
    response = imported(omero_client, [tmp_path / "text.tif"])
    assert isinstance(response, omero.cmd.ERR)
    assert response.name == "error-on-init"
    assert "OME-Zarr" in response.parameters["message"]
    counted = omero_client.sf.getQueryService().projection("select count(i) from Image i", None)
    assert unwrap(counted) == [[0]]


def test_a_tiff_that_is_cut_off_is_refused(omero_client: Any, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.ones((60, 80), "uint16"))
    whole = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(whole[:-1000])
    response = imported(omero_client, [tmp_path / "a.tif"])
    assert isinstance(response, omero.cmd.ERR)
    assert "a.tif" in response.parameters["message"]


def test_a_wrong_checksum_is_refused(omero_client: Any, tmp_path: Path) -> None:
    PIL.Image.new("L", (8, 6)).save(tmp_path / "a.png")
    process = begun(omero_client, [tmp_path / "a.png"])
    with pytest.raises(omero.ChecksumValidationException) as raised:
        process.verifyUpload(["0" * 40])
    assert raised.value.failingChecksums == {0: sha1(tmp_path / "a.png")}
    with pytest.raises(omero.ApiUsageException):
        process.verifyUpload([])


def test_paths_that_lead_out_are_refused(omero_client: Any) -> None:
    with pytest.raises(omero.ValidationException, match="not a path within the repository"):
        begun(omero_client, [Path("../../evil.tif")])


def test_what_the_repository_tells(omero_client: Any, tmp_path: Path) -> None:
    PIL.Image.new("L", (8, 6)).save(tmp_path / "a.png")
    imported(omero_client, [tmp_path / "a.png"])
    shared = omero_client.sf.sharedResources().repositories()
    assert [d.name.val for d in shared.descriptions] == ["scripts", "ManagedRepository", "OMERO"]
    repository = omero.grid.ManagedRepositoryPrx.checkedCast(shared.proxies[1])
    assert repository.root().name.val == "ManagedRepository"
    context = omero_client.sf.getAdminService().getEventContext()
    mine = f"{context.userName}_{context.userId}"
    assert mine in [unwrap(file.name) for file in repository.listFiles("/")]
    assert len(repository.list(mine)) == 1
    assert repository.fileExists(mine)
    assert not repository.fileExists(f"{mine}/nothing")
    assert repository.listChecksumAlgorithms()[0].value.val == "SHA1-160"
    query = "select o.id from OriginalFile o where o.name = 'a.png' and o.details.owner.id = :id"
    parameters = omero.sys.ParametersI().addId(context.userId)
    found = unwrap(omero_client.sf.getQueryService().projection(query, parameters))
    file_id = found[0][0]
    assert repository.verifyChecksums([file_id]) == []
    md5 = omero.model.ChecksumAlgorithmI()
    md5.value = rstring("MD5-128")
    assert repository.setChecksumAlgorithm(md5, [file_id]) == [file_id]
    noted = omero_client.sf.getQueryService().get("OriginalFile", file_id)
    assert noted.hash.val == hashlib.md5((tmp_path / "a.png").read_bytes()).hexdigest()


def test_a_deleted_import_takes_its_files_and_planes_along(
    omero_server: Any, omero_client: Any, tmp_path: Path
) -> None:
    PIL.Image.new("L", (8, 6)).save(tmp_path / "gone.png")
    response = imported(omero_client, [tmp_path / "gone.png"])
    fileset = (
        omero_client.sf.getQueryService().get("Image", response.objects[0].id.val).fileset.id.val
    )
    kept = sorted(omero_server.folder.rglob("gone.png"))
    planes_file = omero_server.folder / "Pixels" / str(response.pixels[0].id.val)
    assert len(kept) == 1
    assert planes_file.exists()
    done = omero_client.submit(omero.cmd.Delete2(targetObjects={"Fileset": [fileset]}))
    done.close(True)
    assert not kept[0].exists()
    assert not planes_file.exists()
