"""Logging in once for all commands, logging out, and how things stand.

Above `connection`; what `cli/login`, `cli/logout` and `cli/status` do. The session is kept where `omero login` keeps
its own (`login_store`), so each sees the other's.
"""

from dataclasses import dataclass, replace

import Ice
import omero
import omero.model

from pyomero_upload.targets.omero import entering, explaining, login_store
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.groups import Named
from pyomero_upload.targets.omero.settings import ServerSettings


@dataclass(frozen=True)
class Standing:
    """Where somebody is logged in, as whom, and how it is there.

    Attributes
    ----------
    place
        The server, for a person.
    version
        Of the server.
    user, group
        Who it is, and where things are made.
    idle_seconds
        How long the session lives without a call; None: for ever.
    read_only
        Whether the server takes no changes at present.
    web
        The address of OMERO.web, as far as is known.

    """

    place: str
    version: str
    user: Named
    group: Named
    idle_seconds: int | None
    read_only: bool
    web: str


def log_in(settings: ServerSettings, *, ask: entering.Ask | None = None) -> Standing:
    """Begin a session that outlives this process, and keep it for the commands to come, `omero` among them.

    Parameters
    ----------
    settings
        Where and as whom. A session of a login that they name is joined, and kept on, if it still lives.
    ask
        Asks the user for a password where none is known.

    Raises
    ------
    PyomeroError
        If the server does not let the user in.

    """
    before = login_store.fitting(settings.host, settings.port, settings.user)
    connection = Connection.open(settings, ask=ask)
    with explaining.explained_errors(settings):
        try:
            group = omero.model.ExperimenterGroupI(connection.group.id, False)
            connection.sf.setSecurityContext(group)
            standing = how_it_stands(connection)
            connection.leave()
        except BaseException:
            connection.close()
            raise
    if before is not None and before.key != connection.key:
        login_store.forget(before)
    login_store.remember(
        login_store.StoredSession(
            settings.host, settings.port, standing.user.name, standing.group.name, connection.key
        ),
        sudo=settings.sudo,
    )
    return standing


def log_out(settings: ServerSettings) -> bool:
    """End the session of a login, and forget it; return whether it was still alive.

    Parameters
    ----------
    settings
        As `find_settings` gave them, with `stored`.

    Raises
    ------
    PyomeroError
        If the server cannot be reached to end it: then it is kept.

    """
    assert settings.stored is not None
    alive = True
    try:
        connection = Connection.join(
            replace(settings, stored=None, group=None), settings.stored.key
        )
        connection.detach()  # so that closing ends it for all who are in it
        connection.close()
    except explaining.SessionOverError:
        alive = False
    login_store.forget(settings.stored)
    return alive


def how_it_stands(connection: Connection) -> Standing:
    """Ask a server who one is there, and how it is."""
    session = connection.sf.getSessionService().getSession(connection.key.get_secret_value())
    idle = session.timeToIdle.val
    return Standing(
        place=connection.settings.place,
        version=str(connection.sf.getConfigService().getVersion()),
        user=connection.user,
        group=connection.group,
        idle_seconds=idle // 1000 if idle else None,
        read_only=connection.is_read_only,
        web=connection.web(),
    )


def answers(settings: ServerSettings) -> None:
    """Make sure that an OMERO server answers, without logging in.

    Raises
    ------
    ConnectingError
        If not; says why.

    """
    client = entering.new_client(settings)
    try:
        client.getRouter(client.getCommunicator()).ice_ping()
    except (Ice.Exception, omero.ClientError) as error:
        raise explaining.explain_connecting(error, settings) from None
    finally:
        entering.end(client)
