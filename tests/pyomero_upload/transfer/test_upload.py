"""Whole uploads to a real server, read back through the real client."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from folders import experiment, plane, write_png
from omero_world import count, world
from plans import file_of, pixels_of, planned
from pyomero_upload.errors import PlanError, UsageError
from pyomero_upload.model import Problem
from pyomero_upload.planning import make_plan
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.objects import delete
from pyomero_upload.targets.omero.provenance import find_uploads
from pyomero_upload.targets.omero.stores import Stores
from pyomero_upload.transfer.upload import upload


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def conn(omero_client):
    return Connection.over(omero_client)


def read(gateway, image_id):
    """Return an Image's pixels, axes t, c, z, y, x."""
    image = gateway.getObject("Image", image_id)
    sizes = image.getSizeT(), image.getSizeC(), image.getSizeZ()
    indexes = [(z, c, t) for t in range(sizes[0]) for c in range(sizes[1]) for z in range(sizes[2])]
    planes = list(image.getPrimaryPixels().getPlanes(indexes))
    return np.stack(planes).reshape(*sizes, image.getSizeY(), image.getSizeX())


def test_every_position_becomes_an_image_with_the_pixels_of_its_files(tmp_path, conn, omero_conn):
    plan = planned(tmp_path / "in")
    report = upload(plan, conn)
    assert report.ok
    assert [(i.name, i.status, i.planes, i.verified) for i in report.images] == [
        ("pos001", "done", 12, True),
        ("pos002", "done", 12, True),
    ]
    for image, made in zip(plan.images, report.images, strict=True):
        np.testing.assert_array_equal(read(omero_conn, made.image_id), pixels_of(plan, image))


@pytest.mark.parametrize(
    ("dtype", "form"),
    [
        ("uint8", "png"),
        ("uint16", "png"),
        ("int8", "tif"),
        ("int16", "tif"),
        ("uint32", "tif"),
        ("int32", "tif"),
        ("float32", "tif"),
        ("float64", "tif"),
    ],
)
@pytest.mark.parametrize(("times", "sections"), [(3, 4), (3, 1), (1, 1)])
def test_pixels_of_every_type_arrive_as_they_are(
    tmp_path, conn, omero_conn, dtype, form, times, sections
):
    rng = np.random.default_rng(7)
    folder = tmp_path / "in" / "pos001"
    folder.mkdir(parents=True)
    for t in range(1, times + 1):
        for channel in ("GFP", "DIC"):
            for z in range(1, sections + 1):
                pixels = (rng.random((11, 17)) * 200 - (100 if dtype[0] in "if" else 0)).astype(
                    dtype
                )
                path = folder / f"exp_{t:06d}_{channel}_{z:03d}.{form}"
                if form == "png":
                    write_png(path, pixels)
                else:
                    tifffile.imwrite(path, pixels)
    plan = make_plan(tmp_path / "in")
    report = upload(plan, conn)
    read_back = read(omero_conn, report.images[0].image_id)
    assert report.images[0].verified
    assert read_back.dtype.newbyteorder("=") == np.dtype(dtype)
    np.testing.assert_array_equal(read_back, pixels_of(plan, plan.images[0]))


def test_the_colours_of_rgb_files_become_channels(tmp_path, conn, omero_conn):
    for t in (1, 2):
        write_png(
            tmp_path / "in" / "pos001" / f"exp_{t:06d}_Bright_001.png",
            plane(t, (12, 9, 3), "uint8"),
        )
    plan = make_plan(tmp_path / "in")
    report = upload(plan, conn)
    assert plan.images[0].sizes.c == 3
    np.testing.assert_array_equal(
        read(omero_conn, report.images[0].image_id), pixels_of(plan, plan.images[0])
    )


def test_twelve_positions_are_twelve_images_in_the_order_of_the_plan(tmp_path, conn, omero_conn):
    positions = [f"pos{n}" for n in range(1, 13)]
    plan = planned(tmp_path / "in", positions=positions, times=1)
    report = upload(plan, conn)
    dataset = omero_conn.getObject("Dataset", report.dataset_id)
    children = sorted((child.getId(), child.getName()) for child in dataset.listChildren())
    assert [name for _, name in children] == [image.name for image in plan.images] == positions
    for image, made in zip(plan.images, report.images, strict=True):
        np.testing.assert_array_equal(read(omero_conn, made.image_id), pixels_of(plan, image))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_big_planes_are_written_by_tiles(tmp_path, conn, omero_conn, dtype):
    pixels = np.random.default_rng(1).integers(0, 250, (3193, 3201)).astype(dtype)
    write_png(tmp_path / "in" / "pos001" / "exp_000001_GFP_001.png", pixels)
    report = upload(make_plan(tmp_path / "in"), conn)
    assert report.ok
    assert report.images[0].verified
    store = omero_conn.c.sf.createRawPixelsStore()
    image = omero_conn.getObject("Image", report.images[0].image_id)
    store.setPixelsId(image.getPixelsId(), False)
    corner = store.getTile(0, 0, 0, 3072, 3072, 129, 121)
    store.close()
    expected = pixels[3072:, 3072:].astype(np.dtype(dtype).newbyteorder(">")).tobytes()
    assert corner == expected


