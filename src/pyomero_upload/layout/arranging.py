"""Names and patterns put together: which plane of which image each file is.

What comes out of here is all the plan knows about file names. Every file is either a plane of an image or unused, and
each image-like file that is unused has a problem that says why: nothing is dropped in silence.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from pyomero_upload.layout.listing import Listing, is_hidden
from pyomero_upload.layout.natural import natural_key
from pyomero_upload.layout.pattern import IMAGE_EXTENSIONS, Pattern, Reading
from pyomero_upload.model import Problem

PagesAxis = Literal["t", "c", "z"]

# Other files that hold pixels. They are not read, and their owner should hear of it.
_FOREIGN_EXTENSIONS: Final = frozenset(
    {"czi", "dv", "ims", "lif", "lsm", "nd2", "oib", "oif", "svs", "vsi"}
)
_POSITION_FOLDER: Final = re.compile(r"(?i:pos)[0-9]+")

# An index of more digits than this is a date or a serial number that the pattern took for an index.
_MOST_DIGITS: Final = 9
# An axis may be this much longer than ten times the number of indexes that occur on it; beyond, a number was mistaken.
_MOST_TIMES: Final = 1000
_MOST_SECTIONS: Final = 100
_LEAST_SHARE: Final = 10

_UNMATCHED_HINT: Final = (
    "Give the pattern of your names with --pattern, or a profile with --profile."
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How names are to be read.

    Attributes
    ----------
    name
        Of the profile, or the pattern as the user wrote it.
    patterns
        Tried in this order; the first that fits counts.
    pages
        The axis that the pages of a file with several are.
    first_t, first_z
        The lowest index in the names. None: 0 where any 0 occurs in a name, else 1.
    channels
        The channels that come first, in this order; the others follow in natural order.

    """

    name: str
    patterns: tuple[Pattern, ...]
    pages: PagesAxis = "z"
    first_t: int | None = None
    first_z: int | None = None
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """The files of one image.

    Attributes
    ----------
    name
        Of the image, unique in its arrangement.
    position
        The stage position (or well and site) as the names call it; several images may be of one position when the
        folder holds several experiments.
    channels
        The labels of the channels, in their order. A label is empty where the names do not tell channels apart.
    planes
        For (t, channel label, z), counted from 0: the file.

    """

    name: str
    position: str
    channels: tuple[str, ...]
    planes: Mapping[tuple[int, str, int], str]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """All files of a folder, each in its place.

    Attributes
    ----------
    images
        By name, in natural order.
    unmatched
        The files that are in no image, in natural order.
    problems
        `unmatched-file`, `duplicate-plane`, `absurd-index`, `empty-position`, `several-experiments`.

    """

    images: Mapping[str, ImageFiles]
    unmatched: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


class _ChannelKey(NamedTuple):
    number: int | None
    name: str


class _File(NamedTuple):
    """What one name says; t and z as counted in the names, None where they do not say."""

    t: int | None
    channel: _ChannelKey
    z: int | None
    path: str


@dataclass(slots=True)
class _Draft:
    """One image while its files are being collected; `parents` are the folders before its position."""

    parents: str
    position: str
    files: list[_File] = field(default_factory=list)


def arrange(listing: Listing, layout: Layout) -> Arrangement:
    """Find out which plane of which image each file is.

    Parameters
    ----------
    listing
        The folder.
    layout
        How its names are to be read.

    Returns
    -------
    Arrangement
        The same for the same names.

    Raises
    ------
    UsageError
        If a regular expression of the user's is too slow to be used.

    """
    sorter = _Sorter(listing.folder.name, layout.patterns)
    for path in listing.files:
        sorter.take(path)
    firsts = _first(layout.first_t, sorter.zero_t), _first(layout.first_z, sorter.zero_z)
    labels = _labels(sorter.channel_keys, layout.channels)
    problems, unmatched = sorter.problems, sorter.unmatched
    images: dict[str, ImageFiles] = {}
    for name, draft in _named(list(sorter.drafts.values()), problems):
        image, left_over = _finish(draft, name, firsts, labels, problems)
        unmatched += left_over
        if image.planes:
            images[name] = image
    problems += _empty_positions(listing, images.values())
    return Arrangement(images, tuple(sorted(unmatched, key=natural_key)), tuple(problems))


def arrange_separately(listing: Listing) -> Arrangement:
    """Make every image file an image of its own, named after its file (and its folder, where two are called alike)."""
    paths: list[str] = []
    unmatched: list[str] = []
    problems: list[Problem] = []
    for path in sorted(listing.files, key=natural_key):
        if _extension(path) in IMAGE_EXTENSIONS and not is_hidden(f"/{path}"):
            paths.append(path)
            continue
        unmatched.append(path)
        if _holds_pixels(path) and not is_hidden(f"/{path}"):
            problems.append(_unmatched(path))
    alike = Counter(path.rpartition("/")[2] for path in paths)
    images: dict[str, ImageFiles] = {}
    for path in paths:
        name = path.rpartition("/")[2]
        name = _free_name(name if alike[name] == 1 else path.replace("/", "_"), images)
        images[name] = ImageFiles(name, name, ("",), {(0, "", 0): path})
    return Arrangement(images, tuple(unmatched), tuple(problems))


