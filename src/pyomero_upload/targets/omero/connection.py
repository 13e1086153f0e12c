"""A session on an OMERO server.

Stands between `settings`, which say where and as whom, and everything else in this room, which asks the server through it.
"""

import contextlib
import logging
import re
import threading
from collections.abc import Callable
from typing import Any

import Ice
import omero
import omero.clients
import omero.model
import omero.sys
from omero.rtypes import rstring
from pydantic import SecretStr
from typing_extensions import Self

from pyomero_upload.errors import UsageError
from pyomero_upload.targets.omero import explaining
from pyomero_upload.targets.omero.groups import Named, pick_group
from pyomero_upload.targets.omero.passwords import password_of
from pyomero_upload.targets.omero.settings import DEFAULT_PORT, ServerSettings

log = logging.getLogger(__name__)

AGENT = "pyomero-upload"

KEEP_ALIVE = 20
"""Seconds between signs of life, so that a session that is in use never is idle for its time."""

SILENCE = 60
"""Seconds after which a connection over which nothing comes, not even the answer to a sign of life, is given up."""

CONNECTING = 5_000
"""Milliseconds for a connection to be made; omero-py tries it three times."""

Ask = Callable[[str], SecretStr | None]
"""Asks for the password of `USER at SERVER`; None where there is nobody to ask."""


class Connection:
    """A session on a server, in one group.

    Every call goes to that group: it is put into the context of all calls of this client.

    Attributes
    ----------
    client
        The `omero.client`. Another one after `rejoin` or `log_in_again`: ask for it, do not keep it.
    settings
        Where and as whom.
    user, group
        Who is logged in, and the group that things are made in.
    session_number
        Counts the sessions: 1, and one more after each `log_in_again`. What lived in an older session is lost.

    """

    def __init__(self, client: Any, settings: ServerSettings, *, user: Named, group: Named) -> None:
        self.client = client
        self.settings = settings
        self.user, self.group = user, group
        self.session_number = 1
        self.key = SecretStr(client.getSessionId())
        self._detached = False
        self._lock = threading.RLock()

    # ------------------------------------------------------------ beginning
    @classmethod
    def open(cls, settings: ServerSettings, *, ask: Ask | None = None) -> Self:
        """Join the session that the settings name, or log in.

        A session of a login that is over is passed over where a password can be had. The session of a login is left
        alive by `close`, any other is ended.

        Parameters
        ----------
        settings
            Where and as whom.
        ask
            Asks the user for a password where none is known.

        Raises
        ------
        PyomeroError
            If the server cannot be reached, is too old or none, or does not let the user in; says what to do.

        """
        client = _log_in(settings, ask)
        try:
            with explaining.explained_errors(settings):
                return cls._over(client, settings)
        except BaseException:
            _end(client)
            raise

    @classmethod
    def join(cls, settings: ServerSettings, key: SecretStr) -> Self:
        """Join a session that lives on: of a run that was cut off, or of another process.

        Raises
        ------
        SessionOverError
            If it is over.
        PyomeroError
            If the server cannot be reached.

        """
        client = _joined(settings, key)
        try:
            with explaining.explained_errors(settings):
                return cls._over(client, settings)
        except BaseException:
            _end(client)
            raise

    @classmethod
    def over(cls, client: Any) -> Self:
        """Return a connection over an `omero.client` that is logged in; its present group is taken."""
        settings = ServerSettings(
            host=client.getProperty("omero.host") or client.getProperty("omero.url.host"),
            port=int(client.getProperty("omero.port")),
            session=SecretStr(client.getSessionId()),
        )
        context = client.sf.getAdminService().getEventContext()
        client.getImplicitContext().put("omero.group", str(context.groupId))
        return cls(
            client,
            settings,
            user=Named(context.userId, context.userName),
            group=Named(context.groupId, context.groupName),
        )

    @classmethod
    def _over(cls, client: Any, settings: ServerSettings) -> Self:
        _check_version(client, settings)
        admin = client.sf.getAdminService()
        context = admin.getEventContext()
        user = Named(context.userId, context.userName)
        if settings.user is not None and user.name != settings.user:
            raise explaining.LoginError(
                f"The session that was given is {user.name}'s, not {settings.user}'s.",
                hint="Leave --user out, or give a session of that user.",
            )
        group = pick_group(admin, context, settings.group)
        connection = cls(client, settings, user=user, group=group)
        connection._begin()
        return connection

    def _begin(self) -> None:
        """Set up a client that has just logged in or joined."""
        self.client.getImplicitContext().put("omero.group", str(self.group.id))
        self.client.enableKeepAlive(KEEP_ALIVE)
        if self._detached or self.settings.stored is not None:
            self.sf.detachOnDestroy()

    # ------------------------------------------------------------ what is asked through it
    @property
    def host(self) -> str:
        """The server, as it was asked for."""
        return self.settings.host

    @property
    def port(self) -> int:
        """Its port."""
        return self.settings.port or DEFAULT_PORT

    @property
    def sf(self) -> Any:
        """The ServiceFactoryPrx."""
        return self.client.sf

    @property
    def query(self) -> Any:
        """The IQueryPrx."""
        return self.sf.getQueryService()

    @property
    def update(self) -> Any:
        """The IUpdatePrx."""
        return self.sf.getUpdateService()

    @property
    def pixels(self) -> Any:
        """The IPixelsPrx."""
        return self.sf.getPixelsService()

    def web_url(self, kind: str, identifier: int) -> str:
        """Return the address of an object in OMERO.web, such as `web_url("Dataset", 7)`."""
        return f"{self._web()}/webclient/?show={kind.lower()}-{identifier}"

    def _web(self) -> str:
        if self.settings.web:
            return self.settings.web.rstrip("/")
        told = self.sf.getConfigService().getConfigValue("omero.client.web.host")
        if told:
            return str(told).rstrip("/")
        url = re.match(r"(\w+)://([^:/]+)", self.host)
        if url is None:
            return f"http://{self.host}"
        return f"https://{url[2]}" if url[1] in {"wss", "ssl"} else f"http://{url[2]}"

    # ------------------------------------------------------------ dropping and coming back
    def detach(self) -> None:
        """Let the session live on, for its idle time, when the connection drops or this process dies."""
        self.sf.detachOnDestroy()
        self._detached = True

    def rejoin(self) -> None:
        """Come back into the same session with a new client, after the connection dropped.

        What lives in the session goes on: `sf.ice_identity(identity)` of a store gives it back.

        Raises
        ------
        SessionOverError
            If the session did not outlive the connection.
        PyomeroError
            If the server cannot be reached (yet).

        """
        with self._lock:
            client = _joined(self.settings, self.key)
            self._replace(client)

    def log_in_again(self, ask: Ask | None = None) -> None:
        """Begin a new session as the same user, after the old one was over; `session_number` counts up.

        Raises
        ------
        PyomeroError
            If the server cannot be reached, or no password is known.

        """
        with self._lock:
            client = _with_password(self.settings, ask)
            self.key = SecretStr(client.getSessionId())
            self.session_number += 1
            self._replace(client)

    def _replace(self, client: Any) -> None:
        old, self.client = self.client, client
        with explaining.explained_errors(self.settings):
            self._begin()
        _end(old)

    # ------------------------------------------------------------ end
    def close(self) -> None:
        """End the session; one of a login is only left."""
        with self._lock:
            if self._detached and self.settings.stored is None:
                # It would outlive its client: close it for all who are in it.
                with contextlib.suppress(Ice.Exception, omero.ClientError):
                    service, session = self.sf.getSessionService(), omero.model.SessionI()
                    session.uuid = rstring(self.key.get_secret_value())
                    while service.closeSession(session) > 0:
                        pass
            _end(self.client)


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
            },
        )
    except (Ice.Exception, omero.ClientError) as error:
        raise explaining.explain(error, settings) from None
    client.setAgent(AGENT)
    return client


