"""Requests about sessions: omero.cmd.CurrentSessionsRequest and UpdateSessionTimeoutRequest."""

import omero
import omero.cmd
import omero.model
import omero.sys
from omero.rtypes import rlong, rtime

from omero_embedded.call import Call
from omero_embedded.commands.graph.targets import refused
from omero_embedded.event_context import event_context
from omero_embedded.services.session import as_object
from omero_embedded.wire.registry import command


@command("omero.cmd.CurrentSessionsRequest")
class CurrentSessions:
    """Tells who is logged in. Of other people's sessions only administrators learn more than the name."""

    def __init__(self, request: omero.cmd.CurrentSessionsRequest) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.CurrentSessionsResponse:
        """Give the sessions, their contexts and when they were last used."""
        sessions, contexts, data = [], [], []
        for session in sorted(call.server.sessions.all(), key=lambda s: s.id):
            user = call.people.users.get(session.user_id)
            if user is None:
                continue
            if "ReadSession" in call.user.privileges or user.id == call.user_id:
                own = Call(call.server, session, {}, writes=False)
                sessions.append(as_object(call, session))
                contexts.append(event_context(own))
                data.append(
                    {"lastAccess": rtime(session.used), "referenceCount": rlong(session.references)}
                )
            else:
                sessions.append(None)
                contexts.append(_only_name(user.id, user.name))
                data.append({})
        return omero.cmd.CurrentSessionsResponse(sessions, contexts, data)


def _only_name(user_id: int, name: str) -> "omero.sys.EventContext":
    context = omero.sys.EventContext()
    context.userId, context.userName = user_id, name
    return context


@command("omero.cmd.UpdateSessionTimeoutRequest")
class UpdateSessionTimeout:
    """Changes how long a session lives; only administrators may make it shorter."""

    def __init__(self, request: omero.cmd.UpdateSessionTimeoutRequest) -> None:
        self._request = request

    def run(self, call: Call) -> omero.cmd.OK:
        """Set the times that are given, in milliseconds."""
        request = self._request
        session = call.server.sessions.find(request.session)
        if session is None:
            raise refused(request, "no-session", f"No session with uuid: {request.session}")
        if session.user_id != call.user_id and not call.is_admin:
            raise refused(
                request, "non-admin", "Only administrators may change other people's sessions."
            )
        for given, name in (
            (request.timeToLive, "time_to_live"),
            (request.timeToIdle, "time_to_idle"),
        ):
            if given is None:
                continue
            # 0 is no limit: longer than any
            if not call.is_admin and (given.val or float("inf")) < (
                getattr(session, name) or float("inf")
            ):
                raise refused(request, "non-admin", "Only administrators may shorten a session.")
        if request.timeToLive is not None:
            session.time_to_live = request.timeToLive.val
        if request.timeToIdle is not None:
            session.time_to_idle = request.timeToIdle.val
        return omero.cmd.OK()
