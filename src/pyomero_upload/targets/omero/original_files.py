"""Files that are to be imported as they are: which they are, what they are called there, and that each is whole.

Stands below `fileset`, which sends them; knows nothing of a server. What a microscope's own format looks like inside, only
the server's Bio-Formats knows; TIFFs, PNG, JPEG, GIF and BMP are checked here, since a server may take half of one
without a word.
"""

import hashlib
import os
import posixpath
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

import PIL.Image
import PIL.ImageSequence

from pyomero_upload.errors import PlanError, UnreadableFileError, UsageError
from pyomero_upload.layout.listing import list_files
from pyomero_upload.readers.header import BadImageError
from pyomero_upload.targets.omero.tiff_bounds import check_bounds

BLOCK_BYTES: Final = 2 << 20
"""How much of a file is read, and sent, at once: blocks of 1 to 4 MB are the fastest."""

ZARR_METADATA: Final = ("zarr.json", ".zattrs", ".zgroup")
"""Files by which a folder is known for a Zarr group."""

TIFF_SIGNATURES: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PICTURES: Final = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"BM": "BMP"}
_EXPECTED: Final = {
    ".tif": "TIFF", ".tiff": "TIFF", ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".gif": "GIF", ".bmp": "BMP",
}  # fmt: skip
# Its offsets have more bits than those of a TIFF, https://openslide.org/formats/hamamatsu/.
_OWN_OFFSETS: Final = frozenset({".ndpi"})


