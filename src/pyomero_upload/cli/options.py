"""The options that several commands share, described once."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class Layout(str, Enum):
    """What becomes one image."""

    hypercube = "hypercube"
    separate = "separate"


class Missing(str, Enum):
    """What to do about missing planes."""

    fill = "fill"
    drop_timepoint = "drop-timepoint"
    fail = "fail"


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
Name = Annotated[
    str | None,
    typer.Option(help="Name of the dataset; else its title in the metadata, or the folder's."),
]
Profile = Annotated[
    str | None,
    typer.Option(
        help="How files are named: micromanager, metamorph, metaxpress, incell, opera, imagej, or a YAML file."
    ),
]
Pattern = Annotated[
    str | None,
    typer.Option(
        help="How files are named: a template such as '{position}/{prefix}_{t:d}_{c}_{z:d}' or a regular "
        "expression with named groups."
    ),
]
LayoutOption = Annotated[
    Layout,
    typer.Option("--layout", help="One 5-D image for each position, or every file its own image."),
]
MetadataFile = Annotated[
    Path | None, typer.Option("--metadata", help="A metadata.yaml elsewhere than beside the data.")
]
Parser = Annotated[
    str | None,
    typer.Option(
        help="A parser for the text files: module:Class, file.py:Class, an installed one's name, or a YAML file "
        "for the template parser."
    ),
]
IgnoreMetadata = Annotated[bool, typer.Option("--ignore-metadata", help="Take the images alone.")]
Processor = Annotated[
    str | None,
    typer.Option(
        help="A processor for the planes: max-z, rolling-ball, module:Class or an installed one's name."
    ),
]
MissingOption = Annotated[
    Missing,
    typer.Option(
        "--missing",
        help="Missing planes: write zeros, leave an incomplete last time point out, or refuse.",
    ),
]
Provenance = Annotated[
    bool,
    typer.Option(
        "--provenance/--no-provenance", help="Add key-values that say what tool made this."
    ),
]
Deep = Annotated[bool, typer.Option("--deep", help="Open the header of every file.")]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse at warnings too (exit status 3).")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors and the result only.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="List every problem and every image, not groups.")
]
ProgressOption = Annotated[
    ProgressKind,
    typer.Option(
        "--progress", help="A bar, plain lines, or one JSON object a line on standard error."
    ),
]
