"""From a folder to a plan."""

import json
import shutil
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import tifffile

from folders import experiment, plane, write_png
from pyomero_upload import plan as make_plan
from pyomero_upload.errors import UsageError
from pyomero_upload.example import make_example
from pyomero_upload.metadata import MetadataParser
from pyomero_upload.model import Channel, Metadata, PlaneIndex, PlaneSource, Point, Sizes
from pyomero_upload.planning.document import plan_document, plan_schema


def codes(plan) -> list[str]:
    return [problem.code for problem in plan.problems]


def problem(plan, code):
    (found,) = [p for p in plan.problems if p.code == code]
    return found


def test_each_position_becomes_one_image_in_natural_order(tmp_path):
    experiment(tmp_path, positions=["pos10", "pos2"], times=2, sections=3)
    plan = make_plan(tmp_path)
    assert [image.name for image in plan.images] == ["pos2", "pos10"]
    assert plan.images[0].sizes == Sizes(t=2, c=2, z=3, y=16, x=20)
    assert plan.images[0].dtype == "uint16"
    assert len(plan.images[0].planes) == 12
    assert plan.images[0].planes[PlaneIndex(1, 1, 2)] == PlaneSource("pos2/exp_000002_GFP_003.png")
    assert not plan.errors
    assert not plan.warnings


def test_the_real_data_are_planned_with_all_that_their_text_files_say(demo):
    plan = make_plan(demo)
    first, second = plan.images
    assert first.sizes == second.sizes == Sizes(t=3, c=3, z=5, y=512, x=512)
    assert [c.name for c in first.channels] == ["Brightfield", "DIC", "GFP"]
    assert [c.exposure_ms for c in first.channels] == [30, 30, 7]
    assert first.channels[2].voltage_v == 4
    assert first.stage == Point(10846.5, 10208.1, 3431.425)
    assert first.physical_size_um == Point(None, None, 0.6)
    assert first.time_increment_s == 300
    info = first.plane_infos[PlaneIndex(0, 0, 0)]
    assert info.acquired is not None
    assert info.acquired.isoformat() == "2018-09-28T17:18:15"
    assert info.delta_t_s == 1
    assert info.exposure_ms == 30
    assert not plan.errors
    assert not plan.warnings


def test_the_document_of_the_real_data_fits_its_published_schema(demo):
    document = plan_document(make_plan(demo))
    jsonschema.validate(document, plan_schema())
    assert json.loads(json.dumps(document)) == document
    assert document["schema"] == 1
    assert document["source"]["files"] == 92
    assert document["images"][0]["planes"] == {"expected": 45, "present": 45, "missing": []}


def test_the_same_folder_gives_the_same_plan(tmp_path):
    experiment(tmp_path)
    assert plan_document(make_plan(tmp_path)) == plan_document(make_plan(tmp_path))


def test_the_digest_stays_when_the_folder_moves_and_changes_with_a_file(tmp_path):
    original = make_plan(experiment(tmp_path / "a" / "exp"))
    shutil.move(tmp_path / "a" / "exp", tmp_path / "exp")
    moved = make_plan(tmp_path / "exp")
    write_png(tmp_path / "exp/pos001/exp_000001_GFP_001.png", plane(99, (17, 20)))
    assert moved.digest == original.digest
    assert make_plan(tmp_path / "exp").digest != original.digest


def test_channels_come_as_the_acquisition_settings_list_them_else_by_name(tmp_path):
    experiment(tmp_path, channels=["cy5", "Brightfield", "ch10", "ch2"], times=1, sections=1)
    assert [c.name for c in make_plan(tmp_path).images[0].channels] == [
        "Brightfield",
        "ch2",
        "ch10",
        "cy5",
    ]
    (tmp_path / "expAcq.txt").write_text(
        "Channels:\n"
        "Channel name, Exposure time, Skip, Z sect., Start time, Camera mode, EM gain, Voltage\n"
        "cy5, 30, 1, 0, 1, 2, 270, 1.0\n"
        "ch2, 30, 1, 0, 1, 2, 270, 1.0\n"
    )
    assert [c.name for c in make_plan(tmp_path).images[0].channels] == [
        "cy5",
        "ch2",
        "Brightfield",
        "ch10",
    ]


