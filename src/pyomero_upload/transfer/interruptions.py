"""What is told of faults while they are waited out, and how many there were.

Below `upload_session`. Several threads meet the same fault: it begins for the user when the first of them begins to wait,
and has passed when the last of them goes on.
"""

import threading
import time

from pyomero_upload.targets.omero import faults
from pyomero_upload.transfer.events import OnEvent, Waiting, WentOn
from pyomero_upload.transfer.pipeline import Events


class Interruptions:
    """Counts the interruptions of a job, and hands on what is told of them; once, whatever the number of threads.

    Parameters
    ----------
    events
        Where what is told in other threads is put.
    on_event
        The caller's, for what is told in the thread that makes this.

    """

    def __init__(self, events: Events, on_event: OnEvent) -> None:
        self.count = 0
        self._events = events
        self._on_event = on_event
        self._caller = threading.get_ident()
        self._lock = threading.Lock()
        self._waiting: set[int] = set()
        self._began = 0.0
        self._quiet_until = 0.0

    def __call__(self, event: faults.Waiting | faults.WentOn) -> None:
        """Take what `Patience` tells, in the thread that waits."""
        me = threading.get_ident()
        with self._lock:
            told = self._wait(me, event) if isinstance(event, faults.Waiting) else self._go_on(me)
        if told is None:
            return
        if me == self._caller:
            self._on_event(told)
        else:
            self._events.put(told)

    def _wait(self, thread: int, event: faults.Waiting) -> Waiting | None:
        now = time.monotonic()
        if not self._waiting:
            self.count += 1
            self._began = now
        self._waiting.add(thread)
        if now < self._quiet_until:
            return None
        self._quiet_until = now + event.pause
        return Waiting(event.message, event.pause)

    def _go_on(self, thread: int) -> WentOn | None:
        self._waiting.discard(thread)
        if self._waiting:
            return None
        self._quiet_until = 0.0
        return WentOn(time.monotonic() - self._began)
