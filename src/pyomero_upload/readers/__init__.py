"""One plane's pixels from a file; the format is told by the content, not by the extension.

`probe` reads headers alone and serves the plan; `read_planes` decodes and serves the pipeline. Both refuse whatever is
not whole: what comes out is exactly what was stored, in the type it was stored in, or an error. One module for each
format; another decoder for one of them takes the place of its `decode`.
"""

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, TypeVar

from numpy.typing import NDArray

from pyomero_upload.errors import UnreadableFileError
from pyomero_upload.readers import bmp, gif, jpeg, png, tiff
from pyomero_upload.readers.header import BadImageError, Header, check
from pyomero_upload.readers.samples import plane_of

__all__ = ["Header", "probe", "read_planes"]

_T = TypeVar("_T")

_SIGNATURE_BYTES: Final = 16
# A plane of 2,048 × 2,048 pixels of 16 bits is one of them.
_SMALL_BYTES: Final = 16 << 20


class _Format(NamedTuple):
    """What reads one format.

    Attributes
    ----------
    signatures
        What such a file begins with.
    header
        Reads the header of an open file, from its begin.
    decode
        Reads pages of an open file, likewise: how many it has, and for each page number asked for an array of shape
        (y, x) or (y, x, 3).

    """

    signatures: tuple[bytes, ...]
    header: Callable[[BinaryIO], Header]
    decode: Callable[[BinaryIO, set[int]], tuple[int, dict[int, NDArray[Any]]]]


_FORMATS: Final = (
    _Format((b"\x89PNG\r\n\x1a\n",), png.header, png.decode),
    _Format(
        (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
        tiff.header,
        tiff.decode,
    ),
    _Format((b"\xff\xd8\xff",), jpeg.header, jpeg.decode),
    _Format((b"GIF87a", b"GIF89a"), gif.header, gif.decode),
    _Format((b"BM",), bmp.header, bmp.decode),
)


def probe(path: Path) -> Header:
    """Read what a file's header says about its pixels.

    Parameters
    ----------
    path
        An image file of any format and extension.

    Returns
    -------
    Header
        What `read_planes` will return for it.

    Raises
    ------
    UnreadableFileError
        If the file is empty, no image, cut off, or of a sort that cannot be read without loss.

    """
    return _guarded(path, lambda file: check(_format_of(file).header(file)), whole=False)


def read_planes(
    path: Path, wanted: Sequence[tuple[int, int | None]], *, pages: int | None = None
) -> list[NDArray[Any]]:
    """Read planes of one file, which is opened and decoded once.

    Parameters
    ----------
    path
        An image file of any format and extension.
    wanted
        For each plane (page, sample). Pages count from 0. The sample is None for a grey file; 0, 1, 2 for the
        colours of an RGB file; -1 for the one grey plane of an RGB file whose three colours are equal.
    pages
        How many pages the file must have; a page that nobody asks for would be lost. None: any number.

    Returns
    -------
    list of ndarray
        For each plane wanted an array of shape (y, x): C-contiguous, in native byte order, of the stored type; it may be
        read-only.

    Raises
    ------
    UnreadableFileError
        If the file cannot be read whole, or does not hold what is wanted.

    """

    def read(file: BinaryIO) -> list[NDArray[Any]]:
        count, decoded = _format_of(file).decode(file, {page for page, _ in wanted})
        if pages is not None and count != pages:
            raise BadImageError(f"it has {count} pages, where {pages} were expected")
        return [plane_of(decoded[page], sample) for page, sample in wanted]

    everything = pages is None or pages == len({page for page, _ in wanted})
    return _guarded(path, read, whole=everything)


def _format_of(file: BinaryIO) -> _Format:
    """Return the format of a file, which is at its begin afterwards too."""
    start = file.read(_SIGNATURE_BYTES)
    file.seek(0)
    if not start:
        raise BadImageError("it is empty (0 bytes)")
    for candidate in _FORMATS:
        if start.startswith(candidate.signatures):
            return candidate
    if not start.strip(b"\0"):
        raise BadImageError("it begins with zeros alone; the disk or the copy failed")
    raise BadImageError("it is no PNG, TIFF, JPEG, GIF or BMP image, whatever its name says")


def _guarded(path: Path, read: Callable[[BinaryIO], _T], *, whole: bool) -> _T:
    """Open a file, once, and turn whatever a decoder raises into the one error that names it.

    Where all of a small file is wanted it is read at once: each little reading costs as much, on a network too.
    """
    try:
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if whole and size <= _SMALL_BYTES:
                return read(io.BytesIO(file.read(size)))
            with io.BufferedReader(file) as buffered:
                return read(buffered)
    except BadImageError as error:
        raise _unreadable(path, error.reason, error.hint) from None
    except FileNotFoundError:
        raise _unreadable(path, "it is no longer there", "Bring it back.") from None
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except Exception as error:  # decoders raise all sorts of things on damaged input
        raise _unreadable(path, f"it is damaged ({error})") from error


def _unreadable(path: Path, reason: str, hint: str = "") -> UnreadableFileError:
    return UnreadableFileError(
        f"{path} cannot be read: {reason}",
        hint=hint or "Copy it anew from the microscope, or take it out of the folder.",
    )
