"""Uploads from a shell: where to, several, again, grown, corrected, killed, two at once; and that no secret is shown."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from folders import experiment, plane, write_png
from proxy import Proxy
from pyomero_upload.example import make_example
from upload_lab import KEY_VALUES, Lab, annotations, content, pairs, pixels_on_server

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")

METADATA = """\
title: Salt stress
description: "Yeast & <salt>"
authors: [A. Person]
tags: [yeast, salt]
key_values: {strain: BY4741}
tables: [doses.csv]
pixel_size: 0.25
z_step: 0.6
time_interval: 300
channels:
  GFP: {label: Whi5-GFP, color: "#12AB34", emission: 509, excitation: 488, exposure: 60}
"""


@pytest.fixture
def described(tmp_path: Path) -> Path:
    """Write an experiment of two positions with a metadata.yaml and a table."""
    folder = experiment(tmp_path / "exp")
    (folder / "metadata.yaml").write_text(METADATA, encoding="utf-8")
    (folder / "doses.csv").write_text("time,dose\n0,0.5\n1,1.5\n", encoding="utf-8")
    return folder


def names(dataset):
    return sorted(image.getName() for image in dataset.listChildren())


def tags(thing):
    return sorted(tag.getValue() for tag in annotations(thing, "TagAnnotation"))


# ------------------------------------------------------------------------------------------ what metadata.yaml says
def test_metadata_yaml_is_on_the_server(lab, described):
    made = lab.uploaded(described)["dataset"]["id"]
    with lab.gateway() as conn:
        dataset = conn.getObject("Dataset", made)
        assert dataset.getName() == "Salt stress"
        assert dataset.getDescription() == "Yeast & <salt>"
        assert tags(dataset) == ["salt", "yeast"]
        assert list(dataset.listParents()) == []
        said = pairs(dataset, KEY_VALUES)
        assert ("strain", "BY4741") in said
        assert ("Author", "A. Person") in said
        files = {a.getFile().getName() for a in annotations(dataset, "FileAnnotation")}
        assert {"doses", "metadata.yaml"} <= files
        for image in dataset.listChildren():
            for size, value in ((image.getPixelSizeX, 0.25), (image.getPixelSizeY, 0.25)):
                assert (size(units=True).getValue(), size(units=True).getSymbol()) == (value, "µm")
            assert image.getPixelSizeZ() == 0.6
            assert image.getPrimaryPixels()._obj.timeIncrement.getValue() == 300
            (gfp,) = (c for c in image.getChannels() if c.getLabel() == "Whi5-GFP")
            assert gfp.getColor().getHtml().upper() == "12AB34"
            assert (gfp.getExcitationWave(), gfp.getEmissionWave()) == (488, 509)
            exposures = {
                info._obj.exposureTime.getValue()
                for info in image.getPrimaryPixels().copyPlaneInfo()
                if info.theC == 1 and info._obj.exposureTime
            }
            assert exposures == {0.06}


# ------------------------------------------------------------------------------------------ where to
def test_a_project_is_found_or_made_and_tags_are_used_again(lab, described):
    other = experiment(described.parent / "other", times=1)
    (other / "metadata.yaml").write_text("tags: [salt, yeast, new]\n", encoding="utf-8")
    first = lab.uploaded(described, "--project", "Growth")["dataset"]
    second = lab.uploaded(other, "--project", "Growth", "--name", "Run 2")["dataset"]
    with lab.gateway() as conn:
        (project,) = conn.getObjects("Project", opts={"owner": conn.getUserId()})
        assert project.getName() == "Growth"
        assert {d.getId() for d in project.listChildren()} == {first["id"], second["id"]}
        assert conn.getObject("Dataset", second["id"]).getName() == "Run 2"
        everything = content(conn)
        assert [everything[("tags", tag)] for tag in ("salt", "yeast", "new")] == [1, 1, 1]


def test_no_project_and_into_a_dataset(lab, described):
    other = experiment(described.parent / "other", positions=["more"], times=1)
    first = lab.uploaded(described, "--no-project")["dataset"]["id"]
    into = lab.uploaded(other, "--into", f"Dataset:{first}", "--no-project")["dataset"]
    assert into["id"] == first
    with lab.gateway() as conn:
        dataset = conn.getObject("Dataset", first)
        assert names(dataset) == ["more", "pos001", "pos002"]
        assert dataset.getName() == "Salt stress"
        assert not list(dataset.listParents())


def test_several_folders_are_a_document_a_line(lab, tmp_path):
    folders = [experiment(tmp_path / name, positions=[name], times=1) for name in ("a", "b")]
    done = lab.run("upload", *folders, "--json")
    assert done.returncode == 0, done.stderr
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert [d["dataset"]["name"] for d in documents] == ["a", "b"]
    assert [i["name"] for d in documents for i in d["images"]] == ["a", "b"]


def test_a_dry_run_changes_nothing(lab, described):
    done = lab.run("upload", described, "--dry-run", "--project", "Growth")
    assert done.returncode == 0
    assert "A new Dataset «Salt stress» would be made in the Project «Growth»" in done.stdout
    assert not list(lab.home.rglob("*.json"))
    with lab.gateway() as conn:
        assert not content(conn)


# ------------------------------------------------------------------------------------------ again
def test_run_again_it_makes_nothing_and_says_so(lab, described):
    first = lab.uploaded(described)
    with lab.gateway() as conn:
        before = content(conn)
    again = lab.run("upload", described)
    assert again.returncode == 0
    assert "Nothing to do" in again.stdout
    elsewhere = lab.uploaded(described, PYOMERO_STATE=str(lab.home / "another computer"))
    assert elsewhere["dataset"] == first["dataset"]
    assert [i["id"] for i in elsewhere["images"]] == [i["id"] for i in first["images"]]
    with lab.gateway() as conn:
        assert content(conn) == before


def test_metadata_that_were_corrected_and_a_folder_that_grew(lab, described):
    first = lab.uploaded(described)
    file = described / "metadata.yaml"
    file.write_text(METADATA.replace("BY4741", "BY4742").replace("salt]", "sorbitol]"), "utf-8")
    write_png(described / "pos003/exp_000001_GFP_001.png", plane(77))
    second = lab.uploaded(described)
    assert second["dataset"]["id"] == first["dataset"]["id"]
    ids = {i["name"]: i["id"] for i in second["images"]}
    assert {i["name"]: i["id"] for i in first["images"]}.items() <= ids.items()
    with lab.gateway() as conn:
        dataset = conn.getObject("Dataset", first["dataset"]["id"])
        assert names(dataset) == ["pos001", "pos002", "pos003"]
        said = pairs(dataset, KEY_VALUES)
        assert ("strain", "BY4742") in said
        assert "sorbitol" in tags(dataset)
        (image,) = (i for i in dataset.listChildren() if i.getName() == "pos003")
        assert (pixels_on_server(image)[0, 0, 0] == plane(77)).all()


# ------------------------------------------------------------------------------------------ killed, cut off
def kill(lab, folder, chance):
    """Begin an upload and kill it at a random moment."""
    process = lab.start("upload", folder, "--progress", "json")
    process.stderr.readline()
    time.sleep(chance.random() * 1.5)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def clean_upload(lab, folder):
    """Return what one upload by another user leaves that nobody killed."""
    (lab.home / "clean").mkdir()
    clean = Lab.found(lab.server, lab.home / "clean")
    clean.uploaded(folder)
    with clean.gateway() as conn:
        return content(conn)


@posix_only
def test_killed_at_any_moment_nothing_is_lost_doubled_or_left_behind(lab, tmp_path):
    folder = make_example(tmp_path / "exp", positions=3, times=12, sections=3, size=96)
    chance = random.Random(1)
    kill(lab, folder, chance)
    kill(lab, folder, chance)
    lab.uploaded(folder)
    with lab.gateway() as conn:
        assert content(conn) == clean_upload(lab, folder)


@posix_only
def test_killed_and_its_session_over_and_its_journal_gone_it_still_goes_on(lab, tmp_path):
    folder = make_example(tmp_path / "exp", positions=3, times=12, sections=3, size=96)
    kill(lab, folder, random.Random(2))
    lab.end_sessions()
    lab.uploaded(folder, PYOMERO_STATE=str(lab.home / "another computer"))
    with lab.gateway() as conn:
        assert content(conn) == clean_upload(lab, folder)


@posix_only
def test_two_uploads_of_one_folder_the_second_is_refused_by_name(lab, tmp_path):
    folder = make_example(tmp_path / "exp", positions=2, times=4, sections=2, size=64)
    first = lab.start("upload", folder, "--progress", "json")
    first.stderr.readline()
    first.send_signal(signal.SIGSTOP)
    try:
        second = lab.run("upload", folder)
    finally:
        first.send_signal(signal.SIGCONT)
    first.communicate(timeout=120)
    assert first.returncode == 0
    assert second.returncode == 1
    assert str(first.pid) in second.stderr
    with lab.gateway() as conn:
        assert content(conn)[("images", "pos001", "")] == 1


@posix_only
def test_ctrl_c_ends_with_130_and_the_next_run_goes_on(lab, tmp_path):
    folder = make_example(tmp_path / "exp", positions=3, times=20, sections=3, size=128)
    process = lab.start("upload", folder, "--progress", "json")
    for line in process.stderr:
        if '"image_started"' in line:
            break
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "again" in said
    lab.uploaded(folder)
    with lab.gateway() as conn:
        dataset = next(conn.getObjects("Dataset", opts={"owner": conn.getUserId()}))
        assert names(dataset) == ["pos001", "pos002", "pos003"]


def test_a_server_that_goes_away_and_never_comes_back(lab, tmp_path):
    folder = make_example(tmp_path / "exp", positions=3, times=12, sections=3, size=96)
    with Proxy(lab.server.host, lab.server.port) as network:
        process = lab.start(
            "upload", folder, "--progress", "json", "--patience", 2, OMERO_PORT=str(network.port)
        )
        for line in process.stderr:
            if '"image_started"' in line:
                network.refuse()
                break
        _, said = process.communicate(timeout=120)
    assert process.returncode == 1, said
    assert "Traceback" not in said
    assert "again" in said
    lab.uploaded(folder)


# ------------------------------------------------------------------------------------------ secrets
def arguments_of_all_processes() -> str:
    return subprocess.run(
        ["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True
    ).stdout


@posix_only
def test_passwords_and_session_keys_are_nowhere(lab, tmp_path):
    folder = make_example(tmp_path / "exp", positions=2, times=6, sections=3, size=96)
    process = lab.start("upload", folder, "--verbose", "--progress", "json")
    told = ""
    for line in process.stderr:
        told += line
        if '"image_started"' in line:
            told += arguments_of_all_processes()
            process.send_signal(signal.SIGKILL)
            break
    told += "".join(process.communicate())
    secrets = {lab.password, *lab.session_keys()}
    assert len(secrets) > 1
    for file in (path for path in lab.home.rglob("*") if path.is_file()):
        if any(secret.encode() in file.read_bytes() for secret in secrets):
            assert file.stat().st_mode & 0o777 == 0o600, file
            assert lab.password.encode() not in file.read_bytes()
    done = lab.run("upload", folder, "--verbose")
    wrong = lab.run("upload", folder, OMERO_PASSWORD=f"{lab.password}x")
    told += done.stdout + done.stderr + wrong.stdout + wrong.stderr
    for secret in secrets:
        assert secret not in told
    for file in (path for path in lab.home.rglob("*") if path.is_file()):
        assert not any(secret.encode() in file.read_bytes() for secret in secrets), file
    with lab.gateway() as conn:
        everything = repr(content(conn))
    assert not any(secret in everything for secret in secrets)
