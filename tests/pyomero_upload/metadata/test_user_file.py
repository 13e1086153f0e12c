"""metadata.yaml: what it may say, and what is said of its mistakes."""

import json
from pathlib import Path

import jsonschema
import pytest

from pyomero_upload.errors import UsageError
from pyomero_upload.metadata.user_file import find_user_file, json_schema, read_user_file
from pyomero_upload.model import Channel, Metadata

ROOT = Path(__file__).parents[3]

FULL = """\
title: Response to osmotic stress
description: |
  Cells grew in microfluidic chambers.
  Sorbitol came after an hour.
authors: [First Author, Second Author]
project: Stress
tags: [yeast, "sorbitol, microfluidics"]
key_values:
  Strain: [YST 247, YST 625]
  Glucose: 2 %
  Switched: no
tables:
  wells: wells.csv
pixel_size: 263 nm
z_step: 0.6
time_interval: 5 min
channels:
  GFP:
    label: Hog1
    color: green
    emission: 507
    excitation: 488 nm
    exposure: 0.06 s
  DIC:
    color: "#ffffff"
"""


def read(tmp_path: Path, text: str) -> Metadata:
    path = tmp_path / "metadata.yaml"
    path.write_text(text, encoding="utf-8")
    return read_user_file(path, folder=tmp_path)


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    return caught.value.message


def test_everything_that_may_be_said_is_read(tmp_path: Path):
    (tmp_path / "wells.csv").write_text("well,od\nA1,0.5\n", encoding="utf-8")
    said = read(tmp_path, FULL)
    assert said.title == "Response to osmotic stress"
    assert said.description == "Cells grew in microfluidic chambers.\nSorbitol came after an hour."
    assert said.authors == ("First Author", "Second Author")
    assert said.project == "Stress"
    assert said.tags == ("yeast", "sorbitol", "microfluidics")
    assert said.key_values == (
        ("Strain", "YST 247"),
        ("Strain", "YST 625"),
        ("Glucose", "2 %"),
        ("Switched", "no"),
    )
    assert [table.name for table in said.tables] == ["wells"]
    assert said.tables[0].frame["od"].tolist() == [0.5]
    assert (said.pixel_size_um, said.z_step_um, said.time_interval_s) == (0.263, 0.6, 300)
    assert said.channels == (
        Channel(
            "GFP", label="Hog1", color="#00FF00", exposure_ms=60, excitation_nm=488, emission_nm=507
        ),
        Channel("DIC", color="#FFFFFF"),
    )
    assert said.user_channels == ("GFP", "DIC")
    assert said.attachments == ("metadata.yaml", "wells.csv")


def test_everything_may_be_left_out(tmp_path: Path):
    assert read(tmp_path, "") == Metadata(attachments=("metadata.yaml",))


def test_short_forms_are_understood(tmp_path: Path):
    (tmp_path / "wells.csv").write_text("a\n1\n", encoding="utf-8")
    said = read(
        tmp_path,
        "authors: First Author\ntags: a, b\ntables: [wells.csv]\nkey_values: [[k, 1], [k, 2]]\nchannels: {GFP: {}}\n",
    )
    assert (said.authors, said.tags) == (("First Author",), ("a", "b"))
    assert [table.name for table in said.tables] == ["wells"]
    assert said.key_values == (("k", "1"), ("k", "2"))
    assert said.channels == (Channel("GFP"),)


def test_empty_keys_say_nothing(tmp_path: Path):
    assert read(tmp_path, "key_values:\n") == Metadata(attachments=("metadata.yaml",))
    said = read(tmp_path, "title:\nauthors:\ntags: ['']\nkey_values: {a: , b: [x, ]}\ntables:\n")
    assert said == Metadata(key_values=(("b", "x"),), attachments=("metadata.yaml",))


def test_a_file_elsewhere_is_not_attached(tmp_path: Path):
    (tmp_path / "data").mkdir()
    (tmp_path / "mine.yaml").write_text("title: t\n", encoding="utf-8")
    said = read_user_file(tmp_path / "mine.yaml", folder=tmp_path / "data")
    assert (said.title, said.attachments) == ("t", ())


