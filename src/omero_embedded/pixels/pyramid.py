"""The file of a big image: written once, tile by tile, then read at six resolutions.

The real server keeps big images as JPEG 2000 tiles, and each tile's five wavelet steps give
five smaller pictures of it. What clients see of that is here: who may write, what is refused
while writing, and the values at each resolution, computed by the same reversible wavelet.
The tiles themselves lie in a `PlaneFile`; each smaller resolution in another one beside it.

A pyramid is written by one store alone. It is finished by the first call that reads, or by
closing; a pyramid that is closed before every tile was written can never be read.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omero_embedded.pixels.dimensions import Dimensions
from omero_embedded.pixels.errors import (
    BeingWrittenError,
    BrokenPyramidError,
    ReadOnlyError,
    UnsupportedError,
    WriteModeError,
    WrongLengthError,
)
from omero_embedded.pixels.levels import level_files
from omero_embedded.pixels.planes import PlaneFile

LEVELS = 6
TILE = 256

# omero.pixeldata.max_plane_width and max_plane_height; the product counts.
_MAXIMUM_PLANE = 3192 * 3192

Array = npt.NDArray[Any]

_writing: set[Path] = set()
_writing_lock = threading.Lock()


def requires_pyramid(dimensions: Dimensions) -> bool:
    """Whether an image is so big that it is kept as a pyramid; floating-point ones never are."""
    return dimensions.x * dimensions.y > _MAXIMUM_PLANE and not dimensions.type.is_float


class PyramidFile:
    """The tiles of one big image, on disk.

    Parameters
    ----------
    path
        Where the full resolution is, or will be.
    dimensions
        Sizes and type of the image.

    Raises
    ------
    BeingWrittenError
        If another store is writing this pyramid.
    BrokenPyramidError
        If it was closed before all tiles were written.
    """

    tile_size = (TILE, TILE)

    def __init__(self, path: Path, dimensions: Dimensions) -> None:
        self.path = path
        self.dimensions = dimensions
        self._level = LEVELS - 1
        self._files: dict[int, PlaneFile] = {}
        self._written: set[tuple[int, int, int, int, int]] = set()
        self._touched = False
        self.writable = not path.exists()
        if self.writable:
            with _writing_lock:
                if path in _writing:
                    raise BeingWrittenError(f"Already locked! {path}")
                _writing.add(path)
        elif not _level_path(path, 0).exists():
            raise BrokenPyramidError(
                f"Error instantiating pixel buffer: {path} was closed before all its tiles were "
                "written. Make the Image anew."
            )

    # ------------------------------------------------------------ writing
    def check_writable(self) -> None:
        """Raise `UnsupportedError`: planes, rows and stacks are not for pyramids."""
        self._touched = True
        raise UnsupportedError("A big image is written by tiles only.")

    def write_exactly(self, _offset: int, _size: int, _data: bytes) -> None:
        """Raise `UnsupportedError`: planes and stacks are not for pyramids."""
        self.check_writable()

    def write(self, _offset: int, _data: bytes) -> None:
        """Raise `UnsupportedError`: rows and regions are not for pyramids."""
        self.check_writable()

    def write_tile(
        self, data: bytes, position: tuple[int, int, int], region: Sequence[int]
    ) -> None:
        """Write one tile of plane z, c, t; `region` is x, y, width, height.

        Raises
        ------
        ReadOnlyError
            If the pyramid is finished.
        OutOfBoundsError
            If the tile reaches out of the plane.
        WrongLengthError
            If `data` is shorter or longer than the tile.
        """
        if not self.writable:
            raise ReadOnlyError("In read-only mode!")
        d = self.dimensions
        x, y, width, height = region
        z, c, t = position
        d.check(x, y, z, c, t)
        d.check(x + width - 1, y + height - 1)
        row = width * d.type.byte_width
        if len(data) != row * height:
            raise WrongLengthError(f"A tile of {width}×{height} has {row * height} bytes.")
        if not self._touched or not self._files:
            self._begin()
        full = self._files[LEVELS - 1]
        start = d.plane_offset(z, c, t) + x * d.type.byte_width
        view = memoryview(data)
        for line in range(height):
            full.write(start + (y + line) * d.row_size, bytes(view[line * row : (line + 1) * row]))
        for j in range(y // TILE, -(-(y + height) // TILE)):
            for i in range(x // TILE, -(-(x + width) // TILE)):
                self._written.add((z, c, t, i, j))

    def _begin(self) -> None:
        self._touched = True
        d = self.dimensions
        self._files[LEVELS - 1] = PlaneFile(self.path, d)

    @property
    def _is_complete(self) -> bool:
        d = self.dimensions
        tiles = -(-d.x // TILE) * -(-d.y // TILE) * d.z * d.c * d.t
        return len(self._written) == tiles

    def _finish(self) -> None:
        """End the writing: make the smaller resolutions, or leave a broken pyramid."""
        if not self.writable:
            return
        self.writable = False
        try:
            if self._touched and self._is_complete:
                self._make_levels()
            elif self._touched:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.touch()
        finally:
            with _writing_lock:
                _writing.discard(self.path)

    def _make_levels(self) -> None:
        d = self.dimensions
        full = self._files[LEVELS - 1]
        # The smallest one is written last: its being there says that all are.
        for level in range(LEVELS - 2, -1, -1):
            scale = 1 << (LEVELS - 1 - level)
            smaller = self._file(level)
            planes = full.array()
            for t in range(d.t):
                for c in range(d.c):
                    for z in range(d.z):
                        picture = _smaller(planes[t, c, z], scale)
                        offset = smaller.dimensions.plane_offset(z, c, t)
                        smaller.write(offset, picture.tobytes())

    # ------------------------------------------------------------ reading
    def plane(self, z: int, c: int, t: int) -> Array:
        """Return plane z, c, t at the current resolution, shape y, x."""
        return self._reader().plane(z, c, t)

    def tile(self, position: tuple[int, int, int], region: Sequence[int]) -> Array:
        """Return a part of a plane at the current resolution; `region` is x, y, width, height."""
        return self._reader().tile(position, region)

    def column(self, x: int, z: int, c: int, t: int) -> bytes:
        """Return column x of a plane."""
        return self._reader().column(x, z, c, t)

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes of the current resolution."""
        return self._reader().read(offset, size)

    def digest(self) -> bytes:
        """Return the SHA-1 over all planes in the order t, c, z at full resolution."""
        self._reader()
        return self._file(LEVELS - 1).digest()

    def stack(self, c: int, t: int) -> Array:
        """Raise `UnsupportedError`: big images have no stacks to read at once."""
        raise UnsupportedError(f"No stack (c {c}, t {t}) of a big image.")

    def hypercube(self, offset: Sequence[int], size: Sequence[int], step: Sequence[int]) -> bytes:
        """Raise `UnsupportedError`: big images have no hypercubes."""
        raise UnsupportedError(f"No hypercube {offset} {size} {step} of a big image.")

    def _reader(self) -> PlaneFile:
        self._finish()
        if not _level_path(self.path, 0).exists():
            raise BrokenPyramidError(f"Error instantiating pixel buffer: {self.path}")
        return self._file(self._level)

    # ------------------------------------------------------------ levels
    @property
    def resolution_levels(self) -> int:
        """How many resolutions there are."""
        self._check_finished()
        return LEVELS

    @property
    def resolution_level(self) -> int:
        """The current resolution; the highest number is the full one."""
        self._check_finished()
        return self._level

    def set_resolution_level(self, level: int) -> None:
        """Choose the resolution that is read.

        Raises
        ------
        UnsupportedError
            If there is no such level.
        """
        self._check_finished()
        if not 0 <= level < LEVELS:
            raise UnsupportedError(f"No resolution level {level}; there are {LEVELS}.")
        self._level = level

    def level_sizes(self) -> list[tuple[int, int]]:
        """Return width and height at each resolution, the full one first."""
        self._check_finished()
        sizes = [_level_dimensions(self.dimensions, level) for level in range(LEVELS)]
        return [(d.x, d.y) for d in reversed(sizes)]

    @property
    def level_dimensions(self) -> Dimensions:
        """The image's dimensions at the current resolution."""
        return _level_dimensions(self.dimensions, self._level)

    def _check_finished(self) -> None:
        if self.writable:
            raise WriteModeError("In write mode!")

    def _file(self, level: int) -> PlaneFile:
        if level not in self._files:
            path = _level_path(self.path, level)
            self._files[level] = PlaneFile(path, _level_dimensions(self.dimensions, level))
        return self._files[level]

    # ------------------------------------------------------------ life
    def close(self) -> None:
        """End the writing, if any, and let go of the files."""
        try:
            self._finish()
        finally:
            for file in self._files.values():
                file.close()


