"""Keeping memory that was freed, for a process that sends or takes messages of megabytes one after the other.

Called by `serving`, and by uploads. glibc gives such memory back to the system and takes it anew for the next message, page
by page, which costs as much again as all that is done with the planes.
"""

import ctypes
import sys

# Numbers of mallopt's parameters, from glibc's malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8
# More was refused before glibc 2.35.
_OLD_MOST = 32 << 20


def keep_freed_memory(most: int = 1 << 30) -> None:
    """Have glibc keep what is freed, and all threads share it; other C libraries are left as they are.

    Parameters
    ----------
    most
        So many bytes are kept at most; of a server, only where somebody sends messages of that size.

    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        if not mallopt(_MMAP_THRESHOLD, most):
            mallopt(_MMAP_THRESHOLD, _OLD_MOST)
        mallopt(_TRIM_THRESHOLD, most)
        mallopt(_TOP_PAD, min(64 << 20, most))
        mallopt(_ARENA_MAX, 1)
