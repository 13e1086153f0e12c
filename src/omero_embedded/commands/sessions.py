"""Requests about sessions: omero.cmd.CurrentSessionsRequest and UpdateSessionTimeoutRequest."""

import omero
import omero.cmd
import omero.model
import omero.sys
from omero.rtypes import rlong, rtime

from omero_embedded import saving
from omero_embedded.call import Call
from omero_embedded.commands.graph.targets import declined
from omero_embedded.event_context import session_context
from omero_embedded.permissions import may_see
from omero_embedded.services.session import as_object
from omero_embedded.wire.registry import command
from omero_embedded.wire.sessions import Session


@command("omero.cmd.CurrentSessionsRequest")
class CurrentSessions:
    """Tells who is logged in. Of other people's sessions only administrators learn more than who and where."""

    def __init__(self, request: omero.cmd.CurrentSessionsRequest) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.CurrentSessionsResponse:
        """Give the sessions, their contexts and when they were last used."""
        sessions, contexts, data = [], [], []
        for session in sorted(call.server.sessions.all(), key=lambda s: s.id):
            user = call.people.users.get(session.user_id)
            if user is None:
                continue
            if may_see(call, session):
                sessions.append(as_object(call, session))
                contexts.append(session_context(call.people, session))
                data.append(
                    {"lastAccess": rtime(session.used), "referenceCount": rlong(session.references)}
                )
            else:
                sessions.append(None)
                contexts.append(_little(call, session))
                data.append({})
        return omero.cmd.CurrentSessionsResponse(sessions, contexts, data)


def _little(call: Call, session: Session) -> "omero.sys.EventContext":
    """Return what everybody may know of a session: who, and in which group."""
    user, group = call.people.users[session.user_id], call.people.groups[session.group_id]
    context = omero.sys.EventContext()
    context.userId, context.userName, context.isAdmin = user.id, user.name, user.is_admin
    context.groupId, context.groupName = group.id, group.name
    return context


@command("omero.cmd.UpdateSessionTimeoutRequest")
class UpdateSessionTimeout:
    """Changes how long a session lives; only administrators may make it longer.

    The Slice documentation says shorter; omero.cmd.admin.UpdateSessionTimeoutRequestI says longer, and its test.
    """

    def __init__(self, request: omero.cmd.UpdateSessionTimeoutRequest) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.OK:
        """Set the times that are given, in milliseconds."""
        request = self._request
        session = call.server.sessions.find(request.session)
        if session is None or not may_see(call, session):
            raise declined(request, "no-session")
        wanted = {"time_to_live": request.timeToLive, "time_to_idle": request.timeToIdle}
        times = {"time_to_live": session.time_to_live, "time_to_idle": session.time_to_idle}
        if all(given is None for given in wanted.values()):
            raise declined(request, "no-update-performed", session=session.uuid)
        for name, given in wanted.items():
            if given is None:
                continue
            if not call.is_admin and given.val > times[name]:
                raise declined(request, "non-admin-increase", target=given.val, current=times[name])
            times[name] = given.val
        live, idle = times["time_to_live"], times["time_to_idle"]
        saving.change(call, "Session", session.id, timeToLive=live, timeToIdle=idle)
        call.after_commit(lambda: session.lives(live, idle))
        return omero.cmd.OK()
