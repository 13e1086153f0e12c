"""RawPixelsStore: one client's handle on the pixels of one image.

The file knows who may write (see `planes`); this knows the rest of a store's life: whether something
was written through it, and whether a call failed. Saving, closing, and the end of the session write
the digest of the whole file to `Pixels.sha1`, unless nothing was written or a call had failed before:
then the real server reports success and writes nothing, and so does this.
"""

# Operations have the names and parameters of Slice, whether they need them or not.

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import update_wrapper
from typing import Concatenate, ParamSpec, TypeVar

import omero
import omero.model
import omero.romio
from omero.model import IObject
from omero.rtypes import rstring

from omero_embedded import errors, permissions, saving
from omero_embedded.call import Call, writing
from omero_embedded.loading import Loader
from omero_embedded.pixels.description import Description, describe
from omero_embedded.pixels.errors import (
    BeyondPlaneError,
    CubeOutOfBoundsError,
    IllegalPositionError,
    NegativeSizeError,
    OutOfBoundsError,
    PixelsError,
    TooLargeError,
    WrongLengthError,
)
from omero_embedded.pixels.faults import as_omero
from omero_embedded.pixels.planes import Array, PlaneFile
from omero_embedded.pixels.pyramid import PyramidFile, files_of, requires_pyramid
from omero_embedded.pixels.repository import open_pixels
from omero_embedded.pixels.statistics import DEFAULT_BINS, extremes_within, histogram
from omero_embedded.power import secure
from omero_embedded.wire.registry import stateful

P = ParamSpec("P")
R = TypeVar("R")

# Histograms are counted on planes up to this size (omero.pixeldata.max_plane_width and height).
_MAXIMUM_SIDE = 3192


