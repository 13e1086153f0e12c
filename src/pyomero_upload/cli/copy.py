"""`pyomero copy`: a Dataset from one server to another."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyomero_upload.cli import options
from pyomero_upload.cli.failures import explained
from pyomero_upload.cli.families import in_families
from pyomero_upload.cli.own_server import require_omero
from pyomero_upload.cli.server_options import ServerOptions
from pyomero_upload.errors import EXIT_FAILED
from pyomero_upload.targets.omero.defaults import PATIENCE

if TYPE_CHECKING:
    from pyomero_upload.model import Plan
    from pyomero_upload.targets.omero.connection import Connection
    from pyomero_upload.transfer.events import OnEvent, UploadReport


@dataclass(frozen=True, kw_only=True)
class OtherServerOptions:
    """The server to copy to, and as whom."""

    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="OTHER",
            help="The server to copy to, as omero-py takes it: a name, or wss://NAME/PATH.",
            show_default=False,
        ),
    ]
    to_port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Its port; 4064 unless told.", show_default=False),
    ] = None
    to_user: Annotated[
        str | None,
        typer.Option(help="The user to log in as there, who owns the copy.", show_default=False),
    ] = None
    to_group: Annotated[
        str | None,
        typer.Option(
            help="The group to copy into, by name or id; that user's default one unless told.",
            show_default=False,
        ),
    ] = None
    to_password_stdin: Annotated[
        bool,
        typer.Option(
            "--to-password-stdin",
            help="Read that user's password from standard input: its first line, or with --password-stdin its second.",
        ),
    ] = False
    to_config_file: Annotated[
        Path | None,
        typer.Option(
            help="A configuration file for that server in place of your own.",
            show_default=False,
        ),
    ] = None

    def connected(self) -> "AbstractContextManager[Connection]":
        """Connect to it; see `ServerOptions.connected`."""
        return ServerOptions(
            server=self.to,
            port=self.to_port,
            user=self.to_user,
            group=self.to_group,
            password_stdin=self.to_password_stdin,
            config_file=self.to_config_file,
        ).connected()


@explained
@in_families
def copy(
    what: options.DatasetArgument,
    *,
    other: OtherServerOptions,
    project: Annotated[
        str | None,
        typer.Option(
            help="The Project to put the copy into: that user's own, made where there is none. Unless told: one of "
            "the name of the Project that the original lies in.",
            show_default=False,
        ),
    ] = None,
    no_project: Annotated[
        bool, typer.Option("--no-project", help="Put the copy into no Project.")
    ] = False,
    patience: Annotated[float, options.patience("the other server")] = PATIENCE,
    at: ServerOptions,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as one JSON document.")
    ] = False,
    shown: options.ShownOptions,
) -> None:
    """Copy a Dataset to another server, with annotations, tables, attachments, ROIs and rendering settings.

    Run again, it goes on where it was stopped.
    """
    require_omero()
    from pyomero_upload.cli.upload_shown import show_uploaded  # noqa: PLC0415
    from pyomero_upload.targets.omero.raw_planes import PixelSource  # noqa: PLC0415
    from pyomero_upload.targets.omero.reading import parse_dataset  # noqa: PLC0415
    from pyomero_upload.transfer.copying import carry_out, plan_copy  # noqa: PLC0415

    dataset_id = parse_dataset(what)
    into = options.chosen_project(project, no_project=no_project)
    with at.connected() as source, PixelSource(source) as pixels:
        found = plan_copy(source, pixels, dataset_id)
        with other.connected() as target:

            def run(plan: "Plan", show: "OnEvent") -> "UploadReport":
                del plan
                return carry_out(found, target, project=into, patience=patience, progress=show)

            complete = show_uploaded(found.plan, run, shown, several=False, as_json=as_json)
    if not complete:
        raise typer.Exit(EXIT_FAILED)
