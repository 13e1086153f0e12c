"""The running log: when each channel of each position was taken, read from files of any size in a stream.

The second half of a log file; `log.py` reads the first. The file is scanned in blocks of bytes for the few kinds of lines
that say something about planes; all other lines are the program's prose. Memory grows with the number of channel lines
only (8 bytes each), not with the file.
"""

import math
import re
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from pyomero_upload.metadata.text import Unreadable, decode, read_datetime
from pyomero_upload.model import AcquisitionTimes, Point, Problem
from pyomero_upload.text_file import ByteSource

BLOCK_SIZE = 1024 * 1024

# A time point so far beyond those before it is a slip, and would fill memory with time points that never were.
LARGEST_GAP = 10_000

_KEYWORDS = rb"Channel:|Position:|Exposure time:|Moved to X:|-+Time point_|WARNING - ERROR CAUGHT - NO IMAGE"
# The line end in front, because a pattern with a literal start is found several times faster than one with (?m)^.
_LINE = re.compile(rb"\n()(" + _KEYWORDS + rb")([^\r\n]*)")
# Generation 3: each line starts with its time, and the level of the message.
_STAMPED_LINE = re.compile(
    rb"\n(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) - [A-Z]+ (" + _KEYWORDS + rb")([^\r\n]*)"
)
_POSITION = re.compile(rb"[ \t]*\d+,(.+)")
_EXPOSURE = re.compile(rb"[ \t]*(\d+(?:\.\d*)?)[ \t]*ms")
_MOVED = re.compile(rb"[ \t]*(-?\d+(?:\.\d*)?),[ \t]*Y:[ \t]*(-?\d+(?:\.\d*)?)")
_TIME_POINT = re.compile(rb"(\d{1,12})-*[ \t]*$")
_CLOCK = re.compile(rb"(\d\d?-[A-Za-z]{3}-\d{4}) (\d\d):(\d\d):(\d\d)[ \t]*$")


class RunningLog(NamedTuple):
    """What the running log says.

    Attributes
    ----------
    times
        When each channel of each position was taken.
    stage_positions
        For each position name where the stage first moved to for it, z unknown.
    position_exposures_ms
        For (position name, channel name) the exposure time.
    problems
        What could not be made sense of, and what went wrong at the microscope.

    """

    times: AcquisitionTimes
    stage_positions: dict[str, Point]
    position_exposures_ms: dict[tuple[str, str], float]
    problems: tuple[Problem, ...]


def blocks(source: ByteSource, start: bytes = b"") -> Iterator[bytes]:
    """Return a stream in blocks of whole lines; only a line longer than a block is cut.

    Parameters
    ----------
    source
        Where to read from.
    start
        What was read from it already and belongs in front.

    """
    rest = start
    while chunk := source.read(BLOCK_SIZE):
        end = chunk.rfind(b"\n") + 1
        if not end:  # a file with lone carriage returns, or a very long line
            chunk = chunk.replace(b"\r", b"\n")
            end = chunk.rfind(b"\n") + 1 or len(chunk)
        yield rest + chunk[:end]
        rest = chunk[end:]
    if rest:
        yield rest if b"\n" in rest else rest.replace(b"\r", b"\n")


def read_running_log(
    lines: Iterator[bytes],
    *,
    file: str,
    started: datetime | None,
    first_line: int,
    stamped: bool = False,
) -> RunningLog:
    """Read a running log.

    Parameters
    ----------
    lines
        The log in blocks of whole lines.
    file
        The log file's name, for messages.
    started
        When the experiment started; unknown: the first time in the log counts as the start.
    first_line
        The number of the first line of the first block.
    stamped
        Every line begins with its time (generation 3).

    """
    reader = _Reader(Unreadable(file), started)
    handlers: dict[bytes, Callable[[bytes, bytes], None]] = {
        b"Channel:": reader.channel,
        b"Position:": reader.position,
        b"Exposure time:": reader.exposure,
        b"Moved to X:": reader.moved,
        b"WARNING - ERROR CAUGHT - NO IMAGE": reader.no_image,
    }
    pattern = _STAMPED_LINE if stamped else _LINE
    reader.line_number = first_line
    for block in lines:
        text = b"\n" + block
        counted = 1
        for match in pattern.finditer(text):
            stamp, keyword, rest = match.groups()
            try:
                handlers.get(keyword, reader.time_point)(rest, stamp)
            except _NotUnderstoodError as error:
                reader.line_number += text.count(b"\n", counted, match.start() + 1)
                counted = match.start() + 1
                reader.unreadable.line(reader.line_number, str(error), decode(keyword + rest))
        reader.line_number += text.count(b"\n", counted)
    return reader.result(file)


class _NotUnderstoodError(Exception):
    """A line that begins like one that matters, and goes on otherwise."""


