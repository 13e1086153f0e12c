"""What the files' headers say: pixel type, size and pages of each image, and where files of one image disagree.

Between the layout (which knows names alone) and the images of the plan. Opens one header per image and channel, or all of
them when the user asks for it.
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pyomero_upload.errors import UnreadableFileError
from pyomero_upload.layout import ImageFiles
from pyomero_upload.model import FileStat, Problem
from pyomero_upload.readers import Header, probe, read_planes


@dataclass(frozen=True, slots=True)
class ChannelHeader:
    """What the files of one channel of one image look like.

    Attributes
    ----------
    path
        The file that `header` was read from.
    grey
        Whether an RGB file holds three equal colours.

    """

    path: str
    header: Header
    grey: bool = False


@dataclass(frozen=True, slots=True)
class ImageHeaders:
    """The headers of one image: one for each channel label, and the pages of each file where they were asked for."""

    channels: Mapping[str, ChannelHeader]
    pages: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def read_headers(
    folder: Path, image: ImageFiles, files: Mapping[str, FileStat], *, deep: bool = False
) -> ImageHeaders:
    """Open the headers of one image's files.

    Parameters
    ----------
    folder
        The source folder.
    image
        The files of the image.
    files
        All files of the folder; an empty one is not opened but reported.
    deep
        Open every file instead of one for each channel. Files with several pages are all opened in any case, because
        pages that nobody counts would be lost.

    """
    look = _Look(folder)
    by_channel: dict[str, list[str]] = {}
    for (_, label, _), path in image.planes.items():
        by_channel.setdefault(label, []).append(path)
        if files[path].size == 0:
            look.blame(path, "it is empty (0 bytes)")
    first: dict[str, ChannelHeader] = {}
    for label, paths in by_channel.items():
        opened = next((path for path in paths if look.at(path)), None)
        if opened is not None:
            header = look.seen[opened]
            first[label] = ChannelHeader(opened, header, grey=look.is_grey(opened, header))
    pages: dict[str, int] = {}
    if deep or any(entry.header.pages > 1 for entry in first.values()):
        look.at_all(path for paths in by_channel.values() for path in paths)
        look.problems.extend(_uneven_pages(by_channel, look.seen))
        pages = {path: header.pages for path, header in look.seen.items()}
    look.problems.extend(_disagreements(look.seen))
    return ImageHeaders(first, pages, tuple(look.problems))


class _Look:
    """Opens headers, each file once, and keeps what it saw: a header or the blame."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bad: set[str] = set()
        self.seen: dict[str, Header] = {}
        self.problems: list[Problem] = []

    def blame(self, path: str, reason: str) -> None:
        self._bad.add(path)
        hint = (
            "Look at the file. Restore it from a copy, remove it (its plane is then a missing one), "
            "or write it as zeros with --on-bad-plane blank."
        )
        self.problems.append(Problem("error", "unreadable-file", path, reason, hint))

    def at(self, path: str) -> bool:
        """Open one header; tell whether it could be read."""
        if path not in self.seen and path not in self._bad:
            self._take(path, _probe(self._folder, path))
        return path in self.seen

    def at_all(self, paths: Iterable[str]) -> None:
        """Open all headers that are not known yet, in parallel."""
        rest = [
            path for path in dict.fromkeys(paths) if path not in self.seen and path not in self._bad
        ]
        with ThreadPoolExecutor() as pool:
            for path, probed in zip(
                rest, pool.map(partial(_probe, self._folder), rest), strict=True
            ):
                self._take(path, probed)

    def _take(self, path: str, probed: Header | UnreadableFileError) -> None:
        if isinstance(probed, UnreadableFileError):
            self.blame(path, probed.message)
        else:
            self.seen[path] = probed

    def is_grey(self, path: str, header: Header) -> bool:
        """Tell whether a file has colours that are all equal."""
        if header.samples < 3:
            return False
        try:
            red, green, blue = read_planes(self._folder / path, [(0, 0), (0, 1), (0, 2)])
        except UnreadableFileError as error:
            self.blame(path, error.message)
            return False
        return bool((red == green).all() and (red == blue).all())


def _probe(folder: Path, path: str) -> Header | UnreadableFileError:
    try:
        return probe(folder / path)
    except UnreadableFileError as error:
        return error


def _disagreements(seen: Mapping[str, Header]) -> Iterator[Problem]:
    """Compare each file with the first one; name both where they differ."""
    hint = (
        "All planes of one image must be alike. If these files do not belong together, separate them by folder or "
        "by pattern, or make every file its own image with --layout separate."
    )
    first = next(iter(seen), "")
    for path, header in seen.items():
        for code, trait in (("size-differs", _size), ("dtype-differs", _dtype)):
            if trait(header) != trait(seen[first]):
                message = f"{path} has {trait(header)}, but {first} has {trait(seen[first])}."
                yield Problem("error", code, path, message, hint)


def _size(header: Header) -> str:
    return f"{header.width} × {header.height} pixels"


def _dtype(header: Header) -> str:
    return f"pixels of type {header.dtype}"


def _uneven_pages(
    by_channel: Mapping[str, list[str]], seen: Mapping[str, Header]
) -> Iterator[Problem]:
    for paths in by_channel.values():
        opened = [p for p in paths if p in seen]
        for path in opened[1:]:
            if seen[path].pages != seen[opened[0]].pages:
                message = f"{path} has {seen[path].pages} pages, but {opened[0]} has {seen[opened[0]].pages}."
                hint = "Pages that the file lacks are treated as missing planes."
                yield Problem("warning", "pages-differ", path, message, hint)
