"""Which server, and as whom: put together from the options, the session of a login, the environment and a file.

Below `connection`. The sources, the strongest first:

1. what was asked for explicitly (options of the command line, arguments);
2. the session of `omero login` or `pyomero login`, in OMERO's own store of sessions;
3. the environment: `OMERO_HOST`, `OMERO_PORT`, `OMERO_USER`, `OMERO_PASSWORD`, `OMERO_SESSION`, `OMERO_GROUP`;
4. the configuration file;
5. the server and the user of the last login, though its session was closed;
6. for the password alone: the keyring, and last the user, who is asked (`connection` does both).

A weaker source fills what the stronger ones leave open, but only if it speaks of the same server; group, password and
session are taken from it only if it speaks of the same user. So nobody works on another server, or as another user,
than was asked for because a file or an old login said so.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from platformdirs import user_config_path
from pydantic import Field, SecretStr, model_validator
from typing_extensions import Self

from pyomero_upload.errors import UsageError
from pyomero_upload.targets.omero import login_store
from pyomero_upload.targets.omero.defaults import DEFAULT_PORT
from pyomero_upload.yaml_file import UserModel, read_yaml

Port = Annotated[int, Field(ge=1, le=65535)]


class NoServerError(UsageError):
    """No source names a server."""


@dataclass(frozen=True)
class Said:
    """What one source says; None where it is silent."""

    host: str | None = None
    port: int | None = None
    user: str | None = None
    group: str | None = None
    password: SecretStr | None = None
    session: SecretStr | None = None
    web: str | None = None


@dataclass(frozen=True)
class ServerSettings:
    """Which server, as whom, in which group.

    Attributes
    ----------
    host, port
        The server as omero-py takes it: a name or an address, or a URL such as `wss://omero.example.org/omero-ws`. No
        port: the usual one of the protocol.
    user
        The user to be; None only where a session says who it is.
    group
        Name or id of the group to work in; None: the user's default group.
    sudo
        The administrator who logs in in the user's place.
    password
        Of the user, or of the administrator; None: to be asked for.
    session
        The key of a session to join.
    stored
        The session of a login that `session` comes from; it is left alive.
    web
        Address of OMERO.web, where told.
    warnings
        What the user should know about the sources.

    """

    host: str
    port: int | None = None
    user: str | None = None
    group: str | None = None
    sudo: str | None = None
    password: SecretStr | None = None
    session: SecretStr | None = None
    stored: login_store.StoredSession | None = None
    web: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The server for a person: `omero.example.org:4064`, or its URL."""
        return self.host if "://" in self.host else f"{self.host}:{self.port or DEFAULT_PORT}"

    @property
    def prover(self) -> str | None:
        """Whose password is needed: the administrator's, or the user's."""
        return self.sudo or self.user


class OmeroConn(UserModel):
    """The form that the published tool's configuration file has."""

    username: str | None = None
    password: SecretStr | None = None
    server: str | None = None
    port: Port | None = None


class ConfigFile(UserModel):
    """The configuration file.

    Attributes
    ----------
    server, port, user, group, password
        What the options and the prompt say otherwise.
    web
        Address of OMERO.web, for the links that are printed.
    omero_conn
        Server, port, user and password in the form of the published tool.

    """

    server: str | None = None
    port: Port | None = None
    user: str | None = None
    group: str | None = None
    password: SecretStr | None = None
    web: str | None = None
    omero_conn: OmeroConn | None = None

    @model_validator(mode="after")
    def _in_one_form(self) -> Self:
        flat = (self.server, self.port, self.user, self.password)
        if self.omero_conn is not None and any(value is not None for value in flat):
            raise ValueError(
                "server, port, user and password stand here or in omero_conn, not in both"
            )
        return self


