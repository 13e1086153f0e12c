"""The service factory: what a client gets when it logs in, and where it gets everything else from."""

import uuid
from typing import Any

import Ice
import omero
import omero.api
import omero.cmd
import omero.model

from omero_embedded import errors
from omero_embedded.call import Call
from omero_embedded.initial import GUEST_USER
from omero_embedded.loading import class_name
from omero_embedded.schema import CLASSES
from omero_embedded.wire import registry
from omero_embedded.wire.dispatch import Servant
from omero_embedded.wire.handles import Handle
from omero_embedded.wire.interfaces import proxy_class, skeleton


class ServiceFactory:
    """omero.api.ServiceFactory for one client. The operations that only hand out a service are added below."""

    interface = "omero.api.ServiceFactory"
    in_any_group = True
    """Logging in succeeds in a group that one is not in; what is asked then does not."""

    # ------------------------------------------------------------ the session
    def getSecurityContexts(self, call: Call) -> list[omero.model.IObject]:
        """Give the groups (and shares) the session can be switched to."""
        from omero_embedded.services.admin import group_with_members  # noqa: PLC0415  # see registry

        return [group_with_members(call, group) for group in call.user.groups]

    def setSecurityContext(
        self, call: Call, obj: omero.model.IObject | None
    ) -> omero.model.IObject:
        """Switch the session to another group; give the previous one."""
        if obj is None or obj.id is None:
            raise errors.api_usage("Security context must be managed!")
        session, wanted = call.session, int(obj.id.val)
        if session.only_groups is not None:
            raise errors.security("Group-sudo session cannot change context!")
        in_use = [name for name, s in session.servants.items() if _is_stateful(s)]
        if in_use:
            assert call.current is not None
            client = call.server.router.client_of(call.current.con)
            names = "\n".join(sorted(in_use))
            raise errors.security(
                f"SecurityContext change cancelled:\nClient {'' if client is None else client.uuid} has active "
                f"stateful services:\n{names}"
            )
        if not isinstance(obj, omero.model.ExperimenterGroup):
            java = CLASSES[class_name(obj)].java
            raise errors.api_usage(f"Unknown security context:{java}:Id_{wanted}")
        if wanted >= 0 and wanted not in call.user.groups and not call.is_admin:
            raise errors.security(f"User {call.user_id} is not a member of group {wanted}")
        if wanted not in call.people.groups:
            raise errors.api_usage(f"No such group: {wanted}")
        previous, session.group_id = session.group_id, wanted
        return omero.model.ExperimenterGroupI(previous, False)

    def setSecurityPassword(self, call: Call, password: str) -> None:
        """Confirm who one is, after joining a session without a password."""
        if not call.server.password_matches(call, call.session.user_id, password):
            raise errors.security(
                f"Bad password for {call.people.users[call.session.user_id].name}"
            )
        assert call.current is not None
        client = call.server.router.client_of(call.current.con)
        if client is not None:
            client.with_password = True

    def closeOnDestroy(self, call: Call) -> None:
        """Have the session end with its last client."""
        call.session.detached = False

    def detachOnDestroy(self, call: Call) -> None:
        """Have the session live on without clients, until it was idle for its time."""
        call.session.detached = True

    def destroy(self, call: Call) -> None:
        """End this client's use of the session."""
        router = call.server.router
        assert call.current is not None
        router.disconnected(call.current.con.toString())

    def keepAlive(self, call: Call, proxy: Any) -> bool:
        """Keep the session alive, and say whether the service is still there."""
        return proxy is not None and self._is_open(call, proxy)

    def keepAllAlive(self, call: Call, proxies: list[Any]) -> int:
        """Keep the session alive; bit i of the result says that the i-th service is gone. All bits where none is asked."""
        if not proxies:
            return -1
        return sum(
            1 << i
            for i, proxy in enumerate(proxies)
            if proxy is not None and not self._is_open(call, proxy)
        )

    def _is_open(self, call: Call, proxy: Ice.ObjectPrx) -> bool:
        identity = proxy.ice_getIdentity()
        session = call.server.sessions.find(identity.category)
        return session is not None and call.server.servant(session, identity.name) is not None

    def setCallback(self, call: Call, callback: Any) -> None:
        """Take the client's callback, which tells of the server's end; nothing is told here."""

    def subscribe(self, call: Call, topicName: str, prx: Any) -> None:
        """Take note of a public topic, on which nothing is ever told here."""
        if not (topicName or "").startswith("/public/"):
            raise errors.api_usage('Currently only "/public/" topics allowed.')

    # ------------------------------------------------------------ services by name
    def activeServices(self, call: Call) -> list[str]:
        """Give the names of the open services, as getByName takes them.

        Those without a state bear the uuid of a client in front, those with one a uuid of their own.
        """
        client = "" if call.current is None else call.current.ctx.get("omero.client.uuid", "")
        return [*(client + name for name in call.session.stateless), *call.session.servants]

    def getByName(self, call: Call, name: str) -> Any:
        """Give a service, or an open one by the name that activeServices gave."""
        registry.load()
        if name in call.session.servants:
            return omero.api.ServiceInterfacePrx.uncheckedCast(
                call.server.proxy(call.session, name)
            )
        interface = f"omero.{name.partition('omero.')[2]}"
        if interface in registry.STATELESS:
            return omero.api.ServiceInterfacePrx.uncheckedCast(_stateless(call, interface))
        return omero.api.ServiceInterfacePrx.uncheckedCast(_opened(call, name))

    def createByName(self, call: Call, name: str) -> Any:
        """Open a stateful service."""
        registry.load()
        if name in registry.STATELESS:
            return omero.api.StatefulServiceInterfacePrx.uncheckedCast(_stateless(call, name))
        return _opened(call, name)

    def sharedResources(self, call: Call) -> Any:
        """Give the shared resources: repositories, tables, scripts' processors."""
        return _stateless(call, "omero.grid.SharedResources")

    def submit(self, call: Call, req: omero.cmd.Request) -> Any:
        """Begin to carry out a request; give the handle that tells how it goes, none for no request."""
        if req is None:
            return None
        handle = Handle(call.server, call.session, dict(call.context), req)
        proxy = call.server.publish(call.session, handle, name=f"IHandle{uuid.uuid4()}")
        handle.start()
        return proxy


