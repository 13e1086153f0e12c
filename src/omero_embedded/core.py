"""The server without its wire: database, folder, people, configuration, sessions, and where servants are found."""

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import Ice
from sqlalchemy import select

from omero_embedded import initial, passwords, tables
from omero_embedded.call import Call
from omero_embedded.database import Database
from omero_embedded.people import Directory
from omero_embedded.scripting import official
from omero_embedded.wire import registry
from omero_embedded.wire.dispatch import Servant, servant
from omero_embedded.wire.interfaces import proxy_class
from omero_embedded.wire.sessions import PROCESS, Session, Sessions

if TYPE_CHECKING:
    from omero_embedded.wire.router import Router


class Core:
    """All that a call needs of the server.

    Parameters
    ----------
    folder
        Where files live; the database too, unless `url` says otherwise.
    database
        The database; its tables and first content are made where it is new.
    root_password
        The password of root in a new database.

    Attributes
    ----------
    adapter, router, reached_by
        Set by the wire: where servants are, who logs clients in, and the properties by which a client on this machine
        reaches the server.
    """

    adapter: Ice.ObjectAdapter
    router: "Router"
    reached_by: dict[str, str]

    def __init__(self, folder: Path, database: Database, root_password: str) -> None:
        self.folder = folder
        self.database = database
        new = database.is_new()
        transaction = database.begin(writes=True)
        try:
            if new:
                database.create_tables(transaction.connection)
                initial.fill(transaction.connection, root_password)
            initial.place_repositories(transaction.connection, folder)
            official.install(transaction.connection, folder)
        except BaseException:
            transaction.rollback()
            raise
        transaction.commit()
        self.directory = Directory(database)
        self.sessions = Sessions(self)
        self.configuration = self._configuration()
        self.node_id = initial.SERVER_NODE
        self._services: dict[str, object] = {}

    def _configuration(self) -> dict[str, str]:
        """Return the defaults with what the database holds instead."""
        transaction = self.database.begin(writes=False)
        try:
            own = {
                r.key: r.value for r in transaction.connection.execute(select(tables.configuration))
            }
        finally:
            transaction.rollback()
        return {**initial.CONFIGURATION, **own}

    def password_matches(self, call: Call, user_id: int, password: str) -> bool:
        """Whether the password is the user's."""
        return passwords.check(call.db, user_id, password)

    # ------------------------------------------------------------ servants
    def servant(self, session: Session, name: str) -> Servant | None:
        """Return the servant of a session under a name: a stateless service's interface, or an open service's name."""
        found = session.servants.get(name) or session.stateless.get(name)
        if found is None:
            registry.load()
            if name in registry.STATELESS:
                service = self._services.setdefault(name, registry.STATELESS[name]())
                found = session.stateless[name] = servant(self, session, service, one_by_one=False)
        return found

    def proxy(self, session: Session, name: str) -> Ice.ObjectPrx:
        """Return the proxy for a name of a session."""
        return self.adapter.createProxy(Ice.Identity(name, session.uuid))

    def publish(self, session: Session, service: Any, name: str | None = None) -> Any:
        """Make a service of one client reachable, and return its proxy."""
        key = name or f"{uuid.uuid4()}{service.interface}"
        session.servants[key] = servant(self, session, service, one_by_one=True)
        if key.startswith(f"{PROCESS}/"):
            identity = Ice.Identity(key.removeprefix(f"{PROCESS}/"), PROCESS)
            return proxy_class(service.interface).uncheckedCast(  # type: ignore[attr-defined]
                self.adapter.createProxy(identity)
            )
        return proxy_class(service.interface).uncheckedCast(self.proxy(session, key))  # type: ignore[attr-defined]

    def close(self) -> None:
        """End all sessions and let go of the database."""
        for session in self.sessions.all():
            self.sessions.close(session)
        self.database.close()
