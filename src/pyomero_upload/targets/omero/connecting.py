"""`connect`: a connection from Python in one line, for scripts and notebooks.

Above `connection` and `settings`, beside the command line, which has options for the same.
"""

from getpass import getpass

from pydantic import SecretStr

from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.settings import Said, find_settings


def connect(
    server: str | None = None,
    *,
    port: int | None = None,
    user: str | None = None,
    password: str | None = None,
    group: str | None = None,
    web: str | None = None,
) -> Connection:
    """Connect to an OMERO server; close the connection when you are done.

    What is not said here is taken from the session of `pyomero login`, the environment or the configuration file, as
    the commands do, and a password that is in none of them is asked for.

    Parameters
    ----------
    server
        Name, or an address such as `wss://omero.example.org/omero-ws`.
    port
        4064 unless told.
    user, password
        Better not write a password into a script or notebook.
    group
        Name or id of the group to work in; the user's default one unless told.
    web
        Address of OMERO.web, for links.

    Raises
    ------
    UsageError
        If no server or user is known.
    PyomeroError
        If the connection cannot be had; says why.

    """
    # A variable at the top of a notebook that was left empty says nothing.
    secret = SecretStr(password) if password else None
    asked = Said(
        host=server or None,
        port=port,
        user=user or None,
        group=group or None,
        password=secret,
        web=web or None,
    )
    return Connection.open(find_settings(asked), ask=_ask)


def _ask(whom: str) -> SecretStr | None:
    return SecretStr(getpass(f"Password of {whom}: "))
