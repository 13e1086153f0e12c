"""Carrying out a plan: from its first check to the manifest.

Stands at the top of `transfer`. The order matters: options and places are checked before anything is touched, the folder is
locked before its state is read, images are complete before what lies beside them is written, the manifest comes last.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Literal, TypeAlias

from pyomero_upload.errors import UsageError
from pyomero_upload.model import Hypercube, Plan, Problem
from pyomero_upload.planning.provenance import dated
from pyomero_upload.processing import load_processor
from pyomero_upload.targets.files.folder import STATE_FOLDER, FolderTarget, check_options
from pyomero_upload.targets.files.names import storable
from pyomero_upload.targets.files.pyramid import default_levels
from pyomero_upload.targets.target import Annotations, FileDigest
from pyomero_upload.transfer import identity
from pyomero_upload.transfer.checks import check_plan
from pyomero_upload.transfer.events import (
    ImageReport,
    InterruptedJobError,
    OnEvent,
    ProblemFound,
    Report,
    ignore,
)
from pyomero_upload.transfer.image_job import ImageJob, Surroundings
from pyomero_upload.transfer.journal import Journal, State, finished
from pyomero_upload.transfer.manifest import (
    FailedImage,
    ImageEntry,
    Job,
    Manifest,
    write_manifest,
    zeros_in,
)
from pyomero_upload.transfer.output import (
    JOURNAL,
    check_place,
    earlier_state,
    locked,
    refused,
    remove_leftovers,
)
from pyomero_upload.transfer.pipeline import Events, default_workers, run
from pyomero_upload.transfer.planes import ImageInput, Origin
from pyomero_upload.transfer.progress import Meter
from pyomero_upload.transfer.space import check_space, space_needed, write_error
from pyomero_upload.version import __version__

ReadOriginal: TypeAlias = Callable[[str], Iterable[bytes]]
WriteSidecars: TypeAlias = Callable[
    [Path, Plan, Mapping[str, str], ReadOriginal | None], tuple[FileDigest, ...]
]
TOOL = f"PyOmeroUpload {__version__}"


def convert(
    plan: Plan,
    out: str | PathLike[str],
    *,
    format: Literal["ome-zarr", "ome-tiff"] = "ome-zarr",  # noqa: A002 - the word of the field
    levels: int | None = None,
    compression: str | None = None,
    on_bad_plane: Literal["stop", "blank"] = "stop",
    workers: int | None = None,
    progress: OnEvent | None = None,
    origin: Origin | None = None,
) -> Report:
    """Write the images of a plan, and all that is known about them, into a folder.

    A job that was interrupted, even by a power cut, goes on when it is started again with the same arguments; one that is
    finished does nothing.

    Parameters
    ----------
    plan
        What to make.
    out
        The output folder: empty, not there yet, or that of the same job.
    format
        `ome-zarr` (OME-Zarr 0.5) or `ome-tiff`.
    levels
        Pyramid levels below the full size, OME-Zarr only. None: none for images up to 512×512, for others as many as
        bring both sides under 256.
    compression
        OME-Zarr: `lz4` (unless told), `zstd` or `none`. OME-TIFF: `none` (unless told), `deflate` or `zstd`.
    on_bad_plane
        What a plane that cannot be read does: `stop` its image, or be left `blank` (zeros) and listed.
    workers
        Threads; one more than processor cores unless told.
    progress
        Called with each event, in the calling thread.
    origin
        Where the pixels and texts of the plan are, if not in the files of its folder.

    Returns
    -------
    Report
        What became of each image. An image that failed does not raise; look at `report.ok`.

    Raises
    ------
    PlanError
        If the plan has errors.
    UsageError
        If an option is unknown, or `out` is not a place for this job.
    PyomeroError
        If another process works on `out`, or writing failed.
    InterruptedJobError
        On Ctrl-C; its `report` says what is done.

    """
    known_format, known_compression = check_options(format, levels, compression)
    check_plan(plan, on_bad_plane)
    folder = Path(out).resolve()
    check_place(folder, plan.source.folder if origin is None else None)
    job = Job(
        folder=storable(str(plan.source.folder) if origin is None else origin.place),
        format=known_format,
        levels=levels,
        compression=known_compression,
        processor=plan.processor,
    )
    with locked(folder):
        conversion = _Conversion(
            plan,
            folder,
            job,
            blank_bad_planes=on_bad_plane == "blank",
            on_event=progress or ignore,
            origin=origin,
        )
        return conversion.carry_out(workers or default_workers())


class _Conversion:
    """One run of a job, in a folder that is locked for it."""

    def __init__(
        self,
        plan: Plan,
        out: Path,
        job: Job,
        *,
        blank_bad_planes: bool,
        on_event: OnEvent,
        origin: Origin | None,
    ) -> None:
        plan = replace(plan, provenance=dated(plan.provenance))
        self._plan = plan
        self._out = out
        self._job = job
        self._on_event = on_event
        self._started = time.monotonic()
        self._blank_bad_planes = blank_bad_planes
        self._origin = origin
        self._processor = load_processor(plan.processor) if plan.processor else None
        self._dataset_digest = identity.dataset_metadata(plan.dataset)
        dataset = plan.dataset
        self._target = FolderTarget(
            out,
            tuple(image.name for image in plan.images),
            format=job.format,
            levels=job.levels,
            compression=job.compression,
            annotations=Annotations(
                creator=TOOL,
                description=dataset.description,
                tags=dataset.tags,
                key_values=dataset.key_values,
                provenance=plan.provenance,
            ),
        )
        self._state = earlier_state(out, job)

    def carry_out(self, workers: int) -> Report:
        """Do what is left to do, and say what became of it."""
        done = self._find_done()
        meter = Meter.of(self._plan.images)
        for name in done:
            meter.found_done(name, meter.planes[name])
        self._on_event(meter.started)
        left = [pair for pair in self._plan.pairs if pair[0].name not in done]
        if not left and not (self._out / STATE_FOLDER / JOURNAL).exists():
            report = self._report({}, done, ())
        else:
            report = self._work(left, done, meter, workers)
        self._on_event(report.totals)
        return report

    def _work(
        self,
        left: Sequence[tuple[Hypercube, Hypercube]],
        done: Mapping[str, ImageEntry],
        meter: Meter,
        workers: int,
    ) -> Report:
        """Write the images that are left, then what lies beside them, then the manifest."""
        # Half a second and ten megabytes, which a job with nothing to do need not spend.
        from pyomero_upload.targets.files.sidecars import write_sidecars  # noqa: PLC0415

        need = self._space(left)
        warning = check_space(self._out, need, compression=self._job.compression) if left else None
        problems = (warning,) if warning else ()
        for problem in problems:
            self._on_event(ProblemFound("", problem))
        journal = Journal(self._out / STATE_FOLDER / JOURNAL, self._known(done))
        stop = threading.Event()
        events: Events = queue.SimpleQueue()
        around = Surroundings(self._out, self._target, journal, meter, stop, events.put)
        jobs = {image.name: self._image_job(image, source, around) for image, source in left}
        try:
            run(
                tuple(jobs.values()),
                workers=workers,
                stop=stop,
                events=events,
                meter=meter,
                on_event=self._on_event,
            )
            self._complete(jobs, done, write_sidecars)
        except OSError as error:
            raise write_error(error, self._out, need) from error
        except KeyboardInterrupt:
            raise InterruptedJobError(self._report(jobs, done, problems)) from None
        finally:
            journal.close()
        report = self._report(jobs, done, problems)
        if report.ok:
            remove_leftovers(self._out)
        return report

    def _known(self, done: Mapping[str, ImageEntry]) -> State:
        """Return what the journal begins with: images that are done, and blocks of those that are not."""
        images = {entry.name: entry for entry in done.values()}
        blocks = {name: lines for name, lines in self._state.blocks.items() if name not in images}
        return State(self._job, images, blocks)

    def _find_done(self) -> dict[str, ImageEntry]:
        """Return the images that an earlier run completed, by name.

        Raises
        ------
        UsageError
            If one of them would become another today; it is neither kept silently nor overwritten.

        """
        names = {storable(image.name) for image in self._plan.images}
        strangers = [name for name in self._state.images if name not in names]
        if strangers:
            raise self._other(f"holds {strangers[0]}, which the plan does not have any more")
        done = {}
        for image, source in self._plan.pairs:
            entry = self._state.images.get(storable(image.name))
            if entry is None:
                continue
            self._target.publish(finished(entry))
            if not self._target.holds(finished(entry)):
                continue
            if entry.inputs != identity.image_inputs(image, source, self._plan):
                raise self._other(f"holds {entry.path}, whose input files have changed since")
            if entry.metadata != identity.image_metadata(image, self._dataset_digest):
                raise self._other(f"holds {entry.path}, which was made with other metadata")
            done[image.name] = entry
        return done

    def _other(self, what: str) -> UsageError:
        return refused(
            self._out,
            "output-holds-other",
            what,
            "Convert into a new folder, or move that image away to have it made again.",
        )

    def _space(self, left: Sequence[tuple[Hypercube, Hypercube]]) -> int:
        """Return the bytes that are still needed."""
        pyramid = self._job.format == "ome-zarr" and any(
            default_levels(image.sizes) if self._job.levels is None else self._job.levels
            for image, _ in left
        )
        need = space_needed(self._plan, left, compression=self._job.compression, pyramid=pyramid)
        written = sum(
            file.bytes
            for blocks in self._state.blocks.values()
            for line in blocks.values()
            for file in line.note.files
        )
        return max(0, need - written)

    def _image_job(self, image: Hypercube, source: Hypercube, around: Surroundings) -> ImageJob:
        work = ImageInput.of(
            self._plan,
            image,
            source,
            self._processor,
            blank_bad_planes=self._blank_bad_planes,
            origin=self._origin,
        )
        return ImageJob(
            work,
            identity.image_inputs(image, source, self._plan),
            identity.image_metadata(image, self._dataset_digest),
            partial(identity.block_inputs, image, source, self._plan),
            self._state.blocks.get(storable(image.name), {}),
            around,
        )

    def _complete(
        self,
        jobs: Mapping[str, ImageJob],
        done: Mapping[str, ImageEntry],
        write_sidecars: WriteSidecars,
    ) -> None:
        """Write what lies beside the images, and the manifest."""
        entries = []
        failed = []
        for image in self._plan.images:
            entry = done.get(image.name) or jobs[image.name].entry
            if entry is not None:
                entries.append((image.name, entry))
            else:
                reasons = tuple(storable(problem.message) for problem in jobs[image.name].problems)
                failed.append(FailedImage(name=storable(image.name), reasons=reasons))
        files = write_sidecars(
            self._out,
            self._plan,
            {name: entry.path for name, entry in entries},
            self._origin.original if self._origin else None,
        )
        manifest = Manifest(
            tool=TOOL,
            plan=self._plan.digest,
            complete=not failed,
            job=self._job,
            images=tuple(entry for _, entry in entries),
            failed=tuple(failed),
            files=files,
        )
        write_manifest(self._out, manifest)

    def _report(
        self,
        jobs: Mapping[str, ImageJob],
        done: Mapping[str, ImageEntry],
        problems: tuple[Problem, ...],
    ) -> Report:
        images = tuple(
            ImageReport(
                name,
                self._out / done[name].path,
                "unchanged",
                digest=done[name].digest,
                problems=zeros_in(done[name]),
            )
            if name in done
            else jobs[name].report()
            for name in (image.name for image in self._plan.images)
        )
        return Report(self._out, images, problems, time.monotonic() - self._started)
