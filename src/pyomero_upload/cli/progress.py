"""How the progress of a job looks: a bar, plain lines, or one JSON object a line. All on standard error."""

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from rich.progress import BarColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as Bars
from rich.text import Text

from pyomero_upload.cli.failures import say_json
from pyomero_upload.cli.options import ProgressKind
from pyomero_upload.cli.terminal import err, printable, sentence
from pyomero_upload.quantities import human_bytes
from pyomero_upload.transfer.events import (
    Event,
    Finished,
    ImageDone,
    OnEvent,
    ProblemFound,
    Progress,
    Started,
    Waiting,
    WentOn,
    ignore,
)

# Plain lines are read in log files, where a line every few seconds is enough.
SECONDS_BETWEEN_LINES = 5.0
# As many as one can read while they come.
MOST_PROBLEMS = 5


@contextmanager
def progress_shown(kind: ProgressKind, *, quiet: bool = False) -> Iterator[OnEvent]:
    """Show events in the way that was asked for, as long as the context lasts.

    Parameters
    ----------
    kind
        `auto` is a bar on a terminal and plain lines elsewhere.
    quiet
        Show nothing, unless JSON is asked for; problems are in the report that comes at the end.

    """
    if kind is ProgressKind.json:
        yield _show_json
    elif kind is ProgressKind.none or quiet:
        yield ignore
    elif kind is ProgressKind.bar or (kind is ProgressKind.auto and err.is_terminal):
        bars = _Bars()
        bars.start()
        try:
            yield bars.show
        finally:
            bars.stop()
    else:
        yield _Lines().show


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


def _show_json(event: Event) -> None:
    if isinstance(event, ProblemFound):
        say_json(event.problem, event.image)
        return
    name = _snake(type(event).__name__)
    document = {"event": name, **{f.name: _plain(getattr(event, f.name)) for f in fields(event)}}
    sys.stderr.write(json.dumps(document) + "\n")
    sys.stderr.flush()


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class _FirstProblems:
    """Tells the first problems when they occur, so that a long job can be stopped; the report at the end has them all."""

    def __init__(self) -> None:
        self._told = 0

    def show(self, event: ProblemFound) -> None:
        self._told += 1
        if self._told <= MOST_PROBLEMS:
            problem = event.problem
            text = sentence(problem)
            image = "" if not event.image or event.image in text else f"{event.image}: "
            err.print(printable(f"{problem.severity}: {image}{text}"))
        elif self._told == MOST_PROBLEMS + 1:
            err.print("… more problems; they come in the report at the end")


def _rate(event: Progress) -> str:
    return f"{event.planes_per_s:,.0f} planes/s, {event.bytes_per_s / 1e6:,.0f} MB/s"


def _interruption(event: Waiting | WentOn) -> Text:
    if isinstance(event, WentOn):
        return printable(f"Going on after {event.seconds:.1f} s.")
    return printable(f"{event.reason} Trying again in {event.seconds:.1f} s.")


def _left(seconds: float | None) -> str:
    if seconds is None:
        return "? left"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} left" if hours else f"{minutes}:{rest:02d} left"


class _Lines:
    """Plain lines: the start, each image, and in between one every few seconds."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._problems = _FirstProblems()

    def show(self, event: Event) -> None:
        if isinstance(event, Started):
            known = f", {event.planes_done:,} of them done before" if event.planes_done else ""
            size = human_bytes(event.bytes)
            err.print(f"{event.images:,} images, {event.planes:,} planes, {size}{known}")
        elif isinstance(event, Progress):
            now = time.monotonic()
            if now - self._last >= SECONDS_BETWEEN_LINES:
                self._last = now
                done = f"{event.planes_done:,} of {event.planes:,} planes"
                err.print(f"{done}, {_rate(event)}, {_left(event.seconds_left)}")
        elif isinstance(event, ImageDone):
            err.print(printable(f"{event.image}: {event.planes:,} planes in {event.seconds:.1f} s"))
        elif isinstance(event, Finished):
            err.print(f"{event.planes:,} planes in {event.seconds:.1f} s")
        elif isinstance(event, Waiting | WentOn):
            err.print(_interruption(event))
        elif isinstance(event, ProblemFound):
            self._problems.show(event)


class _Bars:
    """Two bars that are drawn anew in place: all planes, and the image that is being made."""

    def __init__(self) -> None:
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
            TextColumn("{task.fields[rate]}"),
            console=err,
            transient=True,
        )
        self._problems = _FirstProblems()
        self._all = self._bars.add_task("all", total=0, rate="")
        self._image = self._bars.add_task("", total=0, rate="", visible=False)

    def start(self) -> None:
        self._bars.start()

    def stop(self) -> None:
        self._bars.stop()

    def show(self, event: Event) -> None:
        if isinstance(event, Started):
            self._bars.update(self._all, total=event.planes, completed=event.planes_done)
        elif isinstance(event, Progress):
            rate = f"{_rate(event)}, {_left(event.seconds_left)}"
            self._bars.update(self._all, completed=event.planes_done, rate=rate)
            self._bars.update(
                self._image,
                description=printable(event.image).plain,
                total=event.image_planes,
                completed=event.image_planes_done,
                visible=True,
            )
        elif isinstance(event, ProblemFound):
            self._problems.show(event)
        elif isinstance(event, Waiting | WentOn):
            err.print(_interruption(event))
