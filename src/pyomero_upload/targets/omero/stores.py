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
import omero.sys
from typing_extensions import Self

from pyomero_upload.errors import PyomeroError
from pyomero_upload.targets.omero.faults import GaveUpError, Patience, StoresLostError
from pyomero_upload.targets.target import ImageBrokenError, ImageLostError


class Stores:
    """The stores of one Pixels; safe to use from several threads.

    Parameters
    ----------
    patience
        The session that they belong to, and what waits out its faults.
    pixels_id
        The Pixels.
    identities
        By which open stores are found in the session: secrets like a password.

    Attributes
    ----------
    pyramid
        Whether the image is so big that it is written by tiles; it has one store then, as it takes no more.

    """

    def __init__(self, patience: Patience, pixels_id: int, identities: Sequence[str]) -> None:
        self.identities: tuple[str, ...] = ()
        self._patience = patience
        self._session = patience.connection.session_number
        self._pixels_id = pixels_id
        self._free: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._add(identities)
        # Stores that had a call fail: what they take is kept, but they save no digest.
        self._spoilt: set[str] = set()
        # Each store as the client of this moment knows it; to find it anew for each call costs as much as a small call.
        self._known: dict[str, tuple[Any, Any]] = {}
        self.pyramid: bool = self._run(identities[0], lambda store: store.requiresPixelsPyramid())

    @classmethod
    def open(cls, patience: Patience, pixels_id: int, count: int) -> Self:
        """Open `count` stores on Pixels that nobody has written to yet."""

        def opened() -> str:
            store = patience.connection.sf.createRawPixelsStore()
            store.setPixelsId(pixels_id, False)
            communicator = patience.connection.client.getCommunicator()
            return str(communicator.identityToString(store.ice_getIdentity()))

        stores = cls(patience, pixels_id, [patience.run(opened)])
        if not stores.pyramid:
            more = [patience.run(opened) for _ in range(count - 1)]
            stores._add(more)
        return stores

    @classmethod
    def again(cls, patience: Patience, pixels_id: int, identities: Sequence[str]) -> Self | None:
        """Go on with stores that an earlier client of the same session opened; None where one of them is gone."""

        def alive(identity: str) -> bool:
            try:
                return bool(_proxy(patience, identity).getPixelsId() == pixels_id)
            except (Ice.ObjectNotExistException, omero.ServerError):
                return False

        for identity in identities:
            if not patience.run(lambda identity=identity: alive(identity)):  # type: ignore[misc]
                return None
        return cls(patience, pixels_id, identities) if identities else None

    def _add(self, identities: Sequence[str]) -> None:
        self.identities += tuple(identities)
        for identity in identities:
            self._free.put(identity)

    def tile_size(self) -> tuple[int, int]:
        """Return width and height of the tiles that a pyramid is written in."""
        width, height = self._run(self.identities[0], lambda store: store.getTileSize())
        return int(width), int(height)

    def call(self, write: Callable[[Any], object]) -> None:
        """Have a free store write something; where it fails, another one, which writes all of it again.

        Raises
        ------
        ImageBrokenError
            If the stores are gone with their session, or none takes it.
        GaveUpError
            If the server could not be reached for too long.

        """
        for last in range(len(self.identities) - 1, -1, -1):
            identity = self._free.get()
            try:
                self._run(identity, write)
            except ImageLostError:
                raise
            except ImageBrokenError:
                if not last:
                    raise
            else:
                return
            finally:
                self._free.put(identity)

    def complete(self) -> str:
        """Save the image by a good store, close all, and return the SHA-1 that the server keeps of it.

        Raises
        ------
        ImageBrokenError
            If the server does not take it.

        """
        for identity in self.identities:
            # A store through which nothing was written saves nothing.
            if identity not in self._spoilt and self._run(identity, lambda store: store.save()):
                break
        for identity in self.identities:
            self._run(identity, _close)
        return self._patience.run(lambda: _kept(self._patience, self._pixels_id))

    def _run(self, identity: str, what: Callable[[Any], Any]) -> Any:
        """Run something on a store, in spite of faults that pass as long as its session lives."""

        def attempt() -> Any:
            try:
                return what(self._store(identity))
            except omero.ServerError:
                self._spoilt.add(identity)
                raise

        try:
            return self._patience.run_in_session(attempt, self._session)
        except GaveUpError:
            raise
        except StoresLostError as error:
            raise ImageLostError(error.message, hint=error.hint) from None
        except PyomeroError as error:
            raise ImageBrokenError(
                f"The server did not take the pixels of Pixels:{self._pixels_id}. {error.message}",
                hint=error.hint,
            ) from None

    def _store(self, identity: str) -> Any:
        client = self._patience.connection.client
        known = self._known.get(identity)
        if known is None or known[0] is not client:
            known = self._known[identity] = client, _proxy(self._patience, identity)
        return known[1]


class ClosedStores:
    """In the place of `Stores` for Pixels that are completely written: nothing can be sent any more, only compared."""

    pyramid = False

    def __init__(self, patience: Patience, pixels_id: int) -> None:
        self._patience = patience
        self._pixels_id = pixels_id

    def complete(self) -> str:
        """Return the SHA-1 that the server keeps; none yet, or a wrong one, where something was lost after all."""
        return self._patience.run(lambda: _kept(self._patience, self._pixels_id))


def _kept(patience: Patience, pixels_id: int) -> str:
    parameters = omero.sys.ParametersI().addId(pixels_id)
    hql = "select p.sha1 from Pixels p where p.id = :id"
    rows = patience.connection.query.projection(hql, parameters)
    return str(rows[0][0].val) if rows else ""


def _proxy(patience: Patience, identity: str) -> Any:
    """Return a store of the session, for the client of this moment."""
    connection = patience.connection
    known = connection.client.getCommunicator().stringToIdentity(identity)
    return omero.api.RawPixelsStorePrx.uncheckedCast(connection.sf.ice_identity(known))


def _close(store: Any) -> None:
    """Close a store; after a drop of the connection it may have been closed before."""
    try:
        store.close()
    except Ice.ObjectNotExistException:
        return
