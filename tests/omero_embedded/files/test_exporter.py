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
    data = b"".join(exporter.read(at, 1000) for at in range(0, size, 1000))
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
    assert exporter.generateXml() > 0
    assert exporter.read(0, 5) == b"<?xml"
    exporter.close()


def test_wrong_calls_are_refused(omero_client: Any, make_pixels: MakePixels) -> None:
    exporter = omero_client.sf.createExporter()
    with pytest.raises(omero.ApiUsageException):
        exporter.generateTiff()
    with pytest.raises(omero.ValidationException):
        exporter.addImage(2**40)
    pixels = omero_client.sf.getQueryService().get("Pixels", make_pixels())
    exporter.addImage(pixels.image.id.val)
    with pytest.raises(omero.ApiUsageException):
        exporter.addImage(pixels.image.id.val)
    with pytest.raises(omero.ApiUsageException):
        exporter.read(0, 1)
    with pytest.raises(omero.LockTimeout):
        exporter.generateTiff()
