"""One image on its way into OMERO: blocks gathered, hashed in storage order, sent.

Below `target`; above `stores`. A block is a whole time point or z-stack where that is not too big, because each call costs
the server as much as several planes; else a run of planes. Pixels go in their own type, big-endian. SHA-1 is taken over
the bytes as they are sent, in the server's order (t, c, z, z fastest): blocks begin in this order, and each thread waits
for its turn to hash before it sends, so no more than one block for each thread is in memory.
"""

import hashlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias

import numpy as np

from pyomero_upload.model import Hypercube, PlaneIndex
from pyomero_upload.targets.omero.stores import ClosedStores, Stores
from pyomero_upload.targets.ranges import widen
from pyomero_upload.targets.target import (
    Block,
    BlockNote,
    ChannelRange,
    Finished,
    ImageBrokenError,
    Plane,
    WriteAbortedError,
    split_blocks,
)

# What a call costs does not show any more beside what so many bytes cost; and all threads together hold little.
GOOD_BYTES = 4 << 20
# Servers take messages of 64 MB at least; more than this makes nothing faster.
MOST_BYTES = 16 << 20

Call: TypeAlias = Literal["timepoint", "stack", "planes", "tiles"]


class Buffers:
    """Memory for blocks, used again and again: fresh memory costs more than what is done with it. For several threads."""

    def __init__(self) -> None:
        self._free: queue.LifoQueue[bytearray] = queue.LifoQueue()

    @contextmanager
    def taken(self, size: int) -> Iterator[bytearray]:
        """Lend memory of `size` bytes."""
        try:
            buffer = self._free.get_nowait()
        except queue.Empty:
            buffer = bytearray(size)
        if len(buffer) < size:
            buffer = bytearray(size)
        yield buffer
        self._free.put(buffer)


