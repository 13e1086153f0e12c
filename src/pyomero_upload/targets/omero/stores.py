"""The RawPixelsStores of one image: opened before its first plane is written, one call at a time on each.

Below `writer`. What a server does with stores decides all of this:

- only stores that were opened before the first write (or read) may ever write, so all are opened at once and nothing is
  opened later;
- two calls under way on one store may hang for good, so a thread takes a store out of a queue for one call;
- a store of which a call failed says that it saved and does not, so the image's digest is left to another one;
- the end of a store is final, but a store outlives its client as long as the session does, and goes on under the same
  identity for another client that joins the session.
"""

import queue
from collections.abc import Callable, Sequence
from typing import Any

import Ice
import omero
from typing_extensions import Self

from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.target import ImageBrokenError


class Stores:
    """The stores of one Pixels; safe to use from several threads.

    Parameters
    ----------
    connection
        The session that they belong to.
    pixels_id
        The Pixels.
    stores
        Proxies of open stores.

    """

    def __init__(self, connection: Connection, pixels_id: int, stores: Sequence[Any]) -> None:
        self._connection = connection
        self._pixels_id = pixels_id
        self._all = list(stores)
        self._good = list(stores)
        self._free: queue.LifoQueue[Any] = queue.LifoQueue()
        for store in stores:
            self._free.put(store)
        self.pyramid = bool(stores[0].requiresPixelsPyramid())

    @classmethod
    def open(cls, connection: Connection, pixels_id: int, count: int) -> Self:
        """Open `count` stores on Pixels that nobody has written to yet; a pyramid gets one, as it takes no more."""
        first = _open(connection, pixels_id)
        if first.requiresPixelsPyramid():
            return cls(connection, pixels_id, [first])
        return cls(
            connection,
            pixels_id,
            [first, *(_open(connection, pixels_id) for _ in range(count - 1))],
        )

    @classmethod
    def again(
        cls, connection: Connection, pixels_id: int, identities: Sequence[str]
    ) -> Self | None:
        """Go on with stores that an earlier client of the same session opened; None where one of them is gone."""
        communicator = connection.client.getCommunicator()
        stores = []
        for identity in identities:
            proxy = connection.sf.ice_identity(communicator.stringToIdentity(identity))
            store = omero.api.RawPixelsStorePrx.uncheckedCast(proxy)
            try:
                if store.getPixelsId() != pixels_id:
                    return None
            except (Ice.ObjectNotExistException, omero.ServerError):
                return None
            stores.append(store)
        return cls(connection, pixels_id, stores) if stores else None

    @property
    def identities(self) -> tuple[str, ...]:
        """By which another client of the session finds those that are still good: a secret like a password."""
        communicator = self._connection.client.getCommunicator()
        return tuple(communicator.identityToString(store.ice_getIdentity()) for store in self._good)

    def tile_size(self) -> tuple[int, int]:
        """Return width and height of the tiles that a pyramid is written in."""
        width, height = self._all[0].getTileSize()
        return int(width), int(height)

    def call(self, write: Callable[[Any], object]) -> None:
        """Have a free store write something; where it fails, another one, which writes all of it again.

        Raises
        ------
        ImageBrokenError
            If no store is left that could still save the image.
        Ice.LocalException
            If the server cannot be reached, or the session is over.

        """
        while True:
            store = self._free.get()
            if store is None:
                self._free.put(None)
                raise _none_left(self._pixels_id)
            try:
                write(store)
            except omero.ServerError as error:
                self._good.remove(store)
                if not self._good:
                    self._free.put(None)
                    raise _none_left(self._pixels_id) from error
            except BaseException:
                self._free.put(store)
                raise
            else:
                self._free.put(store)
                return

    def complete(self) -> str:
        """Save the image by a good store, close all, and return the SHA-1 that the server keeps of it.

        Raises
        ------
        ImageBrokenError
            If the server does not take it.

        """
        try:
            for store in self._good:
                # A store through which nothing was written saves nothing.
                if store.save() is not None:
                    break
        except omero.ServerError as error:
            raise _not_saved(self._pixels_id) from error
        self.close()
        parameters = omero.sys.ParametersI().addId(self._pixels_id)
        rows = self._connection.query.projection(
            "select p.sha1 from Pixels p where p.id = :id", parameters
        )
        return str(rows[0][0].val)

    def close(self) -> None:
        """Close all stores: after that nobody can ever write to the image again."""
        try:
            for store in self._all:
                store.close()
        except omero.ServerError as error:
            raise _not_saved(self._pixels_id) from error


def _open(connection: Connection, pixels_id: int) -> Any:
    store = connection.sf.createRawPixelsStore()
    store.setPixelsId(pixels_id, False)
    return store


def _none_left(pixels_id: int) -> ImageBrokenError:
    return ImageBrokenError(
        f"The server refused what was written to Pixels:{pixels_id}.",
        hint="The image is made anew.",
    )


def _not_saved(pixels_id: int) -> ImageBrokenError:
    return ImageBrokenError(
        f"The server could not save Pixels:{pixels_id}.", hint="The image is made anew."
    )
