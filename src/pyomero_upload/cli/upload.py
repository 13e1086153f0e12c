"""`pyomero upload`: make Datasets of folders on an OMERO server."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyomero_upload.cli import options
from pyomero_upload.cli.failures import explained
from pyomero_upload.cli.families import in_families
from pyomero_upload.cli.own_server import require_omero
from pyomero_upload.cli.server_options import ServerOptions
from pyomero_upload.errors import EXIT_FAILED, UsageError
from pyomero_upload.targets.omero.defaults import PATIENCE

if TYPE_CHECKING:
    from pyomero_upload.model import Plan
    from pyomero_upload.targets.omero.connection import Connection
    from pyomero_upload.transfer.events import OnEvent, UploadReport


class UploadLayout(str, Enum):
    """What becomes an Image."""

    hypercube = "hypercube"
    separate = "separate"
    original = "original"


@dataclass(frozen=True, kw_only=True)
class UploadOptions:
    """Where the Images go, what becomes one, and how they get there."""

    project: Annotated[
        str | None,
        typer.Option(
            help="The Project to put the Dataset into: your own in that group, made where there is none. Unless told: "
            "the one that the text files name.",
            show_default=False,
        ),
    ] = None
    no_project: Annotated[
        bool, typer.Option("--no-project", help="Put the Dataset into no Project.")
    ] = False
    into: Annotated[
        str | None,
        typer.Option(
            metavar="Dataset:ID",
            help="Put the Images into this Dataset instead of a new one.",
            show_default=False,
        ),
    ] = None
    layout: Annotated[
        UploadLayout,
        typer.Option(
            "--layout",
            help="One 5-D Image for each position; every file its own Image; or the files themselves, as they are.",
        ),
    ] = UploadLayout.hypercube
    in_place: Annotated[
        bool,
        typer.Option(
            "--in-place",
            help="With --layout original: link the files into the server's repository instead of sending them. "
            "Client and server must share the disk.",
        ),
    ] = False
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan and what is on the server already.")
    ] = False
    on_bad_plane: options.OnBadPlaneOption = options.OnBadPlane.stop
    patience: Annotated[float, options.patience("the server")] = PATIENCE

    @property
    def planned_layout(self) -> options.Layout:
        """What becomes one image of the plan: files that go in as they are, each."""
        hypercube = self.layout is UploadLayout.hypercube
        return options.Layout.hypercube if hypercube else options.Layout.separate

    @property
    def dataset_id(self) -> int | None:
        """The Dataset to add to; None for a new one."""
        from pyomero_upload.targets.omero.reading import parse_dataset  # noqa: PLC0415

        return None if self.into is None else parse_dataset(self.into)

    def check(self, folders: Sequence[Path], name: str | None) -> None:
        """Refuse options that do not go together, or that say nothing.

        Raises
        ------
        UsageError
            Says which.

        """
        _ = self.dataset_id
        options.chosen_project(self.project, no_project=self.no_project)
        if name is not None and len(folders) > 1:
            raise UsageError(
                "--name was given with several folders, which become a Dataset each.",
                hint="Upload them one by one, or leave --name out.",
            )
        if self.in_place and self.layout is not UploadLayout.original:
            raise UsageError(
                "--in-place links files, and so goes with --layout original only.",
                hint="Add --layout original, or leave --in-place out.",
            )

    def show_survey(
        self, plan: "Plan", connection: "Connection", *, as_json: bool, verbose: bool
    ) -> None:
        """Print the plan, and what of it is on the server already."""
        from pyomero_upload.cli.upload_shown import show_survey  # noqa: PLC0415

        project = None if self.no_project else self.project or plan.dataset.project
        show_survey(
            plan, connection, self.dataset_id, project=project, as_json=as_json, verbose=verbose
        )

    def carry_out(self, plan: "Plan", connection: "Connection", show: "OnEvent") -> "UploadReport":
        """Upload what was planned."""
        from pyomero_upload.transfer.upload import upload as upload_images  # noqa: PLC0415
        from pyomero_upload.transfer.upload_original import upload_original  # noqa: PLC0415

        project = options.chosen_project(self.project, no_project=self.no_project)
        if self.layout is UploadLayout.original:
            return upload_original(
                plan,
                connection,
                project=project,
                into=self.dataset_id,
                in_place=self.in_place,
                patience=self.patience,
                progress=show,
            )
        return upload_images(
            plan,
            connection,
            project=project,
            into=self.dataset_id,
            on_bad_plane=self.on_bad_plane.value,
            patience=self.patience,
            progress=show,
        )


@explained
@in_families
def upload(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER...",
            help="Folders that the microscope left; each becomes a Dataset.",
            show_default=False,
        ),
    ],
    *,
    name: options.Name = None,
    how: UploadOptions,
    planning: options.PlanningOptions,
    at: ServerOptions,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as one JSON document a line.")
    ] = False,
    shown: options.ShownOptions,
) -> None:
    """Make a Dataset of each FOLDER on an OMERO server. Run again, it goes on where it was stopped."""
    require_omero()
    from pyomero_upload.cli.upload_shown import show_uploaded  # noqa: PLC0415

    how.check(folders, name)
    plans = [planning.plan(folder, name=name, layout=how.planned_layout) for folder in folders]
    planning.refuse_warnings(plans, left_undone="uploaded")
    with at.connected() as connection:
        if how.dry_run:
            for plan in plans:
                how.show_survey(plan, connection, as_json=as_json, verbose=shown.verbose)
            return
        connection.check_writable()

        def carry_out(plan: "Plan", show: "OnEvent") -> "UploadReport":
            return how.carry_out(plan, connection, show)

        several = len(plans) > 1
        done = [
            show_uploaded(plan, carry_out, shown, several=several, as_json=as_json)
            for plan in plans
        ]
    if not all(done):
        raise typer.Exit(EXIT_FAILED)
