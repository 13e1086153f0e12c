"""`*Acq.txt`: the acquisition settings that the Swain laboratory's MATLAB programs write, generations 1 and 2.

A parser: text file to `model.Metadata`. The file is cut into sections, and each section has a function below. Generation 1
has no header rows; that is how it is told. `docs/reference/log-formats.md` shows both with notes.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyomero_upload.metadata.base import MetadataParser
from pyomero_upload.metadata.tables import make_table, number, quantity
from pyomero_upload.metadata.text import Line, Unreadable, read_lines
from pyomero_upload.model import Channel, Metadata, Point, Table

_SECTION = re.compile(
    r"(Channels|Z_sectioning|Time_settings|Points|Flow_control|Dynamic flow details)\s*:$",
    re.IGNORECASE,
)
_CHANNELS_1 = (
    "Channel name", "Exposure time", "Expose by point", "Use z", "Z offset", "Camera mode", "EM gain", "EPG"
)  # fmt: skip
_POINTS_1 = (
    "Position name",
    "X position",
    "Y position",
    "Z position",
    "PFS offset",
    "Exposure time",
)
_FIXED_POINT_COLUMNS = (
    "Position name",
    "X position",
    "Y position",
    "Z position",
    "PFS offset",
    "Group",
)
_ZSECTIONS = ("Sections", "Spacing", "PFSon?", "AnyZ?", "Drift", "Method")
_ZSECTIONS_1 = ("Sections", "Spacing", "PFSon?", "AnyZ?", "Check PFS?")
_TIMES = ("Time lapse", "Interval (s)", "Time points", "Duration (s)")
_PUMPS = ("Pump port", "Diameter", "Current rate", "Direction", "Running", "Contents")
_TEXT_COLUMNS = frozenset({"Channel name", "Position name", "Pump port", "Direction", "Contents"})
_BREAKS_OFF = "The file breaks off in this line; its last value is left out"
_PUMP_COUNT = re.compile(r"Syringe pump details:\s*(\d+)", re.IGNORECASE)
_PUMP_STATES = re.compile(r"Pump states at beginning", re.IGNORECASE)
_FLOW_LABEL = re.compile(
    r"(Number of pump changes|Switching parameters|Infuse/withdraw volumes|Infuse/withdraw rates|Times|Pump names"
    r"|Switched to|Switched from|Flow post switch)\s*:(.*)$",
    re.IGNORECASE,
)


class AcqMetadataParser(MetadataParser):
    """The parser for `*Acq.txt`."""

    file_patterns: tuple[str, ...] = ("*Acq.txt",)

    def extract_metadata(self, filename: str) -> Metadata:
        """Return what the acquisition settings of one file say."""
        path = Path(filename)
        unreadable = Unreadable(path.name)
        lines = [line for line in read_lines(path, unreadable) if line.text]
        found = _Found()
        for section, body in _sections(lines, unreadable):
            _SECTION_READERS[section](body, found, unreadable)
        return Metadata(
            key_values=tuple(found.key_values),
            tables=tuple(found.tables),
            channels=tuple(found.channels),
            z_step_um=found.z_step_um,
            time_interval_s=found.time_interval_s,
            time_points=found.time_points,
            stage_positions=found.stage_positions,
            position_exposures_ms=found.position_exposures_ms,
            attachments=() if unreadable.is_closed else (path.name,),
            problems=unreadable.problems(),
        )


@dataclass
class _Found:
    """What has been read so far; the section readers add to it."""

    key_values: list[tuple[str, str]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    exposed_by_point: list[str] = field(default_factory=list)
    z_step_um: float | None = None
    time_interval_s: float | None = None
    time_points: int | None = None
    stage_positions: dict[str, Point] = field(default_factory=dict)
    position_exposures_ms: dict[tuple[str, str], float] = field(default_factory=dict)

    def say(self, key: str, value: str) -> None:
        if value:
            self.key_values.append((key, value))


def _sections(lines: Sequence[Line], unreadable: Unreadable) -> Iterator[tuple[str, list[Line]]]:
    section, body = "", list[Line]()
    for line in lines:
        if match := _SECTION.match(line.text):
            if section:
                yield section, body
            section, body = match[1].lower(), []
        elif section:
            body.append(line)
        else:
            unreadable.line(line.number, "A line before the first section", line.text)
    if section:
        yield section, body


def _split(text: str, columns: int = 0) -> list[str]:
    """Return the values of a row; with `columns` the last takes whatever commas are left."""
    return [value.strip() for value in text.split(",", columns - 1 if columns else -1)]


def _rows(
    lines: Sequence[Line],
    columns: Sequence[str],
    unreadable: Unreadable,
    *,
    text: Collection[str] = _TEXT_COLUMNS,
    free_end: bool = False,
) -> list[list[str]]:
    """Return rows with a value for each column, "" for what is missing or no number (and reported)."""
    rows = []
    for line in lines:
        values = _split(line.text, len(columns) if free_end else 0)
        if line.cut:
            unreadable.line(line.number, _BREAKS_OFF, line.text)
            values.pop()
            if not values:
                continue
        elif len(values) < len(columns):
            what = f"A row with {len(values)} of {len(columns)} values; the missing ones are left empty"
            unreadable.line(line.number, what, line.text)
        elif len(values) > len(columns):
            what = f"A row with {len(values)} values under {len(columns)} columns; those beyond are left out"
            unreadable.line(line.number, what, line.text)
        values = (values + [""] * len(columns))[: len(columns)]
        if columns[0] in text and not values[0]:
            unreadable.line(line.number, f"A row without {columns[0].lower()}; left out", line.text)
            continue
        for index, (column, value) in enumerate(zip(columns, values, strict=True)):
            if value and column not in text and number(value) is None:
                unreadable.line(line.number, f"{column} is no number; left empty", line.text)
                values[index] = ""
        rows.append(values)
    return rows


def _header(lines: Sequence[Line], first_column: str) -> tuple[list[str] | None, Sequence[Line]]:
    """Return the header row's columns (None where there is none) and the lines below it."""
    if lines and lines[0].text.lower().startswith(first_column.lower() + ","):
        return _split(lines[0].text), lines[1:]
    return None, lines


