"""Table: one client's handle on an OMERO.tables file, kept by omero-py's own `HdfStorage`.

All handles on one file share one storage; the file is closed with the last of them. Only then is its
size final, so it is noted in the OriginalFile at the end.
"""

# Operations have the names and parameters of Slice, whether they need them or not.

import time
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import omero
import omero.model
from omero.model import IObject
from omero.rtypes import unwrap

from omero_embedded import errors, permissions, saving
from omero_embedded.call import Call, writing
from omero_embedded.files.place import StoredFile
from omero_embedded.loading import Loader
from omero_embedded.wire.registry import stateful

if TYPE_CHECKING:
    from omero.grid import Column, Data
    from omero.hdfstorageV2 import HdfStorage


@stateful("omero.grid.Table")
class Table:
    """One client's handle on a table.

    Parameters
    ----------
    file
        The OriginalFile's place.
    read_only
        Whether the client may not change it.

    Raises
    ------
    omero.LockTimeout
        If another process has the file open.
    """

    def __init__(self, file: StoredFile, *, read_only: bool) -> None:
        self._file = file
        self._read_only = read_only
        from omero.hdfstorageV2 import HDFLIST  # noqa: PLC0415  # slow to import, rarely needed
        from tables import NaturalNameWarning  # noqa: PLC0415

        # Columns may be called «Pump port»; nobody here asks for them as attributes.
        warnings.filterwarnings("ignore", category=NaturalNameWarning)
        file.path.parent.mkdir(parents=True, exist_ok=True)
        self._storage: HdfStorage | None = HDFLIST.getOrCreate(str(file.path), self, read_only)
        # Whoever changed the table since then must be read anew before rows are updated.
        self._stamp = time.time()

    @property
    def _open(self) -> "HdfStorage":
        if self._storage is None:
            raise errors.api_usage("The table is closed.")
        return self._storage

    @property
    def _writable(self) -> "HdfStorage":
        if self._read_only:
            raise errors.security(f"Current user cannot write to file {self._file.id}")
        return self._open

    # ------------------------------------------------------------ life
    @writing
    def close(self, call: Call) -> None:
        """Let go of the table, and note its size if it was changed."""
        if self._storage is None:
            return
        storage, self._storage = self._storage, None
        modified = storage.modified()
        storage.decr(self)
        if modified and not self._read_only:
            size = self._file.path.stat().st_size
            now = int(time.time() * 1000)
            saving.change(call, "OriginalFile", self._file.id, size=size, mtime=now)

    @writing
    def delete(self, call: Call) -> None:
        """Delete the table with its OriginalFile."""
        _ = self._writable
        self.close(call)
        saving.delete(call, "OriginalFile", self._file.id)
        call.after_commit(lambda: self._file.path.unlink(missing_ok=True))

    def getOriginalFile(self, call: Call) -> IObject | None:
        """Return the OriginalFile."""
        _ = self._open
        return Loader(call).object("OriginalFile", self._file.id)

    # ------------------------------------------------------------ reading
    def getHeaders(self, call: Call) -> list["Column"]:
        """Return the columns without values."""
        return list(self._open.cols(None, call.current))

    def getNumberOfRows(self, call: Call) -> int:
        """Return the number of rows."""
        return int(self._open.rows())

    def getWhereList(
        self,
        call: Call,
        condition: str,
        variables: Mapping[str, "omero.RType"],
        start: int,
        stop: int,
        step: int,
    ) -> list[int]:
        """Return the numbers of the rows for which a condition holds."""
        plain = {name: unwrap(value) for name, value in (variables or {}).items()}
        rows = self._open.getWhereList(
            self._stamp, condition, plain, None, start, stop or None, step or None
        )
        return [int(row) for row in rows]

    def readCoordinates(self, call: Call, rowNumbers: Sequence[int]) -> "Data":
        """Return whole rows by their numbers."""
        return self._looked_up(lambda s: s.readCoordinates(self._stamp, rowNumbers, call.current))

    def read(self, call: Call, colNumbers: Sequence[int], start: int, stop: int) -> "Data":
        """Return rows `start` to `stop` (0, 0: all) of columns."""
        end = None if start == 0 and stop == 0 else stop
        return self._looked_up(lambda s: s.read(self._stamp, colNumbers, start, end, call.current))

    def slice(self, call: Call, colNumbers: Sequence[int], rowNumbers: Sequence[int]) -> "Data":
        """Return rows by their numbers, of columns by theirs; all where there are none."""
        return self._looked_up(lambda s: s.slice(self._stamp, colNumbers, rowNumbers, call.current))

    def _looked_up(self, look: Any) -> "Data":
        import tables  # noqa: PLC0415  # slow to import, rarely needed

        try:
            return look(self._open)
        except tables.HDF5ExtError as error:
            message = "Error reading coordinates. Most likely out of range"
            raise errors.api_usage(message) from error

    # ------------------------------------------------------------ writing
    def initialize(self, call: Call, cols: Sequence["Column"]) -> None:
        """Make the columns."""
        self._writable.initialize(cols)

    def addColumn(self, call: Call, col: "Column") -> int:
        """Refuse: as on the real server, tables keep the columns they were made with."""
        _ = self._writable
        raise errors.api_usage("NYI")

    def addData(self, call: Call, cols: Sequence["Column"]) -> None:
        """Add rows."""
        self._writable.append(cols)

    def update(self, call: Call, modifiedData: "Data | None") -> None:
        """Change rows that were read before."""
        storage = self._writable
        if modifiedData is not None:
            storage.update(self._stamp, modifiedData)

    # ------------------------------------------------------------ metadata
    def getMetadata(self, call: Call, key: str) -> "omero.RType | None":
        """Return a value that was set beside the rows, or None."""
        return self._open.get_meta_map().get(key)

    def getAllMetadata(self, call: Call) -> dict[str, "omero.RType"]:
        """Return all values that were set beside the rows."""
        return dict(self._open.get_meta_map())

    def setMetadata(self, call: Call, key: str, value: "omero.RType") -> None:
        """Set a value beside the rows."""
        self._writable.add_meta_map({key: value})

    def setAllMetadata(self, call: Call, dict: Mapping[str, "omero.RType"]) -> None:
        """Set values beside the rows in place of those there are."""
        self._writable.add_meta_map(dict, replace=True)


def can_write(call: Call, file: StoredFile) -> bool:
    """Whether who asks may change the file."""
    return permissions.rights(call, file.owner, file.group).edit