class OmeroImageWriter:
    """One image open for writing; see `targets.target.ImageWriter`.

    Parameters
    ----------
    image
        What to write.
    stores
        Of its Pixels.
    sent
        Numbers of blocks that the server has; they are hashed and not sent. They are all where the stores are closed.
    written
        Called when the server has all blocks, before the stores are closed.
    buffers
        Shared by all images.
    describe
        Takes the SHA-1 of the pixels that are safely there and the notes of all blocks, says all that is known of the
        image, and returns what is to be told of it.

    """

    # Every block is read, as what was sent before a break must be in the digest too.
    complete: Mapping[int, BlockNote] = {}

    def __init__(
        self,
        image: Hypercube,
        stores: Stores | ClosedStores,
        *,
        sent: Iterable[int],
        written: Callable[[], None],
        buffers: Buffers,
        describe: Callable[[str, Mapping[int, BlockNote]], Finished],
    ) -> None:
        self._image = image
        self._stores = stores
        self._written = written
        self._sent = frozenset(sent)
        self._buffers = buffers
        self._describe = describe
        self._dtype = np.dtype(image.dtype).newbyteorder(">")
        self._plane_bytes = image.sizes.y * image.sizes.x * self._dtype.itemsize
        self._call = best_call(image, pyramid=stores.pyramid)
        self._tile = stores.tile_size() if isinstance(stores, Stores) and stores.pyramid else (0, 0)
        self.blocks = tuple(split_blocks(_groups(image, self._call, self._plane_bytes)))
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._turn = threading.Condition()
        self._next = 0
        self._aborted = False

    def write(self, block: Block, planes: Iterable[Plane]) -> BlockNote:
        """Gather a block, hash it when its turn comes, and send it."""
        sizes = self._image.sizes
        count = len(block.indexes)
        places = {index: number for number, index in enumerate(block.indexes)}
        ranges: dict[int, ChannelRange] = {}
        with self._buffers.taken(count * self._plane_bytes) as memory:
            view = memoryview(memory)[: count * self._plane_bytes]
            gathered = np.frombuffer(view, self._dtype).reshape(count, sizes.y, sizes.x)
            for index, pixels in planes:
                if pixels is None:
                    gathered[places[index]] = 0
                else:
                    widen(ranges, index.c, pixels)
                    gathered[places[index]] = pixels
            self._wait_for_turn(block)
            self._sha1.update(view)
            in_order = self._call == "tiles"
            if in_order:
                # A pyramid takes its tiles in their order only.
                self._send(block, view)
            self._pass_turn()
            if not in_order:
                self._send(block, view)
        return BlockNote(ranges=tuple(ranges.values()))

    def finish(self, notes: Mapping[int, BlockNote]) -> Finished:
        """Save and close, and compare the server's digest of what it has with ours of what was read.

        Raises
        ------
        ImageBrokenError
            If they differ.

        """
        self._written()
        kept, read = self._stores.complete(), self._sha1.hexdigest()
        if kept != read:
            raise ImageBrokenError(
                f"{self._image.name}: the server does not have the pixels that were sent (SHA-1 {kept}, not {read}).",
                hint="The image is made anew.",
            )
        return self._describe(read, notes)

    def abort(self) -> None:
        """Let those who wait go. The stores stay open: the next run may go on with them."""
        with self._turn:
            self._aborted = True
            self._turn.notify_all()

    def _wait_for_turn(self, block: Block) -> None:
        with self._turn:
            self._turn.wait_for(lambda: self._aborted or self._next == block.number)
            if self._aborted:
                raise WriteAbortedError

    def _pass_turn(self) -> None:
        with self._turn:
            self._next += 1
            self._turn.notify_all()

    def _send(self, block: Block, view: memoryview) -> None:
        if isinstance(self._stores, ClosedStores) or block.number in self._sent:
            return
        t, c, _ = block.indexes[0]
        if self._call == "timepoint":
            self._stores.call(lambda store: store.setTimepoint(view, t))
        elif self._call == "stack":
            self._stores.call(lambda store: store.setStack(view, 0, c, t))
        elif self._call == "planes":
            self._stores.call(lambda store: self._send_planes(store, block, view))
        else:
            self._stores.call(lambda store: self._send_tiles(store, block, view))

    def _send_planes(self, store: Any, block: Block, view: memoryview) -> None:
        size = self._plane_bytes
        for number, (t, c, z) in enumerate(block.indexes):
            store.setPlane(view[number * size : (number + 1) * size], z, c, t)

    def _send_tiles(self, store: Any, block: Block, view: memoryview) -> None:
        width, height = self._tile
        _, _, _, size_y, size_x = self._image.sizes
        planes = np.frombuffer(view, self._dtype).reshape(-1, size_y, size_x)
        for plane, (t, c, z) in zip(planes, block.indexes, strict=True):
            for y in range(0, size_y, height):
                for x in range(0, size_x, width):
                    tile = plane[y : y + height, x : x + width]
                    store.setTile(tile.tobytes(), z, c, t, x, y, tile.shape[1], tile.shape[0])


def best_call(image: Hypercube, *, pyramid: bool) -> Call:
    """Return how the pixels of an image are best sent: in as few calls as are worth it."""
    sizes = image.sizes
    plane = sizes.y * sizes.x * np.dtype(image.dtype).itemsize
    if pyramid:
        return "tiles"
    if sizes.c * sizes.z > 1 and sizes.c * sizes.z * plane <= GOOD_BYTES:
        return "timepoint"
    if sizes.z > 1 and sizes.z * plane <= MOST_BYTES:
        return "stack"
    return "planes"


def _groups(image: Hypercube, call: Call, plane_bytes: int) -> Iterator[Sequence[PlaneIndex]]:
    """Iterate over the planes of each block, in the order t, c, z."""
    sizes = image.sizes
    stack_at_once = call == "stack" or not image.planes  # a processor makes whole stacks
    together = 1 if call == "tiles" else max(1, GOOD_BYTES // max(plane_bytes, 1))
    run: list[PlaneIndex] = []
    for index in image.indexes():
        if call == "timepoint":
            full = len(run) == sizes.c * sizes.z
        elif stack_at_once:
            full = len(run) == sizes.z
        else:
            full = len(run) == together
        if full:
            yield run
            run = []
        run.append(index)
    yield run
