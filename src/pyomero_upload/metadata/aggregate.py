"""From a folder's text files to its metadata: which files, which parser, and everything put together.

The one way into this package for the plan. The user's parser takes the place of those that come with the tool;
metadata.yaml is laid over what either found.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from pyomero_upload.errors import PyomeroError
from pyomero_upload.metadata.acq import AcqMetadataParser
from pyomero_upload.metadata.base import MetadataParser, as_metadata
from pyomero_upload.metadata.loading import load_parser, parser_name
from pyomero_upload.metadata.log import LogMetadataParser
from pyomero_upload.metadata.merge import combine, override
from pyomero_upload.metadata.user_file import find_user_file, read_user_file
from pyomero_upload.model import FileStat, Metadata, Problem

# Text files that belong to the experiment whether anything reads them or not: the Points table once more.
_ATTACHED_TOO = ("*Pos.txt",)
_SIGNATURE = b"swain lab"


class MetadataAggregator(MetadataParser):
    """The default parser: reads the acquisition settings and the log of a folder, whichever of them there are."""

    def extract_metadata(self, filename: str) -> Metadata:
        """Return the metadata of a folder."""
        folder = Path(filename)
        return read_lab_files(
            folder, [path.relative_to(folder).as_posix() for path in folder.rglob("*")]
        )


def read_metadata(
    folder: Path,
    files: Mapping[str, FileStat],
    *,
    parser: str | MetadataParser | None = None,
    metadata_file: Path | None = None,
) -> Metadata:
    """Return the metadata of a folder of images.

    Parameters
    ----------
    folder
        The folder.
    files
        All files below it, by names relative to it with `/` between parts. Text files in sub-folders are not looked at.
    parser
        What to read the text files with, or its name as `load_parser` takes it; None: the parsers for `*Acq.txt` and `*log.txt`.
    metadata_file
        The user's metadata; None: `metadata.yaml` in the folder, where there is one.

    Raises
    ------
    UsageError
        No such parser; or metadata.yaml is wrong, with all its mistakes by line.
    PyomeroError
        The user's parser failed, or did not return metadata.

    """
    if parser is None:
        found = read_lab_files(folder, files)
    else:
        chosen = load_parser(parser) if isinstance(parser, str) else parser
        found = _with_parser(chosen, folder, files)
    user_file = metadata_file or find_user_file(folder, files)
    if user_file is None:
        return found
    return override(found, read_user_file(user_file, folder=folder), file=user_file.name)


def read_lab_files(folder: Path, files: Iterable[str]) -> Metadata:
    """Return what `*Acq.txt` and `*log.txt` directly in a folder say; either or both may be missing."""
    names = list(files)
    settings, logs = AcqMetadataParser(), LogMetadataParser()
    problems: list[Problem] = []
    parts = []
    for each in (settings, logs):
        matching = [
            name
            for name in matching_files(names, each.file_patterns)
            if _is_lab_file(folder / name)
        ]
        if matching:
            chosen = _choose(matching, names, problems)
            parts.append(each.extract_metadata(str(folder / chosen)))
            parts.append(Metadata(attachments=tuple(name for name in matching if name != chosen)))
    parts.append(
        Metadata(attachments=tuple(matching_files(names, _ATTACHED_TOO)), problems=tuple(problems))
    )
    return combine(parts)


def matching_files(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """Return the names directly in the folder that match a pattern, in any letter case, in natural order."""
    lowered = [pattern.lower() for pattern in patterns]
    found = [
        name
        for name in names
        if "/" not in name and any(fnmatchcase(name.lower(), pattern) for pattern in lowered)
    ]
    return sorted(found, key=_natural)


def _natural(text: str) -> list[tuple[int, str]]:
    return [
        (int(part), "") if part.isdecimal() else (-1, part)
        for part in re.split(r"([0-9]{1,18})", text)
    ]


def _is_lab_file(path: Path) -> bool:
    """Whether a `.log` file, which many programs write, is one of the laboratory's; other names are taken at their word."""
    if path.suffix.lower() != ".log":
        return True
    try:
        with path.open("rb") as file:
            return _SIGNATURE in file.read(4096).lower()
    except OSError:
        return True  # the parser will say what is the matter


def _choose(matching: list[str], names: Iterable[str], problems: list[Problem]) -> str:
    """Return the file to read: of several the one whose name begins as most image files do."""
    if len(matching) == 1:
        return matching[0]
    images = [name.rpartition("/")[2].lower() for name in names if "/" in name]

    def fits(name: str) -> int:
        stem = re.sub(r"_?(?:acq|log)?\.(?:txt|log)$", "", name.lower())
        return sum(image.startswith(stem) for image in images) if stem else 0

    chosen = max(matching, key=fits)
    others = ", ".join(name for name in matching if name != chosen)
    problems.append(
        Problem(
            "warning",
            "several-metadata-files",
            chosen,
            f"There are several files of this kind in the folder; {chosen} is read, and {others} only attached.",
            "Move away what does not belong to these images.",
        )
    )
    return chosen


def _with_parser(parser: object, folder: Path, files: Iterable[str]) -> Metadata:
    """Return what the user's parser makes of a folder, or of those files in it that it asks for."""
    name = parser_name(parser)
    patterns = getattr(parser, "file_patterns", ())
    if not patterns:
        return _attached_too(_extract(parser, name, folder), files)
    matching = matching_files(files, patterns)
    if not matching:
        message = (
            f"No file in the folder is called as the parser {name} wants it: {', '.join(patterns)}."
        )
        return Metadata(problems=(Problem("warning", "metadata-unreadable", name, message),))
    parts = []
    for file in matching:
        part = _extract(parser, name, folder / file)
        attached = part.attachments or ((file,) if os.access(folder / file, os.R_OK) else ())
        parts.append(replace(part, attachments=attached))
    return combine(parts)


def _extract(parser: object, name: str, path: Path) -> Metadata:
    extract = getattr(parser, "extract_metadata")  # noqa: B009
    try:
        returned = extract(str(path))
    except PyomeroError:
        raise
    except Exception as error:
        message = f"The parser {name} failed at {path}: {type(error).__name__}: {error}"
        raise PyomeroError(message, hint="Correct the parser, or leave out --parser.") from error
    return as_metadata(returned, name)


def _attached_too(found: Metadata, files: Iterable[str]) -> Metadata:
    """Return the metadata with the laboratory's text files attached where the parser named no files."""
    if found.attachments:
        return found
    patterns = (*AcqMetadataParser.file_patterns, *LogMetadataParser.file_patterns, *_ATTACHED_TOO)
    return replace(found, attachments=tuple(matching_files(files, patterns)))
