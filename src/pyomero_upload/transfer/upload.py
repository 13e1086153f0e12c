"""Carrying out a plan on an OMERO server: from its first check to the Dataset that is complete.

Stands at the top of `transfer`, beside `convert`. What is complete is what the server says is: Images whose provenance has
the upload's key and what they are made from, and whose digest is still the one that was noted. What is half written is gone
on with while its stores are open, else deleted and made anew. Faults that pass are waited out where they occur
(`targets.omero.faults`); an image that they cost its stores is made anew in the next round.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, TypeAlias

from omero_embedded.memory import keep_freed_memory
from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import Hypercube, Plan, Problem
from pyomero_upload.processing import load_processor
from pyomero_upload.targets.files.names import storable
from pyomero_upload.targets.omero import provenance
from pyomero_upload.targets.omero.annotations import annotate, text_problems
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.defaults import PATIENCE
from pyomero_upload.targets.omero.faults import Patience
from pyomero_upload.targets.omero.looking import (
    digests_of,
    refuse_if_under_way,
    round_trip,
)
from pyomero_upload.targets.omero.settings import ServerSettings
from pyomero_upload.targets.omero.state import OpenImages, SessionState, forget, read_state
from pyomero_upload.targets.omero.target import STORES, STORES_FAR, Digests, Made, OmeroTarget
from pyomero_upload.targets.target import ImageLostError
from pyomero_upload.transfer import identity
from pyomero_upload.transfer.checks import check_plan
from pyomero_upload.transfer.events import (
    InterruptedJobError,
    OnEvent,
    ProblemFound,
    Status,
    UploadedImage,
    UploadReport,
    ignore,
)
from pyomero_upload.transfer.image_job import ImageJob, Surroundings
from pyomero_upload.transfer.journal import BlockLine, Journal, State, UploadJob
from pyomero_upload.transfer.pipeline import cores, run
from pyomero_upload.transfer.planes import ImageInput, Origin
from pyomero_upload.transfer.progress import Meter, plane_count
from pyomero_upload.transfer.taking_over import changed_input, take_over
from pyomero_upload.transfer.upload_session import Ground, InProject, find_dataset, grounded
from pyomero_upload.transfer.upload_state import JOURNAL, abandoned_sessions, known_blocks

# An image that the server spoils is made anew once; one that faults cost its stores, more often, as each was waited out.
MOST_SPOILT = 2
MOST_LOST = 10
# What is freed of messages and planes; it is needed again at once.
KEPT_BYTES = 64 << 20
# Where a call takes longer, more of them are to be under way at once, and as many more threads wait for them.
FAR_S = 0.005

Finish: TypeAlias = Callable[[Patience, int, Mapping[str, int]], tuple[Problem, ...]]
"""Given a session, the Dataset's id and the ids of complete Images by name, does what is left, and returns what is to be told."""


def upload(
    plan: Plan,
    connection: Connection | ServerSettings,
    *,
    project: InProject = None,
    into: int | None = None,
    on_bad_plane: Literal["stop", "blank"] = "stop",
    workers: int | None = None,
    patience: float = PATIENCE,
    progress: OnEvent | None = None,
    origin: Origin | None = None,
    finish: Finish | None = None,
) -> UploadReport:
    """Make a Dataset of a plan on an OMERO server: Images with all that is known about them.

    An upload that was cut off goes on when it is started again with the same plan; one that is complete does nothing.

    Parameters
    ----------
    plan
        What to make.
    connection
        A session on the server, which is left open; or what to log in with.
    project
        The name of the Project that a new Dataset is put into: the user's own in that group, made where there is none.
        None: the one that the metadata names, if any. False: none.
    into
        The id of a Dataset to put the Images into, instead of a new one.
    on_bad_plane
        What a plane that cannot be read does: `stop` its image, or be left `blank` (zeros) and listed.
    workers
        Threads; unless told, one for each processor core and one for each call that is to be under way: two, or four
        where the server is far.
    patience
        Seconds that a fault of the server or the network is waited out.
    progress
        Called with each event, in the calling thread.
    origin
        Where the pixels and texts of the plan are, if not in the files of its folder.
    finish
        What else is to be done before the Dataset counts as complete; doing it twice must do no harm.

    Returns
    -------
    UploadReport
        What became of each image. An image that failed does not raise; look at `report.ok`.

    Raises
    ------
    PlanError
        If the plan has errors.
    UsageError
        If an option is unknown, or what is on the server was made of something else.
    PyomeroError
        If another process carries out the same upload, or the server refused it or could not be reached for too long.
    InterruptedJobError
        On Ctrl-C; its `report` says what is done.

    """
    check_plan(plan, on_bad_plane)
    keep_freed_memory(KEPT_BYTES)
    with grounded(
        plan,
        plan.digest,
        connection,
        into=into,
        patience=patience,
        on_event=progress or ignore,
    ) as ground:
        work = _Upload(
            plan, ground, blank_bad_planes=on_bad_plane == "blank", origin=origin, finish=finish
        )
        work.take_over(into)
        dataset_id = find_dataset(ground, plan, project, into)
        return work.carry_out(dataset_id, workers)


