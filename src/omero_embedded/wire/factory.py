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
from omero_embedded.loading import Loader
from omero_embedded.wire import registry
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
        return list(Loader(call).objects("ExperimenterGroup", call.user.groups).values())

    def setSecurityContext(self, call: Call, obj: omero.model.IObject) -> omero.model.IObject:
        """Switch the session to another group; give the previous one."""
        if not isinstance(obj, omero.model.ExperimenterGroup) or obj.id is None:
            raise errors.api_usage(f"Unknown security context:{obj}")
        group, session = obj.id.val, call.session
        if group not in call.people.groups:
            raise errors.missing_row("ome.model.meta.ExperimenterGroup", group)
        if group not in call.user.groups and not call.is_admin:
            raise errors.security(f"User {call.user_id} is not a member of group {group}")
        if session.servants:
            names = ", ".join(sorted(session.servants))
            raise errors.security(
                f"SecurityContext change cancelled: {len(session.servants)} active services: {names}"
            )
        previous, session.group_id = session.group_id, group
        return omero.model.ExperimenterGroupI(previous, False)

    def setSecurityPassword(self, call: Call, password: str) -> None:
        """Confirm who one is: nothing here asks for it."""
        if not call.server.password_matches(call, call.session.user_id, password):
            raise errors.security("Bad password")

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
        """Keep the session alive; bit i of the result says that the i-th service is gone."""
        return sum(
            1 << i
            for i, proxy in enumerate(proxies or [])
            if proxy is None or not self._is_open(call, proxy)
        )

    def _is_open(self, call: Call, proxy: Ice.ObjectPrx) -> bool:
        identity = proxy.ice_getIdentity()
        session = call.server.sessions.find(identity.category)
        return session is not None and call.server.servant(session, identity.name) is not None

    def setCallback(self, call: Call, callback: Any) -> None:
        """Take the client's callback, which tells of the server's end; nothing is told here."""

    def subscribe(self, call: Call, topicName: str, prx: Any) -> None:
        """Refuse: there are no topics."""
        raise errors.api_usage(f"Cannot subscribe to topic: {topicName}")

    # ------------------------------------------------------------ services by name
    def activeServices(self, call: Call) -> list[str]:
        """Give the names of the open services, as getByName takes them."""
        return [
            f"{call.session.uuid}/{name}"
            for name in (*call.session.stateless, *call.session.servants)
        ]

    def getByName(self, call: Call, name: str) -> Any:
        """Give a stateless service, or an open one by the name that activeServices gave."""
        registry.load()
        short = name.removeprefix(f"{call.session.uuid}/")
        if short in registry.STATELESS or short in call.session.servants:
            proxy = call.server.proxy(call.session, short)
            return omero.api.ServiceInterfacePrx.uncheckedCast(proxy)
        raise errors.api_usage(
            f"{name} is an unknown service. Please check Constants.ice or the documentation for valid strings."
        )

    def createByName(self, call: Call, name: str) -> Any:
        """Open a stateful service."""
        registry.load()
        if name not in registry.STATEFUL or not issubclass(
            skeleton(name), omero.api.StatefulServiceInterface
        ):
            raise errors.api_usage(
                f"{name} is an unknown service. Please check Constants.ice or the documentation for valid strings."
            )
        return call.publish(registry.STATEFUL[name]())

    def sharedResources(self, call: Call) -> Any:
        """Give the shared resources: repositories, tables, scripts' processors."""
        return _stateless(call, "omero.grid.SharedResources")

    def submit(self, call: Call, req: omero.cmd.Request) -> Any:
        """Begin to carry out a request; give the handle that tells how it goes."""
        handle = Handle(call.server, call.session, dict(call.context), req)
        proxy = call.server.publish(call.session, handle, name=f"{uuid.uuid4()}/omero.cmd.Handle")
        handle.start()
        return proxy


def _stateless(call: Call, interface: str) -> Any:
    registry.load()
    if interface not in registry.STATELESS:
        raise errors.internal(f"{interface} is not offered by this server.")
    return proxy_class(interface).uncheckedCast(call.server.proxy(call.session, interface))  # type: ignore[attr-defined]


def _give(interface: str) -> Any:
    def give(_factory: ServiceFactory, call: Call) -> Any:
        return _stateless(call, interface)

    return give


def _open(interface: str) -> Any:
    def open_one(_factory: ServiceFactory, call: Call) -> Any:
        registry.load()
        if interface not in registry.STATEFUL:
            raise errors.internal(f"{interface} is not offered by this server.")
        return call.publish(registry.STATEFUL[interface]())

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
