"""`pyomero uploads`: what was uploaded to a server, complete or not."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from pyomero_upload.cli import server_options
from pyomero_upload.cli.failures import explained


@explained
def uploads(
    server: server_options.Server = None,
    port: server_options.Port = None,
    user: server_options.User = None,
    group: server_options.Group = None,
    sudo: server_options.Sudo = None,
    password_stdin: server_options.PasswordStdin = False,
    config_file: server_options.ConfigFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List your uploads in the group, complete and incomplete ones."""
    with server_options.connected(
        server=server,
        port=port,
        user=user,
        group=group,
        sudo=sudo,
        password_stdin=password_stdin,
        config_file=config_file,
    ) as connection:
        from pyomero_upload.cli.terminal import count, printable  # noqa: PLC0415
        from pyomero_upload.targets.omero.provenance import find_uploads  # noqa: PLC0415
        from pyomero_upload.transfer.upload_original import ORIGINAL  # noqa: PLC0415

        found = find_uploads(connection)
        if as_json:
            documents = [
                {**asdict(record), "url": connection.web_url("Dataset", record.dataset_id)}
                for record in found
            ]
            typer.echo(json.dumps(documents, indent=1))
            return
        for record in found:
            images = (
                "files as they are"
                if record.key.endswith(ORIGINAL)
                else f"{record.complete_images} of {count(record.planned_images, 'image')}"
            )
            made = f", begun {record.made_at}" if record.made_at else ""
            source = f", from {record.source}" if record.source else ""
            line = (
                f"Dataset:{record.dataset_id} {record.name}: {record.state}, {images}{made}{source}"
            )
            typer.echo(printable(line).plain)
        incomplete = sum(not record.complete for record in found)
        if not found:
            typer.echo(
                f"No uploads of {connection.user.name} in the group {connection.group.name}."
            )
        elif incomplete:
            typer.echo(
                f"{count(incomplete, 'upload')} incomplete: run the same upload command again to go on.",
                err=True,
            )
