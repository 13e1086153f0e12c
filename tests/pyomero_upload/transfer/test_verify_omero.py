"""A Dataset on a server compared with what was noted and with its folder: each difference is named."""

from pathlib import Path

import numpy as np
import omero.clients
import omero.cmd
import omero.model
import pytest
from omero.rtypes import rstring

from folders import experiment, plane, write_png
from omero_bench import run
from omero_samples import Samples, pixels_of
from pyomero_upload.errors import UsageError
from pyomero_upload.planning import make_plan
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.said import read_annotations
from pyomero_upload.transfer.events import Finished, ImageDone, Started
from pyomero_upload.transfer.upload import upload
from pyomero_upload.transfer.upload_original import upload_original
from pyomero_upload.transfer.verify_omero import plan_again, verify_dataset

METADATA = """\
title: Yeast
description: A test
authors: [A. Person]
tags: [yeast, salt]
key_values: {strain: BY4741, medium: SC}
pixel_size: 0.2
tables: {doses: doses.csv}
"""


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))


@pytest.fixture
def folder(tmp_path) -> Path:
    experiment(tmp_path / "in")
    (tmp_path / "in" / "metadata.yaml").write_text(METADATA, encoding="utf-8")
    (tmp_path / "in" / "doses.csv").write_text("well,dose\nA1,1.5\nA2,3.0\n", encoding="utf-8")
    return tmp_path / "in"


@pytest.fixture
def samples(omero_client):
    return Samples(omero_client)


@pytest.fixture
def conn(omero_client):
    return Connection.over(omero_client)


@pytest.fixture
def dataset(folder, conn) -> int:
    report = upload(make_plan(folder), conn, workers=2)
    assert report.ok
    return report.dataset_id


def compared(conn, dataset, folder, **options):
    return verify_dataset(conn, dataset, against=lambda said: plan_again(folder, said, **options))


def found(report):
    return {(problem.severity, problem.code, problem.where) for problem in report.problems}


def change(samples, kind, hql, **values):
    """Change an object as other programs do."""
    thing = samples.query.findByQuery(hql, None)
    assert thing is not None, f"no {kind}"
    for name, value in values.items():
        setattr(thing, name, value)
    samples.update.saveObject(thing)


def images_of(samples, dataset):
    hql = "select i.id, i.name from DatasetImageLink l join l.child i where l.parent.id = :id"
    rows = samples.query.projection(hql, omero.sys.ParametersI().addId(dataset))
    return {row[1].val: row[0].val for row in rows}


def test_a_dataset_is_as_it_was_sent(conn, dataset):
    report = verify_dataset(conn, dataset)
    assert report.ok
    assert report.problems == ()
    assert (report.images, report.planes) == (2, 24)


def test_a_dataset_is_as_its_folder(conn, dataset, folder):
    report = compared(conn, dataset, folder)
    assert report.problems == ()
    assert report.ok


def test_progress_is_told_in_order(conn, dataset, folder):
    events = []
    verify_dataset(
        conn, dataset, against=lambda said: plan_again(folder, said), progress=events.append
    )
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    assert [type(event) for event in events].count(ImageDone) == 2


def test_a_plane_that_is_not_that_of_the_folder_is_named(conn, dataset, folder):
    write_png(folder / "pos002" / "exp_000002_GFP_003.png", plane(999))
    report = compared(conn, dataset, folder)
    assert [p.where for p in report.problems if p.code == "plane-differs"] == ["pos002 t=1 c=1 z=2"]
    assert not report.ok


def test_pixels_that_the_server_lost_are_noticed_without_the_folder(
    conn, dataset, samples, omero_server
):
    image = images_of(samples, dataset)["pos001"]
    pixels = samples.pixels(image).id.val
    (stored,) = Path(omero_server.folder).rglob(f"Pixels/**/{pixels}")
    content = bytearray(stored.read_bytes())
    content[100] ^= 1
    stored.write_bytes(content)
    report = verify_dataset(conn, dataset)
    assert not report.ok
    assert {(p.code, p.where) for p in report.problems} == {
        ("image-differs", f"pos001 (Image:{image})")
    }


def test_a_plane_that_the_server_lost_is_named_with_the_folder(
    conn, dataset, folder, samples, omero_server
):
    pixels = samples.pixels(images_of(samples, dataset)["pos001"]).id.val
    (stored,) = Path(omero_server.folder).rglob(f"Pixels/**/{pixels}")
    content = bytearray(stored.read_bytes())
    # Planes of 16 × 20 pixels of two bytes; the eighth is t=1 c=0 z=1.
    content[7 * 640 + 3] ^= 1
    stored.write_bytes(content)
    report = compared(conn, dataset, folder)
    assert ("error", "plane-differs", "pos001 t=1 c=0 z=1") in found(report)


