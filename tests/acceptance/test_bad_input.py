"""Bad input, in one table: each with its code, its message with path and hint, its exit status; nothing else is touched."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import pyomero_upload as pu
from folders import experiment, plane, write_png
from pyomero_upload.cli import app

GFP = "pos001/exp_000002_GFP_003.png"
IS_ROOT = sys.platform != "win32" and os.geteuid() == 0
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such thing")


def pyomero(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def snapshot(folder: Path) -> dict[str, bytes | str]:
    """Return all that is in a folder: names, contents, and where links lead."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            found[name] = "folder" if path.is_dir() else path.read_bytes()
    return found


# ------------------------------------------------------------- folders that plan: each with a problem that says so
def remove_all(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def cut_in_half(folder: Path) -> None:
    path = folder / "pos001/exp_000001_GFP_001.png"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def twice(folder: Path) -> None:
    write_png(folder / "pos001/copy_000002_GFP_003.tif", plane(1))


def link_out(folder: Path) -> None:
    outside = write_png(folder.parent / "elsewhere.png", plane(1))
    (folder / "pos001/exp_000003_GFP_001.png").symlink_to(outside)


def link_loop(folder: Path) -> None:
    (folder / "pos001/again").symlink_to(folder, target_is_directory=True)


class Case(NamedTuple):
    """What is wrong with a folder, and what the program says about it."""

    make: Callable[[Path], object]
    code: str
    severity: str
    names: str
    deep: bool = False


FOLDERS = {
    "an empty folder": Case(remove_all, "no-images", "error", "."),
    "a 0-byte file": Case(lambda f: (f / GFP).write_bytes(b""), "unreadable-file", "error", GFP),
    "a text named .png": Case(
        lambda f: (f / "pos001/exp_000001_GFP_001.png").write_text("no image at all\n"),
        "unreadable-file",
        "error",
        "pos001/exp_000001_GFP_001.png",
    ),
    "a plane of other size": Case(
        lambda f: write_png(f / GFP, plane(1, (16, 21))), "size-differs", "error", GFP, deep=True
    ),
    "a plane of other dtype": Case(
        lambda f: write_png(f / GFP, plane(1, dtype=np.uint8)),
        "dtype-differs",
        "error",
        GFP,
        deep=True,
    ),
    "two files for one plane": Case(twice, "duplicate-plane", "error", "copy_000002_GFP_003.tif"),
    "a name that fits no pattern": Case(
        lambda f: write_png(f / "pos001/snapshot.png", plane(1)),
        "unmatched-file",
        "warning",
        "pos001/snapshot.png",
    ),
    "an absurd index": Case(
        lambda f: write_png(f / "pos001/exp_1000000000_GFP_001.png", plane(1)),
        "absurd-index",
        "error",
        "exp_1000000000_GFP_001.png",
    ),
}
LINKS = {
    "a link out of the folder": Case(link_out, "link-outside", "warning", "exp_000003_GFP_001.png"),
    "a link that is a loop": Case(link_loop, "link-loop", "warning", "pos001/again"),
}


@pytest.mark.parametrize(
    "case",
    [
        *(pytest.param(case, id=name) for name, case in FOLDERS.items()),
        *(pytest.param(case, id=name, marks=posix_only) for name, case in LINKS.items()),
    ],
)
def test_a_bad_folder_is_told_with_code_path_and_hint_and_left_alone(tmp_path, case):
    folder = experiment(tmp_path / "exp")
    case.make(folder)
    before = snapshot(tmp_path)
    deep = ["--deep"] if case.deep else []

    done = pyomero("plan", folder, "--json", *deep)

    problems = [p for p in json.loads(done.stdout)["problems"] if p["code"] == case.code]
    assert len(problems) == 1, done.stdout
    (problem,) = problems
    assert problem["severity"] == case.severity
    assert case.names in problem["where"] + problem["message"]
    assert problem["hint"]
    assert done.exit_code == (1 if case.severity == "error" else 0)
    for_people = pyomero("plan", folder, *deep)
    assert case.code in for_people.stdout
    assert "Traceback" not in for_people.output
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=name) for name, case in FOLDERS.items() if case.severity == "error"],
)
def test_an_error_refuses_the_job_and_the_earlier_output_stays_as_it_is(tmp_path, case):
    folder = experiment(tmp_path / "exp")
    out = tmp_path / "out"
    assert pyomero("convert", folder, out).exit_code == 0
    case.make(folder)
    before = snapshot(tmp_path)

    done = pyomero("convert", folder, out, *(["--deep"] if case.deep else []))

    assert done.exit_code in {1, 2}, done.output
    assert done.stderr.startswith("error: ") or "Error: " in done.stderr
    assert "Traceback" not in done.output
    assert snapshot(tmp_path) == before
    assert pyomero("verify", out).exit_code == 0


