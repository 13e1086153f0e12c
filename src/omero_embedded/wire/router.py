"""The router's part: clients log in, join sessions, and leave.

On a real server this is Glacier2, a process of its own between client and server; here it is one servant. Each client
(one connection) has a router session, which ends when the client says so or when its connection drops. After that the
connection's calls are answered by closing it: a client must not believe that it goes on.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import Glacier2
import Glacier2_Router_ice  # type: ignore[import-untyped]  # noqa: F401  # fills what others opened empty
import Ice
import omero

from omero_embedded import passwords
from omero_embedded.wire.dispatch import Servant, servant
from omero_embedded.wire.factory import ServiceFactory
from omero_embedded.wire.sessions import PROCESS, Session

if TYPE_CHECKING:
    from omero_embedded.core import Core

log = logging.getLogger("omero_embedded")

ROUTER = ("router", "OMERO.Glacier2")
TIMEOUT = 600
"""Seconds, as the real router tells its clients."""

SESSION_NOT_EXIST = next(
    cls
    for cls in Ice.UserException.__subclasses__()
    if (cls.__module__, cls.__name__) == ("Glacier2", "SessionNotExistException")
)
"""The exception that Slice means: in a program that imports Glacier2 before omero, another class hides it there."""

SECOND_FAILURE = 3.0
"""Seconds by which a second wrong password for one user in a row is answered later."""


@dataclass
class Client:
    """A client that logged in on a connection: its uuid, its session, and the servant that hands it services.

    `with_password`: it has given one, and not only joined a session. Some operations take no less.
    """

    uuid: str
    session: Session
    factory: Servant
    with_password: bool


class Router(Glacier2.Router):  # type: ignore[misc]  # generated code is untyped
    """The servant OMERO.Glacier2/router."""

    def __init__(self, core: "Core", adapter: Ice.ObjectAdapter) -> None:
        self._core = core
        self._adapter = adapter
        self._clients: dict[str, Client] = {}
        self._failures: dict[int, int] = {}
        self._lock = threading.Lock()

    # ------------------------------------------------------------ Ice.Router, asked by the client's Ice
    def getClientProxy(self, current: Ice.Current | None = None) -> None:
        """Give none: the client's calls go to the router's own endpoints."""

    def getServerProxy(self, current: Ice.Current) -> Ice.ObjectPrx:
        """Give what stands for the client as seen from the server; calls to it go back over its connection."""
        return self._adapter.createProxy(Ice.Identity("client", current.id.category))

    def addProxies(
        self, proxies: list[Ice.ObjectPrx], current: Ice.Current | None = None
    ) -> list[Ice.ObjectPrx]:
        """Take note of nothing: every identity is reachable."""
        return []

    # ------------------------------------------------------------ Glacier2.Router
    def getCategoryForClient(self, current: Ice.Current) -> str:
        """Give the category of the client's own objects (its callbacks)."""
        return f"client-{current.ctx.get('omero.client.uuid', '')}"

    def getSessionTimeout(self, current: Ice.Current | None = None) -> int:
        """Give the seconds after which an idle session ends."""
        return TIMEOUT

    def getACMTimeout(self, current: Ice.Current | None = None) -> int:
        """Give the seconds after which an idle connection would be closed."""
        return TIMEOUT

    def refreshSession_async(self, callback: Any, current: Ice.Current) -> None:
        """Keep the client's session alive."""
        client = self.client_of(current.con)
        if client is None:
            callback.ice_exception(SESSION_NOT_EXIST())
            return
        client.session.touch()
        callback.ice_response()

    def destroySession(self, current: Ice.Current) -> None:
        """End the client's router session."""
        if not self.disconnected(current.con.toString()):
            raise SESSION_NOT_EXIST

    def createSessionFromSecureConnection_async(self, callback: Any, current: Ice.Current) -> None:
        """Refuse: certificates of clients are not asked for."""
        callback.ice_exception(
            Glacier2.PermissionDeniedException("Client certificates are not accepted.")
        )

    def createSession_async(
        self, callback: Any, user: str, password: str, current: Ice.Current
    ) -> None:
        """Log in with name and password, or join the session whose uuid is given as both."""
        try:
            joined = self._core.sessions.find(user) if user == password else None
            session = joined or self._log_in(user, password, current)
            callback.ice_response(self._connect(session, current, with_password=joined is None))
        except _TooOften as refusal:
            timer = threading.Timer(SECOND_FAILURE, callback.ice_exception, [refusal.answer])
            timer.daemon = True
            timer.start()
        except (Glacier2.CannotCreateSessionException, Glacier2.PermissionDeniedException) as error:
            callback.ice_exception(error)
        except Exception as error:
            log.exception("%s could not be logged in", user)
            callback.ice_exception(
                Glacier2.CannotCreateSessionException(f"{type(error).__name__}: {error}")
            )

    def _log_in(self, name: str, password: str, current: Ice.Current) -> Session:
        people = self._core.directory.now()
        user = people.user_named(name)
        transaction = self._core.database.begin(writes=False)
        try:
            right = passwords.check(
                transaction.connection, None if user is None else user.id, password
            )
        finally:
            transaction.rollback()
        if user is None or not right:
            raise self._refusal(name, None if user is None else user.id)
        self._failures.pop(user.id, None)
        asked = current.ctx.get("omero.group", "")
        group = people.group_named(asked) if asked else people.groups.get(user.default_group or 0)
        if asked and group is None and asked.lstrip("-").isdigit():
            group = people.groups.get(int(asked))
        if group is None:
            reason = f"No such group: {asked}" if asked else f"Can't find default group for {name}"
            raise omero.WrappedCreateSessionException(
                reason, False, -1, "ome.conditions.ApiUsageException"
            )
        return self._core.sessions.begin(
            user.id,
            group.id,
            agent=current.ctx.get("omero.agent"),
            user_ip=current.ctx.get("omero.ip"),
        )

    def _refusal(self, name: str, user_id: int | None) -> Exception:
        known = self._core.sessions.end_of(name) or ("[]" if user_id is None else f"[id={user_id}]")
        answer = Glacier2.PermissionDeniedException(f"Password check failed for '{name}': {known}")
        if user_id is None:
            return answer  # type: ignore[no-any-return]
        with self._lock:
            self._failures[user_id] = self._failures.get(user_id, 0) + 1
            again = self._failures[user_id] > 1
        return _TooOften(answer) if again else answer

    def _connect(
        self, session: Session, current: Ice.Current, *, with_password: bool
    ) -> Ice.ObjectPrx:
        """Begin the client's router session; give the proxy of its service factory."""
        key, uuid = current.con.toString(), current.ctx.get("omero.client.uuid", "")
        self.disconnected(key)
        factory = servant(self._core, session, ServiceFactory(), one_by_one=False)
        with self._lock:
            self._clients[key] = Client(uuid, session, factory, with_password)
        self._core.sessions.enter(session)
        current.con.setCallback(_Closed(lambda: self.disconnected(key)))
        proxy = self._adapter.createProxy(Ice.Identity(session.uuid, f"session-{uuid}"))
        return Glacier2.SessionPrx.uncheckedCast(proxy)

    # ------------------------------------------------------------ clients by their connections
    def client_of(self, connection: Ice.Connection) -> Client | None:
        """Return who logged in on the connection."""
        return self._clients.get(connection.toString())

    def disconnected(self, key: str) -> bool:
        """End the router session on a connection; return whether there was one."""
        with self._lock:
            client = self._clients.pop(key, None)
        if client is None:
            return False
        self._core.sessions.leave(client.session)
        return True


