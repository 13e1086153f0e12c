"""Exports through the real client."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import omero
import omero.clients
import omero.model
import pytest
import tifffile

MakePixels = Callable[..., int]


def test_an_image_comes_out_as_ome_tiff(
    omero_client: Any, make_pixels: MakePixels, tmp_path: Path
) -> None:
    pixels_id = make_pixels(z=2, c=2, t=2, filled=True)
    query = omero_client.sf.getQueryService()
    pixels = query.get("Pixels", pixels_id)
    pixels.physicalSizeX = omero.model.LengthI(0.25, omero.model.enums.UnitsLength.MICROMETER)
    omero_client.sf.getUpdateService().saveObject(pixels)
    exporter = omero_client.sf.createExporter()
    exporter.addImage(pixels.image.id.val)
    size = exporter.generateTiff()
    parts = ((at, min(1000, size - at)) for at in range(0, size, 1000))
    data = b"".join(exporter.read(*part) for part in parts)
    (tmp_path / "a.ome.tiff").write_bytes(data)
    assert len(data) == size
    with tifffile.TiffFile(tmp_path / "a.ome.tiff") as tiff:
        values = tiff.asarray()
        xml = tiff.ome_metadata or ""
    ramps = [
        ((np.arange(48) * 3 + z * 5 + c * 7 + t * 11) % 120).reshape(6, 8)
        for t in range(2)
        for c in range(2)
        for z in range(2)
    ]
    assert (values.reshape(8, 6, 8) == np.stack(ramps)).all()
    assert 'PhysicalSizeX="0.25"' in xml
    exporter.close()


def test_the_xml_of_images_says_that_their_planes_are_elsewhere(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    query = omero_client.sf.getQueryService()
    images = [query.get("Pixels", make_pixels()).image.id.val for _ in range(2)]
    exporter = omero_client.sf.createExporter()
    for image in images:
        exporter.addImage(image)
    xml = exporter.read(0, exporter.generateXml()).decode()
    assert xml.startswith("<?xml")
    assert xml.count("<Image ") == xml.count("<MetadataOnly/>") == 2
    for size in ('SizeX="8"', 'SizeY="6"', 'SizeZ="2"', 'SizeC="2"', 'SizeT="2"'):
        assert xml.count(size) == 2


def test_planes_never_written_are_exported_as_nought(
    omero_client: Any, make_pixels: MakePixels, tmp_path: Path
) -> None:
    exporter = omero_client.sf.createExporter()
    pixels = omero_client.sf.getQueryService().get("Pixels", make_pixels())
    exporter.addImage(pixels.image.id.val)
    size = exporter.generateTiff()
    (tmp_path / "a.ome.tiff").write_bytes(exporter.read(0, size))
    assert not tifffile.imread(tmp_path / "a.ome.tiff").any()


def test_a_read_is_filled_up_where_the_file_ends_and_empty_behind(omero_client: Any) -> None:
    exporter = omero_client.sf.createExporter()
    size = exporter.generateXml()  # of no image
    whole = exporter.read(0, size)
    assert exporter.read(size - 2, 5) == whole[-2:] + b"\0\0\0"
    assert exporter.read(size, 5) == b""
    with pytest.raises(omero.InternalException, match="Max read size is: 1048576"):
        exporter.read(0, 1048577)


def test_wrong_calls_are_refused(omero_client: Any, make_pixels: MakePixels) -> None:
    exporter = omero_client.sf.createExporter()
    with pytest.raises(omero.ApiUsageException, match="Call a generate method first"):
        exporter.read(0, 1)
    with pytest.raises(omero.ApiUsageException, match="Only one image supported for TIFF, not 0"):
        exporter.generateTiff()
    pixels = omero_client.sf.getQueryService().get("Pixels", make_pixels(filled=True))
    exporter.addImage(pixels.image.id.val)
    exporter.addImage(2**40)
    with pytest.raises(omero.ApiUsageException, match=f"Cannot load image: {2**40}"):
        exporter.generateXml()
    other = omero_client.sf.createExporter()
    other.addImage(pixels.image.id.val)
    other.generateTiff()
    for call in (other.generateXml, other.generateTiff, lambda: other.addImage(1)):
        with pytest.raises(omero.ApiUsageException, match="Cannot configure during output"):
            call()
