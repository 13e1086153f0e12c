"""One image of the plan: its channels, its planes and what is known about each, and which planes are missing.

Takes what the layout (names), the headers and the metadata say; opens no file.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import isnan
from typing import NamedTuple

from pyomero_upload.layout import ImageFiles, Layout
from pyomero_upload.model import (
    Channel,
    Hypercube,
    Metadata,
    PlaneIndex,
    PlaneInfo,
    PlaneSource,
    Point,
    Problem,
    Sizes,
)
from pyomero_upload.planning.headers import ImageHeaders

COLORS = ("red", "green", "blue")


class _ChannelPart(NamedTuple):
    """What makes one channel of the image: a label in the names, and a page or a colour of the files."""

    label: str
    page: int = 0
    sample: int | None = None


@dataclass(frozen=True, slots=True)
class PlaneInfos(Mapping[PlaneIndex, PlaneInfo]):
    """What is known about each plane, put together when asked for: 90,000 of them need no memory.

    Attributes
    ----------
    seconds
        For each channel, seconds since the start of the experiment at each time point; NaN where unknown.

    """

    sizes: Sizes
    started: datetime | None
    seconds: Sequence[Sequence[float]]
    exposures_ms: Sequence[float | None]
    stage: Point

    def __getitem__(self, index: PlaneIndex) -> PlaneInfo:
        """Return what is known about a plane of the image."""
        t, c, z = index
        if not (0 <= t < self.sizes.t and 0 <= c < self.sizes.c and 0 <= z < self.sizes.z):
            raise KeyError(index)
        times = self.seconds[c]
        delta = None if t >= len(times) or isnan(times[t]) else times[t]
        acquired = None
        if delta is not None and self.started is not None:
            acquired = self.started + timedelta(seconds=delta)
        return PlaneInfo(acquired, delta, self.exposures_ms[c], self.stage)

    def __iter__(self) -> Iterator[PlaneIndex]:
        return (
            PlaneIndex(t, c, z)
            for t in range(self.sizes.t)
            for c in range(self.sizes.c)
            for z in range(self.sizes.z)
        )

    def __len__(self) -> int:
        return self.sizes.t * self.sizes.c * self.sizes.z


def order_channels(files: ImageFiles, metadata: Metadata, layout: Layout) -> list[str]:
    """Put channel labels in order: the profile's, else the acquisition settings', else (and the rest) by name."""
    if layout.channels:
        return list(files.channels)
    listed: dict[str, int] = {}
    order = metadata.channel_order
    for name in [channel.name for channel in metadata.channels] if order is None else order:
        listed.setdefault(name.casefold(), len(listed))
    # sorted() keeps the natural order that the layout has put the labels in
    return sorted(files.channels, key=lambda label: listed.get(label.casefold(), len(listed)))


def plan_image(
    files: ImageFiles,
    headers: ImageHeaders,
    metadata: Metadata,
    layout: Layout,
    *,
    drop_last: bool = False,
) -> tuple[Hypercube | None, tuple[Problem, ...], tuple[str, ...]]:
    """Plan one image.

    Parameters
    ----------
    files
        Its files, by time point, channel label and section.
    headers
        What their headers say; at least one channel must have been readable.
    metadata
        What the text files say.
    layout
        How names were read: which axis the pages of a file with several are, and whether channels have an order.
    drop_last
        Leave out the last time point when it is incomplete.

    Returns
    -------
    image, problems, dropped
        No image where its files contradict each other so that no plane is left; the problems say so. `dropped` are
        the files of a time point left out.

    """
    problems: list[Problem] = []
    raw, parts = _raw_planes(files, headers, metadata, layout, problems)
    if not raw:
        return None, tuple(problems), ()
    expected = _expect(raw, [_settings(p.label, metadata) for p in parts])
    dropped: tuple[str, ...] = ()
    last = expected.times - 1
    have = sum(1 for t, _, _ in raw if t == last)
    want = sum(1 for _ in expected.at(last))
    if have < want and _cut_off(raw, expected, last):
        problems.append(_incomplete(files.name, last, have, want, dropped=drop_last))
        if drop_last:
            dropped = tuple(sorted({raw[index].path for index in raw if index.t == last}))
            raw = {index: source for index, source in raw.items() if index.t < last}
            expected = replace(expected, times=last)
    # The planes that exist are all expected ones, so equal numbers mean that none is missing.
    missing: tuple[PlaneIndex, ...] = ()
    if len(raw) < len(expected):
        missing = tuple(index for index in expected if index not in raw)
    problems.extend(_missing_problem(files.name, missing, len(expected)))
    problems.extend(_uneven_z(files.name, expected, parts))
    first = next(entry for entry in headers.channels.values())
    sizes = Sizes(
        expected.times,
        len(parts),
        max(expected.sections),
        first.header.height,
        first.header.width,
    )
    image = _describe(
        files,
        sizes,
        first.header.dtype,
        parts,
        metadata,
        header_pixel_size=first.header.pixel_size_um,
    )
    return replace(image, planes=raw, missing=missing), tuple(problems), dropped


def _cut_off(raw: Mapping[PlaneIndex, PlaneSource], expected: "_Expected", last: int) -> bool:
    """Whether the last time point lacks a plane that was taken before: what no time point has was never taken."""
    lacking = {(c, z) for t, c, z in expected.at(last) if PlaneIndex(t, c, z) not in raw}
    return any((c, z) in lacking for t, c, z in raw if t < last)


def _raw_planes(
    files: ImageFiles,
    headers: ImageHeaders,
    metadata: Metadata,
    layout: Layout,
    problems: list[Problem],
) -> tuple[dict[PlaneIndex, PlaneSource], list[_ChannelPart]]:
    """Find the source of every plane that exists, and what the image's channels are."""
    labels = order_channels(files, metadata, layout)
    pages_axis = layout.pages
    parts: list[_ChannelPart] = []
    for label in labels:
        entry = headers.channels.get(label)
        pages = entry.header.pages if entry and pages_axis == "c" else 1
        samples: list[int | None] = [None]
        if entry and entry.header.samples >= 3:
            samples = [-1] if entry.grey else [0, 1, 2]
        parts.extend(_ChannelPart(label, page, s) for page in range(pages) for s in samples)
    by_label: dict[str, list[tuple[int, _ChannelPart]]] = {}
    for c, part in enumerate(parts):
        by_label.setdefault(part.label, []).append((c, part))
    several = any(entry.header.pages > 1 for entry in headers.channels.values())
    raw: dict[PlaneIndex, PlaneSource] = {}
    for (t, label, z), path in files.planes.items():
        pages = headers.pages.get(path, 1) if several else 1
        if pages > 1 and pages_axis in "tz" and (z if pages_axis == "z" else t) > 0:
            problems.append(_pages_conflict(path, pages_axis, pages))
            continue
        for c, part in by_label[label]:
            if pages == 1 or pages_axis == "c":
                if part.page < pages:
                    raw[PlaneIndex(t, c, z)] = PlaneSource(path, part.page, part.sample, pages)
            else:
                for page in range(pages):
                    index = PlaneIndex(t, c, page) if pages_axis == "z" else PlaneIndex(page, c, z)
                    raw[index] = PlaneSource(path, page, part.sample, pages)
    return raw, parts


