"""Uploads over a bad network, and to a server that is started anew in the middle of a plane."""

import threading

import numpy as np
import omero.gateway
import pytest
from pydantic import SecretStr

from folders import experiment
from omero_embedded import Server
from plans import pixels_of
from proxy import Proxy
from pyomero_upload.planning import make_plan
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.faults import GaveUpError
from pyomero_upload.targets.omero.settings import ServerSettings
from pyomero_upload.transfer import Progress
from pyomero_upload.transfer.events import Waiting, WentOn
from pyomero_upload.transfer.upload import upload


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))


@pytest.fixture
def network(omero_server):
    with Proxy(omero_server.host, omero_server.port) as proxy:
        yield proxy


@pytest.fixture
def settings(omero_new_user, network):
    user = omero_new_user()
    password = SecretStr(user.password)
    return ServerSettings(network.host, network.port, user=user.name, password=password)


def check(plan, report, settings):
    """All images are there once, with the pixels of their files."""
    assert report.ok
    connection = Connection.open(settings)
    try:
        gateway = omero.gateway.BlitzGateway(client_obj=connection.client)
        rows = connection.query.projection(
            f"select i.id from Image i where i.details.owner.id = {connection.user.id}", None
        )
        assert {row[0].val for row in rows} == {image.image_id for image in report.images}
        for image, made in zip(plan.images, report.images, strict=True):
            pixels = gateway.getObject("Image", made.image_id).getPrimaryPixels()
            planes = list(pixels.getPlanes([(i.z, i.c, i.t) for i in image.indexes()]))
            expected = pixels_of(plan, image)
            np.testing.assert_array_equal(np.stack(planes).reshape(expected.shape), expected)
    finally:
        connection.close()


@pytest.mark.parametrize("after", [20_000, 60_000, 100_000, 150_000])
def test_a_connection_that_drops_in_the_middle_of_a_message_is_made_again(
    tmp_path, network, settings, after
):
    experiment(tmp_path / "in", times=20)
    plan = make_plan(tmp_path / "in")
    network.cut_after(after)
    events = []
    report = upload(plan, settings, progress=events.append)
    check(plan, report, settings)
    assert any(isinstance(event, Waiting) and event.reason for event in events)
    assert network.connections > 1
    assert report.interruptions == sum(isinstance(event, WentOn) for event in events) > 0


def test_while_nothing_can_be_reached_it_waits_and_says_so(tmp_path, network, settings):
    experiment(tmp_path / "in", times=6)
    plan = make_plan(tmp_path / "in")
    waits, ends = [], []

    def watch(event):
        if isinstance(event, Progress) and not waits:
            network.refuse()
        if isinstance(event, WentOn):
            ends.append(event)
        if isinstance(event, Waiting):
            waits.append(event)
            if len(waits) == 2:
                network.accept()

    report = upload(plan, settings, progress=watch)
    check(plan, report, settings)
    assert waits[1].seconds > waits[0].seconds
    (after,) = ends
    assert after.seconds >= waits[0].seconds


def test_when_patience_is_over_it_gives_up_and_can_be_started_again(tmp_path, network, settings):
    experiment(tmp_path / "in", times=6)
    plan = make_plan(tmp_path / "in")

    def watch(event):
        if isinstance(event, Progress):
            network.refuse()

    with pytest.raises(GaveUpError) as error:
        upload(plan, settings, patience=0.6, progress=watch)
    assert "run the same command again" in error.value.hint
    network.accept()
    check(plan, upload(plan, settings), settings)


def test_a_server_that_is_started_anew_in_the_middle_of_a_plane_costs_the_open_images_alone(
    tmp_path,
):
    experiment(tmp_path / "in", times=6, positions=["pos001", "pos002", "pos003"])
    plan = make_plan(tmp_path / "in")
    server = Server(tmp_path / "server")
    server.start()
    try:
        settings = ServerSettings(
            server.host, server.port, user="root", password=SecretStr(server.password)
        )
        restarted = threading.Event()

        def watch(event):
            if isinstance(event, Progress) and event.planes_done > 40 and not restarted.is_set():
                restarted.set()
                server.stop()
                server.start()

        report = upload(plan, settings, progress=watch)
        assert restarted.is_set()
        check(plan, report, settings)
    finally:
        server.stop()


def test_drops_at_any_moment_on_a_slow_line(tmp_path, network, settings):
    experiment(tmp_path / "in", times=4)
    plan = make_plan(tmp_path / "in")
    network.delay = 0.005
    connection = Connection.open(settings)
    over = threading.Event()

    def disturb():
        for _ in range(3):
            if over.wait(0.4):
                return
            network.drop()

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        report = upload(plan, connection)
    finally:
        over.set()
        thread.join()
        connection.close()
    check(plan, report, settings)
