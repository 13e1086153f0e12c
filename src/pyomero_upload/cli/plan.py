"""`pyomero plan`: what will be made of a folder, and every problem, before a byte moves."""

import json
from typing import Annotated

import typer

from pyomero_upload.cli import options
from pyomero_upload.cli.failures import explained
from pyomero_upload.errors import EXIT_FAILED, EXIT_REFUSED


@explained
def plan(
    folder: options.Folder,
    name: options.Name = None,
    profile: options.Profile = None,
    pattern: options.Pattern = None,
    layout: options.LayoutOption = options.Layout.hypercube,
    metadata: options.MetadataFile = None,
    parser: options.Parser = None,
    ignore_metadata: options.IgnoreMetadata = False,
    processor: options.Processor = None,
    missing: options.MissingOption = options.Missing.fill,
    provenance: options.Provenance = True,
    deep: options.Deep = False,
    strict: options.Strict = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    verbose: options.Verbose = False,
) -> None:
    """Show what will be made of FOLDER, and every problem, before a byte moves."""
    from pyomero_upload.planning import make_plan  # noqa: PLC0415
    from pyomero_upload.planning.document import plan_document  # noqa: PLC0415

    made = make_plan(
        folder,
        name=name,
        profile=profile,
        pattern=pattern,
        layout=layout.value,
        metadata_file=metadata,
        parser=parser,
        ignore_metadata=ignore_metadata,
        processor=processor,
        missing=missing.value,
        provenance=provenance,
        deep=deep,
    )
    if as_json:
        typer.echo(json.dumps(plan_document(made), indent=1))
    else:
        from pyomero_upload.cli.terminal import show_plan  # noqa: PLC0415

        show_plan(made, verbose=verbose)
    if made.errors:
        raise typer.Exit(EXIT_FAILED)
    if strict and made.warnings:
        raise typer.Exit(EXIT_REFUSED)
