"""`pyomero plan`: what will be made of a folder, and every problem, before a byte moves."""

import json

import typer

from pyomero_upload.cli import options
from pyomero_upload.cli.failures import explained
from pyomero_upload.cli.families import in_families
from pyomero_upload.errors import EXIT_FAILED, EXIT_REFUSED


@explained
@in_families
def plan(
    folder: options.Folder,
    *,
    name: options.Name = None,
    layout: options.LayoutOption = options.Layout.hypercube,
    planning: options.PlanningOptions,
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
) -> None:
    """Show what will be made of FOLDER, and every problem, before a byte moves."""
    from pyomero_upload.planning.document import plan_document  # noqa: PLC0415

    made = planning.plan(folder, name=name, layout=layout)
    if as_json:
        typer.echo(json.dumps(plan_document(made), indent=1))
    else:
        from pyomero_upload.cli.terminal import show_plan  # noqa: PLC0415

        show_plan(made, verbose=verbose)
    if made.errors:
        raise typer.Exit(EXIT_FAILED)
    if planning.strict and made.warnings:
        raise typer.Exit(EXIT_REFUSED)
