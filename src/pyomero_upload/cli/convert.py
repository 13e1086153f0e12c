"""`pyomero convert`: carry a plan out."""

from typing import TYPE_CHECKING

import typer

from pyomero_upload.cli import options
from pyomero_upload.cli.failures import explained, say_failed, say_json
from pyomero_upload.cli.families import in_families
from pyomero_upload.errors import EXIT_FAILED

if TYPE_CHECKING:
    from pyomero_upload.transfer import Report


@explained
@in_families
def convert(
    folder: options.Folder,
    out: options.OutFolder,
    *,
    output: options.OutputOptions,
    on_bad_plane: options.OnBadPlaneOption = options.OnBadPlane.stop,
    name: options.Name = None,
    layout: options.LayoutOption = options.Layout.hypercube,
    planning: options.PlanningOptions,
    shown: options.ShownOptions,
) -> None:
    """Make 5-D images of FOLDER in OUT. Run again, it goes on where it was stopped."""
    from pyomero_upload.cli.progress import progress_shown  # noqa: PLC0415
    from pyomero_upload.cli.terminal import err, show_problems  # noqa: PLC0415
    from pyomero_upload.transfer import convert as carry_out  # noqa: PLC0415

    plan = planning.plan(folder, name=name, layout=layout)
    planning.refuse_warnings([plan], left_undone="written")
    if shown.events:
        for problem in plan.warnings:
            say_json(problem)
    with progress_shown(shown.progress, quiet=shown.quiet) as show:
        report = carry_out(
            plan,
            out,
            format=output.output_format.value,
            levels=output.levels,
            compression=output.compression.value if output.compression else None,
            on_bad_plane=on_bad_plane.value,
            progress=show,
        )
    if not shown.quiet and not shown.events:
        show_problems(
            [p for p in plan.problems if p.severity != "info"], err, verbose=shown.verbose
        )
    show_report(report, verbose=shown.verbose, as_json=shown.events)
    if not report.ok:
        raise typer.Exit(EXIT_FAILED)


def show_report(report: "Report", *, verbose: bool = False, as_json: bool = False) -> None:
    """Print what was done, and what could not be; where events told the problems as JSON, the result alone."""
    from pyomero_upload.cli.terminal import count, err, show_problems  # noqa: PLC0415
    from pyomero_upload.quantities import human_bytes  # noqa: PLC0415

    if not as_json:
        problems = [*report.problems, *(p for image in report.images for p in image.problems)]
        show_problems(problems, err, verbose=verbose)
    if report.unchanged and report.ok:
        typer.echo(
            f"{report.out}: {count(len(report.images), 'image')}, all done before. Nothing to do."
        )
        return
    complete = len(report.images) - len(report.failed)
    rate = report.bytes / max(report.seconds, 1e-9) / 1e6
    typer.echo(
        f"{report.out}: {complete} of {count(len(report.images), 'image')}, {count(report.planes, 'plane')}, "
        f"{human_bytes(report.bytes)} in {report.seconds:.1f} s ({rate:.0f} MB/s)."
    )
    if report.failed and not as_json:
        say_failed(
            report.failed,
            "Mend or replace the files named above and run the same command again; only these images are made. "
            "--on-bad-plane blank writes zeros instead.",
        )
