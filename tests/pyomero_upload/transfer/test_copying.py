"""A Dataset on another server, or in another group: pixels, and all that is said of them."""

import numpy as np
import omero.clients
import omero.grid
import omero.model
import omero.sys
import pytest
from omero.rtypes import rint, rstring, unwrap

from omero_embedded.server import Server
from omero_samples import Samples, pixels_of, shape
from omero_world import world
from plans import file_of, planned
from pyomero_upload.errors import PlanError, PyomeroError
from pyomero_upload.planning import make_plan
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.provenance import find_uploads
from pyomero_upload.targets.omero.raw_planes import PixelSource
from pyomero_upload.targets.omero.reading import children, read_image, read_object
from pyomero_upload.targets.omero.said import file_parts, read_annotations
from pyomero_upload.targets.omero.shown_as import read_settings
from pyomero_upload.targets.omero.table_frames import read_table
from pyomero_upload.transfer.copying import copy
from pyomero_upload.transfer.upload import upload
from pyomero_upload.transfer.verify_omero import verify_dataset

SHAPES = [
    shape("Point", "p", x=1.0, y=2.0, theZ=1, theT=0),
    shape("Line", x1=0.0, y1=0.0, x2=3.0, y2=4.0, markerEnd="Arrow"),
    shape("Rectangle", "r", x=1.0, y=1.0, width=3.5, height=2.0, strokeColor=-16776961),
    shape("Ellipse", "é", x=4.0, y=4.0, radiusX=2.0, radiusY=1.0, theC=1),
    shape("Polygon", points="0,0 3,0 3,3"),
    shape("Polyline", points="0,0 3,0 3,3"),
    shape("Label", "here", x=1.0, y=1.0, fontSize=omero.model.LengthI(12.0, "POINT")),
    shape("Mask", x=0.0, y=0.0, width=8.0, height=2.0, bytes=b"\x0f\xf0"),
]


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))


@pytest.fixture
def samples(omero_client):
    return Samples(omero_client)


@pytest.fixture
def here(omero_client):
    return Connection.over(omero_client)


@pytest.fixture
def there(omero_new_user):
    """Give a connection of another user, who cannot see what is here."""
    client = omero_new_user().log_in()
    yield Connection.over(client)
    client.closeSession()


@pytest.fixture
def dataset(samples):
    dataset = samples.dataset("Run 7", "what it is")
    for number in (1, 2):
        samples.image(pixels_of(number), f"pos{number}", dataset)
    return dataset


def image_of(connection, dataset, name):
    (found,) = [i.id for i in children(connection, "Dataset", dataset) if i.name == name]
    return found


def pixels_on(connection, dataset, name):
    found = read_image(connection, image_of(connection, dataset, name))
    with PixelSource(connection) as source:
        planes = source.planes(found.pixels, list(found.image.indexes()))
    return np.reshape(planes, tuple(found.image.sizes))


def test_pixels_are_the_same_there(here, there, dataset):
    report = copy(here, dataset, there)
    assert report.ok
    assert all(image.verified for image in report.images)
    assert report.problems == ()
    for number in (1, 2):
        found = pixels_on(there, report.dataset_id, f"pos{number}")
        np.testing.assert_array_equal(found, pixels_of(number))
    assert verify_dataset(there, report.dataset_id).ok


def test_the_copy_has_name_description_and_project_of_the_original(here, there, dataset, samples):
    samples.project("Growth", dataset)
    made = copy(here, dataset, there).dataset_id
    found = read_object(there, "Dataset", made)
    assert (found.name, found.description, found.owner) == (
        "Run 7",
        "what it is",
        there.user.name,
    )
    rows = there.query.projection(
        "select l.parent.name from ProjectDatasetLink l where l.child.id = :id",
        omero.sys.ParametersI().addId(made),
    )
    assert [row[0].val for row in rows] == ["Growth"]


def test_channels_sizes_and_planes_are_described_alike(here, there, dataset, samples):
    image = image_of(here, dataset, "pos1")
    pixels = samples.pixels(image)
    pixels.image.description = rstring("the first")
    pixels.physicalSizeX = omero.model.LengthI(250.0, "NANOMETER")
    channel = pixels.copyChannels()[1]
    channel.logicalChannel.name = rstring("GFP")
    channel.logicalChannel.emissionWave = omero.model.LengthI(509.0, "NANOMETER")
    channel.red, channel.green, channel.blue = rint(1), rint(255), rint(16)
    samples.update.saveObject(pixels)
    samples.plane_info(image, 1, 1, 2, deltaT=omero.model.TimeI(1.5, "SECOND"))
    made = copy(here, dataset, there).dataset_id
    before = read_image(here, image)
    after = read_image(there, image_of(there, made, "pos1"))
    assert after.description == "the first"
    assert after.image.channels[1] == before.image.channels[1]
    assert after.image.physical_size_um == before.image.physical_size_um
    assert after.image.plane_infos == before.image.plane_infos
    assert after.sha1 == before.sha1


