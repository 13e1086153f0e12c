"""`pyomero logout`: end the session of a login."""

import typer

from pyomero_upload.cli import server_options
from pyomero_upload.cli.failures import explained
from pyomero_upload.cli.own_server import require_omero


@explained
def logout(
    server: server_options.Server = None,
    port: server_options.Port = None,
    user: server_options.User = None,
    config_file: server_options.ConfigFile = None,
) -> None:
    """End the session that `pyomero login` or `omero login` began."""
    require_omero()
    from pyomero_upload.targets.omero.login import log_out  # noqa: PLC0415
    from pyomero_upload.targets.omero.settings import NoServerError  # noqa: PLC0415

    try:
        settings = server_options.ServerOptions(
            server=server, port=port, user=user, config_file=config_file
        ).settings()
    except NoServerError:
        settings = None
    if settings is None or settings.stored is None:
        typer.echo("You are not logged in. Nothing to do.")
        return
    alive = log_out(settings)
    place = f"{settings.user} at {settings.place}"
    typer.echo(f"Logged out: {place}." if alive else f"The session of {place} was over already.")