def find_settings(
    asked: Said,
    *,
    sudo: str | None = None,
    config_file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stored_session: bool = True,
) -> ServerSettings:
    """Return the settings that all sources make together.

    Parameters
    ----------
    asked
        What was asked for explicitly.
    sudo
        The administrator who is to log in in the place of `asked.user`.
    config_file
        A configuration file, which must be there; None: the user's own, if there is one.
    environment
        None: that of this process.
    stored_session
        Whether a session of a login may be used.

    Raises
    ------
    NoServerError
        If no source names a server.
    UsageError
        If no user to work as in another's place is named, or the configuration file cannot be used.

    """
    if sudo is not None and asked.user is None:
        raise UsageError(
            "--sudo says who logs in, but not whom to work as.",
            hint="Name the user whose data it is to be: --user NAME.",
        )
    in_file, warnings = read_config(config_file)
    stored = (
        login_store.fitting(asked.host, asked.port, sudo or asked.user) if stored_session else None
    )
    said = asked
    weaker_ones = [_of_login(stored), _in_environment(environment), in_file]
    if stored_session:
        weaker_ones.append(Said(*login_store.last_place()))
    for weaker in weaker_ones:
        said = _filled(said, weaker, sudo=sudo)
    if said.host is None:
        raise NoServerError(
            "Which OMERO server?",
            hint="Name it: --server NAME; or log in once with: pyomero login NAME. "
            "OMERO_HOST and the configuration file can name it too.",
        )
    joined = stored is not None and said.session == stored.key
    return ServerSettings(
        host=said.host,
        port=said.port,
        user=said.user,
        group=said.group,
        sudo=sudo,
        password=said.password,
        session=said.session,
        stored=stored if joined else None,
        web=said.web,
        warnings=warnings,
    )


def _filled(said: Said, weaker: Said, *, sudo: str | None) -> Said:
    """Return what is said, completed by a weaker source as far as it speaks of the same server and user."""
    if not _same_server(said, weaker):
        return said
    said = replace(
        said,
        host=said.host if said.host is not None else weaker.host,
        port=said.port if said.port is not None else weaker.port,
        web=said.web if said.web is not None else weaker.web,
    )
    prover = sudo or said.user
    if prover is None or weaker.user in {None, prover}:
        said = replace(
            said,
            user=said.user or weaker.user,
            password=said.password or weaker.password,
            session=said.session or weaker.session,
        )
        if sudo is None and said.group is None:
            said = replace(said, group=weaker.group)
    return said


def _same_server(said: Said, weaker: Said) -> bool:
    if said.host is None or weaker.host is None:
        return True
    if said.host.lower() != weaker.host.lower():
        return False
    return said.port is None or said.port == (weaker.port or DEFAULT_PORT)


def _of_login(stored: login_store.StoredSession | None) -> Said:
    if stored is None:
        return Said()
    return Said(stored.host, stored.port, stored.user, stored.group, session=stored.key)


def _in_environment(environment: Mapping[str, str] | None) -> Said:
    variables = os.environ if environment is None else environment

    def value(name: str) -> str | None:
        return variables.get(f"OMERO_{name}") or None

    def secret(name: str) -> SecretStr | None:
        text = value(name)
        return None if text is None else SecretStr(text)

    port = value("PORT")
    if port is not None and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise UsageError(
            f"The environment variable OMERO_PORT is {port!r}, which is no port.",
            hint="A port is a number from 1 to 65535; OMERO's is usually 4064.",
        )
    return Said(
        host=value("HOST"),
        port=None if port is None else int(port),
        user=value("USER"),
        group=value("GROUP"),
        password=secret("PASSWORD"),
        session=secret("SESSION"),
        web=value("WEB"),
    )


def config_path() -> Path:
    """Return where the user's own configuration file is looked for."""
    return user_config_path("pyomero-upload", appauthor=False) / "config.yaml"


def read_config(path: Path | None = None) -> tuple[Said, tuple[str, ...]]:
    """Return what a configuration file says (the user's own unless told), and warnings about it.

    Raises
    ------
    UsageError
        If it cannot be read or understood; names the lines. A file of one's own need not be there.

    """
    if path is None:
        path = config_path()
        if not path.exists():
            return Said(), ()
    file = read_yaml(path, ConfigFile)
    old = file.omero_conn or OmeroConn()
    said = Said(
        host=file.server or old.server,
        port=file.port or old.port,
        user=file.user or old.username,
        group=file.group,
        password=file.password or old.password,
        web=file.web,
    )
    exposed = said.password is not None and os.name == "posix" and _others_read(path)
    warning = (
        f"{path} holds a password and can be read by others. Make it yours alone: chmod 600 {path}"
    )
    return said, (warning,) if exposed else ()


def _others_read(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
