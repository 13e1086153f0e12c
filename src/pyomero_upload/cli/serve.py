"""`pyomero serve`: run the OMERO server that comes with this."""

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyomero_upload.cli import options
from pyomero_upload.cli.failures import explained
from pyomero_upload.cli.own_server import default_folder, require_omero
from pyomero_upload.cli.web import tell
from pyomero_upload.errors import UsageError
from pyomero_upload.targets.omero.defaults import DEFAULT_PORT

if TYPE_CHECKING:
    from omero_embedded.running import RunningServer


@explained
def serve(
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder that everything is kept in; your user's own unless told.",
            show_default=False,
        ),
    ] = None,
    memory: Annotated[
        bool, typer.Option("--memory", help="Keep everything in a temporary folder.")
    ] = False,
    host: Annotated[
        str, typer.Option(help="Address to listen at; this machine alone unless told.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port for TLS; 0: a free one.")
    ] = DEFAULT_PORT,
    insecure_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port for plain tcp; 0: a free one.")
    ] = 4063,
    websocket_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Port for websockets too, as behind a firewall: wss://HOST:PORT; 0: a free one.",
            show_default=False,
        ),
    ] = None,
    ready_file: Annotated[
        Path | None,
        typer.Option(
            help="File to write host, ports, user and password to when the server answers; only you can read it.",
            show_default=False,
        ),
    ] = None,
    web: Annotated[
        bool, typer.Option("--web", help="Run OMERO.web for it too, for this machine alone.")
    ] = False,
    web_port: options.WebPort = options.WEB_PORT,
) -> None:
    """Run an OMERO server in Python, to try things on and for tests, until Ctrl-C.

    Users log in as they do at any OMERO server. The first start makes the user root with a random password, in a file
    that only you can read.
    """
    if data is not None and memory:
        raise UsageError("--data and --memory exclude each other.", hint="Give one of them.")
    require_omero()
    from omero_embedded.server import DATABASE  # noqa: PLC0415
    from omero_embedded.serving import serve as run  # noqa: PLC0415

    if web:
        from pyomero_upload.web import require_web  # noqa: PLC0415

        require_web()
    folder = None if memory else data or default_folder()
    status = run(
        folder,
        host=host,
        port=port,
        insecure_port=insecure_port,
        websocket_port=websocket_port,
        database_url=os.environ.get(DATABASE),
        ready_file=ready_file,
        durable=not memory,
        beside=functools.partial(_pages, host=host, web_port=web_port) if web else None,
    )
    raise typer.Exit(status)


@contextmanager
def _pages(running: "RunningServer", *, host: str, web_port: int) -> "Iterator[None]":
    """Have OMERO.web beside a server that answers."""
    from pyomero_upload.web import Web, WebServer  # noqa: PLC0415

    if running.port is None:
        raise AssertionError("a server that was told to listen has a port")
    server = WebServer("127.0.0.1", running.port)
    with Web(running.folder / "web", server, port=web_port, address=host) as pages:
        running.tell_web(pages.url)
        tell(pages)
        yield
