"""What `pyomero upload` shows: the progress and the report of each folder, and what a dry run finds.

Beside `upload`, which says what is asked for.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TypeAlias

import typer

from pyomero_upload.cli.failures import say, say_failed, say_json
from pyomero_upload.cli.options import ShownOptions
from pyomero_upload.cli.progress import progress_shown
from pyomero_upload.cli.terminal import (
    MOST_ROWS,
    count,
    err,
    printable,
    show_plan,
    show_problems,
)
from pyomero_upload.errors import EXIT_FAILED, EXIT_USAGE, PyomeroError
from pyomero_upload.model import Plan, Problem
from pyomero_upload.quantities import human_bytes
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.faults import GaveUpError
from pyomero_upload.transfer.events import OnEvent, UploadedImage, UploadReport
from pyomero_upload.transfer.upload_survey import survey

CarryOut: TypeAlias = Callable[[Plan, OnEvent], UploadReport]


def show_uploaded(
    plan: Plan,
    carry_out: CarryOut,
    shown: ShownOptions,
    *,
    several: bool,
    as_json: bool,
) -> bool:
    """Upload one folder, show how it goes and what came of it, and return whether all of it is there as it ought to be.

    Where there are several folders, one that cannot be uploaded does not keep the others from it.
    """
    if shown.events:
        for problem in plan.warnings:
            say_json(problem)
    try:
        with progress_shown(shown.progress, quiet=shown.quiet) as show:
            report = carry_out(plan, show)
    except GaveUpError:
        raise
    except PyomeroError as error:
        if not several or error.exit_code not in {EXIT_FAILED, EXIT_USAGE}:
            raise
        show_problems(error.problems, err, verbose=shown.verbose)
        say(f"{plan.source.folder}: {error.message}", error.hint, as_json=shown.events)
        return False
    problems = [
        *(p for p in plan.problems if p.severity != "info"),
        *report.problems,
        *(p for image in report.images for p in image.problems),
    ]
    if not shown.quiet and not shown.events:
        show_problems(problems, err, verbose=shown.verbose)
    if as_json:
        typer.echo(json.dumps(document(report, problems)))
    else:
        _show(report, verbose=shown.verbose)
        typer.echo(report.url)
        if report.page is not None:
            typer.echo(f"Report: {report.page}")
    if report.failed and not shown.events:
        say_failed(
            report.failed,
            "See the problems named above, and run the same command again; only these images are made. "
            "--on-bad-plane blank writes zeros instead of files that cannot be read.",
        )
    return report.ok and all(problem.severity != "error" for problem in report.problems)


def document(report: UploadReport, problems: list[Problem]) -> dict[str, object]:
    """Return the result as it is printed for programs."""
    return {
        "dataset": {"id": report.dataset_id, "name": report.dataset_name, "url": report.url},
        "images": [
            {
                "id": image.image_id,
                "name": image.name,
                "planes": image.planes,
                "sha1": image.sha1,
                "verified": image.verified,
            }
            for image in report.images
        ],
        "problems": [asdict(problem) for problem in problems],
    }


def show_survey(
    plan: Plan,
    connection: Connection,
    into: int | None,
    *,
    project: str | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Print a plan, what of it is on the server already, and where the rest would go; `project` is the Project."""
    from pyomero_upload.planning.document import plan_document  # noqa: PLC0415

    found = survey(plan, connection, into)
    if as_json:
        there = {
            "dataset": None if found.dataset_id is None else {"id": found.dataset_id},
            "complete": list(found.complete),
            "to_make": list(found.to_make),
        }
        typer.echo(json.dumps({"plan": plan_document(plan), "on_server": there}))
        return
    show_plan(plan, verbose=verbose)
    if found.dataset_id is None:
        where = "" if project is None else f" in the Project «{printable(project).plain}»"
        typer.echo(
            "On the server: nothing of it. "
            f"A new Dataset «{printable(plan.dataset.name).plain}» would be made{where}."
        )
        return
    typer.echo(
        f"On the server: Dataset:{found.dataset_id} has {len(found.complete)} of "
        f"{count(len(plan.images), 'image')}; {len(found.to_make)} would be made. "
        f"{connection.web_url('Dataset', found.dataset_id)}"
    )


def _show(report: UploadReport, *, verbose: bool) -> None:
    place = printable(report.place).plain
    if report.unchanged and report.ok:
        images = count(len(report.images), "image")
        typer.echo(f"{place}: {images}, all there already. Nothing to do.")
        return
    shown = report.images if verbose else report.images[:MOST_ROWS]
    for image in shown:
        typer.echo(_line(image))
    if len(shown) < len(report.images):
        typer.echo(f"  … and {len(report.images) - len(shown)} more (--verbose lists all)")
    rate = report.bytes / max(report.seconds, 1e-9)
    typer.echo(
        f"{place}: {len(report.complete)} of {count(len(report.images), 'image')}, "
        f"{count(report.planes, 'plane')}, {human_bytes(report.bytes)} in {report.seconds:.1f} s "
        f"({human_bytes(rate)}/s){_interruptions(report)}."
    )


def _interruptions(report: UploadReport) -> str:
    if not report.interruptions:
        return ""
    return f", {count(report.interruptions, 'interruption')} waited out"


def _line(image: UploadedImage) -> str:
    name = printable(image.name).plain
    if image.image_id is None:
        return f"  {name}: {image.status}"
    place = f"  Image:{image.image_id} {name}: {count(image.planes, 'plane')}"
    if image.status == "unchanged":
        return f"{place}, there already"
    rate = image.bytes / max(image.seconds, 1e-9)
    warned = f", {count(len(image.problems), 'warning')}" if image.problems else ""
    return f"{place}, {human_bytes(image.bytes)} in {image.seconds:.1f} s ({human_bytes(rate)}/s), {image.comparison}{warned}"