class _Upload:
    """One run of an upload, whose state folder is held for it."""

    def __init__(
        self,
        plan: Plan,
        ground: Ground,
        *,
        blank_bad_planes: bool,
        origin: Origin | None,
        finish: Finish | None,
    ) -> None:
        self._plan = plan
        self._ground = ground
        self._run = ground.patience.run
        self._blank_bad_planes = blank_bad_planes
        self._origin = origin
        self._finish = finish
        self._started = time.monotonic()
        self._processor = load_processor(plan.processor) if plan.processor else None
        self._digests = {
            image.name: Digests(
                identity.image_inputs(image, source, plan), identity.image_metadata(image, "")
            )
            for image, source in self._plan.pairs
        }
        self._images = {image.name: image for image in plan.images}
        self._reports: dict[str, UploadedImage] = {}
        self._problems = text_problems(plan)
        self._stores = STORES
        # Numbers of the sessions that this machine's runs of the upload have worked in.
        self._ours: set[int] = set()

    def take_over(self, into: int | None) -> None:
        """Go on with an earlier upload of the same things, where the plan has changed since."""
        conn, key = self._ground.connection, self._ground.key
        told = self._run(lambda: take_over(conn, self._plan, self._digests, key=key, into=into))
        self._problems += told
        for problem in told:
            self._ground.on_event(ProblemFound("", problem))

    def carry_out(self, dataset_id: int, workers: int | None) -> UploadReport:
        """Do what is left to do, and say what became of it."""
        conn, key = self._ground.connection, self._ground.key
        if self._run(lambda: round_trip(conn)) > FAR_S:
            self._stores = STORES_FAR
        job = UploadJob(plan=key, server=f"{conn.host}:{conn.port}", dataset=dataset_id)
        for name, made in self._find_done(dataset_id).items():
            self._note(name, "unchanged", made)
        meter = Meter.of(self._plan.images)
        for name in self._reports:
            meter.found_done(name, meter.planes[name])
        self._ground.on_event(meter.started)
        left = [name for name in self._images if name not in self._reports]
        try:
            if left:
                self._run(lambda: provenance.mark_dataset_incomplete(conn, dataset_id, key=key))
            self._make(left, dataset_id, job, meter, workers or cores() + self._stores)
            complete = {
                name: image.image_id
                for name, image in self._reports.items()
                if image.image_id is not None
            }
            original = self._origin.original if self._origin else None
            self._run(lambda: annotate(conn, dataset_id, self._plan, complete, original=original))
            if self._finish is not None:
                self._problems += self._finish(self._ground.patience, dataset_id, complete)
            if all(image.status != "failed" for image in self._reports.values()):
                self._run(lambda: provenance.mark_dataset_complete(conn, dataset_id, key=key))
        except KeyboardInterrupt:
            raise InterruptedJobError(self._report(dataset_id)) from None
        report = self._report(dataset_id)
        # Nothing is open any more: images that failed are deleted, and are made anew the next time.
        (self._ground.folder / JOURNAL).unlink(missing_ok=True)
        forget(self._ground.folder)
        return self._ground.hand_back(report, self._plan.warnings)

    def _make(
        self, left: Sequence[str], dataset_id: int, job: UploadJob, meter: Meter, workers: int
    ) -> None:
        """Make the images that are left; those that were lost or spoilt on the way, again."""
        tries: Counter[str] = Counter()
        while left:
            jobs = self._round(left, dataset_id, job, meter, workers)
            again = []
            for name, image_job in jobs.items():
                if image_job.broken is None:
                    continue
                tries[name] += 1
                lost = isinstance(image_job.broken, ImageLostError)
                if tries[name] < (MOST_LOST if lost else MOST_SPOILT):
                    meter.begin_again(name)
                    again.append(name)
                else:
                    why = Problem(
                        "error",
                        "image-failed",
                        name,
                        image_job.broken.message,
                        image_job.broken.hint,
                    )
                    self._reports[name] = UploadedImage(
                        name, None, "failed", verified=None if lost else False, problems=(why,)
                    )
            left = again

    def _round(
        self, left: Sequence[str], dataset_id: int, job: UploadJob, meter: Meter, workers: int
    ) -> Mapping[str, ImageJob]:
        """Make images; go on with those whose stores are still open."""
        open_images = OpenImages(self._ground.folder, self._begun(dataset_id))
        target = OmeroTarget(
            self._ground.patience,
            dataset_id,
            key=self._ground.key,
            digests=self._digests,
            open_images=open_images,
            ours=self._ours,
            stores=self._stores,
        )
        blocks = known_blocks(self._ground.folder, job, target.go_on_with(left))
        journal = Journal(self._ground.folder / JOURNAL, State(job, {}, blocks))
        around = Surroundings(
            None, target, journal, meter, self._ground.stop, self._ground.events.put
        )
        jobs = {
            image.name: self._image_job(image, source, blocks, around)
            for image, source in self._plan.pairs
            if image.name in left
        }
        try:
            run(
                tuple(jobs.values()),
                workers=workers,
                stop=self._ground.stop,
                events=self._ground.events,
                meter=meter,
                on_event=self._ground.on_event,
            )
        finally:
            journal.close()
            for name, image_job in jobs.items():
                report = image_job.report()
                self._note(name, report.status, target.made.get(name), image_job)
        for name, image_job in jobs.items():
            spoilt = image_job.broken is not None and not isinstance(
                image_job.broken, ImageLostError
            )
            if spoilt or self._reports[name].status == "failed":
                target.discard(name)
        return jobs

    def _find_done(self, dataset_id: int) -> dict[str, Made]:
        """Return the Images that earlier runs completed, by name.

        Raises
        ------
        UsageError
            If one of them would become another today; it is neither kept silently nor made again.
        PyomeroError
            If another machine is writing to the Dataset, or an Image is not any more what it was.

        """
        conn, key = self._ground.connection, self._ground.key
        records = self._run(lambda: provenance.image_records(conn, dataset_id, key=key))
        state = read_state(self._ground.folder)
        self._ours |= abandoned_sessions() | ({state.session_id} if state else set())
        known = {name: record for name, record in records.items() if name in self._images}
        self._run(
            lambda: refuse_if_under_way(
                conn,
                [record.image_id for record in known.values() if not record.complete],
                self._ours,
            )
        )
        done = {}
        for name, record in known.items():
            if not record.complete or record.sha1 is None:
                continue
            if record.inputs != self._digests[name].inputs:
                raise changed_input(dataset_id, record.image_id, name)
            done[name] = Made(record.image_id, record.sha1)
        kept = self._run(lambda: digests_of(conn, [made.image_id for made in done.values()]))
        for name, made in done.items():
            if kept.get(made.image_id) != made.sha1:
                raise _changed(made.image_id, name)
        return done

    def _begun(self, dataset_id: int) -> SessionState | None:
        """Return what an earlier run or round has open on the server of the same images, and may be gone on with."""
        conn, key = self._ground.connection, self._ground.key
        state = read_state(self._ground.folder)
        if state is None:
            return None
        records = self._run(lambda: provenance.image_records(conn, dataset_id, key=key))
        same_session = state.session == conn.key.get_secret_value()
        begun = {}
        for name, image in state.images.items():
            record = records.get(name)
            if (
                name in self._digests
                and record is not None
                and record.image_id == image.image_id
                and record.inputs == self._digests[name].inputs
                and (same_session or image.written)
            ):
                begun[name] = image
        return state.model_copy(update={"images": begun})

    def _image_job(
        self,
        image: Hypercube,
        source: Hypercube,
        blocks: Mapping[str, Mapping[int, BlockLine]],
        around: Surroundings,
    ) -> ImageJob:
        work = ImageInput.of(
            self._plan,
            image,
            source,
            self._processor,
            blank_bad_planes=self._blank_bad_planes,
            origin=self._origin,
        )
        digests = self._digests[image.name]
        return ImageJob(
            work,
            digests.inputs,
            digests.metadata,
            partial(identity.block_inputs, image, source, self._plan),
            blocks.get(storable(image.name), {}),
            around,
        )

    def _note(
        self, name: str, status: Status, made: Made | None, job: ImageJob | None = None
    ) -> None:
        """Keep what became of an image."""
        report = None if job is None else job.report()
        self._reports[name] = UploadedImage(
            name,
            made.image_id if made else None,
            status,
            planes=plane_count(self._images[name]),
            bytes=report.bytes if report else 0,
            seconds=report.seconds if report else 0.0,
            sha1=made.sha1 if made else None,
            verified=True if made else None,
            problems=report.problems if report else (),
        )

    def _report(self, dataset_id: int) -> UploadReport:
        images = [
            self._reports.get(name) or UploadedImage(name, None, "stopped") for name in self._images
        ]
        seconds = time.monotonic() - self._started
        return self._ground.report(dataset_id, images, self._problems, seconds)


def _changed(image_id: int, name: str) -> PyomeroError:
    hint = "Delete that Image in OMERO to have it made again."
    message = f"The server does not hold the pixels of Image:{image_id} ({name}) any more that were verified."
    return PyomeroError(
        message, hint=hint, problems=(Problem("error", "image-damaged", name, message, hint),)
    )