def test_all_annotations_are_there_too(here, there, dataset, samples):
    image = image_of(here, dataset, "pos2")
    for kind, identifier in (("Dataset", dataset), ("Image", image)):
        samples.tag(kind, identifier, "yeast")
        samples.key_values(kind, identifier, [("b", "1"), ("a", ""), ("b", "1")])
        samples.key_values(kind, identifier, [("k", "v")], "somebody/else")
        samples.comment(kind, identifier, "look")
        samples.rating(kind, identifier, 4)
        samples.file(kind, identifier, b"notes of " + kind.encode(), "notes.txt")
    made = copy(here, dataset, there).dataset_id
    pairs = [("Dataset", dataset, made), ("Image", image, image_of(there, made, "pos2"))]
    for kind, before, after in pairs:
        old, new = read_annotations(here, kind, before), read_annotations(there, kind, after)
        assert [tag.text for tag in new.tags] == ["yeast"]
        assert new.key_values == old.key_values
        assert [(m.namespace, m.pairs) for m in new.other_maps] == [
            ("somebody/else", (("k", "v"),))
        ]
        assert new.remarks == old.remarks
        (file,) = new.attachments
        assert (file.name, file.folder, file.mimetype) == ("notes.txt", "/somewhere/", "text/plain")
        assert b"".join(file_parts(there, file)) == b"notes of " + kind.encode()


def test_ids_of_images_in_tables_are_those_of_the_copies(here, there, dataset, samples):
    ids = [image_of(here, dataset, name) for name in ("pos2", "pos1")]
    columns = [
        omero.grid.ImageColumn("Image", "", ids),
        omero.grid.DoubleColumn("x", "", [1.5, float("nan")]),
        omero.grid.StringColumn("s", "", 8, ["a", "é"]),
    ]
    samples.table("Dataset", dataset, "Spots", columns)
    report = copy(here, dataset, there)
    (table,) = read_annotations(there, "Dataset", report.dataset_id).tables
    frame = read_table(there, table.id)
    made = [image_of(there, report.dataset_id, name) for name in ("pos2", "pos1")]
    assert table.name == "Spots"
    assert list(frame["Image"]) == made
    assert frame["x"][0] == 1.5
    assert np.isnan(frame["x"][1])
    assert list(frame["s"]) == ["a", "é"]
    assert report.problems == ()


def test_ids_that_mean_nothing_there_are_told(here, there, dataset, samples):
    samples.table("Dataset", dataset, "t", [omero.grid.RoiColumn("Roi", "", [1, 2])])
    report = copy(here, dataset, there)
    assert [problem.code for problem in report.problems] == ["table-ids"]


def regions(connection, image):
    rois = connection.query.findAllByQuery(
        "select r from Roi r join fetch r.shapes s left outer join fetch s.transform where r.image.id = :id order by r.id",
        omero.sys.ParametersI().addId(image),
    )
    place = {"_id", "_details", "_version", "_loaded", "_roi", "_pixels"}
    return [
        [
            (
                type(each).__name__,
                sorted(
                    (name, str(plain(value)))
                    for name, value in vars(each).items()
                    if name not in place and "annotationLinks" not in name
                ),
            )
            for each in roi.copyShapes()
        ]
        for roi in rois
    ]


def plain(value):
    if isinstance(value, omero.model.AffineTransformI):
        return [unwrap(getattr(value, name)) for name in ("a00", "a01", "a02", "a10", "a11", "a12")]
    if isinstance(value, omero.model.Length):
        return value.getValue(), value.getUnit().name
    return unwrap(value)


def test_regions_of_every_shape_are_there_too(here, there, dataset, samples):
    image = image_of(here, dataset, "pos1")
    turned = shape("Rectangle", "turned", x=1.0, y=1.0, width=2.0, height=2.0)
    turned.transform = omero.model.AffineTransformI()
    for name, value in zip(("a00", "a10", "a01", "a11", "a02", "a12"), range(6), strict=True):
        setattr(turned.transform, name, omero.rtypes.rdouble(value / 2))
    samples.rois(image, *SHAPES)
    samples.rois(image, turned)
    made = copy(here, dataset, there).dataset_id
    before, after = regions(here, image), regions(there, image_of(there, made, "pos1"))
    assert [len(roi) for roi in after] == [8, 1]
    assert after == before


def test_regions_that_somebody_put_on_the_copy_are_kept_and_told(here, there, dataset, samples):
    made = copy(here, dataset, there).dataset_id
    image = image_of(here, dataset, "pos1")
    for _ in range(2):
        samples.rois(image, shape("Point", x=1.0, y=2.0))
    Samples(there.client).rois(image_of(there, made, "pos1"), shape("Point", "mine", x=0.0, y=0.0))
    again = copy(here, dataset, there)
    assert [problem.code for problem in again.problems] == ["regions-left"]
    assert len(regions(there, image_of(there, made, "pos1"))) == 1


