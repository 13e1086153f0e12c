"""The planes of an image of a plan, in the order and the bytes in which an OMERO server stores them.

Stands between `planes`, which read files in the order that suits files, and `verify_omero`, which needs the server's digest of them:
SHA-1 over all planes in the order t, c, z, z fastest, pixels big-endian, missing planes as zeros.
"""

from collections.abc import Callable, Iterator

import numpy as np

from pyomero_upload.model import Hypercube, PlaneIndex
from pyomero_upload.targets.target import Block, Pixels
from pyomero_upload.transfer.planes import BlockReading, ImageInput
from pyomero_upload.transfer.progress import plane_bytes


def in_storage_order(
    work: ImageInput, plane_done: Callable[[], None]
) -> Iterator[tuple[PlaneIndex, Pixels | None]]:
    """Iterate over the planes of an image, a z-stack in memory at a time; a plane of which nothing was taken is None."""
    sizes = work.image.sizes
    for number, (t, c) in enumerate((t, c) for t in range(sizes.t) for c in range(sizes.c)):
        block = Block(number, tuple(PlaneIndex(t, c, z) for z in range(sizes.z)))
        stack = dict(BlockReading(work, block, plane_done).planes())
        for index in block.indexes:
            yield index, stack[index]


def stored_bytes(image: Hypercube, pixels: Pixels | None) -> bytes:
    """Return a plane as the server stores it; zeros where there is nothing."""
    if pixels is None:
        return bytes(plane_bytes(image))
    return np.ascontiguousarray(pixels, np.dtype(image.dtype).newbyteorder(">")).tobytes()