@dataclass
class _Reader:
    """Where in the experiment the log has come to, and what has been found."""

    unreadable: Unreadable
    started: datetime | None
    line_number: int = 1
    t: int = -1
    largest_t: int = -1
    position_name: str | None = None
    channel_name: str | None = None
    exposure_before: bytes = b""
    occurrences: dict[str, int] = field(default_factory=dict)
    seconds: dict[tuple[str, str, int], "array[float]"] = field(default_factory=dict)
    stage_positions: dict[str, Point] = field(default_factory=dict)
    exposures: dict[tuple[str, str], float] = field(default_factory=dict)
    exposures_changed: dict[tuple[str, str], float] = field(default_factory=dict)
    not_captured: list[str] = field(default_factory=list)
    not_captured_count: int = 0
    names: dict[bytes, str] = field(default_factory=dict)
    days: dict[bytes, float] = field(default_factory=dict)
    origin_is_first: bool = False

    def name(self, raw: bytes) -> str:
        text = self.names.get(raw)
        if text is None:
            text = self.names[raw] = decode(raw).strip()
        return text

    def time_point(self, rest: bytes, stamp: bytes) -> None:  # noqa: ARG002
        self.position_name = self.channel_name = None
        match = _TIME_POINT.match(rest)
        t = int(match[1]) - 1 if match else -1
        if t < 0 or t > self.largest_t + LARGEST_GAP:
            self.t = -1
            raise _NotUnderstoodError(
                "A time point whose number makes no sense; its times are left out"
            )
        self.t, self.largest_t = t, max(t, self.largest_t)

    def position(self, rest: bytes, stamp: bytes) -> None:  # noqa: ARG002
        self.channel_name = None
        self.occurrences = {}
        match = _POSITION.fullmatch(rest)
        self.position_name = self.name(match[1]) if match else None
        if not self.position_name:
            raise _NotUnderstoodError("A position without number and name; its times are left out")

    def channel(self, rest: bytes, stamp: bytes) -> None:
        name, _, when = rest.rpartition(b" set at:")
        self.channel_name = channel = self.name(name)
        self.exposure_before = b""
        if not channel:
            raise _NotUnderstoodError("A channel line without channel and time")
        occurrence = self.occurrences.get(channel, -1) + 1
        self.occurrences[channel] = occurrence
        seconds = self.since_start(stamp or when)
        if seconds is None:
            raise _NotUnderstoodError("A channel whose time is no date and time")
        if self.position_name is None or self.t < 0:
            raise _NotUnderstoodError(
                "A channel before the first position or time point; its time is left out"
            )
        key = (self.position_name, channel, occurrence)
        row = self.seconds.get(key)
        if row is None:
            row = self.seconds[key] = array("d")
        if self.t == len(row):
            row.append(seconds)
        elif self.t < len(row):
            row[self.t] = (
                seconds  # taken again, after a restart: the files are those of the last time
            )
        else:
            row.extend([math.nan] * (self.t - len(row)))
            row.append(seconds)

    def exposure(self, rest: bytes, stamp: bytes) -> None:  # noqa: ARG002
        if rest == self.exposure_before:  # the program says it twice
            return
        match = _EXPOSURE.match(rest)
        if not match:
            raise _NotUnderstoodError("An exposure time that is no number of milliseconds")
        self.exposure_before = rest
        if self.position_name is None or self.channel_name is None:
            return
        key, value = (self.position_name, self.channel_name), float(match[1])
        if self.exposures.setdefault(key, value) != value:
            self.exposures_changed[key] = value

    def moved(self, rest: bytes, stamp: bytes) -> None:  # noqa: ARG002
        match = _MOVED.match(rest)
        if not match:
            raise _NotUnderstoodError("A stage position that is no pair of numbers")
        if self.position_name is not None and self.position_name not in self.stage_positions:
            self.stage_positions[self.position_name] = Point(float(match[1]), float(match[2]))

    def no_image(self, rest: bytes, stamp: bytes) -> None:  # noqa: ARG002
        self.not_captured_count += 1
        if len(self.not_captured) < 3:
            self.not_captured.append(
                f"time point {self.t + 1}, {self.position_name}, {self.channel_name}"
            )

    def since_start(self, raw: bytes) -> float | None:
        match = _CLOCK.match(raw)
        if match is None:  # midnight, generation 3, or nonsense: seldom, or slower
            when = read_datetime(decode(raw))
            if when is None:
                return None
            self._start_at(when)
            assert self.started is not None
            return (when - self.started).total_seconds()
        day, hours, minutes, seconds = match.groups()
        midnight = self.days.get(day)
        if midnight is None:
            date = read_datetime(day.decode("ascii"))
            if date is None:
                return None
            self._start_at(
                date + timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds))
            )
            assert self.started is not None
            midnight = self.days[day] = (date - self.started).total_seconds()
        return midnight + 3600 * int(hours) + 60 * int(minutes) + int(seconds)

    def _start_at(self, when: datetime) -> None:
        if self.started is None:
            self.started, self.origin_is_first = when, True

    def result(self, file: str) -> RunningLog:
        problems = list(self.unreadable.problems())
        if self.not_captured_count:
            places = "; ".join(self.not_captured) + ("; …" if self.not_captured_count > 3 else "")
            problems.append(
                Problem(
                    "warning",
                    "microscope-error",
                    file,
                    f"The microscope reported {self.not_captured_count} times that it captured no image ({places}).",
                    "Expect planes to be missing there.",
                )
            )
        if self.origin_is_first:
            problems.append(
                Problem(
                    "info",
                    "metadata-unreadable",
                    file,
                    f"The log does not say when the experiment started; its first time, {self.started}, counts as the start.",
                )
            )
        for (position, channel), value in list(self.exposures_changed.items())[:1]:
            problems.append(
                Problem(
                    "info",
                    "metadata-conflict",
                    file,
                    f"The exposure time changes during the experiment in {len(self.exposures_changed)} combinations of "
                    f"position and channel, e.g. {channel} at {position} from {self.exposures[position, channel]:g} "
                    f"to {value:g} ms; the first one is used.",
                )
            )
        return RunningLog(
            AcquisitionTimes(self.started, self.seconds),
            self.stage_positions,
            self.exposures,
            tuple(problems),
        )