def test_each_upload_into_a_dataset_has_to_be_complete(conn, dataset, samples, tmp_path):
    other = experiment(tmp_path / "other", positions=("pos003", "pos004"), times=1)
    upload(make_plan(other), conn, into=dataset)
    assert verify_dataset(conn, dataset).problems == ()
    image = images_of(samples, dataset)["pos001"]
    run(samples.client, omero.cmd.Delete2(targetObjects={"Image": [image]}))
    assert found(verify_dataset(conn, dataset)) == {
        ("error", "image-missing", f"Dataset:{dataset}")
    }


def test_files_that_were_imported_as_they_are_are_compared_plane_by_plane(conn, samples, tmp_path):
    import tifffile  # noqa: PLC0415

    (tmp_path / "in" / "p").mkdir(parents=True)
    tifffile.imwrite(tmp_path / "in" / "p" / "e_000001_GFP_001.tif", plane(1))
    plan = make_plan(tmp_path / "in", layout="separate")
    dataset = upload_original(plan, conn).dataset_id
    report = compared(conn, dataset, tmp_path / "in", layout="separate")
    assert not [p for p in report.problems if p.code in {"plane-differs", "image-differs"}]
    assert verify_dataset(conn, dataset).ok


@pytest.mark.parametrize(
    ("hql", "name", "value", "message"),
    [
        (
            "from Dataset where id = {dataset}",
            "description",
            rstring("Another"),
            "Its description is 'Another' on the server, not 'A test'.",
        ),
        (
            "from Image where id = {image}",
            "name",
            rstring("renamed"),
            "Its name is 'renamed' on the server, not 'pos001'.",
        ),
        (
            "from Pixels where image.id = {image}",
            "physicalSizeX",
            omero.model.LengthI(300.0, "NANOMETER"),
            "Its physical size X (µm) is 0.3 on the server, not 0.2.",
        ),
        (
            "select l from Channel c join c.logicalChannel l where c.pixels.image.id = {image} and l.name = 'GFP'",
            "name",
            rstring("YFP"),
            "Its channel 1 name is 'YFP' on the server, not 'GFP'.",
        ),
        (
            "from MapAnnotation where ns like 'openmicroscopy%'",
            "mapValue",
            [omero.model.NamedValue("strain", "W303"), omero.model.NamedValue("medium", "SC")],
            "'strain' is 'W303' on the server, not 'BY4741'.",
        ),
    ],
)
def test_what_somebody_changed_on_the_server_is_named(
    conn, dataset, folder, samples, hql, name, value, message
):
    image = images_of(samples, dataset)["pos001"]
    change(samples, name, hql.format(dataset=dataset, image=image), **{name: value})
    report = compared(conn, dataset, folder)
    assert not report.ok
    assert message in [problem.message for problem in report.problems]


def test_each_plane_whose_time_or_place_was_changed_is_named(conn, tmp_path, samples, folder):
    (folder / "expAcq.txt").write_text(
        "Channels:\nChannel name, Exposure time, Skip, Z sect., Start time, Camera mode, EM gain, Voltage\n"
        "Brightfield, 30, 1, 1, 1, 2, 270, 1.0\nGFP, 60, 1, 1, 1, 2, 270, 4.0\n",
        encoding="utf-8",
    )
    report = upload(make_plan(folder), conn, workers=2)
    image = images_of(samples, report.dataset_id)["pos001"]
    assert compared(conn, report.dataset_id, folder).problems == ()
    change(
        samples,
        "PlaneInfo",
        f"from PlaneInfo where pixels.image.id = {image} and theT = 1 and theC = 1 and theZ = 2",
        exposureTime=omero.model.TimeI(61.0, "MILLISECOND"),
    )
    report = compared(conn, report.dataset_id, folder)
    assert ("error", "metadata-differs", "pos001 t=1 c=1 z=2") in found(report)
    assert "Its exposure (ms) is 61.0 on the server, not 60.0." in [
        problem.message for problem in report.problems
    ]


def test_a_tag_that_was_taken_off_is_missing_and_one_that_was_added_only_told(
    conn, dataset, folder, samples
):
    hql = "from DatasetAnnotationLink l where l.child.textValue = 'salt' and l.parent.id = {}"
    samples.update.deleteObject(samples.query.findByQuery(hql.format(dataset), None))
    samples.tag("Dataset", dataset, "mine")
    report = compared(conn, dataset, folder)
    assert found(report) == {
        ("error", "tag-missing", f"Dataset:{dataset}"),
        ("warning", "tag-unknown", f"Dataset:{dataset}"),
    }


def test_a_cell_of_a_table_is_named_by_row_and_column(conn, dataset, folder):
    (folder / "doses.csv").write_text("well,dose\nA1,1.5\nA2,4.0\n", encoding="utf-8")
    report = compared(conn, dataset, folder)
    messages = [p.message for p in report.problems if p.code == "table-differs"]
    assert messages == ["Row 2 of 'dose' in the table 'doses' is 3.0 on the server, not 4.0."]
    assert ("error", "attachment-differs", f"Dataset:{dataset}") in found(report)


def test_an_attachment_that_the_server_lost_is_named(conn, dataset, folder, samples):
    (file,) = [
        a
        for a in read_annotations(conn, "Dataset", dataset).attachments
        if a.name == "metadata.yaml"
    ]
    run(samples.client, omero.cmd.Delete2(targetObjects={"OriginalFile": [file.id]}))
    assert found(compared(conn, dataset, folder)) == {
        ("error", "attachment-missing", f"Dataset:{dataset}")
    }


