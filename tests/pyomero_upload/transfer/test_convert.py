"""Carrying out plans: whole jobs on real files."""

import csv
import json
import threading
from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
import tensorstore
import tifffile
from rocrate.rocrate import ROCrate

from folders import experiment, plane, write_png
from plans import file_of, pixels_of, planned
from pyomero_upload.errors import PlanError, PyomeroError, UsageError
from pyomero_upload.model import PlaneIndex, Problem
from pyomero_upload.planning import make_plan
from pyomero_upload.transfer import (
    Finished,
    ImageDone,
    ImageStarted,
    ProblemFound,
    Progress,
    Started,
    convert,
    verify,
)
from pyomero_upload.transfer.manifest import read_manifest


def read(out, name, form="ome-zarr"):
    if form == "ome-tiff":
        return tifffile.imread(out / f"{name}.ome.tif")
    spec = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": str(out / f"{name}.ome.zarr" / "0")},
    }
    return tensorstore.open(spec).result().read().result()


def snapshot(folder):
    return {p.relative_to(folder): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("form", ["ome-zarr", "ome-tiff"])
def test_every_position_becomes_an_image_with_the_pixels_of_its_files(tmp_path, form):
    plan = planned(tmp_path / "in")
    report = convert(plan, tmp_path / "out", format=form)
    assert report.ok
    assert [(i.name, i.status, i.planes, i.bytes) for i in report.images] == [
        ("pos001", "done", 12, 12 * 640),
        ("pos002", "done", 12, 12 * 640),
    ]
    for image in plan.images:
        np.testing.assert_array_equal(
            read(tmp_path / "out", image.name, form), pixels_of(plan, image)
        )
    assert verify(tmp_path / "out").ok


def test_the_output_tree_is_as_documented(tmp_path):
    convert(planned(tmp_path / "in"), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        ".pyomero",
        "manifest.json",
        "manifest.json.sha256",
        "original",
        "planes.csv",
        "pos001.ome.zarr",
        "pos002.ome.zarr",
        "ro-crate-metadata.json",
    ]
    assert [path.name for path in (tmp_path / "out" / ".pyomero").iterdir()] == ["lock"]


def test_the_input_is_left_as_it_was(tmp_path):
    plan = planned(tmp_path / "in")
    before = snapshot(tmp_path / "in")
    convert(plan, tmp_path / "out")
    assert snapshot(tmp_path / "in") == before


def test_a_finished_job_run_again_does_nothing_and_says_so(tmp_path):
    convert(planned(tmp_path / "in"), tmp_path / "out")
    before = snapshot(tmp_path / "out")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.ome.zarr/**/*")}
    report = convert(make_plan(tmp_path / "in"), tmp_path / "out")
    assert report.ok
    assert report.unchanged
    assert report.planes == 0
    assert snapshot(tmp_path / "out") == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_new_positions_are_added_to_a_finished_output(tmp_path):
    convert(planned(tmp_path / "in", positions=["pos001"]), tmp_path / "out")
    report = convert(planned(tmp_path / "in2"), tmp_path / "other")
    assert report.ok
    write_png(tmp_path / "in" / "pos002" / "exp_000001_GFP_001.png", plane(1))
    report = convert(make_plan(tmp_path / "in"), tmp_path / "out")
    assert [(i.name, i.status) for i in report.images] == [
        ("pos001", "unchanged"),
        ("pos002", "done"),
    ]
    assert verify(tmp_path / "out").ok


def test_a_finished_image_that_was_moved_away_is_made_again(tmp_path):
    plan = planned(tmp_path / "in")
    convert(plan, tmp_path / "out")
    (tmp_path / "out" / "pos001.ome.zarr").rename(tmp_path / "away")
    report = convert(plan, tmp_path / "out")
    assert [i.status for i in report.images] == ["done", "unchanged"]
    assert snapshot(tmp_path / "away") == snapshot(tmp_path / "out" / "pos001.ome.zarr")
    assert verify(tmp_path / "out").ok


def test_a_finished_image_that_lost_a_file_is_not_touched(tmp_path):
    plan = planned(tmp_path / "in")
    convert(plan, tmp_path / "out")
    (tmp_path / "out" / "pos001.ome.zarr" / "0" / "zarr.json").unlink()
    before = snapshot(tmp_path / "out")
    with pytest.raises(PyomeroError, match="removed since") as error:
        convert(plan, tmp_path / "out")
    assert error.value.problems[0].code == "output-damaged"
    assert snapshot(tmp_path / "out") == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda plan: write_png(file_of(plan, 0, 0, 0, 0), plane(99)), "input files have changed"),
        (
            lambda plan: (plan.source.folder / "metadata.yaml").write_text(
                "title: Other", encoding="utf-8"
            ),
            "other metadata",
        ),
        (
            lambda plan: (plan.source.folder / "pos001").rename(plan.source.folder / "pos009"),
            "does not have any more",
        ),
    ],
)
def test_an_output_is_not_mixed_with_what_its_input_has_become(tmp_path, change, message):
    plan = planned(tmp_path / "in")
    convert(plan, tmp_path / "out")
    before = snapshot(tmp_path / "out")
    change(plan)
    with pytest.raises(UsageError, match=message) as error:
        convert(make_plan(tmp_path / "in"), tmp_path / "out")
    assert error.value.problems[0].code == "output-holds-other"
    assert snapshot(tmp_path / "out") == before


