"""Reading the planes of a block: files in, checked pixels and their digests out.

Stands between `readers` and a target's `write`, which pulls planes as it wants them. Files are opened once for each run of
planes in them, as long as these fit a bound; a digest is taken of every plane the moment it was decoded. What a plan was
made of may be a server instead of a folder: then its `Origin` reads.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from typing_extensions import Self

from pyomero_upload.errors import UnreadableFileError
from pyomero_upload.model import FileStat, Hypercube, Plan, PlaneIndex, PlaneSource, Problem, Sizes
from pyomero_upload.processing.processor import ImageProcessor
from pyomero_upload.readers import read_planes
from pyomero_upload.targets.digest import plane_digest, zeros_digest
from pyomero_upload.targets.files.names import storable
from pyomero_upload.targets.target import Block, Pixels, Plane
from pyomero_upload.transfer.manifest import BlankPlane

# Decoded pixels that are taken from one file at once; more of them are read in several turns.
READ_BYTES = 16 << 20


class ImageFailedError(Exception):
    """An image cannot be made; the others can."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class StoppedError(Exception):
    """The job is being stopped."""


class Origin(Protocol):
    """Where the pixels and texts of a plan are, if not in the files of a folder."""

    @property
    def place(self) -> str:
        """What it is called, for people; the same place has the same name."""

    def read(self, path: str, wanted: Sequence[PlaneSource]) -> Sequence[Pixels]:
        """Return planes that the plan says are in `path`; called from several threads.

        Raises
        ------
        PyomeroError
            If that is not possible; the job stops and can go on later.

        """

    def original(self, path: str) -> Iterator[bytes]:
        """Iterate over the bytes of an attachment of the plan; errors as for `read`."""


@dataclass(frozen=True, slots=True)
class ImageInput:
    """All that is needed to read one image's planes.

    Attributes
    ----------
    image, source
        What is written, and what it is read from; the same object without a processor.
    processor
        What is between them.
    folder, files
        The source folder, and how its files looked when the plan was made.
    blank_bad_planes
        Whether a plane that cannot be read becomes zeros, or stops the image.
    origin
        What reads the planes; None: they are in files of `folder`.

    """

    image: Hypercube
    source: Hypercube
    processor: ImageProcessor | None
    folder: Path
    files: Mapping[str, FileStat]
    blank_bad_planes: bool
    origin: Origin | None = None

    @classmethod
    def of(
        cls,
        plan: Plan,
        image: Hypercube,
        source: Hypercube,
        processor: ImageProcessor | None,
        *,
        blank_bad_planes: bool,
        origin: Origin | None = None,
    ) -> Self:
        """Return what is needed for an image of a plan."""
        folder, files = plan.source.folder, plan.source.files
        return cls(image, source, processor, folder, files, blank_bad_planes, origin)


