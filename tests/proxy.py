"""A TCP proxy for tests: what a bad network does between a client and a server, when the test says so.

with Proxy(server.host, server.port) as network:
    client = omero.client(network.host, network.port)
    ...
    network.drop()

It passes bytes on unread, so it stands in the way of TLS as well as of plain tcp.
"""

import queue
import select
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import TypeAlias

from typing_extensions import Self

_BLOCK = 1 << 16
_ON_THE_WAY = 1024
"""Blocks that are on their way in one direction; then the sender has to wait."""

Arriving: TypeAlias = "queue.Queue[tuple[float, bytes]]"


class Proxy:
    """A port of its own, whose connections are passed on to a server.

    Parameters
    ----------
    host, port
        The server.
    delay
        Seconds by which bytes arrive later, in each direction; more on the way do not add up. 0.01 makes a round trip of 20 ms.

    Attributes
    ----------
    host, port
        Where clients connect to; the port stays the same through `refuse` and `accept`.
    delay
        Can be changed at any time.
    carried
        Bytes passed on so far, in both directions.
    connections
        How many have been taken so far.
    """

    host = "127.0.0.1"

    def __init__(self, host: str, port: int, *, delay: float = 0.0) -> None:
        self._server = (host, port)
        self.delay = delay
        self.carried = self.connections = 0
        self.port = 0
        self._port = self._bound()
        self.port = self._port.getsockname()[1]
        self._cut_at: int | None = None
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._flowing = threading.Event()
        self._flowing.set()
        self._listener: socket.socket | None = None

    def __enter__(self) -> Self:
        self.accept()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.refuse()
        self._port.close()

    # ------------------------------------------------------------ what happens to the network
    def drop(self) -> None:
        """Cut all connections, as a broken line does; new ones are taken."""
        with self._lock:
            gone, self._open = self._open, set()
        for end in gone:
            _shut(end)
        self._flowing.set()

    def refuse(self) -> None:
        """Cut all connections and take no new ones, as if the server were down. The port is kept."""
        listener, self._listener = self._listener, None
        if listener is not None:
            self._taking.join()
            listener.close()
            self._port = self._bound()
        self.drop()

    def accept(self) -> None:
        """Take connections (again)."""
        listener = self._port
        listener.listen(64)
        self._listener = listener
        self._taking = threading.Thread(target=self._take, args=(listener,), daemon=True)
        self._taking.start()

    def _bound(self) -> socket.socket:
        port = socket.socket()
        port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port.bind((self.host, self.port))
        return port

    def cut_after(self, count: int) -> None:
        """Cut all connections once so many more bytes were passed on, in the middle of a message as like as not."""
        with self._lock:
            self._cut_at = self.carried + count

    def stall(self) -> None:
        """Pass nothing on any more, with all connections open, as a line that is dead without a word."""
        self._flowing.clear()

    def flow(self) -> None:
        """Pass on again what `stall` held up."""
        self._flowing.set()

    # ------------------------------------------------------------ how
    def _take(self, listener: socket.socket) -> None:
        while self._listener is listener:
            # polled, for nothing wakes accept() on all systems
            if not select.select([listener], [], [], 0.02)[0]:
                continue
            client = listener.accept()[0]
            try:
                server = socket.create_connection(self._server)
            except OSError:
                client.close()
                continue
            with self._lock:
                self.connections += 1
                self._open |= {client, server}
            for source, sink in ((client, server), (server, client)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        """Read from one end; a second thread writes, so that what is on its way does not hold up what comes after."""
        arriving: Arriving = queue.Queue(_ON_THE_WAY)
        threading.Thread(target=self._deliver, args=(arriving, source, sink), daemon=True).start()
        while True:
            try:
                block = source.recv(_BLOCK)
            except (OSError, ValueError):
                block = b""
            arriving.put((time.monotonic() + self.delay, block))
            if not block:
                return

    def _deliver(self, arriving: Arriving, source: socket.socket, sink: socket.socket) -> None:
        while True:
            due, block = arriving.get()
            self._flowing.wait()
            time.sleep(max(0.0, due - time.monotonic()))
            if not block:
                break
            with self._lock:
                self.carried += len(block)
                cut = self._cut_at is not None and self.carried >= self._cut_at
                if cut:
                    block = block[: len(block) - (self.carried - (self._cut_at or 0))]
                    self._cut_at = None
            try:
                sink.sendall(block)
            except OSError:
                break
            if cut:
                self.drop()
                break
        self._close(source, sink)
        while block:  # nobody must wait for room in a queue that is read no more
            block = arriving.get()[1]

    def _close(self, *ends: socket.socket) -> None:
        with self._lock:
            self._open -= set(ends)
        for end in ends:
            _shut(end)


def _shut(end: socket.socket) -> None:
    # wakes the threads that read from it or write to it
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
