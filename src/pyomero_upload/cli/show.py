"""`pyomero show`: what is on the server under a Project, a Dataset or an Image."""

import json
from typing import Annotated

import typer

from pyomero_upload.cli import options
from pyomero_upload.cli.failures import explained
from pyomero_upload.cli.families import in_families
from pyomero_upload.cli.own_server import require_omero
from pyomero_upload.cli.server_options import ServerOptions


@explained
@in_families
def show(
    what: Annotated[
        str,
        typer.Argument(
            metavar="Dataset:ID",
            help="A Dataset; also Project:ID or Image:ID.",
            show_default=False,
        ),
    ],
    *,
    as_json: options.AsJson = False,
    at: ServerOptions,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="List all Images and everything said of each.")
    ] = False,
) -> None:
    """Show what is in a Project or Dataset, or an Image: sizes, channels, annotations, the heads of tables."""
    require_omero()
    from pyomero_upload.cli.shown import tree_of  # noqa: PLC0415
    from pyomero_upload.cli.terminal import out  # noqa: PLC0415
    from pyomero_upload.targets.omero.reading import parse_object  # noqa: PLC0415
    from pyomero_upload.targets.omero.showing import document  # noqa: PLC0415

    kind, identifier = parse_object(what)
    with at.connected() as connection:
        found = document(connection, kind, identifier)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        out.print(tree_of(found, verbose=verbose))