@pytest.mark.parametrize(
    "options",
    [{"format": "ome-tiff"}, {"compression": "zstd"}, {"levels": 1}],
    ids=str,
)
def test_other_options_need_another_output(tmp_path, options):
    plan = planned(tmp_path / "in")
    convert(plan, tmp_path / "out")
    before = snapshot(tmp_path / "out")
    with pytest.raises(UsageError, match="holds what was made of"):
        convert(plan, tmp_path / "out", **options)
    assert snapshot(tmp_path / "out") == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "jpeg"}, "no format 'jpeg'"),
        ({"compression": "rar"}, "cannot be compressed with 'rar'"),
        ({"format": "ome-tiff", "compression": "lz4"}, "cannot be compressed with 'lz4'"),
        ({"levels": -1}, "-1 pyramid levels"),
        ({"format": "ome-tiff", "levels": 2}, "without pyramid levels"),
        ({"on_bad_plane": "guess"}, "no choice 'guess'"),
    ],
)
def test_options_that_do_not_exist_are_refused_before_anything_is_made(tmp_path, options, message):
    with pytest.raises(UsageError, match=message) as error:
        convert(planned(tmp_path / "in"), tmp_path / "out", **options)
    assert error.value.hint
    assert not (tmp_path / "out").exists()


def test_a_plan_with_errors_is_not_carried_out(tmp_path):
    plan = planned(tmp_path / "in")
    bad = replace(plan, problems=(Problem("error", "dtype-differs", "pos001", "Two types."),))
    with pytest.raises(PlanError) as error:
        convert(bad, tmp_path / "out")
    assert error.value.problems == bad.problems
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["ome-zarr", "ome-tiff"])
@pytest.mark.parametrize("damage", ["truncated", "wrong checksum", "no image", "vanished", "empty"])
def test_a_bad_file_stops_its_image_and_no_other(tmp_path, form, damage):
    plan = planned(tmp_path / "in")
    bad = file_of(plan, 0, 1, 0, 1)
    content = bytearray(bad.read_bytes())
    if damage == "vanished":
        bad.unlink()
    else:
        if damage == "truncated":
            content = content[: len(content) // 2]
        elif damage == "wrong checksum":
            content[-20] ^= 1
        else:
            content = b"Not an image." if damage == "no image" else b""
        bad.write_bytes(content)
        files = {**plan.source.files}
        path = bad.relative_to(plan.source.folder).as_posix()
        files[path] = type(files[path])(bad.stat().st_size, bad.stat().st_mtime_ns)
        plan = replace(plan, source=replace(plan.source, files=files))
    report = convert(plan, tmp_path / "out", format=form)
    assert not report.ok
    assert [(i.name, i.status) for i in report.images] == [("pos001", "failed"), ("pos002", "done")]
    (problem,) = report.failed[0].problems
    assert (problem.severity, problem.code) == ("error", "unreadable-file")
    assert problem.where == "pos001/exp_000002_Brightfield_002.png"
    assert "pos001, t=1 c=0 z=1" in problem.message
    assert problem.hint
    assert not list((tmp_path / "out").glob("pos001*"))
    after = verify(tmp_path / "out")
    assert after.ok
    assert [p.code for p in after.problems] == ["image-not-made"]
    manifest = read_manifest(tmp_path / "out")
    assert not manifest.complete
    assert manifest.failed[0].name == "pos001"


def test_once_the_file_is_repaired_only_its_time_point_is_done_again(tmp_path):
    plan = planned(tmp_path / "in", times=3)
    bad = file_of(plan, 0, 2, 0, 1)
    good = bad.read_bytes()
    bad.write_bytes(good[:-30])
    convert(make_plan(tmp_path / "in"), tmp_path / "out", workers=1)
    bad.write_bytes(good)
    plan = make_plan(tmp_path / "in")
    started = []
    report = convert(
        plan,
        tmp_path / "out",
        progress=lambda e: started.append(e) if isinstance(e, ImageStarted) else None,
    )
    assert [i.status for i in report.images] == ["done", "unchanged"]
    assert [(e.image, e.planes_done) for e in started] == [("pos001", 12)]
    np.testing.assert_array_equal(read(tmp_path / "out", "pos001"), pixels_of(plan, plan.images[0]))
    assert verify(tmp_path / "out").problems == ()


@pytest.mark.parametrize("form", ["ome-zarr", "ome-tiff"])
def test_bad_planes_are_zeros_and_listed_when_asked_for(tmp_path, form):
    plan = planned(tmp_path / "in")
    file_of(plan, 1, 0, 1, 2).unlink()
    report = convert(plan, tmp_path / "out", format=form, on_bad_plane="blank")
    assert report.ok
    (problem,) = report.images[1].problems
    assert (problem.severity, problem.code) == ("warning", "plane-left-blank")
    assert problem.where == "pos002/exp_000001_GFP_003.png"
    pixels = read(tmp_path / "out", "pos002", form)
    assert not pixels[0, 1, 2].any()
    assert pixels[0, 1, 1].any()
    assert verify(tmp_path / "out").ok
    (blank,) = read_manifest(tmp_path / "out").images[1].blank
    assert (blank.t, blank.c, blank.z) == (0, 1, 2)


def test_a_file_that_changed_after_the_plan_stops_its_image_and_is_never_blanked(tmp_path):
    plan = planned(tmp_path / "in")
    write_png(file_of(plan, 0, 0, 0, 0), plane(1234, (40, 40)))
    report = convert(plan, tmp_path / "out", on_bad_plane="blank")
    assert [i.status for i in report.images] == ["failed", "done"]
    assert report.failed[0].problems[0].code == "input-changed"


def test_another_size_or_type_than_planned_is_an_error_with_both(tmp_path):
    plan = planned(tmp_path / "in")
    wide = file_of(plan, 0, 0, 0, 0)
    other = file_of(plan, 1, 0, 0, 1)
    write_png(wide, plane(1, (16, 21)))
    write_png(other, plane(1, dtype=np.uint8))
    report = convert(replace(plan, source=replace(plan.source, files={})), tmp_path / "out")
    assert [i.status for i in report.images] == ["failed", "failed"]
    first, second = (i.problems[0].message for i in report.images)
    assert "16×21 pixels of uint16" in first
    assert "16×20 pixels of uint16" in first
    assert "16×20 pixels of uint8" in second


def test_missing_planes_are_zeros_and_verified(tmp_path):
    plan = planned(tmp_path / "in")
    file_of(plan, 0, 0, 1, 1).unlink()
    plan = make_plan(tmp_path / "in")
    assert plan.images[0].missing == (PlaneIndex(0, 1, 1),)
    report = convert(plan, tmp_path / "out")
    assert report.ok
    assert not read(tmp_path / "out", "pos001")[0, 1, 1].any()
    entry = read_manifest(tmp_path / "out").images[0]
    assert [(m.t, m.c, m.z) for m in entry.missing] == [(0, 1, 1)]
    assert verify(tmp_path / "out").ok


def test_names_from_disk_never_leave_the_output_folder(tmp_path):
    plan = planned(tmp_path / "in", positions=["pos001", "pos002", "pos003"])
    names = ["../../escaped", "CON", "con"]
    images = tuple(replace(i, name=n) for i, n in zip(plan.images, names, strict=True))
    report = convert(replace(plan, images=images, sources=images), tmp_path / "out")
    assert report.ok
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
    manifest = read_manifest(tmp_path / "out")
    assert [(i.name, i.path) for i in manifest.images] == [
        ("../../escaped", "_._.._escaped.ome.zarr"),
        ("CON", "_CON.ome.zarr"),
        ("con", "_con~2.ome.zarr"),
    ]
    assert verify(tmp_path / "out").ok


def test_a_name_that_is_no_text_is_kept_as_its_bytes(tmp_path):
    plan = planned(tmp_path / "in", positions=["pos001"])
    images = (replace(plan.images[0], name="caf\udce9"),)
    plan = replace(plan, images=images, sources=images)
    assert convert(plan, tmp_path / "out").ok
    assert read_manifest(tmp_path / "out").images[0].name == "caf\\udce9"
    assert convert(plan, tmp_path / "out").unchanged
    assert verify(tmp_path / "out").ok


@pytest.mark.parametrize("form", ["ome-zarr", "ome-tiff"])
def test_a_processor_stands_between_files_and_image(tmp_path, form):
    experiment(tmp_path / "in")
    raw = make_plan(tmp_path / "in")
    plan = make_plan(tmp_path / "in", processor="max-z")
    report = convert(plan, tmp_path / "out", format=form)
    assert report.ok
    pixels = read(tmp_path / "out", "pos001", form).reshape(2, 2, 16, 20)
    np.testing.assert_array_equal(pixels, pixels_of(raw, raw.images[0]).max(axis=2))
    entry = read_manifest(tmp_path / "out").images[0]
    assert len(entry.levels[0].digests) == 4
    assert len(entry.source.digests) == 12
    assert verify(tmp_path / "out").ok


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise ValueError('no cells')", "raised ValueError: no cells"),
        ("return stack[:, :1]", "and made 3×1×20"),
    ],
)
def test_a_processor_that_fails_stops_the_image_with_its_reason(
    tmp_path, monkeypatch, body, message
):
    module = f"failing_{abs(hash(body))}"
    (tmp_path / f"{module}.py").write_text(
        "from dataclasses import replace\n"
        "from pyomero_upload.processing import ImageProcessor\n"
        "class Failing(ImageProcessor):\n"
        "    def describe(self, image): return replace(image, planes={})\n"
        f"    def process(self, stack, t, c, image): {body}\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    experiment(tmp_path / "in", positions=["pos001"])
    report = convert(make_plan(tmp_path / "in", processor=f"{module}:Failing"), tmp_path / "out")
    assert report.images[0].problems[0].code == "processor-failed"
    assert message in report.images[0].problems[0].message


def test_colours_of_one_file_become_channels(tmp_path):
    pixels = plane(3, (16, 20, 3), np.uint8)
    folder = tmp_path / "in" / "pos001"
    folder.mkdir(parents=True)
    for t in (1, 2):
        (folder / f"a_{t:06d}_RGB_001.png").write_bytes(imagecodecs.png_encode(pixels + t))
    plan = make_plan(tmp_path / "in")
    assert convert(plan, tmp_path / "out").ok
    np.testing.assert_array_equal(
        read(tmp_path / "out", "pos001")[1, :, 0], np.moveaxis(pixels + 2, -1, 0)
    )


def test_pages_of_one_file_become_sections(tmp_path, monkeypatch):
    stack = np.stack([plane(n) for n in range(5)])
    folder = tmp_path / "in" / "pos001"
    folder.mkdir(parents=True)
    tifffile.imwrite(folder / "a_000001_GFP_001.tif", stack, photometric="minisblack")
    plan = make_plan(tmp_path / "in")
    monkeypatch.setattr("pyomero_upload.transfer.planes.READ_BYTES", 2 * stack[0].nbytes)
    assert convert(plan, tmp_path / "out").ok
    np.testing.assert_array_equal(read(tmp_path / "out", "pos001")[0, 0], stack)


def test_a_type_that_nothing_can_store_stops_its_image(tmp_path):
    plan = planned(tmp_path / "in", positions=["pos001"])
    images = (replace(plan.images[0], dtype="complex64"),)
    report = convert(replace(plan, images=images, sources=images), tmp_path / "out")
    assert "complex64 cannot be stored" in report.failed[0].problems[0].message


def test_events_tell_the_whole_story_in_the_calling_thread(tmp_path):
    events, threads = [], set()

    def progress(event):
        events.append(event)
        threads.add(threading.get_ident())

    plan = planned(tmp_path / "in")
    file_of(plan, 0, 0, 0, 0).unlink()
    convert(plan, tmp_path / "out", progress=progress)
    assert threads == {threading.get_ident()}
    assert events[0] == Started(images=2, planes=24, bytes=24 * 640, planes_done=0)
    told = [event for event in events if not isinstance(event, Progress)]
    assert {ImageStarted("pos001", 12, 0), ImageStarted("pos002", 12, 0)} <= set(told)
    assert [(e.image, e.planes) for e in told if isinstance(e, ImageDone)] == [("pos002", 12)]
    assert [e.image for e in told if isinstance(e, ProblemFound)] == ["pos001"]
    last = events[-1]
    assert isinstance(last, Finished)
    assert (last.images_done, last.images_failed, last.images_unchanged) == (1, 1, 0)


def test_what_the_callers_function_raises_comes_back_and_the_job_can_go_on(tmp_path):
    plan = planned(tmp_path / "in")

    def progress(event):
        if isinstance(event, ImageDone):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        convert(plan, tmp_path / "out", progress=progress)
    assert convert(plan, tmp_path / "out").ok
    assert verify(tmp_path / "out").problems == ()


def test_a_worker_that_meets_the_unexpected_raises_it_in_the_caller(tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr("pyomero_upload.targets.files.ome_zarr.widen", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        convert(planned(tmp_path / "in"), tmp_path / "out")


def test_tables_planes_and_originals_lie_beside_the_images(tmp_path):
    folder = tmp_path / "in"
    experiment(folder, positions=["pos001"])
    (folder / "pumps.csv").write_text("pump,rate\nA,1.5\n", encoding="utf-8")
    (folder / "metadata.yaml").write_text("tables: [pumps.csv]\n", encoding="utf-8")
    plan = make_plan(folder)
    convert(plan, tmp_path / "out")
    assert (tmp_path / "out" / "tables" / "pumps.csv").read_text(
        encoding="utf-8"
    ) == "pump,rate\nA,1.5\n"
    original = tmp_path / "out" / "original" / "metadata.yaml"
    assert original.read_bytes() == (folder / "metadata.yaml").read_bytes()
    with (tmp_path / "out" / "planes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert rows[-1]["source_file"] == "pos001/exp_000002_GFP_003.png"
    assert (rows[-1]["image"], rows[-1]["t"], rows[-1]["c"], rows[-1]["z"]) == (
        "pos001",
        "1",
        "1",
        "2",
    )


def test_the_crate_names_parts_authors_and_the_tool(tmp_path):
    convert(planned(tmp_path / "in"), tmp_path / "out")
    crate = ROCrate(tmp_path / "out")
    assert (crate.name, crate.description) == ("Yeast", "A test")
    root = crate.root_dataset
    assert root["keywords"] == ["yeast", "salt"]
    assert [author["name"] for author in root["author"]] == ["A. Person"]
    parts = {part.id for part in root["hasPart"]}
    assert {"pos001.ome.zarr/", "planes.csv", "original/metadata.yaml"} <= parts
    pairs = [(p["name"], p["value"]) for p in root["additionalProperty"]]
    assert ("strain", "BY4741") in pairs
    (action,) = [e for e in crate.contextual_entities if e.type == "CreateAction"]
    assert action["instrument"]["name"] == "PyOmeroUpload"
    assert len(action["result"]) == 2


def test_without_provenance_nothing_says_which_tool_it_was(tmp_path):
    experiment(tmp_path / "in")
    convert(make_plan(tmp_path / "in", provenance=False), tmp_path / "out")
    graph = json.loads((tmp_path / "out" / "ro-crate-metadata.json").read_text())["@graph"]
    assert not [entity for entity in graph if entity["@type"] == "CreateAction"]


def test_an_original_that_vanished_is_an_error_and_the_images_stay(tmp_path):
    plan = planned(tmp_path / "in")
    (tmp_path / "in" / "metadata.yaml").rename(tmp_path / "away")
    with pytest.raises(PyomeroError, match="cannot be read"):
        convert(plan, tmp_path / "out")
    (tmp_path / "away").rename(tmp_path / "in" / "metadata.yaml")
    report = convert(plan, tmp_path / "out")
    assert report.unchanged
    assert verify(tmp_path / "out").problems == ()
