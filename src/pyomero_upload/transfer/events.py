"""What a job tells while it runs, and what it hands back at the end.

Stands beside everything in `transfer`. Events reach the caller's `progress` function in the thread that called; `Progress`
comes ten times a second at most. Bytes are those of the pixels, as decoded.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeAlias, TypeVar

from pyomero_upload.errors import EXIT_INTERRUPTED, PyomeroError
from pyomero_upload.model import Problem

Status = Literal["done", "unchanged", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class Started:
    """The job begins: how much there is in all, and how much of it an earlier run has done."""

    images: int
    planes: int
    bytes: int
    planes_done: int


@dataclass(frozen=True, slots=True)
class ImageStarted:
    """The first planes of an image are about to be read."""

    image: str
    planes: int
    planes_done: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the job and an image of it are.

    Attributes
    ----------
    image, image_planes_done, image_planes
        The image that a plane was last finished of.
    planes_done, planes, bytes_done, bytes
        Of the whole job, with what earlier runs did.
    planes_per_s, bytes_per_s
        Since this run started.
    seconds_left
        At this rate; None before there is one.

    """

    image: str
    image_planes_done: int
    image_planes: int
    planes_done: int
    planes: int
    bytes_done: int
    bytes: int
    planes_per_s: float
    bytes_per_s: float
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class ProblemFound:
    """Something went wrong with an image, which the user should know."""

    image: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class ImageDone:
    """An image is complete and has its final name: a file or folder, or what it is on a server, e.g. `Image:12`."""

    image: str
    path: Path | str
    planes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Finished:
    """The job is over: totals."""

    images_done: int
    images_unchanged: int
    images_failed: int
    planes: int
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """A fault of the server or the network is being waited out: what is the matter, and seconds until the next try."""

    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class WentOn:
    """That fault has passed, `seconds` after it began."""

    seconds: float


Event: TypeAlias = (
    Started | ImageStarted | Progress | ProblemFound | ImageDone | Waiting | WentOn | Finished
)
OnEvent: TypeAlias = Callable[[Event], None]


class OneImage:
    """What the reports of all jobs say of one image."""

    __slots__ = ()

    name: str
    status: Status
    bytes: int

    @property
    def complete(self) -> bool:
        """Whether all of it is there, by this run or an earlier one."""
        return self.status in {"done", "unchanged"}


ImageT = TypeVar("ImageT", bound=OneImage)


class JobReport(ABC, Generic[ImageT]):
    """What the reports of all jobs say of their images together."""

    __slots__ = ()

    images: tuple[ImageT, ...]
    seconds: float

    @property
    @abstractmethod
    def place(self) -> str:
        """What the images went into, for people."""

    @property
    @abstractmethod
    def planes(self) -> int:
        """How many planes this run made."""

    @property
    def bytes(self) -> int:
        """How many bytes of pixels this run wrote."""
        return sum(image.bytes for image in self.images)

    @property
    def failed(self) -> tuple[ImageT, ...]:
        """The images that could not be made."""
        return tuple(image for image in self.images if image.status == "failed")

    @property
    def complete(self) -> tuple[ImageT, ...]:
        """The images of which all is there."""
        return tuple(image for image in self.images if image.complete)

    @property
    def ok(self) -> bool:
        """Whether every image is complete."""
        return all(image.complete for image in self.images)

    @property
    def unchanged(self) -> bool:
        """Whether there was nothing left to do."""
        return all(image.status == "unchanged" for image in self.images)

    @property
    def totals(self) -> Finished:
        """The last event of the job."""
        states = [image.status for image in self.images]
        return Finished(
            images_done=states.count("done"),
            images_unchanged=states.count("unchanged"),
            images_failed=states.count("failed"),
            planes=self.planes,
            bytes=self.bytes,
            seconds=self.seconds,
        )


