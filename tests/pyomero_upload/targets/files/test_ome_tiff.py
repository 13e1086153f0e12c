"""OME-TIFF: pages from several threads, in order; read and validated by others."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import ome_types
import pytest
import tifffile
import xmlschema

from pyomero_upload.model import (
    Channel,
    Hypercube,
    PlaneIndex,
    PlaneInfo,
    PlaneSource,
    Point,
    Sizes,
)
from pyomero_upload.targets.files import ome_tiff
from pyomero_upload.targets.files.ome_tiff import OmeTiffWriter
from pyomero_upload.targets.files.ome_xml import ome_xml
from pyomero_upload.targets.target import Annotations, Plane, WriteAbortedError

SIZES = Sizes(2, 2, 3, 20, 30)
IMAGE = Hypercube(
    "pos 1",
    SIZES,
    "uint16",
    (
        Channel("Brightfield", exposure_ms=30.0),
        Channel(
            "GFP",
            label="Whi5-GFP",
            color="#00FF00",
            exposure_ms=60.0,
            excitation_nm=488.0,
            emission_nm=509.0,
            em_gain=270.0,
            voltage_v=3.5,
        ),
    ),
    {PlaneIndex(0, 0, 0): PlaneSource("a.png")},
    physical_size_um=Point(0.2, 0.25, 0.6),
    time_increment_s=300.0,
    stage=Point(1000.0, -2000.0, 3.0),
    acquired=datetime(2026, 3, 2, 9, 30, tzinfo=timezone.utc),
    plane_infos={
        PlaneIndex(1, 1, 2): PlaneInfo(
            delta_t_s=305.5, exposure_ms=61.0, stage=Point(1.0, 2.0, 4.2)
        )
    },
)
ANNOTATIONS = Annotations(
    creator="A test",
    description="Yeast & <salt>\nsecond line \x01",
    tags=("yeast", "salt stress"),
    key_values=(("strain", "BY4741"), ("strain", "a second value")),
    provenance=(("Tool", "PyOmeroUpload"),),
)


def pixels_of(image):
    return (np.random.default_rng(7).random(tuple(image.sizes)) * 200).astype(image.dtype)


def write(file, image, pixels, compression="none"):
    writer = OmeTiffWriter(
        file, "x.ome.tif", image, compression=compression, annotations=ANNOTATIONS
    )
    notes = {
        b.number: writer.write(b, [Plane(i, pixels[i]) for i in b.indexes]) for b in writer.blocks
    }
    return writer.finish(notes)


@pytest.mark.parametrize("compression", ["none", "deflate", "zstd"])
@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"]
)
def test_every_type_and_compression_comes_back_as_it_was(tmp_path, dtype, compression):
    image = replace(IMAGE, dtype=dtype)
    pixels = pixels_of(image)
    write(tmp_path / "x.ome.tif", image, pixels, compression)
    with tifffile.TiffFile(tmp_path / "x.ome.tif") as tiff:
        assert tiff.is_ome
        assert tiff.series[0].axes == "TCZYX"
        back = tiff.series[0].asarray()
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, pixels)


def test_threads_that_come_in_any_order_write_pages_in_theirs(tmp_path, monkeypatch):
    monkeypatch.setattr(ome_tiff, "BLOCK_BYTES", 1)
    pixels = pixels_of(IMAGE)
    writer = OmeTiffWriter(
        tmp_path / "x.tif", "x", IMAGE, compression="zstd", annotations=ANNOTATIONS
    )
    assert len(writer.blocks) == 12
    with ThreadPoolExecutor(12) as pool:
        list(
            pool.map(
                lambda b: writer.write(b, [Plane(i, pixels[i]) for i in b.indexes]),
                reversed(writer.blocks),
            )
        )
    writer.finish({})
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "x.tif").reshape(pixels.shape), pixels)


def test_blocks_hold_as_many_pages_as_fit_and_whole_stacks_behind_a_processor(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(ome_tiff, "BLOCK_BYTES", 5 * 20 * 30 * 2)
    runs = OmeTiffWriter(
        tmp_path / "a.tif", "a", IMAGE, compression="none", annotations=ANNOTATIONS
    )
    assert [len(block.indexes) for block in runs.blocks] == [5, 5, 2]
    stacks = OmeTiffWriter(
        tmp_path / "b.tif",
        "b",
        replace(IMAGE, planes={}),
        compression="none",
        annotations=ANNOTATIONS,
    )
    assert [len(block.indexes) for block in stacks.blocks] == [3, 3, 3, 3]
    runs.abort()
    stacks.abort()


def test_giving_up_lets_those_go_who_wait_for_their_turn(tmp_path, monkeypatch):
    monkeypatch.setattr(ome_tiff, "BLOCK_BYTES", 1)
    writer = OmeTiffWriter(
        tmp_path / "x.tif", "x", IMAGE, compression="none", annotations=ANNOTATIONS
    )
    pixels = pixels_of(IMAGE)
    waiting = threading.Event()

    def planes():
        yield Plane(PlaneIndex(0, 0, 1), pixels[0, 0, 1])
        waiting.set()

    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(writer.write, writer.blocks[1], planes())
        waiting.wait()
        writer.abort()
        with pytest.raises(WriteAbortedError):
            late.result()
    assert not (tmp_path / "x.tif").exists()


def test_what_could_not_be_addressed_otherwise_becomes_bigtiff(tmp_path, monkeypatch):
    monkeypatch.setattr(ome_tiff, "LARGEST_CLASSIC", 1000)
    pixels = pixels_of(IMAGE)
    write(tmp_path / "x.ome.tif", IMAGE, pixels)
    with tifffile.TiffFile(tmp_path / "x.ome.tif") as tiff:
        assert tiff.is_bigtiff
        np.testing.assert_array_equal(tiff.asarray(), pixels)


@pytest.fixture(scope="module")
def schema():
    return xmlschema.XMLSchema(Path(ome_types.__file__).parent / "ome-2016-06.xsd")


def test_the_xml_is_valid_against_the_ome_schema(schema):
    schema.validate(ome_xml(IMAGE, ANNOTATIONS))


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "int16", "uint32", "int32", "float32", "float64"]
)
def test_an_image_of_which_nothing_is_known_is_valid_too(schema, dtype):
    image = Hypercube("\x00\udc80\n]]>", Sizes(1, 1, 1, 2, 2), dtype, (Channel(""),), {})
    schema.validate(ome_xml(image, Annotations()))


def test_the_xml_says_all_that_is_known(tmp_path):
    write(tmp_path / "x.ome.tif", IMAGE, pixels_of(IMAGE))
    ome = ome_types.from_tiff(tmp_path / "x.ome.tif")
    (image,) = ome.images
    pixels = image.pixels
    assert (image.name, image.description) == ("pos 1", "Yeast & <salt>\nsecond line \ufffd")
    assert image.acquisition_date.isoformat().startswith("2026-03-02T09:30")
    assert (pixels.physical_size_x, pixels.physical_size_y, pixels.physical_size_z) == (
        0.2,
        0.25,
        0.6,
    )
    assert pixels.time_increment == 300.0
    bright, gfp = pixels.channels
    assert (bright.name, gfp.name, gfp.color.as_hex()) == ("Brightfield", "Whi5-GFP", "#0f0")
    assert (gfp.excitation_wavelength, gfp.emission_wavelength, gfp.detector_settings.gain) == (
        488.0,
        509.0,
        270.0,
    )
    plane = next(p for p in pixels.planes if (p.the_t, p.the_c, p.the_z) == (1, 1, 2))
    assert (plane.delta_t, plane.exposure_time, plane.exposure_time_unit.value) == (
        305.5,
        61.0,
        "ms",
    )
    assert (plane.position_x, plane.position_y, plane.position_z) == (1.0, 2.0, 4.2)
    first = pixels.planes[0]
    assert (first.delta_t, first.exposure_time, first.position_x) == (None, 30.0, 1000.0)
    by_id = {annotation.id: annotation for annotation in ome.structured_annotations}
    said = [by_id[ref.id] for ref in image.annotation_refs]
    assert [a.value for a in said[:2]] == ["yeast", "salt stress"]
    assert [(m.k, m.value) for m in said[2].value.ms] == [
        ("strain", "BY4741"),
        ("strain", "a second value"),
    ]
    assert [(m.k, m.value) for m in said[3].value.ms] == [("Tool", "PyOmeroUpload")]
    extra = by_id[gfp.annotation_refs[0].id]
    assert {m.k: m.value for m in extra.value.ms} == {
        "name in the files": "GFP",
        "LED voltage (V)": "3.5",
    }


def test_the_resolution_is_in_the_tags_too(tmp_path):
    write(tmp_path / "x.ome.tif", IMAGE, pixels_of(IMAGE))
    with tifffile.TiffFile(tmp_path / "x.ome.tif") as tiff:
        assert tiff.pages[0].get_resolution("MICROMETER") == pytest.approx((5.0, 4.0))
