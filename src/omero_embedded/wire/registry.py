"""What the server offers: decorators that register a service or a command, and the lists they fill.

Importing `omero_embedded.services` and `omero_embedded.commands` fills them, which takes a good part of the server's
start. So the server begins to listen before, and whoever needs the lists calls `load` first, which waits.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TypeVar

T = TypeVar("T", bound=type)

STATELESS: dict[str, type] = {}
"""Interface (omero.api.IQuery) to the class whose one instance serves all."""

STATEFUL: dict[str, type] = {}
"""Interface (omero.api.RawPixelsStore) to the class of which each client gets instances of its own."""

COMMANDS: dict[str, type] = {}
"""Request (omero.cmd.Delete2) to the class that carries it out."""


def stateless(interface: str) -> Callable[[T], T]:
    """Register a class as the service of an interface."""

    def register(cls: T) -> T:
        cls.interface = interface  # type: ignore[attr-defined]
        STATELESS[interface] = cls
        return cls

    return register


def stateful(interface: str) -> Callable[[T], T]:
    """Register a class whose instances serve one client each.

    Interfaces that clients get from another service (omero.grid.Table from SharedResources) are registered here too:
    `call.publish(instance)` makes an instance reachable and returns its proxy.
    """

    def register(cls: T) -> T:
        cls.interface = interface  # type: ignore[attr-defined]
        STATEFUL[interface] = cls
        return cls

    return register


def command(request: str) -> Callable[[T], T]:
    """Register a class that carries out a request such as omero.cmd.Delete2.

    It is made from the request; `run(call)` returns the response. An `errors` exception becomes an omero.cmd.ERR of
    the category "InternalException"; raise `handles.Refused` for an ERR of your own.
    """

    def register(cls: T) -> T:
        COMMANDS[request] = cls
        return cls

    return register


def load() -> None:
    """Import all that the server offers; nothing where that is done, and waiting where another thread does it."""
    import_module("omero_embedded.services")
    import_module("omero_embedded.commands")