def test_a_word_about_one_channel_does_not_change_their_order(tmp_path):
    experiment(tmp_path, channels=["Brightfield", "GFP"])
    (tmp_path / "metadata.yaml").write_text("channels: {GFP: {label: Whi5}}\n")
    assert [c.title for c in make_plan(tmp_path).images[0].channels] == ["Brightfield", "Whi5"]


def test_what_the_settings_announce_and_the_folder_lacks_is_told(demo):
    plan = make_plan(demo)
    assert "288 time points; the images have 3" in problem(plan, "fewer-timepoints").message
    assert "23 of 25 positions" in problem(plan, "positions-without-images").message


def test_a_channel_that_the_user_describes_and_no_image_has_is_a_warning(tmp_path):
    experiment(tmp_path)
    (tmp_path / "metadata.yaml").write_text("channels: {GPF: {label: Whi5}}\n")
    assert problem(make_plan(tmp_path), "channel-without-images").severity == "warning"


def test_a_missing_plane_is_listed_and_counted(tmp_path):
    experiment(tmp_path, times=3)
    (tmp_path / "pos002/exp_000002_GFP_002.png").unlink()
    plan = make_plan(tmp_path)
    assert plan.images[1].missing == (PlaneIndex(1, 1, 1),)
    assert plan.images[1].sizes.t == 3
    assert problem(plan, "missing-planes").where == "pos002"
    assert "incomplete-last-timepoint" not in codes(plan)
    document = plan_document(plan)["images"][1]["planes"]
    assert document == {"expected": 18, "present": 17, "missing": [{"t": 1, "c": 1, "z": 1}]}
    assert any("t1 c1 z1" in value for key, value in plan.provenance if "pos002" in key)


def test_an_incomplete_last_time_point_can_be_left_out_and_only_that(tmp_path):
    experiment(tmp_path, times=3)
    (tmp_path / "pos001/exp_000003_GFP_003.png").unlink()
    (tmp_path / "pos001/exp_000001_GFP_003.png").unlink()
    kept = make_plan(tmp_path)
    assert problem(kept, "incomplete-last-timepoint").where == "pos001"
    dropped = make_plan(tmp_path, missing="drop-timepoint")
    assert dropped.images[0].sizes.t == 2
    assert dropped.images[1].sizes.t == 3
    assert dropped.images[0].missing == (PlaneIndex(0, 1, 2),)
    assert problem(dropped, "dropped-timepoint").severity == "warning"
    assert "pos001/exp_000003_GFP_001.png" in dropped.source.unused


def test_a_section_that_no_time_point_has_does_not_make_the_last_one_incomplete(tmp_path):
    experiment(tmp_path, times=3)
    for t in (1, 2, 3):
        (tmp_path / f"pos001/exp_{t:06d}_GFP_003.png").unlink()

    class WholeStacks(MetadataParser):
        def extract_metadata(self, filename):
            return Metadata(
                channels=(Channel("Brightfield", use_z=True), Channel("GFP", use_z=True))
            )

    plan = make_plan(tmp_path, parser=WholeStacks(), missing="drop-timepoint")
    assert "incomplete-last-timepoint" not in codes(plan)
    assert plan.images[0].sizes.t == 3
    assert len(plan.images[0].missing) == 3


def test_missing_planes_can_be_made_to_refuse_the_job(tmp_path):
    experiment(tmp_path)
    (tmp_path / "pos001/exp_000001_GFP_003.png").unlink()
    assert not make_plan(tmp_path).errors
    assert [p.code for p in make_plan(tmp_path, missing="fail").errors] == ["missing-planes"]


