"""omero.api.ISession: sessions as objects; sudo; joining is the router's part."""

from typing import Any

import omero
import omero.model

from omero_embedded import errors, passwords
from omero_embedded.call import Call
from omero_embedded.loading import Loader
from omero_embedded.people import Group, User
from omero_embedded.wire.registry import stateless
from omero_embedded.wire.sessions import IDLE, LIVE, Session

GONE = -2
"""What closeSession answers when the session is over."""


@stateless("omero.api.ISession")
class SessionService:
    """Sessions. Who knows a session's uuid may do with it as its owner."""

    def createSession(
        self, call: Call, p: "omero.sys.Principal", credentials: str
    ) -> "omero.model.Session":
        """Begin a session with name and password."""
        user = call.people.user_named(p.name)
        if (
            not passwords.check(call.db, None if user is None else user.id, credentials)
            or user is None
        ):
            raise errors.authentication(f"Password check failed for {p.name}")
        return _begin(call, user, _group(call, user, p.group), event_type=p.eventType)

    def createUserSession(
        self, call: Call, ttl: int, tti: int, defaultGroup: str
    ) -> "omero.model.Session":
        """Begin another session for oneself."""
        return _begin(
            call,
            call.user,
            _group(call, call.user, defaultGroup),
            time_to_live=ttl,
            time_to_idle=tti,
        )

    def createSessionWithTimeout(
        self, call: Call, p: "omero.sys.Principal", ttl: int
    ) -> "omero.model.Session":
        """Begin a session for somebody (sudo)."""
        return self.createSessionWithTimeouts(call, p, ttl, IDLE)

    def createSessionWithTimeouts(
        self, call: Call, p: "omero.sys.Principal", ttl: int, tti: int
    ) -> "omero.model.Session":
        """Begin a session for somebody (sudo): administrators for all, leaders for the members of their group."""
        user = call.people.user_named(p.name)
        if user is None:
            raise errors.authentication(f"No user with name {p.name}")
        group = _group(call, user, p.group)
        sudo = "Sudo" in call.user.privileges or user.id == call.user_id
        if not sudo and not (call.leads(group.id) and group.id in user.groups):
            raise errors.security(f"Group sudo is not permitted for group {group.name}")
        return _begin(
            call,
            user,
            group,
            time_to_live=ttl,
            time_to_idle=tti,
            event_type=p.eventType,
            sudoer=call.user_id,
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
        """Give one's own open sessions."""
        return [as_object(call, s) for s in self._own(call)]

    def getMyOpenAgentSessions(self, call: Call, agent: str) -> "list[omero.model.Session]":
        """Give one's own open sessions of a kind of client."""
        return [as_object(call, s) for s in self._own(call) if (s.agent or "") == (agent or "")]

    def getMyOpenClientSessions(self, call: Call) -> "list[omero.model.Session]":
        """Give one's own open sessions of OMERO's usual clients."""
        agents = ("OMERO.insight", "OMERO.web", "OMERO.importer")
        return [as_object(call, s) for s in self._own(call) if s.agent in agents]

    # ------------------------------------------------------------ values that a session's clients share
    def getInput(self, call: Call, sess: str, key: str) -> Any:
        """Give an input."""
        return self._find(call, sess).inputs.get(key)

    def setInput(self, call: Call, sess: str, key: str, value: Any) -> None:
        """Set an input."""
        self._find(call, sess).inputs[key] = value

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
        """Set an output."""
        self._find(call, sess).outputs[key] = value

    def getOutputKeys(self, call: Call, sess: str) -> list[str]:
        """Give the names of the outputs."""
        return sorted(self._find(call, sess).outputs)

    def getOutputs(self, call: Call, sess: str) -> dict[str, Any]:
        """Give all outputs."""
        return dict(self._find(call, sess).outputs)

    def _own(self, call: Call) -> list[Session]:
        return [s for s in call.server.sessions.all() if s.user_id == call.user_id]

    def _find(self, call: Call, uuid: str) -> Session:
        session = call.server.sessions.find(uuid)
        if session is None:
            raise errors.removed_session(f"No session with uuid: {uuid}")
        return session


def as_object(call: Call, session: Session) -> "omero.model.Session":
    """Return a session as an object: owner and group loaded."""
    loader = Loader(call)
    made = loader.objects("Session", [session.id])[session.id]
    loader.fetch([made], "owner")
    made.details.owner = made.owner
    made.details.group = loader.object("ExperimenterGroup", session.group_id)
    return made


def _group(call: Call, user: User, name: str | None) -> Group:
    group = (
        call.people.group_named(name) if name else call.people.groups.get(user.default_group or 0)
    )
    if group is None:
        raise errors.api_usage(f"No such group: {name}")
    return group


def _begin(call: Call, user: User, group: Group, **options: Any) -> "omero.model.Session":
    """Begin a session; times of 0 or less mean the usual ones, longer ones than allowed are cut by nobody here."""
    tti = options.get("time_to_idle", IDLE)
    options["time_to_idle"] = tti if tti > 0 else IDLE
    options["time_to_live"] = max(options.get("time_to_live", LIVE), 0)
    options["event_type"] = options.get("event_type") or "User"
    agent = call.session.agent
    call.abandon()
    session = call.server.sessions.begin(user.id, group.id, agent=agent, **options)
    return as_object(call, session)