@pytest.mark.parametrize("case", [FOLDERS["a name that fits no pattern"]])
def test_a_warning_does_not_refuse_but_strict_does(tmp_path, case):
    folder = experiment(tmp_path / "exp")
    case.make(folder)
    refused = pyomero("convert", folder, tmp_path / "out", "--strict")
    assert refused.exit_code == 3
    assert case.code in refused.stderr
    assert not (tmp_path / "out").exists()
    done = pyomero("convert", folder, tmp_path / "out")
    assert done.exit_code == 0
    assert case.names in done.stderr


# ------------------------------------------------------------- files that only reading shows to be bad
def other_size(path: Path) -> None:
    write_png(path, plane(1, (16, 21)))


def other_dtype(path: Path) -> None:
    write_png(path, plane(1, dtype=np.uint8))


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def wrong_crc(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 12] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("spoil", [half, wrong_crc, other_size, other_dtype])
@pytest.mark.parametrize("output_format", ["ome-zarr", "ome-tiff"])
def test_a_bad_plane_stops_its_image_and_no_other(tmp_path, spoil, output_format):
    folder = experiment(tmp_path / "exp")
    spoil(folder / GFP)
    before = snapshot(folder)

    done = pyomero("convert", folder, tmp_path / "out", "--format", output_format)

    assert done.exit_code == 1, done.output
    assert GFP in done.stderr.replace("\\", "/")
    assert "1 of 2 images" in done.stdout
    assert "1 image could not be made: pos001" in done.stderr
    assert "run the same command again" in done.stderr
    suffix = {"ome-zarr": ".ome.zarr", "ome-tiff": ".ome.tif"}[output_format]
    assert not (tmp_path / "out" / f"pos001{suffix}").exists()
    assert (tmp_path / "out" / f"pos002{suffix}").exists()
    assert snapshot(folder) == before


def test_a_file_that_vanishes_after_the_plan_stops_its_image_and_no_other(tmp_path):
    folder = experiment(tmp_path / "exp")
    plan = pu.plan(folder)
    (folder / GFP).unlink()
    report = pu.convert(plan, tmp_path / "out")
    assert [image.status for image in report.images] == ["failed", "done"]
    (problem,) = report.images[0].problems
    assert "exp_000002_GFP_003.png" in problem.where + problem.message
    assert problem.hint


# ------------------------------------------------------------- places that cannot be used
PLACES = {
    "no such folder": (["plan", "{tmp}/nowhere"], "nowhere", "typing"),
    "no such folder to convert": (["convert", "{tmp}/nowhere", "{tmp}/out"], "nowhere", "typing"),
    "a file instead of a folder": (["plan", "{tmp}/file.txt"], "file.txt", "folder"),
    "an output folder inside the input": (
        ["convert", "{tmp}/exp", "{tmp}/exp/pos001/out"],
        "exp/pos001/out",
        "outside",
    ),
    "the input as output": (["convert", "{tmp}/exp", "{tmp}/exp"], "exp", "outside"),
    "an output that holds something else": (
        ["convert", "{tmp}/exp", "{tmp}/thesis"],
        "chapter1.txt",
        "empty",
    ),
    "a file as output": (["convert", "{tmp}/exp", "{tmp}/file.txt"], "file.txt", "empty"),
}


