"""Stores of one image, as a server wants them treated."""

import threading

import numpy as np
import pytest

from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.containers import ensure_dataset
from pyomero_upload.targets.omero.faults import Patience
from pyomero_upload.targets.omero.images import create_image
from pyomero_upload.targets.omero.stores import ClosedStores, Stores
from pyomero_upload.targets.target import ImageBrokenError, ImageLostError


@pytest.fixture
def patience(conn):
    return Patience(conn, seconds=5)


@pytest.fixture
def pixels(conn, plan):
    dataset = ensure_dataset(conn, plan, key="k", project=None)
    image = plan.images[0]
    return create_image(
        conn, image, dataset_id=dataset, key="k", inputs="i", metadata="m"
    ).pixels_id


def fill(stores, image):
    """Write every plane of an image, each in a call of its own."""
    plane = np.arange(image.sizes.y * image.sizes.x).astype(">u2").tobytes()
    for t, c, z in image.indexes():
        stores.call(lambda store, t=t, c=c, z=z: store.setPlane(plane, z, c, t))


def test_all_stores_write_and_the_image_is_saved(plan, patience, pixels):
    stores = Stores.open(patience, pixels, 3)
    assert len(set(stores.identities)) == 3
    assert not stores.pyramid
    fill(stores, plan.images[0])
    digest = stores.complete()
    assert len(digest) == 40
    assert ClosedStores(patience, pixels).complete() == digest


def test_no_store_has_two_calls_under_way(plan, patience, pixels):
    stores = Stores.open(patience, pixels, 2)
    lock, busy, worst = threading.Lock(), {}, []

    def write(store):
        identity = str(store)
        with lock:
            busy[identity] = busy.get(identity, 0) + 1
            worst.append((busy[identity], sum(busy.values())))
        store.getPlaneSize()
        with lock:
            busy[identity] -= 1

    threads = [
        threading.Thread(target=lambda: [stores.call(write) for _ in range(20)]) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(one for one, _ in worst) == 1
    assert max(all_together for _, all_together in worst) == 2
    assert len(worst) == 120


def test_after_a_failed_call_another_store_saves(plan, patience, pixels):
    stores = Stores.open(patience, pixels, 2)
    failed = []

    def short_once(store):
        if not failed:
            failed.append(store)
            store.setPlane(b"short", 0, 0, 0)
        plane = bytes(plan.images[0].sizes.y * plan.images[0].sizes.x * 2)
        store.setPlane(plane, 0, 0, 0)

    stores.call(short_once)
    fill(stores, plan.images[0])
    assert len(stores.complete()) == 40


def test_what_no_store_takes_breaks_the_image(patience, pixels):
    stores = Stores.open(patience, pixels, 2)
    with pytest.raises(ImageBrokenError, match="did not take the pixels") as error:
        stores.call(lambda store: store.setPlane(b"short", 0, 0, 0))
    assert not isinstance(error.value, ImageLostError)


def test_another_client_of_the_session_goes_on_with_the_same_stores(plan, conn, patience, pixels):
    stores = Stores.open(patience, pixels, 2)
    fill(stores, plan.images[0])
    joined = Connection.join(conn.settings, conn.key)
    try:
        again = Stores.again(Patience(joined, seconds=5), pixels, stores.identities)
        assert again is not None
        fill(again, plan.images[0])
        assert len(again.complete()) == 40
        assert Stores.again(Patience(joined, seconds=5), pixels, stores.identities) is None
    finally:
        joined.close()


def test_stores_that_are_gone_lose_the_image(plan, conn, patience, pixels):
    stores = Stores.open(patience, pixels, 1)
    fill(stores, plan.images[0])
    stores.complete()
    with pytest.raises(ImageLostError):
        fill(stores, plan.images[0])


def test_while_its_stores_are_open_an_image_has_no_digest(plan, patience, pixels):
    stores = Stores.open(patience, pixels, 2)
    fill(stores, plan.images[0])
    assert len(ClosedStores(patience, pixels).complete()) != 40
    stores.complete()
