"""Putting together what several files say: the data's own files, and what the user wrote over all of it.

`combine` joins the metadata of files of equal standing (acquisition settings before logs); `override` lays metadata.yaml
over that. Neither hides a contradiction: both say what was used and what was not.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from pyomero_upload.metadata.tables import unique_names
from pyomero_upload.model import (
    Channel,
    Metadata,
    Point,
    Problem,
    Severity,
    Table,
)

_T = TypeVar("_T")
_H = TypeVar("_H", bound=Hashable)

# The stage repeats to a micrometre or so, and the log's positions are rounded.
_STAGE_TOLERANCE_UM = 2.0
_SHOWN = 50


class _Conflicts:
    """Collects what contradicts; a warning where the images are affected, an info elsewhere."""

    def __init__(self, where: str, source: str) -> None:
        self._where = where
        self._source = source
        self.problems: list[Problem] = []

    def choose(
        self, what: str, used: _T | None, other: _T | None, *, severity: Severity = "info"
    ) -> _T | None:
        """Return `used` where it is known, else `other`; different ones are noted."""
        if not used:
            return other
        if other and used != other:
            message = f"{what}: {_show(used)} is used instead of {_show(other)} {self._source}."
            self.note(message, severity=severity)
        return used

    def note(self, message: str, *, severity: Severity = "info") -> None:
        self.problems.append(Problem(severity, "metadata-conflict", self._where, message))


def combine(parts: Sequence[Metadata]) -> Metadata:
    """Return what all parts say together.

    Lists are put one after the other, without repetitions; of single values the first that is known counts. Where a later
    part says otherwise, that is a problem `metadata-conflict`: a warning for numbers that end in the images, else an info.
    """
    together, *others = parts or [Metadata()]
    for other in others:
        together = _join(together, other)
    return together


def _join(first: Metadata, second: Metadata) -> Metadata:
    here, there = (", ".join(m.attachments) or "another parser's result" for m in (first, second))
    conflicts = _Conflicts(here, f"from {there}")
    channels = _join_channels(first.channels, second.channels, conflicts)
    return Metadata(
        title=conflicts.choose("title", first.title, second.title),
        description=_join_texts(first.description, second.description),
        authors=_union(first.authors, second.authors),
        project=conflicts.choose("project", first.project, second.project),
        tags=_union(first.tags, second.tags),
        key_values=_union(first.key_values, second.key_values),
        tables=_rename((*first.tables, *second.tables)),
        channels=channels,
        time_points=first.time_points or second.time_points,
        pixel_size_um=conflicts.choose(
            "pixel size (µm)", first.pixel_size_um, second.pixel_size_um, severity="warning"
        ),
        z_step_um=conflicts.choose(
            "z step (µm)", first.z_step_um, second.z_step_um, severity="warning"
        ),
        time_interval_s=conflicts.choose(
            "time interval (s)", first.time_interval_s, second.time_interval_s, severity="warning"
        ),
        stage_positions=_join_positions(first.stage_positions, second.stage_positions, conflicts),
        position_exposures_ms=_join_exposures(first, second, conflicts),
        times=first.times if first.times.started else second.times,
        attachments=_union(first.attachments, second.attachments),
        problems=(*first.problems, *second.problems, *conflicts.problems),
    )


def override(found: Metadata, user: Metadata, *, file: str) -> Metadata:
    """Return the user's metadata laid over what was found in the data's own files.

    Title, description, authors, project, pixel size, z step and time interval replace what was found; tags and tables are
    added; a key replaces all values found for it; channels replace value by value (their names match in any letter case),
    and new ones are added behind; an exposure time counts at all positions. Every found value that is replaced by another is a problem `metadata-conflict`.

    Parameters
    ----------
    found
        From the parsers.
    user
        From metadata.yaml.
    file
        The name of the user's file, for messages.

    """
    conflicts = _Conflicts(file, "from the data's own files")
    channels = _override_channels(found.channels, user.channels, conflicts)
    exposed = {channel.name.lower() for channel in user.channels if channel.exposure_ms is not None}
    user_keys = dict.fromkeys(key for key, _ in user.key_values)
    for key in user_keys:
        used, other = ("; ".join(v for k, v in m.key_values if k == key) for m in (user, found))
        conflicts.choose(f"value of {key}", used, other)
    user_tables = {table.name for table in user.tables}
    for table in found.tables:
        if table.name in user_tables:
            conflicts.note(
                f"table {table.name}: the CSV file is used instead of what the data's own files say."
            )
    return replace(
        found,
        title=conflicts.choose("title", user.title, found.title),
        description=conflicts.choose("description", user.description, found.description) or "",
        authors=conflicts.choose("authors", user.authors, found.authors) or (),
        project=conflicts.choose("project", user.project, found.project),
        tags=_union(found.tags, user.tags),
        key_values=(
            *(pair for pair in found.key_values if pair[0] not in user_keys),
            *user.key_values,
        ),
        tables=(*(table for table in found.tables if table.name not in user_tables), *user.tables),
        channels=channels,
        position_exposures_ms={
            key: exposure
            for key, exposure in found.position_exposures_ms.items()
            if key[1].lower() not in exposed
        },
        user_channels=user.user_channels,
        channel_order=tuple(channel.name for channel in found.channels),
        pixel_size_um=conflicts.choose(
            "pixel size (µm)", user.pixel_size_um, found.pixel_size_um, severity="warning"
        ),
        z_step_um=conflicts.choose(
            "z step (µm)", user.z_step_um, found.z_step_um, severity="warning"
        ),
        time_interval_s=conflicts.choose(
            "time interval (s)", user.time_interval_s, found.time_interval_s, severity="warning"
        ),
        attachments=_union(found.attachments, user.attachments),
        problems=(*found.problems, *user.problems, *conflicts.problems),
    )


def _join_texts(first: str, second: str) -> str:
    if not first or not second or second in first.split("\n\n"):
        return first or second
    return f"{first}\n\n{second}"


def _join_channels(
    first: Sequence[Channel], second: Sequence[Channel], conflicts: _Conflicts
) -> tuple[Channel, ...]:
    """Return the first's channels with what the second knows too, and then the second's other channels."""
    named: dict[str, list[Channel]] = {channel.name: [] for channel in first}
    for channel in second:
        named.get(channel.name, []).append(channel)
    seen: dict[str, int] = {}
    joined = []
    for channel in first:
        occurrence = seen[channel.name] = seen.get(channel.name, -1) + 1
        others = named[channel.name]
        other = others[min(occurrence, len(others) - 1)] if others else channel
        joined.append(_with_values(channel, other, conflicts))
    return (*joined, *(channel for channel in second if channel.name not in named))


def _override_channels(
    found: Sequence[Channel], user: Sequence[Channel], conflicts: _Conflicts
) -> tuple[Channel, ...]:
    exact = {channel.name: channel for channel in user}
    names = {channel.name for channel in found}
    similar = {channel.name.lower(): channel for channel in user if channel.name not in names}
    merged, used = [], set[str]()
    for channel in found:
        said = exact.get(channel.name) or similar.get(channel.name.lower())
        if said is None:
            merged.append(channel)
            continue
        used.add(said.name)
        merged.append(_with_values(replace(said, name=channel.name), channel, conflicts))
    return (*merged, *(channel for channel in user if channel.name not in used))


def _with_values(used: Channel, other: Channel, conflicts: _Conflicts) -> Channel:
    def choose(what: str, mine: _T | None, theirs: _T | None) -> _T | None:
        if mine is None or theirs is None:
            return theirs if mine is None else mine
        return conflicts.choose(
            f"{what} of the channel {used.name}", mine, theirs, severity="warning"
        )

    return Channel(
        used.name,
        label=choose("label", used.label, other.label),
        color=choose("color", used.color, other.color),
        exposure_ms=choose("exposure time (ms)", used.exposure_ms, other.exposure_ms),
        excitation_nm=choose("excitation (nm)", used.excitation_nm, other.excitation_nm),
        emission_nm=choose("emission (nm)", used.emission_nm, other.emission_nm),
        em_gain=choose("EM gain", used.em_gain, other.em_gain),
        voltage_v=choose("voltage (V)", used.voltage_v, other.voltage_v),
        use_z=used.use_z if used.use_z is not None else other.use_z,
        every_t=used.every_t if used.every_t != 1 else other.every_t,
    )


def _join_positions(
    first: Mapping[str, Point], second: Mapping[str, Point], conflicts: _Conflicts
) -> dict[str, Point]:
    joined = {**second, **first}
    far = [
        name
        for name in first.keys() & second.keys()
        if any(
            a is not None and b is not None and abs(a - b) > _STAGE_TOLERANCE_UM
            for a, b in zip(first[name][:2], second[name][:2], strict=True)
        )
    ]
    if far:
        name = min(far)
        conflicts.note(
            f"The stage position of {name} is {_show(first[name][:2])} here and {_show(second[name][:2])} elsewhere"
            f"{f' (and {len(far) - 1} more differ)' if len(far) > 1 else ''}; the former is used."
        )
    return joined


def _join_exposures(
    first: Metadata, second: Metadata, conflicts: _Conflicts
) -> dict[tuple[str, str], float]:
    mine, theirs = first.position_exposures_ms, second.position_exposures_ms
    differing = sorted(key for key in mine.keys() & theirs.keys() if mine[key] != theirs[key])
    if differing:
        position, channel = differing[0]
        conflicts.note(
            f"The exposure time of {channel} at {position} is {mine[differing[0]]:g} ms here and "
            f"{theirs[differing[0]]:g} ms in the log"
            f"{f' (and {len(differing) - 1} more differ)' if len(differing) > 1 else ''}; the former is used.",
            severity="warning",
        )
    return {**theirs, **mine}


def _union(*lists: Iterable[_H]) -> tuple[_H, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items))


def _rename(tables: Sequence[Table]) -> tuple[Table, ...]:
    names = unique_names(table.name for table in tables)
    return tuple(replace(table, name=name) for table, name in zip(tables, names, strict=True))


def _show(value: object) -> str:
    if isinstance(value, str):
        text = " ".join(value.split())
        return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
    if isinstance(value, tuple):
        return ", ".join(map(_show, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