def operation(
    method: "Callable[Concatenate[RawPixelsStore, Call, P], R]",
) -> "Callable[Concatenate[RawPixelsStore, Call, P], R]":
    """Make a method an operation: what goes wrong spoils the digest and reaches the client by its name."""

    def call_it(self: "RawPixelsStore", call: Call, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._remembering_failure():
            return method(self, call, *args, **kwargs)

    update_wrapper(call_it, method)
    return call_it


@stateful("omero.api.RawPixelsStore")
class RawPixelsStore:
    """One client's handle on the pixels of one image."""

    def __init__(self) -> None:
        self._open: tuple[Description, PlaneFile | PyramidFile] | None = None
        self._asked: int | None = None
        self._modified = False
        self._failed = False

    @contextmanager
    def _remembering_failure(self) -> Iterator[None]:
        try:
            yield
        except PixelsError as error:
            self._failed = True
            raise as_omero(error) from error
        except OSError as error:
            self._failed = True
            raise errors.resource(error.strerror or str(error)) from error
        except Exception:
            self._failed = True
            raise

    @property
    def _ready(self) -> tuple[Description, PlaneFile | PyramidFile]:
        if self._open is None:
            raise errors.api_usage(
                "This RawPixelsStore has not been properly initialized.\n"
                "Please set the pixels id before executing any other methods.\n"
            )
        return self._open

    @property
    def _file(self) -> PlaneFile | PyramidFile:
        return self._ready[1]

    # ------------------------------------------------------------ life
    @operation
    def setPixelsId(self, call: Call, pixelsId: int, bypassOriginalFile: bool) -> None:
        """Open the pixels of that id; the second parameter has no effect.

        The id asked for last is not looked for again, whether there were pixels or not: only a file that
        could not be opened is tried once more (ome.services.RawPixelsBean).
        """
        if self._asked == pixelsId:
            return
        self._asked = pixelsId
        if self._open is not None:
            self._file.close()
            self._open = None
        description = describe(call, pixelsId)
        if description is None:
            raise errors.validation(f"Cannot read pixels id={pixelsId}")
        try:
            self._open = description, open_pixels(call.server.folder, description)
        except Exception:
            self._asked = None
            raise

    @operation
    def getPixelsId(self, call: Call) -> int:
        """Return the id of the Pixels."""
        return self._ready[0].id

    @operation
    def getPixelsPath(self, call: Call) -> str:
        """Return where the file is on the server."""
        return str(self._file.path)

    @operation
    def prepare(self, call: Call, pixelsIds: Sequence[int]) -> None:
        """Announce ids that will be opened; they are found fast enough without."""
        if not pixelsIds:
            raise errors.empty_list(
                "select p from ome.model.core.Pixels as p join fetch p.pixelsType where p.id in ()"
            )

    @writing
    @operation
    def save(self, call: Call) -> IObject | None:
        """Write the digest of all planes to `Pixels.sha1`; return the Pixels, None if nothing was written."""
        if not self._modified or self._open is None:
            return None
        description, file = self._open
        sha1 = file.digest().hex()
        secure(call, *files_of(file.path))
        self._modified = False
        saved = Loader(call).object("Pixels", description.id)
        if saved is None:
            raise errors.internal(
                f"Wrapped Exception: (org.hibernate.ObjectNotFoundException):\n"
                f"No row with the given identifier exists: [ome.model.core.Pixels#{description.id}]"
            )
        if not self._failed:
            self._write_digest(call, description, sha1)
        saved.sha1 = rstring(sha1)
        saved.details.group = saved.details.group.proxy()
        return saved

    @writing
    def close(self, call: Call) -> None:
        """Save and let go of the file. An image that was deleted meanwhile is no failure here."""
        if self._open is None:
            return
        (description, file), self._open = self._open, None
        try:
            if self._modified and not self._failed:
                sha1 = file.digest().hex()
                secure(call, *files_of(file.path))
                self._write_digest(call, description, sha1)
        except PixelsError as error:
            raise as_omero(error) from error
        finally:
            file.close()

    def _write_digest(self, call: Call, description: Description, sha1: str) -> None:
        """Set `Pixels.sha1`, of as many rows as there still are."""
        if not permissions.rights(call, description.owner, description.group).edit:
            raise errors.security(
                f"Updating ome.model.core.Pixels:Id_{description.id} not allowed."
            )
        saving.change(call, "Pixels", description.id, sha1=sha1)

    # ------------------------------------------------------------ sizes and offsets
    @operation
    def getPlaneSize(self, call: Call) -> int:
        """Return the bytes of a plane."""
        return self._file.dimensions.plane_size

    @operation
    def getRowSize(self, call: Call) -> int:
        """Return the bytes of a row."""
        return self._file.dimensions.row_size

    @operation
    def getStackSize(self, call: Call) -> int:
        """Return the bytes of all z-sections of one channel at one time point."""
        return self._file.dimensions.stack_size

    @operation
    def getTimepointSize(self, call: Call) -> int:
        """Return the bytes of all stacks at one time point."""
        return self._file.dimensions.timepoint_size

    @operation
    def getTotalSize(self, call: Call) -> int:
        """Return the bytes of the image."""
        return self._file.dimensions.total_size

    @operation
    def getRowOffset(self, call: Call, y: int, z: int, c: int, t: int) -> int:
        """Return where a row begins."""
        return self._file.dimensions.row_offset(y, z, c, t)

    @operation
    def getPlaneOffset(self, call: Call, z: int, c: int, t: int) -> int:
        """Return where a plane begins."""
        return self._file.dimensions.plane_offset(z, c, t)

    @operation
    def getStackOffset(self, call: Call, c: int, t: int) -> int:
        """Return where a stack begins."""
        return self._file.dimensions.stack_offset(c, t)

    @operation
    def getTimepointOffset(self, call: Call, t: int) -> int:
        """Return where a time point begins."""
        return self._file.dimensions.timepoint_offset(t)

    @operation
    def getByteWidth(self, call: Call) -> int:
        """Return the bytes of a value."""
        return self._file.dimensions.type.byte_width

    @operation
    def isSigned(self, call: Call) -> bool:
        """Whether values can be negative."""
        return self._file.dimensions.type.is_signed

    @operation
    def isFloat(self, call: Call) -> bool:
        """Whether values are floating-point numbers."""
        return self._file.dimensions.type.is_float

    # ------------------------------------------------------------ reading
    @operation
    def getPlane(self, call: Call, z: int, c: int, t: int) -> bytes:
        """Return a plane."""
        file = self._file
        if isinstance(file, PyramidFile):
            return file.plane(z, c, t).tobytes()
        return file.read(file.dimensions.plane_offset(z, c, t), file.dimensions.plane_size)

    @operation
    def getPlaneRegion(self, call: Call, z: int, c: int, t: int, size: int, offset: int) -> bytes:
        """Return `size` values of a plane from its `offset`-th value on, row by row."""
        width = self._file.dimensions.type.byte_width
        if size < 0:
            raise NegativeSizeError(str(size * width))
        plane = self._file.plane(z, c, t).reshape(-1)
        if offset < 0:
            raise IllegalPositionError(f"newPosition < 0: ({offset * width} < 0)")
        if offset > len(plane):
            raise IllegalPositionError(
                f"newPosition > limit: ({offset * width} > {len(plane) * width})"
            )
        if offset + size > len(plane):
            raise WrongLengthError("BufferUnderflowException: null")
        return plane[offset : offset + size].tobytes()

    @operation
    def getRow(self, call: Call, y: int, z: int, c: int, t: int) -> bytes:
        """Return a row."""
        d = self._file.dimensions
        return self._file.read(d.row_offset(y, z, c, t), d.row_size)

    @operation
    def getCol(self, call: Call, x: int, z: int, c: int, t: int) -> bytes:
        """Return a column."""
        return self._file.column(x, z, c, t)

    @operation
    def getStack(self, call: Call, c: int, t: int) -> bytes:
        """Return all z-sections of one channel at one time point."""
        return self._file.stack(c, t).tobytes()

    @operation
    def getTimepoint(self, call: Call, t: int) -> bytes:
        """Return all stacks at one time point."""
        d = self._file.dimensions
        return self._file.read(d.timepoint_offset(t), d.timepoint_size)

    @operation
    def getRegion(self, call: Call, size: int, offset: int) -> bytes:
        """Return bytes of the file."""
        return self._file.read(offset, size)

    @operation
    def getTile(self, call: Call, z: int, c: int, t: int, x: int, y: int, w: int, h: int) -> bytes:
        """Return a rectangle of a plane."""
        if w * h < 0:
            raise NegativeSizeError(str(w * h * self._file.dimensions.type.byte_width))
        return self._file.tile((z, c, t), (x, y, w, h)).tobytes()

    @operation
    def getHypercube(
        self, call: Call, offset: Sequence[int], size: Sequence[int], step: Sequence[int]
    ) -> bytes:
        """Return a regular part of the image."""
        try:
            return self._file.hypercube(offset, size, step)
        except TooLargeError:
            raise
        except OutOfBoundsError as error:
            raise CubeOutOfBoundsError(str(error)) from error

    @operation
    def calculateMessageDigest(self, call: Call) -> bytes:
        """Return the SHA-1 over all planes in the order t, c, z."""
        return self._file.digest()

    # ------------------------------------------------------------ writing
    @operation
    def setPlane(self, call: Call, buf: bytes, z: int, c: int, t: int) -> None:
        """Write a plane."""
        file = self._file
        file.check_writable()
        file.write_exactly(file.dimensions.plane_offset(z, c, t), file.dimensions.plane_size, buf)
        self._modified = True

    @operation
    def setStack(self, call: Call, buf: bytes, z: int, c: int, t: int) -> None:
        """Write all z-sections of one channel at one time point; `z` has no effect."""
        file = self._file
        file.check_writable()
        file.write_exactly(file.dimensions.stack_offset(c, t), file.dimensions.stack_size, buf)
        self._modified = True

    @operation
    def setTimepoint(self, call: Call, buf: bytes, t: int) -> None:
        """Write all stacks at one time point."""
        file = self._file
        file.check_writable()
        d = file.dimensions
        file.write_exactly(d.timepoint_offset(t), d.timepoint_size, buf)
        self._modified = True

    @operation
    def setRow(self, call: Call, buf: bytes, y: int, z: int, c: int, t: int) -> None:
        """Write bytes from the beginning of a row on: how many they are is not looked at."""
        file = self._file
        file.check_writable()
        file.write(file.dimensions.row_offset(y, z, c, t), buf)
        self._modified = True

    @operation
    def setRegion(self, call: Call, size: int, offset: int, buf: bytes) -> None:
        """Write the first `size` bytes of `buf` at an offset into the file, or behind its last plane."""
        file = self._file
        file.check_writable()
        if size > len(buf):
            raise IllegalPositionError(f"newLimit > capacity: ({size} > {len(buf)})")
        if size < 0:
            raise IllegalPositionError(f"newLimit < 0: ({size} < 0)")
        if offset < 0:
            raise IllegalPositionError("Negative position")
        file.write(offset, buf[:size])
        self._modified = True

    @operation
    def setTile(
        self, call: Call, buf: bytes, z: int, c: int, t: int, x: int, y: int, w: int, h: int
    ) -> None:
        """Write a rectangle of a plane of a big image."""
        self._file.write_tile(buf, (z, c, t), (x, y, w, h))
        self._modified = True

    # ------------------------------------------------------------ statistics
    @operation
    def getHistogram(
        self,
        call: Call,
        channels: Sequence[int],
        binCount: int,
        globalRange: bool,
        plane: "omero.romio.PlaneDef | None",
    ) -> dict[int, list[int]]:
        """Count the values of a plane, or of a region of it, for each channel."""
        description, file = self._ready
        self._choose_level_for_histogram()
        z, t, region = _plane_of(plane)
        bins = binCount if binCount > 0 else DEFAULT_BINS
        counted = {}
        for c in channels:
            extent = description.channels[_existing(c, description)].extent
            values = file.plane(z, c, t)
            # A maximum of 1 says that the statistics were never computed.
            use_global = globalRange and extent is not None and extent[1] != 1.0
            low, high = extent if use_global and extent else _extremes(values, description)
            x, y, w, h = region
            part = values[y : y + h if h > 0 else None, x : x + w if w > 0 else None]
            counted[c] = histogram(part, bins, low, high)
        return counted

    def _choose_level_for_histogram(self) -> None:
        """Go to the largest resolution that is not too big to count."""
        file = self._file
        sizes = list(reversed(file.level_sizes()))
        fitting = [i for i, s in enumerate(sizes) if max(s) <= _MAXIMUM_SIDE]
        if not fitting:
            raise errors.api_usage("All resolution levels larger than max plane size")
        if len(sizes) > 1:
            file.set_resolution_level(max(fitting))

    @operation
    def findMinMax(self, call: Call, channels: Sequence[int]) -> dict[int, list[float]]:
        """Return lowest and highest value of the middle plane of each channel; nothing of big images."""
        description, file = self._ready
        d = description.dimensions
        if requires_pyramid(d):
            return {}
        z, t = (d.z - 1) // 2, (d.t - 1) // 2
        return {
            c: list(_extremes(file.plane(z, _existing(c, description), t), description))
            for c in channels
        }

    # ------------------------------------------------------------ resolutions
    @operation
    def requiresPixelsPyramid(self, call: Call) -> bool:
        """Whether the image is so big that it is written by tiles."""
        return requires_pyramid(self._ready[0].dimensions)

    @operation
    def getResolutionLevels(self, call: Call) -> int:
        """Return how many resolutions there are."""
        return self._file.resolution_levels

    @operation
    def getResolutionDescriptions(self, call: Call) -> list["omero.api.ResolutionDescription"]:
        """Return width and height of each resolution, the full one first."""
        return [omero.api.ResolutionDescription(x, y) for x, y in self._file.level_sizes()]

    @operation
    def getResolutionLevel(self, call: Call) -> int:
        """Return the current resolution."""
        return self._file.resolution_level

    @operation
    def setResolutionLevel(self, call: Call, resolutionLevel: int) -> None:
        """Choose the resolution that is read."""
        self._file.set_resolution_level(resolutionLevel)

    @operation
    def getTileSize(self, call: Call) -> list[int]:
        """Return width and height of the tiles to ask for."""
        return list(self._file.tile_size)


def _existing(c: int, description: Description) -> int:
    """Return the channel's index, if there is one."""
    if not 0 <= c < len(description.channels):
        raise BeyondPlaneError(f"Index: {c}, Size: {len(description.channels)}")
    return c


def _extremes(values: Array, description: Description) -> tuple[float, float]:
    return extremes_within(values, description.dimensions.type, description.significant_bits)


def _plane_of(
    plane: "omero.romio.PlaneDef | None",
) -> tuple[int, int, tuple[int, int, int, int]]:
    """Return z, t and x, y, width, height that a PlaneDef means; 0 for what it leaves open."""
    if plane is None:
        return 0, 0, (0, 0, 0, 0)
    r = plane.region
    region = (0, 0, 0, 0) if r is None else (max(r.x, 0), max(r.y, 0), r.width, r.height)
    return max(plane.z, 0), max(plane.t, 0), region
