"""Counting planes while many threads work, and turning the counts into `Progress` now and then.

Stands beside the pipeline.
"""

import threading
import time
from collections.abc import Iterable, Mapping

import numpy as np
from typing_extensions import Self

from pyomero_upload.model import Hypercube
from pyomero_upload.transfer.events import Progress, Started

# A person or a log reads no faster.
PAUSE_S = 0.1


class Meter:
    """Counts planes; safe to use from several threads.

    Parameters
    ----------
    planes, plane_bytes
        For the name of each image: how many planes it has, and how many bytes the pixels of each take.

    """

    def __init__(self, planes: Mapping[str, int], plane_bytes: Mapping[str, int]) -> None:
        self.planes = planes
        self.plane_bytes = plane_bytes
        self.total_planes = sum(planes.values())
        self.total_bytes = sum(count * plane_bytes[name] for name, count in planes.items())
        self.done_before = 0
        self._done = dict.fromkeys(planes, 0)
        self._all_done = 0
        self._bytes_done = 0
        self._bytes_before = 0
        self._last = ""
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._next = self._started

    @classmethod
    def of(cls, images: Iterable[Hypercube]) -> Self:
        """Return one for images of different names."""
        listed = list(images)
        return cls(
            {image.name: plane_count(image) for image in listed},
            {image.name: plane_bytes(image) for image in listed},
        )

    @property
    def started(self) -> Started:
        """The first event of the job."""
        return Started(len(self.planes), self.total_planes, self.total_bytes, self.done_before)

    def found_done(self, image: str, planes: int) -> None:
        """Count planes that an earlier run wrote."""
        with self._lock:
            self._count(image, planes)
            self.done_before += planes
            self._bytes_before += planes * self.plane_bytes[image]

    def begin_again(self, image: str) -> None:
        """Count an image from the start, as what was written of it is lost."""
        with self._lock:
            self._count(image, -self._done[image])

    def plane_done(self, image: str) -> None:
        """Count one plane that this run wrote."""
        with self._lock:
            self._count(image, 1)
            self._last = image

    def due(self) -> Progress | None:
        """Return how far the job is, or None where it was told a moment ago or nothing has happened yet."""
        now = time.monotonic()
        with self._lock:
            planes = self._all_done - self.done_before
            if now < self._next or not self._last or not planes:
                return None
            self._next = now + PAUSE_S
            seconds = max(now - self._started, 1e-9)
            return Progress(
                image=self._last,
                image_planes_done=self._done[self._last],
                image_planes=self.planes[self._last],
                planes_done=self._all_done,
                planes=self.total_planes,
                bytes_done=self._bytes_done,
                bytes=self.total_bytes,
                planes_per_s=planes / seconds,
                bytes_per_s=(self._bytes_done - self._bytes_before) / seconds,
                seconds_left=max(0, self.total_planes - self._all_done) * seconds / planes,
            )

    def _count(self, image: str, planes: int) -> None:
        self._done[image] += planes
        self._all_done += planes
        self._bytes_done += planes * self.plane_bytes[image]


def plane_count(image: Hypercube) -> int:
    """Return how many planes an image has."""
    return image.sizes.t * image.sizes.c * image.sizes.z


def plane_bytes(image: Hypercube) -> int:
    """Return how many bytes the pixels of one plane take."""
    return image.sizes.y * image.sizes.x * np.dtype(image.dtype).itemsize