def _pages_conflict(path: str, axis: str, pages: int) -> Problem:
    return Problem(
        "error",
        "pages-conflict",
        path,
        f"The file has {pages} pages, which are taken for {axis}, but its name counts {axis} as well.",
        "Say in a profile which axis the pages are (pages: t, c or z).",
    )


@dataclass(frozen=True, slots=True)
class _Expected:
    """The planes that ought to exist: each channel's own sections at each of its own time points.

    Attributes
    ----------
    sections, every
        For each channel its number of sections, and at which time points it is taken: each n-th.

    """

    times: int
    sections: tuple[int, ...]
    every: tuple[int, ...]

    def at(self, t: int) -> Iterator[PlaneIndex]:
        """Iterate over the planes of a time point."""
        for c, (depth, every) in enumerate(zip(self.sections, self.every, strict=True)):
            if t % every == 0:
                for z in range(depth):
                    yield PlaneIndex(t, c, z)

    def __iter__(self) -> Iterator[PlaneIndex]:
        for t in range(self.times):
            yield from self.at(t)

    def __len__(self) -> int:
        taken = (-(-self.times // every) for every in self.every)
        return sum(depth * n for depth, n in zip(self.sections, taken, strict=True))


def _expect(raw: Mapping[PlaneIndex, PlaneSource], settings: Sequence[Channel | None]) -> _Expected:
    """Work out which planes ought to exist, from those that do and from the acquisition settings."""
    times: list[set[int]] = [set() for _ in settings]
    sections = [0] * len(settings)
    for t, c, z in raw:
        times[c].add(t)
        if z >= sections[c]:
            sections[c] = z + 1
    depth = max(sections)
    every = [1] * len(settings)
    for c, channel in enumerate(settings):
        if channel is None:
            continue
        if all(t % channel.every_t == 0 for t in times[c]):
            every[c] = channel.every_t
        # A channel that never has more than its first n sections is made that way, unless the settings say that
        # it takes the whole stack.
        if channel.use_z:
            sections[c] = depth
    return _Expected(max(map(max, filter(None, times))) + 1, tuple(sections), tuple(every))


def _incomplete(name: str, last: int, have: int, want: int, *, dropped: bool) -> Problem:
    if dropped:
        message = f"The last time point ({last + 1}) has {have} of {want} planes and is left out."
        return Problem("warning", "dropped-timepoint", name, message, "Nothing else is left out.")
    return Problem(
        "warning",
        "incomplete-last-timepoint",
        name,
        f"The last time point ({last + 1}) has {have} of {want} planes: was the experiment stopped?",
        "--missing drop-timepoint leaves this time point out.",
    )


def _missing_problem(name: str, missing: Sequence[PlaneIndex], expected: int) -> Iterator[Problem]:
    if missing:
        some = ", ".join(f"t={t + 1} c={c + 1} z={z + 1}" for t, c, z in missing[:3])
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        yield Problem(
            "warning",
            "missing-planes",
            name,
            f"{len(missing)} of {expected} planes are missing ({some}{more}; counted from 1).",
            "They are written as zeros and listed in the report. --missing fail refuses instead.",
        )


def _uneven_z(name: str, expected: _Expected, parts: Sequence[_ChannelPart]) -> Iterator[Problem]:
    sections = {part.label: depth for part, depth in zip(parts, expected.sections, strict=True)}
    if len(set(sections.values())) > 1:
        text = ", ".join(f"{label} {depth}" for label, depth in sections.items())
        yield Problem(
            "info",
            "uneven-z",
            name,
            f"The channels differ in their number of z sections ({text}).",
            "Sections that a channel does not have are written as zeros; they are not counted as missing.",
        )


def _settings(label: str, metadata: Metadata) -> Channel | None:
    """Find what the text files say about a channel; names without channel mean the only one there is."""
    if not label and len(metadata.channels) == 1:
        return metadata.channels[0]
    return next((c for c in metadata.channels if c.name.casefold() == label.casefold()), None)


def position_key(name: str) -> str:
    """Make `pos1`, `pos001` and `Pos_1` the same position."""
    return re.sub(r"0*(\d+)", r"\1", name.casefold()).replace("_", "")


def _describe(
    files: ImageFiles,
    sizes: Sizes,
    dtype: str,
    parts: Sequence[_ChannelPart],
    metadata: Metadata,
    *,
    header_pixel_size: float | None,
) -> Hypercube:
    """Put together what the metadata say about one image and its channels."""
    position = _same_position(files.position, metadata)
    stage = metadata.stage_positions.get(position, Point())
    channels: list[Channel] = []
    seconds: list[Sequence[float]] = []
    colored = [part.label for part in parts if part.sample is not None and part.sample >= 0]
    many_colored = len(set(colored)) > 1
    for part in parts:
        channel = _settings(part.label, metadata) or Channel(part.label or "channel")
        exposure = metadata.position_exposures_ms.get((position, channel.name))
        if exposure is not None:
            channel = replace(channel, exposure_ms=exposure)
        seconds.append(metadata.times.seconds.get((position, channel.name, 0), ()))
        channels.append(_part_name(channel, part, many_colored=many_colored))
    pixel = metadata.pixel_size_um or header_pixel_size
    infos = PlaneInfos(
        sizes, metadata.times.started, seconds, [channel.exposure_ms for channel in channels], stage
    )
    taken = [
        info.acquired
        for info in (infos[PlaneIndex(0, c, 0)] for c in range(sizes.c))
        if info.acquired
    ]
    return Hypercube(
        name=files.name,
        sizes=sizes,
        dtype=dtype,
        channels=tuple(channels),
        planes={},
        physical_size_um=Point(pixel, pixel, metadata.z_step_um),
        time_increment_s=metadata.time_interval_s,
        stage=stage,
        acquired=min(taken, default=metadata.times.started),
        plane_infos=infos,
    )


def _same_position(name: str, metadata: Metadata) -> str:
    """Find the name under which the text files know this image."""
    known = {*metadata.stage_positions, *(position for position, _, _ in metadata.times.seconds)}
    if name in known:
        return name
    key = position_key(name)
    return next((other for other in sorted(known) if position_key(other) == key), name)


def _part_name(channel: Channel, part: _ChannelPart, *, many_colored: bool) -> Channel:
    """Name the colours of RGB files and the pages of files whose pages are channels."""
    if part.sample is not None and part.sample >= 0:
        color = COLORS[part.sample]
        name = f"{part.label} {color}" if many_colored and part.label else color
        rgb = ("#FF0000", "#00FF00", "#0000FF")[part.sample]
        return replace(channel, name=name, label=None, color=rgb)
    if part.page:
        return replace(channel, name=f"{channel.name or 'page'} {part.page + 1}", label=None)
    return channel
