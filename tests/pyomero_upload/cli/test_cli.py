"""The program as its user meets it: what it prints where, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import jsonschema
import numpy as np
import omero.clients
import pytest
import tifffile
from omero.gateway import BlitzGateway
from PIL import Image
from typer.testing import CliRunner, Result

from folders import experiment, plane, write_png
from omero_embedded import Server
from pyomero_upload.cli import app
from pyomero_upload.example import make_example
from pyomero_upload.planning.document import plan_schema


def pyomero(*words: object) -> Result:
    """Run the program in this process."""
    return CliRunner().invoke(app, [str(word) for word in words])


def start(*words: object, **kwargs: object) -> "subprocess.Popen[str]":
    """Start the program as a process of its own."""
    command = [
        sys.executable,
        "-c",
        "from pyomero_upload.cli import main; main()",
        *map(str, words),
    ]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs
    )


def run(*words: object) -> tuple[int, str, str]:
    process = start(*words)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return experiment(tmp_path / "exp")


# ---------------------------------------------------------------- plan
def test_plan_prints_a_row_an_image_and_totals(folder):
    done = pyomero("plan", folder)
    assert done.exit_code == 0
    assert "pos001" in done.stdout
    assert "pos002" in done.stdout
    assert "2 images, 24 planes, 24 files" in done.stdout


def test_plan_json_prints_one_document_and_nothing_else_on_standard_output(folder):
    code, out, _ = run("plan", folder, "--json")
    assert code == 0
    document = json.loads(out)
    jsonschema.validate(document, plan_schema())
    assert [image["name"] for image in document["images"]] == ["pos001", "pos002"]


def test_plan_groups_what_occurs_often(tmp_path):
    experiment(
        tmp_path, positions=[f"pos{n:03d}" for n in range(1, 9)], channels=["GFP"], sections=2
    )
    for file in tmp_path.glob("*/exp_000001_GFP_002.png"):
        file.unlink()
    done = pyomero("plan", tmp_path)
    assert "missing-planes ×8" in done.stdout
    assert done.stdout.count("planes are missing") == 1
    assert "pos001, pos002, pos003 and 5 more: 1 of 4 planes are missing" in done.stdout
    assert pyomero("plan", tmp_path, "--verbose").stdout.count("planes are missing") == 8


def test_plan_tells_three_problems_of_a_sort_and_how_many_more_there_are(folder):
    for number in range(8):
        write_png(folder / f"pos001/snapshot-{number}.png", plane(number))
    done = pyomero("plan", folder)
    assert "unmatched-file ×8" in done.stdout
    assert done.stdout.count("snapshot-") == 3  # each path once
    assert "… and 5 more" in done.stdout
    assert pyomero("plan", folder, "--verbose").stdout.count("snapshot-") == 8


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_that_lacks_letters_gets_everything_else(folder, encoding):
    (folder / "metadata.yaml").write_text("description: größer 細胞\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    process = start("plan", folder, env=environment, encoding=encoding)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "2 images, 24 planes" in out


def test_plan_of_many_images_prints_some_of_them(tmp_path):
    experiment(
        tmp_path,
        positions=[f"pos{n:03d}" for n in range(1, 51)],
        times=1,
        channels=["GFP"],
        sections=1,
    )
    done = pyomero("plan", tmp_path)
    assert "… and 10 more" in done.stdout
    assert "pos050" in pyomero("plan", tmp_path, "--verbose").stdout


def test_plan_with_errors_ends_with_1_and_under_strict_warnings_with_3(folder):
    assert pyomero("plan", folder, "--strict").exit_code == 0
    (folder / "pos001/exp_000001_GFP_002.png").unlink()
    assert pyomero("plan", folder).exit_code == 0
    assert pyomero("plan", folder, "--strict").exit_code == 3
    assert pyomero("plan", folder, "--missing", "fail").exit_code == 1


def test_names_that_garble_a_terminal_are_escaped(tmp_path):
    if sys.platform == "win32":
        pytest.skip("Windows has no such names")
    experiment(tmp_path, positions=["pos\x1b[31m1"])
    done = pyomero("plan", tmp_path)
    assert "\x1b[31m" not in done.stdout
    assert r"pos\x1b[31m1" in done.stdout


# ---------------------------------------------------------------- convert and verify
@pytest.mark.parametrize("output_format", ["ome-zarr", "ome-tiff"])
def test_convert_then_verify(folder, tmp_path, output_format):
    made = pyomero("convert", folder, tmp_path / "out", "--format", output_format)
    assert made.exit_code == 0, made.output
    assert "2 of 2 images, 24 planes" in made.stdout
    checked = pyomero("verify", tmp_path / "out")
    assert checked.exit_code == 0, checked.output
    assert "2 images, 24 planes" in checked.stdout


def test_a_second_run_says_that_there_is_nothing_to_do(folder, tmp_path):
    pyomero("convert", folder, tmp_path / "out")
    again = pyomero("convert", folder, tmp_path / "out")
    assert again.exit_code == 0
    assert "Nothing to do" in again.stdout


def test_progress_as_json_lines_on_standard_error(folder, tmp_path):
    code, out, err = run("convert", folder, tmp_path / "out", "--progress", "json", "-q")
    assert code == 0
    assert "2 of 2 images" in out
    events = [json.loads(line) for line in err.splitlines()]
    names = [event["event"] for event in events]
    assert names[0] == "started"
    assert names[-1] == "finished"
    assert names.count("image_done") == 2
    assert "image_started" in names
    assert events[0]["planes"] == 24
    assert events[-1]["planes"] == 24


def test_plain_lines_where_there_is_no_terminal(folder, tmp_path):
    _, _, err = run("convert", folder, tmp_path / "out")
    assert "2 images, 24 planes" in err
    assert "pos001: 12 planes in" in err
    assert "\x1b" not in err


def test_quiet_prints_the_result_alone(folder, tmp_path):
    _, out, err = run("convert", folder, tmp_path / "out", "--quiet")
    assert out.count("\n") == 1
    assert err == ""


@pytest.mark.parametrize("how", [["--quiet"], ["--progress", "none"]])
def test_without_progress_a_problem_is_told_once_at_the_end(folder, tmp_path, how):
    (folder / "pos001/exp_000002_GFP_003.png").write_bytes(b"broken" * 100)
    done = pyomero("convert", folder, tmp_path / "out", *how)
    assert done.exit_code == 1
    assert done.stderr.count("exp_000002_GFP_003.png") == 1


def test_hundreds_of_bad_planes_do_not_fill_the_screen(tmp_path):
    folder = experiment(tmp_path / "exp", times=40)
    for file in (folder / "pos002").glob("*_00002?_*.png"):
        file.write_bytes(b"broken")
    how = ["--on-bad-plane", "blank", "--progress", "plain"]
    done = pyomero("convert", folder, tmp_path / "out", *how)
    assert done.exit_code == 0
    assert "plane-left-blank ×60" in done.stderr
    assert len(done.stderr.splitlines()) < 30
    verbose = pyomero("convert", folder, tmp_path / "out2", *how, "--verbose")
    assert all(f"exp_0000{t}_GFP_001.png" in verbose.stderr for t in range(20, 30))


def test_a_bar_where_it_is_asked_for(folder, tmp_path):
    done = pyomero("convert", folder, tmp_path / "out", "--progress", "bar")
    assert done.exit_code == 0


def test_a_bad_file_stops_its_image_and_names_what_to_do(folder, tmp_path):
    bad = folder / "pos001/exp_000002_GFP_003.png"
    bad.write_bytes(bad.read_bytes()[:-30])
    made = pyomero("convert", folder, tmp_path / "out")
    assert made.exit_code == 1
    assert "exp_000002_GFP_003.png" in made.stderr
    assert "1 image could not be made: pos001" in made.stderr
    assert "1 of 2 images" in made.stdout
    write_png(bad, plane(11))
    mended = pyomero("convert", folder, tmp_path / "out")
    assert mended.exit_code == 0, mended.output
    assert pyomero("verify", tmp_path / "out").exit_code == 0


def test_bad_planes_can_be_written_as_zeros_even_those_that_the_plan_finds(folder, tmp_path):
    (folder / "pos001/exp_000002_GFP_003.png").write_bytes(b"")
    (folder / "pos002/exp_000002_GFP_003.png").write_text("no image")
    assert pyomero("convert", folder, tmp_path / "out").exit_code == 1
    made = pyomero("convert", folder, tmp_path / "out", "--on-bad-plane", "blank")
    assert made.exit_code == 0, made.output
    assert "exp_000002_GFP_003.png" in made.stderr
    checked = pyomero("verify", tmp_path / "out")
    assert checked.exit_code == 0
    assert "plane-left-blank" in checked.stderr
    assert "all as they were read" not in checked.stdout
    assert (
        "plane-left-blank"
        in pyomero("convert", folder, tmp_path / "out", "--on-bad-plane", "blank").stderr
    )


def test_a_file_with_a_page_that_nobody_planned_is_refused(tmp_path):
    for t, pages in ((1, 1), (2, 2)):
        path = tmp_path / f"exp/pos001/exp_{t:06d}_GFP_001.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, plane(t, (pages, 16, 20)), photometric="minisblack")
    made = pyomero("convert", tmp_path / "exp", tmp_path / "out")
    assert made.exit_code == 1
    assert "exp_000002_GFP_001.tif" in made.stderr
    assert "pages" in made.stderr


def test_strict_refuses_before_anything_is_written(folder, tmp_path):
    (folder / "pos001/exp_000001_GFP_002.png").unlink()
    refused = pyomero("convert", folder, tmp_path / "out", "--strict")
    assert refused.exit_code == 3
    assert "missing-planes" in refused.stderr
    assert not (tmp_path / "out").exists()


def test_verify_names_a_flipped_byte(folder, tmp_path):
    pyomero("convert", folder, tmp_path / "out", "--compression", "none")
    shard = next(
        p
        for p in sorted((tmp_path / "out/pos001.ome.zarr").rglob("*"))
        if p.is_file() and "c" in p.parts
    )
    content = bytearray(shard.read_bytes())
    content[0] ^= 1
    shard.write_bytes(content)
    checked = pyomero("verify", tmp_path / "out")
    assert checked.exit_code == 1
    assert "pos001" in checked.stderr
    assert "t=0" in checked.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another thing there")
def test_ctrl_c_ends_with_130_says_what_is_done_and_the_next_run_goes_on(tmp_path):
    make_example(tmp_path / "exp", positions=2, times=12, sections=5, size=512)
    process = start("convert", tmp_path / "exp", tmp_path / "out", "--progress", "json")
    assert process.stderr is not None
    for line in process.stderr:
        if '"progress"' in line:
            break
    process.send_signal(signal.SIGINT)
    stopped = time.monotonic()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert time.monotonic() - stopped < 2 + 1  # a loaded machine needs a moment to look
    assert "Run the same command again" in err
    assert pyomero("convert", tmp_path / "exp", tmp_path / "out").exit_code == 0
    assert pyomero("verify", tmp_path / "out").exit_code == 0


# ---------------------------------------------------------------- wrong usage and bad places
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plan", "{tmp}/nowhere"], "nowhere"),
        (["plan", "{tmp}/file.txt"], "file.txt"),
        (["plan", "{tmp}/exp", "--pattern", "{nonsense}"], "nonsense"),
        (["plan", "{tmp}/exp", "--profile", "micromanger"], "micromanager"),
        (["plan", "{tmp}/exp", "--metadata", "{tmp}/none.yaml"], "none.yaml"),
        (["plan", "{tmp}/exp", "--parser", "nothing:Here"], "nothing"),
        (["plan", "{tmp}/exp", "--processor", "nothing:Here"], "nothing"),
        (["convert", "{tmp}/exp", "{tmp}/exp/out"], "inside"),
        (["convert", "{tmp}/exp", "{tmp}/other"], "other"),
        (
            ["convert", "{tmp}/exp", "{tmp}/out", "--format", "ome-tiff", "--compression", "lz4"],
            "lz4",
        ),
        (["verify", "{tmp}/nowhere"], "nowhere"),
        (["example", "{tmp}/exp"], "exp"),
        (["convert", "{tmp}/exp"], "out"),
        (["plan", "{tmp}/exp", "--wrong-option"], "--wrong-option"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_sentence(folder, tmp_path, words, said):
    (tmp_path / "file.txt").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other/mine.txt").write_text("mine")
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    done = pyomero(*(word.format(tmp=tmp_path) if "{tmp}" in word else word for word in words))
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert "Traceback" not in done.output
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_a_folder_that_convert_did_not_finish_is_not_verified(tmp_path):
    (tmp_path / "out").mkdir()
    done = pyomero("verify", tmp_path / "out")
    assert done.exit_code in {1, 2}
    assert "manifest" in done.stderr


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_said_so(folder):
    folder.chmod(0)
    try:
        done = pyomero("plan", folder)
    finally:
        folder.chmod(0o755)
    assert done.exit_code == 2
    assert "permission" in done.stderr.lower()


# ---------------------------------------------------------------- help, version, example, demo
def test_help_imports_nothing_that_is_slow():
    code = (
        "import sys; sys.argv = ['pyomero', '--help']\n"
        "from pyomero_upload.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "slow = {'numpy', 'pandas', 'rich', 'tensorstore', 'imagecodecs', 'pydantic', 'omero'} & set(sys.modules)\n"
        "assert not slow, slow\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "convert" in done.stdout


def test_the_version_is_that_of_the_package():
    assert pyomero("--version").stdout.strip() == f"pyomero {version('pyomero-upload')}"


def test_example_makes_as_much_as_it_is_told(tmp_path):
    done = pyomero(
        "example", tmp_path / "e", "--positions", 2, "--times", 4, "--sections", 2, "--size", 40
    )
    assert done.exit_code == 0
    assert len(list((tmp_path / "e/pos002").glob("*.png"))) == 4 * (2 + 2 + 1)


def test_demo_shows_the_whole_job(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))
    (tmp_path / "pyomero-demo").mkdir()
    done = pyomero("demo")
    assert done.exit_code == 0, done.output
    assert not list((tmp_path / "pyomero-demo").iterdir())
    picture = tmp_path / "pyomero-demo-2/result.png"
    assert str(picture.relative_to(tmp_path)) in done.stdout
    pixels = np.asarray(Image.open(picture))
    assert pixels.shape[0] > 3 * 256
    assert len(np.unique(pixels)) > 100
    assert "/webclient/?show=dataset-" in done.stdout
    assert "What to type next" in done.stdout
    with Server(tmp_path / "pyomero-demo-2/server") as server:
        client = omero.client(server.host, server.port)
        client.createSession("root", server.password)
        gateway = BlitzGateway(client_obj=client)
        (dataset,) = gateway.getObjects("Dataset")
        assert dataset.getName() == "Example experiment"
        assert sorted(i.getName() for i in dataset.listChildren()) == ["pos001", "pos002", "pos003"]
        gateway.close()
