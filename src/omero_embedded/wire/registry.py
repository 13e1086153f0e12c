"""What the server offers: decorators that register a service or a command, and the lists they fill.

Importing `omero_embedded.services` fills them.
"""

from collections.abc import Callable
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