@pytest.mark.parametrize(
    ("typed", "um"),
    [
        ("0.263", 0.263),
        ("263 nm", 0.263),
        ("0.263 µm", 0.263),
        ("0.263μm", 0.263),
        ("2.63e-4 mm", 0.263),
    ],
)
def test_lengths_may_have_a_unit(tmp_path: Path, typed: str, um: float):
    assert read(tmp_path, f"pixel_size: {typed}\n").pixel_size_um == um


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("titel: x\n", "metadata.yaml:1: titel: unknown key; did you mean title?"),
        ("channels:\n  GFP:\n    colour: red\n", "metadata.yaml:3: channels.GFP.colour: unknown key; did you mean color?"),
        ("channels:\n  GFP:\n    color: #FF0000\n", "metadata.yaml:3: channels.GFP.color: the value is empty; write a color in quotes"),
        ("channels:\n  GFP:\n    color: pinkish\n", 'metadata.yaml:3: channels.GFP.color: expected "#RRGGBB" or one of red,'),
        ("channels: [GFP]\n", "metadata.yaml:1: channels: input should be a valid dictionary"),
        ("pixel_size: 0\n", "metadata.yaml:1: pixel_size: expected a number greater than 0"),
        ("pixel_size: 3 feet\n", "with or without a unit (µm, μm, um, nm, mm), not '3 feet'"),
        ("time_interval: [1, 2]\n", "metadata.yaml:1: time_interval: expected a number"),
        ("key_values: x\n", "metadata.yaml:1: key_values: expected keys with values, or a list of pairs"),
        ("key_values: [[a]]\n", "metadata.yaml:1: key_values: expected keys with values, or a list of pairs"),
        ("key_values:\n  a:\n    b: {c: d}\n", "metadata.yaml:1: key_values"),
        ("tables: [a/t.csv, b/t.csv]\n", "two of the files would make tables of the same name"),
        ("tables: {a: ../../etc/passwd}\n", "metadata.yaml: tables.a: "),
        ("tables: {a: no.csv}\n", "cannot be read"),
        ("tags: {a: b}\n", "metadata.yaml:1: tags"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_line_and_key(tmp_path: Path, text: str, says: str):
    assert says in refused(tmp_path, text)


def test_mistakes_in_a_table_are_told_with_its_line(tmp_path: Path):
    (tmp_path / "t.csv").write_text("a,b\n1\n", encoding="utf-8")
    assert "t.csv:2: there are 1 values under 2 columns" in refused(tmp_path, "tables: [t.csv]\n")


def test_the_folder_s_file_is_found_in_any_letter_case(tmp_path: Path):
    assert (
        find_user_file(tmp_path, ["a.png", "Metadata.YML", "x/metadata.yaml"])
        == tmp_path / "Metadata.YML"
    )
    assert find_user_file(tmp_path, ["a.png"]) is None


def test_two_files_are_one_too_many(tmp_path: Path):
    with pytest.raises(UsageError, match=r"metadata\.yaml, metadata\.yml"):
        find_user_file(tmp_path, ["metadata.yaml", "metadata.yml"])


def test_the_published_schema_is_up_to_date():
    published = (ROOT / "docs/schemas/metadata.schema.json").read_text(encoding="utf-8")
    assert json.loads(published) == json_schema(), "run scripts/make_reference.py"


@pytest.mark.parametrize("name", ["metadata.yaml", "metadata-short.yaml"])
def test_the_examples_of_the_documentation_fit_model_and_schema(name: str):
    yaml = pytest.importorskip("yaml")
    path = ROOT / "docs/examples/metadata" / name
    assert read_user_file(path, folder=path.parent).attachments[0] == name
    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), json_schema())


def test_the_schema_refuses_what_the_model_refuses():
    for wrong in ({"titel": "x"}, {"pixel_size": -1}, {"channels": {"GFP": {"color": "pinkish"}}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, json_schema())