def _read_channels(lines: Sequence[Line], found: _Found, unreadable: Unreadable) -> None:
    header, body = _header(lines, "Channel name")
    columns = header or list(_CHANNELS_1)
    rows = _rows(body, columns, unreadable)
    if not rows:
        return
    found.tables.append(make_table("channels", columns, rows, text=_TEXT_COLUMNS))
    for row in rows:
        values = dict(zip(columns, row, strict=True))

        def value(*names: str, values: dict[str, str] = values) -> float | None:
            return quantity(next((values[name] for name in names if name in values), ""))

        if value("Expose by point"):
            found.exposed_by_point.append(row[0])
        use_z, every_t = value("Z sect.", "Use z"), value("Skip")
        found.channels.append(
            Channel(
                row[0],
                exposure_ms=value("Exposure time"),
                em_gain=value("EM gain"),
                voltage_v=value("Voltage"),
                use_z=None if use_z is None else bool(use_z),
                every_t=int(every_t) if every_t and every_t >= 1 else 1,
            )
        )


def _read_z_sectioning(lines: Sequence[Line], found: _Found, unreadable: Unreadable) -> None:
    header, body = _header(lines, "Sections")
    if header is None and body:  # generation 1: a row, then a number in each of up to three lines
        joined = ",".join(line.text for line in body)
        columns = list(_ZSECTIONS_1[: max(2, joined.count(",") + 1)])
        body = [Line(body[0].number, joined, body[-1].cut)]
    else:
        columns = header or list(_ZSECTIONS)
    rows = _rows(body, columns, unreadable)
    if not rows:
        return
    found.tables.append(make_table("zsections", columns, rows))
    values = dict(zip(columns, rows[0], strict=True))
    found.say("Z sections", values.get("Sections", ""))
    spacing = values.get("Spacing", "")
    found.say("Z spacing (µm)", spacing)
    step = quantity(spacing) or 0
    found.z_step_um = step if step > 0 else None
    if step < 0:
        unreadable.line(body[0].number, "A spacing less than 0; left out", body[0].text)


def _read_times(lines: Sequence[Line], found: _Found, unreadable: Unreadable) -> None:
    rows = _rows(lines, _TIMES, unreadable)
    if not rows:
        return
    found.tables.append(make_table("timesettings", _TIMES, rows))
    is_time_lapse, interval, points, _ = rows[0]
    found.say("Time interval (s)", interval)
    found.say("Time points", points)
    if quantity(is_time_lapse) != 0:
        found.time_interval_s = quantity(interval) or None
        found.time_points = int(quantity(points) or 0) or None


def _read_points(lines: Sequence[Line], found: _Found, unreadable: Unreadable) -> None:
    header, body = _header(lines, "Position name")
    if header is None:
        columns, channels = list(_POINTS_1), [(5, name) for name in found.exposed_by_point]
    else:
        columns = header
        channels = [(i, name) for i, name in enumerate(columns) if name not in _FIXED_POINT_COLUMNS]
    rows = _rows(body, columns, unreadable)
    if not rows:
        return
    found.tables.append(make_table("positions", columns, rows, text=_TEXT_COLUMNS))
    lines_of = {line.text.split(",")[0].strip(): line for line in body}
    for row in rows:
        name = row[0]
        said = dict(zip(columns, row, strict=True))
        point = Point(*(quantity(said.get(f"{axis} position", "")) for axis in "XYZ"))
        if name in found.stage_positions:
            line = lines_of[name]
            unreadable.line(
                line.number, "A position that was already listed; the first one counts", line.text
            )
            continue
        found.stage_positions[name] = point
        for index, channel in channels:
            exposure = quantity(row[index])
            if exposure is not None:
                found.position_exposures_ms.setdefault((name, channel), exposure)


