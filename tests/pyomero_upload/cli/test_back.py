"""`pyomero show`, `get`, `copy` and `verify Dataset:ID` as their user meets them."""

import json

import omero.clients
import omero.grid
import omero.model
import pytest
from omero.rtypes import rstring
from typer.testing import CliRunner

from folders import experiment, plane, write_png
from omero_samples import Samples, pixels_of
from pyomero_upload.cli import app
from pyomero_upload.planning import make_plan
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.said import read_annotations
from pyomero_upload.transfer.upload import upload


@pytest.fixture
def user(omero_new_user):
    return omero_new_user()


@pytest.fixture
def samples(user):
    client = user.log_in()
    yield Samples(client)
    client.closeSession()


@pytest.fixture
def pyomero(user, tmp_path, monkeypatch):
    """Give a function that runs the program as the user."""
    monkeypatch.setenv("OMERO_SESSIONDIR", str(tmp_path / "sessions"))
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")
    server = ["--server", user.server.host, "--port", str(user.server.port), "--user", user.name]

    def run(*words):
        arguments = [*map(str, words), *server, "--password-stdin"]
        return CliRunner().invoke(app, arguments, input=f"{user.password}\n")

    return run


@pytest.fixture
def folder(tmp_path):
    experiment(tmp_path / "in")
    (tmp_path / "in" / "metadata.yaml").write_text(
        "title: Yeast\ntags: [salt]\nkey_values: {strain: BY4741}\npixel_size: 0.2\n",
        encoding="utf-8",
    )
    return tmp_path / "in"


@pytest.fixture
def dataset(folder, samples, tmp_path, monkeypatch):
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))
    return upload(make_plan(folder), Connection.over(samples.client)).dataset_id


def test_a_dataset_is_shown_as_a_tree_with_sizes_channels_and_annotations(pyomero, dataset):
    done = pyomero("show", f"Dataset:{dataset}")
    assert done.exit_code == 0, done.stderr
    for part in ("Yeast", "tags: salt", "strain: BY4741", "pos002", "uint16", "16 × 20"):
        assert part in done.stdout
    assert "Brightfield" in done.stdout
    assert "metadata.yaml" in done.stdout


def test_the_head_of_a_table_is_shown(pyomero, samples):
    dataset = samples.dataset("d")
    columns = [
        omero.grid.StringColumn("well", "", 8, [f"A{n}" for n in range(9)]),
        omero.grid.DoubleColumn("dose", "", [n / 2 for n in range(9)]),
    ]
    samples.table("Dataset", dataset, "Doses", columns)
    done = pyomero("show", f"Dataset:{dataset}")
    assert "table Doses" in done.stdout
    assert "A4" in done.stdout
    assert "A5" not in done.stdout
    document = json.loads(pyomero("show", f"Dataset:{dataset}", "--json").stdout)
    assert document["tables"][0]["columns"] == ["well", "dose"]
    assert document["tables"][0]["head"][4] == ["A4", 2.0]


def test_an_image_is_shown_with_its_channels_and_pixel_size(pyomero, samples):
    image = samples.image(pixels_of(1), "cells")
    pixels = samples.pixels(image)
    pixels.physicalSizeX = omero.model.LengthI(0.25, "MICROMETER")
    channel = pixels.copyChannels()[0].logicalChannel
    channel.name, channel.emissionWave = rstring("GFP"), omero.model.LengthI(509.0, "NANOMETER")
    samples.update.saveObject(pixels)
    done = pyomero("show", f"image:{image}")
    assert "t 2, c 2, z 3, 8 × 10 (y × x), uint16" in done.stdout
    assert "0.25 × ? × ? µm (x, y, z)" in done.stdout
    assert "GFP, emission 509 nm" in done.stdout


def test_a_project_is_shown_with_its_datasets(pyomero, samples):
    one, two = samples.dataset("one"), samples.dataset("two")
    project = samples.project("Growth", one, two)
    samples.image(pixels_of(1), "cells", two)
    done = pyomero("show", f"Project:{project}")
    assert f"Dataset:{one}  one  0 images" in done.stdout
    assert f"Dataset:{two}  two  1 image" in done.stdout
    document = json.loads(pyomero("show", f"Project:{project}", "--json").stdout)
    assert [d["name"] for d in document["datasets"]] == ["one", "two"]


def test_text_of_others_cannot_garble_the_terminal(pyomero, samples):
    dataset = samples.dataset("a\x1b[2Jb[bold]c", "x\x07y\u202e")
    samples.tag("Dataset", dataset, "t\x1b[31m")
    samples.key_values("Dataset", dataset, [("k\x9b", "[red]v")])
    samples.image(pixels_of(1), "i\x1b]0;title\x07", dataset)
    done = pyomero("show", f"Dataset:{dataset}")
    assert not any(c in done.stdout for c in "\x1b\x07\x9b\u202e")
    assert "[bold]c" in done.stdout
    assert "[red]v" in done.stdout


