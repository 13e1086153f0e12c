"""OMERO sessions: what lives between calls, and for how long.

A session begins with a login and is referred to by each client that logged in or joined it. When the last one leaves it
ends, unless it was detached: then it lives until it was idle for its time. The end of a session closes its stateful
services, as if each had been closed by its client: so the end of a store is final.
"""

import logging
import threading
import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import insert, update

from omero_embedded import tables
from omero_embedded.call import Call

if TYPE_CHECKING:
    from omero_embedded.core import Core
    from omero_embedded.wire.dispatch import Servant

log = logging.getLogger("omero_embedded")

IDLE, LIVE = 600_000, 0
"""Milliseconds a session lives without a call, and at all (0: no limit), unless asked otherwise."""

PROCESS = "ProcessCallback"
"""The category of a script's process in place of its session's: by it OMERO.web tells scripts from other jobs."""

REMEMBERED = 10_000
"""Closed sessions whose end can still be told."""


def now() -> int:
    """Return the time as the model holds it: milliseconds since 1970."""
    return int(time.time() * 1000)


@dataclass
class Session:
    """One session. `id` is its row, `references` how many clients use it, `servants` its open stateful services.

    `only_groups`: where a leader began it for a member, the groups led then; it is of use in no other.
    """

    uuid: str
    id: int
    user_id: int
    group_id: int
    event_type: str = "User"
    time_to_idle: int = IDLE
    time_to_live: int = LIVE
    started: int = 0
    agent: str | None = None
    user_ip: str | None = None
    sudoer: int | None = None
    only_groups: tuple[int, ...] | None = None
    message: str = "Initial message."
    references: int = 0
    detached: bool = False
    used: int = 0
    servants: "dict[str, Servant]" = field(default_factory=dict)
    stateless: "dict[str, Servant]" = field(default_factory=dict)
    inputs: dict[str, object] = field(default_factory=dict)
    outputs: dict[str, object] = field(default_factory=dict)

    def touch(self) -> None:
        """Note that the session was used."""
        self.used = now()

    def lives(self, time_to_live: int, time_to_idle: int) -> None:
        """Set how long it lives, and how long without a call, in milliseconds; 0 is no limit."""
        self.time_to_live, self.time_to_idle = time_to_live, time_to_idle

    def is_over(self, moment: int) -> bool:
        """Whether its time is up."""
        idle = self.time_to_idle > 0 and moment - self.used > self.time_to_idle
        return idle or (self.time_to_live > 0 and moment - self.started > self.time_to_live)


class Sessions:
    """All open sessions."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._lock = threading.RLock()
        self._open: dict[str, Session] = {}
        self._closed: OrderedDict[str, str] = OrderedDict()

    def begin(
        self,
        user_id: int,
        group_id: int,
        *,
        agent: str | None = None,
        user_ip: str | None = None,
        time_to_idle: int = IDLE,
        time_to_live: int = LIVE,
        event_type: str = "User",
        sudoer: int | None = None,
        only_groups: tuple[int, ...] | None = None,
    ) -> Session:
        """Begin a session of the user in the group."""
        moment, key = now(), str(uuid.uuid4())
        rows = tables.table("Session")
        transaction = self._core.database.begin(writes=True)
        try:
            identifier = transaction.connection.execute(
                insert(rows)
                .values(
                    {
                        "class": "Session",
                        "version": 0,
                        "node": self._core.node_id,
                        "uuid": key,
                        "owner": user_id,
                        "sudoer": sudoer,
                        "timeToIdle": time_to_idle,
                        "timeToLive": time_to_live,
                        "started": moment,
                        "message": Session.message,
                        "defaultEventType": event_type,
                        "userAgent": agent,
                        "userIP": user_ip,
                    }
                )
                .returning(rows.c.id)
            ).scalar_one()
        except BaseException:
            transaction.rollback()
            raise
        transaction.commit()
        session = Session(
            uuid=key,
            id=identifier,
            user_id=user_id,
            group_id=group_id,
            event_type=event_type,
            time_to_idle=time_to_idle,
            time_to_live=time_to_live,
            started=moment,
            agent=agent,
            user_ip=user_ip,
            sudoer=sudoer,
            only_groups=only_groups,
            used=moment,
        )
        with self._lock:
            self._open[key] = session
        return session

    def find(self, key: str) -> Session | None:
        """Return the open session of the uuid."""
        return self._open.get(key)

    def all(self) -> list[Session]:
        """Return all open sessions."""
        with self._lock:
            return list(self._open.values())

    def end_of(self, key: str) -> str | None:
        """Return what is remembered of a session that was closed, for the message to who tries to join it."""
        return self._closed.get(key)

    def enter(self, session: Session) -> None:
        """Count one more client that uses the session."""
        with self._lock:
            session.references += 1
            session.touch()

    def leave(self, session: Session) -> int:
        """Count one client less; close the session after the last one unless it is detached. Return how many are left."""
        with self._lock:
            session.references = max(0, session.references - 1)
            left = session.references
        if left == 0 and not session.detached:
            self.close(session)
        return left

    def close(self, session: Session) -> None:
        """End a session: close what it holds open, and write down when."""
        with self._lock:
            if self._open.pop(session.uuid, None) is None:
                return
            moment = now()
            self._closed[session.uuid] = (
                f"[user={session.user_id}, created={session.started}, closed={moment}]"
            )
            while len(self._closed) > REMEMBERED:
                self._closed.popitem(last=False)
        for name in list(session.servants):
            self.close_service(session, name)
        rows = tables.table("Session")
        transaction = self._core.database.begin(writes=True)
        try:
            transaction.connection.execute(
                update(rows).where(rows.c.id == session.id).values(closed=moment)
            )
        except BaseException:
            transaction.rollback()
            raise
        transaction.commit()

    def close_service(self, session: Session, name: str) -> None:
        """Close a stateful service as its client would have done."""
        servant = session.servants.pop(name, None)
        if servant is None or servant.lock is None:
            return
        with servant.lock:
            service, servant.service = servant.service, None
            if not hasattr(service, "close"):
                return
            call: Call | None = None
            try:
                call = Call(self._core, session, servant.context, writes=True)
                service.close(call)
                call.finish()
            except Exception:
                log.exception("%s of session %s could not be closed properly", name, session.uuid)
                if call is not None:
                    call.abandon()

    def close_those_over(self) -> None:
        """End the sessions whose time is up."""
        moment = now()
        for session in self.all():
            if session.is_over(moment):
                log.info("Session %s is over: its time is up", session.uuid)
                self.close(session)
