"""Listening: the Ice communicator and its one object adapter, over TLS and plain tcp."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import Ice
import omero
import omero.grid
import omero.ObjectFactoryRegistrar
import omero.rtypes

from omero_embedded.wire.router import Locator, Router

if TYPE_CHECKING:
    from omero_embedded.core import Core

PROPERTIES = {
    "Ice.MessageSizeMax": "250000",
    "Ice.CacheMessageBuffers": "0",
    "Ice.ThreadPool.Server.Size": "8",
    "Ice.ThreadPool.Server.SizeMax": "64",
    "Ice.ACM.Server.Close": "0",  # sessions end by their own clock, not by that of the connection
    "Ice.ACM.Server.Timeout": "0",
    "Ice.Warn.Connections": "0",
    "Ice.Warn.Dispatch": "0",  # the dispatcher logs
    "IceSSL.VerifyPeer": "0",
}


class _Columns(Ice.ObjectFactory):  # type: ignore[misc]  # generated code is untyped
    """Makes the columns of tables; their classes bring pytables along, which is not loaded before somebody needs it."""

    def create(self, identity: str) -> Any:
        """Make the column of a Slice type, None where it has no class of its own."""
        import omero.columns  # noqa: PLC0415

        made = [f for f in omero.columns.ObjectFactories.values() if f.id == identity]
        return made[0].create(identity) if made else None

    def destroy(self) -> None:
        """Do nothing."""


class Wire:
    """The server as seen from outside.

    Parameters
    ----------
    core
        What is to be reached.
    host
        The address to listen at.
    port, insecure_port, websocket_port
        The port for TLS, for plain tcp and for websockets (wss); 0 takes a free one, None does without.
    keys
        The folder of the TLS key.
    """

    def __init__(
        self,
        core: "Core",
        host: str,
        port: int | None,
        insecure_port: int | None,
        websocket_port: int | None,
        keys: Path,
    ) -> None:
        data = Ice.InitializationData()
        data.properties = Ice.createProperties()
        for name, value in PROPERTIES.items():
            data.properties.setProperty(name, value)
        if port is not None or websocket_port is not None:
            data.properties.setProperty("Ice.Plugin.IceSSL", "IceSSL:createIceSSL")
            data.properties.setProperty("IceSSL.CertFile", str(_certificate(keys)))
        wanted = {"ssl": port, "tcp": insecure_port, "wss": websocket_port}
        endpoints = [
            f"{kind} -h {host} -p {number}" for kind, number in wanted.items() if number is not None
        ]
        self._communicator = Ice.initialize(data)
        omero.ObjectFactoryRegistrar.registerObjectFactory(self._communicator, None)
        for factory in omero.rtypes.ObjectFactories.values():
            factory.register(self._communicator)
        for name in dir(omero.grid):
            if name.endswith("Column"):
                self._communicator.addObjectFactory(_Columns(), f"::omero::grid::{name}")
        try:
            self._adapter = self._communicator.createObjectAdapterWithEndpoints(
                "omero_embedded", ":".join(endpoints)
            )
        except Ice.Exception:
            self._communicator.destroy()
            raise
        core.adapter = self._adapter
        core.router = Router(core, self._adapter)
        self._adapter.addServantLocator(Locator(core, core.router), "")
        listening = {str(e).split()[0]: e.getInfo().port for e in self._adapter.getEndpoints()}
        self.port: int | None = listening.get("ssl")
        self.insecure_port: int | None = listening.get("tcp")
        self.websocket_port: int | None = listening.get("wss")
        core.reached_by = _reached_by(host, self.port, self.insecure_port)

    def activate(self) -> None:
        """Begin to answer."""
        self._adapter.activate()

    def close(self) -> None:
        """Stop answering; calls under way are finished."""
        self._adapter.deactivate()
        self._adapter.waitForDeactivate()
        self._communicator.destroy()


def _reached_by(host: str, port: int | None, insecure_port: int | None) -> dict[str, str]:
    """Return the properties by which a client on this machine reaches the server."""
    here = "127.0.0.1" if host in ("", "0.0.0.0", "::") else host  # noqa: S104  # all addresses
    if port is not None:
        return {"omero.host": here, "omero.port": str(port)}
    router = f"OMERO.Glacier2/router:tcp -p {insecure_port} -h {here}"
    return {"omero.host": here, "omero.port": str(insecure_port), "Ice.Default.Router": router}


def _certificate(folder: Path) -> Path:
    """Return the file of key and certificate in the folder, made at the first start."""
    path = folder / "tls.pem"
    if not path.exists():
        from omero_embedded.wire.certificate import write_certificate  # noqa: PLC0415  # the first start alone needs it

        write_certificate(path)
    return path
