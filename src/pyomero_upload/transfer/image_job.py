"""One image's way through the pipeline: opened, its blocks written by several threads, finished, published.

Stands between the pipeline, whose threads call it, and a target. What goes wrong with the image's own files stops the image;
what goes wrong with the target stops the job, because the next image would meet the same.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import PlaneIndex, Problem
from pyomero_upload.targets.files.names import storable
from pyomero_upload.targets.target import (
    Block,
    Finished,
    ImageBrokenError,
    ImageWriter,
    Target,
    UnderWayError,
    WriteAbortedError,
)
from pyomero_upload.transfer.events import Event, ImageDone, ImageReport, ImageStarted, ProblemFound
from pyomero_upload.transfer.journal import BlockLine, Journal
from pyomero_upload.transfer.manifest import (
    ImageEntry,
    Level,
    MissingPlane,
    SourcePlanes,
    image_digest,
    plane_sizes,
)
from pyomero_upload.transfer.planes import BlockReading, ImageFailedError, ImageInput, StoppedError
from pyomero_upload.transfer.progress import Meter


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all images of a job share.

    Attributes
    ----------
    out
        The output folder; None where the target's places are no files.
    target, journal, meter
        Where planes go, where it is noted, where they are counted.
    stop
        Set when the job is to end at once.
    tell
        Takes events, from any thread.

    """

    out: Path | None
    target: Target
    journal: Journal
    meter: Meter
    stop: threading.Event
    tell: Callable[[Event], None]


