"""The real data, uploaded by one command: everything that a careful curator would have made is on the server."""

import csv
import hashlib
import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import ezomero
import numpy as np
import pytest
from PIL import Image

from upload_lab import KEY_VALUES, PROVENANCE, Lab, annotations, asked, pairs, pixels_on_server

CHANNELS = ["Brightfield", "DIC", "GFP"]
TAGS = {"28-Sep-2018", "Batgirl"}


class Uploaded(NamedTuple):
    """The upload of the demo data: who, what was printed, and an open connection."""

    lab: Lab
    document: dict[str, Any]
    conn: Any

    @property
    def dataset(self) -> Any:
        return self.conn.getObject("Dataset", self.document["dataset"]["id"])

    @property
    def images(self) -> dict[str, Any]:
        return {image.getName(): image for image in self.dataset.listChildren()}


@pytest.fixture(scope="module")
def uploaded(omero_server, demo, tmp_path_factory):
    lab = Lab.found(omero_server, tmp_path_factory.mktemp("home"))
    document = lab.uploaded(demo)
    with lab.gateway() as conn:
        yield Uploaded(lab, document, conn)


def expected_pixels(demo: Path, position: str) -> np.ndarray[Any, Any]:
    """Read a position's files with Pillow; axes t, c, z, y, x."""
    return np.stack(
        [
            [
                [
                    np.asarray(Image.open(demo / position / f"microscope1_{t:06d}_{c}_{z:03d}.png"))
                    for z in range(1, 6)
                ]
                for c in CHANNELS
            ]
            for t in range(1, 4)
        ]
    )


@pytest.mark.parametrize("position", ["pos001", "pos002"])
def test_every_plane_is_that_of_its_file(uploaded, demo, position):
    image = uploaded.images[position]
    assert image.getPixelsType() == "uint16"
    wanted = expected_pixels(demo, position)
    assert (pixels_on_server(image) == wanted).all()
    # and through another client: ezomero gives x, y, z, c, t
    _, read = ezomero.get_image(uploaded.conn, image.getId())
    assert (np.moveaxis(read, [0, 1, 2, 3, 4], [0, 2, 3, 4, 1]) == wanted).all()


def test_the_document_is_what_the_server_holds(uploaded, demo):
    document = uploaded.document
    assert set(document) == {"dataset", "images", "problems"}
    assert set(document["dataset"]) == {"id", "name", "url"}
    assert document["dataset"]["name"] == uploaded.dataset.getName() == demo.name
    assert document["dataset"]["url"].endswith(f"show=dataset-{document['dataset']['id']}")
    assert [i["name"] for i in document["images"]] == ["pos001", "pos002"]
    for said in document["images"]:
        assert set(said) == {"id", "name", "planes", "sha1", "verified"}
        image = uploaded.images[said["name"]]
        assert (said["id"], said["planes"], said["verified"]) == (image.getId(), 45, True)
        wanted = expected_pixels(demo, said["name"]).astype(">u2")
        assert said["sha1"] == hashlib.sha1(wanted.tobytes()).hexdigest()
        assert said["sha1"] == image.getPrimaryPixels().getSha1()


def test_channels_have_names_colours_wavelengths_and_gain(uploaded):
    for image in uploaded.images.values():
        channels = image.getChannels()
        assert [c.getLabel() for c in channels] == CHANNELS
        brightfield, dic, gfp = channels
        red, green, blue = gfp.getColor().getRGB()
        assert green > max(red, blue)
        for grey in (brightfield, dic):
            assert len(set(grey.getColor().getRGB())) == 1
        assert 450 <= gfp.getExcitationWave() <= 500 < gfp.getEmissionWave() <= 550
        assert brightfield.getEmissionWave() is None
        for channel in channels:
            settings = channel.getLogicalChannel().getDetectorSettings()
            assert settings._obj.gain.val == 270


