"""Where the pixels of an image are on disk, and opening them.

Below the server's folder in `Pixels/`, under the id, a thousand to a folder as on the real server:
`Pixels/42`, `Pixels/Dir-001/1042`.
"""

import shutil
import uuid
from pathlib import Path

from omero_embedded import errors
from omero_embedded.pixels.description import Description
from omero_embedded.pixels.levels import LevelledFile, levels_at
from omero_embedded.pixels.planes import PlaneFile
from omero_embedded.pixels.pyramid import PyramidFile, files_of, requires_pyramid

PixelsFile = PlaneFile | PyramidFile

_IMPORT = "import-"


def path_below(folder: Path, identifier: int) -> Path:
    """Return the path of an object's file below a folder that holds one file for each id."""
    parts = [str(identifier)]
    rest = identifier // 1000
    while rest:
        parts.insert(0, f"Dir-{rest % 1000:03d}")
        rest //= 1000
    return folder.joinpath(*parts)


def pixels_path(folder: Path, pixels_id: int) -> Path:
    """Return where the pixels of that id are, or will be."""
    return path_below(folder / "Pixels", pixels_id)


def import_folder(folder: Path) -> Path:
    """Return a new folder's path for planes that have no id yet, on the disk where they will stay."""
    return folder / "Pixels" / f"{_IMPORT}{uuid.uuid4()}"


def remove_unfinished(folder: Path) -> None:
    """Remove what imports left behind when the server was killed; for its start only."""
    for left in (folder / "Pixels").glob(f"{_IMPORT}*"):
        shutil.rmtree(left, ignore_errors=True)


def open_pixels(folder: Path, description: Description) -> PixelsFile:
    """Open the pixels of an image, to write them where nothing is there yet.

    Raises
    ------
    PixelsError
        If their type cannot be stored, or a pyramid is broken or being written.
    """
    path, dimensions = pixels_path(folder, description.id), description.dimensions
    smaller = levels_at(path) if description.imported else []
    if smaller:
        return LevelledFile(path, dimensions, smaller)
    if requires_pyramid(dimensions):
        return PyramidFile(path, dimensions)
    return PlaneFile(path, dimensions, imported=description.imported)


def open_for_reading(folder: Path, description: Description) -> PixelsFile:
    """Open the pixels of an image that has some.

    Raises
    ------
    omero.LockTimeout
        If nothing was written yet.
    PixelsError
        As `open_pixels`.
    """
    if not pixels_path(folder, description.id).exists():
        raise errors.lock_timeout("Import in progress.", 15)
    return open_pixels(folder, description)


def delete_pixels(folder: Path, pixels_id: int) -> None:
    """Remove the pixels of that id from the disk; stores that have them open go on."""
    for file in files_of(pixels_path(folder, pixels_id)):
        file.unlink(missing_ok=True)


def thumbnail_path(folder: Path, thumbnail_id: int) -> Path:
    """Return where the thumbnail of that id is, or will be."""
    return path_below(folder / "Thumbnails", thumbnail_id)


def original_file_path(folder: Path, file_id: int) -> Path:
    """Return where the contents of the OriginalFile of that id are, or will be."""
    return path_below(folder / "Files", file_id)
