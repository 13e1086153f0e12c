"""Has coverage follow the threads that Ice makes, which Python's own hook for new threads does not see.

Where coverage works by a trace function (before Python 3.12 always), it measures a thread in which that was set. IcePy
begins each call anew, as in a new thread, so it is set again at each call.
"""

import sys
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

from omero_embedded.wire import dispatch, router


def follow_ice() -> None:
    """Have what the server is called to do be measured, where somebody measures threads at all."""
    if threading.gettrace() is None:
        return
    dispatch.run = _traced(dispatch.run)
    for cls in (router.Router, router.Locator):
        for name, method in list(vars(cls).items()):
            if callable(method) and not name.startswith("_"):
                setattr(cls, name, _traced(method))


# What coverage made of its hook in each thread: made once, or each call would cost some memory.
_tracers: dict[int, Any] = {}


def _traced(called: Callable[..., Any]) -> Callable[..., Any]:
    """Return what does the same and is measured."""

    @wraps(called)
    def run(*arguments: Any, **named: Any) -> Any:
        if sys.gettrace() is None:
            sys.settrace(_tracers.get(threading.get_ident()) or threading.gettrace())
        try:
            return called(*arguments, **named)
        finally:
            _tracers[threading.get_ident()] = sys.gettrace()

    return run
