"""Planes back from the server: each as it was written, however many are asked for, by however many threads."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from omero_samples import Samples, pixels_of
from pyomero_upload.model import PlaneIndex, Sizes
from pyomero_upload.targets.omero import raw_planes
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.raw_planes import PixelSource, StoredPixels
from pyomero_upload.targets.omero.reading import read_image


@pytest.fixture
def samples(omero_client):
    return Samples(omero_client)


@pytest.fixture
def source(omero_client):
    with PixelSource(Connection.over(omero_client)) as source:
        yield source


def everything(pixels):
    t, c, z = pixels.shape[:3]
    return [PlaneIndex(ti, ci, zi) for ti in range(t) for ci in range(c) for zi in range(z)]


def stored(source, image):
    return read_image(source._connection, image).pixels


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"]
)
def test_planes_of_every_type_come_back_as_they_were(samples, source, dtype):
    pixels = pixels_of(1, dtype=dtype)
    found = source.planes(stored(source, samples.image(pixels)), everything(pixels))
    np.testing.assert_array_equal(np.reshape(found, pixels.shape), pixels)
    assert found[0].dtype == pixels.dtype


@pytest.mark.parametrize(
    "wanted",
    [
        [(1, 1, 2)],
        [(0, 0, 0), (0, 0, 1), (0, 0, 2)],
        [(0, 1, 2), (1, 0, 0), (1, 0, 1), (1, 0, 2), (1, 1, 0), (1, 1, 1), (1, 1, 2)],
        [(1, 0, 2), (1, 0, 1), (1, 0, 0)],
    ],
)
def test_whatever_is_asked_for_comes_in_the_order_asked_for(samples, source, wanted):
    pixels = pixels_of(2)
    indexes = [PlaneIndex(*index) for index in wanted]
    found = source.planes(stored(source, samples.image(pixels)), indexes)
    np.testing.assert_array_equal(found, [pixels[index] for index in indexes])


def test_a_region_of_a_plane_comes_alone(samples, source):
    pixels = pixels_of(3)
    where = stored(source, samples.image(pixels))
    found = source.region(where, PlaneIndex(1, 0, 2), slice(2, 5), slice(3, 9))
    np.testing.assert_array_equal(found, pixels[1, 0, 2, 2:5, 3:9])


def test_planes_too_big_for_a_message_come_in_strips(samples, source, monkeypatch):
    pixels = pixels_of(4, (1, 1, 2, 30, 10))
    where = stored(source, samples.image(pixels))
    monkeypatch.setattr(raw_planes, "MESSAGE_BYTES", 7 * 20)
    found = source.planes(where, everything(pixels))
    np.testing.assert_array_equal(found, pixels[0, 0])


def test_big_images_that_the_server_keeps_in_tiles_come_back(samples, source):
    pixels = pixels_of(5, (1, 1, 1, 3200, 3200), "uint8")
    kind = samples.query.findByString("PixelsType", "value", "uint8")
    service = samples.client.sf.getPixelsService()
    image = service.createImage(3200, 3200, 1, 1, [0], kind, "big", "").val
    store = samples.client.sf.createRawPixelsStore()
    store.setPixelsId(samples.pixels(image).id.val, False)
    for y in range(0, 3200, 256):
        for x in range(0, 3200, 256):
            tile = pixels[0, 0, 0, y : y + 256, x : x + 256]
            height, width = tile.shape
            store.setTile(tile.tobytes(), 0, 0, 0, x, y, width, height)
    store.close()
    (found,) = source.planes(stored(source, image), [PlaneIndex(0, 0, 0)])
    np.testing.assert_array_equal(found, pixels[0, 0, 0])


def test_the_digest_is_the_servers(samples, source):
    where = stored(source, samples.image(pixels_of(6)))
    noted = samples.client.sf.getQueryService().get("Pixels", where.id).sha1.val
    assert source.digest(where.id) == noted


def test_many_threads_read_at_once_and_no_store_answers_two_of_them(samples, source):
    pixels = pixels_of(7, (6, 2, 3, 8, 10))
    where = stored(source, samples.image(pixels))
    barrier = threading.Barrier(4)

    def read(t):
        if t < 4:
            barrier.wait()
        return source.planes(where, [PlaneIndex(t, c, z) for c in (0, 1) for z in (0, 1, 2)])

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(read, range(6)))
    np.testing.assert_array_equal(np.reshape(found, pixels.shape), pixels)


def test_stores_of_images_that_are_done_with_are_closed(samples, source):
    images = [samples.image(pixels_of(n)) for n in (8, 9, 10)]
    for image in images:
        source.planes(stored(source, image), [PlaneIndex(0, 0, 0)])
    open_now = [s for s in samples.client.sf.activeServices() if "RawPixelsStore" in s]
    assert len(open_now) == 1
    source.close()
    assert not [s for s in samples.client.sf.activeServices() if "RawPixelsStore" in s]


def test_a_store_that_failed_is_not_used_again(samples, source):
    where = stored(source, samples.image(pixels_of(11)))
    with pytest.raises(Exception, match="greater than"):
        source.planes(where, [PlaneIndex(9, 0, 0)])
    assert not [s for s in samples.client.sf.activeServices() if "RawPixelsStore" in s]
    assert len(source.planes(where, [PlaneIndex(0, 0, 0)])) == 1


def test_after_a_drop_planes_are_read_through_the_new_client(samples, omero_new_user):
    settings_of = omero_new_user()
    client = settings_of.log_in()
    pixels = pixels_of(12)
    image = Samples(client).image(pixels)
    connection = Connection.over(client)
    connection.detach()
    with PixelSource(connection) as source:
        where = read_image(connection, image).pixels
        source.planes(where, [PlaneIndex(0, 0, 0)])
        connection.rejoin()
        (found,) = source.planes(where, [PlaneIndex(1, 1, 2)])
    np.testing.assert_array_equal(found, pixels[1, 1, 2])
    connection.close()


def test_sizes_say_how_many_bytes_a_plane_takes():
    assert StoredPixels(1, Sizes(1, 1, 1, 3, 4), "uint16").plane_bytes == 24
