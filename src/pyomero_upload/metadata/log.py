"""`*log.txt`: what was done and what happened, as the Swain laboratory's programs write it, all generations.

A parser: text file to `model.Metadata`. The head of the file (details typed by people, light paths, tags) is read here, the
acquisition settings of generation 3 in `gen3.py`, and everything after the start of the experiment in `running_log.py`.
`docs/reference/log-formats.md` shows the files with notes.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pyomero_upload.metadata.base import MetadataParser, split_tags
from pyomero_upload.metadata.gen3 import STAMP, Settings, read_settings
from pyomero_upload.metadata.running_log import RunningLog, blocks, read_running_log
from pyomero_upload.metadata.tables import make_table
from pyomero_upload.metadata.text import (
    SETTINGS_LIMIT,
    Line,
    Unreadable,
    read_datetime,
    split_lines,
)
from pyomero_upload.model import Channel, Metadata, Table
from pyomero_upload.text_file import ByteSource, open_text

# Where the running log begins. In `Experiment started at:` lines the head still wants the time.
_HEAD_END = re.compile(
    rb"[\r\n][ \t]*(?:Experiment started at:[^\r\n]*(?:\r*\n|\r)|-+[ \t]*Experiment started[ \t]*-+[ \t]*(?:\r*\n|\r)"
    rb"|(?=-+Time point_\d|Position:\d+,|Channel:[^\r\n]* set at:))"
)
_SETTINGS_START = re.compile(
    r"(?:\d[\d:, -]{22} - [A-Z]+ )?(?:-*\s*Acquisition settings\s*-*$|Image configs:)",
    re.IGNORECASE,
)

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
# A person may type these; the program writes them before the details.
_NOT_AFTER_DETAILS = frozenset({"date", "git commit", "log file path", "microscope name"})
_BLOCKS = _DETAILS | {"microscope setup for used channels"}

_SOFTWARE = re.compile(r"Swain lab microscope control software\s*-?\s*(.*)$", re.IGNORECASE)
_UNCOMMITTED = re.compile(r"Warning! - there are uncommitted changes", re.IGNORECASE)
_PROSE = re.compile(r"-+$|PFS is |Swain Lab microscope experiment log file$", re.IGNORECASE)
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
                lines, rest = _read_head(source)
                settings_start = next(
                    (i for i, line in enumerate(lines) if _SETTINGS_START.match(line.text)),
                    len(lines),
                )
                fields = _Fields(unreadable)
                for line in lines[:settings_start]:
                    fields.read(line)
                stamps = [stamp[1] for line in lines if (stamp := STAMP.match(line.text))]
                running = read_running_log(
                    blocks(source, rest),
                    file=path.name,
                    started=_started(fields, lines, stamps),
                    first_line=len(lines) + 1,
                    stamped=bool(stamps),
                )
        except OSError as error:
            unreadable.closed(error)
            return Metadata(problems=unreadable.problems())
        if not any(line.text for line in lines) and not running.times.seconds:
            unreadable.file("there is nothing in it that a log would say")
        settings = read_settings(lines[settings_start:], unreadable)
        return _metadata(path.name, fields, settings, running, unreadable)


def _read_head(source: ByteSource) -> tuple[list[Line], bytes]:
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
    return split_lines(raw[1:end]), raw[end:]


class _Fields:
    """The head, cut into its fields: the lines of each, in order."""

    def __init__(self, unreadable: Unreadable) -> None:
        self.values: dict[str, list[str]] = {}
        self.software: list[str] = []
        self._current = ""
        self._unreadable = unreadable

    def one(self, *names: str) -> str:
        return " ".join(value for name in names for value in self.values.get(name, []))

    def read(self, line: Line) -> None:
        """Take one line."""
        stamp = STAMP.match(line.text)
        text = stamp[2].strip() if stamp else line.text
        if not text:
            return
        if line.cut:
            self._unreadable.line(line.number, "The file breaks off in this line", text)
        heading = _HEADING.match(text)
        in_details = self._current in _DETAILS
        if heading and not (in_details and heading[1].lower() in _NOT_AFTER_DETAILS):
            self._open(heading[1])
            self._add(heading[2])
        elif self._is_prose(text):
            return
        elif self._takes(text):
            self._add(text)
        elif _DETAIL.match(text):  # details without their heading
            self._open("experiment details")
            self._add(text)
        elif not stamp:  # a line with a time in front is a message of the program
            what = "A line of the log's head that belongs to nothing known"
            self._unreadable.line(line.number, what, text)

    def _takes(self, text: str) -> bool:
        """Whether the open field takes a line: a block any number, other fields one."""
        if self._current in _BLOCKS:
            return True
        return self._current != "" and not self.values[self._current] and not _DETAIL.match(text)

    def _is_prose(self, text: str) -> bool:
        """Take a line that the program writes without a heading."""
        if software := _SOFTWARE.match(text):
            self.software.append(software[1].strip())
        elif _UNCOMMITTED.match(text):
            self.software.append("(with uncommitted changes)")
        elif self._current not in _BLOCKS and "date" not in self.values and read_datetime(text):
            self.values["date"] = [text]
        else:
            return _PROSE.match(text) is not None
        return True

    def _open(self, heading: str) -> None:
        name = heading.lower()
        self._current = _SINGULAR.get(name, name)
        self.values.setdefault(self._current, [])

    def _add(self, text: str) -> None:
        """Add text to the open field; within the details others may begin in it."""
        position = 0
        for match in _DETAIL.finditer(text):
            if self._current not in _DETAILS:
                break
            self._append(text[position : match.start()])
            self._open(match[1])
            position = match.end()
        self._append(text[position:])

    def _append(self, text: str) -> None:
        if text.strip():
            self.values[self._current].append(text.strip())


def _started(fields: _Fields, lines: Sequence[Line], stamps: Sequence[str]) -> datetime | None:
    if not stamps:
        return read_datetime(fields.one("experiment started at"))
    return read_datetime(stamps[-1]) if "Experiment started" in lines[-1].text else None


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
        time_points=settings.time_points,
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
    return {
        channel: _readable(" ".join(path)) for channel, path in paths.items() if channel or path
    }


def _readable(path: str) -> str:
    """Return a light path with room around its arrows, without the brackets that nothing opens before them."""
    kept, depth = list[str](), 0
    for letter in path:
        if letter == "]" and depth == 0:
            continue
        depth += (letter == "[") - (letter == "]")
        kept.append(letter)
    return " ".join("".join(kept).replace("->", " -> ").split())


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