def test_rendering_settings_are_those_that_were_chosen(here, there, dataset, samples):
    image = image_of(here, dataset, "pos1")
    engine = samples.client.sf.createRenderingEngine()
    pixels = samples.pixels(image).id.val
    engine.lookupPixels(pixels)
    engine.resetDefaultSettings(True)
    engine.lookupRenderingDef(pixels)
    engine.load()
    engine.setChannelWindow(0, 12.0, 99.0)
    engine.setRGBA(0, 1, 2, 3, 200)
    engine.setActive(1, False)
    engine.setDefaultZ(2)
    engine.setDefaultT(1)
    engine.saveCurrentSettings()
    engine.close()
    made = copy(here, dataset, there).dataset_id
    after = read_image(there, image_of(there, made, "pos1"))
    old, new = read_settings(here, pixels), read_settings(there, after.pixels.id)
    for settings in (old, new):
        assert (settings.defaultZ.val, settings.defaultT.val) == (2, 1)
        first, second = settings.copyWaveRendering()
        assert (first.inputStart.val, first.inputEnd.val) == (12.0, 99.0)
        assert [unwrap(getattr(first, c)) for c in ("red", "green", "blue", "alpha")] == [
            1,
            2,
            3,
            200,
        ]
        assert second.active.val is False
    assert new.model.value.val == old.model.value.val


def test_planes_that_are_zeros_for_want_of_files_are_noted_on_the_copy_too(here, there, tmp_path):
    plan = planned(tmp_path / "in", positions=["pos001"], times=60)
    for t in range(55):
        file_of(plan, 0, t, 0, 1).unlink()
    file_of(plan, 0, 58, 0, 1).write_bytes(b"no picture")
    first = upload(make_plan(tmp_path / "in"), here, on_bad_plane="blank")
    made = copy(here, first.dataset_id, there).dataset_id
    said = [
        dict(read_annotations(conn, "Image", image_of(conn, dataset, "pos001")).provenance)
        for conn, dataset in ((here, first.dataset_id), (there, made))
    ]
    assert said[1]["Missing planes"] == "55"
    assert said[1]["Planes left blank"] == "1"
    names = ("Missing planes", "Missing planes (from 0)", "Planes left blank")
    assert [said[0][name] for name in names] == [said[1][name] for name in names]


def test_an_image_that_is_not_what_its_server_noted_is_told(here, there, dataset, samples):
    pixels = samples.pixels(image_of(here, dataset, "pos1"))
    pixels.sha1 = rstring("0" * 40)
    samples.update.saveObject(pixels)
    report = copy(here, dataset, there)
    assert [(p.severity, p.code) for p in report.problems] == [("error", "image-differs")]
    assert report.problems[0].where.startswith("pos1 (Image:")


def test_a_second_copy_finds_all_there(here, there, dataset, samples):
    image = image_of(here, dataset, "pos1")
    samples.rois(image, *[shape("Point", x=1.0, y=2.0)])
    samples.tag("Dataset", dataset, "yeast")
    samples.comment("Image", image, "look")
    samples.file("Dataset", dataset, b"notes", "notes.txt")
    samples.table("Dataset", dataset, "t", [omero.grid.LongColumn("n", "", [1, 2])])
    first = copy(here, dataset, there)
    before = world(there)
    again = copy(here, dataset, there)
    assert again.unchanged
    assert again.dataset_id == first.dataset_id
    assert world(there) == before
    assert len(regions(there, image_of(there, first.dataset_id, "pos1"))) == 1


def test_the_note_of_how_it_was_made_says_whence_it_was_copied(here, there, dataset):
    made = copy(here, dataset, there).dataset_id
    noted = dict(read_annotations(there, "Dataset", made).provenance)
    assert noted["Source"] == f"Dataset:{dataset} on {here.settings.place}"


def test_a_copy_whose_annotations_did_not_all_come_is_not_complete(here, there, dataset, samples):
    damaged = samples.file("Dataset", dataset, b"notes", "notes.txt")
    store = samples.client.sf.createRawFileStore()
    store.setFileId(damaged)
    store.write(b"other", 0, 5)
    with pytest.raises(PyomeroError, match=r"notes\.txt does not have the checksum"):
        copy(here, dataset, there)
    (made,) = find_uploads(there)
    assert (made.complete_images, made.complete) == (2, False)
    store.write(b"notes", 0, 5)
    store.save()
    store.close()
    copy(here, dataset, there)
    (made,) = find_uploads(there)
    assert made.complete


def test_an_image_that_is_not_complete_keeps_the_copy_from_beginning(here, there, dataset, samples):
    kind = samples.query.findByString("PixelsType", "value", "uint8")
    service = samples.client.sf.getPixelsService()
    empty = service.createImage(4, 3, 1, 1, [0], kind, "empty", "").val
    link = omero.model.DatasetImageLinkI()
    link.parent = omero.model.DatasetI(dataset, False)
    link.child = omero.model.ImageI(empty, False)
    samples.save(link)
    with pytest.raises(PlanError):
        copy(here, dataset, there)
    assert not there.query.findAll("Dataset", None)


def test_a_dataset_goes_from_one_server_to_another(here, dataset):
    with Server(memory=True, in_process=True) as server:
        client = omero.client(server.host, server.port)
        client.createSession(server.user, server.password)
        other = Connection.over(client)
        report = copy(here, dataset, other)
        assert report.ok
        np.testing.assert_array_equal(pixels_on(other, report.dataset_id, "pos2"), pixels_of(2))
        client.closeSession()
