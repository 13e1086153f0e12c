"""Runs: going on after any end, what is told on the way, and how folders are named."""

import json
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import pyomero_upload as pu
from folders import experiment, plane, write_png
from outside import FORMATS, converted, files_of, pixels, planned, pyomero, start
from pyomero_upload.example import make_example


# ------------------------------------------------------------------------------------------ going on
def test_a_finished_job_does_nothing_and_says_so(tmp_path):
    folder = experiment(tmp_path / "exp")
    converted(folder, tmp_path / "out")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.json")}
    again = pyomero("convert", folder, tmp_path / "out")
    assert again.exit_code == 0
    assert "Nothing to do" in again.stdout
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.json")} == before


@pytest.mark.parametrize("output_format", FORMATS)
def test_input_that_changed_since_is_noticed(tmp_path, output_format):
    folder = experiment(tmp_path / "exp")
    converted(folder, tmp_path / "out", "--format", output_format)
    file = folder / "pos001/exp_000001_GFP_001.png"
    write_png(file, plane(99))
    done = pyomero("convert", folder, tmp_path / "out", "--format", output_format)
    assert done.exit_code in {1, 2}
    assert "pos001" in done.stderr
    assert "changed" in done.stderr
    assert pyomero("verify", tmp_path / "out").exit_code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no kill -9 there")
@pytest.mark.parametrize("output_format", FORMATS)
def test_killed_at_any_moment_it_goes_on_and_ends_as_if_nothing_had_been(tmp_path, output_format):
    folder = make_example(tmp_path / "exp", positions=2, times=10, sections=4, size=300)
    how = ["--format", output_format, "--no-provenance", "--compression", "zstd"]
    converted(folder, tmp_path / "whole", *how)
    out = tmp_path / "out"
    chance = random.Random(output_format)
    for _ in range(3):
        process = start("convert", folder, out, *how, "--progress", "json")
        for line in process.stderr:
            if '"progress"' in line or '"image_done"' in line or '"finished"' in line:
                break
        time.sleep(chance.random() * 0.2)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        for image in out.glob(f"*{FORMATS[output_format]}"):  # a final name means complete
            name = image.name.partition(".")[0]
            assert (pixels(out, name) == pixels(tmp_path / "whole", name)).all()
    converted(folder, out, *how)
    assert pyomero("verify", out).exit_code == 0
    clocks = {"ro-crate-metadata.json", "manifest.json", "manifest.json.sha256"}
    ours, theirs = (
        {k: v for k, v in files_of(o).items() if k not in clocks} for o in (out, tmp_path / "whole")
    )
    assert ours == theirs


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
def test_a_second_run_on_the_same_output_is_refused_with_the_name_of_the_first(tmp_path):
    folder = make_example(tmp_path / "exp", positions=1, times=4, sections=2, size=64)
    first = start("convert", folder, tmp_path / "out", "--progress", "json")
    first.stderr.readline()
    first.send_signal(signal.SIGSTOP)
    try:
        second = pyomero("convert", folder, tmp_path / "out")
    finally:
        first.send_signal(signal.SIGCONT)
    assert first.wait(timeout=60) == 0
    assert second.exit_code == 1
    assert str(first.pid) in second.stderr
    assert pyomero("verify", tmp_path / "out").exit_code == 0


def test_input_that_changes_after_the_plan_stops_its_image(tmp_path):
    folder = experiment(tmp_path / "exp")
    plan = pu.plan(folder)
    write_png(folder / "pos001/exp_000001_GFP_001.png", plane(99, (16, 20), np.uint8))
    report = pu.convert(plan, tmp_path / "out")
    assert [image.status for image in report.images] == ["failed", "done"]
    assert report.images[0].problems[0].where.endswith("exp_000001_GFP_001.png")


@pytest.mark.parametrize("output_format", FORMATS)
def test_input_that_changes_between_two_runs_of_a_job_is_read_anew(tmp_path, output_format):
    folder = experiment(tmp_path / "exp", positions=["pos1"], times=3)
    last = folder / "pos1/exp_000003_GFP_003.png"
    whole = last.read_bytes()
    last.write_bytes(whole[:-20])
    assert pyomero("convert", folder, tmp_path / "out", "--format", output_format).exit_code == 1
    last.write_bytes(whole)
    write_png(folder / "pos1/exp_000001_GFP_001.png", plane(99))  # of a time point that is written
    done = pyomero("convert", folder, tmp_path / "out", "--format", output_format)
    assert done.exit_code == 0, done.output
    assert (pixels(tmp_path / "out", "pos1")[0, 1, 0] == plane(99)).all()
    assert pyomero("verify", tmp_path / "out").exit_code == 0


