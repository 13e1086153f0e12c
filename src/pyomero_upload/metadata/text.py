"""Text files as the microscopes leave them: bytes to lines, and what could not be made sense of.

The lowest step of the metadata parsers, on `text_file`. Files come in UTF-8 (with or without a byte order mark),
Windows-1252 or UTF-16 (with a mark), with any line ends, and may break off anywhere. Nothing here raises because of what a
file holds.
"""

import re
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pyomero_upload.model import Problem
from pyomero_upload.text_file import ByteSource, open_text

# Settings files are some kilobytes; one of this size is something else under the same name.
SETTINGS_LIMIT = 16 * 1024 * 1024

# English whatever the locale is: the microscopes' programs write them so.
MONTHS = {
    name: number
    for number, name in enumerate(
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1
    )
}

_LINE_END = re.compile(rb"\r*\n|\r")
_DAY_MONTH_YEAR = re.compile(r"(\d{1,2})-([A-Za-z]{3})-(\d{4})(?:\s+(\d{1,2}):(\d\d):(\d\d))?\Z")
_YEAR_MONTH_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:,(\d{3}))?\Z")
_SHOWN = 120


class Line(NamedTuple):
    """One line of a text file.

    Attributes
    ----------
    number
        From 1.
    text
        Without its line end and surrounding white space.
    cut
        The file ends here without a line end, so the last value may have lost its end.

    """

    number: int
    text: str
    cut: bool = False


def decode(raw: bytes) -> str:
    """Return one line's text: UTF-8 where it is valid, else Windows-1252 (Latin-1 for its five gaps)."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def split_lines(raw: bytes, *, first: int = 1) -> list[Line]:
    r"""Return the lines of a text; `\r\r\n`, `\r\n`, `\n` and a lone `\r` each end one line."""
    pieces = _LINE_END.split(raw)
    last = pieces.pop()
    lines = [Line(number, decode(piece).strip()) for number, piece in enumerate(pieces, first)]
    if last:
        lines.append(Line(first + len(pieces), decode(last).strip(), cut=True))
    return lines


def read_lines(path: Path, unreadable: "Unreadable") -> list[Line]:
    """Return all lines of a settings file; a file too big to be one is reported and not read further."""
    try:
        with open_text(path) as source:
            raw = _read_up_to(source, SETTINGS_LIMIT + 1)
    except OSError as error:
        unreadable.closed(error)
        return []
    if not raw.strip():
        unreadable.file("it is empty")
    if len(raw) > SETTINGS_LIMIT:
        unreadable.file(
            f"it is larger than {SETTINGS_LIMIT // 1024**2} MB and so hardly a settings file; not read"
        )
        return []
    return split_lines(raw)


def _read_up_to(source: ByteSource, size: int) -> bytes:
    blocks = []
    while size > 0 and (block := source.read(size)):
        blocks.append(block)
        size -= len(block)
    return b"".join(blocks)


def read_datetime(text: str) -> datetime | None:
    """Return the time that `28-Sep-2018 17:18:15` or `2022-10-10 15:31:27,350` says; None for anything else.

    MATLAB leaves out the time of day at midnight.
    """
    text = text.strip()
    try:
        if match := _DAY_MONTH_YEAR.match(text):
            day, name, year, hour, minute, second = match.groups(default="0")
            date = datetime(int(year), MONTHS[name.capitalize()], int(day))  # noqa: DTZ001  (no zone is known)
            return date.replace(hour=int(hour), minute=int(minute), second=int(second))
        if match := _YEAR_MONTH_DAY.match(text):
            year, month, day, hour, minute, second, millis = match.groups(default="0")
            date = datetime(int(year), int(month), int(day))  # noqa: DTZ001  (no zone is known)
            return date.replace(
                hour=int(hour),
                minute=int(minute),
                second=int(second),
                microsecond=1000 * int(millis),
            )
    except (KeyError, ValueError):
        return None
    return None


class Unreadable:
    """Collects what one file says that could not be made sense of: one problem for each kind, however often.

    Parameters
    ----------
    file
        The file's name, relative to the source folder.

    Attributes
    ----------
    is_closed
        Whether the file could not be opened or read.

    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._kinds: dict[str, tuple[int, str, int]] = {}
        self._files: list[str] = []
        self.is_closed = False

    def line(self, number: int, what: str, text: str) -> None:
        """Note a line; `what` is the kind, a sentence without its full stop."""
        first, shown, count = self._kinds.get(what, (number, text, 0))
        self._kinds[what] = (first, shown, count + 1)

    def file(self, why: str) -> None:
        """Note that the file as a whole could not be read."""
        self._files.append(why)

    def closed(self, error: OSError) -> None:
        """Note that the file could not even be opened, so it cannot be attached either."""
        self.is_closed = True
        self.file(error.strerror or str(error))

    def problems(self) -> tuple[Problem, ...]:
        """Return a warning for each kind, in the order of their first lines."""
        whole = [
            Problem(
                "warning", "metadata-unreadable", self._file, f"The file could not be read: {why}."
            )
            for why in self._files
        ]
        lines = [
            Problem(
                "warning",
                "metadata-unreadable",
                f"{self._file}:{number}",
                f"{what}: {shorten(text)!r}{f' (and {count - 1} more like it)' if count > 1 else ''}.",
                "Correct the line, or say what it means in metadata.yaml.",
            )
            for what, (number, text, count) in sorted(
                self._kinds.items(), key=lambda item: item[1][0]
            )
        ]
        return tuple(whole + lines)


def shorten(text: str) -> str:
    """Return the text, without its end where it is too long for a message."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
