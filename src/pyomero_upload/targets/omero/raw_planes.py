"""Reading pixels from the server: stores that several threads share, and whole stacks where whole stacks are asked for.

Stands below `reading`, `lazy` and everything that wants planes back. A store answers one call at a time (two at once hang the
server), so each call has a store of its own from a pool. The server stores pixels big-endian, planes in the order t, c,
z with z fastest. What never was written must not be read: the first read of an Image makes its file, and who is about to
write it no longer can.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import Ice
import numpy as np
from typing_extensions import Self

from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import PlaneIndex, Sizes
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.objects import PIXEL_TYPES
from pyomero_upload.targets.target import Pixels

# By the server's names; `bit` and the complex ones are not read.
DTYPES = {name: dtype for dtype, name in PIXEL_TYPES.items()}
# Older servers take messages of 64 MB; smaller ones keep memory low.
MESSAGE_BYTES = 16 << 20
# Sides of the tiles in which the server stores big images.
TILE = 256


@dataclass(frozen=True, slots=True)
class StoredPixels:
    """Pixels on the server: their id, sizes and NumPy's name of their type."""

    id: int
    sizes: Sizes
    dtype: str

    @property
    def stored_dtype(self) -> np.dtype[Any]:
        """The type as the server sends it."""
        return np.dtype(self.dtype).newbyteorder(">")

    @property
    def plane_bytes(self) -> int:
        """How many bytes a plane takes."""
        return self.sizes.y * self.sizes.x * self.stored_dtype.itemsize


