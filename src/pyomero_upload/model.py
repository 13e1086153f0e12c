"""The nouns: what a folder of images and text files means, before a pixel moves.

Stands at the bottom of the house and imports nothing of ours (but to show itself in a notebook). Terms are those of the OME model. Everything is frozen;
indexes count from 0; sizes and indexes come in the order t, c, z, y, x; lengths are in micrometres, times in seconds,
exposures in milliseconds, wavelengths in nanometres; `None` means unknown.
"""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import pandas as pd

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about the data that the user should know.

    Attributes
    ----------
    severity
        An error refuses the job, a warning does not (unless asked to), an info never does.
    code
        A short fixed name, e.g. `missing-planes`; all are listed in the documentation.
    where
        The file (with line number as `file:12`), folder or image that it is about.
    message
        What is the matter.
    hint
        What to do about it.

    """

    severity: Severity
    code: str
    where: str
    message: str
    hint: str = ""


class PlaneIndex(NamedTuple):
    """Which plane of an image."""

    t: int
    c: int
    z: int


class PlaneSource(NamedTuple):
    """Where the pixels of one plane come from.

    Attributes
    ----------
    path
        The file, relative to the source folder, with `/` between its parts.
    page
        The page of a file that holds several.
    sample
        0, 1, 2: this colour of an RGB file. -1: an RGB file whose three colours are equal, read as one (and
        refused when they turn out not to be). None: a grey file.
    pages
        How many pages the file must have: one more than planned would be lost.

    """

    path: str
    page: int = 0
    sample: int | None = None
    pages: int = 1


class Sizes(NamedTuple):
    """How many of each an image has."""

    t: int
    c: int
    z: int
    y: int
    x: int


class Point(NamedTuple):
    """A position, or the sizes of a voxel, in micrometres; `None` where unknown."""

    x: float | None = None
    y: float | None = None
    z: float | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of an image.

    Attributes
    ----------
    name
        As it is called in the file names or by the acquisition settings, e.g. `GFP`.
    label
        What to show instead of the name, from the user's metadata.
    color
        `#RRGGBB`.
    exposure_ms, excitation_nm, emission_nm, em_gain, voltage_v
        As set at the microscope.
    use_z
        Whether the channel takes a z-stack (True) or a single section (False).
    every_t
        The channel is taken at every n-th time point only (1: at each).

    """

    name: str
    label: str | None = None
    color: str | None = None
    exposure_ms: float | None = None
    excitation_nm: float | None = None
    emission_nm: float | None = None
    em_gain: float | None = None
    voltage_v: float | None = None
    use_z: bool | None = None
    every_t: int = 1

    @property
    def title(self) -> str:
        """The label where there is one, else the name."""
        return self.label or self.name


class PlaneInfo(NamedTuple):
    """When, for how long and where one plane was taken (`PlaneInfo` in OMERO, `Plane` in OME-XML)."""

    acquired: datetime | None = None
    delta_t_s: float | None = None
    exposure_ms: float | None = None
    stage: Point = Point()


ShapeValue: TypeAlias = str | float | bytes | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A part of a region of interest, on one plane or on all along an axis.

    Attributes
    ----------
    kind
        The class of the OME model: `Rectangle`, `Ellipse`, `Point`, `Line`, `Polyline`, `Polygon`, `Label`, `Mask`, `Path`.
    values
        Its attributes that are known, under the names of the OME model in small letters (`radius_x`, `the_z`, `stroke_width` with
        `stroke_width_unit`). A colour is a number with a sign, its 32 bits red, green, blue, alpha; `transform` has a00, a10,
        a01, a11, a02, a12; `bin_data` are the bits of a Mask.

    """

    kind: str
    values: tuple[tuple[str, ShapeValue], ...]


@dataclass(frozen=True, slots=True)
class Roi:
    """A region of interest."""

    name: str = ""
    description: str = ""
    shapes: tuple[Shape, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the metadata: `frame` has typed columns (numbers are numbers, text is text)."""

    name: str
    frame: "pd.DataFrame"


