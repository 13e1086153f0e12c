"""RawFileStore: one client's handle on the bytes of one OriginalFile."""

# Operations have the names and parameters of Slice, whether they need them or not.

import time
from pathlib import Path
from typing import BinaryIO

from omero import RLong
from omero.model import IObject
from omero.rtypes import rlong
from sqlalchemy import select

from omero_embedded import errors, permissions, saving, tables
from omero_embedded.call import Call, writing
from omero_embedded.files import place
from omero_embedded.files.checksums import OFFERED, checksum
from omero_embedded.files.place import StoredFile
from omero_embedded.loading import Loader
from omero_embedded.power import secure
from omero_embedded.wire.registry import stateful

# No answer is larger than the largest message (Ice.MessageSizeMax).
_AT_ONCE = 250_000 << 10


@stateful("omero.api.RawFileStore")
class RawFileStore:
    """One client's handle on the bytes of one OriginalFile."""

    def __init__(self) -> None:
        self._file: StoredFile | None = None
        self._bytes: BinaryIO | None = None
        self._modified = False

    @classmethod
    def of(cls, file: StoredFile) -> "RawFileStore":
        """Make a store that is open on a file."""
        store = cls()
        store._file = file
        return store

    # ------------------------------------------------------------ life
    @writing
    def setFileId(self, call: Call, fileId: int) -> None:
        """Open the file of that OriginalFile; what another one was changed by is saved first."""
        if self._file is not None and self._file.id == fileId:
            return
        self.close(call)
        self._file = place.find(call, fileId)
        if self._file is None:
            raise errors.missing_row("ome.model.core.OriginalFile", fileId)

    def getFileId(self, call: Call) -> RLong:
        """Return the id of the OriginalFile."""
        return rlong(self._ready.id)

    @writing
    def save(self, call: Call) -> IObject | None:
        """Note size, time and checksum in the OriginalFile and return it; None if nothing has changed."""
        file = self._ready
        if not (self._modified or self._was_replaced(call, file)):
            return None
        self._note(call, file)
        saved = Loader(call).object("OriginalFile", file.id)
        if saved is not None:
            saved.details.group = saved.details.group.proxy()
            saved.unloadFilesetEntries()
        return saved

    @writing
    def close(self, call: Call) -> None:
        """Save and let go of the file."""
        file, self._file = self._file, None
        try:
            if file is not None and (self._modified or self._was_replaced(call, file)):
                self._note(call, file)
        finally:
            self._modified = False
            if self._bytes is not None:
                self._bytes.close()
                self._bytes = None

    @staticmethod
    def _was_replaced(call: Call, file: StoredFile) -> bool:
        """Whether another file lies in the place of the one whose size is known, as imports in place put it there."""
        files = tables.table("OriginalFile")
        known = call.db.scalar(select(files.c.size).where(files.c.id == file.id))
        return (
            known is not None
            and file.path.exists()
            and file.path.stat().st_size != known
            and permissions.rights(call, file.owner, file.group).edit
        )

    def _note(self, call: Call, file: StoredFile) -> None:
        if self._bytes is not None:
            self._bytes.flush()
        secure(call, file.path)
        values: dict[str, object] = {
            "size": file.path.stat().st_size,
            "mtime": int(time.time() * 1000),
        }
        if file.hasher is not None and file.hasher in OFFERED:
            values["hash"] = checksum(file.path, file.hasher)
        saving.change(call, "OriginalFile", file.id, **values)
        self._modified = False

    @property
    def _ready(self) -> StoredFile:
        if self._file is None:
            raise errors.api_usage(
                "This RawFileStore has not been properly initialized.\n"
                "Please set the file id before executing any other methods.\n"
            )
        return self._file

    # ------------------------------------------------------------ bytes
    def read(self, call: Call, position: int, length: int) -> bytes:
        """Return `length` bytes from `position` on; what lies beyond the end reads as zeros."""
        path = self._ready.path
        if position < 0 or not 0 <= length <= _AT_ONCE:
            raise errors.api_usage(f"Cannot read {length} bytes at {position}.")
        if not path.exists():
            raise errors.resource(f"No bytes were written to OriginalFile {self._ready.id} yet.")
        if self._bytes is not None:
            self._bytes.flush()
        with path.open("rb") as file:
            file.seek(position)
            return file.read(length).ljust(length, b"\0")

    def write(self, call: Call, buf: bytes, position: int, length: int) -> None:
        """Write the first `length` bytes of `buf` at `position`."""
        if position < 0 or not 0 <= length <= len(buf):
            raise errors.api_usage(f"Cannot write {length} of {len(buf)} bytes at {position}.")
        file = self._for_writing(call)
        file.seek(position)
        file.write(memoryview(buf)[:length])
        file.flush()
        self._modified = True

    def truncate(self, call: Call, length: int) -> bool:
        """Cut the file to `length` bytes; whether it was longer."""
        if length < 0:
            raise errors.api_usage(f"Cannot cut a file to {length} bytes.")
        file = self._for_writing(call)
        if self.size(call) <= length:
            return False
        file.truncate(length)
        self._modified = True
        return True

    def size(self, call: Call) -> int:
        """Return the number of bytes."""
        path = self._ready.path
        return path.stat().st_size if path.exists() else 0

    def exists(self, call: Call) -> bool:
        """Whether anything was written yet."""
        return self._ready.path.exists()

    def _for_writing(self, call: Call) -> BinaryIO:
        file = self._ready
        if not permissions.rights(call, file.owner, file.group).edit:
            raise errors.security(f"Updating ome.model.core.OriginalFile:Id_{file.id} not allowed.")
        if self._bytes is None:
            self._bytes = _open(file.path)
        return self._bytes


def _open(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path.open("r+b")