def test_a_channel_without_stack_misses_nothing(tmp_path):
    experiment(tmp_path, channels=["Brightfield", "GFP"])
    for file in tmp_path.glob("*/*_GFP_00[23].png"):
        file.unlink()
    plan = make_plan(tmp_path)
    assert plan.images[0].sizes.z == 3
    assert plan.images[0].missing == ()
    assert problem_severities(plan, "uneven-z") == {"info"}
    assert plan_document(plan)["images"][0]["planes"]["expected"] == 8


def problem_severities(plan, code):
    return {p.severity for p in plan.problems if p.code == code}


def test_a_channel_that_is_skipped_by_design_misses_nothing(tmp_path):
    experiment(tmp_path, positions=["pos001"], times=5, channels=["Brightfield", "GFP"], sections=1)
    for t in (2, 4):
        (tmp_path / f"pos001/exp_{t:06d}_GFP_001.png").unlink()
    assert len(make_plan(tmp_path).images[0].missing) == 2
    (tmp_path / "expAcq.txt").write_text(
        "Channels:\n"
        "Channel name, Exposure time, Skip, Z sect., Start time, Camera mode, EM gain, Voltage\n"
        "Brightfield, 30, 1, 0, 1, 2, 270, 1.0\n"
        "GFP, 30, 2, 0, 1, 2, 270, 1.0\n"
    )
    assert make_plan(tmp_path).images[0].missing == ()


def test_a_position_that_differs_from_the_others_is_named(tmp_path):
    experiment(tmp_path, positions=["pos001", "pos002", "pos003"], times=3)
    for file in (tmp_path / "pos002").glob("exp_000003_*"):
        file.unlink()
    found = problem(make_plan(tmp_path), "images-differ")
    assert found.where == "pos002"
    assert "time points" in found.message


def test_planes_of_other_size_or_type_are_errors_that_name_both_files(tmp_path):
    experiment(tmp_path, positions=["pos001"])
    write_png(tmp_path / "pos001/exp_000001_GFP_001.png", plane(1, (16, 21)))
    found = problem(make_plan(tmp_path), "size-differs")
    assert found.severity == "error"
    assert "exp_000001_GFP_001.png" in found.message
    assert "exp_000001_Brightfield_001.png" in found.message
    write_png(tmp_path / "pos001/exp_000001_GFP_001.png", plane(1, dtype=np.uint8))
    found = problem(make_plan(tmp_path), "dtype-differs")
    assert "uint8" in found.message
    assert "uint16" in found.message


def test_deep_finds_what_one_header_per_channel_does_not_show(tmp_path):
    experiment(tmp_path, positions=["pos001"])
    write_png(tmp_path / "pos001/exp_000002_GFP_003.png", plane(1, (16, 21)))
    (tmp_path / "pos001/exp_000002_GFP_002.png").write_text("no image")
    assert codes(make_plan(tmp_path)) == ["pixel-size-unknown"]
    assert codes(make_plan(tmp_path, deep=True)) == [
        "unreadable-file",
        "size-differs",
        "pixel-size-unknown",
    ]


def test_an_empty_file_is_found_without_opening_any(tmp_path):
    experiment(tmp_path, positions=["pos001"])
    (tmp_path / "pos001/exp_000002_GFP_003.png").write_bytes(b"")
    found = problem(make_plan(tmp_path), "unreadable-file")
    assert found.where == "pos001/exp_000002_GFP_003.png"
    assert found.severity == "error"


def test_rgb_files_are_three_channels_or_one_when_all_are_equal(tmp_path):
    write_png(tmp_path / "pos001/exp_000001_DIC_001.png", plane(1, (16, 20, 3), np.uint8))
    (image,) = make_plan(tmp_path).images
    assert [c.name for c in image.channels] == ["red", "green", "blue"]
    assert [c.color for c in image.channels] == ["#FF0000", "#00FF00", "#0000FF"]
    assert image.planes[PlaneIndex(0, 2, 0)] == PlaneSource("pos001/exp_000001_DIC_001.png", 0, 2)
    grey = np.repeat(plane(1, (16, 20, 1), np.uint8), 3, axis=2)
    write_png(tmp_path / "pos001/exp_000001_DIC_001.png", grey)
    (image,) = make_plan(tmp_path).images
    assert [c.name for c in image.channels] == ["DIC"]
    assert image.planes[PlaneIndex(0, 0, 0)].sample == -1