def test_sizes_and_times(uploaded):
    for image, moment in zip(
        (uploaded.images["pos001"], uploaded.images["pos002"]),
        ("2018-09-28T17:18:15", "2018-09-28T17:18:26"),
        strict=True,
    ):
        assert (image.getSizeT(), image.getSizeC(), image.getSizeZ()) == (3, 3, 5)
        assert (image.getSizeX(), image.getSizeY()) == (512, 512)
        z = image.getPixelSizeZ(units=True)
        assert (z.getValue(), z.getSymbol()) == (0.6, "µm")
        assert image.getPixelSizeX() is None  # nothing says it, and nothing is guessed
        increment = image.getPrimaryPixels()._obj.timeIncrement
        assert (increment.getValue(), increment.getSymbol()) == (300, "s")
        assert image.getAcquisitionDate() == datetime.fromisoformat(moment)


def test_every_plane_has_its_time_exposure_and_place_once(uploaded):
    for image, y in ((uploaded.images["pos001"], 10208.1), (uploaded.images["pos002"], 9805.6)):
        planes = {
            (p.theT, p.theC, p.theZ): p._obj for p in image.getPrimaryPixels().copyPlaneInfo()
        }
        rows = asked(
            uploaded.conn,
            "select o.theT, o.theC, o.theZ from PlaneInfo o "
            f"where {{own}} and o.pixels.image.id = {image.getId()}",
        )
        assert len(rows) == len(set(rows)) == 45
        assert set(planes) == {(t, c, z) for t in range(3) for c in range(3) for z in range(5)}
        for (t, c, _), info in planes.items():
            assert 300 * t <= info.deltaT.getValue() < 300 * t + 60
            assert info.deltaT.getSymbol() == info.exposureTime.getSymbol() == "s"
            if c < 2:
                assert info.exposureTime.getValue() == 0.03
            assert info.positionX.getValue() == 10846.5
            assert info.positionY.getValue() == y
            assert info.positionX.getSymbol() == "µm"


def test_statistics_are_the_real_extremes(uploaded, demo):
    for name, image in uploaded.images.items():
        pixels = expected_pixels(demo, name)
        for c, channel in enumerate(image.getChannels()):
            assert channel.getWindowMin() == pixels[:, c].min()
            assert channel.getWindowMax() == pixels[:, c].max()


