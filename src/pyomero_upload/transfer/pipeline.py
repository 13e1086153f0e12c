"""The pipeline: many threads that carry out blocks of images, and one that tells how it goes.

Stands between `convert`, which prepares the work, and `image_job`, which does it. Each thread takes the next block, has the
target pull its planes through reading, decoding and processing, and notes it in the journal; who completes the last block
of an image finishes the image. There is no queue between these steps: a thread has one block in hand and no more, so
memory is bounded and there is nothing to shut down. The thread that called waits for events and hands them to the caller;
on Ctrl-C it raises a flag that every thread looks at after each plane.
"""

import logging
import os
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from pyomero_upload.errors import PyomeroError
from pyomero_upload.targets.target import Block
from pyomero_upload.transfer.events import Event, OnEvent
from pyomero_upload.transfer.image_job import ImageJob
from pyomero_upload.transfer.planes import StoppedError
from pyomero_upload.transfer.progress import PAUSE_S, Meter

# A user who pressed Ctrl-C waits no longer than this for threads that are in the middle of something.
STOP_WITHIN_S = 1.5

Events = queue.SimpleQueue[Event | None]

_log = logging.getLogger(__name__)


def cores() -> int:
    """Return how many processor cores there are for this process."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # pragma: no cover - where processes cannot be bound to cores


def default_workers() -> int:
    """Return how many threads are fastest: one more than cores, as there is always one that waits for the disk."""
    return cores() + 1


def run(
    jobs: Sequence[ImageJob],
    *,
    workers: int,
    stop: threading.Event,
    events: Events,
    meter: Meter,
    on_event: OnEvent,
) -> None:
    """Carry out all images.

    Parameters
    ----------
    jobs
        In the order in which they are begun.
    workers
        How many threads.
    stop
        Set here to end all threads, also by them.
    events
        What the threads put there is handed to `on_event`, in the thread that called.
    meter
        Asked for progress ten times a second.
    on_event
        The caller's; an exception from it stops the job.

    Raises
    ------
    Exception
        What a thread raised, once all have ended.

    """
    failures: list[BaseException] = []
    work = _Work(_tasks(jobs), stop, events, failures)
    threads = [
        threading.Thread(target=work.go_on, name=f"transfer-{n}", daemon=True)
        for n in range(workers)
    ]
    try:
        for thread in threads:
            thread.start()
        _tell(events, len(threads), meter, on_event)
    except BaseException:
        stop.set()
        _wait(threads)
        raise
    if failures:
        for other in failures[1:]:
            # What a person is told, such as that the server is gone or the disk full, mostly stops all threads at once.
            if not isinstance(other, (PyomeroError, OSError)):
                _log.error("Another thread failed too", exc_info=other)
        raise failures[0]


def _tell(events: Events, threads: int, meter: Meter, on_event: OnEvent) -> None:
    """Hand events to the caller until all threads have put their last."""
    while threads:
        with suppress(queue.Empty):
            event = events.get(timeout=PAUSE_S)
            if event is None:
                threads -= 1
            else:
                on_event(event)
        progress = meter.due()
        if progress is not None:
            on_event(progress)


@dataclass(slots=True)
class _Work:
    """What the threads share: blocks to do, and what went wrong."""

    tasks: Iterator[tuple[ImageJob, Block]]
    stop: threading.Event
    events: Events
    failures: list[BaseException]
    taking: threading.Lock = field(default_factory=threading.Lock)

    def go_on(self) -> None:
        """Carry out one block after the other, in each thread."""
        try:
            while not self.stop.is_set():
                with self.taking:
                    task = next(self.tasks, None)
                if task is None:
                    return
                job, block = task
                job.run(block)
        except StoppedError:
            return
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that called
            self.failures.append(error)
            self.stop.set()
        finally:
            self.events.put(None)


def _tasks(jobs: Sequence[ImageJob]) -> Iterator[tuple[ImageJob, Block]]:
    """Iterate over all blocks in order; an image is opened when its first block is asked for."""
    for job in jobs:
        for block in job.blocks():
            yield job, block


def _wait(threads: Sequence[threading.Thread]) -> None:
    deadline = time.monotonic() + STOP_WITHIN_S
    for thread in threads:
        if thread.ident is not None:
            thread.join(max(0.0, deadline - time.monotonic()))
