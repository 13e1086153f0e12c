"""Holding Python's garbage collector back while very many objects are made.

Each new object of a big result brings the collector nearer to looking through all of them again; a hundred thousand
Images take five times as long that way. What is made here is referred to, so there is nothing to be found.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

MANY = 1000
"""Rows from which on it is worth it."""

_lock = threading.Lock()
_held_by = 0


@contextmanager
def held(rows: int) -> Iterator[None]:
    """Hold the collector back while objects are made of many rows; it goes on when the last who asked is done."""
    global _held_by  # noqa: PLW0603  # one collector in a process, one count
    if rows < MANY:
        yield
        return
    with _lock:
        _held_by += 1
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            _held_by -= 1
            if _held_by == 0:
                # All to the oldest generation, unseen: else the next new object has all of these looked through.
                if gc.get_freeze_count() == 0:
                    gc.freeze()
                    gc.unfreeze()
                gc.enable()
