"""omero.api.Save: saving an object as one request among others, such as linking what was just moved."""

import omero
import omero.api

from omero_embedded import saving
from omero_embedded.call import Call
from omero_embedded.wire.registry import command


@command("omero.cmd.Save")
class Save:
    """Saves as IUpdate does."""

    def __init__(self, request: "omero.api.Save") -> None:
        self._request = request

    def run(self, call: Call) -> "omero.api.SaveRsp":
        """Give the object as it was saved."""
        return omero.api.SaveRsp(saving.save(call, [self._request.obj])[0])
