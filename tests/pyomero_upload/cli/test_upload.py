"""`pyomero upload` and `pyomero uploads` as their user meets them."""

import json

import pytest
from PIL import Image
from typer.testing import CliRunner

from folders import experiment, plane, write_png
from omero_world import count, world
from pyomero_upload.cli import app
from pyomero_upload.errors import EXIT_FAILED, EXIT_REFUSED, EXIT_USAGE
from pyomero_upload.targets.omero.connection import Connection


@pytest.fixture
def user(omero_new_user):
    return omero_new_user()


@pytest.fixture
def conn(user):
    client = user.log_in()
    yield Connection.over(client)
    client.closeSession()


@pytest.fixture
def run(user, tmp_path, monkeypatch):
    """Give a function that runs the program as the user."""
    monkeypatch.setenv("OMERO_SESSIONDIR", str(tmp_path / "sessions"))
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))
    server = ["--server", user.server.host, "--port", str(user.server.port), "--user", user.name]

    def invoke(command, *words):
        words = [command, *map(str, words), *server, "--password-stdin"]
        return CliRunner().invoke(app, words, input=f"{user.password}\n")

    return invoke


def test_a_folder_becomes_a_dataset_and_its_address_is_shown(tmp_path, run, conn):
    experiment(tmp_path / "in")
    done = run("upload", tmp_path / "in")
    assert done.exit_code == 0, done.output
    *images, total, url, page = done.stdout.splitlines()
    assert [line.split()[1] for line in images] == ["pos001:", "pos002:"]
    assert all("12 planes" in line and "equal to the source" in line for line in images)
    assert "«in»: 2 of 2 images, 24 planes" in total
    assert url.startswith("http")
    assert "show=dataset-" in url
    assert page == f"Report: {next((tmp_path / 'state').rglob('report.html'))}"
    assert count(conn, "Image") == 2


def test_for_programs_standard_output_is_one_document(tmp_path, run):
    experiment(tmp_path / "in")
    done = run("upload", tmp_path / "in", "--json")
    document = json.loads(done.stdout)
    assert list(document) == ["dataset", "images", "problems"]
    assert list(document["dataset"]) == ["id", "name", "url"]
    assert document["dataset"]["name"] == "in"
    assert [list(image) for image in document["images"]] == [
        ["id", "name", "planes", "sha1", "verified"]
    ] * 2
    assert all(image["verified"] and len(image["sha1"]) == 40 for image in document["images"])
    again = json.loads(run("upload", tmp_path / "in", "--json").stdout)
    assert again["images"] == document["images"]


def test_run_again_it_says_that_all_is_there(tmp_path, run, conn):
    experiment(tmp_path / "in")
    run("upload", tmp_path / "in")
    before = world(conn)
    done = run("upload", tmp_path / "in")
    assert done.exit_code == 0
    assert "2 images, all there already. Nothing to do." in done.stdout
    assert world(conn) == before


def test_a_dry_run_shows_the_plan_and_what_is_there_and_makes_nothing(tmp_path, run, conn):
    experiment(tmp_path / "in")
    before = world(conn)
    done = run("upload", tmp_path / "in", "--dry-run")
    assert "pos002" in done.stdout
    assert "nothing of it" in done.stdout
    assert world(conn) == before
    run("upload", tmp_path / "in")
    done = run("upload", tmp_path / "in", "--dry-run")
    assert "has 2 of 2 images; 0 would be made" in done.stdout
    document = json.loads(run("upload", tmp_path / "in", "--dry-run", "--json").stdout)
    assert document["on_server"]["complete"] == ["pos001", "pos002"]


def test_several_folders_become_a_dataset_each(tmp_path, run, conn):
    for name in ("one", "two"):
        experiment(tmp_path / name, positions=["pos001"])
    done = run("upload", tmp_path / "one", tmp_path / "two", "--json")
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert [document["dataset"]["name"] for document in documents] == ["one", "two"]
    assert count(conn, "Dataset") == 2


