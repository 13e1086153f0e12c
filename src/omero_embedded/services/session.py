"""omero.api.ISession: sessions as objects; sudo; joining is the router's part."""

from typing import Any

import omero
import omero.model

from omero_embedded import errors, passwords
from omero_embedded.call import Call
from omero_embedded.initial import ENUMERATIONS
from omero_embedded.loading import Loader
from omero_embedded.people import Group, User
from omero_embedded.wire.registry import stateless
from omero_embedded.wire.sessions import IDLE, LIVE, Session

GONE = -2
"""What closeSession answers when the session is over."""

LONGEST = 10
"""Times the usual that users may have a session of their own live (ome.services.sessions.SessionManagerImpl)."""


@stateless("omero.api.ISession")
class SessionService:
    """Sessions. Who knows a session's uuid may do with it as its owner.

    A session that is begun here counts who began it as one who uses it, until somebody closes it.
    """

    def createSession(
        self, call: Call, p: "omero.sys.Principal", credentials: str
    ) -> "omero.model.Session":
        """Begin a session with name and password, or be one more who uses the session whose uuid is the password."""
        open_one = call.server.sessions.find(credentials)
        if open_one is not None:
            call.server.sessions.enter(open_one)
            return as_object(call, open_one)
        user = call.people.user_named(p.name)
        if (
            not passwords.check(call.db, None if user is None else user.id, credentials)
            or user is None
        ):
            raise errors.authentication("Authentication exception.")
        user, group, kind = _checked(call, p)
        return _begin(call, user, group, kind, agent="createSession")

    def createUserSession(
        self, call: Call, ttl: int, tti: int, defaultGroup: str
    ) -> "omero.model.Session":
        """Begin another session for oneself."""
        call.require_password()
        me = call.people.users[call.session.user_id]
        user, group, kind = _checked(call, omero.sys.Principal(me.name, defaultGroup, "User", None))
        live, idle = min(ttl, LONGEST * LIVE), min(tti, LONGEST * IDLE)
        if idle == 0:
            raise errors.security(
                f"Cannot disable timeToIdle. Value must be between 1 and {LONGEST * IDLE}"
            )
        return _begin(
            call,
            user,
            group,
            kind,
            agent="createSession",
            sudoer=call.session.sudoer,
            time_to_live=live,
            time_to_idle=idle,
        )

    def createSessionWithTimeout(
        self, call: Call, p: "omero.sys.Principal", ttl: int
    ) -> "omero.model.Session":
        """Begin a session for somebody (sudo) that is never idle for too long."""
        return self.createSessionWithTimeouts(call, p, ttl, 0)

    def createSessionWithTimeouts(
        self, call: Call, p: "omero.sys.Principal", ttl: int, tti: int
    ) -> "omero.model.Session":
        """Begin a session for somebody (sudo): administrators for all, leaders in the groups that they lead."""
        led = None if "Sudo" in call.user.privileges else call.user.leads
        user, group, kind = _checked(call, p, led)
        return _begin(
            call,
            user,
            group,
            kind,
            agent="OMERO.sudo",
            sudoer=call.session.sudoer if call.session.sudoer is not None else call.session.user_id,
            only_groups=led,
            time_to_live=ttl,
            time_to_idle=tti,
        )

    def getSession(self, call: Call, sessionUuid: str) -> "omero.model.Session":
        """Give a session."""
        return as_object(call, self._find(call, sessionUuid))

    def getReferenceCount(self, call: Call, sessionUuid: str) -> int:
        """Give how many clients use a session."""
        return self._find(call, sessionUuid).references

    def closeSession(self, call: Call, sess: "omero.model.Session") -> int:
        """Count one client less; give how many are left, -2 where that ended it, -1 where there is no such session."""
        uuid = (
            sess.uuid.val
            if sess is not None and sess.isLoaded() and sess.uuid is not None
            else None
        )
        session = None if uuid is None else call.server.sessions.find(uuid)
        if session is None:
            return -1
        left = call.server.sessions.leave(session)
        if left == 0:
            call.server.sessions.close(session)
            return GONE
        return left

    def getMyOpenSessions(self, call: Call) -> "list[omero.model.Session]":
        """Give one's own open sessions, the newest first."""
        return [as_object(call, s) for s in self._own(call)]

    def getMyOpenAgentSessions(self, call: Call, agent: str) -> "list[omero.model.Session]":
        """Give one's own open sessions of a kind of client."""
        return [as_object(call, s) for s in self._own(call) if s.agent == agent]

    def getMyOpenClientSessions(self, call: Call) -> "list[omero.model.Session]":
        """Give one's own open sessions of OMERO's usual clients."""
        agents = ("OMERO.insight", "OMERO.web", "OMERO.importer")
        return [as_object(call, s) for s in self._own(call) if s.agent in agents]

    # ------------------------------------------------------------ values that a session's clients share
    def getInput(self, call: Call, sess: str, key: str) -> Any:
        """Give an input."""
        return self._find(call, sess).inputs.get(key)

    def setInput(self, call: Call, sess: str, key: str, value: Any) -> None:
        """Set an input, or remove it (None)."""
        _set(self._find(call, sess).inputs, key, value)

    def getInputKeys(self, call: Call, sess: str) -> list[str]:
        """Give the names of the inputs."""
        return sorted(self._find(call, sess).inputs)

    def getInputs(self, call: Call, sess: str) -> dict[str, Any]:
        """Give all inputs."""
        return dict(self._find(call, sess).inputs)

    def getOutput(self, call: Call, sess: str, key: str) -> Any:
        """Give an output."""
        return self._find(call, sess).outputs.get(key)

    def setOutput(self, call: Call, sess: str, key: str, value: Any) -> None:
        """Set an output, or remove it (None)."""
        _set(self._find(call, sess).outputs, key, value)

    def getOutputKeys(self, call: Call, sess: str) -> list[str]:
        """Give the names of the outputs."""
        return sorted(self._find(call, sess).outputs)

    def getOutputs(self, call: Call, sess: str) -> dict[str, Any]:
        """Give all outputs."""
        return dict(self._find(call, sess).outputs)

    def _own(self, call: Call) -> list[Session]:
        """Return one's open sessions; those that others have begun only for who may read sessions, or where one has too."""
        mine = call.session
        found = [
            s
            for s in call.server.sessions.all()
            if s.user_id == mine.user_id
            and (s.sudoer == mine.sudoer or "ReadSession" in call.user.privileges)
        ]
        return sorted(found, key=lambda s: (s.started, s.id), reverse=True)

    def _find(self, call: Call, uuid: str) -> Session:
        session = call.server.sessions.find(uuid)
        if session is None:
            raise errors.removed_session(f"No context for {uuid}")
        session.touch()
        return session


