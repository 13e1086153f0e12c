"""A session on an OMERO server.

Stands between `settings`, which say where and as whom, and everything else in this room, which asks the server through it.
"""

from typing import Any, NamedTuple

import omero.clients  # noqa: F401 - fills the module `omero`
from typing_extensions import Self


class Named(NamedTuple):
    """A user or a group: its id and its name."""

    id: int
    name: str


class Connection:
    """A session on a server, in one group.

    Every call goes to that group: it is put into the context of all calls of this client.

    Attributes
    ----------
    client
        The `omero.client`.
    host, port
        The server, as it was asked for.
    user, group
        Who is logged in, and the group that things are made in.

    """

    def __init__(self, client: Any, *, host: str, port: int, user: Named, group: Named) -> None:
        self.client = client
        self.host, self.port = host, port
        self.user, self.group = user, group

    @classmethod
    def over(cls, client: Any) -> Self:
        """Return a connection over an `omero.client` that is logged in; its present group is taken."""
        context = client.sf.getAdminService().getEventContext()
        client.getImplicitContext().put("omero.group", str(context.groupId))
        return cls(
            client,
            host=client.getProperty("omero.host"),
            port=int(client.getProperty("omero.port")),
            user=Named(context.userId, context.userName),
            group=Named(context.groupId, context.groupName),
        )

    @property
    def sf(self) -> Any:
        """The ServiceFactoryPrx."""
        return self.client.sf

    @property
    def query(self) -> Any:
        """The IQueryPrx."""
        return self.sf.getQueryService()

    @property
    def update(self) -> Any:
        """The IUpdatePrx."""
        return self.sf.getUpdateService()

    @property
    def pixels(self) -> Any:
        """The IPixelsPrx."""
        return self.sf.getPixelsService()

    def close(self) -> None:
        """End the session."""
        self.client.closeSession()