@dataclass(frozen=True, slots=True)
class ImageReport(OneImage):
    """What became of one image.

    Attributes
    ----------
    name
        As in the plan.
    path
        Where it is; None where it is not.
    status
        `done` by this run, `unchanged` since an earlier one, `failed`, or `stopped` before it was complete.
    planes, bytes
        Of its pixels that this run wrote.
    seconds
        From its first plane to its last, by this run.
    digest
        Of all its planes; None where it is not complete.
    problems
        Why it failed, planes that were left blank, files that changed.

    """

    name: str
    path: Path | None
    status: Status
    planes: int = 0
    bytes: int = 0
    seconds: float = 0.0
    digest: str | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Report(JobReport[ImageReport]):
    """What a job did.

    Attributes
    ----------
    out
        The output folder.
    images
        In the order of the plan.
    problems
        Those of the job as a whole.
    seconds
        Of the whole job.

    """

    out: Path
    images: tuple[ImageReport, ...]
    problems: tuple[Problem, ...]
    seconds: float

    @property
    def place(self) -> str:
        """What was written to, for people."""
        return str(self.out)

    @property
    def planes(self) -> int:
        """How many planes this run wrote."""
        return sum(image.planes for image in self.images)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport(ABC):
    """What the reports of all checks say.

    Attributes
    ----------
    images, planes, bytes
        How much was read and compared: images, their planes (of a folder: in all resolutions), bytes of pixels.
    problems
        Errors for what is missing, changed or unreadable; warnings for what the source does not know, or never became.
    seconds
        How long it took.

    """

    images: int
    planes: int
    bytes: int
    problems: tuple[Problem, ...]
    seconds: float

    @property
    @abstractmethod
    def place(self) -> str:
        """What was looked at, for people."""

    @property
    def ok(self) -> bool:
        """Whether everything is there and as it was."""
        return not any(problem.severity == "error" for problem in self.problems)

    def totals(self, *, failed: int = 0) -> Finished:
        """Return the last event of the check."""
        return Finished(self.images, 0, failed, self.planes, self.bytes, self.seconds)


@dataclass(frozen=True, slots=True)
class UploadedImage(OneImage):
    """What became of one image of an upload.

    Attributes
    ----------
    name
        As in the plan.
    image_id
        The Image; None where it is not complete.
    status
        `done` by this run, `unchanged` since an earlier one, `failed`, or `stopped` before it was complete.
    planes
        How many it has.
    bytes, seconds
        Of its pixels that this run sent, and from its first plane to its last.
    sha1
        Of all its planes in the order t, c, z, big-endian; the server's own; None where it is not complete.
    verified
        Whether the server's SHA-1 equals the one taken as planes were read; None where nothing was compared.
    problems
        Why it failed, planes that were left blank, files that changed.

    """

    name: str
    image_id: int | None
    status: Status
    planes: int = 0
    bytes: int = 0
    seconds: float = 0.0
    sha1: str | None = None
    verified: bool | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def comparison(self) -> str:
        """What `verified` says, in words."""
        if self.verified is None:
            return "not compared"
        return "equal to the source" if self.verified else "differs from the source"


@dataclass(frozen=True, slots=True)
class UploadReport(JobReport[UploadedImage]):
    """What an upload did.

    Attributes
    ----------
    dataset_id, dataset_name, url
        The Dataset, and its address in OMERO.web.
    images
        In the order of the plan.
    problems
        Those of the upload as a whole.
    seconds
        Of all of it.
    page
        `report.html`, which shows this; None where none was written.
    interruptions
        How many faults of the server or the network were waited out.

    """

    dataset_id: int
    dataset_name: str
    url: str
    images: tuple[UploadedImage, ...]
    problems: tuple[Problem, ...]
    seconds: float
    page: Path | None = None
    interruptions: int = 0

    @property
    def planes(self) -> int:
        """How many planes the images have that this run made."""
        return sum(image.planes for image in self.images if image.status == "done")

    @property
    def place(self) -> str:
        """What it went into, for people."""
        return f"Dataset:{self.dataset_id} «{self.dataset_name}»"

    def _repr_html_(self) -> str:
        """Return the report for Jupyter, which looks for this method."""
        from pyomero_upload.display import upload_html  # noqa: PLC0415  # shown there, known here

        return upload_html(self)


def ignore(event: Event) -> None:
    """Take an event that nobody wants."""
    del event


class InterruptedJobError(PyomeroError):
    """The user stopped the job (Ctrl-C); `report` says what is done."""

    exit_code = EXIT_INTERRUPTED

    def __init__(self, report: Report | UploadReport) -> None:
        super().__init__(
            f"Interrupted: {len(report.complete)} of {len(report.images)} images are complete in {report.place}.",
            hint="Run the same command again to go on; what is complete is not done again.",
        )
        self.report = report
