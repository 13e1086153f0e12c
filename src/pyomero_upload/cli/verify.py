"""`pyomero verify`: read a result back, from a folder or a server, and compare."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyomero_upload.cli import options
from pyomero_upload.cli.failures import explained, say
from pyomero_upload.cli.families import in_families
from pyomero_upload.cli.own_server import require_omero
from pyomero_upload.cli.server_options import ServerOptions
from pyomero_upload.errors import EXIT_FAILED, UsageError

if TYPE_CHECKING:
    from pyomero_upload.model import Plan
    from pyomero_upload.targets.omero.said import Said
    from pyomero_upload.transfer.events import CheckReport

ON_SERVER = re.compile(r"(?:Project|Dataset|Image):.*", re.IGNORECASE)


@explained
@in_families
def verify(
    out: Annotated[
        str,
        typer.Argument(
            help="The folder that convert or get wrote, or Dataset:ID on a server.",
            show_default=False,
        ),
    ],
    *,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="With Dataset:ID: the folder it was made of; planes and metadata are compared with it, item by item.",
            show_default=False,
        ),
    ] = None,
    name: options.Name = None,
    layout: options.LayoutOption = options.Layout.hypercube,
    reading: options.ReadingOptions,
    at: ServerOptions,
    shown: options.ShownOptions,
) -> None:
    """Read everything in OUT back and compare it with what was read from the source.

    The options about names and metadata are for --against: give those that were given to upload.
    """
    from pyomero_upload.cli.progress import progress_shown  # noqa: PLC0415

    if not ON_SERVER.fullmatch(out):
        if against is not None:
            raise UsageError(
                f"{out} is a folder, which needs nothing to be compared with.",
                hint="Leave --against out, or name a Dataset on a server: Dataset:12.",
            )
        from pyomero_upload.transfer import verify as read_back  # noqa: PLC0415

        with progress_shown(shown.progress, quiet=shown.quiet) as show:
            report = read_back(out, progress=show)
        _show(report, "as it was written", shown)
        return

    require_omero()
    from pyomero_upload.targets.omero.reading import parse_dataset  # noqa: PLC0415
    from pyomero_upload.transfer.verify_omero import verify_dataset  # noqa: PLC0415

    dataset_id = parse_dataset(out)

    def plan_source(said: "Said") -> "Plan":
        return reading.plan_again(against or Path(), said, name=name, layout=layout)

    with (
        at.connected() as connection,
        progress_shown(shown.progress, quiet=shown.quiet) as show,
    ):
        looked = verify_dataset(
            connection, dataset_id, against=plan_source if against else None, progress=show
        )
    what = "as it was sent" if against is None else f"as {against} has it"
    _show(looked, what, shown)


def _show(
    report: "CheckReport",
    ought: str,
    shown: options.ShownOptions,
) -> None:
    """Print what came of it; exit with 1 where something differs."""
    from pyomero_upload.cli.terminal import (  # noqa: PLC0415
        count,
        err,
        printable,
        show_problems,
    )
    from pyomero_upload.quantities import human_bytes  # noqa: PLC0415

    place = printable(report.place).plain
    if not shown.events:
        show_problems(report.problems, err, verbose=shown.verbose)
    if not report.ok:
        bad = [problem for problem in report.problems if problem.severity == "error"]
        if not shown.events:
            say(f"{place} is not {ought}: {count(len(bad), 'difference')}.")
        raise typer.Exit(EXIT_FAILED)
    typer.echo(
        f"{place}: {count(report.images, 'image')}, {count(report.planes, 'plane')} and "
        f"{human_bytes(report.bytes)} read back and compared: "
        + (
            "all as they were read from the source."
            if not report.problems
            else "nothing differs; see the warnings."
        )
    )
