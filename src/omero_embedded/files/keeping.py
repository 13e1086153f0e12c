"""Bytes that the server itself keeps as an OriginalFile: scripts, what they print, photos."""

import hashlib
from pathlib import Path

from omero_embedded import saving
from omero_embedded.call import Call
from omero_embedded.files.place import paths_of
from omero_embedded.initial import ENUMERATIONS


def keep(
    call: Call, data: bytes, *, name: str, path: str, mimetype: str, repo: str | None = None
) -> int:
    """Make an OriginalFile with these bytes, and return its id."""
    made = saving.insert(
        call, "OriginalFile", name=name, path=path, mimetype=mimetype, repo=repo, size=0
    )
    replace(call, made, data)
    return made


def replace(call: Call, identifier: int, data: bytes) -> None:
    """Give an OriginalFile other bytes, once the call's transaction is in."""
    saving.change(
        call,
        "OriginalFile",
        identifier,
        size=len(data),
        hash=hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        hasher=ENUMERATIONS["ChecksumAlgorithm"]["SHA1-160"],
    )
    path = paths_of(call, [identifier])[identifier]
    call.after_commit(lambda: _write(path, data))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
