"""A session on an OMERO server.

Stands between `settings`, which say where and as whom, and everything else in this room, which asks the server through it.
"""

import contextlib
import re
import threading
from dataclasses import replace
from typing import Any

import Ice
import omero
import omero.clients
import omero.model
from omero.rtypes import rstring
from pydantic import SecretStr
from typing_extensions import Self

from pyomero_upload.targets.omero import entering, explaining, login_store
from pyomero_upload.targets.omero.defaults import DEFAULT_PORT
from pyomero_upload.targets.omero.groups import Named, pick_group
from pyomero_upload.targets.omero.passwords import password_of
from pyomero_upload.targets.omero.settings import ServerSettings

KEEP_ALIVE = 20
"""Seconds between signs of life, so that a session in use is never idle for its time, and a dead connection is noticed."""


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
        self._services: tuple[Any, dict[str, Any]] = (client, {})
        self._session_id: tuple[Any, int] = (None, 0)
        self._detached = False
        self._lock = threading.RLock()
        self._closed = threading.Event()

    # ------------------------------------------------------------ beginning
    @classmethod
    def open(cls, settings: ServerSettings, *, ask: entering.Ask | None = None) -> Self:
        """Join the session that the settings name, or log in.

        The session of a login is left alive by `close`, any other is ended.

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
        with explaining.explained_errors(settings):
            client, settings = entering.log_in(settings, ask)
            return cls._begun(client, settings)

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
        with explaining.explained_errors(settings):
            return cls._begun(entering.joined(settings, key), settings)

    @classmethod
    def over(cls, client: Any, *, group: str | None = None) -> Self:
        """Return a connection over an `omero.client` that is logged in.

        Parameters
        ----------
        client
            The client; its calls are made in the group from now on.
        group
            The name or id of the group to work in; None: the one that the session is in.

        """
        settings = ServerSettings(
            host=client.getProperty("omero.host") or client.getProperty("omero.url.host"),
            port=int(client.getProperty("omero.port")),
            session=SecretStr(client.getSessionId()),
        )
        admin = client.sf.getAdminService()
        context = admin.getEventContext()
        chosen = pick_group(admin, context, group)
        client.getImplicitContext().put("omero.group", str(chosen.id))
        return cls(client, settings, user=Named(context.userId, context.userName), group=chosen)

    @classmethod
    def _begun(cls, client: Any, settings: ServerSettings) -> Self:
        try:
            entering.check_version(client, settings)
            admin = client.sf.getAdminService()
            context = admin.getEventContext()
            user = Named(context.userId, context.userName)
            entering.check_user(user.name, settings)
            group = pick_group(admin, context, settings.group)
            connection = cls(client, settings, user=user, group=group)
            connection._set_up()
        except BaseException:
            entering.end(client)
            raise
        threading.Thread(target=connection._keep_alive, name="keep-alive", daemon=True).start()
        return connection

    def _set_up(self) -> None:
        """Set up a client that has just come in."""
        self.client.getImplicitContext().put("omero.group", str(self.group.id))
        if self._detached or self._of_login:
            self.sf.detachOnDestroy()

    def _keep_alive(self) -> None:
        while not self._closed.wait(KEEP_ALIVE):
            # Whoever asks the server next notices a drop, and can do something about it.
            with contextlib.suppress(Ice.Exception, omero.ClientError):
                self.sf.keepAlive(None)

    @property
    def _of_login(self) -> bool:
        """Whether the session is one of a login, and so not ours to end."""
        return self.settings.stored is not None and self.settings.sudo is None

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
    def session_id(self) -> int:
        """The number of the session; another one after `log_in_again`."""
        client = self.client
        if self._session_id[0] is not client:
            self._session_id = client, int(self._service("Admin").getEventContext().sessionId)
        return self._session_id[1]

    @property
    def query(self) -> Any:
        """The IQueryPrx."""
        return self._service("Query")

    @property
    def update(self) -> Any:
        """The IUpdatePrx."""
        return self._service("Update")

    @property
    def pixels(self) -> Any:
        """The IPixelsPrx."""
        return self._service("Pixels")

    def _service(self, name: str) -> Any:
        """Return a service: asking for one is a call too, so each is asked for once in a client's life."""
        if self._services[0] is not self.client:
            self._services = (self.client, {})
        _, known = self._services
        if name not in known:
            known[name] = getattr(self.sf, f"get{name}Service")()
        return known[name]

    def check_writable(self) -> None:
        """Make sure that the server takes changes at present.

        Raises
        ------
        ReadOnlyError
            If its database or its files are read-only.

        """
        if self.is_read_only:
            raise explaining.read_only(self.settings)

    @property
    def is_read_only(self) -> bool:
        """Whether the server says that its database or its files are read-only."""
        config = self._service("Config")
        keys = (f"omero.cluster.read_only.runtime.{part}" for part in ("db", "repo"))
        return any(config.getConfigValue(key) == "true" for key in keys)

    def web_url(self, kind: str, identifier: int) -> str:
        """Return the address of an object in OMERO.web, such as `web_url("Dataset", 7)`."""
        return f"{self.web()}/webclient/?show={kind.lower()}-{identifier}"

    def web(self) -> str:
        """Return the address of OMERO.web: as told, as the server is set up to tell, or else as its name suggests."""
        if self.settings.web:
            return self.settings.web.rstrip("/")
        told = self._service("Config").getConfigValue("omero.client.web.host")
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
            client = entering.joined(self.settings, self.key)
            self._replace(client)

    def log_in_again(self) -> None:
        """Begin a new session as the same user, after the old one was over; `session_number` counts up.

        Without a password, the session is taken that the user has begun by logging in again elsewhere.

        Raises
        ------
        SessionOverError
            If no password is known, and the user has not logged in again yet.
        PyomeroError
            If the server cannot be reached.

        """
        with self._lock:
            client = self._anew()
            self.key = SecretStr(client.getSessionId())
            self.session_number += 1
            self._replace(client)

    @property
    def can_log_in(self) -> bool:
        """Whether a password is known, so that a new session can be begun without the user."""
        settings = replace(self.settings, user=self.user.name)
        return password_of(settings, None) is not None

    def _anew(self) -> Any:
        settings = replace(self.settings, user=self.user.name)
        if settings.sudo is not None:
            client, self.settings = entering.log_in(settings, None)
            return client
        if self.can_log_in:
            settings = replace(settings, session=None, stored=None)
            client, self.settings = entering.log_in(settings, None)
            return client
        stored = login_store.fitting(settings.host, settings.port, self.user.name)
        if stored is None or stored.key == self.key:
            raise explaining.session_over(settings)
        self.settings = replace(settings, session=stored.key, stored=stored)
        return entering.joined(self.settings, stored.key)

    def come_back(self, lost: object) -> None:
        """Join the session again, or begin a new one if it is over, unless another thread has done so.

        Parameters
        ----------
        lost
            The client that was found to be of no use.

        Raises
        ------
        PyomeroError
            As `rejoin` and `log_in_again` do.

        """
        with self._lock:
            if self.client is not lost:
                return
            try:
                self.rejoin()
            except explaining.SessionOverError:
                self.log_in_again()

    def _replace(self, client: Any) -> None:
        old, self.client = self.client, client
        try:
            with explaining.explained_errors(self.settings):
                self._set_up()
        finally:
            entering.end(old)

    # ------------------------------------------------------------ end
    def leave(self) -> None:
        """Close the client, and let the session live on."""
        self._closed.set()
        with self._lock:
            self.sf.detachOnDestroy()
            entering.end(self.client)

    def close(self) -> None:
        """End the session; one of a login is only left."""
        self._closed.set()
        with self._lock:
            if (self._detached or self.settings.sudo is not None) and not self._of_login:
                # It would outlive its client: one that an administrator began for a user counts that administrator too.
                # Where the connection is gone, it ends when it was idle for its time.
                with contextlib.suppress(Ice.Exception, omero.ClientError):
                    service, session = self.sf.getSessionService(), omero.model.SessionI()
                    session.uuid = rstring(self.key.get_secret_value())
                    while service.closeSession(session) > 0:
                        pass
            entering.end(self.client)