@dataclass(frozen=True, slots=True)
class AcquisitionTimes:
    """When each channel of each position was taken, from the running log.

    Attributes
    ----------
    started
        The start of the experiment, in the wall-clock time of the microscope's computer.
    seconds
        For (position, channel name, channel's occurrence from 0): seconds since `started`, one item a time point from 0,
        NaN where the log does not say.

    """

    started: datetime | None = None
    seconds: Mapping[tuple[str, str, int], "array[float]"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What text files say about an experiment; parsers return it, `metadata.yaml` is merged over it.

    Attributes
    ----------
    channels
        In the order of the acquisition settings.
    stage_positions
        For each position name.
    position_exposures_ms
        For (position name, channel name).
    attachments
        The text files themselves, relative to the source folder, with `/` between parts.
    problems
        What could not be made sense of.
    channel_order
        The channels that the acquisition settings list, where `channels` holds others too; None: all of `channels`.
    time_points
        How many the acquisition settings announce.
    user_channels
        The channels that the user's metadata.yaml names; one that the images do not have is a slip of the pen.

    """

    title: str | None = None
    description: str = ""
    authors: tuple[str, ...] = ()
    project: str | None = None
    tags: tuple[str, ...] = ()
    key_values: tuple[tuple[str, str], ...] = ()
    tables: tuple[Table, ...] = ()
    channels: tuple[Channel, ...] = ()
    pixel_size_um: float | None = None
    z_step_um: float | None = None
    time_interval_s: float | None = None
    stage_positions: Mapping[str, Point] = field(default_factory=dict)
    position_exposures_ms: Mapping[tuple[str, str], float] = field(default_factory=dict)
    times: AcquisitionTimes = AcquisitionTimes()
    attachments: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    user_channels: tuple[str, ...] = ()
    channel_order: tuple[str, ...] | None = None
    time_points: int | None = None


@dataclass(frozen=True, slots=True)
class Hypercube:
    """One 5-D image to be made.

    Attributes
    ----------
    name
        The image's name, unique in its plan.
    sizes
        Of the image; one that a processor makes may have others than what it is made from.
    dtype
        NumPy's name of the pixel type: `uint8`, `uint16`, `float32` …
    planes
        Where each plane comes from; empty for an image that a processor makes. Planes that are in neither `planes` nor `missing` do not exist by design (a channel
        without z-stack in an image with one) and are written as zeros.
    missing
        Planes that ought to exist and do not; written as zeros.
    plane_infos
        What is known about each plane.
    acquired
        When the first plane was taken.
    rois
        Regions of interest that are drawn on it.

    """

    name: str
    sizes: Sizes
    dtype: str
    channels: tuple[Channel, ...]
    planes: Mapping[PlaneIndex, PlaneSource]
    missing: tuple[PlaneIndex, ...] = ()
    physical_size_um: Point = Point()
    time_increment_s: float | None = None
    stage: Point = Point()
    acquired: datetime | None = None
    plane_infos: Mapping[PlaneIndex, PlaneInfo] = field(default_factory=dict)
    rois: tuple[Roi, ...] = ()

    def indexes(self) -> Iterator[PlaneIndex]:
        """Iterate over all plane indexes of the image as written, t slowest, z fastest."""
        for t in range(self.sizes.t):
            for c in range(self.sizes.c):
                for z in range(self.sizes.z):
                    yield PlaneIndex(t, c, z)

    def _repr_html_(self) -> str:
        """Return the image for Jupyter, which looks for this method."""
        from pyomero_upload.display import image_html  # noqa: PLC0415  # shown there, known here

        return image_html(self)


class FileStat(NamedTuple):
    """How a file looked when it was listed, to notice that it changed."""

    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Source:
    """The folder that a plan was made from.

    Attributes
    ----------
    folder
        Absolute.
    profile
        How its names were read: the name of a profile, or the pattern.
    files
        All files of it, used or not, relative with `/` between parts.
    unused
        Those that the plan does not use.

    """

    folder: Path
    profile: str
    files: Mapping[str, FileStat]
    unused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """What is said about all images together: the Dataset in OMERO, the folder of the output elsewhere."""

    name: str
    description: str = ""
    tags: tuple[str, ...] = ()
    key_values: tuple[tuple[str, str], ...] = ()
    tables: tuple[Table, ...] = ()
    attachments: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    project: str | None = None

    def _repr_html_(self) -> str:
        """Return the dataset for Jupyter, which looks for this method."""
        from pyomero_upload.display import dataset_html  # noqa: PLC0415  # shown there, known here

        return dataset_html(self)


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be made of a folder. Nothing of it has been done yet.

    Attributes
    ----------
    images
        What will be made.
    sources
        What each of `images` is made from, in the same order; the same objects where there is no processor.
    processor
        The name of the processor between them, as `processing.load_processor` takes it.
    provenance
        Key-value pairs that say what tool made this, from what; empty when not wanted.
    digest
        Hexadecimal; changes when anything that determines the result does.

    """

    source: Source
    dataset: Dataset
    images: tuple[Hypercube, ...]
    sources: tuple[Hypercube, ...]
    problems: tuple[Problem, ...] = ()
    processor: str | None = None
    provenance: tuple[tuple[str, str], ...] = ()
    digest: str = ""

    @property
    def pairs(self) -> tuple[tuple[Hypercube, Hypercube], ...]:
        """Each of `images`, and what it is made from."""
        return tuple(zip(self.images, self.sources, strict=True))

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that refuse the job."""
        return tuple(p for p in self.problems if p.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that refuse the job only under `--strict`."""
        return tuple(p for p in self.problems if p.severity == "warning")

    def _repr_html_(self) -> str:
        """Return the plan for Jupyter, which looks for this method."""
        from pyomero_upload.display import plan_html  # noqa: PLC0415  # shown there, known here

        return plan_html(self)
