"""Who is asking, as a client sees it: omero.sys.EventContext."""

import omero
import omero.model
import omero.sys

from omero_embedded.call import Call


def event_context(call: Call) -> "omero.sys.EventContext":
    """Return the event context of a call."""
    user, group, session = call.user, call.group, call.session
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
        context.sudoerName = omero.rtypes.rstring(call.people.users[session.sudoer].name)
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
