"""Jobs that end in any way go on; two at once do not meet. With real processes that are really killed."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorstore

from folders import experiment
from plans import pixels_of
from pyomero_upload.errors import EXIT_INTERRUPTED, PyomeroError
from pyomero_upload.planning import make_plan
from pyomero_upload.transfer import convert, verify

posix = pytest.mark.skipif(os.name == "nt", reason="signals as POSIX has them")

# A job in a process of its own. It says how far it is, and takes its time so that there is something to interrupt.
JOB = """
import sys, time
from pyomero_upload.planning import make_plan
from pyomero_upload.processing import ImageProcessor
from pyomero_upload.transfer import InterruptedJobError, ProblemFound, convert
from pyomero_upload.transfer import planes

read = planes.read_planes
def slowly(path, wanted, **how):
    time.sleep(PAUSE)
    print("plane\\n", end="", flush=True)
    return read(path, wanted, **how)
planes.read_planes = slowly
try:
    report = convert(make_plan(sys.argv[1]), sys.argv[2], format=sys.argv[3])
except InterruptedJobError as stopped:
    print(stopped.message, stopped.hint, [i.status for i in stopped.report.images], flush=True)
    sys.exit(stopped.exit_code)
print("ok", report.ok, flush=True)
"""


def start(folder, out, form="ome-zarr", pause=0.002):
    code = JOB.replace("PAUSE", str(pause))
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(out), form],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def wait_for_planes(job, count):
    for _ in range(count):
        assert job.stdout.readline() == "plane\n"


def read(out, name):
    path = str(out / f"{name}.ome.zarr" / "0")
    return (
        tensorstore.open({"driver": "zarr3", "kvstore": {"driver": "file", "path": path}})
        .result()
        .read()
        .result()
    )


@posix
@pytest.mark.parametrize(
    ("form", "planes"), [("ome-zarr", 9), ("ome-zarr", 40), ("ome-zarr", 71), ("ome-tiff", 45)]
)
def test_a_job_that_was_killed_goes_on_and_ends_as_if_nothing_had_been(tmp_path, form, planes):
    experiment(tmp_path / "in", times=6)
    job = start(tmp_path / "in", tmp_path / "out", form)
    wait_for_planes(job, planes)
    job.send_signal(signal.SIGKILL)
    job.communicate()
    assert not (tmp_path / "out" / "manifest.json").exists()
    plan = make_plan(tmp_path / "in")
    assert convert(plan, tmp_path / "out", format=form).ok
    assert verify(tmp_path / "out").problems == ()
    assert convert(plan, tmp_path / "undisturbed", format=form).ok
    manifests = [
        json.loads((tmp_path / o / "manifest.json").read_text()) for o in ("out", "undisturbed")
    ]
    digests = [[image["digest"] for image in manifest["images"]] for manifest in manifests]
    assert digests[0] == digests[1]


@posix
def test_what_was_complete_before_the_kill_is_not_done_again(tmp_path):
    experiment(tmp_path / "in", times=6)
    job = start(tmp_path / "in", tmp_path / "out")
    wait_for_planes(job, 60)
    job.send_signal(signal.SIGKILL)
    job.communicate()
    journal = (tmp_path / "out" / ".pyomero" / "journal.jsonl").read_bytes()
    noted = journal.count(b'"kind":"block"')
    # An image is noted as complete a moment before it gets its name.
    done = b'"kind":"image"' in journal
    events = []
    report = convert(make_plan(tmp_path / "in"), tmp_path / "out", progress=events.append)
    assert noted >= 5
    assert report.images[0].status == ("unchanged" if done else "done")
    shards = [p for p in (tmp_path / "out").rglob("c/*/0/0/0/0") if p.is_file()]
    assert len(shards) == 12


def test_a_job_goes_on_from_any_byte_of_its_journal(tmp_path):
    experiment(tmp_path / "in", times=3)
    plan = make_plan(tmp_path / "in")
    out = tmp_path / "out"

    class StopError(Exception):
        pass

    def stop_late(event):
        if getattr(event, "image", "") == "pos002" and type(event).__name__ == "ImageDone":
            raise StopError

    with pytest.raises(StopError):
        convert(plan, out, progress=stop_late)
    journal = out / ".pyomero" / "journal.jsonl"
    content = journal.read_bytes()
    for size in sorted(random.Random(5).sample(range(len(content)), 6)):
        # As a power cut leaves it: cut off, and rubbish where data were to come.
        journal.write_bytes(content[:size] + b"\0" * 100)
        for image in ("pos001", "pos002"):
            folder = out / f"{image}.ome.zarr"
            if folder.exists():
                target = out / ".pyomero" / "partial" / folder.name
                target.parent.mkdir(exist_ok=True)
                folder.rename(target)
        (out / "manifest.json").unlink(missing_ok=True)
        assert convert(plan, out).ok
        assert verify(out).problems == ()
        for image in plan.images:
            np.testing.assert_array_equal(read(out, image.name), pixels_of(plan, image))


@posix
@pytest.mark.parametrize("form", ["ome-zarr", "ome-tiff"])
def test_ctrl_c_ends_within_two_seconds_and_says_how_to_go_on(tmp_path, form):
    experiment(tmp_path / "in", times=6)
    job = start(tmp_path / "in", tmp_path / "out", form, pause=0.02)
    wait_for_planes(job, 20)
    pressed = time.monotonic()
    job.send_signal(signal.SIGINT)
    said, errors = job.communicate(timeout=20)
    # Twice what a user waits at most, as the machine may be busy with other tests.
    assert time.monotonic() - pressed < 4
    assert job.returncode == EXIT_INTERRUPTED, errors
    assert "of 2 images are complete" in said
    assert "Run the same command again" in said
    assert "'stopped'" in said
    assert not (tmp_path / "out" / ".pyomero" / "owner.json").exists()
    assert convert(make_plan(tmp_path / "in"), tmp_path / "out", format=form).ok
    assert verify(tmp_path / "out").problems == ()


def test_a_second_job_on_the_same_output_is_refused_with_the_name_of_the_first(tmp_path):
    experiment(tmp_path / "in", times=6)
    job = start(tmp_path / "in", tmp_path / "out", pause=0.05)
    try:
        wait_for_planes(job, 1)
        with pytest.raises(
            PyomeroError, match=f"process {job.pid} on .*, which started at 20"
        ) as error:
            convert(make_plan(tmp_path / "in"), tmp_path / "out")
        assert error.value.problems[0].code == "output-in-use"
        assert error.value.hint
    finally:
        job.kill()
        job.communicate()
    # The lock ends with the process.
    assert convert(make_plan(tmp_path / "in"), tmp_path / "out").ok


def test_a_file_that_changed_between_two_runs_is_noticed_and_read_again(tmp_path):
    experiment(tmp_path / "in", positions=["pos001"], times=3)
    plan = make_plan(tmp_path / "in")
    bad = Path(plan.source.folder, "pos001", "exp_000003_GFP_003.png")
    good = bad.read_bytes()
    bad.write_bytes(good[:-20])
    assert not convert(make_plan(tmp_path / "in"), tmp_path / "out", workers=1).ok
    bad.write_bytes(good)
    other = Path(plan.source.folder, "pos001", "exp_000001_GFP_003.png")
    other.write_bytes(good)
    plan = make_plan(tmp_path / "in")
    report = convert(plan, tmp_path / "out")
    assert report.ok
    assert [(p.severity, p.code) for p in report.images[0].problems] == [
        ("warning", "input-changed")
    ]
    np.testing.assert_array_equal(read(tmp_path / "out", "pos001"), pixels_of(plan, plan.images[0]))
    assert verify(tmp_path / "out").problems == ()
