"""`pyomero get`: bring a Dataset back from a server."""

from pathlib import Path
from typing import Annotated

import typer

from pyomero_upload.cli import options, server_options
from pyomero_upload.cli.convert import Compression, Format, show_report
from pyomero_upload.cli.failures import explained, say_json
from pyomero_upload.cli.own_server import require_omero
from pyomero_upload.errors import EXIT_FAILED


@explained
def get(
    what: Annotated[
        str, typer.Argument(metavar="Dataset:ID", help="The Dataset.", show_default=False)
    ],
    out: Annotated[
        Path, typer.Argument(help="The folder to write; made when complete.", show_default=False)
    ],
    output_format: Annotated[
        Format, typer.Option("--format", help="What to write.")
    ] = Format.ome_zarr,
    levels: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Smaller resolutions of each OME-Zarr image. Unless told: none up to 512 × 512 pixels, else as "
            "many as bring both sides under 256.",
            show_default=False,
        ),
    ] = None,
    compression: Annotated[
        Compression | None,
        typer.Option(
            help="OME-Zarr: lz4 (unless told), zstd or none. OME-TIFF: none (unless told), deflate or zstd.",
            show_default=False,
        ),
    ] = None,
    originals: Annotated[
        bool,
        typer.Option(
            "--originals", help="Fetch the files that Images were imported from, too, if any."
        ),
    ] = False,
    server: server_options.Server = None,
    port: server_options.Port = None,
    user: server_options.User = None,
    group: server_options.Group = None,
    sudo: server_options.Sudo = None,
    password_stdin: server_options.PasswordStdin = False,
    config_file: server_options.ConfigFile = None,
    progress: options.ProgressOption = options.ProgressKind.auto,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Write a Dataset's Images, tables, attachments and metadata into OUT. Run again, it goes on where it was stopped."""
    require_omero()
    from pyomero_upload.cli.progress import progress_shown  # noqa: PLC0415
    from pyomero_upload.cli.terminal import err, show_problems  # noqa: PLC0415
    from pyomero_upload.model import Plan  # noqa: PLC0415
    from pyomero_upload.targets.omero.reading import parse_dataset  # noqa: PLC0415
    from pyomero_upload.transfer.get import get as carry_out  # noqa: PLC0415

    dataset_id = parse_dataset(what)
    as_json = progress is options.ProgressKind.json

    def tell(plan: Plan) -> None:
        problems = [p for p in plan.problems if p.severity != "error"]
        if as_json:
            for problem in problems:
                say_json(problem)
        elif not quiet:
            show_problems(problems, err, verbose=verbose)

    with (
        server_options.connected(
            server=server,
            port=port,
            user=user,
            group=group,
            sudo=sudo,
            password_stdin=password_stdin,
            config_file=config_file,
        ) as connection,
        progress_shown(progress, quiet=quiet) as show,
    ):
        report = carry_out(
            connection,
            dataset_id,
            out,
            format=output_format.value,
            levels=levels,
            compression=compression.value if compression else None,
            originals=originals,
            on_plan=tell,
            progress=show,
        )
    show_report(report, verbose=verbose, as_json=as_json)
    if not report.ok:
        raise typer.Exit(EXIT_FAILED)
