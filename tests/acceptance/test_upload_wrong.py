"""What goes wrong at an upload: one sentence, the exit status that fits, never a traceback; and names of every kind."""

import errno
import os

import numpy as np
import omero.model
import pytest
import typer
from omero.rtypes import rstring

from folders import experiment, plane, write_png
from pyomero_upload.cli.failures import explained
from upload_lab import KEY_VALUES, Lab, annotations, content, pairs, pixels_on_server


@pytest.fixture
def folder(tmp_path):
    return experiment(tmp_path / "exp", positions=["pos001"], times=1, sections=1)


WRONG = {
    "a host that is not": ({"OMERO_HOST": "nowhere.invalid"}, [], 1, "no server called nowhere"),
    "a port where nothing is": ({"OMERO_PORT": "1"}, [], 1, "Nothing listens at"),
    "a wrong password": ({"OMERO_PASSWORD": "x"}, [], 1, "does not accept this user and password"),
    "no password": ({"OMERO_PASSWORD": ""}, [], 2, "There is no password"),
    "a group that is not": ({}, ["--group", "nobody"], 1, "not in a group 'nobody'"),
    "a Dataset that is not": (
        {},
        ["--into", "Dataset:99999999"],
        1,
        "There is no Dataset:99999999",
    ),
    "no Dataset": ({}, ["--into", "Project:1"], 2, "names no Dataset"),
}


@pytest.mark.parametrize(("variables", "words", "status", "says"), WRONG.values(), ids=WRONG.keys())
def test_wrong_ways_to_a_server(lab, folder, variables, words, status, says):
    done = lab.run("upload", folder, *words, **variables)
    assert done.returncode == status, done.stderr
    assert says in done.stderr
    assert done.stdout == ""


def test_wrong_folders(lab, tmp_path, folder):
    (tmp_path / "empty").mkdir()
    missing = lab.run("upload", tmp_path / "missing")
    assert (missing.returncode, "There is no folder" in missing.stderr) == (2, True)
    empty = lab.run("upload", tmp_path / "empty")
    assert (empty.returncode, "No image is found" in empty.stderr) == (1, True)
    with lab.gateway() as conn:
        assert not content(conn)


def test_a_dataset_of_another_and_a_group_that_is_read_only(lab, folder, omero_server, tmp_path):
    reader = Lab.found(omero_server, tmp_path / "home", permissions="rwr---")
    with lab.gateway() as conn:
        dataset = omero.model.DatasetI()
        dataset.name = rstring("mine")
        made = conn.getUpdateService().saveAndReturnObject(dataset).id.val
    root = omero_server.client()
    try:
        admin = root.sf.getAdminService()
        person = omero.model.ExperimenterI(admin.lookupExperimenter(reader.user).id.val, False)
        admin.addGroups(person, [omero.model.ExperimenterGroupI(lab.group, False)])
        other = lab.run("upload", folder, "--into", f"Dataset:{made}", "--group", lab.group)
        assert other.returncode == 0
        refused = reader.run("upload", folder, "--into", f"Dataset:{made}", "--group", lab.group)
        assert refused.returncode == 1
        assert len(refused.stderr.strip().splitlines()) <= 3, refused.stderr
    finally:
        root.closeSession()


def test_names_with_control_characters_leave_the_terminal_as_it_is(lab, folder):
    done = lab.run("upload", folder, "--name", "a\x1b[31mb\x07")
    assert done.returncode == 0
    again = lab.run("upload", folder, "--name", "a\x1b[31mb\x07")
    listed = lab.run("uploads")
    for said in (done, again, listed):
        assert "a\\x1b[31mb" in said.stdout
        assert not {"\x1b", "\x07"} & set(said.stdout + said.stderr)


def test_a_disk_that_is_full_is_told_with_what_to_do(capsys):
    @explained
    def command():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(typer.Exit) as end:
        command()
    assert end.value.exit_code == 1
    assert "make room" in capsys.readouterr().err


def test_a_truncated_file_stops_its_image_and_no_other(lab, tmp_path):
    folder = experiment(tmp_path / "exp", times=1)
    broken = folder / "pos001/exp_000001_GFP_002.png"
    write_png(broken, np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 7)
    write_png(broken, plane(3))
    broken.write_bytes(broken.read_bytes()[:-60])
    done = lab.run("upload", folder)
    assert done.returncode == 1
    assert broken.name in done.stderr
    with lab.gateway() as conn:
        found = content(conn)
        assert found[("images", "pos002", "")] == 1
        assert not any("pos001" in key for key in found if key[0] == "images")
        incomplete = lab.run("uploads").stdout
        assert "incomplete" in incomplete
    write_png(broken, plane(3))
    lab.uploaded(folder)


def test_names_and_texts_of_every_kind(lab, tmp_path):
    position = "Würfel 日本 🔬 'q' % _"
    folder = experiment(tmp_path / "Ünïcode 🧫", positions=[position], times=1)
    tag = "t" * 300
    (folder / "metadata.yaml").write_text(
        f"title: 'Ein 🔬 «Titel» \\ %s {{x}}'\ntags: ['{tag}', '🧬', 'a b']\n"
        'description: "x\\0y\\u0007z"\nkey_values: {"κ": "λ\\u0001"}\n',
        encoding="utf-8",
    )
    (folder / "exp_log.txt").write_bytes(b"")
    (folder / "notes.txt").write_bytes(b"")
    made = lab.uploaded(folder)["dataset"]
    assert made["name"] == "Ein 🔬 «Titel» \\ %s {x}"
    with lab.gateway() as conn:
        dataset = conn.getObject("Dataset", made["id"])
        assert dataset.getName() == made["name"]
        assert {t.getValue() for t in annotations(dataset, "TagAnnotation")} == {tag, "🧬", "a b"}
        assert ("κ", "λ\x01") in pairs(dataset, KEY_VALUES)
        (image,) = dataset.listChildren()
        assert image.getName() == position
        assert (pixels_on_server(image)[0, 1, 2] == plane(5)).all()
    again = lab.run("upload", folder)
    assert "Nothing to do" in again.stdout
    assert lab.run("verify", f"Dataset:{made['id']}", "--against", folder).returncode == 0