def test_an_image_that_was_deleted_is_missing(conn, dataset, folder, samples):
    image = images_of(samples, dataset)["pos002"]
    run(samples.client, omero.cmd.Delete2(targetObjects={"Image": [image]}))
    assert found(verify_dataset(conn, dataset)) == {
        ("error", "image-missing", f"Dataset:{dataset}")
    }
    assert ("error", "image-missing", "pos002") in found(compared(conn, dataset, folder))


def test_an_image_that_another_program_made_is_told_apart(conn, dataset, samples):
    other = samples.image(pixels_of(1), "other", dataset)
    report = verify_dataset(conn, dataset)
    assert report.ok
    assert found(report) == {("info", "image-unknown", f"other (Image:{other})")}


def test_an_image_that_nobody_completed_is_not_touched(conn, dataset, samples):
    kind = samples.query.findByString("PixelsType", "value", "uint8")
    service = samples.client.sf.getPixelsService()
    empty = service.createImage(4, 3, 1, 1, [0], kind, "empty", "").val
    link = omero.model.DatasetImageLinkI()
    link.parent = omero.model.DatasetI(dataset, False)
    link.child = omero.model.ImageI(empty, False)
    samples.save(link)
    assert ("error", "image-incomplete", f"empty (Image:{empty})") in found(
        verify_dataset(conn, dataset)
    )
    store = samples.client.sf.createRawPixelsStore()
    store.setPixelsId(samples.pixels(empty).id.val, False)
    store.setPlane(bytes(12), 0, 0, 0)
    store.close()


def test_an_image_of_a_type_that_cannot_be_read_is_named_and_the_others_are_compared(
    conn, dataset, samples
):
    kind = samples.query.findByString("PixelsType", "value", "complex")
    service = samples.client.sf.getPixelsService()
    odd = service.createImage(4, 3, 1, 1, [0], kind, "odd", "").val
    link = omero.model.DatasetImageLinkI()
    link.parent = omero.model.DatasetI(dataset, False)
    link.child = omero.model.ImageI(odd, False)
    samples.save(link)
    report = verify_dataset(conn, dataset)
    assert report.images == 2
    assert found(report) == {("error", "image-unreadable", f"Dataset:{dataset}")}
    assert f"Image:{odd}" in report.problems[0].message


def test_the_folder_is_planned_as_it_was_by_what_the_provenance_says(conn, tmp_path):
    for z in range(3):
        write_png(tmp_path / "odd" / f"cellA-z{z}.png", plane(z))
    report = upload(make_plan(tmp_path / "odd", pattern="{position}-z{z}", processor="max-z"), conn)
    assert compared(conn, report.dataset_id, tmp_path / "odd").problems == ()


def test_missing_planes_are_zeros_on_both_sides(conn, folder):
    (folder / "pos001" / "exp_000001_GFP_002.png").unlink()
    report = upload(make_plan(folder), conn)
    assert compared(conn, report.dataset_id, folder).ok


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_pixels_of_other_types_are_compared_in_the_servers_byte_order(conn, tmp_path, dtype):
    import tifffile  # noqa: PLC0415

    (tmp_path / "in" / "p").mkdir(parents=True)
    tifffile.imwrite(tmp_path / "in" / "p" / "e_000001_GFP_001.tif", plane(1, dtype=dtype))
    report = upload(make_plan(tmp_path / "in"), conn)
    assert compared(conn, report.dataset_id, tmp_path / "in").problems == ()


def test_another_folder_is_told_before_its_planes(conn, dataset, tmp_path):
    other = experiment(tmp_path / "other", positions=("pos001", "pos002"), times=1)
    report = compared(conn, dataset, other)
    assert ("warning", "plan-differs", str(other)) in found(report)
    assert not report.ok


def test_a_dataset_that_is_not_there_is_said_to_be_so(conn):
    with pytest.raises(UsageError, match="There is no Dataset:987654321"):
        verify_dataset(conn, 987654321)


def test_a_file_that_images_were_imported_from_and_the_server_lost_is_named(
    conn, tmp_path, omero_server
):
    import tifffile  # noqa: PLC0415

    (tmp_path / "in" / "p").mkdir(parents=True)
    tifffile.imwrite(tmp_path / "in" / "p" / "e_000001_GFP_001.tif", plane(1))
    dataset = upload_original(make_plan(tmp_path / "in", layout="separate"), conn).dataset_id
    stored = max(
        Path(omero_server.folder).rglob("e_000001_GFP_001.tif"), key=lambda p: p.stat().st_mtime_ns
    )
    content = bytearray(stored.read_bytes())
    content[-1] ^= 1
    stored.write_bytes(content)
    report = verify_dataset(conn, dataset)
    assert ["e_000001_GFP_001.tif" in p.message for p in report.problems] == [True]
    assert report.problems[0].code == "attachment-differs"