def test_what_one_sees_first_is_not_black_nor_white(uploaded):
    for image in uploaded.images.values():
        for channel in image.getChannels():
            low, high = channel.getWindowStart(), channel.getWindowEnd()
            assert channel.getWindowMin() <= low < high <= channel.getWindowMax()
            assert channel.isActive()
        assert not image.isGreyscaleRenderingModel()
        thumbnail = np.asarray(Image.open(io.BytesIO(image.getThumbnail(96))).convert("L"))
        assert max(thumbnail.shape) == 96
        assert thumbnail.std() > 5
        rendered = np.asarray(image.renderImage(image.getSizeZ() // 2, 0).convert("L"))
        assert rendered.std() > 5


def test_description_tags_and_project(uploaded):
    dataset = uploaded.dataset
    assert "Compare morphology markers across microscopes" in dataset.getDescription()
    assert {t.getValue() for t in annotations(dataset, "TagAnnotation")} == TAGS
    assert [p.getName() for p in dataset.listParents()] == ["Morphology detection"]


def test_key_values_are_text_that_the_browser_can_edit(uploaded):
    assert len(annotations(uploaded.dataset, "MapAnnotation", KEY_VALUES)) == 1
    said = pairs(uploaded.dataset, KEY_VALUES)
    assert ("Strain", "Mig1-GFP") in said
    assert ("Strain", "Msn2-GFP") in said
    assert ("Microscope", "Microscope1") in said
    assert all(type(value) is str for _, value in said)
    for image in uploaded.images.values():
        assert ("Group", "1") in pairs(image, KEY_VALUES)
        assert ("Exposure of GFP (ms)", "7") in pairs(image, KEY_VALUES)


def test_tables_are_typed(uploaded):
    tables = {
        a.getFile().getName(): a.getFile()
        for a in annotations(uploaded.dataset, "FileAnnotation")
        if a.getFile().getMimetype() == "OMERO.tables"
    }
    assert len(tables) == 5
    rows = ezomero.get_table(uploaded.conn, _annotation_of(uploaded, "positions"))
    assert len(rows) == 25
    assert rows["Position name"].tolist() == [f"pos{n:03d}" for n in range(1, 26)]
    assert rows["X position"].dtype.kind == "f"
    assert rows["X position"].tolist()[:3] == [10846.5, 10846.5, 10479.3]
    assert rows["Group"].dtype.kind == "i"
    channels = ezomero.get_table(uploaded.conn, _annotation_of(uploaded, "channels"))
    assert channels["Channel name"].tolist() == CHANNELS
    assert channels["EM gain"].tolist() == [270, 270, 270]


def _annotation_of(uploaded: Uploaded, table: str) -> int:
    (found,) = (
        a.getId()
        for a in annotations(uploaded.dataset, "FileAnnotation")
        if a.getFile().getName() == table
    )
    return int(found)


def test_the_text_files_are_attached_byte_for_byte_with_a_checksum(uploaded, demo):
    attached = {
        a.getFile().getName(): a.getFile()
        for a in annotations(uploaded.dataset, "FileAnnotation")
        if a.getFile().getMimetype() != "OMERO.tables"
    }
    assert set(attached) == {path.name for path in demo.glob("*.txt")}
    for name, file in attached.items():
        content = (demo / name).read_bytes()
        assert b"".join(file.getFileInChunks()) == content
        assert file.getSize() == len(content)
        assert file.getHash() == hashlib.sha1(content).hexdigest()
        assert file.getMimetype() == "text/plain"
    hashers = asked(
        uploaded.conn,
        "select o.hasher.value from OriginalFile o where {own} and o.mimetype = 'text/plain'",
    )
    assert set(hashers) == {("SHA1-160",)}


def test_provenance_has_a_namespace_of_its_own(uploaded, demo):
    said = dict(pairs(uploaded.dataset, PROVENANCE))
    assert said["Tool"] == "PyOmeroUpload"
    assert "10.12688/wellcomeopenres.15853" in said["Tool DOI"]
    assert said["Source folder"] == str(demo)
    assert said["Plan digest"]
    assert said["State"] == "complete"
    for image in uploaded.images.values():
        said = dict(pairs(image, PROVENANCE))
        assert said["SHA-1 of all planes"] == image.getPrimaryPixels().getSha1()


def test_uploads_lists_it_as_complete(uploaded, demo):
    done = uploaded.lab.run("uploads", "--json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert f"{uploaded.document['dataset']['id']}" in done.stdout
    assert "complete" in uploaded.lab.run("uploads").stdout
    assert document


def test_verify_compares_everything_and_finds_nothing(uploaded, demo):
    dataset = f"Dataset:{uploaded.document['dataset']['id']}"
    done = uploaded.lab.run("verify", dataset, "--against", demo)
    assert done.returncode == 0, done.stderr
    assert "90 planes" in done.stdout


def test_a_report_with_pictures_lies_in_the_state_folder(uploaded):
    (page,) = uploaded.lab.state.rglob("report.html")
    text = page.read_text("utf-8")
    assert "pos001" in text
    assert "data:image/" in text
    assert uploaded.document["dataset"]["url"] in text


@pytest.mark.parametrize("form", ["ome-zarr", "ome-tiff"])
def test_what_went_in_comes_out(uploaded, demo, tmp_path, form):
    outside = pytest.importorskip("outside", reason="zarr 3 needs Python 3.11")
    dataset = f"Dataset:{uploaded.document['dataset']['id']}"
    done = uploaded.lab.run("get", dataset, tmp_path / "out", "--format", form)
    assert done.returncode == 0, done.stderr
    for position in ("pos001", "pos002"):
        read = outside.pixels(tmp_path / "out", position)
        assert (read == expected_pixels(demo, position)).all()
    for file in demo.glob("*.txt"):
        assert (tmp_path / "out/original" / file.name).read_bytes() == file.read_bytes()
    with (tmp_path / "out/tables/positions.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == 25
    assert float(rows[24]["Z position"]) == 3428.15
    assert uploaded.lab.run("verify", tmp_path / "out").returncode == 0
