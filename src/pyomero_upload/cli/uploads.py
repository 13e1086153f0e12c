"""`pyomero uploads`: what was uploaded to a server, complete or not."""

import json
from dataclasses import asdict

import typer

from pyomero_upload.cli import options
from pyomero_upload.cli.failures import explained
from pyomero_upload.cli.families import in_families
from pyomero_upload.cli.server_options import ServerOptions


@explained
@in_families
def uploads(*, at: ServerOptions, as_json: options.AsJson = False) -> None:
    """List your uploads in the group, complete and incomplete ones."""
    with at.connected() as connection:
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
