"""Counting planes, and telling it now and then."""

import pytest

from pyomero_upload.transfer import progress
from pyomero_upload.transfer.events import Started
from pyomero_upload.transfer.progress import Meter


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_progress_is_of_the_image_and_of_the_whole_job(clock):
    meter = Meter({"a": 4, "b": 6}, {"a": 100, "b": 10})
    meter.found_done("a", 2)
    assert meter.due() is None
    clock[0] += 2
    meter.plane_done("b")
    told = meter.due()
    assert (told.image, told.image_planes_done, told.image_planes) == ("b", 1, 6)
    assert (told.planes_done, told.planes, told.bytes_done, told.bytes) == (3, 10, 210, 460)
    # What an earlier run did does not make this one faster.
    assert (told.planes_per_s, told.bytes_per_s) == (0.5, 5.0)
    assert told.seconds_left == 14.0


def test_progress_is_told_ten_times_a_second_at_most(clock):
    meter = Meter({"a": 1000}, {"a": 1})
    told = 0
    for _ in range(1000):
        clock[0] += 0.002
        meter.plane_done("a")
        told += meter.due() is not None
    assert 19 <= told <= 21


def test_the_first_event_says_how_much_there_is_and_what_is_done(clock):
    meter = Meter({"a": 4, "b": 6}, {"a": 100, "b": 10})
    meter.found_done("a", 2)
    assert meter.started == Started(images=2, planes=10, bytes=460, planes_done=2)