@dataclass(slots=True)
class ImageJob:
    """The work on one image.

    Parameters
    ----------
    work
        How its planes are read.
    inputs, metadata
        Digests of what it is made from and what is said of it.
    block_inputs
        Returns the digest of what a block is made from.
    earlier
        Blocks that earlier runs wrote, by number.
    around
        What it shares with the others.

    Attributes
    ----------
    entry
        What it became; None where it is not complete.
    problems
        What the user should know of it.
    broken
        Why it must be made anew, where the target lost it: that is for the next attempt.

    """

    work: ImageInput
    inputs: str
    metadata: str
    block_inputs: Callable[[Block], str]
    earlier: Mapping[int, BlockLine]
    around: Surroundings
    entry: ImageEntry | None = None
    problems: list[Problem] = field(default_factory=list)
    broken: ImageBrokenError | None = None
    _failed: bool = False
    _given_up: bool = False
    _started: float = 0.0
    _seconds: float = 0.0
    _planes: int = 0
    _writer: ImageWriter | None = None
    _lines: dict[int, BlockLine] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def name(self) -> str:
        """The image's name."""
        return self.work.image.name

    def blocks(self) -> Iterator[Block]:
        """Open the image and iterate over the blocks that are left to do; one thread at a time."""
        self._started = time.monotonic()
        image = self.work.image
        try:
            writer = self.around.target.open_image(
                image, {number: line.note for number, line in self.earlier.items()}
            )
        except ImageBrokenError as error:
            self._break(error)
            return
        except UnderWayError:
            # Whoever writes this image writes the next ones too.
            raise
        except PyomeroError as error:
            self._fail(_problem(self.name, error))
            return
        self._writer = writer
        left = []
        for block in writer.blocks:
            line = self.earlier.get(block.number)
            if (
                line is not None
                and block.number in writer.complete
                and line.inputs == self.block_inputs(block)
            ):
                self._lines[block.number] = line
            else:
                left.append(block)
        self._tell_changes(writer)
        done = sum(len(line.digests) for line in self._lines.values())
        self.around.meter.found_done(self.name, done)
        self.around.tell(
            ImageStarted(self.name, image.sizes.t * image.sizes.c * image.sizes.z, done)
        )
        if not left:
            self._finish(writer)
        yield from left

    def run(self, block: Block) -> None:
        """Carry out one block; called from several threads."""
        writer = self._writer
        if self._given_up or writer is None:
            return
        reading = BlockReading(self.work, block, self._plane_done)
        try:
            self._check_stop()
            note = writer.write(block, reading.planes())
        except ImageFailedError as error:
            self._fail(error.problem)
            return
        except ImageBrokenError as error:
            self._break(error)
            return
        except WriteAbortedError:
            return
        except BaseException:
            self.give_up()
            raise
        line = BlockLine(
            image=storable(self.name),
            block=block.number,
            inputs=self.block_inputs(block),
            digests=tuple(reading.digests[index] for index in block.indexes),
            source_digests=tuple(digest for _, digest in sorted(reading.source_digests.items())),
            blank=tuple(reading.blank),
            note=note,
        )
        self.around.journal.block(line)
        with self._lock:
            self._lines[block.number] = line
            complete = len(self._lines) == len(writer.blocks)
        if complete and not self._given_up:
            self._finish(writer)

    def give_up(self) -> None:
        """Stop working on the image; what is written stays for the next run where the target can use it."""
        with self._lock:
            first = not self._given_up
            self._given_up = True
        if first and self._writer is not None:
            self._writer.abort()

    def report(self) -> ImageReport:
        """Return what became of the image."""
        sizes, dtype_bytes = self.work.image.sizes, self.around.meter.plane_bytes[self.name]
        if self.entry is not None:
            seconds = self._seconds
            return ImageReport(
                self.name,
                None if self.around.out is None else self.around.out / self.entry.path,
                "done",
                sizes.t * sizes.c * sizes.z,
                sizes.t * sizes.c * sizes.z * dtype_bytes,
                seconds,
                self.entry.digest,
                tuple(self.problems),
            )
        return ImageReport(
            self.name,
            None,
            "failed" if self._failed else "stopped",
            planes=self._planes,
            bytes=self._planes * dtype_bytes,
            problems=tuple(self.problems),
        )

    def _check_stop(self) -> None:
        if self.around.stop.is_set() or self._given_up:
            raise StoppedError if self.around.stop.is_set() else WriteAbortedError

    def _plane_done(self) -> None:
        with self._lock:
            self._planes += 1
        self.around.meter.plane_done(self.name)
        self._check_stop()

    def _tell_changes(self, writer: ImageWriter) -> None:
        changed = [
            number
            for number in writer.complete
            if number in self.earlier and number not in self._lines
        ]
        if changed:
            self._tell(
                Problem(
                    "warning",
                    "input-changed",
                    self.name,
                    f"Files changed since an earlier run read them; {len(changed)} blocks are made again.",
                )
            )

    def _fail(self, problem: Problem) -> None:
        self._failed = True
        self._tell(problem)
        self.give_up()

    def _break(self, error: ImageBrokenError) -> None:
        self.broken = error
        self.give_up()

    def _tell(self, problem: Problem) -> None:
        with self._lock:
            self.problems.append(problem)
        self.around.tell(ProblemFound(self.name, problem))

    def _finish(self, writer: ImageWriter) -> None:
        """Finish the image; the journal knows of it before it gets its name, so a crash between the two is no loss."""
        if self.around.stop.is_set():
            raise StoppedError
        try:
            done = writer.finish({number: line.note for number, line in self._lines.items()})
        except ImageBrokenError as error:
            self._break(error)
            return
        entry = self._entry(writer, done)
        for plane in entry.blank:
            self._tell(
                _blank(self.name, plane.file, plane.message, PlaneIndex(plane.t, plane.c, plane.z))
            )
        self.around.journal.image(entry)
        try:
            self.around.target.publish(
                done, [PlaneIndex(plane.t, plane.c, plane.z) for plane in entry.blank]
            )
        except PyomeroError as error:
            self._fail(_problem(self.name, error))
            return
        self._seconds = time.monotonic() - self._started
        self.entry = entry
        # What the entry says need not be kept twice: a job may have a hundred images after this one.
        self._writer, self._lines, self.earlier = None, {}, {}
        place = done.path if self.around.out is None else self.around.out / done.path
        self.around.tell(ImageDone(self.name, place, self._planes, self._seconds))

    def _entry(self, writer: ImageWriter, done: Finished) -> ImageEntry:
        image, source = self.work.image, self.work.source
        digests: list[dict[PlaneIndex, str]] = [{} for _ in done.levels]
        lines = [self._lines[block.number] for block in writer.blocks]
        for block, line in zip(writer.blocks, lines, strict=True):
            for level, found in enumerate((line.digests, *line.note.level_digests)):
                digests[level].update(zip(block.indexes, found, strict=True))
        levels = tuple(
            Level(
                path=level.path,
                sizes=plane_sizes(image.sizes, y=level.y, x=level.x),
                digests=tuple(found[index] for index in image.indexes()),
            )
            for level, found in zip(done.levels, digests, strict=True)
        )
        return ImageEntry(
            name=storable(self.name),
            path=done.path,
            dtype=image.dtype,
            inputs=self.inputs,
            metadata=self.metadata,
            digest=image_digest(levels[0].digests),
            levels=levels,
            source=None
            if self.work.processor is None
            else SourcePlanes(
                sizes=plane_sizes(source.sizes),
                dtype=source.dtype,
                digests=tuple(digest for line in lines for digest in line.source_digests),
            ),
            missing=tuple(MissingPlane(t=t, c=c, z=z) for t, c, z in source.missing),
            blank=tuple(plane for line in lines for plane in line.blank),
            files=done.files,
        )


def _blank(name: str, file: str, message: str, index: PlaneIndex) -> Problem:
    return Problem(
        "warning",
        "plane-left-blank",
        file,
        f"{message} Plane t={index.t} c={index.c} z={index.z} of {name} is zeros.",
        "Replace the file with a good copy. Then convert into a new folder, or delete the Image in OMERO and upload again.",
    )


def _problem(name: str, error: PyomeroError) -> Problem:
    if error.problems:
        return error.problems[0]
    return Problem("error", "image-failed", name, error.message, error.hint)
