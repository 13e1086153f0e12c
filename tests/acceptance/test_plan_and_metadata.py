"""What is known before a pixel moves: metadata and missing planes, tried from outside."""

import json
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from folders import experiment
from outside import FORMATS, ROOT, converted, pixels, planned, pyomero

# ------------------------------------------------------------------------------------------ metadata
METADATA = """\
title: Salt stress
description: "Yeast & <salt>"
authors: [A. Person]
tags: [yeast, salt, yeast, ""]
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
    """Write an experiment with a metadata.yaml and a table."""
    folder = experiment(tmp_path / "exp")
    (folder / "metadata.yaml").write_text(METADATA, encoding="utf-8")
    (folder / "doses.csv").write_text("time,dose\n0,0.5\n1,1.5\n", encoding="utf-8")
    return folder


def test_metadata_yaml_is_in_the_plan(described):
    document = planned(described)
    dataset = document["dataset"]
    assert dataset["name"] == "Salt stress"
    assert dataset["description"] == "Yeast & <salt>"
    assert dataset["tags"] == ["yeast", "salt"]
    assert ["strain", "BY4741"] in dataset["key_values"]
    assert {"name": "doses", "columns": ["time", "dose"], "rows": 2} in dataset["tables"]
    for image in document["images"]:
        assert image["physical_size_um"] == {"x": 0.25, "y": 0.25, "z": 0.6}
        assert image["time_increment_s"] == 300
        (gfp,) = (c for c in image["channels"] if c["name"] == "GFP")
        assert gfp["color"] == "#12AB34"
        assert (gfp["excitation_nm"], gfp["emission_nm"], gfp["exposure_ms"]) == (488, 509, 60)
        (brightfield,) = (c for c in image["channels"] if c["name"] == "Brightfield")
        red, green, blue = (brightfield["color"][i : i + 2] for i in (1, 3, 5))
        assert red == green == blue


def test_a_mistake_in_metadata_yaml_is_told_with_line_and_key(described):
    file = described / "metadata.yaml"
    file.write_text(METADATA.replace("pixel_size: 0.25", "pixel_size: small"), encoding="utf-8")
    done = pyomero("plan", described)
    assert done.exit_code in {1, 2}
    assert "metadata.yaml:7" in done.output or "line 7" in done.output
    assert "pixel_size" in done.output
    schema = json.loads((ROOT / "docs/schemas/metadata.schema.json").read_text("utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"pixel_size": "small"}, schema)


def test_what_metadata_yaml_contradicts_is_listed(demo, tmp_path):
    before = planned(demo)
    step = before["images"][0]["physical_size_um"]["z"]
    (tmp_path / "m.yaml").write_text(f"z_step: {step + 1}\n", encoding="utf-8")
    after = planned(demo, "--metadata", tmp_path / "m.yaml")
    assert after["images"][0]["physical_size_um"]["z"] == step + 1
    assert any(p["code"] == "metadata-conflict" for p in after["problems"])


def test_ignore_metadata_takes_the_images_alone(described, demo):
    document = planned(described, "--ignore-metadata", "--no-provenance")
    dataset = document["dataset"]
    assert dataset["name"] == "exp"
    assert (dataset["tags"], dataset["key_values"], dataset["tables"]) == ([], [], [])
    assert planned(demo, "--ignore-metadata")["dataset"]["attachments"] == []


def test_provenance_says_what_made_it_and_can_be_turned_off(described):
    with_it = dict(planned(described)["dataset"]["key_values"])
    text = " ".join(with_it.values())
    assert str(described) in text
    assert "10.12688/wellcomeopenres.15853" in text
    assert planned(described)["digest"] in text
    assert planned(described, "--no-provenance")["dataset"]["key_values"] == [["strain", "BY4741"]]


def test_a_missing_text_file_leaves_the_other_ones_metadata(demo, tmp_path):
    for pattern in ("*Acq.txt", "*log.txt"):
        folder = tmp_path / pattern[1:4]
        shutil.copytree(demo, folder)
        (left_out,) = folder.glob(pattern)
        left_out.unlink()
        dataset = planned(folder)["dataset"]
        assert dataset["tables"] or dataset["tags"] or dataset["description"]
        assert len(planned(folder)["images"]) == 2


PARSERS = """
import types
import pandas as pd

class AsDictionary:
    def extract_metadata(self, filename):
        table = pd.DataFrame({"n": [1, 2]})
        table.name = "numbers"
        return {"description": "mine", "tags": ["a,b"], "kvps": [["k", "v"]], "tables": [table]}

class AsObject:
    def extract_metadata(self, filename):
        return types.SimpleNamespace(description="mine", tags=["a", "b"], kvp_list=[["k", "v"]],
                                     table_dict={"numbers": pd.DataFrame({"n": [1, 2]})})

