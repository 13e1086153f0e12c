"""The options that say which OMERO server and as whom, described once, and the connection that they lead to.

A command takes them as a family, see `families`, or those that it needs, of which it makes one::

    @explained
    @in_families
    def show(what: str, *, server: ServerOptions) -> None:
        with server.connected() as connection:
            ...
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyomero_upload.cli.own_server import require_omero
from pyomero_upload.errors import UsageError

if TYPE_CHECKING:
    from pydantic import SecretStr

    from pyomero_upload.targets.omero.connection import Connection
    from pyomero_upload.targets.omero.settings import ServerSettings

Server = Annotated[
    str | None,
    typer.Option(
        help="The OMERO server, as omero-py takes it: a name, or wss://NAME/PATH.",
        show_default=False,
    ),
]
Port = Annotated[
    int | None,
    typer.Option(min=1, max=65535, help="The server's port; 4064 unless told.", show_default=False),
]
User = Annotated[str | None, typer.Option(help="The user to log in as.", show_default=False)]
Group = Annotated[
    str | None,
    typer.Option(
        help="The group to work in, by name or id; the user's default one unless told.",
        show_default=False,
    ),
]
Sudo = Annotated[
    str | None,
    typer.Option(
        metavar="ADMIN",
        help="For facility staff: log in as this administrator, and work as --user.",
        show_default=False,
    ),
]
PasswordStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin", help="Read the password from the first line of standard input."
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        help="A configuration file in place of your own: YAML, see the documentation.",
        show_default=False,
    ),
]


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """Which server, and as whom."""

    server: Server = None
    port: Port = None
    user: User = None
    group: Group = None
    sudo: Sudo = None
    password_stdin: PasswordStdin = False
    config_file: ConfigFile = None

    @contextmanager
    def connected(self) -> "Iterator[Connection]":
        """Connect as the options, the session of a login, the environment and the configuration file say, and close it.

        A session of our own ends with it; one of `pyomero login` or `omero login` lives on.

        Raises
        ------
        PyomeroError
            If omero-py is not installed, or the connection cannot be had; says what to do. So do errors of the server's
            in the body of the `with`.

        """
        require_omero()
        from pyomero_upload.targets.omero.connection import Connection  # noqa: PLC0415
        from pyomero_upload.targets.omero.explaining import explained_errors  # noqa: PLC0415

        settings = self.settings()
        connection = Connection.open(settings, ask=ask_password)
        try:
            with explained_errors(settings):
                yield connection
        finally:
            connection.close()

    def settings(self, ask: Callable[[str], str | None] | None = None) -> "ServerSettings":
        """Return what the options, the session of a login, the environment and the configuration file say together.

        Parameters
        ----------
        ask
            Asks the user for a server or a user where nothing names one; None where there is nobody to ask.

        Raises
        ------
        UsageError
            If they name no server or no user, or the configuration file cannot be used.

        """
        from pyomero_upload.targets.omero.settings import (  # noqa: PLC0415
            NoServerError,
            Said,
            find_settings,
        )

        password = read_password() if self.password_stdin else None
        said = Said(
            host=self.server, port=self.port, user=self.user, group=self.group, password=password
        )
        try:
            settings = find_settings(said, sudo=self.sudo, config_file=self.config_file)
        except NoServerError:
            server = ask("OMERO server") if ask is not None else None
            if server is None:
                raise
            said = replace(said, host=server)
            settings = find_settings(said, sudo=self.sudo, config_file=self.config_file)
        if ask is not None and settings.user is None and settings.session is None:
            settings = replace(settings, user=ask(f"User at {settings.place}"))
        for warning in settings.warnings:
            typer.echo(f"Warning: {warning}", err=True)
        return settings


def read_password() -> "SecretStr":
    """Return the first line of standard input.

    Raises
    ------
    UsageError
        If there is none.

    """
    from pydantic import SecretStr  # noqa: PLC0415

    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise UsageError(
            "--password-stdin was given, but standard input has no password.",
            hint="Pipe it in: pass show omero | pyomero … --password-stdin",
        )
    return SecretStr(line)


def ask_password(whom: str) -> "SecretStr | None":
    """Ask for a password, unseen; None where there is nobody to ask."""
    from pydantic import SecretStr  # noqa: PLC0415

    if not sys.stdin.isatty():
        return None
    return SecretStr(str(typer.prompt(f"Password of {whom}", hide_input=True, err=True)))
