"""Reading an output back and comparing it with what was read from the input.

Stands after everything, and needs nothing but the output. Every plane is read with another library than wrote it and its
digest compared with the one taken when it was decoded from its source; every file's bytes are compared besides, which
finds what a decoder does not look at. What the manifest does not know is named too.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from os import PathLike
from pathlib import Path

import numpy as np

from pyomero_upload.errors import PyomeroError, UsageError
from pyomero_upload.model import PlaneIndex, Problem, Sizes
from pyomero_upload.targets.digest import file_digest, plane_digest
from pyomero_upload.targets.files.folder import STATE_FOLDER
from pyomero_upload.targets.files.read_back import ReadBackError, ReadPlane, open_tiff, open_zarr
from pyomero_upload.targets.target import FileDigest
from pyomero_upload.transfer.events import (
    CheckReport,
    ImageDone,
    ImageStarted,
    OnEvent,
    ProblemFound,
    ignore,
)
from pyomero_upload.transfer.manifest import (
    CHECKSUM,
    MANIFEST,
    ImageEntry,
    Manifest,
    PlaneSizes,
    read_manifest,
    zeros_in,
)
from pyomero_upload.transfer.pipeline import default_workers
from pyomero_upload.transfer.progress import Meter

HINT = "Convert into a new folder, or restore this one from a copy."


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport(CheckReport):
    """What came of reading an output back; `out` is its folder."""

    out: Path

    @property
    def place(self) -> str:
        """What was looked at, for people."""
        return str(self.out)


def verify(
    out: str | PathLike[str], *, workers: int | None = None, progress: OnEvent | None = None
) -> VerifyReport:
    """Read an output back and compare each plane and file with the manifest.

    Parameters
    ----------
    out
        The output folder.
    workers
        Threads; one more than processor cores unless told.
    progress
        Called with each event, in the calling thread.

    Raises
    ------
    UsageError
        If there is no such folder.
    PyomeroError
        If it holds no manifest, so it is no finished output.

    """
    started = time.monotonic()
    folder = Path(out).resolve()
    if not folder.is_dir():
        raise UsageError(
            f"There is no folder {folder}.", hint="Name the output folder of a conversion."
        )
    try:
        manifest = read_manifest(folder)
    except PyomeroError as error:
        if not (folder / MANIFEST).exists():
            raise
        return VerifyReport(
            out=folder,
            images=0,
            planes=0,
            bytes=0,
            problems=error.problems,
            seconds=time.monotonic() - started,
        )
    pool = ThreadPoolExecutor(workers or default_workers(), thread_name_prefix="verify")
    try:
        verification = _Verification(folder, manifest, pool, progress or ignore)
        return verification.carry_out(started)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@dataclass(slots=True)
class _Verification:
    """One reading of an output; problems are told as they are found."""

    out: Path
    manifest: Manifest
    pool: ThreadPoolExecutor
    on_event: OnEvent
    problems: list[Problem] = field(default_factory=list)

    def carry_out(self, started: float) -> VerifyReport:
        """Look at all files and planes."""
        images = {image.name: image for image in self.manifest.images}
        meter = Meter(
            {
                name: sum(_count(level.sizes) for level in image.levels)
                for name, image in images.items()
            },
            {name: _plane_bytes(image) for name, image in images.items()},
        )
        self.on_event(meter.started)
        self._compare_names()
        self._compare_files("", "", self.manifest.files)
        for image in images.values():
            begun = time.monotonic()
            self.on_event(ImageStarted(image.name, meter.planes[image.name], 0))
            self._compare_files(image.name, image.path, image.files)
            self._compare_planes(image, meter)
            for problem in zeros_in(image):
                self._tell(problem, image.name)
            self.on_event(
                ImageDone(
                    image.name,
                    self.out / image.path,
                    meter.planes[image.name],
                    time.monotonic() - begun,
                )
            )
        for failed in self.manifest.failed:
            why = "; ".join(failed.reasons)
            self._tell(
                Problem(
                    "warning", "image-not-made", failed.name, f"The conversion left it out: {why}"
                )
            )
        report = VerifyReport(
            out=self.out,
            images=len(images),
            planes=meter.total_planes,
            bytes=meter.total_bytes,
            problems=tuple(self.problems),
            seconds=time.monotonic() - started,
        )
        self.on_event(report.totals(failed=len(self.manifest.failed)))
        return report

    def _tell(self, problem: Problem, image: str = "") -> None:
        self.problems.append(problem)
        self.on_event(ProblemFound(image, problem))

    def _compare_names(self) -> None:
        """Name what is in the folder and unknown to the manifest; what is missing shows when it is read."""
        known = {MANIFEST, CHECKSUM, *(file.path for file in self.manifest.files)}
        for image in self.manifest.images:
            known.update(_inside(image.path, file) for file in image.files)
        for path in _walk(self.out):
            if path not in known:
                self._tell(
                    Problem(
                        "warning",
                        "file-unknown",
                        path,
                        "The conversion did not write this file.",
                        "Remove it if it does not belong here.",
                    )
                )

    def _compare_files(self, image: str, folder: str, files: Iterable[FileDigest]) -> None:
        for problem in self.pool.map(lambda file: _compare_file(self.out, folder, file), files):
            if problem is not None:
                self._tell(problem, image)

    def _compare_planes(self, image: ImageEntry, meter: Meter) -> None:
        """Read all planes of an image, those of one channel and time point by one thread."""
        with ExitStack() as stack:
            for number, level in enumerate(image.levels):
                opener = open_zarr if self.manifest.job.format == "ome-zarr" else open_tiff
                path = self.out / image.path / level.path if level.path else self.out / image.path
                try:
                    read = stack.enter_context(opener(path, _sizes(level.sizes), image.dtype))
                except (ReadBackError, OSError) as error:
                    self._tell(
                        Problem(
                            "error",
                            "image-unreadable",
                            str(Path(image.path) / level.path),
                            f"It cannot be opened: {error}",
                            HINT,
                        ),
                        image.name,
                    )
                    continue

                compare = partial(_compare_stack, image, number, read, meter.plane_done)
                for found in self.pool.map(compare, _stacks(level.sizes)):
                    for problem in found:
                        self._tell(problem, image.name)
                    progress = meter.due()
                    if progress is not None:
                        self.on_event(progress)


def _compare_stack(
    image: ImageEntry,
    number: int,
    read: ReadPlane,
    plane_done: Callable[[str], None],
    indexes: Iterable[PlaneIndex],
) -> list[Problem]:
    """Read planes of one resolution; return what is wrong with them."""
    sizes, digests = image.levels[number].sizes, image.levels[number].digests
    problems = []
    for index in indexes:
        level = f" level={number}" if number else ""
        where = f"{image.name} t={index.t} c={index.c} z={index.z}{level}"
        try:
            found = plane_digest(read(index))
        except ReadBackError as error:
            message = f"It cannot be read: {error}"
            problems.append(Problem("error", "plane-unreadable", where, message, HINT))
        else:
            if found != digests[(index.t * sizes.c + index.c) * sizes.z + index.z]:
                what = "written" if number or image.source else "read from the input"
                message = f"Its pixels are not what was {what}."
                problems.append(Problem("error", "plane-differs", where, message, HINT))
        plane_done(image.name)
    return problems


def _compare_file(out: Path, folder: str, expected: FileDigest) -> Problem | None:
    name = _inside(folder, expected)
    try:
        found = file_digest(out / name, expected.path)
    except FileNotFoundError:
        return Problem("error", "file-missing", name, "The file is missing.", HINT)
    except OSError as error:
        return Problem("error", "file-unreadable", name, f"The file cannot be read: {error}", HINT)
    if found != expected:
        size = (
            f" It has {found.bytes:,} bytes instead of {expected.bytes:,}."
            if found.bytes != expected.bytes
            else ""
        )
        return Problem(
            "error", "file-differs", name, f"The file is not as it was written.{size}", HINT
        )
    return None


def _inside(folder: str, file: FileDigest) -> str:
    return "/".join(part for part in (folder, file.path) if part)


def _walk(out: Path) -> Iterator[str]:
    """Iterate over all files, relative with `/`, but what the next run needs."""
    for folder, folders, files in os.walk(out):
        relative = Path(folder).relative_to(out)
        if relative == Path():
            folders[:] = [name for name in folders if name != STATE_FOLDER]
        folders.sort()
        # A link to a folder is as foreign as a file.
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in sorted([*files, *links]):
            yield (relative / name).as_posix()


def _stacks(sizes: PlaneSizes) -> Iterator[list[PlaneIndex]]:
    for t in range(sizes.t):
        for c in range(sizes.c):
            yield [PlaneIndex(t, c, z) for z in range(sizes.z)]


def _sizes(sizes: PlaneSizes) -> Sizes:
    return Sizes(sizes.t, sizes.c, sizes.z, sizes.y, sizes.x)


def _count(sizes: PlaneSizes) -> int:
    return sizes.t * sizes.c * sizes.z


def _plane_bytes(image: ImageEntry) -> int:
    """Return the bytes of one plane at full size."""
    sizes = image.levels[0].sizes
    return sizes.y * sizes.x * np.dtype(image.dtype).itemsize
