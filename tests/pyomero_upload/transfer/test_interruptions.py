"""What is told of faults that several threads wait out together."""

import queue
import threading

import pytest

from pyomero_upload.targets.omero import faults
from pyomero_upload.transfer.events import Waiting, WentOn
from pyomero_upload.transfer.interruptions import Interruptions

BEGINS = faults.Waiting("The connection was lost.", pause=0.5, waited=0.0, patience=600.0)
ENDS = faults.WentOn(0.5, new_session=False)


@pytest.fixture
def told():
    return []


@pytest.fixture
def interruptions(told):
    return Interruptions(queue.SimpleQueue(), told.append)


def in_another_thread(what):
    thread = threading.Thread(target=what)
    thread.start()
    thread.join()


def test_a_fault_is_told_when_it_begins_and_when_it_has_passed(interruptions, told):
    interruptions(BEGINS)
    interruptions(ENDS)
    began, ended = told
    assert began == Waiting("The connection was lost.", 0.5)
    assert isinstance(ended, WentOn)
    assert ended.seconds >= 0
    assert interruptions.count == 1


def test_what_several_threads_wait_for_is_one_interruption_until_the_last_goes_on(told):
    events = queue.SimpleQueue()
    interruptions = Interruptions(events, told.append)
    going_on, waits = threading.Event(), threading.Event()

    def other():
        interruptions(BEGINS)
        waits.set()
        going_on.wait()
        interruptions(ENDS)

    thread = threading.Thread(target=other)
    interruptions(BEGINS)
    thread.start()
    waits.wait()
    interruptions(ENDS)
    assert [type(event) for event in told] == [Waiting]
    going_on.set()
    thread.join()
    assert isinstance(events.get_nowait(), WentOn)
    assert interruptions.count == 1


def test_each_further_pause_is_told_but_counts_once(interruptions, told):
    longer = faults.Waiting("It does not answer.", pause=1.0, waited=0.5, patience=600.0)
    interruptions(faults.Waiting("It does not answer.", pause=0.0, waited=0.0, patience=600.0))
    interruptions(longer)
    interruptions(ENDS)
    assert [type(event) for event in told] == [Waiting, Waiting, WentOn]
    assert interruptions.count == 1


def test_a_fault_after_another_is_told_and_counted_again(interruptions, told):
    for event in (BEGINS, ENDS, BEGINS, ENDS):
        interruptions(event)
    assert [type(event) for event in told] == [Waiting, WentOn] * 2
    assert interruptions.count == 2


def test_other_threads_tell_through_the_queue(told):
    events = queue.SimpleQueue()
    interruptions = Interruptions(events, told.append)
    in_another_thread(lambda: interruptions(BEGINS))
    assert told == []
    assert isinstance(events.get_nowait(), Waiting)
