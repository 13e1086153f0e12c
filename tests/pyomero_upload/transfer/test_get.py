"""A Dataset from a server into files: what went in comes out equal."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import ome_types
import omero.clients
import omero.grid
import omero.model
import pytest
import tifffile
from omero.rtypes import rdouble
from pydantic import SecretStr

from folders import experiment, plane, write_png
from omero_samples import Samples, pixels_of, shape
from proxy import Proxy
from pyomero_upload.errors import PlanError, PyomeroError, UsageError
from pyomero_upload.planning import make_plan
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.reading import children
from pyomero_upload.targets.omero.settings import ServerSettings
from pyomero_upload.transfer import convert, verify
from pyomero_upload.transfer.events import InterruptedJobError, Progress
from pyomero_upload.transfer.get import get
from pyomero_upload.transfer.manifest import read_manifest
from pyomero_upload.transfer.upload import upload

zarr = pytest.importorskip("zarr", minversion="3", reason="zarr 3 needs Python 3.11")

SETTINGS = """\
Channels:
Channel name, Exposure time, Skip, Z sect., Start time, Camera mode, EM gain, Voltage
Brightfield, 30, 1, 1, 1, 2, 270, 1.0
GFP, 60, 1, 1, 1, 2, 270, 4.0
"""


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))


@pytest.fixture
def folder(tmp_path) -> Path:
    experiment(tmp_path / "in")
    (tmp_path / "in" / "expAcq.txt").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "in" / "metadata.yaml").write_text(
        "title: Yeast\ndescription: A test\nauthors: [A. Person]\ntags: [yeast, salt]\n"
        "key_values: {strain: BY4741}\npixel_size: 0.2\ntime_interval: 300\n"
        "tables: {doses: doses.csv}\n"
        "channels: {GFP: {label: Nuclei, color: '#00FF10', emission: 509}}\n",
        encoding="utf-8",
    )
    (tmp_path / "in" / "doses.csv").write_text("well,dose,n\nA1,1.5,3\nA2,,4\n", encoding="utf-8")
    return tmp_path / "in"


@pytest.fixture
def samples(omero_client):
    return Samples(omero_client)


@pytest.fixture
def conn(omero_client):
    return Connection.over(omero_client)


@pytest.fixture
def dataset(folder, conn) -> int:
    return upload(make_plan(folder), conn, workers=2).dataset_id


def digests(out):
    return {
        image.name: (image.digest, [level.digests for level in image.levels])
        for image in read_manifest(out).images
    }


@pytest.mark.parametrize("form", ["ome-zarr", "ome-tiff"])
def test_planes_come_back_as_convert_writes_them_of_the_folder(
    conn, dataset, folder, tmp_path, form
):
    assert get(conn, dataset, tmp_path / "got", format=form).ok
    assert convert(make_plan(folder), tmp_path / "direct", format=form).ok
    assert digests(tmp_path / "got") == digests(tmp_path / "direct")
    assert verify(tmp_path / "got").problems == ()


def test_another_library_reads_the_same_pixels(conn, samples, tmp_path):
    dataset = samples.dataset("d")
    pixels = pixels_of(1)
    samples.image(pixels, "cells", dataset)
    get(conn, dataset, tmp_path / "zarr")
    read = zarr.open_group(tmp_path / "zarr" / "cells.ome.zarr", mode="r")["0"][:]
    np.testing.assert_array_equal(read, pixels)
    get(conn, dataset, tmp_path / "tiff", format="ome-tiff")
    read = tifffile.imread(tmp_path / "tiff" / "cells.ome.tif")
    np.testing.assert_array_equal(read.reshape(pixels.shape), pixels)


def test_metadata_of_images_come_back_as_convert_writes_them(conn, dataset, folder, tmp_path):
    get(conn, dataset, tmp_path / "got")
    convert(make_plan(folder), tmp_path / "direct")
    name = Path("pos001.ome.zarr", "zarr.json")
    got, direct = (json.loads((tmp_path / out / name).read_bytes()) for out in ("got", "direct"))
    assert got == direct


def test_ome_xml_says_of_channels_and_planes_what_it_says_by_convert(
    conn, dataset, folder, tmp_path
):
    get(conn, dataset, tmp_path / "got", format="ome-tiff")
    convert(make_plan(folder), tmp_path / "direct", format="ome-tiff")
    got, direct = (ome_xml(tmp_path / out / "pos002.ome.tif") for out in ("got", "direct"))
    pixels = re.compile("<Pixels.*</Pixels>", re.DOTALL)
    assert pixels.search(got)[0] == pixels.search(direct)[0]
    image = ome_types.from_xml(got).images[0]
    assert image.pixels.channels[1].name == "Nuclei"
    assert image.description == "A test"


def ome_xml(path):
    with tifffile.TiffFile(path) as file:
        return file.ome_metadata


def test_tables_and_text_files_come_back_as_they_were(conn, dataset, folder, tmp_path):
    get(conn, dataset, tmp_path / "got")
    convert(make_plan(folder), tmp_path / "direct")
    for path in ("tables/doses.csv", "original/metadata.yaml", "original/expAcq.txt"):
        assert (tmp_path / "got" / path).read_bytes() == (tmp_path / "direct" / path).read_bytes()


def test_what_is_said_of_the_dataset_is_in_the_crate(conn, dataset, tmp_path):
    get(conn, dataset, tmp_path / "got")
    crate = json.loads((tmp_path / "got" / "ro-crate-metadata.json").read_bytes())
    root = next(entity for entity in crate["@graph"] if entity["@id"] == "./")
    assert root["name"] == "Yeast"
    assert sorted(root["keywords"]) == ["salt", "yeast"]
    said = {(e.get("name"), e.get("value")) for e in crate["@graph"]}
    assert ("strain", "BY4741") in said
    assert ("Source", f"Dataset:{dataset} on {conn.settings.place}") in said


def draw(conn, dataset, samples):
    """Draw on both Images; return what OME-XML has to say of the first."""
    first, second = (image.id for image in children(conn, "Dataset", dataset))
    turned = shape("Rectangle", "turned", x=1.0, y=1.0, width=2.0, height=2.0, theZ=1, theT=0)
    turned.transform = omero.model.AffineTransformI()
    for name, value in zip(("a00", "a10", "a01", "a11", "a02", "a12"), range(6), strict=True):
        setattr(turned.transform, name, rdouble(value / 2))
    turned.strokeWidth = omero.model.LengthI(2.0, "MICROMETER")
    samples.rois(
        first, turned, shape("Mask", x=0.0, y=0.0, width=8.0, height=2.0, bytes=b"\x0f\xf0")
    )
    samples.rois(
        first,
        shape("Ellipse", "\xe9", x=4.0, y=4.0, radiusX=2.0, radiusY=1.0, strokeColor=-16776961),
    )
    samples.rois(second, shape("Polygon", points="0,0 3,0 3,3"))
    return [
        {
            ("Rectangle", "turned", 1, 0, (0.0, 0.5, 1.0, 1.5, 2.0, 2.5), 2.0, "\xb5m"),
            ("Mask", "", b"\x0f\xf0"),
        },
        {("Ellipse", "\xe9", 4.0, 2.0, -16776961)},
    ]


def said_of_rois(ome):
    """Return what an OME-XML says of the regions of its one Image."""
    found = []
    for roi in ome.rois:
        shapes = set()
        for each in roi.union:
            kind = type(each).__name__
            if kind == "Rectangle":
                t = each.transform
                transform = (t.a00, t.a10, t.a01, t.a11, t.a02, t.a12)
                unit = each.stroke_width_unit.value
                shapes.add(
                    (kind, each.text, each.the_z, each.the_t, transform, each.stroke_width, unit)
                )
            elif kind == "Mask":
                shapes.add((kind, each.text or "", each.bin_data.value))
            elif kind == "Ellipse":
                shapes.add((kind, each.text, each.x, each.radius_x, each.stroke_color.as_int32()))
            else:
                shapes.add((kind, each.points))
        found.append(shapes)
    assert [ref.id for ref in ome.images[0].roi_refs] == [roi.id for roi in ome.rois]
    return found


@pytest.mark.parametrize("form", ["ome-zarr", "ome-tiff"])
def test_rois_come_back_in_ome_xml_and_the_pixels_are_the_same(
    conn, dataset, samples, tmp_path, form
):
    get(conn, dataset, tmp_path / "before", format=form)
    expected = draw(conn, dataset, samples)
    plans = []
    report = get(conn, dataset, tmp_path / "out", format=form, on_plan=plans.append)
    assert report.ok
    assert not plans[0].problems
    assert verify(tmp_path / "out").ok
    assert digests(tmp_path / "out") == digests(tmp_path / "before")
    if form == "ome-zarr":
        first, second = (
            ome_types.from_xml(tmp_path / "out" / name / "OME" / "METADATA.ome.xml")
            for name in ("pos001.ome.zarr", "pos002.ome.zarr")
        )
        assert zarr.open_array(tmp_path / "out" / "pos001.ome.zarr" / "0", mode="r").ndim == 5
    else:
        first, second = (
            ome_types.from_xml(ome_xml(tmp_path / "out" / name))
            for name in ("pos001.ome.tif", "pos002.ome.tif")
        )
    assert said_of_rois(first) == expected
    assert said_of_rois(second) == [{("Polygon", "0,0 3,0 3,3")}]


def test_rois_that_were_drawn_since_are_no_silent_change(conn, dataset, samples, tmp_path):
    get(conn, dataset, tmp_path / "out")
    draw(conn, dataset, samples)
    with pytest.raises(UsageError, match="other metadata"):
        get(conn, dataset, tmp_path / "out")


def test_what_files_have_no_place_for_is_told(conn, dataset, samples, tmp_path):
    first, *_ = (image.id for image in children(conn, "Dataset", dataset))
    roi = samples.rois(
        first, shape("Path", d="M 0 0"), shape("Point", "p", x=1.0, y=2.0, fontFamily="Arial")
    )
    samples.comment("Roi", roi, "look")
    plans = []
    assert get(conn, dataset, tmp_path / "out", format="ome-tiff", on_plan=plans.append).ok
    found = {problem.code: problem for problem in plans[0].problems}
    assert set(found) == {"regions-left", "region-annotations-left"}
    assert "kind Path (1×)" in found["regions-left"].message
    assert "Arial" in found["regions-left"].message
    assert found["region-annotations-left"].message.startswith("1 annotations")


def test_missing_planes_are_still_told(conn, folder, tmp_path):
    (folder / "pos001" / "exp_000001_GFP_002.png").unlink()
    dataset = upload(make_plan(folder), conn).dataset_id
    get(conn, dataset, tmp_path / "got")
    (image,) = [i for i in read_manifest(tmp_path / "got").images if i.name == "pos001"]
    assert [(p.t, p.c, p.z) for p in image.missing] == [(0, 1, 1)]


def test_planes_that_were_left_blank_are_still_told(conn, folder, tmp_path):
    (folder / "pos001" / "exp_000002_GFP_001.png").write_bytes(b"no picture")
    dataset = upload(make_plan(folder), conn, on_bad_plane="blank").dataset_id
    get(conn, dataset, tmp_path / "got")
    rows = (tmp_path / "got" / "tables" / "Annotations.csv").read_text("utf-8").splitlines()
    assert rows[1:] == ["pos001,key-value,pyomero_upload/provenance,Planes left blank,1"]


def test_a_second_run_finds_all_done(conn, dataset, tmp_path):
    get(conn, dataset, tmp_path / "got")
    assert get(conn, dataset, tmp_path / "got").unchanged


def test_a_run_that_was_stopped_goes_on(conn, samples, tmp_path):
    dataset = samples.dataset("d")
    pixels = pixels_of(1, (12, 2, 2, 64, 64))
    samples.image(pixels, "cells", dataset)

    def stop(event):
        if isinstance(event, Progress):
            raise KeyboardInterrupt

    with pytest.raises(InterruptedJobError):
        get(conn, dataset, tmp_path / "got", workers=1, progress=stop)
    report = get(conn, dataset, tmp_path / "got")
    assert report.ok
    read = zarr.open_group(tmp_path / "got" / "cells.ome.zarr", mode="r")["0"][:]
    np.testing.assert_array_equal(read, pixels)


def test_a_connection_that_drops_on_the_way_costs_nothing(omero_new_user, tmp_path):
    user = omero_new_user()
    client = user.log_in()
    samples = Samples(client)
    dataset = samples.dataset("d")
    pixels = pixels_of(1, (12, 2, 2, 64, 64))
    samples.image(pixels, "cells", dataset)
    client.closeSession()
    dropped = []
    with Proxy(user.server.host, user.server.port) as network:
        settings = ServerSettings(
            host=network.host, port=network.port, user=user.name, password=SecretStr(user.password)
        )
        connection = Connection.open(settings)

        def drop(event):
            if isinstance(event, Progress) and not dropped:
                dropped.append(event.planes_done)
                network.drop()

        assert get(connection, dataset, tmp_path / "got", workers=1, progress=drop).ok
        connection.close()
    assert dropped
    read = zarr.open_group(tmp_path / "got" / "cells.ome.zarr", mode="r")["0"][:]
    np.testing.assert_array_equal(read, pixels)


def test_an_image_that_was_changed_since_is_neither_kept_nor_overwritten(conn, samples, tmp_path):
    dataset = samples.dataset("d")
    image = samples.image(pixels_of(1), "cells", dataset)
    get(conn, dataset, tmp_path / "got")
    pixels = samples.pixels(image)
    pixels.physicalSizeX = omero.model.LengthI(1.0, "MICROMETER")
    samples.update.saveObject(pixels)
    with pytest.raises(UsageError, match=r"cells\.ome\.zarr"):
        get(conn, dataset, tmp_path / "got")


def test_what_is_said_of_single_images_is_in_a_table_and_in_folders_of_their_own(
    conn, samples, tmp_path
):
    dataset = samples.dataset("d")
    image = samples.image(pixels_of(1), "cells", dataset)
    samples.tag("Image", image, "good")
    samples.key_values("Image", image, [("k", "v, w")])
    samples.comment("Dataset", dataset, "look")
    samples.file("Image", image, b"notes", "notes.txt")
    samples.table("Image", image, "spots", [omero.grid.LongColumn("n", "", [1, 2])])
    get(conn, dataset, tmp_path / "got")
    assert (tmp_path / "got" / "original" / "cells" / "notes.txt").read_bytes() == b"notes"
    assert (tmp_path / "got" / "tables" / "cells spots.csv").read_text("utf-8") == "n\n1\n2\n"
    assert (tmp_path / "got" / "tables" / "Annotations.csv").read_text("utf-8").splitlines() == [
        "object,kind,namespace,key,value",
        f"Dataset:{dataset},CommentAnnotation,,,look",
        "cells,tag,,,good",
        'cells,key-value,,k,"v, w"',
    ]


def test_images_of_one_name_are_told_apart(conn, samples, tmp_path):
    dataset = samples.dataset("d")
    ids = [samples.image(pixels_of(n), "cells", dataset) for n in (1, 2)]
    get(conn, dataset, tmp_path / "got")
    assert [image.name for image in read_manifest(tmp_path / "got").images] == [
        f"cells (Image:{i})" for i in ids
    ]


def test_two_attachments_of_one_name_are_both_there(conn, samples, tmp_path):
    dataset = samples.dataset("d")
    samples.image(pixels_of(1), "cells", dataset)
    for content in (b"one", b"two"):
        samples.file("Dataset", dataset, content, "notes.txt")
    get(conn, dataset, tmp_path / "got")
    found = sorted(p.read_bytes() for p in (tmp_path / "got" / "original").iterdir())
    assert found == [b"one", b"two"]


def test_names_from_the_server_never_leave_the_folder(conn, samples, tmp_path):
    dataset = samples.dataset("d")
    samples.image(pixels_of(1), "../../x", dataset)
    samples.file("Dataset", dataset, b"evil", "../../../evil.txt")
    get(conn, dataset, tmp_path / "a" / "b" / "got")
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b"]
    assert [p.name for p in (tmp_path / "a" / "b").iterdir()] == ["got"]
    assert not list(tmp_path.glob("*evil*"))


def test_a_damaged_attachment_stops_before_the_manifest(conn, samples, tmp_path):
    dataset = samples.dataset("d")
    samples.image(pixels_of(1), "cells", dataset)
    file = samples.query.get(
        "OriginalFile", samples.file("Dataset", dataset, b"notes", "notes.txt")
    )
    file.hash = omero.rtypes.rstring("0" * 40)
    samples.update.saveObject(file)
    with pytest.raises(PyomeroError, match="does not have the checksum"):
        get(conn, dataset, tmp_path / "got")
    assert not (tmp_path / "got" / "manifest.json").exists()


def test_an_image_that_is_not_complete_is_refused_and_left_as_it_is(conn, samples, tmp_path):
    dataset = samples.dataset("d")
    kind = samples.query.findByString("PixelsType", "value", "uint8")
    service = samples.client.sf.getPixelsService()
    empty = service.createImage(4, 3, 1, 1, [0], kind, "empty", "").val
    link = omero.model.DatasetImageLinkI()
    link.parent = omero.model.DatasetI(dataset, False)
    link.child = omero.model.ImageI(empty, False)
    samples.save(link)
    with pytest.raises(PlanError) as raised:
        get(conn, dataset, tmp_path / "got")
    assert [p.code for p in raised.value.problems] == ["image-incomplete"]
    assert not (tmp_path / "got").exists()


def test_originals_come_with_their_checksums(conn, samples, omero_client, tmp_path):
    dataset = samples.dataset("d")
    path = tmp_path / "files" / "cell.tif"
    path.parent.mkdir()
    pixels = plane(1)
    tifffile.imwrite(path, pixels)
    imported(omero_client, path, dataset)
    get(conn, dataset, tmp_path / "got", originals=True)
    (found,) = (tmp_path / "got" / "original").rglob("*.tif")
    assert hashlib.sha1(found.read_bytes()).digest() == hashlib.sha1(path.read_bytes()).digest()
    assert verify(tmp_path / "got").problems == ()
    (image,) = (tmp_path / "got").glob("*.ome.zarr")
    np.testing.assert_array_equal(zarr.open_group(image, mode="r")["0"][0, 0, 0], pixels)


def imported(client, path, dataset):
    from pyomero_upload.targets.omero.fileset import import_files  # noqa: PLC0415

    return import_files(Connection.over(client), [path], dataset_id=dataset)


def test_a_file_in_the_place_of_the_folder_is_told_and_left(conn, samples, tmp_path):
    dataset = samples.dataset("d")
    samples.image(pixels_of(1), "cells", dataset)
    (tmp_path / "got").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="is a file"):
        get(conn, dataset, tmp_path / "got")
    assert (tmp_path / "got").read_text(encoding="utf-8") == "mine"


def test_an_empty_dataset_is_said_to_be_empty(conn, samples, tmp_path):
    with pytest.raises(PlanError) as raised:
        get(conn, samples.dataset("d"), tmp_path / "got")
    assert [p.code for p in raised.value.problems] == ["no-images"]


def test_labels_made_of_one_plane_come_back(conn, tmp_path):
    write_png(tmp_path / "in" / "p" / "e_000001_GFP_001.png", plane(3, dtype=np.uint8))
    dataset = upload(make_plan(tmp_path / "in"), conn).dataset_id
    get(conn, dataset, tmp_path / "got")
    read = zarr.open_group(tmp_path / "got" / "p.ome.zarr", mode="r")["0"][:]
    np.testing.assert_array_equal(read[0, 0, 0], plane(3, dtype=np.uint8))
