"""`pyomero web`: OMERO.web for the server that comes with this, or for any other."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyomero_upload.cli import options
from pyomero_upload.cli.failures import explained
from pyomero_upload.cli.own_server import default_folder, require_omero, start_server
from pyomero_upload.errors import PyomeroError, UsageError

if TYPE_CHECKING:
    from pyomero_upload.web import Web


@explained
def web(
    server: Annotated[
        str | None,
        typer.Option(
            help="An OMERO server, name or name:port; the one that comes with this unless told.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the server that comes with this; your user's own unless told.",
            show_default=False,
        ),
    ] = None,
    web_port: options.WebPort = options.WEB_PORT,
    show: Annotated[
        str | None,
        typer.Option(
            help="What the printed address opens: a kind and an id, such as Dataset:1.",
            show_default=False,
        ),
    ] = None,
    ready_file: Annotated[
        Path | None,
        typer.Option(
            help="File to write the address, and host and port of the OMERO server to when the pages are there.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run OMERO.web and its JSON API until Ctrl-C, and print the address to open in a browser.

    Without --server the OMERO server that comes with this is started too. Only this machine can reach the pages.
    """
    if server is not None and data is not None:
        raise UsageError("--server and --data exclude each other.", hint="Give one of them.")
    require_omero()
    from pyomero_upload.web import Web, WebServer, require_web, shown  # noqa: PLC0415
    from pyomero_upload.web.ready_file import saying_ready  # noqa: PLC0415

    require_web()
    path = "" if show is None else shown(show)
    with ExitStack() as running:
        if server is not None:
            chosen = WebServer.named(server)
            folder = default_folder().with_name("web") / f"{chosen.host}-{chosen.port}"
        else:
            folder = data or default_folder()
            own, port = start_server(folder, running)
            chosen = WebServer(own.host, port)
            typer.echo(f"Log in as root; the password is in {folder / 'root-password'}.")
            folder /= "web"
        pages = running.enter_context(Web(folder, chosen, port=web_port))
        tell(pages, path)
        typer.echo("Ctrl-C ends it.")
        told = {"url": f"{pages.url}{path}", "host": chosen.host, "port": chosen.port}
        running.enter_context(saying_ready(ready_file, told))
        try:
            pages.wait()
        except KeyboardInterrupt:
            return
    raise PyomeroError("OMERO.web has ended.", hint=f"Its log is {pages.log}.")


def tell(pages: "Web", path: str = "") -> None:
    """Print where the pages are."""
    typer.echo(f"OMERO.web: {pages.url}{path}")
    typer.echo(f"JSON API:  {pages.url}api/")
