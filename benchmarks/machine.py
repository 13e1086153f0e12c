"""What the machine does to a measurement, and what is done about it."""

import mmap
import re
import threading
from pathlib import Path
from types import TracebackType

import numpy as np
from typing_extensions import Self

_PART = 16 << 20
_COLD, _LEAST_FREE, _MOST_FREE = 256 << 20, 512 << 20, 768 << 20


class WarmMemory:
    """Holds what memory nobody uses, and hands it out as the rest of the machine needs it.

    The host of a virtual machine may take away what its guest does not use, a second or two after the guest freed it. To
    have it back costs more than all that is done with it afterwards: 1 to 3 seconds of CPU for a gigabyte were seen, in
    whichever system call first needs the page, so the same upload could take half as long again. So all free memory is
    taken and touched before a measurement, and given back bit by bit during it, never much more than is used. On a
    machine without such a host this changes nothing.
    """

    def __init__(self) -> None:
        self._held: list[mmap.mmap] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._handing_out = threading.Thread(target=self._hand_out)

    def __enter__(self) -> Self:
        self._handing_out.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._handing_out.join()
        while self._held:
            self._held.pop().close()

    def fill(self) -> None:
        """Take what is free now, but for what the kernel always keeps; to be called before each measurement."""
        with self._lock:
            while _free() > _COLD:
                part = mmap.mmap(-1, _PART)
                part.madvise(mmap.MADV_HUGEPAGE)
                np.frombuffer(part, np.uint8)[:: mmap.PAGESIZE] = 1
                self._held.append(part)
            self._give(_MOST_FREE)

    def _hand_out(self) -> None:
        while not self._over.wait(0.005):
            with self._lock:
                self._give(_LEAST_FREE)

    def _give(self, free: int) -> None:
        while self._held and _free() < free:
            self._held.pop().close()


def _free() -> int:
    """Return how many bytes nobody uses, not even the file cache."""
    found = re.search(r"^MemFree: +(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) << 10
