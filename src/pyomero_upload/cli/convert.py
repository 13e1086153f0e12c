"""`pyomero convert`: carry a plan out."""

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyomero_upload.cli import options
from pyomero_upload.cli.failures import explained, say, say_json
from pyomero_upload.errors import EXIT_FAILED, RefusedError

if TYPE_CHECKING:
    from pyomero_upload.transfer import Report


class Format(str, Enum):
    """What is written."""

    ome_zarr = "ome-zarr"
    ome_tiff = "ome-tiff"


class Compression(str, Enum):
    """How pixels are compressed."""

    lz4 = "lz4"
    zstd = "zstd"
    deflate = "deflate"
    none = "none"


class OnBadPlane(str, Enum):
    """What to do about a file that cannot be read."""

    stop = "stop"
    blank = "blank"


@explained
def convert(
    folder: options.Folder,
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
    on_bad_plane: Annotated[
        OnBadPlane, typer.Option(help="A file that cannot be read: stop its image, or write zeros.")
    ] = OnBadPlane.stop,
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
    progress: options.ProgressOption = options.ProgressKind.auto,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Make 5-D images of FOLDER in OUT. Run again, it goes on where it was stopped."""
    from pyomero_upload.cli.progress import progress_shown  # noqa: PLC0415
    from pyomero_upload.cli.terminal import err, show_problems  # noqa: PLC0415
    from pyomero_upload.planning import make_plan  # noqa: PLC0415
    from pyomero_upload.transfer import convert as carry_out  # noqa: PLC0415

    plan = make_plan(
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
    if strict and plan.warnings:
        raise RefusedError(
            "The plan has warnings, and --strict was given: nothing is written.",
            problems=plan.problems,
        )
    as_json = progress is options.ProgressKind.json
    if as_json:
        for problem in plan.warnings:
            say_json(problem)
    with progress_shown(progress, quiet=quiet) as show:
        report = carry_out(
            plan,
            out,
            format=output_format.value,
            levels=levels,
            compression=compression.value if compression else None,
            on_bad_plane=on_bad_plane.value,
            progress=show,
        )
    if not quiet and not as_json:
        show_problems([p for p in plan.problems if p.severity != "info"], err, verbose=verbose)
    show_report(report, verbose=verbose, as_json=as_json)
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
        names = ", ".join(image.name for image in report.failed[:5])
        more = f" and {len(report.failed) - 5} more" if len(report.failed) > 5 else ""
        say(
            f"{count(len(report.failed), 'image')} could not be made: {names}{more}.",
            "Mend or replace the files named above and run the same command again; only these images are made. "
            "--on-bad-plane blank writes zeros instead.",
        )
