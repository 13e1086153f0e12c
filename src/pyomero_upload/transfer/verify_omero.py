"""Looking at a Dataset on a server: whether every plane, and all that is said, is as it was in the source.

Stands after `upload`, and needs nothing but the server: every Image's pixels are hashed there, now, and the digest compared
with the one that was noted when they were sent; attachments are read and hashed. With the source folder, planned
again, its planes are hashed and compared too, and `compare_omero` compares all that is said, item by item.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import Hypercube, Plan, Problem
from pyomero_upload.planning import make_plan
from pyomero_upload.planning.provenance import NAMESPACE
from pyomero_upload.profiles import BUILT_IN
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.objects import server_text
from pyomero_upload.targets.omero.provenance import (
    IMAGE_NAME,
    INCOMPLETE,
    KEY,
    PLANNED,
    STATE,
)
from pyomero_upload.targets.omero.raw_planes import PixelSource
from pyomero_upload.targets.omero.reading import (
    ServerImage,
    ServerObject,
    children,
    read_images,
    read_object,
)
from pyomero_upload.targets.omero.said import (
    Said,
    fileset_files,
    read_all_annotations,
    read_annotations,
)
from pyomero_upload.transfer.compare_omero import compare_dataset
from pyomero_upload.transfer.events import (
    CheckReport,
    ImageDone,
    ImageStarted,
    OnEvent,
    ProblemFound,
    ignore,
)
from pyomero_upload.transfer.pipeline import default_workers
from pyomero_upload.transfer.progress import PAUSE_S, Meter, plane_bytes, plane_count
from pyomero_upload.transfer.verify_image import HINT, ImageCheck, damaged_files, unreadable_images


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetReport(CheckReport):
    """What came of looking at a Dataset; `dataset` is it."""

    dataset: ServerObject

    @property
    def place(self) -> str:
        """What was looked at, for people."""
        return f"Dataset:{self.dataset.id} «{self.dataset.name}»"


def plan_again(
    folder: Path,
    said: Said,
    *,
    name: str | None = None,
    profile: str | None = None,
    pattern: str | None = None,
    layout: Literal["hypercube", "separate"] = "hypercube",
    metadata_file: Path | None = None,
    parser: str | None = None,
    ignore_metadata: bool = False,
    processor: str | None = None,
    missing: Literal["fill", "drop-timepoint", "fail"] = "fill",
) -> Plan:
    """Plan a folder as it was planned when a Dataset was made of it.

    Parameters
    ----------
    folder
        Which.
    said
        Of the Dataset: its provenance says how names were read, and by which processor planes went.
    name, profile, pattern, layout, metadata_file, parser, ignore_metadata, processor, missing
        As for `make_plan`; what is given counts before what the provenance says.

    """
    noted = dict(said.provenance)
    if profile is None and pattern is None and "File names" in noted:
        if noted["File names"] in BUILT_IN:
            profile = noted["File names"]
        else:
            pattern = noted["File names"]
    return make_plan(
        folder,
        name=name,
        profile=profile,
        pattern=pattern,
        layout=layout,
        metadata_file=metadata_file,
        parser=parser,
        ignore_metadata=ignore_metadata,
        processor=processor or noted.get("Processor"),
        missing=missing,
    )


def verify_dataset(
    connection: Connection,
    dataset_id: int,
    *,
    against: Plan | Callable[[Said], Plan] | None = None,
    workers: int | None = None,
    progress: OnEvent | None = None,
) -> DatasetReport:
    """Compare a Dataset with what was noted when it was made, and with its source where that is given.

    Parameters
    ----------
    connection
        Whom to ask.
    dataset_id
        Which.
    against
        The plan of the source, or what makes it: it gets what is said of the Dataset (see `plan_again`).
    workers
        How many Images at once; one more than processor cores unless told.
    progress
        Called with each event, in the calling thread.

    Raises
    ------
    UsageError
        If there is no such Dataset that the user may see in the group of the connection.

    """
    started = time.monotonic()
    dataset = read_object(connection, "Dataset", dataset_id)
    said = read_annotations(connection, "Dataset", dataset_id)
    plan = against(said) if callable(against) else against
    with PixelSource(connection) as pixels:
        work = _Verification(connection, pixels, dataset, said, plan, progress or ignore)
        return work.carry_out(started, workers or default_workers())


@dataclass(slots=True)
class _Verification:
    """One look at a Dataset; problems are told as they are found."""

    connection: Connection
    pixels: PixelSource
    dataset: ServerObject
    said: Said
    plan: Plan | None
    on_event: OnEvent
    problems: list[Problem] = field(default_factory=list)

    def carry_out(self, started: float, workers: int) -> DatasetReport:
        """Look at all Images, then at what is said of the Dataset."""
        ids = [image.id for image in children(self.connection, "Dataset", self.dataset.id)]
        bad: list[PyomeroError] = []
        images = list(read_images(self.connection, ids, planes=False, unreadable=bad))
        notes = read_all_annotations(self.connection, "Image", ids)
        labels = {image.id: f"{image.image.name} ({image.where})" for image in images}
        meter = Meter(
            {labels[image.id]: plane_count(image.image) for image in images},
            {labels[image.id]: plane_bytes(image.image) for image in images},
        )
        self.on_event(meter.started)
        self._tell(unreadable_images(bad, f"Dataset:{self.dataset.id}"))
        self._tell_of_dataset(images, notes)
        wanted = self._matched(images, notes)
        stop = threading.Event()
        check = ImageCheck(self.connection, self.pixels, self.plan, meter, stop)
        pool = ThreadPoolExecutor(workers, thread_name_prefix="verify")
        try:
            begun = time.monotonic()
            results = [
                pool.submit(
                    check.problems,
                    image,
                    notes[image.id],
                    wanted.get(image.id),
                    labels[image.id],
                )
                for image in images
            ]
            for image, result in zip(images, results, strict=True):
                label, planes = labels[image.id], plane_count(image.image)
                self.on_event(ImageStarted(label, planes, 0))
                while not result.done():
                    wait([result], PAUSE_S)
                    moved = meter.due()
                    if moved is not None:
                        self.on_event(moved)
                self._tell(result.result(), label)
                seconds = time.monotonic() - begun
                self.on_event(ImageDone(label, Path(image.where), planes, seconds))
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
        files = self.said.attachments
        self._tell(damaged_files(self.connection, files, f"Dataset:{self.dataset.id}"))
        for fileset in dict.fromkeys(i.fileset for i in images if i.fileset is not None):
            files = tuple(fileset_files(self.connection, fileset))
            self._tell(damaged_files(self.connection, files, f"Fileset:{fileset}"))
        if self.plan is not None:
            self._tell(compare_dataset(self.connection, self.dataset, self.said, self.plan))
        report = DatasetReport(
            dataset=self.dataset,
            images=len(images),
            planes=meter.total_planes,
            bytes=meter.total_bytes,
            problems=tuple(self.problems),
            seconds=time.monotonic() - started,
        )
        self.on_event(report.totals())
        return report

    def _tell(self, problems: Iterator[Problem] | Sequence[Problem], image: str = "") -> None:
        for problem in problems:
            self.problems.append(problem)
            self.on_event(ProblemFound(image, problem))

    def _tell_of_dataset(self, images: Sequence[ServerImage], notes: Mapping[int, Said]) -> None:
        """Say of each upload into the Dataset whether it ended, and whether all Images are there that it planned."""
        where = f"Dataset:{self.dataset.id}"
        made = Counter(dict(notes[image.id].provenance).get(KEY) for image in images)
        # Files that were imported as they are note their upload on themselves, not on Images.
        imported = sum(image.fileset is not None for image in images)
        keys = set()
        for pairs in self.said.maps:
            noted = dict(pairs.pairs)
            if pairs.namespace != NAMESPACE or KEY not in noted:
                continue
            keys.add(noted[KEY])
            if noted.get(STATE) == INCOMPLETE:
                message = "An upload into it did not end."
                hint = "Run the same upload command again; it goes on where it stopped."
                self._tell([Problem("error", "upload-incomplete", where, message, hint)])
            planned = noted.get(PLANNED, "")
            lacking = int(planned) - made[noted[KEY]] - imported if planned.isdecimal() else 0
            if self.plan is None and lacking > 0:
                message = f"{lacking} of the {planned} Images that were planned are not in it."
                hint = "Run the same upload command again, unless they were deleted on purpose."
                self._tell([Problem("error", "image-missing", where, message, hint)])
        if self.plan is not None and keys and self.plan.digest not in keys:
            source = str(self.plan.source.folder)
            message = "The folder, or how it is read, is not what was uploaded then."
            hint = "Give the same options (--name, --profile, --pattern, …) as then."
            self._tell([Problem("warning", "plan-differs", source, message, hint)])

    def _matched(
        self, images: Sequence[ServerImage], notes: Mapping[int, Said]
    ) -> dict[int, tuple[Hypercube, Hypercube]]:
        """Return what each Image should be by the plan, with its source; tell what has no other side."""
        if self.plan is None:
            return {}
        left = {server_text(image.name): (image, source) for image, source in self.plan.pairs}
        found = {}
        for image in images:
            name = dict(notes[image.id].provenance).get(IMAGE_NAME, image.image.name)
            if name in left:
                found[image.id] = left.pop(name)
            else:
                self._tell(
                    [
                        Problem(
                            "warning",
                            "image-unknown",
                            f"{image.image.name} ({image.where})",
                            "The folder has no such image, or it is there twice.",
                        )
                    ]
                )
        self._tell(
            [
                Problem(
                    "error", "image-missing", name, "The Dataset does not have this Image.", HINT
                )
                for name in left
            ]
        )
        return found