def test_pages_are_sections_unless_a_profile_says_otherwise(tmp_path):
    (tmp_path / "exp/pos001").mkdir(parents=True)
    for t in (1, 2):
        stack = plane(t, (4, 16, 20))
        tifffile.imwrite(
            tmp_path / f"exp/pos001/exp_{t:06d}_GFP_001.tif", stack, photometric="minisblack"
        )
    (image,) = make_plan(tmp_path / "exp").images
    assert image.sizes == Sizes(2, 1, 4, 16, 20)
    assert image.planes[PlaneIndex(1, 0, 3)] == PlaneSource(
        "pos001/exp_000002_GFP_001.tif", 3, pages=4
    )
    for axis, pattern, sizes in (
        ("c", "{position}/{prefix}_{t:d}_GFP_{z:d}", Sizes(2, 4, 1, 16, 20)),
        ("t", "{position}/{prefix}_{z:d}_{c}_001", Sizes(4, 1, 2, 16, 20)),
    ):
        profile = tmp_path / "profile.yaml"
        profile.write_text(f"name: mine\npatterns: '{pattern}'\npages: {axis}\n")
        assert make_plan(tmp_path / "exp", profile=str(profile)).images[0].sizes == sizes


def test_pages_that_contradict_the_names_are_an_error(tmp_path):
    (tmp_path / "pos001").mkdir()
    for z in (1, 2):
        tifffile.imwrite(
            tmp_path / f"pos001/exp_000001_GFP_{z:03d}.tif",
            plane(z, (4, 16, 20)),
            photometric="minisblack",
        )
    plan = make_plan(tmp_path)
    assert "pages-conflict" in [p.code for p in plan.errors]


def test_a_file_with_fewer_pages_than_the_others_has_missing_planes(tmp_path):
    (tmp_path / "pos001").mkdir()
    for t, pages in ((1, 4), (2, 3), (3, 4)):
        tifffile.imwrite(
            tmp_path / f"pos001/exp_{t:06d}_GFP_001.tif",
            plane(t, (pages, 16, 20)),
            photometric="minisblack",
        )
    plan = make_plan(tmp_path)
    assert plan.images[0].missing == (PlaneIndex(1, 0, 3),)
    assert "pages-differ" in codes(plan)


def test_names_without_channel_have_one_called_as_the_settings_call_it(tmp_path):
    write_png(tmp_path / "a_0001.png", plane(1))
    assert [c.name for c in make_plan(tmp_path, pattern="{position}_{t}").images[0].channels] == [
        "channel"
    ]
    (tmp_path / "metadata.yaml").write_text("channels: {GFP: {exposure: 20}}\n")
    (channel,) = make_plan(tmp_path, pattern="{position}_{t}").images[0].channels
    assert (channel.name, channel.exposure_ms) == ("GFP", 20)


def test_separate_makes_every_file_its_own_image(tmp_path):
    experiment(tmp_path, positions=["pos001"], times=1, sections=2)
    plan = make_plan(tmp_path, layout="separate")
    assert [image.name for image in plan.images] == [
        "exp_000001_Brightfield_001.png",
        "exp_000001_Brightfield_002.png",
        "exp_000001_GFP_001.png",
        "exp_000001_GFP_002.png",
    ]
    assert {image.sizes for image in plan.images} == {Sizes(1, 1, 1, 16, 20)}


def test_a_running_experiment_is_a_warning(tmp_path):
    experiment(tmp_path)
    (tmp_path / "temp_InProgress.txt").touch()
    assert [p.code for p in make_plan(tmp_path).warnings] == ["still-running"]


def test_an_empty_folder_has_no_images(tmp_path):
    plan = make_plan(tmp_path)
    assert [p.code for p in plan.errors] == ["no-images"]
    assert plan.images == ()
    assert plan.errors[0].hint


