"""The OMERO server that comes with this: whether it can run here, where the user's own keeps things, and how one is started.

Below `serve`, `web` and `demo`; every command that speaks to any OMERO server asks here for what must be installed.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from pyomero_upload.errors import PyomeroError
from pyomero_upload.extras import require

if TYPE_CHECKING:
    from omero_embedded import Server


def require_omero() -> None:
    """Make sure that what speaks to OMERO is installed.

    Raises
    ------
    PyomeroError
        If not; the hint says how.

    """
    require(
        ["omero", "Ice", "sqlalchemy", "lark"],
        for_what="OMERO",
        extras=["omero"],
        more=" The README says where Ice comes from.",
    )


def default_folder() -> Path:
    """Return the folder of the user's own server."""
    from platformdirs import user_data_path  # noqa: PLC0415

    return user_data_path("pyomero", appauthor=False) / "server"


def start_server(folder: Path, running: ExitStack) -> "tuple[Server, int]":
    """Start a server in a folder, for as long as the stack is open; return it and its TLS port.

    Raises
    ------
    PyomeroError
        If it does not start, as where one runs in that folder already.

    """
    from omero_embedded import Server  # noqa: PLC0415

    try:
        server = running.enter_context(Server(folder))
    except RuntimeError as error:
        raise PyomeroError(
            f"The OMERO server did not start: {str(error).splitlines()[-1]}",
            hint="If one runs in this folder already, show that one: --server 127.0.0.1:PORT.",
        ) from error
    if server.port is None:
        raise AssertionError("a server that was told to listen has a port")
    return server, server.port
