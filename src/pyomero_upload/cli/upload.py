"""`pyomero upload`: make Datasets of folders on an OMERO server."""

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pyomero_upload.cli import options, server_options
from pyomero_upload.cli.convert import OnBadPlane
from pyomero_upload.cli.failures import explained
from pyomero_upload.cli.own_server import require_omero
from pyomero_upload.errors import EXIT_FAILED, RefusedError, UsageError

if TYPE_CHECKING:
    from pyomero_upload.model import Plan
    from pyomero_upload.transfer.events import OnEvent, UploadReport


class UploadLayout(str, Enum):
    """What becomes an Image."""

    hypercube = "hypercube"
    separate = "separate"
    original = "original"


@explained
def upload(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER...",
            help="Folders that the microscope left; each becomes a Dataset.",
            show_default=False,
        ),
    ],
    name: options.Name = None,
    project: Annotated[
        str | None,
        typer.Option(
            help="The Project to put the Dataset into: your own in that group, made where there is none. Unless told: "
            "the one that the text files name.",
            show_default=False,
        ),
    ] = None,
    no_project: Annotated[
        bool, typer.Option("--no-project", help="Put the Dataset into no Project.")
    ] = False,
    into: Annotated[
        str | None,
        typer.Option(
            metavar="Dataset:ID",
            help="Put the Images into this Dataset instead of a new one.",
            show_default=False,
        ),
    ] = None,
    layout: Annotated[
        UploadLayout,
        typer.Option(
            "--layout",
            help="One 5-D Image for each position; every file its own Image; or the files themselves, as they are.",
        ),
    ] = UploadLayout.hypercube,
    in_place: Annotated[
        bool,
        typer.Option(
            "--in-place",
            help="With --layout original: link the files into the server's repository instead of sending them. "
            "Client and server must share the disk.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan and what is on the server already.")
    ] = False,
    on_bad_plane: Annotated[
        OnBadPlane, typer.Option(help="A file that cannot be read: stop its image, or write zeros.")
    ] = OnBadPlane.stop,
    patience: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="How long a fault of the server or the network is waited out.",
        ),
    ] = 600.0,
    profile: options.Profile = None,
    pattern: options.Pattern = None,
    metadata: options.MetadataFile = None,
    parser: options.Parser = None,
    ignore_metadata: options.IgnoreMetadata = False,
    processor: options.Processor = None,
    missing: options.MissingOption = options.Missing.fill,
    provenance: options.Provenance = True,
    deep: options.Deep = False,
    strict: options.Strict = False,
    server: server_options.Server = None,
    port: server_options.Port = None,
    user: server_options.User = None,
    group: server_options.Group = None,
    sudo: server_options.Sudo = None,
    password_stdin: server_options.PasswordStdin = False,
    config_file: server_options.ConfigFile = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as one JSON document a line.")
    ] = False,
    progress: options.ProgressOption = options.ProgressKind.auto,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Make a Dataset of each FOLDER on an OMERO server. Run again, it goes on where it was stopped."""
    require_omero()
    from pyomero_upload.cli.upload_shown import show_survey, show_uploaded  # noqa: PLC0415
    from pyomero_upload.planning import make_plan  # noqa: PLC0415
    from pyomero_upload.targets.omero.reading import parse_dataset  # noqa: PLC0415

    dataset_id = None if into is None else parse_dataset(into)
    originals = layout is UploadLayout.original
    _check(folders, name, project, no_project=no_project, in_place=in_place and not originals)
    plans = [
        make_plan(
            folder,
            name=name,
            profile=profile,
            pattern=pattern,
            layout="hypercube" if layout is UploadLayout.hypercube else "separate",
            metadata_file=metadata,
            parser=parser,
            ignore_metadata=ignore_metadata,
            processor=processor,
            missing=missing.value,
            provenance=provenance,
            deep=deep,
        )
        for folder in folders
    ]
    if strict and any(plan.warnings for plan in plans):
        raise RefusedError(
            "The plan has warnings, and --strict was given: nothing is uploaded.",
            problems=[problem for plan in plans for problem in plan.problems],
        )
    with server_options.connected(
        server=server,
        port=port,
        user=user,
        group=group,
        sudo=sudo,
        password_stdin=password_stdin,
        config_file=config_file,
    ) as connection:
        if dry_run:
            for plan in plans:
                show_survey(
                    plan,
                    connection,
                    dataset_id,
                    project=None if no_project else project or plan.dataset.project,
                    as_json=as_json,
                    verbose=verbose,
                )
            return
        connection.check_writable()

        def carry_out(plan: "Plan", show: "OnEvent") -> "UploadReport":
            from pyomero_upload.transfer.upload import upload as upload_images  # noqa: PLC0415
            from pyomero_upload.transfer.upload_original import upload_original  # noqa: PLC0415

            into_project: Literal[False] | str | None = False if no_project else project
            if originals:
                return upload_original(
                    plan,
                    connection,
                    project=into_project,
                    into=dataset_id,
                    in_place=in_place,
                    patience=patience,
                    progress=show,
                )
            return upload_images(
                plan,
                connection,
                project=into_project,
                into=dataset_id,
                on_bad_plane=on_bad_plane.value,
                patience=patience,
                progress=show,
            )

        done = [
            show_uploaded(
                plan,
                carry_out,
                progress,
                several=len(plans) > 1,
                quiet=quiet,
                verbose=verbose,
                as_json=as_json,
            )
            for plan in plans
        ]
    if not all(done):
        raise typer.Exit(EXIT_FAILED)


def _check(
    folders: list[Path],
    name: str | None,
    project: str | None,
    *,
    no_project: bool,
    in_place: bool,
) -> None:
    """Refuse options that do not go together."""
    if no_project and project is not None:
        raise UsageError("--project and --no-project exclude each other.", hint="Give one of them.")
    if name is not None and len(folders) > 1:
        raise UsageError(
            "--name was given with several folders, which become a Dataset each.",
            hint="Upload them one by one, or leave --name out.",
        )
    if in_place:
        raise UsageError(
            "--in-place links files, and so goes with --layout original only.",
            hint="Add --layout original, or leave --in-place out.",
        )
