"""OME-Zarr: written plane by plane, read and validated by others."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import ome_types
import pytest
import tensorstore
import xmlschema
import yaozarrs

from pyomero_upload.model import Channel, Hypercube, PlaneIndex, Point, Roi, Shape, Sizes
from pyomero_upload.targets.digest import plane_digest, zeros_digest
from pyomero_upload.targets.files.ome_zarr import OmeZarrWriter
from pyomero_upload.targets.files.pyramid import halve
from pyomero_upload.targets.target import Annotations, Plane

IMAGE = Hypercube(
    "pos 1",
    Sizes(2, 2, 3, 20, 30),
    "uint16",
    (Channel("Brightfield"), Channel("GFP", label="Whi5-GFP", color="#00ff00")),
    {},
    physical_size_um=Point(0.2, 0.25, 0.6),
    time_increment_s=300.0,
    stage=Point(1000.0, -2000.0, 3.0),
)


def pixels_of(image, dtype=None):
    sizes = image.sizes
    rng = np.random.default_rng(7)
    return (rng.random(tuple(sizes)) * 200).astype(dtype or image.dtype)


def write(folder, image, pixels, *, levels=0, compression="lz4", notes=None, skip=()):
    """Write all blocks that are not complete; return the writer, its notes, and what finish says."""
    writer = OmeZarrWriter(
        folder,
        "out.ome.zarr",
        image,
        levels=levels,
        compression=compression,
        notes=notes or {},
        annotations=Annotations(tags=("yeast",)),
    )
    done = dict(writer.complete)
    for block in writer.blocks:
        if block.number not in done:
            # Any order will do.
            done[block.number] = writer.write(
                block, [Plane(i, None if i in skip else pixels[i]) for i in reversed(block.indexes)]
            )
    return writer, done, writer.finish(done)


def read(folder, level="0"):
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(folder / level)}}
    return tensorstore.open(spec).result().read().result()


@pytest.mark.parametrize("compression", ["lz4", "zstd", "none"])
@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"]
)
def test_every_type_and_compression_comes_back_as_it_was(tmp_path, dtype, compression):
    image = replace(IMAGE, dtype=dtype)
    pixels = pixels_of(image)
    write(tmp_path, image, pixels, compression=compression)
    back = read(tmp_path)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, pixels)


def test_a_time_point_is_one_file(tmp_path):
    writer, _, finished = write(tmp_path, IMAGE, pixels_of(IMAGE))
    assert [len(block.indexes) for block in writer.blocks] == [6, 6]
    assert [file.path for file in finished.files] == [
        "zarr.json",
        "0/zarr.json",
        "0/c/0/0/0/0/0",
        "0/c/1/0/0/0/0",
    ]
    assert {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()} == {
        file.path for file in finished.files
    }


def test_planes_that_do_not_exist_are_zeros_and_take_no_room(tmp_path):
    pixels = pixels_of(IMAGE)
    gap = PlaneIndex(1, 0, 2)
    write(tmp_path / "a", IMAGE, pixels)
    write(tmp_path / "b", IMAGE, pixels, skip=[gap])
    pixels[gap] = 0
    np.testing.assert_array_equal(read(tmp_path / "b"), pixels)
    shard = "0/c/1/0/0/0/0"
    assert (tmp_path / "b" / shard).stat().st_size < (tmp_path / "a" / shard).stat().st_size


def test_large_planes_are_cut_into_equal_chunks(tmp_path):
    image = Hypercube("big", Sizes(1, 1, 1, 1030, 2050), "uint16", (Channel("c"),), {})
    pixels = pixels_of(image)
    write(tmp_path, image, pixels)
    document = json.loads((tmp_path / "0/zarr.json").read_text())
    assert document["codecs"][0]["configuration"]["chunk_shape"] == [1, 1, 1, 515, 684]
    np.testing.assert_array_equal(read(tmp_path), pixels)


def test_levels_hold_means_and_their_digests_are_noted(tmp_path):
    pixels = pixels_of(IMAGE)
    gap = PlaneIndex(0, 0, 0)
    _, notes, finished = write(tmp_path, IMAGE, pixels, levels=2, skip=[gap])
    pixels[gap] = 0
    assert [(level.path, level.y, level.x) for level in finished.levels] == [
        ("0", 20, 30),
        ("1", 10, 15),
        ("2", 5, 8),
    ]
    first, second = read(tmp_path, "1"), read(tmp_path, "2")
    np.testing.assert_array_equal(first[1, 1, 2], halve(pixels[1, 1, 2]))
    np.testing.assert_array_equal(second[1, 1, 2], halve(first[1, 1, 2]))
    assert notes[0].level_digests[0][0] == zeros_digest(10, 15, "uint16")
    assert notes[1].level_digests[1][-1] == plane_digest(second[1, 1, 2])


def test_axes_scale_and_translation_say_where_and_when_the_pixels_are(tmp_path):
    write(tmp_path, IMAGE, pixels_of(IMAGE), levels=1)
    scales = json.loads((tmp_path / "zarr.json").read_text())["attributes"]["ome"]["multiscales"][0]
    assert scales["name"] == "pos 1"
    assert [(a["name"], a.get("unit")) for a in scales["axes"]] == [
        ("t", "second"),
        ("c", None),
        ("z", "micrometer"),
        ("y", "micrometer"),
        ("x", "micrometer"),
    ]
    full, half = (data["coordinateTransformations"] for data in scales["datasets"])
    assert full == [
        {"type": "scale", "scale": [300.0, 1.0, 0.6, 0.25, 0.2]},
        {"type": "translation", "translation": [0.0, 0.0, 3.0, -2000.0, 1000.0]},
    ]
    # The centre of the first pixel of a level is the centre of the four it is made of.
    assert half == [
        {"type": "scale", "scale": [300.0, 1.0, 0.6, 0.5, 0.4]},
        {"type": "translation", "translation": [0.0, 0.0, 3.0, -1999.875, 1000.1]},
    ]


def test_what_is_unknown_has_no_unit_and_no_place(tmp_path):
    image = Hypercube(
        "x", Sizes(1, 1, 1, 4, 4), "uint8", (Channel("c"),), {}, stage=Point(5.0, 6.0, 7.0)
    )
    write(tmp_path, image, pixels_of(image))
    scales = json.loads((tmp_path / "zarr.json").read_text())["attributes"]["ome"]["multiscales"][0]
    assert all("unit" not in axis for axis in scales["axes"])
    assert scales["datasets"][0]["coordinateTransformations"][1]["translation"] == [0.0] * 5


def test_channels_have_names_colours_and_the_range_of_their_values(tmp_path):
    pixels = pixels_of(IMAGE)
    pixels[:, 1] += 1000
    pixels[1, 1, 2, 3, 3] = 60000
    write(tmp_path, IMAGE, pixels)
    bright, gfp = json.loads((tmp_path / "zarr.json").read_text())["attributes"]["ome"]["omero"][
        "channels"
    ]
    assert (bright["label"], bright["color"]) == ("Brightfield", "FFFFFF")
    assert (gfp["label"], gfp["color"]) == ("Whi5-GFP", "00FF00")
    assert (gfp["window"]["min"], gfp["window"]["max"]) == (pixels[:, 1].min(), 60000)
    assert 1000 <= gfp["window"]["start"] < gfp["window"]["end"] <= 1200


def test_not_a_number_does_not_count_among_values(tmp_path):
    image = Hypercube("x", Sizes(1, 2, 1, 2, 2), "float32", (Channel("a"), Channel("b")), {})
    pixels = np.zeros(tuple(image.sizes), "float32")
    pixels[0, 0, 0] = [[np.nan, 2], [3, np.inf]]
    pixels[0, 1] = np.nan
    write(tmp_path, image, pixels)
    first, second = json.loads((tmp_path / "zarr.json").read_text())["attributes"]["ome"]["omero"][
        "channels"
    ]
    assert (first["window"]["min"], first["window"]["max"]) == (2.0, 3.0)
    assert second["window"]["min"] < second["window"]["max"]
    np.testing.assert_array_equal(read(tmp_path), pixels)


def test_blocks_of_an_earlier_run_are_taken_over_when_their_files_are_as_noted(tmp_path):
    pixels = pixels_of(IMAGE)
    _, notes, _ = write(tmp_path, IMAGE, pixels)
    again = OmeZarrWriter(
        tmp_path,
        "x",
        IMAGE,
        levels=0,
        compression="lz4",
        notes=notes,
        annotations=Annotations(),
    )
    assert again.complete == notes


@pytest.mark.parametrize("damage", ["removed", "cut off", "one bit"])
def test_a_block_whose_file_is_not_as_noted_is_written_again(tmp_path, damage):
    pixels = pixels_of(IMAGE)
    _, notes, _ = write(tmp_path, IMAGE, pixels)
    shard = tmp_path / "0/c/1/0/0/0/0"
    content = bytearray(shard.read_bytes())
    if damage == "removed":
        shard.unlink()
    elif damage == "cut off":
        shard.write_bytes(content[:-1])
    else:
        content[100] ^= 1
        shard.write_bytes(content)
    writer, _, _ = write(tmp_path, IMAGE, pixels, notes=notes)
    assert set(writer.complete) == {0}
    np.testing.assert_array_equal(read(tmp_path), pixels)


def test_others_find_it_valid(tmp_path):
    pytest.importorskip("zarr", minversion="3")
    folder = tmp_path / "image.ome.zarr"
    write(folder, IMAGE, pixels_of(IMAGE), levels=2)
    yaozarrs.validate_zarr_store(folder)


def test_rois_are_in_ome_xml_beside_the_pixels(tmp_path):
    rois = (Roi("cell", "", (Shape("Point", (("x", 1.0), ("y", 2.0))),)),)
    folder = tmp_path / "image.ome.zarr"
    *_, finished = write(folder, replace(IMAGE, rois=rois), pixels_of(IMAGE))
    assert "OME/METADATA.ome.xml" in {file.path for file in finished.files}
    ome = ome_types.from_xml(folder / "OME" / "METADATA.ome.xml")
    (image,) = ome.images
    assert image.name == IMAGE.name
    assert image.pixels.metadata_only
    assert not image.pixels.tiff_data_blocks
    assert [ref.id for ref in image.roi_refs] == [roi.id for roi in ome.rois] == ["ROI:0"]
    assert [(p.x, p.y) for p in ome.rois[0].union] == [(1.0, 2.0)]
    assert ome.structured_annotations.tag_annotations[0].value == "yeast"
    xmlschema.XMLSchema(Path(ome_types.__file__).parent / "ome-2016-06.xsd").validate(ome.to_xml())
    yaozarrs.validate_zarr_store(folder)


def test_without_rois_there_is_no_ome_xml(tmp_path):
    write(tmp_path, IMAGE, pixels_of(IMAGE))
    assert not (tmp_path / "OME").exists()


def test_zarr_python_and_ome_zarr_models_read_it(tmp_path):
    zarr = pytest.importorskip("zarr", minversion="3")
    models = pytest.importorskip("ome_zarr_models.v05")
    folder = tmp_path / "image.ome.zarr"
    pixels = pixels_of(IMAGE)
    write(folder, IMAGE, pixels, levels=1)
    group = zarr.open_group(folder, mode="r")
    np.testing.assert_array_equal(group["0"][:], pixels)
    assert models.Image.from_zarr(group).ome_attributes.multiscales[0].name == "pos 1"


def test_ome_zarr_py_reads_it(tmp_path):
    io = pytest.importorskip("ome_zarr.io")
    reader = pytest.importorskip("ome_zarr.reader")
    folder = tmp_path / "image.ome.zarr"
    pixels = pixels_of(IMAGE)
    write(folder, IMAGE, pixels)
    (node,) = reader.Reader(io.parse_url(folder))()
    np.testing.assert_array_equal(np.asarray(node.data[0]), pixels)
