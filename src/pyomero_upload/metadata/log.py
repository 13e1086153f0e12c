"""`*log.txt`: what was done and what happened, as the Swain laboratory's programs write it, all generations.

A parser: text file to `model.Metadata`. The head of the file (details typed by people, light paths, tags) is read here, the
acquisition settings of generation 3 in `gen3.py`, and everything after the start of the experiment in `running_log.py`.
`docs/reference/log-formats.md` shows the files with notes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pyomero_upload.metadata.base import MetadataParser, split_tags
from pyomero_upload.metadata.gen3 import Settings, read_settings
from pyomero_upload.metadata.running_log import RunningLog, blocks, read_running_log
from pyomero_upload.metadata.tables import make_table
from pyomero_upload.metadata.text import (
    SETTINGS_LIMIT,
    ByteSource,
    Line,
    Unreadable,
    open_text,
    read_datetime,
    split_lines,
)
from pyomero_upload.model import Channel, Metadata, Table

# Where the running log begins. In `Experiment started at:` lines the head still wants the time.
_HEAD_END = re.compile(
    rb"[\r\n][ \t]*(?:Experiment started at:[^\r\n]*(?:\r*\n|\r)|-+[ \t]*Experiment started[ \t]*-+[ \t]*(?:\r*\n|\r)"
    rb"|(?=-+Time point_\d|Position:\d+,|Channel:[^\r\n]* set at:))"
)
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) - [A-Z]+\b ?(.*)$")
_SETTINGS_START = re.compile(r"-*\s*Acquisition settings\s*-*$|Image configs:", re.IGNORECASE)

# A heading begins a field: its value stands behind the colon, on the lines below, or nowhere.
_LONG_HEADINGS = (
    "Experiment details|Microscope setup for used channels|Micromanager config file|Omero project|Omero tags"
    "|Omero tag descriptions"
)
_HEADING = re.compile(
    rf"(?i:({_LONG_HEADINGS}|Acquisition settings are saved in|Microscope name is|Microscope name|Date|GIT commit"
    r"|Log file path|Experiment started at))\s*:\s*(.*)$"
)
# Within the details people type (or leave out) everything, line ends too: these words begin a field wherever they stand,
# even right behind the last word. They count in this spelling only, so that prose may use the words.
_DETAIL = re.compile(rf"({_LONG_HEADINGS}|Aims?|Strains?|Authors?|Comments?)[ \t]*:[ \t]*")
_DETAILS = frozenset({"experiment details", "aim", "strain", "authors", "comments"})
_SINGULAR = {"aims": "aim", "strains": "strain", "author": "authors", "comment": "comments"}
_BLOCKS = _DETAILS | {"microscope setup for used channels"}

_TITLE = re.compile(r"Swain Lab microscope experiment log file$", re.IGNORECASE)
_SOFTWARE = re.compile(r"Swain lab microscope control software\s*-?\s*(.*)$", re.IGNORECASE)
_UNCOMMITTED = re.compile(r"Warning! - there are uncommitted changes", re.IGNORECASE)
_PROSE = re.compile(r"-+$|PFS is |Experiment started at:", re.IGNORECASE)
_LED = re.compile(r"\b(\d{3})\s?nm LED\b")

_KEY_VALUES = {
    "microscope name is": "Microscope",
    "microscope name": "Microscope",
    "date": "Date",
    "git commit": "Software version",
    "omero project": "Project",
    "micromanager config file": "Micromanager config file",
}


class LogMetadataParser(MetadataParser):
    """The parser for `*log.txt` and, in generation 3, `*.log`."""

    file_patterns: tuple[str, ...] = ("*log.txt", "*.log")

    def extract_metadata(self, filename: str) -> Metadata:
        """Return what one log file says."""
        path = Path(filename)
        unreadable = Unreadable(path.name)
        try:
            with open_text(path) as source:
                head, rest = _read_head(source)
                fields, stamped, last_stamp = _read_fields(head.lines, unreadable)
                started = _started(fields, head.lines, last_stamp if stamped else None)
                running = read_running_log(
                    blocks(source, rest),
                    file=path.name,
                    started=started,
                    first_line=len(head.lines) + 1,
                    stamped=stamped,
                )
        except OSError as error:
            unreadable.file(error.strerror or str(error))
            return Metadata(problems=unreadable.problems())
        settings = read_settings(fields.settings, unreadable)
        return _metadata(path.name, fields, settings, running, unreadable)


class _Head(NamedTuple):
    lines: list[Line]


def _read_head(source: ByteSource) -> tuple[_Head, bytes]:
    """Return the lines before the running log, and what was read beyond them."""
    raw = b"\n"
    searched = 0
    while True:
        if match := _HEAD_END.search(raw, max(0, searched - 4096)):
            end = match.end()
            break
        searched = len(raw)
        block = source.read(256 * 1024) if len(raw) <= SETTINGS_LIMIT else b""
        if not block:
            end = len(raw)
            break
        raw += block
    return _Head(split_lines(raw[1:end])), raw[end:]


@dataclass
class _Fields:
    """The head, cut into its fields: the lines of each, in order."""

    values: dict[str, list[str]] = field(default_factory=dict)
    software: list[str] = field(default_factory=list)
    settings: list[Line] = field(default_factory=list)

    def one(self, *names: str) -> str:
        return " ".join(value for name in names for value in self.values.get(name, []))


def _read_fields(lines: Sequence[Line], unreadable: Unreadable) -> tuple[_Fields, bool, str | None]:
    """Return the fields, whether the lines are stamped with times (generation 3), and the last stamp."""
    fields, current, in_settings = _Fields(), "", False
    last_stamp: str | None = None
    for line in lines:
        text = line.text
        if stamp := _STAMP.match(text):
            last_stamp, text = stamp[1], stamp[2].strip()
        if not text:
            continue
        if _SETTINGS_START.match(text):
            in_settings = True
        if in_settings:
            fields.settings.append(Line(line.number, text, line.cut))
            continue
        if heading := _HEADING.match(text):
            current = _open(fields, heading[1])
            text = heading[2]
        elif current not in _BLOCKS and (
            current == "" or fields.values[current] or not _takes(text)
        ):
            current = _loose(fields, Line(line.number, text), current, unreadable)
            if current not in _BLOCKS:
                continue
        elif _PROSE.match(text):
            continue
        current = _add(fields, current, text)
    return fields, last_stamp is not None, last_stamp


def _takes(text: str) -> bool:
    """Whether a line may be the value of a heading without one."""
    return not (_PROSE.match(text) or _DETAIL.match(text))


def _open(fields: _Fields, heading: str) -> str:
    name = heading.lower()
    name = _SINGULAR.get(name, name)
    fields.values.setdefault(name, [])
    return name


def _add(fields: _Fields, current: str, text: str) -> str:
    """Add text to the current field, and to those that begin within it; returns the field that is open then."""
    while current in _DETAILS and (match := _DETAIL.search(text)):
        if before := text[: match.start()].strip():
            fields.values[current].append(before)
        current, text = _open(fields, match[1]), text[match.end() :]
    if text.strip():
        fields.values[current].append(text.strip())
    return current


def _loose(fields: _Fields, line: Line, current: str, unreadable: Unreadable) -> str:
    """Take a line that is no heading and no value of one; returns the field that is open after it."""
    if software := _SOFTWARE.match(line.text):
        fields.software.append(software[1].strip())
    elif _UNCOMMITTED.match(line.text):
        fields.software.append("(with uncommitted changes)")
    elif read_datetime(line.text) and "date" not in fields.values:
        fields.values["date"] = [line.text]
    elif _DETAIL.match(line.text):  # details without their heading
        fields.values.setdefault("experiment details", [])
        return "experiment details"
    elif not (_TITLE.match(line.text) or _PROSE.match(line.text)):
        unreadable.line(
            line.number, "A line of the log's head that belongs to nothing known", line.text
        )
    return current


def _started(fields: _Fields, lines: Sequence[Line], stamp: str | None) -> datetime | None:
    if stamp is not None:
        return read_datetime(stamp) if lines and "Experiment started" in lines[-1].text else None
    return read_datetime(fields.one("experiment started at"))


def _metadata(
    file: str, fields: _Fields, settings: Settings, running: RunningLog, unreadable: Unreadable
) -> Metadata:
    light_paths = _light_paths(fields.values.get("microscope setup for used channels", []))
    return Metadata(
        description=_description(fields),
        authors=tuple(dict.fromkeys(_people(fields.values.get("authors", [])))),
        project=fields.one("omero project") or None,
        tags=split_tags(fields.values.get("omero tags", [])),
        key_values=(*_key_values(fields, light_paths), *settings.key_values),
        tables=(*settings.tables, *_tag_table(fields, unreadable)),
        channels=settings.channels
        or tuple(
            Channel(name, excitation_nm=float(led[1]) if (led := _LED.search(path)) else None)
            for name, path in light_paths.items()
            if name
        ),
        z_step_um=settings.z_step_um,
        time_interval_s=settings.time_interval_s,
        stage_positions={**running.stage_positions, **settings.stage_positions},
        position_exposures_ms=running.position_exposures_ms,
        times=running.times,
        attachments=(file,),
        problems=(*unreadable.problems(), *running.problems),
    )


def _description(fields: _Fields) -> str:
    paragraphs = list(fields.values.get("experiment details", []))
    for name in ("aim", "strain", "comments"):
        if values := fields.values.get(name):
            separator = ", " if name == "strain" else "\n"
            paragraphs.append(f"{name.capitalize()}: {separator.join(values)}")
    return "\n".join(paragraphs)


def _key_values(fields: _Fields, light_paths: dict[str, str]) -> list[tuple[str, str]]:
    pairs = [("Aim", "\n".join(fields.values.get("aim", [])))]
    pairs += [("Strain", strain) for strain in fields.values.get("strain", [])]
    pairs += [("Author", author) for author in _people(fields.values.get("authors", []))]
    pairs += [("Comments", "\n".join(fields.values.get("comments", [])))]
    pairs += [(key, fields.one(name)) for name, key in _KEY_VALUES.items()]
    pairs += [("Software", " ".join(fields.software))]
    pairs += [
        (f"Light path of {channel}" if channel else "Light path", path)
        for channel, path in light_paths.items()
    ]
    return [(key, value) for key, value in pairs if value]


def _people(lines: Sequence[str]) -> list[str]:
    """Return the persons of an authors block: one a line, or full names with commas or semicolons between."""
    people = list[str]()
    for line in lines:
        parts = [part.strip() for part in re.split("[;,]", line) if part.strip()]
        are_full_names = ";" in line or all(" " in part for part in parts)
        people.extend(parts if are_full_names else [line.strip()])  # `Clark, Ivan` is one person
    return people


def _light_paths(lines: Sequence[str]) -> dict[str, str]:
    """Return for each channel of the microscope setup what its light passes, in one line."""
    paths: dict[str, list[str]] = {}
    channel = ""
    for line in lines:
        if line.endswith(":") and not line.startswith(("->", '"')):
            channel = line[:-1].strip()
            paths.setdefault(channel, [])
        else:
            paths.setdefault(channel, []).append(line.replace('"', ""))
    return {channel: " ".join(path) for channel, path in paths.items() if channel or path}


def _tag_table(fields: _Fields, unreadable: Unreadable) -> tuple[Table, ...]:
    """Return what the tags mean, where the log says so for each of them."""
    tags = [tag.strip() for tag in ",".join(fields.values.get("omero tags", [])).split(",")]
    descriptions = [
        d.strip() for d in ",".join(fields.values.get("omero tag descriptions", [])).split(",")
    ]
    if not any(descriptions):
        return ()
    rows = [(tag, text) for tag, text in zip(tags, descriptions, strict=False) if tag]
    if len(tags) != len(descriptions):
        what = f"{len(descriptions)} tag descriptions for {len(tags)} tags; the descriptions are left out"
        unreadable.line(1, what, ",".join(descriptions))
        return ()
    return (make_table("tags", ["Tag", "Description"], rows, text=("Tag", "Description")),)
