"""Plain service classes as Ice servants.

For each interface one servant class is made: every operation of it is there and is answered, by the service's method of
the same name or by an exception that names service and operation. A call gets its `Call`, its transaction is committed
or rolled back, and whatever is raised reaches the client as an exception it knows.
"""

import logging
import threading
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import Ice
import omero

from omero_embedded import errors
from omero_embedded.call import Call
from omero_embedded.event_context import event_context
from omero_embedded.wire.interfaces import Operation, operations, skeleton

if TYPE_CHECKING:
    from omero_embedded.core import Core
    from omero_embedded.wire.sessions import Session

log = logging.getLogger("omero_embedded")


class Servant:
    """What a servant needs to answer: the service, whose session it belongs to, and the lock of a stateful one.

    The generated classes initialise nothing, so the servant classes made below derive from this one and theirs.
    """

    def __init__(self, core: "Core", session: "Session", service: Any, *, one_by_one: bool) -> None:
        self.core = core
        self.session = session
        self.service = service
        self.lock = threading.RLock() if one_by_one else None
        self.context: dict[str, str] = {}

    def common(self, name: str) -> Callable[..., Any] | None:
        """Return what answers an operation that all stateful services have and few do anything in."""
        return COMMON.get(name) if self.lock is not None else None


def _nothing(_call: Call) -> None:
    """Do nothing."""


COMMON: dict[str, Callable[..., Any]] = {
    "activate": _nothing,
    "passivate": _nothing,
    "close": _nothing,
    "getCurrentEventContext": event_context,
}
"""What all stateful services answer unless they do it themselves."""


def servant(core: "Core", session: "Session", service: Any, *, one_by_one: bool) -> Servant:
    """Make the servant of a service, whose class names its interface."""
    made: Servant = servant_class(service.interface)(core, session, service, one_by_one=one_by_one)
    return made


@cache
def servant_class(interface: str) -> type:
    """Make the servant class of an interface."""
    members: dict[str, Any] = {}
    for operation in operations(interface).values():
        answer = _answer_later if operation.asynchronous else _answer
        name = f"{operation.name}_async" if operation.asynchronous else operation.name
        members[name] = answer(interface, operation)
    return type(interface.rpartition(".")[2] + "Servant", (Servant, skeleton(interface)), members)


def _answer(interface: str, operation: Operation) -> Callable[..., Any]:
    def answer(self: Servant, *arguments: Any) -> Any:
        return run(self, interface, operation, arguments[:-1], arguments[-1])

    return answer


def _answer_later(interface: str, operation: Operation) -> Callable[..., None]:
    def answer(self: Servant, callback: Any, *arguments: Any) -> None:
        try:
            result = run(self, interface, operation, arguments[:-1], arguments[-1])
        except Exception as error:  # noqa: BLE001  # run raises what the client is to see
            callback.ice_exception(error)
            return
        try:
            if operation.void:
                callback.ice_response()
            elif isinstance(result, tuple):
                callback.ice_response(*result)
            else:
                callback.ice_response(result)
        except Exception as error:
            log.exception("%s.%s: the answer could not be sent", interface, operation.name)
            callback.ice_exception(errors.wrapped(error))

    return answer


def run(
    self: Servant,
    interface: str,
    operation: Operation,
    arguments: tuple[Any, ...],
    current: Ice.Current,
) -> Any:
    """Carry out one operation; raise what the client is to see."""
    try:
        return _run(self, interface, operation, arguments, current)
    except omero.ServerError as error:
        if operation.raises:
            raise
        message = getattr(error, "message", None) or str(error)
        raise Ice.UnknownException(f"{type(error).__name__}: {message}") from error


def _run(
    self: Servant,
    interface: str,
    operation: Operation,
    arguments: tuple[Any, ...],
    current: Ice.Current,
) -> Any:
    method = getattr(self.service, operation.method, None) or self.common(operation.name)
    if method is None:
        log.warning("%s.%s is not offered", interface, operation.name)
        raise errors.internal(f"{interface}.{operation.name} is not offered by this server.")
    self.session.touch()
    if self.lock is None or operation.name in getattr(self.service, "waits", ()):
        return _call(self, interface, operation, method, arguments, current)
    with self.lock:
        if self.service is None:
            raise Ice.ObjectNotExistException
        try:
            return _call(self, interface, operation, method, arguments, current)
        finally:
            if operation.name == "close":
                self.service = None
                self.session.servants.pop(current.id.name, None)


def _call(
    self: Servant,
    interface: str,
    operation: Operation,
    method: Callable[..., Any],
    arguments: tuple[Any, ...],
    current: Ice.Current,
) -> Any:
    name = f"{interface}.{operation.name}"
    self.context = dict(current.ctx)
    call: Call | None = None
    try:
        call = Call(
            self.core,
            self.session,
            self.context,
            writes=getattr(method, "writes", False),
            current=current,
            in_any_group=getattr(self.service, "in_any_group", False),
            refuses_untyped=getattr(self.service, "refuses_untyped", False),
        )
        result = method(call, *arguments)
        call.finish()
    except Exception as error:
        if call is not None:
            call.abandon()
        if isinstance(error, (omero.ServerError, Ice.Exception)):
            log.debug("%s: %s: %s", name, type(error).__name__, getattr(error, "message", error))
            raise
        nothing = [p for p, a in zip(operation.parameters, arguments, strict=False) if a is None]
        if nothing and isinstance(error, (AttributeError, TypeError)):
            log.warning("%s failed: %s given for %s", name, error, nothing)
            raise errors.api_usage(f"{name}: {', '.join(nothing)} may not be null.") from error
        log.exception("%s failed", name)
        raise errors.wrapped(error) from error
    return result