def test_one_folder_that_cannot_be_uploaded_does_not_keep_the_others_from_it(tmp_path, run, conn):
    experiment(tmp_path / "one")
    run("upload", tmp_path / "one")
    write_png(tmp_path / "one" / "pos001" / "exp_000001_GFP_001.png", plane(77))
    experiment(tmp_path / "two", positions=["pos001"])
    done = run("upload", tmp_path / "one", tmp_path / "two")
    assert done.exit_code == EXIT_FAILED
    assert "«two»: 1 of 1 image" in done.stdout
    assert "whose input files have changed since" in done.stderr
    assert count(conn, "Dataset") == 2
    assert count(conn, "Image") == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--into", "Image:1"], "names no Dataset"),
        (["--into", "Dataset:x"], "names no Dataset"),
        (["--project", "P", "--no-project"], "exclude each other"),
        (["--in-place"], "goes with --layout original only"),
    ],
    ids=" ".join,
)
def test_options_that_make_no_sense_are_refused_with_a_sentence(
    tmp_path, run, conn, options, message
):
    experiment(tmp_path / "in")
    done = run("upload", tmp_path / "in", *options)
    assert done.exit_code == EXIT_USAGE
    assert message in done.stderr
    assert count(conn, "Dataset") == 0


def test_strict_refuses_at_warnings(tmp_path, run, conn):
    experiment(tmp_path / "in")
    (tmp_path / "in" / "pos001" / "exp_000001_GFP_002.png").unlink()
    done = run("upload", tmp_path / "in", "--strict")
    assert done.exit_code == EXIT_REFUSED
    assert count(conn, "Dataset") == 0


def test_an_image_that_fails_is_named_and_the_exit_status_says_so(tmp_path, run, conn):
    experiment(tmp_path / "in")
    bad = tmp_path / "in" / "pos001" / "exp_000002_GFP_002.png"
    bad.write_bytes(bad.read_bytes()[:-20])
    done = run("upload", tmp_path / "in")
    assert done.exit_code == EXIT_FAILED
    assert "pos001: failed" in done.stdout
    assert "exp_000002_GFP_002.png" in done.stderr
    assert "1 image could not be made: pos001." in done.stderr
    assert count(conn, "Image") == 1
    listed = run("uploads")
    assert "in: incomplete, 1 of 2 images" in listed.stdout
    assert "run the same upload command again" in listed.stderr


def test_uploads_are_listed(tmp_path, run):
    assert "No uploads" in run("uploads").stdout
    experiment(tmp_path / "in")
    run("upload", tmp_path / "in", "--project", "P")
    (line,) = run("uploads").stdout.splitlines()
    assert "in: complete, 2 of 2 images" in line
    assert str(tmp_path / "in") in line
    (document,) = json.loads(run("uploads", "--json").stdout)
    assert document["state"] == "complete"
    assert document["url"].endswith(f"show=dataset-{document['dataset_id']}")


def test_files_can_go_in_as_they_are(tmp_path, run, conn):
    experiment(tmp_path / "in", positions=["pos001"], times=1, sections=1)
    done = run("upload", tmp_path / "in", "--layout", "original", "--json")
    document = json.loads(done.stdout)
    assert done.exit_code == 0
    assert len(document["images"]) == 2
    assert count(conn, "Fileset") == 2
    again = json.loads(run("upload", tmp_path / "in", "--layout", "original", "--json").stdout)
    assert [i["id"] for i in again["images"]] == [i["id"] for i in document["images"]]


def test_what_was_not_compared_is_neither_equal_nor_different(tmp_path, run):
    (tmp_path / "in").mkdir()
    # There is more than one way to make grey values of a JPEG.
    Image.new("L", (16, 16), 99).save(tmp_path / "in" / "a.jpg")
    done = run("upload", tmp_path / "in", "--layout", "original", "--json")
    assert [image["verified"] for image in json.loads(done.stdout)["images"]] == [None]


def test_progress_for_programs_is_json_alone_on_standard_error(tmp_path, run):
    experiment(tmp_path / "in")
    done = run("upload", tmp_path / "in", "--progress", "json", "--json")
    events = [json.loads(line) for line in done.stderr.splitlines()]
    names = [event["event"] for event in events]
    assert names[0] == "started"
    assert names[-1] == "finished"
    assert names.count("image_done") == 2
    assert {e["path"] for e in events if e["event"] == "image_done"} == {
        f"Image:{image['id']}" for image in json.loads(done.stdout)["images"]
    }
