"""What is written, and that one can trust it: read by other readers, spoilt, moved."""

import csv
import json
import random
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import imagecodecs
import numpy as np
import ome_types
import pytest
import tifffile
import xmlschema
import yaozarrs

import pyomero_upload as pu
from folders import experiment, plane, write_png
from outside import FORMATS, converted, pixels, planned, pyomero, zarr

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


# ------------------------------------------------------------------------------------------ outputs
def test_ome_zarr_is_valid_and_says_what_is_known(described, tmp_path):
    converted(described, tmp_path / "out")
    path = tmp_path / "out/pos001.ome.zarr"
    yaozarrs.validate_zarr_store(str(path))
    group = zarr.open_group(path, mode="r")
    ome = group.attrs["ome"]
    assert ome["version"] == "0.5"
    (scales,) = ome["multiscales"]
    units = {axis["name"]: axis.get("unit") for axis in scales["axes"]}
    assert units == {
        "t": "second", "c": None, "z": "micrometer", "y": "micrometer", "x": "micrometer",
    }  # fmt: skip
    transforms = scales["datasets"][0]["coordinateTransformations"]
    assert transforms[0]["scale"] == [300, 1, 0.6, 0.25, 0.25]
    colors = {c["label"]: c["color"] for c in ome["omero"]["channels"]}
    assert colors["Whi5-GFP"] == "12AB34"
    assert "Brightfield" in colors
    assert group["0"].shards == (1, 2, 3, 16, 20)


def test_ome_zarr_opens_in_the_reference_reader(described, tmp_path):
    io = pytest.importorskip("ome_zarr.io")
    reader = pytest.importorskip("ome_zarr.reader")
    converted(described, tmp_path / "out")
    location = io.parse_url(str(tmp_path / "out/pos001.ome.zarr"))
    (node, *_) = list(reader.Reader(location)())
    assert node.data[0].shape == (2, 2, 3, 16, 20)
    assert (np.asarray(node.data[0]) == pixels(tmp_path / "out", "pos001")).all()


@pytest.mark.parametrize(("size", "levels"), [(512, 1), (520, 3), (300, 1)])
def test_pyramids_come_with_large_images_alone(tmp_path, size, levels):
    write_png(tmp_path / "exp/pos1/e_1_GFP_1.png", plane(1, (20, size)))
    converted(tmp_path / "exp", tmp_path / "out")
    group = zarr.open_group(tmp_path / "out/pos1.ome.zarr", mode="r")
    (scales,) = group.attrs["ome"]["multiscales"]
    assert len(scales["datasets"]) == levels


def test_as_many_levels_as_are_asked_for(tmp_path):
    write_png(tmp_path / "exp/pos1/e_1_GFP_1.png", plane(1, (64, 64)))
    converted(tmp_path / "exp", tmp_path / "out", "--levels", 2)
    group = zarr.open_group(tmp_path / "out/pos1.ome.zarr", mode="r")
    assert [group[str(level)].shape[-1] for level in range(3)] == [64, 32, 16]
    assert pyomero("verify", tmp_path / "out").exit_code == 0


def test_ome_tiff_is_valid_and_says_what_is_known(demo, tmp_path):
    document = planned(demo)
    converted(demo, tmp_path / "out", "--format", "ome-tiff")
    for image in document["images"]:
        with tifffile.TiffFile(tmp_path / f"out/{image['name']}.ome.tif") as file:
            xml = file.ome_metadata
            assert file.is_ome
            assert file.series[0].asarray().size == np.prod([*image["sizes"].values()])
        xmlschema.XMLSchema(str(Path(ome_types.__file__).parent / "ome-2016-06.xsd")).validate(
            ET.fromstring(xml)
        )
        made = ome_types.from_xml(xml).images[0]
        assert made.name == image["name"]
        assert [c.name for c in made.pixels.channels] == [c["name"] for c in image["channels"]]
        assert len(made.pixels.planes) == image["planes"]["expected"]
        assert made.pixels.planes[0].exposure_time is not None
        assert made.pixels.planes[0].position_x == pytest.approx(image["stage_position_um"]["x"])
        assert made.pixels.planes[-1].delta_t > made.pixels.planes[0].delta_t
        assert made.annotation_refs


@pytest.mark.parametrize("output_format", FORMATS)
def test_beside_the_images_lie_the_crate_the_tables_and_the_text_files(
    described, tmp_path, output_format
):
    out = tmp_path / "out"
    converted(described, out, "--format", output_format)
    crate = json.loads((out / "ro-crate-metadata.json").read_text("utf-8"))
    (root,) = (entity for entity in crate["@graph"] if entity["@id"] == "./")
    assert root["name"] == "Salt stress"
    listed = {entity["@id"].rstrip("/") for entity in crate["@graph"]}
    assert f"pos001{FORMATS[output_format]}" in listed
    with (out / "tables/doses.csv").open(encoding="utf-8", newline="") as file:
        assert [row["dose"] for row in csv.DictReader(file)] == ["0.5", "1.5"]
    originals = {p.name for p in (out / "original").rglob("*") if p.is_file()}
    assert "metadata.yaml" in originals


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_processor_may_change_sizes(tmp_path, output_format):
    folder = experiment(tmp_path / "exp", positions=["pos1"])
    converted(folder, tmp_path / "out", "--processor", "max-z", "--format", output_format)
    converted(folder, tmp_path / "whole", "--format", output_format)
    whole = pixels(tmp_path / "whole", "pos1")
    assert (pixels(tmp_path / "out", "pos1") == whole.max(axis=2, keepdims=True)).all()
    assert pyomero("verify", tmp_path / "out").exit_code == 0


