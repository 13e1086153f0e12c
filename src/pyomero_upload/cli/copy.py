"""`pyomero copy`: a Dataset from one server to another."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pyomero_upload.cli import options, server_options
from pyomero_upload.cli.failures import explained
from pyomero_upload.cli.own_server import require_omero
from pyomero_upload.errors import EXIT_FAILED, UsageError

if TYPE_CHECKING:
    from pyomero_upload.model import Plan
    from pyomero_upload.transfer.events import OnEvent, UploadReport


@explained
def copy(
    what: Annotated[
        str, typer.Argument(metavar="Dataset:ID", help="The Dataset.", show_default=False)
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="OTHER",
            help="The server to copy to, as omero-py takes it: a name, or wss://NAME/PATH.",
            show_default=False,
        ),
    ],
    to_port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Its port; 4064 unless told.", show_default=False),
    ] = None,
    to_user: Annotated[
        str | None,
        typer.Option(help="The user to log in as there, who owns the copy.", show_default=False),
    ] = None,
    to_group: Annotated[
        str | None,
        typer.Option(
            help="The group to copy into, by name or id; that user's default one unless told.",
            show_default=False,
        ),
    ] = None,
    to_password_stdin: Annotated[
        bool,
        typer.Option(
            "--to-password-stdin",
            help="Read that user's password from standard input: its first line, or with --password-stdin its second.",
        ),
    ] = False,
    to_config_file: Annotated[
        Path | None,
        typer.Option(
            help="A configuration file for that server in place of your own.", show_default=False
        ),
    ] = None,
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
    patience: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="How long a fault of the other server or the network is waited out.",
        ),
    ] = 600.0,
    server: server_options.Server = None,
    port: server_options.Port = None,
    user: server_options.User = None,
    group: server_options.Group = None,
    sudo: server_options.Sudo = None,
    password_stdin: server_options.PasswordStdin = False,
    config_file: server_options.ConfigFile = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as one JSON document.")
    ] = False,
    progress: options.ProgressOption = options.ProgressKind.auto,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
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
    if project is not None and no_project:
        raise UsageError("--project and --no-project exclude each other.", hint="Give one of them.")
    into: str | Literal[False] | None = False if no_project else project
    with (
        server_options.connected(
            server=server,
            port=port,
            user=user,
            group=group,
            sudo=sudo,
            password_stdin=password_stdin,
            config_file=config_file,
        ) as source,
        PixelSource(source) as pixels,
    ):
        found = plan_copy(source, pixels, dataset_id)
        with server_options.connected(
            server=to,
            port=to_port,
            user=to_user,
            group=to_group,
            password_stdin=to_password_stdin,
            config_file=to_config_file,
        ) as target:

            def run(plan: "Plan", show: "OnEvent") -> "UploadReport":
                del plan
                return carry_out(found, target, project=into, patience=patience, progress=show)

            complete = show_uploaded(
                found.plan,
                run,
                progress,
                several=False,
                quiet=quiet,
                verbose=verbose,
                as_json=as_json,
            )
    if not complete:
        raise typer.Exit(EXIT_FAILED)
