"""What a target is: the place where images go, be it files or a server.

Stands between `transfer`, which reads planes and drives the work, and the packages beside this module, which know one
kind of target each. Life of a target: `open_image` for each image, `write` for each of its blocks (several threads at
once, blocks started in their order), `finish`, `publish`; and for an image that an earlier run made, `holds`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import Hypercube, PlaneIndex

Pixels = npt.NDArray[np.generic]


class Plane(NamedTuple):
    """One plane on its way into a target.

    Attributes
    ----------
    which
        The plane of the image as written.
    pixels
        Axes y, x; C-contiguous; of the image's dtype. `None`: nothing was taken here, the plane is all zeros.

    """

    which: PlaneIndex
    pixels: Pixels | None


class Block(NamedTuple):
    """Planes that a target wants together, in the order t, c, z."""

    number: int
    indexes: tuple[PlaneIndex, ...]


@dataclass(frozen=True, slots=True)
class FileDigest:
    """A file that was written: its path inside the image (`""`: the image is this file), size and XXH3-128 digest."""

    path: str
    bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class ChannelRange:
    """The values of one channel in one block: the extremes, and limits between which nearly all pixels lie."""

    c: int
    lowest: float
    highest: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class BlockNote:
    """What a target wants to be reminded of when a job goes on: the journal keeps it, the target alone reads it.

    Attributes
    ----------
    files
        The files that hold the block.
    level_digests
        For each pyramid level after the first: digests of its planes, in the block's order.
    ranges
        The values of each channel.

    """

    files: tuple[FileDigest, ...] = ()
    level_digests: tuple[tuple[str, ...], ...] = ()
    ranges: tuple[ChannelRange, ...] = ()


class LevelSize(NamedTuple):
    """One resolution of an image: where it is inside the image, and its plane's height and width in pixels."""

    path: str
    y: int
    x: int


@dataclass(frozen=True, slots=True)
class Finished:
    """An image that is complete: its path in the output, its files, its resolutions from the finest."""

    path: str
    files: tuple[FileDigest, ...]
    levels: tuple[LevelSize, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Annotations:
    """What is said about the images besides what each image says itself."""

    creator: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    key_values: tuple[tuple[str, str], ...] = ()
    provenance: tuple[tuple[str, str], ...] = ()


class ImageWriter(Protocol):
    """An image open for writing."""

    @property
    def blocks(self) -> Sequence[Block]:
        """The blocks in which the target wants the image; together they hold each plane once."""

    @property
    def complete(self) -> Mapping[int, BlockNote]:
        """Blocks that the target already holds, by number; they are not written again."""

    def write(self, block: Block, planes: Iterable[Plane]) -> BlockNote:
        """Take a whole block. Planes come in any order and are read as they are asked for.

        Called from several threads, each with a block of its own. An exception from `planes` passes through.
        """

    def finish(self, notes: Mapping[int, BlockNote]) -> Finished:
        """Complete the image, all blocks of which have been written, and make it durable."""

    def abort(self) -> None:
        """Give up: close what is open. Other threads that wait in `write` raise `WriteAbortedError`."""


class Target(Protocol):
    """Where images go."""

    def open_image(self, image: Hypercube, notes: Mapping[int, BlockNote]) -> ImageWriter:
        """Open an image for writing, or go on with one; `notes` are those of blocks that were written earlier."""

    def publish(self, finished: Finished, blank: Sequence[PlaneIndex] = ()) -> None:
        """Make a finished image appear under its name. Does nothing when it already did.

        `blank` are planes of it that could not be read and are zeros instead.
        """

    def holds(self, finished: Finished) -> bool:
        """Whether an image that was finished earlier is still there.

        Raises
        ------
        PyomeroError
            If it is there in part: neither made again nor taken for good without asking the user.

        """


class WriteAbortedError(Exception):
    """The image was given up by another thread while this one waited to write a block of it."""


class UnderWayError(PyomeroError):
    """Somebody else makes the same images: the job must leave them alone."""


class ImageBrokenError(PyomeroError):
    """What the target has of an image is spoilt: it must be made anew. Other images are not touched by that."""


class ImageLostError(ImageBrokenError):
    """The image is out of reach, as when a server was started anew; nothing is wrong with what was written."""


def split_blocks(groups: Iterable[Sequence[PlaneIndex]]) -> Iterator[Block]:
    """Make blocks of groups of planes, numbered from 0."""
    for number, indexes in enumerate(groups):
        yield Block(number, tuple(indexes))
