"""From a folder to a plan: what will be made of it, and every problem, before a byte moves.

Where names (layout), headers (readers) and text files (metadata) come together. Pure: the same folder gives the same plan;
nothing is written, no server is asked. `make_plan` is the entry; `document.py` says the plan as JSON.
"""

import gc
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pyomero_upload.layout import (
    Arrangement,
    Layout,
    Listing,
    arrange,
    arrange_separately,
    list_files,
)
from pyomero_upload.metadata import MetadataParser, complete_channels, read_metadata
from pyomero_upload.model import (
    Channel,
    Dataset,
    FileStat,
    Hypercube,
    Metadata,
    Plan,
    Problem,
    Source,
)
from pyomero_upload.planning.document import plan_digest
from pyomero_upload.planning.headers import read_headers
from pyomero_upload.planning.images import plan_image, position_key
from pyomero_upload.planning.provenance import provenance_pairs
from pyomero_upload.processing import load_processor
from pyomero_upload.profiles import load_layout

__all__ = ["make_plan"]

STILL_RUNNING = "temp_InProgress.txt"


def make_plan(
    folder: str | Path,
    *,
    name: str | None = None,
    profile: str | None = None,
    pattern: str | None = None,
    layout: Literal["hypercube", "separate"] = "hypercube",
    metadata_file: str | Path | None = None,
    parser: str | MetadataParser | None = None,
    ignore_metadata: bool = False,
    processor: str | None = None,
    missing: Literal["fill", "drop-timepoint", "fail"] = "fill",
    provenance: bool = True,
    deep: bool = False,
    files: Collection[str] | None = None,
) -> Plan:
    """Plan what will be made of a folder of images and text files.

    Parameters
    ----------
    folder
        The folder that the microscope left.
    name
        What to call the dataset; otherwise the title in the metadata, or the folder's name.
    profile
        Name of a built-in profile of file names, or a YAML file with one.
    pattern
        A template or regular expression for the file names, instead of the profile's.
    layout
        `hypercube`: one 5-D image for each position; `separate`: each file its own image.
    metadata_file
        A `metadata.yaml` elsewhere than beside the data.
    parser
        A parser for the text files: one, or its name as `module:Class` or as that of an installed one.
    ignore_metadata
        Take the images alone.
    processor
        A processor for the planes, as `module:Class` or the name of an installed one.
    missing
        What to do about planes that are missing: write zeros, leave an incomplete last time point out (and write zeros
        for the others), or refuse.
    provenance
        Add key-value pairs that say what tool made this.
    deep
        Open the header of every file, not of one for each image and channel.
    files
        Take these files alone, by their names relative to the folder with `/` between parts; None: all.

    Returns
    -------
    Plan
        With its problems; a plan with errors is returned too, but is refused by `convert`.

    Raises
    ------
    UsageError
        The folder, the pattern, the profile or the user's metadata file cannot be used.

    """
    with _collector_paused():
        return _make_plan(
            Path(folder),
            name=name,
            names=load_layout(profile=profile, pattern=pattern),
            separate=layout == "separate",
            metadata_file=None if metadata_file is None else Path(metadata_file),
            parser=parser,
            ignore_metadata=ignore_metadata,
            processor=processor,
            missing=missing,
            provenance=provenance,
            deep=deep,
            only=files,
        )


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the garbage collector from looking again and again through hundreds of thousands of objects that all stay.

    With 65,000 files a third of the time went there.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _make_plan(
    folder: Path,
    *,
    name: str | None,
    names: Layout,
    separate: bool,
    metadata_file: Path | None,
    parser: str | MetadataParser | None,
    ignore_metadata: bool,
    processor: str | None,
    missing: str,
    provenance: bool,
    deep: bool,
    only: Collection[str] | None,
) -> Plan:
    listing = list_files(folder)
    if only is not None:
        wanted = frozenset(only)
        kept = {name: stat for name, stat in listing.files.items() if name in wanted}
        listing = replace(listing, files=kept)
    source_folder, files = listing.folder, listing.files
    arrangement = arrange_separately(listing) if separate else arrange(listing, names)
    metadata = Metadata()
    if not ignore_metadata:
        metadata = read_metadata(source_folder, files, parser=parser, metadata_file=metadata_file)
    problems = [*listing.problems, *arrangement.problems, *metadata.problems]
    images, more, dropped = _plan_images(
        listing, arrangement, metadata, names, deep=deep, drop=missing == "drop-timepoint"
    )
    problems.extend(more)
    problems.extend(_folder_problems(files, images, metadata, ignore_metadata=ignore_metadata))
    if missing == "fail":
        problems = [_as_error(p) for p in problems]
    used = {source.path for image in images for source in image.planes.values()}
    used.update(metadata.attachments)
    source = Source(
        source_folder, names.name, files, tuple(sorted({*files} - used | {*dropped}, key=_sortable))
    )
    dataset = Dataset(
        name=name or metadata.title or source_folder.name or "dataset",
        description=metadata.description,
        tags=metadata.tags,
        key_values=metadata.key_values,
        tables=metadata.tables,
        attachments=metadata.attachments,
        authors=metadata.authors,
        project=metadata.project,
    )
    outputs = images
    if processor is not None:
        step = load_processor(processor)
        outputs = tuple(step.describe(image) for image in images)
    plan = Plan(source, dataset, outputs, images, tuple(sorted(problems, key=_severity)), processor)
    digest = plan_digest(plan)
    pairs = provenance_pairs(plan, digest) if provenance else ()
    return replace(plan, digest=digest, provenance=pairs)


def _sortable(path: str) -> tuple[int, str]:
    return path.count("/"), path


def _severity(problem: Problem) -> int:
    return ("error", "warning", "info").index(problem.severity)


