"""The garbage collector waits while very many objects are made, and only then."""

import gc

from omero_embedded import collector


def test_the_collector_waits_for_many_rows_and_goes_on_after_the_last() -> None:
    with collector.held(collector.MANY):
        with collector.held(collector.MANY):
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_few_rows_change_nothing() -> None:
    with collector.held(collector.MANY - 1):
        assert gc.isenabled()


def test_what_was_made_is_still_collected() -> None:
    class Node:
        other: object

    with collector.held(collector.MANY):
        one, two = Node(), Node()
        one.other, two.other = two, one
        del one, two
    assert gc.collect() >= 2
