"""OME-Zarr 0.5: one `NAME.ome.zarr` an image, one shard a time point and level.

Stands behind `transfer` as a target. The thread that decodes a plane also encodes it and appends it to the shard's file, so
a core works on pixels that are in its cache and memory does not grow with the image. Measured on 2 cores with 16-bit
planes of 512×512, this took 20 to 30 % less time end to end than handing whole shards to tensorstore, which copies each
shard once more; and it leaves tensorstore, whose code has no part in the writing, to read everything back in
`read_back`.

A shard is written under its final name inside the unfinished image. Whether it survived a crash is decided by its
digest in the journal, so no `fsync` is needed before the image is complete.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import imagecodecs
import numpy as np
from pydantic import JsonValue

from pyomero_upload.model import Hypercube, PlaneIndex
from pyomero_upload.targets.digest import bytes_digest, file_digest, plane_digest, zeros_digest
from pyomero_upload.targets.files.durable import sync_files
from pyomero_upload.targets.files.pyramid import chunk_side, default_levels, halve, level_sizes
from pyomero_upload.targets.files.shard import ShardWriter
from pyomero_upload.targets.ranges import gathered, widen
from pyomero_upload.targets.target import (
    Annotations,
    Block,
    BlockNote,
    ChannelRange,
    FileDigest,
    Finished,
    LevelSize,
    Pixels,
    Plane,
    split_blocks,
)

COMPRESSIONS = ("lz4", "zstd", "none")
BLOSC_LEVELS = {"lz4": 5, "zstd": 1}
BITSHUFFLE = 2
# Where bioformats2raw has it, too: https://ngff.openmicroscopy.org/0.5/#bf2raw
OME_XML = "OME/METADATA.ome.xml"


class OmeZarrWriter:
    """One image open for writing; see `targets.target.ImageWriter`.

    Parameters
    ----------
    folder
        Where the unfinished image is.
    path
        Its path in the output once it is finished.
    image
        What to write.
    levels
        How many pyramid levels below the full size; None: as many as `pyramid.default_levels` says.
    compression
        `lz4`, `zstd` (both with bitshuffle, in a Blosc container) or `none`.
    notes
        Of blocks that an earlier run wrote.
    annotations
        What to say about the image besides, where there are ROIs, which need OME-XML.

    """

    def __init__(
        self,
        folder: Path,
        path: str,
        image: Hypercube,
        *,
        levels: int | None,
        compression: str,
        notes: Mapping[int, BlockNote],
        annotations: Annotations,
    ) -> None:
        self._folder = folder
        self._path = path
        self._image = image
        self._annotations = annotations
        self._compression = compression
        self._encode = _encoder(compression, np.dtype(image.dtype).itemsize)
        count = default_levels(image.sizes) if levels is None else levels
        self._levels = tuple(
            LevelSize(str(number), height, width)
            for number, (height, width) in enumerate(level_sizes(image.sizes, count))
        )
        self.blocks = tuple(split_blocks(_time_points(image)))
        self.complete = {
            number: note for number, note in notes.items() if self._survived(number, note)
        }

    def write(self, block: Block, planes: Iterable[Plane]) -> BlockNote:
        """Write the shards of one time point."""
        time = block.indexes[0].t
        digests: list[dict[PlaneIndex, str]] = [{} for _ in self._levels]
        ranges: dict[int, ChannelRange] = {}
        with ExitStack() as stack:
            shards = [
                stack.enter_context(
                    ShardWriter(self._folder / _shard(level, time), self._chunks(level))
                )
                for level in self._levels
            ]
            for index, pixels in planes:
                if pixels is None:
                    continue
                widen(ranges, index.c, pixels)
                reduced = pixels
                for number, level in enumerate(self._levels):
                    if number:
                        reduced = halve(reduced)
                        digests[number][index] = plane_digest(reduced)
                    self._add(shards[number], level, index, reduced)
            files = tuple(
                shard.finish(_shard(level, time))
                for shard, level in zip(shards, self._levels, strict=True)
            )
        level_digests = tuple(
            tuple(
                found.get(index) or zeros_digest(level.y, level.x, self._image.dtype)
                for index in block.indexes
            )
            for level, found in list(zip(self._levels, digests, strict=True))[1:]
        )
        return BlockNote(files, level_digests, tuple(ranges.values()))

    def finish(self, notes: Mapping[int, BlockNote]) -> Finished:
        """Write the metadata, with the ranges of values that were found, and bring all to the disk."""
        # A quarter of a second, which a job with nothing to do need not wait for.
        from pyomero_upload.targets.files.zarr_metadata import group_json  # noqa: PLC0415

        ranges = gathered(notes.values())
        documents = {"zarr.json": group_json(self._image, self._levels, ranges)}
        for level in self._levels:
            documents[f"{level.path}/zarr.json"] = self._array_json(level)
        if self._image.rois:
            from pyomero_upload.targets.files.ome_xml import ome_xml  # noqa: PLC0415

            documents[OME_XML] = ome_xml(self._image, self._annotations, pages=False).encode()
        metadata = []
        for name, content in documents.items():
            (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self._folder / name).write_bytes(content)
            metadata.append(bytes_digest(content, name))
        shards = [file for number in sorted(notes) for file in notes[number].files]
        files = (*metadata, *shards)
        sync_files(self._folder / file.path for file in files)
        return Finished(self._path, files, self._levels)

    def abort(self) -> None:
        """Nothing is open between two calls."""

    def _survived(self, number: int, note: BlockNote) -> bool:
        return number < len(self.blocks) and all(
            _unchanged(self._folder, file) for file in note.files
        )

    def _grid(self, level: LevelSize) -> tuple[int, int, int, int]:
        """Return a chunk's height and width, and how many chunks lie below and beside each other."""
        height, width = chunk_side(level.y), chunk_side(level.x)
        return height, width, -(-level.y // height), -(-level.x // width)

    def _chunks(self, level: LevelSize) -> int:
        _, _, rows, columns = self._grid(level)
        return self._image.sizes.c * self._image.sizes.z * rows * columns

    def _add(self, shard: ShardWriter, level: LevelSize, index: PlaneIndex, pixels: Pixels) -> None:
        height, width, rows, columns = self._grid(level)
        first = (index.c * self._image.sizes.z + index.z) * rows * columns
        for row in range(rows):
            for column in range(columns):
                part = pixels[
                    row * height : (row + 1) * height, column * width : (column + 1) * width
                ]
                if part.shape != (height, width):
                    missing = (height - part.shape[0], width - part.shape[1])
                    part = np.pad(part, ((0, missing[0]), (0, missing[1])))
                shard.add(first + row * columns + column, self._encode(_little_endian(part)))

    def _array_json(self, level: LevelSize) -> bytes:
        from pyomero_upload.targets.files.zarr_metadata import array_json  # noqa: PLC0415

        sizes = self._image.sizes
        height, width, rows, columns = self._grid(level)
        return array_json(
            shape=(sizes.t, sizes.c, sizes.z, level.y, level.x),
            chunk=(1, 1, 1, height, width),
            shard=(1, sizes.c, sizes.z, rows * height, columns * width),
            dtype=self._image.dtype,
            codecs=_codecs(self._compression, np.dtype(self._image.dtype).itemsize),
        )


def _time_points(image: Hypercube) -> Iterable[Sequence[PlaneIndex]]:
    sizes = image.sizes
    for t in range(sizes.t):
        yield [PlaneIndex(t, c, z) for c in range(sizes.c) for z in range(sizes.z)]


def _shard(level: LevelSize, time: int) -> str:
    return f"{level.path}/c/{time}/0/0/0/0"


def _unchanged(folder: Path, file: FileDigest) -> bool:
    path = folder / file.path
    try:
        return path.stat().st_size == file.bytes and file_digest(path, file.path) == file
    except OSError:
        return False


def _little_endian(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder("<"), copy=False))


def _encoder(compression: str, itemsize: int) -> Callable[[Pixels], bytes]:
    if compression == "none":
        return lambda pixels: pixels.tobytes()
    level = BLOSC_LEVELS[compression]

    def encode(pixels: Pixels) -> bytes:
        encoded = imagecodecs.blosc_encode(
            pixels,  # type: ignore[arg-type]  # the stubs do not know that arrays are buffers
            level=level,
            compressor=compression,
            shuffle=BITSHUFFLE,
            typesize=itemsize,
            numthreads=1,
        )
        return bytes(encoded)

    return encode


def _codecs(compression: str, itemsize: int) -> JsonValue:
    if compression == "none":
        return []
    return [
        {
            "name": "blosc",
            "configuration": {
                "cname": compression,
                "clevel": BLOSC_LEVELS[compression],
                "shuffle": "bitshuffle",
                "typesize": itemsize,
                "blocksize": 0,
            },
        }
    ]