def _log_in(settings: ServerSettings, ask: Ask | None) -> Any:
    if settings.session is None or settings.sudo is not None:
        return _with_password(settings, ask)
    try:
        return _joined(settings, settings.session)
    except explaining.SessionOverError:
        if settings.user is None:
            raise
        password = password_of(settings, ask)
        if password is None:
            raise
    return _created(settings, password)


def _with_password(settings: ServerSettings, ask: Ask | None) -> Any:
    if settings.prover is None:
        raise UsageError(
            f"Who are you at {settings.place}?",
            hint="Name the user: --user NAME; or log in once with: pyomero login",
        )
    if settings.sudo is not None:
        return _as_another(settings, ask)
    password = password_of(settings, ask)
    if password is None:
        raise no_password(settings)
    return _created(settings, password)


def no_password(settings: ServerSettings) -> UsageError:
    """Return the error that says that there is no password."""
    return UsageError(
        f"There is no password for {settings.prover} at {settings.place}.",
        hint="Log in once with: pyomero login; or pipe it in with --password-stdin, or set OMERO_PASSWORD.",
    )


def _created(settings: ServerSettings, password: SecretStr) -> Any:
    return _entered(settings, settings.prover or "", password, joining=False)


def _joined(settings: ServerSettings, key: SecretStr) -> Any:
    return _entered(settings, key.get_secret_value(), key, joining=True)


def _entered(settings: ServerSettings, name: str, proof: SecretStr, *, joining: bool) -> Any:
    client = new_client(settings)
    try:
        client.createSession(name, proof.get_secret_value())
    except BaseException as error:
        _end(client)
        if isinstance(error, Ice.Exception | omero.ClientError):
            raise explaining.explain_connecting(error, settings, joining=joining) from None
        raise
    return client


def _as_another(settings: ServerSettings, ask: Ask | None) -> Any:
    """Log in as the administrator, begin a session of the user's, and join it."""
    if settings.session is not None:
        admin = _joined(settings, settings.session)
    else:
        password = password_of(settings, ask)
        if password is None:
            raise no_password(settings)
        admin = _created(settings, password)
    try:
        if settings.stored is not None:
            admin.sf.detachOnDestroy()
        principal = omero.sys.Principal(name=settings.user, group="", eventType="User")
        try:
            session = admin.sf.getSessionService().createSessionWithTimeouts(principal, 0, 600_000)
        except omero.SecurityViolation:
            raise explaining.LoginError(
                f"{settings.sudo} may not work as {settings.user} at {settings.place}.",
                hint="That takes an administrator with the privilege Sudo.",
            ) from None
        except (omero.ApiUsageException, omero.ValidationException, omero.AuthenticationException):
            raise explaining.LoginError(
                f"There is no user {settings.user} at {settings.place}.", hint="Check --user."
            ) from None
        return _joined(settings, SecretStr(session.uuid.val))
    finally:
        _end(admin)


def _check_version(client: Any, settings: ServerSettings) -> None:
    version = str(client.sf.getConfigService().getVersion())
    numbers = tuple(int(n) for n in re.findall(r"\d+", version)[:2])
    if numbers < explaining.OLDEST:
        raise explaining.ConnectingError(
            f"{settings.place} runs OMERO {version}, which is too old.",
            hint="This works with OMERO 5.6 and later; ask the server's administrator for an update.",
        )


def _end(client: Any) -> None:
    """Close a client; one whose connection is gone has nothing left to close."""
    with contextlib.suppress(Ice.Exception, omero.ClientError):
        client.closeSession()
