"""The acquisition settings of generation 3: the tables in the head of its log file.

A part of `log.py`. The tables follow one another, with or without blank lines, and are told by their header rows; other
blocks may stand between a table's rows, so each row is also told by its shape.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pyomero_upload.metadata.tables import make_table, number, quantity
from pyomero_upload.metadata.text import Line, Unreadable
from pyomero_upload.model import Channel, Point, Table

# A line that starts with its time holds a heading or a message of the program.
STAMP = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) - [A-Z]+\b ?(.*)$")
_NOISE = re.compile(
    r"-+$|-*\s*(?:Acquisition settings|Experiment started)\s*-*$|Image configs:$|Device properties:$",
    re.IGNORECASE,
)
_GROUP = re.compile(r"group: ?(.*) field: ?(\S+)$", re.IGNORECASE)
_TIME_POINTS = re.compile(r"Number of time ?points\s*[=:]\s*(\d+)\b", re.IGNORECASE)
_INTERVAL = re.compile(
    r"(?:Time )?interval ?(\([^)]*\))? ?[=:]? ?(\d+(?:\.\d*)?) ?([a-z]*)\.?(?: .*)?$",
    re.IGNORECASE,
)
_SECONDS = {
    "": 1,
    "s": 1,
    "sec": 1,
    "secs": 1,
    "second": 1,
    "seconds": 1,
    "ms": 0.001,
    "min": 60,
    "mins": 60,
}
_SECONDS |= {"minute": 60, "minutes": 60, "h": 3600, "hr": 3600, "hour": 3600, "hours": 3600}
_COLUMNS = {
    "channels": ("image config", "channel"),
    "deviceproperties": ("image config", "device"),
    "positions": ("name", "x", "y"),
    "zsettings": ("sections", "spacing"),
}
_GROUP_TIME = ("start", "interval", "frames")


@dataclass
class Settings:
    """What the acquisition settings say."""

    key_values: list[tuple[str, str]] = field(default_factory=list)
    tables: tuple[Table, ...] = ()
    channels: tuple[Channel, ...] = ()
    z_step_um: float | None = None
    time_interval_s: float | None = None
    time_points: int | None = None
    stage_positions: dict[str, Point] = field(default_factory=dict)


@dataclass
class _Table:
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)


class _Reader:
    """Where in the settings the reading has come to, and what has been found."""

    def __init__(self, unreadable: Unreadable) -> None:
        self.unreadable = unreadable
        self.tables: dict[str, _Table] = {}
        self.table = ""
        self.group, self.field = "", ""
        self.group_times: list[dict[str, str]] = []
        self.masks: list[list[str]] = []
        self.intervals: dict[float, str] = {}
        self.time_points = ""

    def read(self, line: Line) -> None:
        stamp = STAMP.match(line.text)
        # Long runs of spaces would make the expressions slow.
        text = " ".join((stamp[2] if stamp else line.text).split())
        line = line._replace(text=text)
        if not text or _NOISE.match(text):
            return
        if match := _GROUP.match(text):
            self.group, self.field, self.table = match[1], match[2].lower(), ""
            if self.field == "time":
                self.group_times.append({"Group": self.group})
        elif text.lower().startswith("z settings:"):
            self.table = ""
        elif self._header(text) or self._setting(line) or self._row(line):
            return
        elif not stamp:
            self.unreadable.line(
                line.number, "A line of the acquisition settings that fits no table", text
            )

    def _header(self, text: str) -> bool:
        columns = [column.strip() for column in text.split(",")]
        lowered = tuple(column.lower() for column in columns)
        for table, start in _COLUMNS.items():
            if lowered[: len(start)] == start:
                self.table = table
                if table == "positions":
                    columns.append("Group")
                self.tables.setdefault(table, _Table(columns))
                return True
        return False

    def _setting(self, line: Line) -> bool:
        """Take a line that is no row: the number of time points, an interval, a field of a group."""
        if match := _TIME_POINTS.match(line.text):
            self.time_points = match[1]
            return True
        key, colon, value = (part.strip() for part in line.text.partition(":"))
        if self.group and colon and "," not in line.text:
            if self.field == "time" and self.group_times and key.lower() in _GROUP_TIME:
                if key.lower() == "interval" and quantity(value):
                    self.intervals.setdefault(float(value), f"group {self.group}")
                self.group_times[-1][key.lower()] = value if number(value) is not None else ""
                return number(value) is not None
            if self.field not in ("position", "time"):
                self.masks.append([self.group, self.field, key, value])
                return True
        if match := _INTERVAL.match(line.text):
            unit = ((match[1] or "").strip("() ") or match[3]).lower()
            if unit in _SECONDS:
                self.intervals.setdefault(float(match[2]) * _SECONDS[unit], "the settings")
                return True
        return False

    def _row(self, line: Line) -> bool:
        values = [value.strip() for value in line.text.split(",")]
        if self.table == "zsettings" and len(values) != len(self.tables["zsettings"].columns):
            self.table = (
                "channels" if "channels" in self.tables else ""
            )  # the channels go on after Z settings
        if not self.table:
            return False
        table = self.tables[self.table]
        if self.table == "positions":
            values.append(self.group)
        if self.table == "channels" and len(values) > len(
            table.columns
        ):  # commas in the description
            after = len(table.columns) - 3
            values = [*values[:2], ", ".join(values[2:-after]), *values[-after:]]
        if len(values) != len(table.columns) or not values[0]:
            return False
        if line.cut:
            what = "The file breaks off in this line; its last value is left out"
            self.unreadable.line(line.number, what, line.text)
            values[-1 if self.table != "positions" else -2] = ""
        table.rows.append(values)
        return True


def read_settings(lines: Sequence[Line], unreadable: Unreadable) -> Settings:
    """Return what the lines of the acquisition settings say; lines that say nothing are reported."""
    reader = _Reader(unreadable)
    for line in lines:
        reader.read(line)
    first = lines[0].number if lines else 1
    settings = Settings()
    _read_channels(reader, settings, unreadable, first)
    _read_positions(reader, settings, unreadable, first)
    _read_times(reader, settings, unreadable, first)
    settings.tables = _tables(reader)
    return settings


def _value(row: dict[str, str], start: str) -> float | None:
    """Return the number in the first column whose name begins so."""
    for column, value in row.items():
        if column.lower().startswith(start):
            return quantity(value)
    return None


def _read_channels(reader: _Reader, settings: Settings, unreadable: Unreadable, first: int) -> None:
    volts = {
        row[0]: quantity(row[3])
        for row in reader.tables.get("deviceproperties", _Table([])).rows
        if len(row) > 3 and row[2].lower() == "volts"
    }
    table = reader.tables.get("channels", _Table([]))
    channels, steps = [], dict[float, str]()
    for values in table.rows:
        row = dict(zip(table.columns, values, strict=True))
        sections, spacing = _value(row, "number of z"), _value(row, "z spacing")
        if sections and sections > 1 and spacing:
            steps.setdefault(spacing, values[0])
        exposure = _value(row, "exposure")
        if exposure is None:
            unreadable.line(
                first, "An image config without a number as exposure time", ",".join(values)
            )
        channels.append(
            Channel(
                values[0],
                exposure_ms=exposure,
                voltage_v=volts.get(values[0]),
                use_z=None if sections is None else sections > 1,
            )
        )
    settings.channels = tuple(channels)
    settings.z_step_um = next(iter(steps), None)
    if len(steps) > 1:
        text = ", ".join(f"{step:g} µm for {name}" for step, name in steps.items())
        unreadable.line(
            first, "Image configs with different z spacings; the first one is used", text
        )


def _read_positions(
    reader: _Reader, settings: Settings, unreadable: Unreadable, first: int
) -> None:
    table = reader.tables.get("positions", _Table([]))
    for values in table.rows:
        row = dict(zip(table.columns, values, strict=True))
        point = Point(*(_exactly(row, axis) for axis in ("x", "y", "z")))
        if settings.stage_positions.setdefault(values[0], point) != point:
            what = "A position that was already listed elsewhere; the first one counts"
            unreadable.line(first, what, ",".join(values))


def _exactly(row: dict[str, str], name: str) -> float | None:
    return quantity(next((value for column, value in row.items() if column.lower() == name), ""))


def _read_times(reader: _Reader, settings: Settings, unreadable: Unreadable, first: int) -> None:
    intervals = {seconds: where for seconds, where in reader.intervals.items() if seconds > 0}
    settings.time_interval_s = next(iter(intervals), None)
    if len(intervals) > 1:
        text = ", ".join(f"{seconds:g} s in {where}" for seconds, where in intervals.items())
        unreadable.line(first, "Different time intervals; the first one is used", text)
    points = reader.time_points or next(
        (times.get("frames", "") for times in reader.group_times), ""
    )
    if settings.time_interval_s is not None:
        settings.key_values.append(("Time interval (s)", f"{settings.time_interval_s:g}"))
    if points:
        settings.key_values.append(("Time points", points))
        settings.time_points = int(quantity(points) or 0) or None


def _tables(reader: _Reader) -> tuple[Table, ...]:
    text = {
        "Image config",
        "Channel",
        "Description",
        "Name",
        "Group",
        "device",
        "property",
        "value",
    }
    names = {"zsettings": "zsections"}
    tables = [
        make_table(names.get(name, name), table.columns, table.rows, text=text - {"value"})
        for name, table in reader.tables.items()
        if table.rows
    ]
    if reader.group_times:
        rows = [
            [times.get(name, "") for name in ("Group", *_GROUP_TIME)]
            for times in reader.group_times
        ]
        columns = ["Group", "Start", "Interval (s)", "Frames"]
        tables.append(make_table("timesettings", columns, rows, text=("Group",)))
    if reader.masks:
        columns = ["Group", "Field", "Name", "Value"]
        tables.append(make_table("groupsettings", columns, reader.masks, text=columns))
    return tuple(tables)
