"""Runs that are killed between two calls to the server, and what the server holds afterwards.

A connection that dies after its n-th call has done n calls and not one more: that is all that the server ever sees of a run
that is killed. Tried for every n, and each time run again to the end, the server must hold what one clean run leaves. Calls
that only ask are not counted: killed after one of them, or before it, is the same to the server.
"""

import copy
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import Ice

from omero_world import world
from pyomero_upload.targets.omero.connection import Connection

_ASKING = (
    "get",
    "find",
    "projection",
    "create",
    "repositories",
    "sharedResources",
    "lookup",
    "close",
)
_CHANGING = ("createImage", "createThumbnails")


class Killed(Exception):  # noqa: N818 - what happened to the run
    """The run is dead."""


class _Life:
    def __init__(self, calls: int) -> None:
        self._left = calls

    def spend(self, name: str) -> None:
        """Count a call; raise when there is none left."""
        if self._left < 0:
            raise Killed
        if name.startswith(_CHANGING) or not name.startswith(_ASKING):
            if self._left == 0:
                self._left = -1
                raise Killed
            self._left -= 1


class _Mortal:
    """A proxy of the server that works until its life is over."""

    def __init__(self, proxy: Any, life: _Life) -> None:
        self._proxy = proxy
        self._life = life

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._proxy, name)
        if isinstance(value, Ice.ObjectPrx):
            return _Mortal(value, self._life)
        if not callable(value):
            return value

        def call(*args: Any, **named: Any) -> Any:
            self._life.spend(name)
            result = value(*args, **named)
            return _Mortal(result, self._life) if isinstance(result, Ice.ObjectPrx) else result

        return call


def mortal(conn: Connection, calls: int) -> Connection:
    """Return a connection over the same session that dies after so many calls."""
    made = copy.copy(conn)
    made.client = _Mortal(conn.client, _Life(calls))
    return made


def killed_everywhere(
    run: Callable[[Connection], object], new_connection: Callable[[], Connection]
) -> Iterator[tuple[int, Counter[Any], Counter[Any]]]:
    """Kill a run after each of its calls, run it again to its end, and compare with a run that nobody killed.

    Yields
    ------
    calls, left, wanted
        After how many calls it was killed, what the server holds, and what a clean run leaves.

    """
    clean = new_connection()
    run(clean)
    wanted = world(clean)
    for calls in itertools.count():
        conn = new_connection()
        try:
            run(mortal(conn, calls))
        except Killed:
            run(conn)
            yield calls, world(conn), wanted
        else:
            assert calls > 1
            return