def as_object(call: Call, session: Session) -> "omero.model.Session":
    """Return a session as an object: owner and group loaded."""
    loader = Loader(call)
    made = loader.objects("Session", [session.id])[session.id]
    loader.fetch([made], "owner")
    made.details.owner = made.owner
    made.details.group = loader.object("ExperimenterGroup", session.group_id)
    return made


def _set(values: dict[str, object], key: str, value: object) -> None:
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value


def _checked(
    call: Call, p: "omero.sys.Principal", led: tuple[int, ...] | None = None
) -> tuple[User, Group, str]:
    """Return user, group and kind of events for a new session; no group, or that of everybody, means the usual one.

    Parameters
    ----------
    led
        Refuse a group that is not among these.
    """
    user = call.people.user_named(p.name) if p is not None else None
    if p is not None and p.group and p.group != "user":
        group = call.people.group_named(p.group)
    else:
        usual = None if user is None else user.default_group
        group = None if usual is None else call.people.groups[usual]
    if group is None:
        raise errors.authentication("Error creating session.")
    if led is not None and group.id not in led:
        raise errors.security(
            f"Group sudo is not permitted for group {group.name} (gid={group.id})"
        )
    if user is None:
        raise errors.removed_session(f"Cannot find a user with name {p.name}")
    kind = p.eventType or "User"
    if kind not in ENUMERATIONS["EventType"]:
        raise errors.authentication("Error creating session.")
    return user, group, kind


def _begin(
    call: Call, user: User, group: Group, kind: str, *, agent: str, **options: Any
) -> "omero.model.Session":
    agent = call.context.get("omero.agent", agent)
    call.abandon()
    session = call.server.sessions.begin(user.id, group.id, agent=agent, event_type=kind, **options)
    call.server.sessions.enter(session)
    return as_object(call, session)