class _TooOften(Exception):  # noqa: N818  # not an error of ours: an answer that waits
    """A refusal that is to be answered later."""

    def __init__(self, answer: Exception) -> None:
        super().__init__(str(answer))
        self.answer = answer


class _Closed(Ice.ConnectionCallback):  # type: ignore[misc]
    """Tells that a connection is gone."""

    def __init__(self, gone: Callable[[], object]) -> None:
        self._gone = gone

    def heartbeat(self, connection: Ice.Connection) -> None:
        """Take a sign of life for granted."""

    def closed(self, connection: Ice.Connection) -> None:
        """End what lived on the connection, on a thread that may wait."""
        threading.Thread(target=self._gone, name="omero_embedded-gone", daemon=True).start()


class Locator(Ice.ServantLocator):  # type: ignore[misc]
    """Finds the servant for an identity: the router, a client's service factory, or a service of a session.

    A service is reachable in every client that is in its session, under category (the session's uuid) and name. So
    `sf.ice_identity(identity)` gives a store back to a client that joined the session later.
    """

    def __init__(self, core: "Core", router: Router) -> None:
        self._core = core
        self._router = router

    def locate(self, current: Ice.Current) -> Any:
        """Return the servant; None (ObjectNotExistException) where there is no such session or service."""
        identity = current.id
        if (identity.name, identity.category) == ROUTER:
            return self._router
        client = self._router.client_of(current.con)
        if client is None:
            current.con.close(True)
            raise Ice.ObjectNotExistException
        if identity.category.startswith("session-"):
            session = self._core.sessions.find(identity.name)
            return client.factory if session is client.session else None
        if identity.category == PROCESS:
            return self._core.servant(client.session, f"{PROCESS}/{identity.name}")
        session = self._core.sessions.find(identity.category)
        return None if session is None else self._core.servant(session, identity.name)

    def finished(self, current: Ice.Current, servant: Any, cookie: Any) -> None:
        """Do nothing."""

    def deactivate(self, category: str) -> None:
        """Do nothing."""
