"""`Server`: an OMERO server to have, as a process of its own or in this one.

with Server(memory=True) as server:
    client = omero.client(server.host, server.port)
    client.createSession(server.user, server.password)
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from typing_extensions import Self

if TYPE_CHECKING:
    import omero

    from omero_embedded.running import RunningServer

DATABASE = "OMERO_EMBEDDED_DATABASE_URL"
"""The variable in which a server's process finds the SQLAlchemy URL of another database than its SQLite file."""

STARTING = 60.0
"""Seconds within which a server's process must be ready."""


class Server:
    """A server that runs from `start` (or the beginning of `with`) to `stop`.

    Parameters
    ----------
    folder
        Where everything is kept; needed unless `memory`.
    host
        The address to listen at; other machines reach the server only where this is not the loopback.
    port, insecure_port, websocket_port
        Ports for TLS, for plain tcp and for websockets (wss); 0 takes a free one, None does without.
    memory
        Keep everything in a temporary folder that goes with the server.
    database_url
        A SQLAlchemy URL of another database than the SQLite file in the folder.
    in_process
        Run in this process instead of one of its own: quicker to start, but it shares this process's threads.

    Attributes
    ----------
    port, insecure_port, websocket_port
        The ports it listens at, once it runs.
    user, password
        Who may log in: root, and root's first password.
    """

    user = "root"
    password: str

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        host: str = "127.0.0.1",
        port: int | None = 0,
        insecure_port: int | None = 0,
        websocket_port: int | None = None,
        memory: bool = False,
        database_url: str | None = None,
        in_process: bool = False,
    ) -> None:
        if (folder is None) != memory:
            raise ValueError(
                "Give the server a folder, or memory=True to keep everything in a temporary one."
            )
        self._temporary = memory
        self.folder = Path(tempfile.mkdtemp(prefix="omero-") if folder is None else folder)
        self.host = host
        self.port, self.insecure_port, self.websocket_port = port, insecure_port, websocket_port
        self._database_url = database_url
        self._in_process = in_process
        self._running: RunningServer | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and return when the server answers."""
        if self._in_process:
            from omero_embedded.running import RunningServer  # noqa: PLC0415  # brings Ice along

            self._running = RunningServer(
                self.folder,
                host=self.host,
                port=self.port,
                insecure_port=self.insecure_port,
                websocket_port=self.websocket_port,
                database_url=self._database_url,
                durable=not self._temporary,
            )
            self.port, self.insecure_port = self._running.port, self._running.insecure_port
            self.websocket_port = self._running.websocket_port
            self.password = self._running.password
        else:
            self._start_process()

    def _start_process(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        ready = self.folder / f"ready-{os.getpid()}.json"
        ready.unlink(missing_ok=True)
        command = [
            sys.executable,
            "-m",
            "omero_embedded",
            "--data",
            str(self.folder),
            "--ready-file",
            str(ready),
        ]
        command += ["--host", self.host, "--with-parent"]
        for option, port in (
            ("--port", self.port),
            ("--insecure-port", self.insecure_port),
            ("--websocket-port", self.websocket_port),
        ):
            command += [option, "none" if port is None else str(port)]
        command += ["--not-durable"] if self._temporary else []
        # An address of a database may hold a password, which a command line would show to everybody.
        # Threads that wait busily for the next multiplication, of which a thumbnail is a small one, take a core from calls.
        environment = {"OPENBLAS_NUM_THREADS": "1", **os.environ}
        if self._database_url:
            environment[DATABASE] = self._database_url
        log = (self.folder / "server.log").open("ab")
        with log:
            self._process = subprocess.Popen(  # noqa: S603  # our own module
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment
            )
        until = time.monotonic() + STARTING
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop_process()
                tail = (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")[
                    -2000:
                ]
                raise RuntimeError(
                    f"The server did not start. Its log, {self.folder / 'server.log'}, ends:\n{tail}"
                )
            time.sleep(0.01)
        told = json.loads(ready.read_text(encoding="utf-8"))
        ready.unlink()
        self.port, self.insecure_port = told["port"], told["insecure_port"]
        self.websocket_port = told.get("websocket_port")
        self.password = told["password"]

    def client(self) -> "omero.client":
        """Return a client of omero-py's, logged in as root over TLS; `closeSession` ends it."""
        import omero.clients  # noqa: PLC0415  # brings Ice along

        client = omero.client(self.host, self.port)
        client.createSession(self.user, self.password)
        return client

    def stop_process(self) -> None:
        """End the server's process."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()  # the server ends when its parent lets go of it
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop(self) -> None:
        """Stop; a temporary folder goes too."""
        if self._running is not None:
            self._running.stop()
            self._running = None
        self.stop_process()
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)
