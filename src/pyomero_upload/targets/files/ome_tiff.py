"""OME-TIFF: one `NAME.ome.tif` an image, its pages streamed in the order t, c, z.

Stands behind `transfer` as a target. Planes are decoded and compressed by many threads; each then waits for its turn and
writes its pages with tifffile, which takes a twentieth of the time of decoding them. An unfinished file cannot be gone
on with, because its directories hang together in a chain, so an interrupted image is written anew. `read_back` reads with
libtiff.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile

from pyomero_upload.model import Hypercube, PlaneIndex
from pyomero_upload.targets.digest import file_digest
from pyomero_upload.targets.files.durable import remove, sync_files
from pyomero_upload.targets.target import (
    Annotations,
    Block,
    BlockNote,
    Finished,
    LevelSize,
    Pixels,
    Plane,
    WriteAbortedError,
    split_blocks,
)

# The first is what one gets unless told: every program reads it, and nothing is faster.
COMPRESSIONS = ("none", "deflate", "zstd")
TIFF_NAMES = {"none": None, "deflate": "zlib", "zstd": "zstd"}
ZSTD_LEVEL = 1
DEFLATE_LEVEL = 1
# Offsets in a classic TIFF have 32 bits; directories and XML take a part of what they can reach.
LARGEST_CLASSIC = 2**32 - 2**26
# Pages that one thread holds before its turn to write them.
BLOCK_BYTES = 8 << 20


class OmeTiffWriter:
    """One image open for writing; see `targets.target.ImageWriter`.

    Parameters
    ----------
    file
        Where the unfinished image is.
    path
        Its path in the output once it is finished.
    image
        What to write.
    compression
        `none`, `deflate` or `zstd`, the last two with a predictor for whole numbers.
    annotations
        What to say about the image besides.

    """

    complete: Mapping[int, BlockNote] = {}

    def __init__(
        self, file: Path, path: str, image: Hypercube, *, compression: str, annotations: Annotations
    ) -> None:
        self._file = file
        self._path = path
        self._image = image
        self._compression = compression
        self._zeros = np.zeros((image.sizes.y, image.sizes.x), image.dtype)
        self.blocks = tuple(split_blocks(_runs(image, self._zeros.nbytes)))
        self._turn = threading.Condition()
        self._next = 0
        self._aborted = False
        # Half a second, which no other format needs to wait for.
        from pyomero_upload.targets.files.ome_xml import ome_xml  # noqa: PLC0415

        remove(file)
        raw = self._zeros.nbytes * image.sizes.t * image.sizes.c * image.sizes.z
        self._tiff = tifffile.TiffWriter(
            file, bigtiff=raw > LARGEST_CLASSIC, byteorder="<", ome=False, shaped=False
        )
        self._description: bytes | None = ome_xml(image, annotations).encode()

    def write(self, block: Block, planes: Iterable[Plane]) -> BlockNote:
        """Compress the pages of a block, wait for its turn, and write them."""
        pages = {
            index: self._encode(self._zeros if pixels is None else pixels)
            for index, pixels in planes
        }
        with self._turn:
            self._turn.wait_for(lambda: self._aborted or self._next == block.number)
            if self._aborted:
                raise WriteAbortedError
            for index in block.indexes:
                self._write_page(pages[index])
            self._next += 1
            self._turn.notify_all()
        return BlockNote()

    def finish(self, notes: Mapping[int, BlockNote]) -> Finished:
        """Close the file and bring it to the disk."""
        del notes
        self._tiff.close()
        sync_files([self._file])
        level = LevelSize("", self._image.sizes.y, self._image.sizes.x)
        return Finished(self._path, (file_digest(self._file, ""),), (level,))

    def abort(self) -> None:
        """Let those who wait go, and remove the unfinished file."""
        with self._turn:
            self._aborted = True
            self._turn.notify_all()
            self._tiff.close()
        remove(self._file)

    def _encode(self, pixels: Pixels) -> bytes | Pixels:
        if self._compression == "none":
            return pixels
        little = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder("<"), copy=False))
        if little.dtype.kind in "iu":
            little = imagecodecs.delta_encode(little, axis=-1)
        # The library's stubs do not know that arrays are buffers.
        if self._compression == "zstd":
            return bytes(imagecodecs.zstd_encode(little, level=ZSTD_LEVEL))  # type: ignore[arg-type]
        return bytes(imagecodecs.zlib_encode(little, level=DEFLATE_LEVEL))  # type: ignore[arg-type]

    def _write_page(self, page: bytes | Pixels) -> None:
        size = self._image.physical_size_um
        whole_numbers = self._zeros.dtype.kind in "iu"
        self._tiff.write(
            iter([page]) if isinstance(page, bytes) else page,
            shape=self._zeros.shape,
            dtype=self._zeros.dtype,
            photometric="minisblack",
            compression=TIFF_NAMES[self._compression],
            predictor=2 if isinstance(page, bytes) and whole_numbers else None,
            rowsperstrip=self._zeros.shape[0],
            resolution=(1e4 / size.x, 1e4 / size.y) if size.x and size.y else None,
            resolutionunit="CENTIMETER" if size.x and size.y else None,
            description=self._description,
            software=False,
            metadata=None,
            contiguous=False,
        )
        self._description = None


def _runs(image: Hypercube, plane_bytes: int) -> Iterator[Sequence[PlaneIndex]]:
    """Iterate over runs of pages: a z-stack where a processor makes stacks, else as many planes as fit a block."""
    longest = max(1, BLOCK_BYTES // max(plane_bytes, 1))
    made_by_processor = not image.planes
    run: list[PlaneIndex] = []
    for index in image.indexes():
        if run and (index.z == 0 if made_by_processor else len(run) >= longest):
            yield run
            run = []
        run.append(index)
    if run:
        yield run