@pytest.mark.parametrize(("words", "said", "hint"), PLACES.values(), ids=PLACES.keys())
def test_a_place_that_cannot_be_used_is_wrong_usage_with_path_and_hint(tmp_path, words, said, hint):
    experiment(tmp_path / "exp")
    (tmp_path / "file.txt").write_text("mine")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter1.txt").write_text("years of work")
    before = snapshot(tmp_path)

    done = pyomero(*(word.format(tmp=tmp_path) for word in words))

    assert done.exit_code == 2, done.output
    assert said in done.stderr.replace("\\", "/")
    assert hint in done.stderr
    assert done.stdout == ""
    assert snapshot(tmp_path) == before


@pytest.mark.skipif(sys.platform == "win32" or IS_ROOT, reason="root may read everything")
@pytest.mark.parametrize("closed", ["exp", "out"])
def test_no_permission_is_wrong_usage_with_the_path(tmp_path, closed):
    folder = experiment(tmp_path / "exp")
    (tmp_path / "out").mkdir()
    (tmp_path / closed).chmod(0o000 if closed == "exp" else 0o500)
    try:
        done = pyomero("convert", folder, tmp_path / "out")
    finally:
        (tmp_path / closed).chmod(0o755)
    assert done.exit_code == 2
    assert str(tmp_path / closed) in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32" or IS_ROOT, reason="root may read everything")
def test_a_position_without_permission_is_an_error_and_not_an_absent_image(tmp_path):
    folder = experiment(tmp_path / "exp")
    (folder / "pos002").chmod(0)
    try:
        done = pyomero("plan", folder, "--json")
    finally:
        (folder / "pos002").chmod(0o755)
    assert done.exit_code == 1
    codes = {p["code"]: p for p in json.loads(done.stdout)["problems"]}
    assert codes["unreadable-folder"]["where"] == "pos002"


# ------------------------------------------------------------- names
NAMES = [
    "pos 1 of my plate",
    'it\'s "quoted" [red]',
    "$(touch bad) `x` %s {0}",
    "Zellen_äöü_µm_細胞_🔬",
    "-rf",
]


@posix_only
@pytest.mark.parametrize("name", [*NAMES, "two\nlines", "tab\there", "back\\slash"])
@pytest.mark.parametrize("output_format", ["ome-zarr", "ome-tiff"])
def test_any_name_of_a_position_goes_the_whole_way(tmp_path, name, output_format):
    folder = experiment(
        tmp_path / f"my {name}", positions=[name], times=1, channels=["GFP"], sections=2
    )
    document = json.loads(pyomero("plan", folder, "--json").stdout)
    assert [image["name"] for image in document["images"]] == [name]
    assert "\n  x" not in pyomero("plan", folder).stdout
    made = pyomero("convert", folder, tmp_path / "out", "--format", output_format)
    assert made.exit_code == 0, made.output
    checked = pyomero("verify", tmp_path / "out")
    assert checked.exit_code == 0, checked.output
    assert {p.name for p in tmp_path.iterdir()} == {f"my {name}", "out"}


@posix_only
def test_a_name_that_is_no_text_is_left_out_and_said_so(tmp_path):
    folder = experiment(tmp_path / "exp")
    Path(os.fsdecode(os.fsencode(folder) + b"/pos001/exp_000003_GFP_\xff01.png")).write_bytes(b"x")
    done = pyomero("plan", folder, "--json")
    codes = [p["code"] for p in json.loads(done.stdout)["problems"]]
    assert "name-not-unicode" in codes
