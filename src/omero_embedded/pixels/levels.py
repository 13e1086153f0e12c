"""The files of an imported image whose file brought smaller resolutions along, as slide scanners' files do.

Each resolution is a `PlaneFile`; `42_levels` tells their sizes. Such an image is read at its own
resolutions, unlike the pyramids that the server makes of big images (see `pyramid`).
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from omero_embedded.pixels.dimensions import Dimensions
from omero_embedded.pixels.errors import UnsupportedError
from omero_embedded.pixels.planes import PlaneFile

_TILE = 256

Size = tuple[int, int]


class LevelledFile(PlaneFile):
    """An imported image at one of its resolutions: `dimensions` are those of the current one.

    Parameters
    ----------
    path
        Where the full resolution is.
    dimensions
        Sizes of the full resolution.
    smaller
        Width and height of the others, largest first.
    """

    def __init__(self, path: Path, dimensions: Dimensions, smaller: Sequence[Size]) -> None:
        super().__init__(path, dimensions, imported=True)
        self._levels = [
            *(
                (_level_path(path, i), replace(dimensions, x=x, y=y))
                for i, (x, y) in reversed(list(enumerate(smaller)))
            ),
            (path, dimensions),
        ]
        self.resolution_levels = len(self._levels)
        self.resolution_level = self.resolution_levels - 1

    @property
    def tile_size(self) -> Size:
        """Width and height of the tiles to ask for."""
        return min(_TILE, self.dimensions.x), min(_TILE, self.dimensions.y)

    def level_sizes(self) -> list[Size]:
        """Return width and height at each resolution, the full one first."""
        return [(d.x, d.y) for _, d in reversed(self._levels)]

    def set_resolution_level(self, level: int) -> None:
        """Choose the resolution that is read; the highest number is the full one.

        Raises
        ------
        UnsupportedError
            If there is no such level.
        """
        if not 0 <= level < self.resolution_levels:
            raise UnsupportedError(
                f"No resolution level {level}; there are {self.resolution_levels}."
            )
        self.close()
        self.path, self.dimensions = self._levels[level]
        self.resolution_level = level

    def digest(self) -> bytes:
        """Return the SHA-1 over all planes in the order t, c, z at full resolution."""
        path, dimensions = self._levels[-1]
        full = PlaneFile(path, dimensions)
        try:
            return full.digest()
        finally:
            full.close()


def new_levels(path: Path, dimensions: Dimensions, smaller: Sequence[Size]) -> list[PlaneFile]:
    """Return files for the smaller resolutions of an image at the path, to be written and closed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _sizes_path(path).write_text(json.dumps(list(smaller)), encoding="utf-8")
    return [
        PlaneFile(_level_path(path, i), replace(dimensions, x=x, y=y))
        for i, (x, y) in enumerate(smaller)
    ]


def levels_at(path: Path) -> list[Size]:
    """Return width and height of the smaller resolutions that an import brought, largest first."""
    try:
        told = json.loads(_sizes_path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return [(x, y) for x, y in told]


def level_files(path: Path) -> list[Path]:
    """Return the files beside that of the full resolution."""
    count = len(levels_at(path))
    return [*(_level_path(path, i) for i in range(count)), _sizes_path(path)] if count else []


def _level_path(path: Path, index: int) -> Path:
    return path.with_name(f"{path.name}_smaller{index}")


def _sizes_path(path: Path) -> Path:
    return path.with_name(f"{path.name}_levels")