class _Sorter:
    """Reads names one after the other and collects them by image."""

    def __init__(self, folder: str, patterns: tuple[Pattern, ...]) -> None:
        self._folder = folder
        self._patterns = patterns
        self._drafts_by_text: dict[tuple[str, str | None, str | None, str | None], _Draft] = {}
        self.drafts: dict[tuple[str, str], _Draft] = {}
        self.channel_keys: dict[tuple[str | None, str | None, bool], _ChannelKey] = {}
        self.unmatched: list[str] = []
        self.problems: list[Problem] = []
        self.zero_t = False
        self.zero_z = False

    def take(self, path: str) -> None:
        full = f"{self._folder}/{path}"
        if is_hidden(full):
            self.unmatched.append(path)
            return
        for pattern in self._patterns:
            reading = pattern.read(full)
            if reading is not None:
                self._place(path, reading, pattern)
                return
        self.unmatched.append(path)
        if _holds_pixels(path):
            self.problems.append(_unmatched(path))

    def _place(self, path: str, reading: Reading, pattern: Pattern) -> None:
        root, position, well, site, t_text, c, cname, z_text = reading
        for axis, text in (("t", t_text), ("z", z_text)):
            if text is not None and len(text) > _MOST_DIGITS < len(text.lstrip("0")):
                self.unmatched.append(path)
                self.problems.append(_absurd(path, axis, text))
                return
        t = None if t_text is None else int(t_text)
        z = None if z_text is None else int(z_text)
        self.zero_t |= t == 0
        self.zero_z |= z == 0
        # Looked up by the texts as they stand, so that position and channel are worked out once and not for each file.
        draft = self._drafts_by_text.get((root, position, well, site))
        if draft is None:
            draft = self._draft(reading)
        channel = self.channel_keys.get((c, cname, pattern.numbered_channels))
        if channel is None:
            channel = self._channel_key(c, cname, pattern.numbered_channels)
        draft.files.append(_File(t, channel, z, path))

    def _draft(self, reading: Reading) -> _Draft:
        parents, position = _position(reading, self._folder)
        draft = self.drafts.setdefault((reading.root, position), _Draft(parents, position))
        self._drafts_by_text[reading[:4]] = draft
        return draft

    def _channel_key(self, c: str | None, cname: str | None, numbered: bool) -> _ChannelKey:
        number = None
        name = cname or ""
        if c is not None and (cname is not None or numbered):
            number = int(c) if c.isdecimal() else None
        elif c is not None:
            name = c
        key = self.channel_keys[c, cname, numbered] = _ChannelKey(number, name)
        return key


def _position(reading: Reading, folder: str) -> tuple[str, str]:
    """Return the folders before the position (without the source folder) and what the position is called."""
    site = reading.site
    if site and site.isdecimal():
        site = f"s{site.lstrip('0') or '0'}"
    parents = reading.root.removeprefix(folder).lstrip("/")
    parts = [part for part in (reading.position, reading.well, site) if part]
    if parts:
        return parents, "_".join(parts).replace("/", "_")
    before, _, last = parents.rpartition("/")
    return before, last or folder


def _named(drafts: list[_Draft], problems: list[Problem]) -> list[tuple[str, _Draft]]:
    """Give each draft its name: its position, with the folders before it where two positions are called alike."""
    by_position: dict[str, list[_Draft]] = {}
    for draft in drafts:
        by_position.setdefault(draft.position, []).append(draft)
    taken: dict[str, _Draft] = {}
    for position, alike in sorted(by_position.items(), key=lambda item: natural_key(item[0])):
        for draft in alike:
            parents = draft.parents.replace("/", "_") if len(alike) > 1 else ""
            taken[_free_name(f"{parents}_{position}" if parents else position, taken)] = draft
    clashes = [alike for alike in by_position.values() if len(alike) > 1]
    if clashes:
        folders = sorted(
            {draft.parents or "." for alike in clashes for draft in alike}, key=natural_key
        )
        problems.append(
            Problem(
                "warning",
                "several-experiments",
                folders[0],
                f"{_positions([alike[0].position for alike in clashes])} in more than one folder: "
                + ", ".join(folders[:5])
                + (" …" if len(folders) > 5 else "")
                + ". Their images are named after both",
                "If these are different experiments, convert each folder for itself.",
            )
        )
    return sorted(taken.items(), key=lambda item: natural_key(item[0]))