def files_of(path: Path) -> list[Path]:
    """Return all files that pixels at a path may consist of."""
    return [*(_level_path(path, level) for level in range(LEVELS)), *level_files(path)]


def _level_path(path: Path, level: int) -> Path:
    return path if level == LEVELS - 1 else path.with_name(f"{path.name}_level{level}")


def _level_dimensions(d: Dimensions, level: int) -> Dimensions:
    scale = 1 << (LEVELS - 1 - level)
    return Dimensions(-(-d.x // scale), -(-d.y // scale), d.z, d.c, d.t, d.type)


def _smaller(plane: Array, scale: int) -> Array:
    """Return a plane at 1/scale, as JPEG 2000 tiles of 256×256 give it."""
    height, width = plane.shape
    out = np.empty((-(-height // scale), -(-width // scale)), plane.dtype)
    limits = np.iinfo(plane.dtype)
    for y in range(0, height, TILE):
        for x in range(0, width, TILE):
            tile = plane[y : y + TILE, x : x + TILE].astype(np.int64)
            step = scale
            while step > 1:
                tile = _low_pass(_low_pass(tile).T).T
                step //= 2
            part = np.clip(tile, limits.min, limits.max)
            out[
                y // scale : y // scale + part.shape[0], x // scale : x // scale + part.shape[1]
            ] = part
    return out


def _low_pass(a: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return every second row after the reversible 5/3 wavelet step of JPEG 2000 (ISO 15444-1)."""
    even, odd = a[0::2], a[1::2]
    if len(odd) == 0:
        return even
    right = even[1:] if len(even) > len(odd) else np.concatenate([even[1:], even[-1:]])
    detail = odd - ((even[: len(odd)] + right[: len(odd)]) >> 1)
    left = np.concatenate([detail[:1], detail])[: len(even)]
    here = detail if len(even) == len(odd) else np.concatenate([detail, detail[-1:]])
    smooth: npt.NDArray[np.int64] = even + ((left + here + 2) >> 2)
    return smooth
