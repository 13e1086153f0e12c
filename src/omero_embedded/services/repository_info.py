"""omero.api.IRepositoryInfo: how much room there is."""

import shutil

from omero_embedded import errors
from omero_embedded.call import Call
from omero_embedded.wire.registry import stateless


@stateless("omero.api.IRepositoryInfo")
class RepositoryInfoService:
    """The room on the disk that the server's files are on."""

    def getFreeSpaceInKilobytes(self, call: Call) -> int:
        """Give the room that is left, in kilobytes."""
        return shutil.disk_usage(call.server.folder).free // 1024

    def getUsageFraction(self, call: Call) -> float:
        """Give how full the disk is, from 0 to 1."""
        usage = shutil.disk_usage(call.server.folder)
        return usage.used / usage.total

    def getUsedSpaceInKilobytes(self, call: Call) -> int:
        """Refuse, as the real server does."""
        raise errors.internal("This UNSAFE method has been deprecated.")