def _stateless(call: Call, interface: str) -> Any:
    registry.load()
    _refuse_guest(call, interface)
    if interface not in registry.STATELESS:
        raise errors.internal(f"{interface} is not offered by this server.")
    return proxy_class(interface).uncheckedCast(call.server.proxy(call.session, interface))  # type: ignore[attr-defined]


def _opened(call: Call, interface: str) -> Any:
    """Open a stateful service."""
    registry.load()
    _refuse_guest(call, interface)
    if interface not in registry.STATEFUL or not issubclass(skeleton(interface), STATEFUL):
        raise errors.api_usage(
            f"{interface} is an unknown service. Please check Constants.ice or the documentation for valid strings."
        )
    return call.publish(registry.STATEFUL[interface]())


STATEFUL = omero.api.StatefulServiceInterface
FOR_GUEST = {f"omero.api.I{name}" for name in ("Admin", "Config", "Session")}
"""What the user guest gets, who is let in with any password."""


def _refuse_guest(call: Call, interface: str) -> None:
    if call.user_id == GUEST_USER and interface not in FOR_GUEST:
        raise errors.security(f"Access denied to guest user: {interface}")


def _is_stateful(servant: Servant) -> bool:
    """Whether a servant is what keeps a session in its group; commands and tables are not."""
    return isinstance(servant, STATEFUL)


def _give(interface: str) -> Any:
    def give(_factory: ServiceFactory, call: Call) -> Any:
        return _stateless(call, interface)

    return give


def _open(interface: str) -> Any:
    def open_one(_factory: ServiceFactory, call: Call) -> Any:
        return _opened(call, interface)

    return open_one


for _name in (
    "Admin", "Config", "Container", "Ldap", "Metadata", "Pixels", "Projection", "Query", "RenderingSettings",
    "RepositoryInfo", "Roi", "Script", "Session", "Share", "Timeline", "Types", "Update",
):  # fmt: skip
    setattr(ServiceFactory, f"get{_name}Service", _give(f"omero.api.I{_name}"))
for _name in (
    "Exporter",
    "JobHandle",
    "RawFileStore",
    "RawPixelsStore",
    "RenderingEngine",
    "ThumbnailStore",
):
    setattr(ServiceFactory, f"create{_name}", _open(f"omero.api.{_name}"))
setattr(ServiceFactory, "createSearchService", _open("omero.api.Search"))  # noqa: B010  # beside its siblings
