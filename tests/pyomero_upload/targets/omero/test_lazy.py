"""Lazy arrays: the pixels of the server, read when computed, and no more of them than is asked for."""

import gc

import numpy as np
import omero.model
import pytest
from omero.rtypes import rstring

from omero_samples import Samples, pixels_of
from pyomero_upload.errors import PyomeroError
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.lazy import lazy_array, lazy_image
from pyomero_upload.targets.omero.raw_planes import PixelSource

pytest.importorskip("dask")
pytest.importorskip("xarray")


@pytest.fixture
def samples(omero_client):
    return Samples(omero_client)


@pytest.fixture
def conn(omero_client):
    return Connection.over(omero_client)


@pytest.fixture
def read(monkeypatch):
    """Give the list of planes that were asked of the server."""
    asked = []

    def noting(method):
        def note(self, pixels, which, *rest):
            asked.extend([which] if rest else which)
            return method(self, pixels, which, *rest)

        return note

    for name in ("planes", "region"):
        monkeypatch.setattr(PixelSource, name, noting(getattr(PixelSource, name)))
    return asked


def test_an_array_has_the_pixels_of_the_image(samples, conn):
    pixels = pixels_of(1)
    array = lazy_array(conn, samples.image(pixels))
    assert (array.shape, array.dtype) == (pixels.shape, pixels.dtype)
    np.testing.assert_array_equal(array.compute(), pixels)


@pytest.mark.parametrize(
    "part",
    [
        np.s_[0],
        np.s_[1, 0, 2],
        np.s_[:, 1, :, 2:5, 3:9],
        np.s_[..., ::-1, ::3],
        np.s_[1, 1, 0, 7],
        np.s_[:, :, :, 0:0],
        np.s_[:, [1, 0]],
    ],
)
def test_any_part_is_what_numpy_would_take(samples, conn, part):
    pixels = pixels_of(2)
    array = lazy_array(conn, samples.image(pixels))
    np.testing.assert_array_equal(array[part].compute(), pixels[part])


def test_nothing_is_read_before_it_is_computed_and_then_what_is_asked_for_alone(
    samples, conn, read
):
    array = lazy_array(conn, samples.image(pixels_of(3)))
    part = array[1, :, 2]
    assert read == []
    part.compute(scheduler="threads")
    assert sorted(read) == [(1, 0, 2), (1, 1, 2)]


def test_dimensions_have_names_and_coordinates_where_the_server_knows_them(samples, conn):
    image = samples.image(pixels_of(4), "cells")
    pixels = samples.pixels(image)
    pixels.physicalSizeX = omero.model.LengthI(0.5, "MICROMETER")
    pixels.copyChannels()[0].logicalChannel.name = rstring("DIC")
    pixels.copyChannels()[1].logicalChannel.name = rstring("GFP")
    samples.update.saveObject(pixels)
    for t, seconds in ((0, 3.0), (1, 303.5)):
        samples.plane_info(image, t, 0, 0, deltaT=omero.model.TimeI(seconds, "SECOND"))
    found = lazy_image(conn, image)
    assert found.dims == ("t", "c", "z", "y", "x")
    assert found.name == "cells"
    assert list(found.c.values) == ["DIC", "GFP"]
    assert list(found.t.values) == [3.0, 303.5]
    assert found.t.attrs["units"] == "s"
    assert list(found.x.values[:3]) == [0.0, 0.5, 1.0]
    # Nobody knows how far apart its sections are.
    assert "z" not in found.coords
    np.testing.assert_array_equal(found.sel(c="GFP").isel(t=1), pixels_of(4)[1, 1])


def test_without_times_of_planes_the_increment_counts(samples, conn):
    image = samples.image(pixels_of(5))
    pixels = samples.pixels(image)
    pixels.timeIncrement = omero.model.TimeI(5.0, "MINUTE")
    samples.update.saveObject(pixels)
    assert list(lazy_image(conn, image).t.values) == [0.0, 300.0]


def test_when_nobody_has_the_array_any_more_the_server_has_no_open_store(samples, conn):
    array = lazy_array(conn, samples.image(pixels_of(6)))
    array.compute()
    del array
    gc.collect()
    assert not [s for s in samples.client.sf.activeServices() if "RawPixelsStore" in s]


def test_an_image_that_is_still_being_written_is_not_touched(samples, conn):
    kind = samples.query.findByString("PixelsType", "value", "uint8")
    service = samples.client.sf.getPixelsService()
    empty = service.createImage(4, 3, 1, 1, [0], kind, "empty", "").val
    with pytest.raises(PyomeroError, match="is not complete"):
        lazy_array(conn, empty)
    # Who writes it still can.
    store = samples.client.sf.createRawPixelsStore()
    store.setPixelsId(samples.pixels(empty).id.val, False)
    store.setPlane(bytes(12), 0, 0, 0)
    store.close()