def test_metadata_can_be_ignored_and_provenance_left_out(tmp_path):
    make_example(tmp_path / "example", positions=1, times=1, sections=2, size=32)
    full = make_plan(tmp_path / "example")
    alone = make_plan(tmp_path / "example", ignore_metadata=True, provenance=False)
    assert full.dataset.name == "Example experiment"
    assert full.dataset.tags
    assert dict(full.provenance)["Plan digest"] == full.digest
    assert alone.dataset.name == "example"
    assert alone.dataset.tags == ()
    assert alone.provenance == ()
    assert [c.name for c in alone.images[0].channels] == ["Brightfield", "GFP", "mCherry"]


def test_the_example_is_planned_with_one_remark_and_no_warning(tmp_path):
    make_example(tmp_path / "example", positions=2, times=2, sections=3, size=32)
    plan = make_plan(tmp_path / "example")
    assert {p.code for p in plan.problems if p.code != "channel-guessed"} == {"uneven-z"}
    assert plan.images[0].physical_size_um == Point(0.263, 0.263, 0.6)
    assert plan.images[0].plane_infos[PlaneIndex(1, 2, 0)].delta_t_s == 309
    assert {"channels", "zsections", "positions", "pumpstart"} <= {
        t.name for t in plan.dataset.tables
    }


def test_a_processor_changes_what_is_made_and_not_what_is_read(tmp_path):
    experiment(tmp_path)
    plan = make_plan(tmp_path, processor="max-z")
    assert plan.images[0].sizes.z == 1
    assert plan.sources[0].sizes.z == 3
    assert plan.digest != make_plan(tmp_path).digest
    assert ("Processor", "max-z") in plan.provenance


def test_a_folder_that_is_none_is_said_so(tmp_path):
    (tmp_path / "file.txt").touch()
    with pytest.raises(UsageError, match=r"file\.txt"):
        make_plan(tmp_path / "file.txt")
    with pytest.raises(UsageError, match="nowhere"):
        make_plan(tmp_path / "nowhere")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such links without a privilege")
def test_links_out_of_the_folder_and_loops_are_reported_and_not_followed(tmp_path):
    experiment(tmp_path / "exp", positions=["pos001"])
    write_png(tmp_path / "elsewhere/exp_000001_Brightfield_001.png", plane(1))
    (tmp_path / "exp/pos002").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "exp/pos003").symlink_to(tmp_path / "exp")
    plan = make_plan(tmp_path / "exp")
    assert [image.name for image in plan.images] == ["pos001"]
    assert {"link-outside", "link-loop"} <= set(codes(plan))


@pytest.mark.parametrize("name", ['po\'s "one"', "línea\nzwei", "位置 1", "-rf", "pos;ls"])
def test_odd_names_of_folders_are_names_like_others(tmp_path: Path, name: str):
    if sys.platform == "win32" and not name.isprintable() | ('"' in name):
        pytest.skip("Windows has no such names")
    experiment(tmp_path, positions=[name])
    plan = make_plan(tmp_path)
    assert [image.name for image in plan.images] == [name]
    assert not plan.errors


def test_a_parser_of_ones_own_can_be_handed_over_as_an_object(tmp_path):
    class Parser(MetadataParser):
        def extract_metadata(self, filename):
            return {"description": f"read from {Path(filename).name}", "tags": ["a,b"]}

    experiment(tmp_path / "exp", positions=["pos001"])
    plan = make_plan(tmp_path / "exp", parser=Parser())
    assert plan.dataset.description == "read from exp"
    assert plan.dataset.tags == ("a", "b")


def test_only_the_files_named_are_planned(tmp_path):
    experiment(tmp_path, positions=["pos001", "pos002"])
    names = [f"pos002/{path.name}" for path in (tmp_path / "pos002").iterdir()]
    plan = make_plan(tmp_path, files=names)
    assert [image.name for image in plan.images] == ["pos002"]
    assert sorted(plan.source.files) == sorted(names)
