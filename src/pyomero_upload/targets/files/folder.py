"""The output folder as a target: opens the right writer, and gives finished images their names.

Stands between `transfer` and the formats. An unfinished image is in `.pyomero/partial/` and gets its final name in one
rename, so what has a final name is complete.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from pyomero_upload.errors import PyomeroError, UsageError
from pyomero_upload.model import Hypercube, PlaneIndex, Problem
from pyomero_upload.targets.files import ome_tiff, ome_zarr
from pyomero_upload.targets.files.durable import rename, sync_folder
from pyomero_upload.targets.files.names import safe_names
from pyomero_upload.targets.target import Annotations, BlockNote, Finished, ImageWriter

Format = Literal["ome-zarr", "ome-tiff"]
SUFFIXES: Mapping[Format, str] = {"ome-zarr": ".ome.zarr", "ome-tiff": ".ome.tif"}
COMPRESSIONS: Mapping[Format, tuple[str, ...]] = {
    "ome-zarr": ome_zarr.COMPRESSIONS,
    "ome-tiff": ome_tiff.COMPRESSIONS,
}
# What both formats and OMERO can store.
DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")
STATE_FOLDER = ".pyomero"


class FolderTarget:
    """A folder that images are written to; see `targets.target.Target`.

    Parameters
    ----------
    out
        The output folder.
    names
        Of all images, to give each a file name that no other has.
    format, levels, compression
        As for `transfer.convert`, already checked.
    annotations
        What to write into each image's file besides pixels, where there is OME-XML in it.

    """

    def __init__(
        self,
        out: Path,
        names: tuple[str, ...],
        *,
        format: Format,  # noqa: A002 - the word of the field
        levels: int | None,
        compression: str,
        annotations: Annotations,
    ) -> None:
        self._out = out
        self._format = format
        self._levels = levels
        self._compression = compression
        self._annotations = annotations
        suffix = SUFFIXES[format]
        self.paths = {
            name: safe + suffix for name, safe in zip(names, safe_names(names), strict=True)
        }

    def open_image(self, image: Hypercube, notes: Mapping[int, BlockNote]) -> ImageWriter:
        """Open an image, or go on with it."""
        path = self.paths[image.name]
        partial = self._partial(path)
        partial.parent.mkdir(parents=True, exist_ok=True)
        if np.dtype(image.dtype).name not in DTYPES:
            raise PyomeroError(
                f"{image.name}: pixels of type {image.dtype} cannot be stored.",
                hint=f"The types that can are {', '.join(DTYPES)}; a processor can change the type.",
            )
        if self._format == "ome-tiff":
            return ome_tiff.OmeTiffWriter(
                partial, path, image, compression=self._compression, annotations=self._annotations
            )
        return ome_zarr.OmeZarrWriter(
            partial,
            path,
            image,
            levels=self._levels,
            compression=self._compression,
            notes=notes,
            annotations=self._annotations,
        )

    def publish(self, finished: Finished, blank: Sequence[PlaneIndex] = ()) -> None:
        """Move a finished image from the unfinished ones to its name; the manifest says which planes are blank."""
        del blank
        partial, final = self._partial(finished.path), self._out / finished.path
        if partial.exists():
            if final.exists():
                raise _in_the_way(final)
            rename(partial, final)
            sync_folder(self._out)

    def holds(self, finished: Finished) -> bool:
        """Whether all files of an image are there and as large as they were; what they hold is for `verify`."""
        final = self._out / finished.path
        if not final.exists():
            return False
        for file in finished.files:
            path = final / file.path if file.path else final
            size = path.stat().st_size if path.is_file() else None
            if size != file.bytes:
                raise PyomeroError(
                    f"{path} was written earlier and has been {'removed' if size is None else 'changed'} since.",
                    hint=f"Move {final} away to have it made again, or choose another output folder.",
                    problems=(
                        Problem(
                            "error", "output-damaged", str(path), "It is not as it was written."
                        ),
                    ),
                )
        return True

    def _partial(self, path: str) -> Path:
        return self._out / STATE_FOLDER / "partial" / path


def check_options(format: str, levels: int | None, compression: str | None) -> tuple[Format, str]:  # noqa: A002
    """Return the format, and the compression with its default filled in.

    Raises
    ------
    UsageError
        If there is no such format or compression, or the two do not go together.

    """
    if format not in COMPRESSIONS:
        raise UsageError(
            f"There is no format {format!r}.", hint=f"Choose one of {', '.join(COMPRESSIONS)}."
        )
    known = COMPRESSIONS[format]  # type: ignore[index]
    if compression is not None and compression not in known:
        raise UsageError(
            f"{format} cannot be compressed with {compression!r} here.",
            hint=f"Choose one of {', '.join(known)}.",
        )
    if levels is not None and levels < 0:
        raise UsageError(f"There cannot be {levels} pyramid levels.", hint="Give 0 or more.")
    if levels and format == "ome-tiff":
        raise UsageError(
            "OME-TIFF files are written without pyramid levels.",
            hint="Leave --levels out, or use ome-zarr.",
        )
    return format, compression or known[0]  # type: ignore[return-value]


def _in_the_way(path: Path) -> PyomeroError:
    return PyomeroError(
        f"{path} is there already and was not made by this job.",
        hint="Move it away, or choose another output folder.",
        problems=(Problem("error", "output-holds-other", str(path), "It is in the way."),),
    )