def _read_flow(lines: Sequence[Line], found: _Found, unreadable: Unreadable) -> None:
    columns, body, announced = list(_PUMPS), list[Line](), None
    for line in lines:
        if match := _PUMP_COUNT.match(line.text):
            announced = int(match[1][:6])
        elif _PUMP_STATES.match(line.text):
            continue
        elif line.text.lower().startswith("pump port,"):
            columns = _split(line.text)
        else:
            body.append(line)
    rows = _rows(body, columns, unreadable, free_end=True)
    if announced is not None and announced != len(rows):
        unreadable.line(
            lines[0].number,
            f"{announced} pumps are announced and {len(rows)} listed",
            lines[0].text,
        )
    if rows:
        found.tables.append(make_table("pumpstart", columns, rows, text=_TEXT_COLUMNS))


def _read_dynamic_flow(lines: Sequence[Line], found: _Found, unreadable: Unreadable) -> None:
    values: dict[str, list[Line]] = {}
    label = ""
    for line in lines:
        if match := _FLOW_LABEL.match(line.text):
            label = match[1].lower()
            values.setdefault(label, [])
            if match[2].strip():
                values[label].append(Line(line.number, match[2].strip(), line.cut))
        elif label:
            values[label].append(line)
        else:
            unreadable.line(
                line.number, "A line that belongs to no setting of the dynamic flow", line.text
            )
    changes = _numbers(values.pop("number of pump changes", []), unreadable)
    flows = values.pop("flow post switch", [])
    if changes:
        found.say("Pump changes", changes[0][0])
    if changes and number(changes[0][0]) == 0:
        return  # what stands under the labels is a template then, not something that happens
    _add_switches(values, found, unreadable)
    matrix = _numbers(flows, unreadable)
    if matrix:
        width = max(map(len, matrix))
        columns = ["Pump", *(f"State {state}" for state in range(1, width + 1))]
        rows = [[str(pump), *row, *[""] * (width - len(row))] for pump, row in enumerate(matrix, 1)]
        found.tables.append(make_table("pumpflow", columns, rows))


def _add_switches(values: dict[str, list[Line]], found: _Found, unreadable: Unreadable) -> None:
    def listed(label: str) -> list[str]:
        return [value for row in _numbers(values.get(label, []), unreadable) for value in row]

    volumes, rates = listed("infuse/withdraw volumes"), listed("infuse/withdraw rates")
    parameters = listed("switching parameters")  # older files: volume, rate
    if parameters and not volumes and not rates:
        half = len(parameters) // 2
        volumes, rates = parameters[:half], parameters[half:]
    columns = {
        "Time": listed("times"),
        "Switched to": listed("switched to"),
        "Switched from": listed("switched from"),
        "Volume": volumes,
        "Rate": rates,
    }
    count = max(map(len, (columns["Time"], columns["Switched to"], columns["Switched from"])))
    if not count:
        return
    for name, column in columns.items():
        if len(column) == 1 and name in ("Volume", "Rate"):
            columns[name] = column * count  # one value stands for all switches
        elif len(column) != count:
            first = next(iter(values.values()))[:1]
            what = f"{len(column)} values of {name.lower()} for {count} pump changes"
            unreadable.line(first[0].number if first else 0, what, ",".join(column))
            columns[name] = (column + [""] * count)[:count]
    rows = zip(*columns.values(), strict=True)
    found.tables.append(make_table("pumpswitches", list(columns), list(rows)))


def _numbers(lines: Sequence[Line], unreadable: Unreadable) -> list[list[str]]:
    """Return the numbers of each line, which commas or spaces separate, as text."""
    rows = []
    for line in lines:
        values = line.text.replace(",", " ").split()
        if line.cut:
            unreadable.line(line.number, _BREAKS_OFF, line.text)
            values.pop()
        if all(number(value) is not None for value in values):
            rows.append(values)
        else:
            unreadable.line(
                line.number, "A setting of the dynamic flow that is no number; left out", line.text
            )
    return rows


_SECTION_READERS: dict[str, Callable[[Sequence[Line], _Found, Unreadable], None]] = {
    "channels": _read_channels,
    "z_sectioning": _read_z_sectioning,
    "time_settings": _read_times,
    "points": _read_points,
    "flow_control": _read_flow,
    "dynamic flow details": _read_dynamic_flow,
}
