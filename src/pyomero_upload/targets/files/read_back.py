"""Reading an output's pixels with other libraries than wrote them.

Stands behind `transfer.verify`. OME-Zarr is written by our own shard writer and read by tensorstore; OME-TIFF is written by
tifffile and read by libtiff (in imagecodecs).
"""

import mmap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import imagecodecs
import numpy as np
import tensorstore

from pyomero_upload.model import PlaneIndex, Sizes
from pyomero_upload.targets.target import Pixels

ReadPlane = Callable[[PlaneIndex], Pixels]


class ReadBackError(Exception):
    """A plane, or the whole image, cannot be read; the message is the library's."""


@contextmanager
def open_zarr(array: Path, sizes: Sizes, dtype: str) -> Iterator[ReadPlane]:
    """Open one resolution of an OME-Zarr and return what reads a plane of it.

    Raises
    ------
    ReadBackError
        If it cannot be opened, or its sizes or dtype are not these; also by the function.

    """
    try:
        store = tensorstore.open(
            {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(array)}},
            open=True,
            read=True,
            # Shard indexes are worth keeping while a shard's planes are read one by one.
            context=tensorstore.Context({"cache_pool": {"total_bytes_limit": 8 << 20}}),
        ).result()
    except (ValueError, OSError) as error:
        raise ReadBackError(str(error)) from error
    if tuple(store.shape) != tuple(sizes) or store.dtype.name != dtype:
        raise ReadBackError(
            f"It is {store.dtype.name} of {store.shape}, not {dtype} of {tuple(sizes)}"
        )

    def read(index: PlaneIndex) -> Pixels:
        try:
            return np.asarray(store[index.t, index.c, index.z].read().result())
        except (ValueError, OSError) as error:
            raise ReadBackError(str(error)) from error

    yield read


@contextmanager
def open_tiff(file: Path, sizes: Sizes, dtype: str) -> Iterator[ReadPlane]:
    """Open an OME-TIFF and return what reads a plane of it; errors as for `open_zarr`."""
    with file.open("rb") as opened:
        if not file.stat().st_size:
            raise ReadBackError("It is empty")
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:

            def read(index: PlaneIndex) -> Pixels:
                page = (index.t * sizes.c + index.c) * sizes.z + index.z
                try:
                    pixels: Pixels = imagecodecs.tiff_decode(content, index=page)
                except (imagecodecs.TiffError, IndexError, ValueError, MemoryError) as error:
                    raise ReadBackError(str(error)) from error
                if pixels.shape != (sizes.y, sizes.x) or pixels.dtype.name != dtype:
                    raise ReadBackError(f"The page is {pixels.dtype.name} of {pixels.shape}")
                return pixels

            yield read
