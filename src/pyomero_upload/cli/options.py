"""The options that several commands share, described once, and what is made of them.

Options that always come together are a family, see `families`; the others are types of their own. Those that say which
server are in `server_options`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer.models import OptionInfo

from pyomero_upload.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from pyomero_upload.model import Plan
    from pyomero_upload.targets.omero.said import Said

WEB_PORT = 4080


class Layout(str, Enum):
    """What becomes one image."""

    hypercube = "hypercube"
    separate = "separate"


class Missing(str, Enum):
    """What to do about missing planes."""

    fill = "fill"
    drop_timepoint = "drop-timepoint"
    fail = "fail"


class OnBadPlane(str, Enum):
    """What to do about a file that cannot be read."""

    stop = "stop"
    blank = "blank"


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


class ProgressKind(str, Enum):
    """How progress is shown."""

    auto = "auto"
    bar = "bar"
    plain = "plain"
    json = "json"
    none = "none"


# Folders are checked by the library, whose messages say what to do.
Folder = Annotated[
    Path, typer.Argument(help="The folder that the microscope left.", show_default=False)
]
OutFolder = Annotated[
    Path, typer.Argument(help="The folder to write; made when complete.", show_default=False)
]
DatasetArgument = Annotated[
    str, typer.Argument(metavar="Dataset:ID", help="The Dataset.", show_default=False)
]
Name = Annotated[
    str | None,
    typer.Option(help="Name of the dataset; else its title in the metadata, or the folder's."),
]
LayoutOption = Annotated[
    Layout,
    typer.Option("--layout", help="One 5-D image for each position, or every file its own image."),
]
OnBadPlaneOption = Annotated[
    OnBadPlane,
    typer.Option(
        "--on-bad-plane", help="A file that cannot be read: stop its image, or write zeros."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
ProgressOption = Annotated[
    ProgressKind,
    typer.Option(
        "--progress", help="A bar, plain lines, or one JSON object a line on standard error."
    ),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="List every problem and every image, not groups.")
]
WebPort = Annotated[
    int, typer.Option(min=0, max=65535, help="Port of OMERO.web's pages; 0: a free one.")
]


def patience(whose: str) -> OptionInfo:
    """Describe the option that says how long faults are waited out, and `whose`."""
    option: OptionInfo = typer.Option(
        min=0, metavar="SECONDS", help=f"How long a fault of {whose} or the network is waited out."
    )
    return option


def chosen_project(project: str | None, *, no_project: bool) -> str | Literal[False] | None:
    """Return what `--project` and `--no-project` say together, as uploads take it: a name, False, or None for neither.

    Raises
    ------
    UsageError
        If both are given.

    """
    if project is not None and no_project:
        raise UsageError("--project and --no-project exclude each other.", hint="Give one of them.")
    return False if no_project else project


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """How a folder is read: the names of its files, its text files, its planes."""

    profile: Annotated[
        str | None,
        typer.Option(
            help="How files are named: micromanager, metamorph, metaxpress, incell, opera, imagej, or a YAML file."
        ),
    ] = None
    pattern: Annotated[
        str | None,
        typer.Option(
            help="How files are named: a template such as '{position}/{prefix}_{t:d}_{c}_{z:d}' or a regular "
            "expression with named groups."
        ),
    ] = None
    metadata: Annotated[
        Path | None,
        typer.Option("--metadata", help="A metadata.yaml elsewhere than beside the data."),
    ] = None
    parser: Annotated[
        str | None,
        typer.Option(
            help="A parser for the text files: module:Class, file.py:Class, an installed one's name, or a YAML file "
            "for the template parser."
        ),
    ] = None
    ignore_metadata: Annotated[
        bool, typer.Option("--ignore-metadata", help="Take the images alone.")
    ] = False
    processor: Annotated[
        str | None,
        typer.Option(
            help="A processor for the planes: max-z, rolling-ball, module:Class or an installed one's name."
        ),
    ] = None
    missing: Annotated[
        Missing,
        typer.Option(
            "--missing",
            help="Missing planes: write zeros, leave an incomplete last time point out, or refuse.",
        ),
    ] = Missing.fill

    def plan_again(self, folder: Path, said: "Said", *, name: str | None, layout: Layout) -> "Plan":
        """Plan a folder as it was planned when the Dataset was made of it, of which `said` is what is said."""
        from pyomero_upload.transfer.verify_omero import plan_again  # noqa: PLC0415

        return plan_again(
            folder,
            said,
            name=name,
            profile=self.profile,
            pattern=self.pattern,
            layout=layout.value,
            metadata_file=self.metadata,
            parser=self.parser,
            ignore_metadata=self.ignore_metadata,
            processor=self.processor,
            missing=self.missing.value,
        )


@dataclass(frozen=True, kw_only=True)
class PlanningOptions(ReadingOptions):
    """How a folder is read, and how it is planned."""

    provenance: Annotated[
        bool,
        typer.Option(
            "--provenance/--no-provenance", help="Add key-values that say what tool made this."
        ),
    ] = True
    deep: Annotated[bool, typer.Option("--deep", help="Open the header of every file.")] = False
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse at warnings too (exit status 3).")
    ] = False

    def plan(self, folder: Path, *, name: str | None, layout: Layout) -> "Plan":
        """Plan what will be made of a folder."""
        from pyomero_upload.planning import make_plan  # noqa: PLC0415

        return make_plan(
            folder,
            name=name,
            profile=self.profile,
            pattern=self.pattern,
            layout=layout.value,
            metadata_file=self.metadata,
            parser=self.parser,
            ignore_metadata=self.ignore_metadata,
            processor=self.processor,
            missing=self.missing.value,
            provenance=self.provenance,
            deep=self.deep,
        )

    def refuse_warnings(self, plans: "Sequence[Plan]", *, left_undone: str) -> None:
        """Refuse what has warnings, where that was asked for; nothing is `left_undone` then, as in `written`.

        Raises
        ------
        RefusedError
            With all problems of all plans.

        """
        if self.strict and any(plan.warnings for plan in plans):
            raise RefusedError(
                f"The plan has warnings, and --strict was given: nothing is {left_undone}.",
                problems=[problem for plan in plans for problem in plan.problems],
            )


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """What files are written."""

    output_format: Annotated[Format, typer.Option("--format", help="What to write.")] = (
        Format.ome_zarr
    )
    levels: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Smaller resolutions of each OME-Zarr image. Unless told: none up to 512 × 512 pixels, else as "
            "many as bring both sides under 256.",
            show_default=False,
        ),
    ] = None
    compression: Annotated[
        Compression | None,
        typer.Option(
            help="OME-Zarr: lz4 (unless told), zstd or none. OME-TIFF: none (unless told), deflate or zstd.",
            show_default=False,
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class ShownOptions:
    """How a job that takes a while is shown, and what came of it."""

    progress: ProgressOption = ProgressKind.auto
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print errors and the result only.")
    ] = False
    verbose: Verbose = False

    @property
    def events(self) -> bool:
        """Whether standard error is read by a program, so that nothing but JSON may go there."""
        return self.progress is ProgressKind.json
