"""`Web`: OMERO.web to have, as a process of its own.

with Web(folder, WebServer("omero.example.org")) as web:
    print(web.url)
"""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

from pyomero_upload.errors import PyomeroError
from pyomero_upload.extras import require
from pyomero_upload.web.settings import LOOPBACK, WebServer

STARTING = 120.0
"""Seconds within which the pages must be there; the first start copies static files."""

REACHING = 10.0
"""Seconds within which the OMERO server must take a connection."""


def require_web() -> None:
    """Make sure that OMERO.web is installed.

    Raises
    ------
    PyomeroError
        If not; the hint says how.
    """
    needed = ["omero", "omeroweb", "waitress", "whitenoise"]
    require(needed, for_what="OMERO.web", extras=["omero", "web"])


class Web:
    """OMERO.web, from `start` (or the beginning of `with`) to `stop`.

    Parameters
    ----------
    folder
        Where its configuration, static files, sessions and logs are kept.
    server
        The OMERO server that it shows.
    port
        Port of the pages; 0 takes a free one.
    address
        Where they listen; this machine's loopback address unless told.

    Attributes
    ----------
    url
        Where the pages are, once it runs; it ends with a slash. The JSON API is at `api/` below it.
    log
        The file that its process writes to; OMERO.web's own is `var/log/OMEROweb.log` in the folder.
    """

    url: str

    def __init__(
        self,
        folder: Path | str,
        server: WebServer,
        *,
        port: int = 0,
        address: str = LOOPBACK,
    ) -> None:
        self.folder = Path(folder)
        self.server = server
        self._port = port
        self._address = address
        self.log = self.folder / "web.log"
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
        """Start, and return when the pages can be asked for.

        Raises
        ------
        PyomeroError
            OMERO.web is not installed, the OMERO server cannot be reached, or OMERO.web does not start.
        """
        require_web()
        self._check_server()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        ready = self.folder / f"ready-{os.getpid()}.json"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pyomero_upload.web", "--folder", str(self.folder)]
        command += ["--host", self.server.host, "--port", str(self.server.port)]
        command += ["--name", self.server.name, "--web-port", str(self._port)]
        command += ["--address", self._address]
        command += ["--ready-file", str(ready), "--with-parent"]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own module
                command, stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        until = time.monotonic() + STARTING
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise self._failure()
            time.sleep(0.02)
        self.url = json.loads(ready.read_text(encoding="utf-8"))["url"]

    def _check_server(self) -> None:
        """Make sure that somebody listens where the OMERO server should be."""
        where = self.server.host, self.server.port
        try:
            socket.create_connection(where, timeout=REACHING).close()
        except OSError as error:
            raise PyomeroError(
                f"No OMERO server answers at {self.server.host}, port {self.server.port}: "
                f"{error.strerror or error}.",
                hint="Check its name and port, and whether it runs.",
            ) from error

    def _failure(self) -> PyomeroError:
        """Return why OMERO.web did not start, by the end of its log."""
        tail = self.log.read_text(encoding="utf-8", errors="replace").strip()
        if tail.startswith("Error: "):
            message, _, hint = tail.removeprefix("Error: ").partition("\n")
            return PyomeroError(message, hint=hint.strip())
        last = tail.splitlines()[-1] if tail else "it said nothing."
        return PyomeroError(f"OMERO.web did not start: {last}", hint=f"Its log is {self.log}.")

    def wait(self) -> None:
        """Return when it has ended by itself."""
        if self._process is not None:
            self._process.wait()

    def stop(self) -> None:
        """Stop it."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()  # it ends when its parent lets go of it
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