def _as_error(problem: Problem) -> Problem:
    if problem.code not in {"missing-planes", "incomplete-last-timepoint"}:
        return problem
    return replace(
        problem, severity="error", hint="Without --missing fail they are written as zeros."
    )


def _plan_images(
    listing: Listing,
    arrangement: Arrangement,
    metadata: Metadata,
    layout: Layout,
    *,
    deep: bool,
    drop: bool,
) -> tuple[tuple[Hypercube, ...], list[Problem], tuple[str, ...]]:
    images: list[Hypercube] = []
    problems: list[Problem] = []
    dropped: list[str] = []
    for image_files in arrangement.images.values():
        headers = read_headers(listing.folder, image_files, listing.files, deep=deep)
        problems.extend(headers.problems)
        if not headers.channels:
            problems.append(_nothing_readable(image_files.name))
        else:
            image, more, left_out = plan_image(
                image_files, headers, metadata, layout, drop_last=drop
            )
            if image is not None:
                images.append(image)
            problems.extend(more)
            dropped.extend(left_out)
    problems.extend(_complete(images))
    return tuple(images), problems, tuple(dropped)


def _nothing_readable(name: str) -> Problem:
    return Problem(
        "error",
        "unreadable-image",
        name,
        "No file of this image can be read.",
        "Restore its files from a copy, or move them out of the folder.",
    )


def _complete(images: list[Hypercube]) -> Sequence[Problem]:
    """Fill in colours and wavelengths, the same for channels of the same name in all images."""
    known: dict[str, Channel] = {}
    for image in images:
        for channel in image.channels:
            known.setdefault(channel.name, channel)
    completed, guesses = complete_channels(list(known.values()))
    by_name = {channel.name: channel for channel in completed}
    for number, image in enumerate(images):
        channels = (
            replace(
                channel,
                color=by_name[channel.name].color,
                excitation_nm=by_name[channel.name].excitation_nm,
                emission_nm=by_name[channel.name].emission_nm,
            )
            for channel in image.channels
        )
        images[number] = replace(image, channels=tuple(channels))
    return guesses


def _folder_problems(
    files: Mapping[str, FileStat],
    images: Sequence[Hypercube],
    metadata: Metadata,
    *,
    ignore_metadata: bool,
) -> Iterator[Problem]:
    """Look at the folder as a whole."""
    if not images:
        yield Problem(
            "error",
            "no-images",
            ".",
            "No image is found in this folder.",
            "Is it the folder of the experiment, with a sub-folder for each position? File names that follow another "
            "convention need --pattern or --profile.",
        )
        return
    if STILL_RUNNING in files:
        yield Problem(
            "warning",
            "still-running",
            STILL_RUNNING,
            "The experiment still runs, or broke off without cleaning up.",
            "Wait for its end: what is written after this moment is not in the plan.",
        )
    yield from _unlike_images(images)
    if any(image.physical_size_um.x is None for image in images):
        yield Problem(
            "info",
            "pixel-size-unknown",
            ".",
            "Neither the text files nor the images say how large a pixel is.",
            "Say it in metadata.yaml, e.g. pixel_size: 0.263 (in micrometres).",
        )
    if not ignore_metadata:
        yield from _unknown_channels(images, metadata)
        yield from _less_than_announced(images, metadata)


@dataclass(frozen=True, slots=True)
class _Likeness:
    """What the images of one experiment usually have in common."""

    noun: str
    values: Mapping[str, object]


def _unlike_images(images: Sequence[Hypercube]) -> Iterator[Problem]:
    """Name images that have other channels, sections or time points than most: a part may not have been copied."""
    traits = (
        _Likeness("channels", {i.name: ", ".join(c.name for c in i.channels) for i in images}),
        _Likeness("time points", {i.name: i.sizes.t for i in images}),
        _Likeness("z sections", {i.name: i.sizes.z for i in images}),
    )
    for trait in traits:
        usual, _ = Counter(trait.values.values()).most_common(1)[0]
        for name, value in trait.values.items():
            if value != usual:
                yield Problem(
                    "warning",
                    "images-differ",
                    name,
                    f"{trait.noun} here: {value}; in most other images: {usual}.",
                    "If this is not how it was taken, look whether all files were copied.",
                )


def _unknown_channels(images: Sequence[Hypercube], metadata: Metadata) -> Iterator[Problem]:
    found = {channel.name.casefold() for image in images for channel in image.channels}
    typed = {name.casefold() for name in metadata.user_channels}
    for channel in metadata.channels:
        if channel.name.casefold() not in found:
            yield Problem(
                "warning" if channel.name.casefold() in typed else "info",
                "channel-without-images",
                channel.name,
                f"The text files describe the channel {channel.name}, but no image has it.",
                "Its description is kept in the tables and key-values.",
            )


def _less_than_announced(images: Sequence[Hypercube], metadata: Metadata) -> Iterator[Problem]:
    """Compare with what the acquisition settings announce: an experiment may have been stopped, or copied in part."""
    most = max(image.sizes.t for image in images)
    if metadata.time_points is not None and most < metadata.time_points:
        yield Problem(
            "info",
            "fewer-timepoints",
            ".",
            f"The acquisition settings announce {metadata.time_points} time points; the images have {most}.",
            "Look whether all files were copied, unless the experiment was stopped.",
        )
    names = {position_key(image.name) for image in images}
    without = [name for name in metadata.stage_positions if position_key(name) not in names]
    if without:
        some = ", ".join(without[:3]) + (" …" if len(without) > 3 else "")
        yield Problem(
            "info",
            "positions-without-images",
            ".",
            f"{len(without)} of {len(metadata.stage_positions)} positions in the text files have no images: {some}",
            "Look whether all folders were copied.",
        )
