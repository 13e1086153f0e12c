"""Uploads that end in any way go on, and nothing is there twice. With real processes that are really killed."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter

import numpy as np
import omero.gateway
import pytest
from pydantic import SecretStr

from folders import experiment
from omero_world import world
from plans import pixels_of
from pyomero_upload.errors import EXIT_INTERRUPTED, PyomeroError
from pyomero_upload.planning import make_plan
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.provenance import find_uploads
from pyomero_upload.targets.omero.settings import ServerSettings
from pyomero_upload.transfer.upload import upload

posix = pytest.mark.skipif(os.name == "nt", reason="signals as POSIX has them")

# An upload in a process of its own. It says how far it is, and takes its time so that there is something to interrupt.
JOB = """
import sys, time
from pydantic import SecretStr
from pyomero_upload.planning import make_plan
from pyomero_upload.targets.omero.settings import ServerSettings
from pyomero_upload.transfer import InterruptedJobError, planes
from pyomero_upload.transfer.upload import upload

read = planes.read_planes
def slowly(path, wanted, **how):
    time.sleep(PAUSE)
    print("plane\\n", end="", flush=True)
    return read(path, wanted, **how)
planes.read_planes = slowly
folder, host, port, user, password = sys.argv[1:]
settings = ServerSettings(host, int(port), user=user, password=SecretStr(password))
try:
    report = upload(make_plan(folder), settings)
except InterruptedJobError as stopped:
    print(stopped.message, stopped.hint, [i.status for i in stopped.report.images], flush=True)
    sys.exit(stopped.exit_code)
