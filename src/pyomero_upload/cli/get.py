"""`pyomero get`: bring a Dataset back from a server."""

from typing import Annotated

import typer

from pyomero_upload.cli import options
from pyomero_upload.cli.convert import show_report
from pyomero_upload.cli.failures import explained, say_json
from pyomero_upload.cli.families import in_families
from pyomero_upload.cli.own_server import require_omero
from pyomero_upload.cli.server_options import ServerOptions
from pyomero_upload.errors import EXIT_FAILED


@explained
@in_families
def get(
    what: options.DatasetArgument,
    out: options.OutFolder,
    *,
    output: options.OutputOptions,
    originals: Annotated[
        bool,
        typer.Option(
            "--originals", help="Fetch the files that Images were imported from, too, if any."
        ),
    ] = False,
    at: ServerOptions,
    shown: options.ShownOptions,
) -> None:
    """Write a Dataset's Images, tables, attachments and metadata into OUT. Run again, it goes on where it was stopped."""
    require_omero()
    from pyomero_upload.cli.progress import progress_shown  # noqa: PLC0415
    from pyomero_upload.cli.terminal import err, show_problems  # noqa: PLC0415
    from pyomero_upload.model import Plan  # noqa: PLC0415
    from pyomero_upload.targets.omero.reading import parse_dataset  # noqa: PLC0415
    from pyomero_upload.transfer.get import get as carry_out  # noqa: PLC0415

    dataset_id = parse_dataset(what)

    def tell(plan: Plan) -> None:
        problems = [p for p in plan.problems if p.severity != "error"]
        if shown.events:
            for problem in problems:
                say_json(problem)
        elif not shown.quiet:
            show_problems(problems, err, verbose=shown.verbose)

    with (
        at.connected() as connection,
        progress_shown(shown.progress, quiet=shown.quiet) as show,
    ):
        report = carry_out(
            connection,
            dataset_id,
            out,
            format=output.output_format.value,
            levels=output.levels,
            compression=output.compression.value if output.compression else None,
            originals=originals,
            on_plan=tell,
            progress=show,
        )
    show_report(report, verbose=shown.verbose, as_json=shown.events)
    if not report.ok:
        raise typer.Exit(EXIT_FAILED)
