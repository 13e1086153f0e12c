"""The group that things are made in: found by name or id among those the user is in.

Below `connection`.
"""

from typing import Any, NamedTuple

from pyomero_upload.targets.omero.explaining import LoginError

_NO_PLACE = {"user", "guest"}
"""Groups that everybody is in, and that nothing belongs into."""


class Named(NamedTuple):
    """A user or a group: its id and its name."""

    id: int
    name: str


def pick_group(admin: Any, context: Any, wanted: str | None) -> Named:
    """Return the group to work in.

    Parameters
    ----------
    admin
        The IAdminPrx.
    context
        The session's EventContext.
    wanted
        Its name, or its id; None for the one the session is in. A name that is a number counts as a name first.

    Raises
    ------
    LoginError
        If there is no such group or the user is not in it; names those that there are.

    """
    if wanted is None:
        return Named(context.groupId, context.groupName)
    groups = [Named(g.id.val, g.name.val) for g in admin.containedGroups(context.userId)]
    if context.isAdmin:
        groups = [Named(g.id.val, g.name.val) for g in admin.lookupGroups()]
    found = next((g for g in groups if g.name == wanted), None) or next(
        (g for g in groups if str(g.id) == wanted), None
    )
    if found is not None:
        return found
    there_are = ", ".join(sorted(g.name for g in groups if g.name not in _NO_PLACE)) or "none"
    raise LoginError(
        f"{context.userName} is not in a group {wanted!r}, or there is none.",
        hint=f"Groups to choose from with --group: {there_are}.",
    )