print("ok", report.ok, flush=True)
"""


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def user(omero_new_user):
    return omero_new_user()


@pytest.fixture
def settings(user):
    return ServerSettings(
        user.server.host, user.server.port, user=user.name, password=SecretStr(user.password)
    )


@pytest.fixture
def conn(settings):
    connection = Connection.open(settings)
    yield connection
    connection.close()


def start(folder, user, pause=0.002, state=None):
    code = JOB.replace("PAUSE", str(pause))
    server = user.server.host, str(user.server.port), user.name, user.password
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, str(folder), *server],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, **({} if state is None else {"PYOMERO_STATE": str(state)})},
    )


def wait_for_planes(job, count):
    for _ in range(count):
        assert job.stdout.readline() == "plane\n"


def kill(job):
    job.send_signal(signal.SIGKILL)
    job.communicate()


def images_of(conn):
    """Return the ids of all Images of the user, and how often each is in a Dataset."""
    rows = conn.query.projection(
        "select i.id, (select count(l.id) from DatasetImageLink l where l.child.id = i.id) from Image i"
        f" where i.details.owner.id = {conn.user.id}",
        None,
    )
    return {row[0].val: row[1].val for row in rows}


def check(conn, plan, report):
    """Everything is there once, with the pixels of its files."""
    assert report.ok
    assert images_of(conn) == {image.image_id: 1 for image in report.images}
    gateway = omero.gateway.BlitzGateway(client_obj=conn.client)
    for image, made in zip(plan.images, report.images, strict=True):
        t, c, z, y, x = image.sizes
        pixels = gateway.getObject("Image", made.image_id).getPrimaryPixels()
        read = pixels.getPlanes([(i.z, i.c, i.t) for i in image.indexes()])
        np.testing.assert_array_equal(
            np.stack(list(read)).reshape(t, c, z, y, x), pixels_of(plan, image)
        )


@posix
@pytest.mark.parametrize("planes", [1, 20, 37, 60, 71])
def test_an_upload_that_was_killed_goes_on_and_ends_as_if_nothing_had_been(
    tmp_path, user, conn, settings, omero_new_user, planes
):
    experiment(tmp_path / "in", times=6)
    job = start(tmp_path / "in", user)
    wait_for_planes(job, planes)
    kill(job)
    plan = make_plan(tmp_path / "in")
    begun = set(images_of(conn))
    report = upload(plan, conn)
    check(conn, plan, report)
    # The session lives, and its stores: nothing that was begun had to be begun anew.
    assert begun <= {image.image_id for image in report.images}
    other = omero_new_user().log_in()
    try:
        undisturbed = Connection.over(other)
        upload(plan, undisturbed)
        assert world(conn) == world(undisturbed)
    finally:
        other.closeSession()


@posix
def test_without_the_session_the_half_written_image_is_made_anew(tmp_path, user, conn):
    experiment(tmp_path / "in", times=6)
    job = start(tmp_path / "in", user)
    wait_for_planes(job, 45)
    kill(job)
    begun = set(images_of(conn))
    service = conn.sf.getSessionService()
    for session in service.getMyOpenSessions():
        if session.uuid.val != conn.key.get_secret_value():
            while service.closeSession(session) > 0:
                pass
    plan = make_plan(tmp_path / "in")
    report = upload(plan, conn)
    check(conn, plan, report)
    assert report.images[1].image_id not in begun


@posix
def test_another_machine_goes_on_by_what_the_server_says_once_the_session_is_over(
    tmp_path, user, conn, monkeypatch
):
    experiment(tmp_path / "in", times=6)
    job = start(tmp_path / "in", user)
    wait_for_planes(job, 45)
    kill(job)
    plan = make_plan(tmp_path / "in")
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "elsewhere"))
    begun = images_of(conn)
    with pytest.raises(PyomeroError, match="is being written in another session") as error:
        upload(plan, conn)
    assert error.value.problems[0].code == "upload-under-way"
    assert error.value.hint
    assert images_of(conn) == begun
    service = conn.sf.getSessionService()
    for session in service.getMyOpenSessions():
        if session.uuid.val != conn.key.get_secret_value():
            while service.closeSession(session) > 0:
                pass
    report = upload(plan, conn)
    check(conn, plan, report)


@posix
def test_ctrl_c_says_how_to_go_on(tmp_path, user, conn):
    experiment(tmp_path / "in", times=6)
    job = start(tmp_path / "in", user, pause=0.02)
    wait_for_planes(job, 20)
    job.send_signal(signal.SIGINT)
    said, errors = job.communicate(timeout=30)
    assert job.returncode == EXIT_INTERRUPTED, errors
    assert "of 2 images are complete in Dataset:" in said
    assert "Run the same command again" in said
    assert "'stopped'" in said
    plan = make_plan(tmp_path / "in")
    check(conn, plan, upload(plan, conn))


@posix
def test_a_second_upload_of_the_same_folder_is_refused_with_the_name_of_the_first(
    tmp_path, user, conn
):
    experiment(tmp_path / "in", times=6)
    job = start(tmp_path / "in", user, pause=0.05)
    try:
        wait_for_planes(job, 1)
        plan = make_plan(tmp_path / "in")
        with pytest.raises(
            PyomeroError, match=f"process {job.pid} on .*, which started at 20"
        ) as error:
            upload(plan, conn)
        assert error.value.problems[0].code == "upload-under-way"
        assert error.value.hint
    finally:
        kill(job)
    # The lock ends with the process.
    check(conn, plan, upload(plan, conn))


@pytest.mark.parametrize("moment", range(5))
def test_two_machines_that_begin_at_once_make_one_upload(tmp_path, user, conn, moment):
    experiment(tmp_path / "in", times=4)
    plan = make_plan(tmp_path / "in")
    # They know nothing of one another's files.
    jobs = [start(tmp_path / "in", user, 0.01, state=tmp_path / name) for name in ("a", "b")]
    ends = [job.communicate(timeout=60) for job in jobs]
    done = [job.returncode == 0 for job in jobs]
    assert any(done), ends
    for (_, errors), well in zip(ends, done, strict=True):
        assert well or "is being written in another session" in errors, errors
    assert len(find_uploads(conn)) == 1
    # No work is left, and nothing is there twice.
    report = upload(plan, conn)
    assert {image.status for image in report.images} == {"unchanged"}
    check(conn, plan, report)


@posix
def test_killed_again_and_again_it_ends_well(tmp_path, user, conn):
    experiment(tmp_path / "in", times=4)
    plan = make_plan(tmp_path / "in")
    for planes in random.Random(3).sample(range(1, 20), 4):
        job = start(tmp_path / "in", user)
        wait_for_planes(job, planes)
        kill(job)
    report = upload(plan, conn)
    check(conn, plan, report)
    before = world(conn)
    again = upload(plan, conn)
    assert again.unchanged
    assert world(conn) == before
    assert Counter(i.image_id for i in again.images) == Counter(i.image_id for i in report.images)


def test_the_secrets_of_a_session_are_for_the_user_alone_and_gone_at_the_end(tmp_path, conn, state):
    experiment(tmp_path / "in")
    seen = []

    def look(event):
        del event
        seen.extend(
            (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777)
            for path in state.rglob("session.json")
        )

    report = upload(make_plan(tmp_path / "in"), conn, progress=look)
    assert report.ok
    if os.name != "nt":
        assert set(seen) == {(0o600, 0o700)}
    assert not list(state.rglob("session.json"))