def test_a_big_plane_of_fractions_is_written_like_any_other(tmp_path, conn, omero_conn):
    folder = tmp_path / "in" / "pos001"
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(1).random((3193, 3200)).astype("float32")
    tifffile.imwrite(folder / "exp_000001_GFP_001.tif", pixels)
    report = upload(make_plan(tmp_path / "in"), conn)
    np.testing.assert_array_equal(read(omero_conn, report.images[0].image_id)[0, 0, 0], pixels)


def test_an_upload_run_again_makes_nothing_and_says_so(tmp_path, conn):
    plan = planned(tmp_path / "in")
    report = upload(plan, conn)
    before = world(conn)
    again = upload(make_plan(tmp_path / "in"), conn)
    assert again.unchanged
    assert again.ok
    assert again.bytes == 0
    assert [i.image_id for i in again.images] == [i.image_id for i in report.images]
    assert [i.sha1 for i in again.images] == [i.sha1 for i in report.images]
    assert world(conn) == before


def test_the_digest_is_that_of_all_planes_in_the_servers_order(tmp_path, conn):
    plan = planned(tmp_path / "in", positions=["pos001"])
    report = upload(plan, conn)
    pixels = pixels_of(plan, plan.images[0])
    assert report.images[0].sha1 == hashlib.sha1(pixels.astype(">u2").tobytes()).hexdigest()


def test_a_bad_file_stops_its_image_and_no_other_and_leaves_nothing_half(tmp_path, conn):
    plan = planned(tmp_path / "in")
    bad = file_of(plan, 0, 1, 0, 1)
    good = bad.read_bytes()
    bad.write_bytes(good[:-30])
    report = upload(make_plan(tmp_path / "in"), conn)
    assert [(i.name, i.status) for i in report.images] == [("pos001", "failed"), ("pos002", "done")]
    (problem,) = report.images[0].problems
    assert problem.code == "unreadable-file"
    assert count(conn, "Image") == 1
    (record,) = find_uploads(conn)
    assert (record.state, record.complete_images, record.planned_images) == ("incomplete", 1, 2)
    bad.write_bytes(good)
    again = upload(make_plan(tmp_path / "in"), conn)
    assert [(i.name, i.status) for i in again.images] == [
        ("pos001", "done"),
        ("pos002", "unchanged"),
    ]
    (record,) = find_uploads(conn)
    assert (record.state, record.complete_images) == ("complete", 2)


def test_a_bad_plane_is_left_blank_where_the_user_wants_that_and_the_image_says_so(
    tmp_path, conn, omero_conn
):
    plan = planned(tmp_path / "in", positions=["pos001"])
    bad = file_of(plan, 0, 1, 0, 1)
    bad.write_bytes(bad.read_bytes()[:-30])
    report = upload(make_plan(tmp_path / "in"), conn, on_bad_plane="blank")
    assert report.ok
    assert [p.code for p in report.images[0].problems] == ["plane-left-blank"]
    pixels = read(omero_conn, report.images[0].image_id)
    assert not pixels[1, 0, 1].any()
    assert pixels[1, 0, 0].any()
    said = dict(
        pair
        for annotation in omero_conn.getObject("Image", report.images[0].image_id).listAnnotations()
        if annotation.getNs() == "pyomero_upload/provenance"
        for pair in annotation.getValue()
    )
    assert said["Planes left blank"] == "1"


def test_missing_planes_are_zeros(tmp_path, conn, omero_conn):
    plan = planned(tmp_path / "in", positions=["pos001"])
    file_of(plan, 0, 0, 1, 2).unlink()
    plan = make_plan(tmp_path / "in")
    report = upload(plan, conn)
    assert report.ok
    np.testing.assert_array_equal(
        read(omero_conn, report.images[0].image_id), pixels_of(plan, plan.images[0])
    )


def test_what_a_processor_makes_is_uploaded(tmp_path, conn, omero_conn):
    experiment(tmp_path / "in", positions=["pos001"])
    plan = make_plan(tmp_path / "in", processor="max-z")
    report = upload(plan, conn)
    source = pixels_of(plan, plan.sources[0])
    np.testing.assert_array_equal(
        read(omero_conn, report.images[0].image_id), source.max(axis=2, keepdims=True)
    )


def test_input_that_changed_since_is_told_and_nothing_is_touched(tmp_path, conn):
    plan = planned(tmp_path / "in")
    upload(plan, conn)
    before = world(conn)
    changed = file_of(plan, 0, 0, 0, 0)
    write_png(changed, plane(99))
    size = changed.stat().st_size
    with pytest.raises(UsageError) as error:
        upload(make_plan(tmp_path / "in"), conn)
    assert error.value.problems[0].code == "upload-holds-other"
    assert error.value.hint
    assert world(conn) == before
    assert size == changed.stat().st_size


def test_an_image_that_somebody_deleted_is_made_again(tmp_path, conn):
    plan = planned(tmp_path / "in")
    report = upload(plan, conn)
    before = world(conn)
    delete(conn, "Image", [report.images[0].image_id])
    again = upload(plan, conn)
    assert [i.status for i in again.images] == ["done", "unchanged"]
    assert world(conn) == before