def _positions(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"The position {names[0]} occurs"
    return f"{len(names)} positions, {names[0]} among them, occur"


def _free_name(name: str, taken: Mapping[str, object]) -> str:
    """Return the name, with a number behind it if it is taken."""
    number, free = 2, name
    while free in taken:
        free = f"{name}_{number}"
        number += 1
    return free


def _first(told: int | None, has_zero: bool) -> int:
    if told is not None:
        return told
    return 0 if has_zero else 1


def _labels(
    keys: Mapping[tuple[str | None, str | None, bool], _ChannelKey], wanted: tuple[str, ...]
) -> dict[_ChannelKey, str]:
    """Return what each channel is called, in the order of channels."""
    numbers: dict[str, set[int | None]] = {}
    for key in keys.values():
        numbers.setdefault(key.name, set()).add(key.number)
    labels: dict[_ChannelKey, str] = {}
    for key in keys.values():
        label = key.name
        if key.number is not None and not label:
            label = f"ch{key.number}"
        elif key.number is not None and len(numbers[label]) > 1:
            label = f"{label}-{key.number}"
        labels[key] = sys.intern(label)
    ranks = {name: rank for rank, name in enumerate(wanted)}

    def order(key: _ChannelKey) -> tuple[int, bool, int, object]:
        rank = ranks.get(labels[key], ranks.get(key.name, len(ranks)))
        return rank, key.number is None, key.number or 0, natural_key(labels[key])

    return {key: labels[key] for key in sorted(labels, key=order)}


def _finish(
    draft: _Draft,
    name: str,
    firsts: tuple[int, int],
    labels: Mapping[_ChannelKey, str],
    problems: list[Problem],
) -> tuple[ImageFiles, list[str]]:
    """Turn a draft into an image; return it and the files that had no place in it."""
    first_t, first_z = firsts
    most_t = first_t + _MOST_TIMES + _LEAST_SHARE * len({file.t for file in draft.files})
    most_z = first_z + _MOST_SECTIONS + _LEAST_SHARE * len({file.z for file in draft.files})
    planes: dict[tuple[int, str, int], str] = {}
    left_over: list[str] = []
    present = set()
    for file in draft.files:
        t = first_t if file.t is None else file.t
        z = first_z if file.z is None else file.z
        if not first_t <= t <= most_t or not first_z <= z <= most_z:
            axis, index, first = ("z", z, first_z) if first_t <= t <= most_t else ("t", t, first_t)
            problems.append(_absurd(file.path, axis, str(index), first))
            left_over.append(file.path)
            continue
        plane = (t - first_t, labels[file.channel], z - first_z)
        other = planes.setdefault(plane, file.path)
        if other is not file.path:
            problems.append(_duplicate(file, other, name))
            left_over.append(file.path)
        present.add(file.channel)
    channels = tuple(dict.fromkeys(label for key, label in labels.items() if key in present))
    return ImageFiles(name, draft.position, channels, planes), left_over


def _empty_positions(listing: Listing, images: Iterable[ImageFiles]) -> list[Problem]:
    folders = [
        path for path in listing.folders if _POSITION_FOLDER.fullmatch(path.rpartition("/")[2])
    ]
    if not folders:
        return []
    used: set[str] = set()
    for image in images:
        for path in image.planes.values():
            folder = path.rpartition("/")[0]
            while folder and folder not in used:
                used.add(folder)
                folder = folder.rpartition("/")[0]
    return [
        Problem(
            "warning",
            "empty-position",
            path,
            f"The position folder {path} holds no image that fits",
            "If there should be images, look for them at the microscope; if not, remove the folder.",
        )
        for path in sorted(folders, key=natural_key)
        if path not in used
    ]


def _extension(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[2].lower()


def _holds_pixels(path: str) -> bool:
    extension = _extension(path)
    return (extension in IMAGE_EXTENSIONS or extension in _FOREIGN_EXTENSIONS) and not is_hidden(
        path
    )


def _unmatched(path: str) -> Problem:
    if _extension(path) in _FOREIGN_EXTENSIONS:
        message, hint = f"{path} is of a format that is not read", "Export it as TIFF."
    else:
        message, hint = (
            f"The name {path} does not fit the pattern, so it is in no image",
            _UNMATCHED_HINT,
        )
    return Problem("warning", "unmatched-file", path, message, hint)


def _duplicate(file: _File, other: str, image: str) -> Problem:
    return Problem(
        "error",
        "duplicate-plane",
        file.path,
        f"Two files are the same plane of {image}: {other} and {file.path}",
        "Move the wrong one out of the folder, or give a pattern that tells them apart.",
    )


def _absurd(path: str, axis: str, index: str, first: int | None = None) -> Problem:
    what = {"t": "time point", "z": "z-section"}[axis]
    if first is not None and int(index) < first:
        message = f"{path} is {what} {index}, but they count from {first}"
        hint = "Correct `first` in the profile, or the name."
    else:
        message = f"{path} would be {what} {index}, far beyond all others"
        hint = (
            "Rename the file, or give a pattern that takes this number for something else. If only a part of an "
            "experiment is here, say in a profile where counting begins (`first`)."
        )
    return Problem("error", "absurd-index", path, message, hint)
