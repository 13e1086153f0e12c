"""`pyomero status`: where one is logged in, and how it is there."""

import json

import typer

from pyomero_upload.cli import options, server_options
from pyomero_upload.cli.failures import explained
from pyomero_upload.cli.own_server import require_omero
from pyomero_upload.errors import EXIT_FAILED, PyomeroError


@explained
def status(
    server: server_options.Server = None,
    port: server_options.Port = None,
    user: server_options.User = None,
    group: server_options.Group = None,
    config_file: server_options.ConfigFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Tell which server the commands go to, as whom, and whether it answers. Asks for no password."""
    require_omero()
    from pyomero_upload.cli.login import described  # noqa: PLC0415
    from pyomero_upload.targets.omero.connection import Connection  # noqa: PLC0415
    from pyomero_upload.targets.omero.explaining import explained_errors  # noqa: PLC0415
    from pyomero_upload.targets.omero.login import answers, how_it_stands  # noqa: PLC0415

    settings = server_options.ServerOptions(
        server=server, port=port, user=user, group=group, config_file=config_file
    ).settings()
    told: dict[str, object] = {"server": settings.place, "reachable": False, "logged_in": False}
    try:
        answers(settings)
        told["reachable"] = True
        connection = Connection.open(settings)
        try:
            with explained_errors(settings):
                standing = how_it_stands(connection)
        finally:
            connection.close()
    except PyomeroError as error:
        if not as_json:
            raise
        told |= {"message": error.message, "hint": error.hint}
        typer.echo(json.dumps(told, ensure_ascii=False))
        raise typer.Exit(EXIT_FAILED) from None
    if not as_json:
        typer.echo(described(standing))
        return
    told |= {
        "logged_in": True,
        "user": standing.user._asdict(),
        "group": standing.group._asdict(),
        "version": standing.version,
        "read_only": standing.read_only,
        "idle_seconds": standing.idle_seconds,
        "session_of_login": settings.stored is not None,
        "web": standing.web,
    }
    typer.echo(json.dumps(told, ensure_ascii=False))