@dataclass(frozen=True, slots=True)
class OriginalFile:
    """A file that is to be imported.

    Attributes
    ----------
    path
        Where it is, absolute.
    size, mtime_ns
        When it was looked at.

    """

    path: Path
    size: int
    mtime_ns: int

    @property
    def client_path(self) -> str:
        """The path as OMERO keeps it: with `/` between its parts and none before them."""
        return self.path.as_posix().lstrip("/")

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open the file for reading in full; afterwards it must be as it was when it was looked at."""
        try:
            with self.path.open("rb", buffering=0) as file:
                yield file
                after = os.fstat(file.fileno())
            there = self.path.stat()
        except OSError as error:
            raise _unreadable(self.path, error.strerror or str(error)) from error
        for state in (after, there):
            if (state.st_size, state.st_mtime_ns) != (self.size, self.mtime_ns):
                raise _unreadable(
                    self.path,
                    "it changed while it was read",
                    "Wait until the microscope, or the copying, has finished; then run the same command again.",
                )

    def sha1(self, block: Callable[[bytes, int], None] | None = None) -> str:
        """Read the file once and return its SHA-1.

        Parameters
        ----------
        block
            Is given each block and where it begins, so that what is sent is what the checksum is of.

        Raises
        ------
        UnreadableFileError
            If the file cannot be read, or is not what it was.

        """
        digest = hashlib.sha1(usedforsecurity=False)
        offset = 0
        with self.opened() as file:
            while data := file.read(BLOCK_BYTES):
                digest.update(data)
                if block is not None:
                    block(data, offset)
                offset += len(data)
        if offset != self.size:
            raise _unreadable(self.path, f"it ended after {offset} of {self.size} bytes")
        return digest.hexdigest()


def original_files(files: Sequence[Path]) -> tuple[OriginalFile, ...]:
    """Look at the files of one image, or of images that belong together.

    Parameters
    ----------
    files
        Files; or one folder that is an OME-Zarr, for which all its files are taken, metadata first.

    Returns
    -------
    tuple of OriginalFile
        Each file once, in the order given.

    Raises
    ------
    UsageError
        If there are none, one is missing, is a folder that is no OME-Zarr, or has a name that is not Unicode.
    UnreadableFileError
        If one is empty, may not be read, is cut off, or is not what its name says.
    PlanError
        If an OME-Zarr holds links that lead elsewhere.

    """
    # As the user knows them: links are kept, and opening follows them.
    paths = [Path(os.path.abspath(path)) for path in dict.fromkeys(files)]  # noqa: PTH100
    if len(paths) == 1 and paths[0].is_dir():
        found = tuple(map(_looked_at, _zarr_files(paths[0])))
    else:
        found = tuple(map(_looked_at, dict.fromkeys(paths)))
    if not found:
        raise UsageError("There are no files to import", hint="Name at least one file.")
    part_of_zarr = is_zarr_set(path.path for path in found)
    for file in found:
        if not part_of_zarr:
            check_whole(file.path)
    return found


def is_zarr_set(paths: Iterator[Path]) -> bool:
    """Tell whether files are those of a Zarr group, which are what they are and may be empty."""
    return any(path.name in ZARR_METADATA for path in paths)


def relative_names(client_paths: Sequence[str]) -> tuple[str, ...]:
    """Return paths without the folders that all share: what stays the same when all are moved elsewhere."""
    paths = [PurePosixPath("/", path) for path in client_paths]
    shared = posixpath.commonpath([str(path.parent) for path in paths])
    return tuple(path.relative_to(shared).as_posix() for path in paths)


def _zarr_files(folder: Path) -> list[Path]:
    metadata = [name for name in ZARR_METADATA if (folder / name).is_file()]
    if not metadata:
        raise UsageError(
            f"{folder} is a folder, and no OME-Zarr",
            hint="Name its files; or let the program sort the folder into images with `group_for_import`.",
        )
    listing = list_files(folder)
    if listing.problems:
        raise PlanError(
            f"{folder} cannot be imported as it is: some of it cannot be read, or lies elsewhere",
            problems=listing.problems,
        )
    rest = (name for name in listing.files if name not in metadata)
    return [folder / name for name in (*metadata, *rest)]


def _looked_at(path: Path) -> OriginalFile:
    try:
        path.as_posix().encode("utf-8")
    except UnicodeEncodeError:
        shown = path.as_posix().encode("utf-8", "backslashreplace").decode("utf-8")
        raise UsageError(
            f"The name {shown} is not valid Unicode, and OMERO takes no other",
            hint="Rename it, with letters that every computer knows.",
        ) from None
    try:
        state = path.stat()
        if path.is_dir():
            raise UsageError(
                f"{path} is a folder", hint="Name its files; an OME-Zarr is imported by itself."
            )
        if not path.is_file():
            raise UsageError(f"{path} is no file that could be imported", hint="Leave it out.")
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}", hint="Check the path.") from None
    except OSError as error:
        raise _unreadable(
            path, error.strerror or str(error), "Ask for permission to read it."
        ) from error
    return OriginalFile(path, state.st_size, state.st_mtime_ns)


# ------------------------------------------------------------ whole files
def check_whole(path: Path) -> None:
    """Refuse a file that is empty, cut off, or not what its name says.

    Of formats other than TIFF, PNG, JPEG, GIF and BMP only that the file is not empty.

    Raises
    ------
    UnreadableFileError
        With what is the matter.

    """
    try:
        _check(path)
    except BadImageError as error:
        raise _unreadable(path, error.reason, error.hint) from None
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error


def _check(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        raise BadImageError("it is empty (0 bytes)")
    suffix = path.suffix.lower()
    found = _format_of(start)
    if found is None and suffix in _EXPECTED:
        raise BadImageError(f"it is no {_EXPECTED[suffix]}, whatever its name says")
    if found == "TIFF":
        if suffix not in _OWN_OFFSETS:
            check_bounds(path)
    elif found is not None:
        _check_picture(path)


def _format_of(start: bytes) -> str | None:
    if start.startswith(TIFF_SIGNATURES):
        return "TIFF"
    return next(
        (name for signature, name in _PICTURES.items() if start.startswith(signature)), None
    )


def _check_picture(path: Path) -> None:
    """Decode a picture: there is no other way to know that it is whole."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
            with PIL.Image.open(path, formats=tuple(_PICTURES.values())) as picture:
                for frame in PIL.ImageSequence.Iterator(picture):
                    frame.load()
    except PIL.Image.DecompressionBombError:
        return  # too large to be decoded on the way; the server will say what it thinks of it
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise BadImageError(f"it is damaged or cut off ({error})") from error


def _unreadable(path: Path, reason: str, hint: str = "") -> UnreadableFileError:
    return UnreadableFileError(
        f"{path} cannot be imported: {reason}",
        hint=hint or "Copy it anew from the microscope, or leave it out.",
    )
