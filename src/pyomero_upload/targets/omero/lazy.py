"""An Image on the server as an array that is read when it is computed, and only what is asked for.

Stands on `reading` and `raw_planes`. A dask array with a chunk a plane, and the same with axes that have names and coordinates as
an xarray.DataArray. Safe with dask's threads; a process of its own needs a connection of its own.
"""

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import Hypercube, PlaneIndex
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.raw_planes import MESSAGE_BYTES, TILE, PixelSource
from pyomero_upload.targets.omero.reading import ServerImage, read_image
from pyomero_upload.targets.target import Pixels

if TYPE_CHECKING:
    import dask.array as da
    import xarray as xr

DIMS = ("t", "c", "z", "y", "x")


def lazy_array(connection: Connection, image_id: int) -> "da.Array":
    """Return an Image as a dask array.

    Parameters
    ----------
    connection
        Stays open as long as the array is used.
    image_id
        The Image.

    Returns
    -------
    dask.array.Array
        Axes t, c, z, y, x, of the Image's own dtype. A chunk is a plane; of a big plane, a part of it.

    Raises
    ------
    UsageError
        If there is no such Image.
    PyomeroError
        If dask is not installed, or nobody has written the Image yet.

    """
    return _array(connection, _complete(connection, image_id))


def lazy_image(connection: Connection, image_id: int) -> "xr.DataArray":
    """Return an Image as an xarray.DataArray over a dask array; see `lazy_array`.

    Parameters
    ----------
    connection
        Stays open as long as the array is used.
    image_id
        The Image.

    Returns
    -------
    xarray.DataArray
        Dimensions t, c, z, y, x. Coordinates: `t` in seconds (of the first plane of each time point, else by the time
        increment), `c` the channels' names, `z`, `y` and `x` in micrometres from the first pixel. What the server does
        not know has no coordinate. `attrs` holds `image_id`, `stage_um` and `acquired`.

    Raises
    ------
    UsageError
        If there is no such Image.
    PyomeroError
        If dask or xarray is not installed, or nobody has written the Image yet.

    """
    found = _complete(connection, image_id)
    array = _array(connection, found)
    try:
        import xarray as xr  # noqa: PLC0415 - an extra
    except ImportError:
        raise _not_installed("xarray") from None
    image = found.image
    coordinates: dict[str, Any] = {"c": [channel.title for channel in image.channels]}
    times = _times(image)
    if times is not None:
        coordinates["t"] = ("t", times, {"units": "s"})
    size = image.physical_size_um
    for name, step, count in (
        ("z", size.z, image.sizes.z),
        ("y", size.y, image.sizes.y),
        ("x", size.x, image.sizes.x),
    ):
        if step is not None:
            coordinates[name] = (name, np.arange(count) * step, {"units": "µm"})
    said = {
        "image_id": image_id,
        "stage_um": tuple(image.stage),
        "acquired": image.acquired.isoformat() if image.acquired else None,
    }
    return xr.DataArray(array, dims=DIMS, coords=coordinates, name=image.name or None, attrs=said)


def _complete(connection: Connection, image_id: int) -> ServerImage:
    found = read_image(connection, image_id)
    if found.sha1 is None:
        raise PyomeroError(
            f"{found.where} is not complete: whatever writes it has not ended.",
            hint="Wait for it, or run the upload again. To read it now could keep others from writing it.",
        )
    return found


def _array(connection: Connection, found: ServerImage) -> "da.Array":
    try:
        import dask.array as da  # noqa: PLC0415 - an extra
    except ImportError:
        raise _not_installed("dask") from None
    sizes = found.image.sizes
    rows, columns = _part(found)
    array: da.Array = da.from_array(  # type: ignore[no-untyped-call]
        _Planes(connection, found),
        chunks=(1, 1, 1, rows, columns),
        name=f"omero-{connection.host}-{connection.port}-{found.id}-{found.update}",
        # Stores are taken from a pool.
        lock=False,
        asarray=False,
        fancy=False,
        meta=np.empty((0,) * len(sizes), found.image.dtype),
    )
    return array


def _part(found: ServerImage) -> tuple[int, int]:
    """Return height and width of a chunk: the whole plane where a message takes it."""
    sizes = found.image.sizes
    if found.pixels.plane_bytes <= MESSAGE_BYTES:
        return sizes.y, sizes.x
    side = 8 * TILE
    return min(side, sizes.y), min(side, sizes.x)


class _Planes:
    """What dask takes parts of, as it would of a NumPy array; each part is read when it is taken."""

    def __init__(self, connection: Connection, found: ServerImage) -> None:
        self._source = PixelSource(connection)
        # Its stores cost the server memory, so they are closed when nobody has the array any more.
        weakref.finalize(self, self._source.close).atexit = False
        self._found = found
        self.shape = tuple(found.image.sizes)
        self.dtype = np.dtype(found.image.dtype)
        self.ndim = len(self.shape)

    def __getitem__(self, key: tuple[slice, ...]) -> Pixels:
        """Return a part, axes as those of the image; ranges of rows and columns are read alone where they are small."""
        t, c, z, y, x = (range(*part.indices(n)) for part, n in zip(key, self.shape, strict=True))
        part = np.empty((len(t), len(c), len(z), len(y), len(x)), self.dtype)
        if not part.size:
            return part
        indexes = [PlaneIndex(ti, ci, zi) for ti in t for ci in c for zi in z]
        if len(y) == self.shape[3] and len(x) == self.shape[4] and y.step == x.step == 1:
            planes = self._source.planes(self._found.pixels, indexes)
        else:
            planes = [self._region(index, y, x) for index in indexes]
        part[...] = np.reshape(planes, part.shape)
        return part

    def _region(self, index: PlaneIndex, y: range, x: range) -> Pixels:
        low, left = min(y[0], y[-1]), min(x[0], x[-1])
        rows, columns = slice(low, max(y[0], y[-1]) + 1), slice(left, max(x[0], x[-1]) + 1)
        found = self._source.region(self._found.pixels, index, rows, columns)
        return found[np.ix_([i - low for i in y], [i - left for i in x])]


def _times(image: Hypercube) -> list[float] | None:
    """Return the seconds of each time point, or None where they are not known."""
    first: dict[int, float] = {}
    for index in sorted(image.plane_infos):
        seconds = image.plane_infos[index].delta_t_s
        if seconds is not None:
            first.setdefault(index.t, seconds)
    if len(first) == image.sizes.t:
        return [first[t] for t in range(image.sizes.t)]
    if image.time_increment_s is not None:
        return [t * image.time_increment_s for t in range(image.sizes.t)]
    return None


def _not_installed(name: str) -> PyomeroError:
    return PyomeroError(
        f"{name} is not installed, which lazy arrays need.",
        hint="Install it: pip install 'pyomero-upload[analysis]'",
    )
