"""Who is asking, as a client sees it: omero.sys.EventContext."""

from typing import TYPE_CHECKING

import omero
import omero.model
import omero.sys

from omero_embedded.call import Call, session_user
from omero_embedded.people import Group, People, User

if TYPE_CHECKING:
    from omero_embedded.wire.sessions import Session


def event_context(call: Call) -> "omero.sys.EventContext":
    """Return the event context of a call: user and group as the call's context names them."""
    return _context(call.people, call.session, call.user, call.group)


def session_context(people: People, session: "Session") -> "omero.sys.EventContext":
    """Return the event context of a session, whatever the context of a call says."""
    return _context(people, session, session_user(people, session), people.groups[session.group_id])


def _context(
    people: People, session: "Session", user: User, group: Group
) -> "omero.sys.EventContext":
    context = omero.sys.EventContext()
    context.shareId = -1
    context.sessionId = session.id
    context.sessionUuid = session.uuid
    context.userId = user.id
    context.userName = user.name
    context.sudoerId = None
    context.sudoerName = None
    if session.sudoer is not None:
        context.sudoerId = omero.rtypes.rlong(session.sudoer)
        context.sudoerName = omero.rtypes.rstring(people.users[session.sudoer].name)
    context.groupId = group.id
    context.groupName = group.name
    context.isAdmin = user.is_admin
    context.adminPrivileges = list(user.privileges)
    context.eventId = -1
    context.eventType = session.event_type
    context.memberOfGroups = list(user.groups)
    context.leaderOfGroups = list(user.leads)
    context.groupPermissions = omero.model.PermissionsI(group.permissions)
    return context
