"""The five dimensions of an image: sizes of its parts in bytes, where each part begins, bounds.

Planes lie in the file in the order XYZCT: x fastest, t slowest. All offsets are in bytes
from the start of the file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from omero_embedded.pixels.errors import NegativeSizeError, OutOfBoundsError, TooLargeError
from omero_embedded.pixels.types import PixelType

AXES = "XYZCT"

# What goes through one call is counted in 32 bits on the real server.
_AT_ONCE = 2**31 - 1


def check_size(size: int) -> None:
    """Check that so many bytes can be given in one answer.

    Raises
    ------
    TooLargeError
        If they are too many.
    """
    if size > _AT_ONCE:
        raise TooLargeError(f"Converting Long {size} to Integer is an overflow.")


@dataclass(frozen=True, slots=True)
class Dimensions:
    """Sizes of an image along x, y, z, c, t, and the type of its values."""

    x: int
    y: int
    z: int
    c: int
    t: int
    type: PixelType

    @property
    def row_size(self) -> int:
        """Bytes of one row."""
        return self.x * self.type.byte_width

    @property
    def plane_size(self) -> int:
        """Bytes of one plane."""
        return self.row_size * self.y

    @property
    def stack_size(self) -> int:
        """Bytes of all z-sections of one channel at one time point."""
        return self.plane_size * self.z

    @property
    def timepoint_size(self) -> int:
        """Bytes of all stacks at one time point."""
        return self.stack_size * self.c

    @property
    def total_size(self) -> int:
        """Bytes of the whole image."""
        return self.timepoint_size * self.t

    def check(
        self,
        x: int | None = None,
        y: int | None = None,
        z: int | None = None,
        c: int | None = None,
        t: int | None = None,
    ) -> None:
        """Check indexes against the sizes, in the order x, y, z, c, t.

        Raises
        ------
        OutOfBoundsError
            With the wording of the real server, for negative indexes too.
        """
        for axis, index, size in zip(
            AXES, (x, y, z, c, t), (self.x, self.y, self.z, self.c, self.t), strict=True
        ):
            if index is not None and not 0 <= index < size:
                raise OutOfBoundsError(f"{axis} '{index}' greater than size{axis} '{size}'.")

    def row_offset(self, y: int, z: int, c: int, t: int) -> int:
        """Return where row y of plane z, c, t begins."""
        self.check(None, y, z, c, t)
        return self.plane_offset(z, c, t) + y * self.row_size

    def plane_offset(self, z: int, c: int, t: int) -> int:
        """Return where plane z, c, t begins."""
        self.check(None, None, z, c, t)
        return t * self.timepoint_size + c * self.stack_size + z * self.plane_size

    def stack_offset(self, c: int, t: int) -> int:
        """Return where the stack of channel c at time point t begins."""
        self.check(None, None, None, c, t)
        return t * self.timepoint_size + c * self.stack_size

    def timepoint_offset(self, t: int) -> int:
        """Return where time point t begins."""
        self.check(None, None, None, None, t)
        return t * self.timepoint_size


@dataclass(frozen=True, slots=True)
class Hypercube:
    """A regular part of an image: where it begins, how far it reaches and by which steps.

    Each has five numbers, for x, y, z, c, t.
    """

    offset: tuple[int, int, int, int, int]
    size: tuple[int, int, int, int, int]
    step: tuple[int, int, int, int, int]

    @classmethod
    def of(
        cls, dimensions: Dimensions, offset: Sequence[int], size: Sequence[int], step: Sequence[int]
    ) -> "Hypercube":
        """Make a hypercube that lies within an image.

        Raises
        ------
        OutOfBoundsError
            If it does not, or one of the lists has not five numbers, or a step is below 1.
        NegativeSizeError
            If it has less than no extent along an axis, although it lies within the image.
        """
        if not len(offset) == len(size) == len(step) == len(AXES):
            raise OutOfBoundsError("Invalid List length: each list must contain 5 elements XYZCT")
        dimensions.check(*offset)
        dimensions.check(*(o + s - 1 for o, s in zip(offset, size, strict=True)))
        if min(step) < 1:
            raise OutOfBoundsError("Invalid step size: steps sizes must be 1 or greater")
        if min(size) < 0:
            raise NegativeSizeError(str(min(size)))
        count = prod(-(-s // p) for s, p in zip(size, step, strict=True))
        check_size(count * dimensions.type.byte_width)
        x, y, z, c, t = offset
        a, b, d, e, f = size
        g, h, i, j, k = step
        return cls((x, y, z, c, t), (a, b, d, e, f), (g, h, i, j, k))

    @property
    def slices(self) -> tuple[slice, slice, slice, slice, slice]:
        """Slices into an array of shape t, c, z, y, x."""
        x, y, z, c, t = (
            slice(o, o + s, p) for o, s, p in zip(self.offset, self.size, self.step, strict=True)
        )
        return t, c, z, y, x
