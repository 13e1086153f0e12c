"""Places where an output must not go."""

import os

import pytest

from plans import planned
from pyomero_upload.errors import EXIT_USAGE, PyomeroError, UsageError
from pyomero_upload.transfer import convert


@pytest.fixture
def plan(tmp_path):
    return planned(tmp_path / "in", positions=["pos001"], times=1)


@pytest.mark.parametrize("name", ["", "out", "pos001/out"])
def test_an_output_inside_the_input_is_refused(tmp_path, plan, name):
    before = sorted((tmp_path / "in").rglob("*"))
    with pytest.raises(UsageError, match="lies inside the input folder") as error:
        convert(plan, tmp_path / "in" / name)
    assert error.value.problems[0].code == "output-inside-input"
    assert error.value.exit_code == EXIT_USAGE
    assert sorted((tmp_path / "in").rglob("*")) == before


def test_an_output_inside_the_input_is_seen_through_links(tmp_path, plan):
    (tmp_path / "link").symlink_to(tmp_path / "in", target_is_directory=True)
    with pytest.raises(UsageError, match="lies inside"):
        convert(plan, tmp_path / "link" / "out")


def test_a_folder_that_holds_something_else_is_refused_untouched(tmp_path, plan):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.docx").write_bytes(b"precious")
    with pytest.raises(UsageError, match=r"holds something else \(thesis.docx\)") as error:
        convert(plan, tmp_path / "out")
    assert error.value.problems[0].code == "output-holds-other"
    assert error.value.hint
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["thesis.docx"]


def test_a_file_is_no_output_folder(tmp_path, plan):
    (tmp_path / "out").write_bytes(b"precious")
    with pytest.raises(UsageError, match="is a file"):
        convert(plan, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"precious"


def test_an_empty_folder_and_folders_that_do_not_exist_yet_are_fine(tmp_path, plan):
    (tmp_path / "empty").mkdir()
    assert convert(plan, tmp_path / "empty").ok
    assert convert(plan, tmp_path / "a" / "b" / "c").ok


def test_something_in_the_way_of_an_image_is_not_replaced(tmp_path, plan):
    (tmp_path / "out" / ".pyomero").mkdir(parents=True)
    (tmp_path / "out" / "pos001.ome.zarr").mkdir()
    (tmp_path / "out" / "pos001.ome.zarr" / "mine").write_bytes(b"precious")
    report = convert(plan, tmp_path / "out")
    assert report.failed[0].problems[0].code == "output-holds-other"
    assert (tmp_path / "out" / "pos001.ome.zarr" / "mine").read_bytes() == b"precious"


def test_a_damaged_manifest_is_not_built_upon(tmp_path, plan):
    convert(plan, tmp_path / "out")
    manifest = tmp_path / "out" / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:-10])
    with pytest.raises(PyomeroError, match="is damaged"):
        convert(plan, tmp_path / "out")


@pytest.mark.skipif(
    os.name == "nt" or os.geteuid() == 0, reason="needs a user whom permissions hold back"
)
def test_a_folder_without_permission_is_refused(tmp_path, plan):
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(UsageError, match="cannot be written to"):
        convert(plan, tmp_path / "out")
