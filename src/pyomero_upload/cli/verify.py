"""`pyomero verify`: read a result back and compare."""

from pathlib import Path
from typing import Annotated

import typer

from pyomero_upload.cli import options
from pyomero_upload.cli.failures import explained, say
from pyomero_upload.errors import EXIT_FAILED


@explained
def verify(
    out: Annotated[Path, typer.Argument(help="The folder that convert wrote.", show_default=False)],
    progress: options.ProgressOption = options.ProgressKind.auto,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Read everything in OUT back and compare it with what was read from the source."""
    from pyomero_upload.cli.progress import progress_shown  # noqa: PLC0415
    from pyomero_upload.cli.terminal import count, err, human_bytes, show_problems  # noqa: PLC0415
    from pyomero_upload.transfer import verify as read_back  # noqa: PLC0415

    with progress_shown(progress, quiet=quiet) as show:
        report = read_back(out, progress=show)
    for_people = progress is not options.ProgressKind.json
    if for_people:
        show_problems(report.problems, err, verbose=verbose)
    if not report.ok:
        bad = [problem for problem in report.problems if problem.severity == "error"]
        if for_people:
            say(f"{report.out} is not as it was written: {count(len(bad), 'difference')}.")
        raise typer.Exit(EXIT_FAILED)
    typer.echo(
        f"{report.out}: {count(report.images, 'image')}, {count(report.planes, 'plane')} and "
        f"{human_bytes(report.bytes)} read back and compared: "
        + (
            "all as they were read from the source."
            if not report.problems
            else "nothing differs; see the warnings."
        )
    )