class Wrong:
    def extract_metadata(self, filename):
        return 42
"""


@pytest.mark.parametrize("form", ["AsDictionary", "AsObject"])
def test_a_parser_may_return_either_form(tmp_path, form):
    folder = experiment(tmp_path / "exp")
    (tmp_path / "parsers.py").write_text(PARSERS, encoding="utf-8")
    dataset = planned(folder, "--parser", f"{tmp_path / 'parsers.py'}:{form}", "--no-provenance")[
        "dataset"
    ]
    assert dataset["description"] == "mine"
    assert dataset["tags"] == ["a", "b"]
    assert dataset["key_values"] == [["k", "v"]]
    assert dataset["tables"] == [{"name": "numbers", "columns": ["n"], "rows": 2}]


def test_a_parser_that_returns_something_else_is_told_what_is_expected(tmp_path):
    folder = experiment(tmp_path / "exp")
    (tmp_path / "parsers.py").write_text(PARSERS, encoding="utf-8")
    done = pyomero("plan", folder, "--parser", f"{tmp_path / 'parsers.py'}:Wrong")
    assert done.exit_code in {1, 2}
    assert "42" in done.output or "int" in done.output
    assert "kvp_list" in done.output
    assert "Traceback" not in done.output


# ------------------------------------------------------------------------------------------ missing planes
@pytest.fixture
def incomplete(tmp_path: Path) -> Path:
    """Write an experiment that lacks one plane in the middle and two of the last time point."""
    folder = experiment(tmp_path / "exp", positions=["pos1"], times=3, channels=["GFP"])
    for name in ("000001_GFP_002", "000003_GFP_002", "000003_GFP_003"):
        (folder / f"pos1/exp_{name}.png").unlink()
    return folder


@pytest.mark.parametrize("output_format", FORMATS)
def test_missing_planes_are_zeros_and_listed_everywhere(incomplete, tmp_path, output_format):
    document = planned(incomplete)
    missing = [{"t": 0, "c": 0, "z": 1}, {"t": 2, "c": 0, "z": 1}, {"t": 2, "c": 0, "z": 2}]
    assert document["images"][0]["planes"] == {"expected": 9, "present": 6, "missing": missing}
    codes = {p["code"] for p in document["problems"]}
    assert {"missing-planes", "incomplete-last-timepoint"} <= codes
    assert any("missing" in key.lower() for key, _ in document["dataset"]["key_values"])
    converted(incomplete, tmp_path / "out", "--format", output_format)
    written = pixels(tmp_path / "out", "pos1")
    zeros = [tuple(index) for index in np.argwhere(~written.any(axis=(3, 4)))]
    assert zeros == [(m["t"], m["c"], m["z"]) for m in missing]
    assert pyomero("verify", tmp_path / "out").exit_code == 0


def test_drop_timepoint_drops_incomplete_last_time_points_only(incomplete, tmp_path):
    document = planned(incomplete, "--missing", "drop-timepoint")
    (image,) = document["images"]
    assert image["sizes"]["t"] == 2
    assert image["planes"]["missing"] == [{"t": 0, "c": 0, "z": 1}]
    assert document["source"]["unused"] == ["pos1/exp_000003_GFP_001.png"]
    converted(incomplete, tmp_path / "out", "--missing", "drop-timepoint")
    assert pixels(tmp_path / "out", "pos1").shape[0] == 2


def test_fail_refuses_missing_planes(incomplete, tmp_path):
    done = pyomero("convert", incomplete, tmp_path / "out", "--missing", "fail")
    assert done.exit_code == 1
    assert "missing-planes" in done.stderr
    assert not (tmp_path / "out").exists()


def test_fewer_sections_by_design_are_an_info(tmp_path):
    folder = experiment(tmp_path, positions=["pos1"])
    for file in folder.glob("pos1/*_Brightfield_00[23].png"):
        file.unlink()
    document = planned(folder)
    (problem,) = (p for p in document["problems"] if p["code"] == "uneven-z")
    assert problem["severity"] == "info"
    assert document["images"][0]["planes"]["missing"] == []
    assert pyomero("plan", folder, "--strict").exit_code == 0


def test_the_problems_of_the_folder_as_a_whole(tmp_path):
    folder = experiment(tmp_path)
    (folder / "pos003").mkdir()
    (folder / "temp_InProgress.txt").touch()
    found = {p["code"]: p["severity"] for p in planned(folder)["problems"]}
    assert found["empty-position"] == "warning"
    assert found["still-running"] == "warning"
    assert found["pixel-size-unknown"] == "info"