def test_an_image_without_pixels_is_told_among_the_others(pyomero, samples):
    dataset = samples.dataset("d")
    samples.image(pixels_of(1), "cells", dataset)
    bare = omero.model.ImageI()
    bare.name = rstring("bare")
    link = omero.model.DatasetImageLinkI()
    link.parent = omero.model.DatasetI(dataset, False)
    link.child = bare
    made = samples.update.saveAndReturnObject(link).child.id.val
    done = pyomero("show", f"Dataset:{dataset}")
    assert "cells" in done.stdout
    assert f"Image:{made} has no pixels." in done.stdout


def test_an_image_that_is_not_complete_is_marked(pyomero, samples):
    dataset = samples.dataset("d")
    kind = samples.query.findByString("PixelsType", "value", "uint8")
    service = samples.client.sf.getPixelsService()
    empty = service.createImage(4, 3, 1, 1, [0], kind, "empty", "").val
    link = omero.model.DatasetImageLinkI()
    link.parent = omero.model.DatasetI(dataset, False)
    link.child = omero.model.ImageI(empty, False)
    samples.save(link)
    assert "(not complete)" in pyomero("show", f"Dataset:{dataset}").stdout


@pytest.mark.parametrize(
    "words", [("show", "Plate:1"), ("get", "Image:1", "out"), ("verify", "Image:1")]
)
def test_what_cannot_be_meant_is_said_in_a_sentence(pyomero, words):
    done = pyomero(*words)
    assert done.exit_code == 2
    assert "as Dataset:12" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_not_there_is_said_in_a_sentence(pyomero):
    done = pyomero("show", "Dataset:987654321")
    assert done.exit_code == 2
    assert "There is no Dataset:987654321" in done.stderr


def test_a_dataset_comes_into_a_folder_that_verify_takes(pyomero, dataset, tmp_path):
    done = pyomero("get", f"Dataset:{dataset}", tmp_path / "out", "--format", "ome-tiff")
    assert done.exit_code == 0, done.stderr
    assert "2 of 2 images, 24 planes" in done.stdout
    assert (tmp_path / "out" / "pos001.ome.tif").is_file()
    checked = CliRunner().invoke(app, ["verify", str(tmp_path / "out")])
    assert checked.exit_code == 0, checked.output
    again = pyomero("get", f"Dataset:{dataset}", tmp_path / "out", "--format", "ome-tiff")
    assert "Nothing to do" in again.stdout


def test_a_dataset_is_verified_and_compared_with_its_folder(pyomero, dataset, folder):
    done = pyomero("verify", f"Dataset:{dataset}")
    assert done.exit_code == 0, done.stderr
    assert "2 images, 24 planes" in done.stdout
    assert pyomero("verify", f"Dataset:{dataset}", "--against", folder).exit_code == 0


def test_each_difference_is_named_and_the_exit_status_is_1(pyomero, dataset, folder, samples):
    write_png(folder / "pos002" / "exp_000001_GFP_001.png", plane(999))
    samples.tag("Dataset", dataset, "mine")
    done = pyomero("verify", f"Dataset:{dataset}", "--against", folder)
    assert done.exit_code == 1
    assert "pos002 t=0 c=1 z=0" in done.stderr
    assert "'mine' is on it" in done.stderr
    assert "1 difference." in done.stderr
    events = pyomero("verify", f"Dataset:{dataset}", "--against", folder, "--progress", "json")
    problems = [json.loads(line) for line in events.stderr.splitlines()]
    assert "plane-differs" in [p.get("code") for p in problems]


def test_a_folder_needs_nothing_to_be_compared_with(tmp_path):
    done = CliRunner().invoke(app, ["verify", str(tmp_path), "--against", str(tmp_path)])
    assert done.exit_code == 2
    assert "--against" in done.stderr


def test_a_dataset_is_copied_to_another_user_whose_password_comes_second(
    pyomero, samples, user, omero_new_user, tmp_path
):
    dataset = samples.dataset("Run 7")
    samples.image(pixels_of(1), "cells", dataset)
    samples.tag("Dataset", dataset, "yeast")
    other = omero_new_user()
    host, port = user.server.host, user.server.port
    there = ["--to", host, "--to-port", port, "--to-user", other.name, "--to-password-stdin"]
    here = ["--server", host, "--port", port, "--user", user.name, "--password-stdin"]
    words = [str(word) for word in ["copy", f"Dataset:{dataset}", *there, *here, "--json"]]
    done = CliRunner().invoke(app, words, input=f"{user.password}\n{other.password}\n")
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["dataset"]["name"] == "Run 7"
    assert [image["verified"] for image in document["images"]] == [True]
    client = other.log_in()
    connection = Connection.over(client)
    said = read_annotations(connection, "Dataset", document["dataset"]["id"])
    assert [tag.text for tag in said.tags] == ["yeast"]
    client.closeSession()


def test_project_and_no_project_exclude_each_other(pyomero):
    done = pyomero("copy", "Dataset:1", "--to", "x", "--project", "p", "--no-project")
    assert done.exit_code == 2
    assert "exclude each other" in done.stderr
