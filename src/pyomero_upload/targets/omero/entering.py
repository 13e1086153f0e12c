"""Getting into a server: an `omero.client` that is logged in, or joined to a session.

Below `connection`, which keeps what is got here.
"""

import contextlib
import logging
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import Ice
import omero
import omero.clients
import omero.sys
from pydantic import SecretStr

from pyomero_upload.errors import UsageError
from pyomero_upload.targets.omero import explaining
from pyomero_upload.targets.omero.passwords import password_of
from pyomero_upload.targets.omero.settings import ServerSettings

AGENT = "pyomero-upload"

SILENCE = 60
"""Seconds after which a connection over which nothing comes, not even the answer to a sign of life, is given up."""

CONNECTING = 5_000
"""Milliseconds for a connection to be made; omero-py tries it three times."""

IDLE = 600_000
"""Milliseconds without a call after which a session is over that is begun for another user; OMERO's own default."""

Ask = Callable[[str], SecretStr | None]
"""Asks for the password of `USER at SERVER`; None where there is nobody to ask."""


def new_client(settings: ServerSettings) -> Any:
    """Return an `omero.client` for the server, not logged in, that notices within a minute that nobody answers.

    Raises
    ------
    ConnectingError
        If the address is none.

    """
    # omero-py tells of each try on standard error
    logging.getLogger("omero.client").setLevel(logging.ERROR)
    try:
        client = omero.client(
            host=settings.host,
            port=settings.port,
            pmap={
                "Ice.Override.ConnectTimeout": str(CONNECTING),
                "Ice.ACM.Client.Timeout": str(SILENCE),
                "Ice.ACM.Client.Heartbeat": "0",
            },
        )
    except (Ice.Exception, omero.ClientError) as error:
        raise explaining.explain(error, settings) from None
    client.setAgent(AGENT)
    return client


def log_in(settings: ServerSettings, ask: Ask | None) -> tuple[Any, ServerSettings]:
    """Return a client that is logged in as the settings say, and the settings with the password that was found.

    The session that the settings name is joined; if it is over, or none is named, the password is taken.

    Raises
    ------
    PyomeroError
        If that does not succeed.

    """
    client, settings = _as_prover(settings, ask)
    return client if settings.sudo is None else _as_another(client, settings), settings


def _as_prover(settings: ServerSettings, ask: Ask | None) -> tuple[Any, ServerSettings]:
    over = None
    if settings.session is not None:
        try:
            return joined(settings, settings.session), settings
        except explaining.SessionOverError as error:
            over = error
    if settings.prover is None:
        raise over or UsageError(
            f"Who are you at {settings.place}?",
            hint="Name the user: --user NAME; or log in once with: pyomero login",
        )
    password = password_of(settings, ask)
    if password is None:
        raise over or UsageError(
            f"There is no password for {settings.prover} at {settings.place}.",
            hint="Log in once with: pyomero login; or pipe it in with --password-stdin, or set OMERO_PASSWORD.",
        )
    # Kept, for a session may be over before the work is.
    settings = replace(settings, password=password, session=None, stored=None)
    return _entered(settings, settings.prover or "", password, joining=False), settings


def joined(settings: ServerSettings, key: SecretStr) -> Any:
    """Return a client that has joined a session.

    Raises
    ------
    SessionOverError
        If it is over.
    PyomeroError
        If the server cannot be reached.

    """
    return _entered(settings, key.get_secret_value(), key, joining=True)


def _entered(settings: ServerSettings, name: str, proof: SecretStr, *, joining: bool) -> Any:
    client = new_client(settings)
    try:
        client.createSession(name, proof.get_secret_value())
    except BaseException as error:
        end(client)
        if isinstance(error, Ice.Exception | omero.ClientError):
            raise explaining.explain_connecting(error, settings, joining=joining) from None
        raise
    return client


def _as_another(administrator: Any, settings: ServerSettings) -> Any:
    """Begin a session of the user's with an administrator's rights, and join it; the administrator leaves."""
    try:
        if settings.stored is not None:
            administrator.sf.detachOnDestroy()
        principal = omero.sys.Principal(name=settings.user, group="", eventType="User")
        service = administrator.sf.getSessionService()
        try:
            session = service.createSessionWithTimeouts(principal, 0, IDLE)
        except omero.SecurityViolation:
            raise explaining.LoginError(
                f"{settings.sudo} may not work as {settings.user} at {settings.place}.",
                hint="That takes an administrator with the privilege Sudo.",
            ) from None
        except (omero.ApiUsageException, omero.ValidationException, omero.AuthenticationException):
            raise explaining.LoginError(
                f"There is no user {settings.user} at {settings.place}.", hint="Check --user."
            ) from None
        return joined(settings, SecretStr(session.uuid.val))
    finally:
        end(administrator)


def check_version(client: Any, settings: ServerSettings) -> None:
    """Make sure that the server is not too old.

    Raises
    ------
    ConnectingError
        If it is.

    """
    version = str(client.sf.getConfigService().getVersion())
    numbers = tuple(int(n) for n in re.findall(r"\d+", version)[:2])
    if numbers < explaining.OLDEST:
        raise explaining.ConnectingError(
            f"{settings.place} runs OMERO {version}, which is too old.",
            hint="This works with OMERO 5.6 and later; ask the server's administrator for an update.",
        )


def check_user(name: str, settings: ServerSettings) -> None:
    """Make sure that a session is that of the user who is meant.

    Raises
    ------
    LoginError
        If it is not.

    """
    if settings.user not in {None, name}:
        raise explaining.LoginError(
            f"The session that was given is {name}'s, not {settings.user}'s.",
            hint="Leave --user out, or give a session of that user.",
        )


def end(client: Any) -> None:
    """Close a client; one whose connection is gone has nothing left to close."""
    with contextlib.suppress(Ice.Exception, omero.ClientError):
        client.closeSession()
