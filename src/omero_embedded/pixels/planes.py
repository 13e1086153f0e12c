"""The file of an ordinary image: all planes one after the other, nothing else.

A file is write-once. Who may write is settled when it is opened: whoever opened it before
it was there may, however many they are; whoever came later may only read. The first write
or read makes the file in its full length (sparse, so unwritten planes are zeros); opening
alone does not.

Bytes go between caller and file by `pread` and `pwrite`, which let other threads run
meanwhile and need no shared position; what takes parts of planes looks at the file through
a memory map.
"""

import hashlib
import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt

from omero_embedded.pixels.dimensions import Dimensions, Hypercube, check_size
from omero_embedded.pixels.errors import (
    BeyondPlaneError,
    IllegalPositionError,
    OutOfBoundsError,
    ReadOnlyError,
    RowsOutOfBoundsError,
    UnsupportedError,
    WrongLengthError,
)

# The largest tile the real server answers to «which tile size?», in bytes.
_MAXIMUM_TILE = 1048576

_HASHED_AT_ONCE = 1 << 18

Array = npt.NDArray[Any]


class _Known:
    """The digest of a file as it was last computed, known to all who have the file open.

    Several stores write one image, and the end of each asks for the digest of the whole.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writes = 0
        self._digest: tuple[tuple[int, int, int], bytes] | None = None

    def note_write(self) -> None:
        """Forget the digest; to be called before and after bytes are written."""
        with self._lock:
            self._writes += 1

    def digest(self, descriptor: int, compute: Callable[[], bytes]) -> bytes:
        """Return the digest, computed anew where anybody has written since, also behind our back."""
        state = self._state(descriptor)
        with self._lock:
            known = self._digest
        if known is None or known[0] != state:
            known = state, compute()
            with self._lock:
                self._digest = known
        return known[1]

    def _state(self, descriptor: int) -> tuple[int, int, int]:
        status = os.fstat(descriptor)
        return self._writes, status.st_mtime_ns, status.st_size


_known: WeakValueDictionary[Path, _Known] = WeakValueDictionary()
_known_lock = threading.Lock()


class PlaneFile:
    """The planes of one image, on disk.

    Parameters
    ----------
    path
        Where the file is, or will be. Its folder is made when it is needed.
    dimensions
        Sizes and type of the image.
    imported
        Whether the planes came by an import: such an image has no writing at all.
    """

    resolution_levels = 1
    resolution_level = 0

    def __init__(self, path: Path, dimensions: Dimensions, *, imported: bool = False) -> None:
        self.path = path
        self.dimensions = dimensions
        self.writable = not path.exists()
        self._imported = imported
        self._descriptor: int | None = None
        self._position = threading.Lock()  # only Windows, which has no pread, needs it
        with _known_lock:
            self._known = _known.setdefault(path, _Known())

    # ------------------------------------------------------------ bytes
    def read(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset` on; what lies beyond the end reads as zeros."""
        if size < 0 or offset < 0:
            raise IllegalPositionError(f"Negative {'position' if offset < 0 else 'size'}")
        check_size(size)
        data = _read_at(self._open(), offset, size, self._position)
        return data if len(data) == size else data.ljust(size, b"\0")

    def write(self, offset: int, data: bytes) -> None:
        """Write bytes at `offset`.

        Raises
        ------
        ReadOnlyError
            If the file was there when this was opened.
        """
        self.check_writable()
        view = memoryview(data)
        self._known.note_write()
        try:
            while view:
                written = _write_at(self._open(), offset, view, self._position)
                offset, view = offset + written, view[written:]
        finally:
            self._known.note_write()

    def write_exactly(self, offset: int, size: int, data: bytes) -> None:
        """Write the `size` bytes of a plane, a stack or a time point.

        Raises
        ------
        WrongLengthError
            If `data` has another length.
        """
        if len(data) < size:
            raise WrongLengthError("BufferUnderflowException: null")
        if len(data) > size:
            raise WrongLengthError("BufferOverflowException: null")
        self.write(offset, data)

    def check_writable(self) -> None:
        """Raise `ReadOnlyError` unless this store may write, `UnsupportedError` if nobody ever may."""
        if self._imported:
            raise UnsupportedError("An imported image cannot be written.")
        if not self.writable:
            raise ReadOnlyError("Write-method not permitted.")

    def write_tile(
        self, data: bytes, position: tuple[int, int, int], region: Sequence[int]
    ) -> None:
        """Write whole rows of plane z, c, t; `region` is x, y, width, height.

        Raises
        ------
        UnsupportedError
            If the region does not span the whole width: that is for pyramids.
        RowsOutOfBoundsError
            If there is no such plane.
        """
        x, y, width, _ = region
        if x != 0 or width != self.dimensions.x:
            raise UnsupportedError("An ordinary pixel file takes whole rows only.")
        try:
            start = self.dimensions.plane_offset(*position) + y * self.dimensions.row_size
        except OutOfBoundsError as error:
            raise RowsOutOfBoundsError(str(error)) from error
        self.write(start, data)

    # ------------------------------------------------------------ arrays
    def array(self) -> Array:
        """Return the whole image as a read-only memory map of shape t, c, z, y, x."""
        d = self.dimensions
        return self._mapped(d.type.dtype, (d.t, d.c, d.z, d.y, d.x))

    def _mapped(self, dtype: npt.DTypeLike, shape: tuple[int, ...] | None = None) -> Array:
        """Return a memory map of what is open, whatever has become of the path: stores outlive their image."""
        with os.fdopen(os.dup(self._open()), "rb") as file:
            return np.memmap(file, dtype=dtype, mode="r", shape=shape)

    def plane(self, z: int, c: int, t: int) -> Array:
        """Return plane z, c, t as an array of shape y, x."""
        d = self.dimensions
        data = self.read(d.plane_offset(z, c, t), d.plane_size)
        return np.frombuffer(data, d.type.dtype).reshape(d.y, d.x)

    def stack(self, c: int, t: int) -> Array:
        """Return the z-sections of channel c at t as an array of shape z, y, x."""
        d = self.dimensions
        data = self.read(d.stack_offset(c, t), d.stack_size)
        return np.frombuffer(data, d.type.dtype).reshape(d.z, d.y, d.x)

    def column(self, x: int, z: int, c: int, t: int) -> bytes:
        """Return the values of column x, top to bottom.

        They go through signed integers on the real server, so that those of 32 bits without a sign
        stop at 2^31 - 1.
        """
        plane = self.plane(z, c, t)
        if not 0 <= x < self.dimensions.x:
            raise BeyondPlaneError(f"No column {x} in a plane {self.dimensions.x} wide.")
        return as_signed(plane[:, x]).tobytes()

    def hypercube(self, offset: Sequence[int], size: Sequence[int], step: Sequence[int]) -> bytes:
        """Return the values of a regular part of the image, x fastest and t slowest."""
        cube = Hypercube.of(self.dimensions, offset, size, step)
        return self.array()[cube.slices].tobytes()

    def tile(self, position: tuple[int, int, int], region: Sequence[int]) -> Array:
        """Return a part of plane z, c, t as an array; `region` is x, y, width, height."""
        x, y, width, height = region
        z, c, t = position
        cube = Hypercube.of(
            self.dimensions, (x, y, z, c, t), (width, height, 1, 1, 1), (1, 1, 1, 1, 1)
        )
        tile: Array = self.array()[cube.slices][0, 0, 0]
        return tile

    def digest(self) -> bytes:
        """Return the SHA-1 over all planes in the order t, c, z, z fastest."""
        return self._known.digest(self._open(), self._computed_digest)

    def _computed_digest(self) -> bytes:
        # Part by part, in memory that stays in the processor's cache: through a map, whose pages have to be put in place
        # one by one, it takes half as long again. Regions may have been written behind the last plane.
        computed, total = hashlib.sha1(usedforsecurity=False), self.dimensions.total_size
        for start in range(0, total, _HASHED_AT_ONCE):
            computed.update(self.read(start, min(_HASHED_AT_ONCE, total - start)))
        return computed.digest()

    # ------------------------------------------------------------ levels
    @property
    def tile_size(self) -> tuple[int, int]:
        """Width and height of the tiles to ask for: whole rows, up to a megabyte."""
        d = self.dimensions
        return d.x, min(d.y, _MAXIMUM_TILE // d.type.byte_width // d.x)

    def level_sizes(self) -> list[tuple[int, int]]:
        """Return width and height at each resolution level: only one."""
        return [(self.dimensions.x, self.dimensions.y)]

    def set_resolution_level(self, level: int) -> None:
        """Raise `UnsupportedError`: an ordinary image has one level."""
        raise UnsupportedError(f"Cannot set resolution level {level} on an ordinary pixel file.")

    # ------------------------------------------------------------ life
    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
            self._descriptor = os.open(self.path, flags, 0o600)
            if os.fstat(self._descriptor).st_size < self.dimensions.total_size:
                os.truncate(self._descriptor, self.dimensions.total_size)
        return self._descriptor


def as_signed(values: Array) -> Array:
    """Return values as the real server hands on what it takes value by value out of a plane (ome.util.PixelData)."""
    if values.dtype.kind == "u" and values.dtype.itemsize == 4:
        return np.minimum(values, 2**31 - 1).astype(values.dtype)
    return values


def _read_at(descriptor: int, offset: int, size: int, position: threading.Lock) -> bytes:
    if sys.platform != "win32":
        return os.pread(descriptor, size, offset)
    with position:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size)


def _write_at(descriptor: int, offset: int, data: memoryview, position: threading.Lock) -> int:
    if sys.platform != "win32":
        return os.pwrite(descriptor, data, offset)
    with position:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.write(descriptor, data)
