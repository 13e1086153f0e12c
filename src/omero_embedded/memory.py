"""Keeping memory that was freed, for a process that does nothing but serve.

Called by `serving`. A message with a z-stack is some megabytes; glibc gives such memory back to the system and takes it
anew for the next message, page by page, which costs as much again as all that is done with the planes.
"""

import ctypes
import sys

# Numbers of mallopt's parameters, from glibc's malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8

KEPT = 1 << 30
"""Bytes: the server has this much at once only where somebody sends messages of that size."""


def keep_freed_memory() -> None:
    """Have glibc keep what is freed, and all threads share it; other C libraries are left as they are."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, KEPT)
        mallopt(_TRIM_THRESHOLD, KEPT)
        mallopt(_TOP_PAD, 64 << 20)
        mallopt(_ARENA_MAX, 1)