def test_python_makes_the_same_as_the_program_and_tells_its_progress(described, tmp_path):
    converted(described, tmp_path / "program")
    events = []
    plan = pu.plan(described)
    report = pu.convert(plan, tmp_path / "python", progress=events.append)
    assert report.ok
    assert pu.verify(tmp_path / "python").ok
    assert type(events[0]).__name__ == "Started"
    assert type(events[-1]).__name__ == "Finished"
    for name in ("pos001", "pos002"):
        same = pixels(tmp_path / "program", name) == pixels(tmp_path / "python", name)
        assert same.all()


def test_every_plane_is_where_its_name_says(tmp_path):
    folder = experiment(tmp_path / "exp")
    converted(folder, tmp_path / "out")
    for position in ("pos001", "pos002"):
        written = pixels(tmp_path / "out", position)
        for t, c, z in np.ndindex(written.shape[:3]):
            name = f"exp_{t + 1:06d}_{('Brightfield', 'GFP')[c]}_{z + 1:03d}.png"
            read = imagecodecs.png_decode((folder / position / name).read_bytes())
            assert (written[t, c, z] == read).all()


# ------------------------------------------------------------------------------------------ trust
@pytest.mark.parametrize("output_format", FORMATS)
def test_a_flipped_byte_anywhere_in_the_output_is_found(tmp_path, output_format):
    folder = experiment(tmp_path / "exp", times=1, sections=1)
    (folder / "metadata.yaml").write_text("title: T\n", encoding="utf-8")
    out = tmp_path / "out"
    converted(folder, out, "--format", output_format)
    chance = random.Random(3)
    for file in sorted(p for p in out.rglob("*") if p.is_file() and ".pyomero" not in p.parts):
        whole = file.read_bytes()
        for _ in range(3):
            spoilt = bytearray(whole)
            spoilt[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
            file.write_bytes(spoilt)
            report = pu.verify(out)
            assert not report.ok, file
            assert file.name.partition(".")[0] in " ".join(
                p.where + p.message for p in report.problems
            ), file
        file.write_bytes(whole)
    assert pu.verify(out).ok


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_flipped_pixel_is_named_by_image_and_index(tmp_path, output_format):
    folder = experiment(tmp_path / "exp", positions=["pos1"])
    out = tmp_path / "out"
    converted(folder, out, "--format", output_format, "--compression", "none")
    target = pixels(out, "pos1")[1, 1, 2].tobytes()
    (file,) = (p for p in out.rglob("*") if p.is_file() and target in p.read_bytes())
    content = bytearray(file.read_bytes())
    content[content.index(target) + 7] ^= 1
    file.write_bytes(content)
    done = pyomero("verify", out)
    assert done.exit_code == 1
    assert "pos1 t=1 c=1 z=2" in done.stderr


def test_a_letter_changed_in_the_xml_of_an_ome_tiff_is_found(described, tmp_path):
    converted(described, tmp_path / "out", "--format", "ome-tiff")
    file = tmp_path / "out/pos001.ome.tif"
    content = file.read_bytes()
    assert content.count(b'Name="Whi5-GFP"') == 1
    file.write_bytes(content.replace(b'Name="Whi5-GFP"', b'Name="Whi5-GFQ"'))
    done = pyomero("verify", tmp_path / "out")
    assert done.exit_code == 1
    assert "pos001.ome.tif" in done.stderr


def test_a_copy_of_an_output_elsewhere_is_verified_without_its_source(tmp_path):
    folder = experiment(tmp_path / "exp")
    converted(folder, tmp_path / "out")
    (tmp_path / "archive").mkdir()
    shutil.move(tmp_path / "out", tmp_path / "archive/moved")
    shutil.rmtree(folder)
    assert pyomero("verify", tmp_path / "archive/moved").exit_code == 0


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_file_that_is_gone_or_came_along_is_named(tmp_path, output_format):
    folder = experiment(tmp_path / "exp")
    out = tmp_path / "out"
    converted(folder, out, "--format", output_format)
    (out / "notes.txt").write_text("not ours")
    done = pyomero("verify", out)
    assert done.exit_code == 0
    assert "notes.txt" in done.stderr
    (out / "planes.csv").unlink()
    done = pyomero("verify", out)
    assert done.exit_code == 1
    assert "planes.csv" in done.stderr
