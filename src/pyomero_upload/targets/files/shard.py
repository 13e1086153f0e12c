"""One Zarr shard, written from chunk to chunk.

Stands below `ome_zarr`. Libraries write a shard from an array of all its pixels; this one takes a chunk as soon as it is
encoded, so a shard of any size needs the memory of one chunk, and each plane can be encoded by the thread that decoded it.
Layout: Zarr v3 `sharding_indexed` codec with the index at the end, its entries (offset, length) little-endian uint64, then
their CRC-32C (zarr-specs, «sharding codec v1.0»). A chunk that is never added reads as the fill value.
"""

import struct
from pathlib import Path
from types import TracebackType

import google_crc32c
import numpy as np
import xxhash
from typing_extensions import Self

from pyomero_upload.targets.target import FileDigest

MISSING = 2**64 - 1


class ShardWriter:
    """Writes one shard file; use it in a `with` statement, which closes it whatever happens.

    Parameters
    ----------
    path
        The file; an older one is replaced.
    chunks
        How many chunks the shard has.

    """

    def __init__(self, path: Path, chunks: int) -> None:
        self._index = np.full((chunks, 2), MISSING, "<u8")
        self._offset = 0
        self._hasher = xxhash.xxh3_128()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("wb", buffering=0)

    def add(self, chunk: int, encoded: bytes | memoryview) -> None:
        """Append an encoded chunk; `chunk` is its number in the shard, last axis fastest."""
        self._write(encoded)
        self._index[chunk] = (self._offset, len(encoded))
        self._offset += len(encoded)

    def finish(self, name: str) -> FileDigest:
        """Write the index and return the file's size and digest under `name`."""
        index = self._index.tobytes()
        index += struct.pack("<I", google_crc32c.value(index))
        self._write(index)
        return FileDigest(name, self._offset + len(index), self._hasher.hexdigest())

    def _write(self, content: bytes | memoryview) -> None:
        self._hasher.update(content)
        view = memoryview(content)
        while view:
            view = view[self._file.write(view) :]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
