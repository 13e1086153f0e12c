"""Whole uploads to a real server, read back through the real client."""

import numpy as np
import pytest

from plans import pixels_of, planned
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.transfer.upload import upload


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def conn(omero_client):
    return Connection.over(omero_client)


def read(gateway, image_id):
    """Return an Image's pixels, axes t, c, z, y, x."""
    image = gateway.getObject("Image", image_id)
    sizes = image.getSizeT(), image.getSizeC(), image.getSizeZ()
    indexes = [(z, c, t) for t in range(sizes[0]) for c in range(sizes[1]) for z in range(sizes[2])]
    planes = list(image.getPrimaryPixels().getPlanes(indexes))
    return np.stack(planes).reshape(*sizes, image.getSizeY(), image.getSizeX())


def test_every_position_becomes_an_image_with_the_pixels_of_its_files(tmp_path, conn, omero_conn):
    plan = planned(tmp_path / "in")
    report = upload(plan, conn)
    assert report.ok
    assert [(i.name, i.status, i.planes, i.verified) for i in report.images] == [
        ("pos001", "done", 12, True),
        ("pos002", "done", 12, True),
    ]
    for image, made in zip(plan.images, report.images, strict=True):
        np.testing.assert_array_equal(read(omero_conn, made.image_id), pixels_of(plan, image))