@pytest.mark.parametrize(
    "other",
    [
        ["--levels", "1"],
        ["--format", "ome-tiff"],
        ["--compression", "zstd"],
        ["--name", "other"],
        ["--processor", "max-z"],
        ["--missing", "drop-timepoint"],
        ["--layout", "separate"],
    ],
)
def test_other_options_on_the_same_output_are_refused_and_leave_it(tmp_path, other):
    folder = experiment(tmp_path / "exp")
    (folder / "pos001/exp_000002_GFP_003.png").unlink()
    converted(folder, tmp_path / "out")
    before = files_of(tmp_path / "out")
    done = pyomero("convert", folder, tmp_path / "out", *other)
    assert done.exit_code == 2, done.output
    assert "Choose another output folder" in done.stderr or "new folder" in done.stderr
    assert files_of(tmp_path / "out") == before
    assert pyomero("verify", tmp_path / "out").exit_code == 0


def test_another_folder_on_the_same_output_is_refused(tmp_path):
    converted(experiment(tmp_path / "exp"), tmp_path / "out")
    done = pyomero("convert", experiment(tmp_path / "exp2"), tmp_path / "out")
    assert done.exit_code == 2
    assert str(tmp_path / "exp") in done.stderr
    assert pyomero("verify", tmp_path / "out").exit_code == 0


# ------------------------------------------------------------------------------------------ the terminal
def test_json_progress_is_one_object_a_line_with_the_promised_events(tmp_path):
    folder = experiment(tmp_path / "exp")
    done = pyomero("convert", folder, tmp_path / "out", "--progress", "json", "-q")
    assert done.exit_code == 0
    events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert set(events) <= {
        "started", "image_started", "progress", "problem", "image_done", "finished",
    }  # fmt: skip
    assert events.count("image_started") == events.count("image_done") == 2
    (folder / "pos001/exp_000001_GFP_002.png").write_bytes(b"broken")
    done = pyomero("convert", folder, tmp_path / "out2", "--progress", "json", "-q")
    problems = [
        json.loads(x) for x in done.stderr.splitlines() if x.startswith('{"event": "problem"')
    ]
    assert problems
    assert "exp_000001_GFP_002.png" in problems[0]["where"] + problems[0]["message"]


@pytest.mark.parametrize(
    ("spoil", "words", "code"),
    [
        (b"", [], "unreadable-file"),
        (b"broken", [], "unreadable-file"),
        (b"broken", ["--on-bad-plane", "blank"], "plane-left-blank"),
        (None, [], "missing-planes"),
        (None, ["--strict"], "refused"),
        (b"", ["--pattern", "{nonsense}"], "wrong-usage"),
    ],
)
def test_with_json_progress_standard_error_holds_json_alone_however_it_ends(
    tmp_path, spoil, words, code
):
    folder = experiment(tmp_path / "exp")
    file = folder / "pos001/exp_000002_GFP_003.png"
    file.unlink() if spoil is None else file.write_bytes(spoil)
    done = pyomero("convert", folder, tmp_path / "out", "--progress", "json", *words)
    events = [json.loads(line) for line in done.stderr.splitlines()]
    problems = [event for event in events if event["event"] == "problem"]
    assert code in {problem["code"] for problem in problems}
    assert {"image", "severity", "code", "where", "message", "hint"} <= set(problems[0])
    checked = pyomero("verify", tmp_path / "out", "--progress", "json")
    assert all(json.loads(line)["event"] for line in checked.stderr.splitlines())


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end otherwise there")
@pytest.mark.parametrize("words", [["plan", "{exp}"], ["plan", "{exp}", "--json"], ["--help"]])
def test_a_reader_that_goes_away_causes_no_traceback(tmp_path, words):
    experiment(tmp_path / "exp", positions=[f"pos{n}" for n in range(100)], times=1, sections=1)
    process = start(*(word.format(exp=tmp_path / "exp") for word in words))
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait(timeout=60)


@pytest.mark.parametrize("command", ["convert", "plan", "verify", "example", "demo"])
def test_help_names_every_option_with_what_it_does(command):
    done = pyomero(command, "--help")
    assert done.exit_code == 0
    options = [line for line in done.stdout.splitlines() if line.startswith("  --")]
    assert options
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.skipif(sys.platform == "win32", reason="paths of one system")
def test_folders_may_be_given_in_any_way(tmp_path, monkeypatch):
    experiment(tmp_path / "exp")
    monkeypatch.chdir(tmp_path / "exp")
    for number, (source, out) in enumerate(
        [
            (".", "../a"),
            ("./", "../b/"),
            ("../exp", f"{tmp_path}//c"),
            (tmp_path / "exp/", "../d/e"),
        ]
    ):
        done = pyomero("convert", source, out)
        assert done.exit_code == 0, (number, done.output)
        assert planned(source)["dataset"]["name"] == "exp"
        checked = pyomero("verify", out)
        assert checked.exit_code == 0, (number, checked.output)
        again = pyomero("convert", tmp_path / "exp", Path(out).resolve())
        assert "Nothing to do" in again.stdout, (number, again.output)
