"""A Dataset on an OMERO server as a target: images opened in it, written, checked against the server's own digest.

Stands behind `transfer` as a target. Life of an image: made and linked with its provenance, its stores opened and noted in
the state file, blocks written, saved, the server's SHA-1 compared with the one taken as planes were read, described, and
last marked complete in its provenance. What is complete is what the server says is.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from pyomero_upload.model import Hypercube, PlaneIndex
from pyomero_upload.targets.omero import images, provenance, rendering
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.faults import Patience
from pyomero_upload.targets.omero.objects import delete
from pyomero_upload.targets.omero.state import OpenImage, OpenImages
from pyomero_upload.targets.omero.stores import ClosedStores, Stores
from pyomero_upload.targets.omero.writer import Buffers, OmeroImageWriter
from pyomero_upload.targets.ranges import gathered
from pyomero_upload.targets.target import (
    BlockNote,
    Finished,
    LevelSize,
)

P = ParamSpec("P")
T = TypeVar("T")

# With two stores a server nearby is busy nearly all the time; each one more makes it read the whole image once more for a
# digest when it is closed. Over a long line more calls must be under way.
STORES = 2
STORES_FAR = 4


class Digests(NamedTuple):
    """What an image is made from and what is said of it, as digests."""

    inputs: str
    metadata: str


@dataclass(frozen=True, slots=True)
class Made:
    """An Image that is complete: its id, and the SHA-1 of its planes, which is the server's and ours."""

    image_id: int
    sha1: str


class OmeroTarget:
    """A Dataset that images are written to; see `targets.target.Target`.

    Parameters
    ----------
    patience
        The session, and what waits out its faults.
    dataset_id
        The Dataset.
    key
        The upload's.
    digests
        For the name of each image.
    open_images
        Where to remember what is open.
    ours
        Numbers of the sessions in which this machine's runs of the upload have worked; those of this one are added.
    stores
        How many are opened for each image.

    Attributes
    ----------
    made
        The Images that were completed, by their names in the plan.

    """

    def __init__(
        self,
        patience: Patience,
        dataset_id: int,
        *,
        key: str,
        digests: Mapping[str, Digests],
        open_images: OpenImages,
        ours: set[int],
        stores: int = STORES,
    ) -> None:
        self.made: dict[str, Made] = {}
        self._patience = patience
        self._dataset_id = dataset_id
        self._key = key
        self._digests = digests
        self._open = open_images
        self._ours = ours
        self._number = stores
        self._buffers = Buffers()
        self._stores: dict[str, Stores | ClosedStores] = {}
        self._finished: dict[str, tuple[str, str]] = {}
        self._lock = threading.Lock()

    def go_on_with(self, names: Iterable[str]) -> list[str]:
        """Return which of these images an earlier run began that can be gone on with: their blocks are on the server."""
        for name in names:
            earlier = self._open.get(name)
            if earlier is None:
                continue
            stores = Stores.again(self._patience, earlier.pixels_id, earlier.stores)
            # A pyramid takes its tiles in one order only, and nobody knows which was the last.
            if stores is not None and not stores.pyramid:
                self._stores[name] = stores
            elif earlier.written:
                self._stores[name] = ClosedStores(self._patience, earlier.pixels_id)
        return list(self._stores)

    def open_image(self, image: Hypercube, notes: Mapping[int, BlockNote]) -> OmeroImageWriter:
        """Make an image and open its stores, or go on with those that are open; `notes` are of blocks it has."""
        earlier = self._open.get(image.name)
        stores = self._stores.pop(image.name, None)
        if earlier is None or stores is None:
            return self._new(image)
        return self._writer(image, earlier, stores, notes)

    def publish(self, finished: Finished, blank: Sequence[PlaneIndex] = ()) -> None:
        """Say on the server that an image is complete: the last thing that is done to it."""
        name, sha1 = self._finished[finished.path]
        pairs = [(provenance.BLANK, str(len(blank)))] if blank else []
        image_id = int(finished.path.partition(":")[2])
        self._run(provenance.mark_image, image_id, key=self._key, sha1=sha1, pairs=pairs)
        with self._lock:
            self.made[name] = Made(image_id, sha1)
        self._open.remove(name)

    def holds(self, finished: Finished) -> bool:
        """Whether an image is there: what earlier runs completed is asked of the provenance, before."""
        return finished.path in self._finished

    def discard(self, name: str) -> None:
        """Delete what there is of an image that cannot become complete as it is."""
        self._open.remove(name)
        left = self._run(images.half_written, key=self._key, name=name)
        self._run(delete, "Image", left)

    def _new(self, image: Hypercube) -> OmeroImageWriter:
        digests = self._digests[image.name]
        self._ours.add(self._run(_session_id))
        new = self._run(
            images.create_image,
            image,
            dataset_id=self._dataset_id,
            key=self._key,
            inputs=digests.inputs,
            metadata=digests.metadata,
            ours=self._ours,
        )
        stores = Stores.open(self._patience, new.pixels_id, self._number)
        opened = OpenImage(image_id=new.image_id, pixels_id=new.pixels_id, stores=stores.identities)
        self._remember(image.name, opened)
        return self._writer(image, opened, stores, {})

    def _writer(
        self,
        image: Hypercube,
        opened: OpenImage,
        stores: Stores | ClosedStores,
        notes: Mapping[int, BlockNote],
    ) -> OmeroImageWriter:
        written = opened.model_copy(update={"written": True})
        return OmeroImageWriter(
            image,
            stores,
            sent=notes,
            written=partial(self._remember, image.name, written),
            buffers=self._buffers,
            describe=partial(self._describe, image, opened),
        )

    def _remember(self, name: str, opened: OpenImage) -> None:
        self._open.add(name, opened, self._patience.connection, self._run(_session_id))

    def _describe(
        self, image: Hypercube, opened: OpenImage, sha1: str, notes: Mapping[int, BlockNote]
    ) -> Finished:
        """Say all that is known of an image whose pixels are there."""
        ranges = gathered(notes.values())
        for say in (images.describe_image, rendering.show_image):
            self._run(say, opened.image_id, opened.pixels_id, image, ranges)
        path = f"Image:{opened.image_id}"
        with self._lock:
            self._finished[path] = (image.name, sha1)
        return Finished(path, (), (LevelSize("", image.sizes.y, image.sizes.x),))

    def _run(
        self,
        what: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run something on the connection in spite of faults that pass; doing it twice does no harm."""
        return self._patience.run(lambda: what(self._patience.connection, *args, **kwargs))


def _session_id(conn: Connection) -> int:
    return conn.session_id
