"""SharedResources: the repositories, new tables and tables that are there."""

# Operations have the names and parameters of Slice, whether they need them or not.

import importlib.util
import time
from typing import Any

import omero
import omero.grid
import omero.model
from omero.model import IObject
from omero.rtypes import unwrap
from sqlalchemy import select

from omero_embedded import errors, permissions, saving, tables
from omero_embedded.call import Call, writing
from omero_embedded.files import place
from omero_embedded.files.table import Table, can_write
from omero_embedded.initial import REPOSITORIES
from omero_embedded.loading import Loader
from omero_embedded.wire.registry import STATELESS, stateless

TABLE = "OMERO.tables"


@stateless("omero.grid.SharedResources")
class SharedResources:
    """Repositories, tables; processors of scripts there are none."""

    # ------------------------------------------------------------ repositories
    def repositories(self, call: Call) -> "omero.grid.RepositoryMap":
        """Return the repositories; only the managed one can be used, the others are named."""
        files = tables.table("OriginalFile")
        query = select(files.c.name, files.c.id).where(
            files.c.mimetype == "Repository", files.c.repo.is_not(None)
        )
        ids = {row.name: row.id for row in call.db.execute(query)}
        found = Loader(call).objects("OriginalFile", [ids[name] for name in REPOSITORIES])
        proxies = [_proxy(call, name) for name in REPOSITORIES]
        return omero.grid.RepositoryMap(list(found.values()), proxies)

    def getScriptRepository(self, call: Call) -> Any:
        """Return nothing: scripts are not kept in a repository here."""
        return None

    # ------------------------------------------------------------ processors
    def acquireProcessor(self, call: Call, job: IObject, seconds: int) -> Any:
        """Refuse: there are no processors."""
        raise errors.api_usage("No processor is available: this server runs no scripts.")

    # ------------------------------------------------------------ tables
    def areTablesEnabled(self, call: Call) -> bool:
        """Whether tables can be kept: that needs PyTables."""
        return importlib.util.find_spec("tables") is not None

    @writing
    def newTable(self, call: Call, repoId: int, path: str) -> Any:
        """Make an OriginalFile for a table and return a handle on it."""
        if not path:
            raise errors.validation("A table needs a path.")
        now = int(time.time() * 1000)
        made = saving.insert(
            call,
            "OriginalFile",
            name=path,
            path=path,
            mimetype=TABLE,
            size=0,
            atime=now,
            ctime=now,
            mtime=now,
        )
        saving.change(call, "OriginalFile", made, version=None)
        return self._handle(call, made)

    def openTable(self, call: Call, file: IObject | None) -> Any:
        """Return a handle on a table that is there."""
        if file is None or file.id is None:
            raise errors.api_usage("No file given.")
        file_id = file.id.val
        if not permissions.check_readable(call, "OriginalFile", file_id):
            raise errors.missing_row("ome.model.core.OriginalFile", file_id)
        found = Loader(call).object("OriginalFile", file_id)
        if found is None or unwrap(found.mimetype) != TABLE:
            raise errors.internal("null table as argument")
        return self._handle(call, file_id)

    def _handle(self, call: Call, file_id: int) -> Any:
        stored = place.find(call, file_id)
        assert stored is not None
        return call.publish(Table(stored, read_only=not can_write(call, stored)))


def _proxy(call: Call, name: str) -> Any:
    """Return the proxy of a repository that can be used."""
    interface = "omero.grid.ManagedRepository"
    if name != place.MANAGED or interface not in STATELESS:
        return None
    proxy = call.server.proxy(call.session, interface)
    return omero.grid.ManagedRepositoryPrx.uncheckedCast(proxy)