class PixelSource:
    """Reads planes of any Pixels of a connection; safe to use from several threads.

    Close it, or use it with `with`: open stores cost the server memory.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._idle: dict[int, list[Any]] = {}
        self._client = connection.client
        self._in_tiles: dict[int, bool] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def planes(self, pixels: StoredPixels, indexes: Sequence[PlaneIndex]) -> list[Pixels]:
        """Return planes, axes y, x each; those of a whole stack or time point, asked for in order, come in one call."""
        sizes = pixels.sizes
        with self.store(pixels.id) as store:
            if pixels.plane_bytes > MESSAGE_BYTES or self._tiled(pixels.id, store):
                return [self._in_strips(store, pixels, index) for index in indexes]
            read: list[Pixels] = []
            for t, of_time in groupby(indexes, key=lambda index: index.t):
                wanted = list(of_time)
                if (
                    len(wanted) * pixels.plane_bytes <= MESSAGE_BYTES
                    and wanted == _time_point(t, sizes)
                    and sizes.c > 1
                ):
                    read += _split(store.getTimepoint(t), pixels)
                    continue
                for c, of_channel in groupby(wanted, key=lambda index: index.c):
                    read += _of_channel(store, pixels, t, c, [index.z for index in of_channel])
            return read

    def region(self, pixels: StoredPixels, index: PlaneIndex, y: slice, x: slice) -> Pixels:
        """Return a part of a plane: rows `y`, columns `x`, both with start and stop and no step."""
        height, width = y.stop - y.start, x.stop - x.start
        part = np.empty((height, width), pixels.dtype)
        if not part.size:
            return part
        with self.store(pixels.id) as store:
            rows = _rows_at_once(width * part.itemsize)
            for top in range(y.start, y.stop, rows):
                count = min(rows, y.stop - top)
                found = store.getTile(index.z, index.c, index.t, x.start, top, width, count)
                part[top - y.start : top - y.start + count] = np.frombuffer(
                    found, pixels.stored_dtype
                ).reshape(count, width)
        return part

    def digest(self, pixels_id: int) -> str:
        """Return the server's SHA-1 of all planes, hexadecimal, calculated now."""
        with self.store(pixels_id) as store:
            return bytes(store.calculateMessageDigest()).hex()

    @contextmanager
    def store(self, pixels_id: int) -> Iterator[Any]:
        """Lend a RawPixelsStore of these Pixels; it is kept for the next call unless this one fails."""
        store = self._borrow(pixels_id)
        try:
            yield store
        except BaseException:
            _close(store)
            raise
        with self._lock:
            if store.ice_getCommunicator() == self._client.getCommunicator():
                self._idle.setdefault(pixels_id, []).append(store)

    def close(self) -> None:
        """Close all stores; those that are lent out are closed by who has them, or with the session."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for stores in idle.values():
            for store in stores:
                _close(store)

    def _borrow(self, pixels_id: int) -> Any:
        with self._lock:
            if self._client is not self._connection.client:
                # After a drop the connection has a new client, and stores of the old one answer no more.
                self._client, self._idle = self._connection.client, {}
            mine = self._idle.get(pixels_id)
            if mine:
                return mine.pop()
            # Who asks for other Pixels is done with most of the earlier ones.
            others, self._idle = self._idle, {}
        for stores in others.values():
            for store in stores:
                _close(store)
        store = self._connection.sf.createRawPixelsStore()
        try:
            store.setPixelsId(pixels_id, True)
        except BaseException:
            _close(store)
            raise
        return store

    def _tiled(self, pixels_id: int, store: Any) -> bool:
        """Whether the server keeps these Pixels in tiles; it is asked once, as every call costs a round trip."""
        if pixels_id not in self._in_tiles:
            self._in_tiles[pixels_id] = store.requiresPixelsPyramid()
        return self._in_tiles[pixels_id]

    def _in_strips(self, store: Any, pixels: StoredPixels, index: PlaneIndex) -> Pixels:
        """Return a plane that is too big for one message, or that the server keeps in tiles."""
        plane = np.empty((pixels.sizes.y, pixels.sizes.x), pixels.dtype)
        rows = _rows_at_once(pixels.sizes.x * plane.itemsize)
        for top in range(0, pixels.sizes.y, rows):
            count = min(rows, pixels.sizes.y - top)
            found = store.getTile(index.z, index.c, index.t, 0, top, pixels.sizes.x, count)
            plane[top : top + count] = np.frombuffer(found, pixels.stored_dtype).reshape(
                count, pixels.sizes.x
            )
        return plane


def numpy_dtype(pixels_type: str, where: str) -> str:
    """Return NumPy's name of one of OMERO's pixel types.

    Raises
    ------
    PyomeroError
        If there is none that images are made of here.

    """
    dtype = DTYPES.get(pixels_type)
    if dtype is None:
        raise PyomeroError(
            f"{where} has pixels of type {pixels_type}, which cannot be read here.",
            hint=f"The types that can are {', '.join(DTYPES)}.",
        )
    return dtype


def _time_point(t: int, sizes: Sizes) -> list[PlaneIndex]:
    return [PlaneIndex(t, c, z) for c in range(sizes.c) for z in range(sizes.z)]


def _of_channel(
    store: Any, pixels: StoredPixels, t: int, c: int, sections: list[int]
) -> list[Pixels]:
    """Return planes of one channel and time point: the whole stack in one call where it is wanted whole."""
    whole = sections == list(range(pixels.sizes.z))
    if whole and len(sections) > 1 and len(sections) * pixels.plane_bytes <= MESSAGE_BYTES:
        return _split(store.getStack(c, t), pixels)
    return [plane for z in sections for plane in _split(store.getPlane(z, c, t), pixels)]


def _split(content: bytes, pixels: StoredPixels) -> list[Pixels]:
    planes = np.frombuffer(content, pixels.stored_dtype)
    return list(planes.reshape(-1, pixels.sizes.y, pixels.sizes.x).astype(pixels.dtype))


def _rows_at_once(row_bytes: int) -> int:
    """Return how many rows fit into a message, whole rows of tiles where possible."""
    rows = max(1, MESSAGE_BYTES // max(row_bytes, 1))
    return rows - rows % TILE if rows > TILE else rows


def _close(store: Any) -> None:
    # It was read from alone: where the server or the session is gone, nothing is lost.
    with suppress(Ice.Exception):
        store.close()