def test_a_dataset_is_not_complete_while_an_image_that_was_deleted_is_not_made_again(
    tmp_path, conn
):
    plan = planned(tmp_path / "in")
    report = upload(plan, conn)
    delete(conn, "Image", [report.images[1].image_id])
    file_of(plan, 1, 0, 0, 0).write_bytes(b"no picture")
    assert not upload(plan, conn).ok
    assert [record.complete for record in find_uploads(conn)] == [False]


def test_a_dataset_that_is_there_takes_the_images(tmp_path, conn):
    first = upload(planned(tmp_path / "one"), conn)
    second = upload(planned(tmp_path / "two", times=3), conn, into=first.dataset_id)
    assert second.dataset_id == first.dataset_id
    assert count(conn, "Dataset") == 1
    assert count(conn, "DatasetImageLink") == 4


@pytest.mark.parametrize(
    ("project", "names"), [("Mine", ["Mine"]), (None, []), (False, [])], ids=str
)
def test_the_dataset_is_put_into_the_project_that_is_named(tmp_path, conn, project, names):
    plan = planned(tmp_path / "in")
    upload(plan, conn, project=project)
    rows = conn.query.projection(
        f"select p.name from Project p where p.details.owner.id = {conn.user.id}", None
    )
    assert [row[0].val for row in rows] == names


def test_a_server_that_changes_a_plane_is_found_out(tmp_path, conn, monkeypatch):
    plan = planned(tmp_path / "in", positions=["pos001"])
    complete = Stores.complete
    spoilt = []

    def other_digest(stores):
        digest = complete(stores)
        spoilt.append(digest)
        return "0" * 40 if len(spoilt) == 1 else digest

    monkeypatch.setattr(Stores, "complete", other_digest)
    report = upload(plan, conn)
    assert report.ok
    assert len(spoilt) == 2
    assert count(conn, "Image") == 1


def test_a_server_that_goes_on_changing_planes_is_told_and_leaves_no_image(
    tmp_path, conn, monkeypatch
):
    plan = planned(tmp_path / "in", positions=["pos001"])
    monkeypatch.setattr(Stores, "complete", lambda _: "0" * 40)
    report = upload(plan, conn)
    assert [i.status for i in report.images] == ["failed"]
    assert "does not have the pixels that were sent" in report.images[0].problems[0].message
    assert count(conn, "Image") == 0


def test_a_report_to_look_at_lies_beside_the_journal(tmp_path, conn, state):
    report = upload(planned(tmp_path / "in"), conn)
    (page,) = state.rglob("report.html")
    assert report.page == page
    assert "pos001" in page.read_text(encoding="utf-8")
    assert not list(state.rglob("journal.jsonl"))


def test_a_plan_with_errors_is_not_uploaded(tmp_path, conn):
    plan = planned(tmp_path / "in")
    bad = replace(plan, problems=(Problem("error", "dtype-differs", "pos001", "Two types."),))
    with pytest.raises(PlanError):
        upload(bad, conn)
    assert count(conn, "Dataset") == 0


def test_metadata_that_changed_since_is_added_to_what_is_there_and_told(tmp_path, conn, omero_conn):
    folder = tmp_path / "in"
    first = upload(planned(folder), conn)
    text = (folder / "metadata.yaml").read_text(encoding="utf-8")
    (folder / "metadata.yaml").write_text(
        text.replace("tags: [yeast, salt]", "tags: [yeast, sugar]"), encoding="utf-8"
    )
    report = upload(make_plan(folder), conn)
    assert report.unchanged
    assert [p.code for p in report.problems] == ["upload-changed"]
    assert report.dataset_id == first.dataset_id
    assert count(conn, "Image") == 2
    assert count(conn, "Dataset") == 1
    dataset = omero_conn.getObject("Dataset", first.dataset_id)
    tags = [a.getTextValue() for a in dataset.listAnnotations() if hasattr(a, "getTextValue")]
    assert sorted(filter(None, tags)) == ["salt", "sugar", "yeast"]
    again = upload(make_plan(folder), conn)
    assert again.unchanged
    assert again.problems == ()


def test_new_positions_are_added_to_the_dataset(tmp_path, conn):
    folder = tmp_path / "in"
    first = upload(planned(folder, positions=["pos001"]), conn)
    write_png(folder / "pos002" / "exp_000001_GFP_001.png", plane(1))
    report = upload(make_plan(folder), conn)
    assert report.dataset_id == first.dataset_id
    assert [(i.name, i.status) for i in report.images] == [
        ("pos001", "unchanged"),
        ("pos002", "done"),
    ]
    (record,) = find_uploads(conn)
    assert (record.state, record.complete_images, record.planned_images) == ("complete", 2, 2)


def test_another_name_makes_another_dataset(tmp_path, conn):
    folder = tmp_path / "in"
    first = upload(planned(folder, positions=["pos001"]), conn)
    second = upload(make_plan(folder, name="Once more"), conn)
    assert second.dataset_id != first.dataset_id
    assert count(conn, "Image") == 2
