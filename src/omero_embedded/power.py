"""Bytes that must outlive a power cut: what was written is on the disk before the database says that it is there.

A server with `durable` (all but those that keep everything in memory) does this when a store is saved or closed, before
size and digest are noted. Planes and bytes written since the last save may be lost in a power cut, as on a real server;
they outlive the end of the process in any case.
"""

import os
import sys
from pathlib import Path

from omero_embedded.call import Call


def secure(call: Call, *paths: Path) -> None:
    """Bring files and their places in their folders to the disk; those that are not there are left out."""
    if not call.server.database.durable:
        return
    there = [path for path in paths if path.exists()]
    for path in there:
        _sync(path, os.O_RDWR)  # Windows wants a file that may be written
    if sys.platform != "win32":  # which keeps the places by itself
        for folder in {path.parent for path in there}:
            _sync(folder, os.O_RDONLY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