@dataclass(slots=True)
class BlockReading:
    """One reading of a block; afterwards it knows the digests, and which planes could not be read.

    Parameters
    ----------
    work
        The image.
    block
        Which planes of it.
    on_plane
        Called after each plane; raises to stop.

    """

    work: ImageInput
    block: Block
    on_plane: Callable[[], None]
    digests: dict[PlaneIndex, str] = field(default_factory=dict)
    source_digests: dict[PlaneIndex, str] = field(default_factory=dict)
    blank: list[BlankPlane] = field(default_factory=list)

    def planes(self) -> Iterator[Plane]:
        """Iterate over the planes of the block, each once, those of one file together."""
        work = self.work
        if work.processor is None:
            planes = self._read(self.block.indexes, self.digests)
        else:
            planes = self._processed(work.processor)
        for plane in planes:
            yield plane
            self.on_plane()

    def _processed(self, processor: ImageProcessor) -> Iterator[Plane]:
        """Iterate over what a processor makes of the z-stacks of the block."""
        image, source = self.work.image, self.work.source
        for t, c in dict.fromkeys((index.t, index.c) for index in self.block.indexes):
            indexes = [PlaneIndex(t, c, z) for z in range(source.sizes.z)]
            stack = np.zeros((source.sizes.z, source.sizes.y, source.sizes.x), source.dtype)
            something = False
            for index, pixels in self._read(indexes, self.source_digests):
                if pixels is not None:
                    stack[index.z] = pixels
                    something = True
            result = self._process(processor, stack, t, c) if something else None
            for z in range(image.sizes.z):
                index = PlaneIndex(t, c, z)
                made = None if result is None else np.ascontiguousarray(result[z])
                self.digests[index] = _digest(made, image.sizes, image.dtype)
                yield Plane(index, made)

    def _process(self, processor: ImageProcessor, stack: Pixels, t: int, c: int) -> Pixels:
        image = self.work.image
        try:
            result = processor.process(stack, t, c, self.work.source)
            shape, dtype = result.shape, result.dtype.name
        except Exception as error:
            # The user's own code may raise anything; the image stops, and the reason is told.
            raise ImageFailedError(
                Problem(
                    "error",
                    "processor-failed",
                    f"{image.name} t={t} c={c}",
                    f"The image processor {type(processor).__name__} raised {type(error).__name__}: {error}",
                    "Repair the processor, then run the same command again.",
                )
            ) from error
        expected = (image.sizes.z, image.sizes.y, image.sizes.x)
        if shape != expected or dtype != image.dtype:
            raise ImageFailedError(
                Problem(
                    "error",
                    "processor-failed",
                    f"{image.name} t={t} c={c}",
                    f"The image processor {type(processor).__name__} said it makes {_shape(expected, image.dtype)} "
                    f"and made {_shape(shape, dtype)}.",
                    "Its describe and process must agree.",
                )
            )
        return result

    def _read(
        self, indexes: Sequence[PlaneIndex], digests: dict[PlaneIndex, str]
    ) -> Iterator[Plane]:
        """Iterate over source planes, grouped by file; fills `digests`."""
        source = self.work.source
        by_file: dict[str, list[tuple[PlaneIndex, PlaneSource]]] = {}
        for index in indexes:
            where = source.planes.get(index)
            if where is None:
                digests[index] = _digest(None, source.sizes, source.dtype)
                yield Plane(index, None)
            else:
                by_file.setdefault(where.path, []).append((index, where))
        plane_bytes = source.sizes.y * source.sizes.x * np.dtype(source.dtype).itemsize
        at_once = max(1, READ_BYTES // max(plane_bytes, 1))
        for path, wanted in by_file.items():
            for first in range(0, len(wanted), at_once):
                part = wanted[first : first + at_once]
                pixels = self._read_file(path, part)
                for number, (index, _) in enumerate(part):
                    found = None if pixels is None else pixels[number]
                    digests[index] = _digest(found, source.sizes, source.dtype)
                    yield Plane(index, found)

    def _read_file(
        self, path: str, wanted: Sequence[tuple[PlaneIndex, PlaneSource]]
    ) -> Sequence[Pixels] | None:
        """Return the pixels of planes in one file, or None where they could not be read and shall be blank."""
        try:
            if self.work.origin is not None:
                pixels = self.work.origin.read(path, [where for _, where in wanted])
            else:
                file = self.work.folder / path
                self._check_unchanged(path, file)
                pixels = read_planes(
                    file,
                    [(where.page, where.sample) for _, where in wanted],
                    pages=wanted[0][1].pages,
                )
            self._check_shape(path, pixels)
        except (OSError, UnreadableFileError) as error:
            message = str(error)
            if not self.work.blank_bad_planes:
                first = wanted[0][0]
                raise ImageFailedError(
                    Problem(
                        "error",
                        "unreadable-file",
                        path,
                        f"{message} (image {self.work.image.name}, t={first.t} c={first.c} z={first.z})",
                        "Replace the file with a good copy and run the same command again, or use "
                        "--on-bad-plane blank to have zeros in its place.",
                    )
                ) from error
            self.blank += [
                BlankPlane(
                    t=index.t, c=index.c, z=index.z, file=storable(path), message=storable(message)
                )
                for index, _ in wanted
            ]
            return None
        return pixels

    def _check_unchanged(self, path: str, file: Path) -> None:
        """Stop the image where a file is no longer what was planned with; blanking it would hide new data."""
        planned = self.work.files.get(path)
        now = file.stat()
        if planned is not None and planned != FileStat(now.st_size, now.st_mtime_ns):
            raise ImageFailedError(
                Problem(
                    "error",
                    "input-changed",
                    path,
                    "The file changed after the plan was made.",
                    "When nothing writes to the folder any more, plan and convert again.",
                )
            )

    def _check_shape(self, path: str, pixels: Sequence[Pixels]) -> None:
        source = self.work.source
        expected = ((source.sizes.y, source.sizes.x), source.dtype)
        for plane in pixels:
            if (plane.shape, plane.dtype.name) != expected:
                raise UnreadableFileError(
                    f"{path} holds {_shape(plane.shape, plane.dtype.name)}, "
                    f"but the image {source.name} is {_shape(*expected)}."
                )


def _digest(pixels: Pixels | None, sizes: Sizes, dtype: str) -> str:
    return zeros_digest(sizes.y, sizes.x, dtype) if pixels is None else plane_digest(pixels)


def _shape(shape: Sequence[int], dtype: str) -> str:
    return f"{'×'.join(map(str, shape))} pixels of {dtype}"
