"""A server that runs in this process: the core and the wire put together, and the clock that ends idle sessions."""

import logging
import os
import secrets
import sys
import threading
from pathlib import Path

import omero.model  # noqa: F401  # before omero.cmd and others, which leave it half-made

from omero_embedded.core import Core
from omero_embedded.database import Database, at
from omero_embedded.pixels.repository import remove_unfinished
from omero_embedded.wire import registry
from omero_embedded.wire.adapter import Wire

log = logging.getLogger("omero_embedded")

TICK = 1.0
"""Seconds between two looks at the sessions' clocks."""

PASSWORD_FILE = "root-password"  # noqa: S105  # the name of a file


class RunningServer:
    """A server in this process, from its making to `stop`.

    Parameters
    ----------
    folder
        Where everything is kept; made where it is not there.
    host
        The address to listen at.
    port, insecure_port, websocket_port
        Ports for TLS, plain tcp and websockets (wss): 0 takes a free one, None does without.
    database_url
        A SQLAlchemy URL; a SQLite file in the folder unless given.
    durable
        Whether what is acknowledged must outlive a power cut.
    """

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int | None = 0,
        insecure_port: int | None = 0,
        websocket_port: int | None = None,
        database_url: str | None = None,
        durable: bool = True,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _FolderLock(folder)
        try:
            remove_unfinished(folder)
            self.password = root_password(folder)
            database = Database(database_url or at(folder / "omero.db"), durable=durable)
            self._core = Core(folder, database, self.password)
            self._wire = Wire(self._core, host, port, insecure_port, websocket_port, folder)
        except BaseException:
            self._lock.release()
            raise
        self.folder, self.host = folder, host
        self.port, self.insecure_port = self._wire.port, self._wire.insecure_port
        self.websocket_port = self._wire.websocket_port
        if self.insecure_port is not None:
            self._core.configuration["omero.router.insecure"] = (
                f"OMERO.Glacier2/router:tcp -p {self.insecure_port} -h @omero.host@"
            )
        self._stopping = threading.Event()
        self._clock = threading.Thread(target=self._watch, name="omero_embedded-clock", daemon=True)
        self._wire.activate()
        self._clock.start()
        self._loading = threading.Thread(
            target=registry.load, name="omero_embedded-load", daemon=True
        )
        self._loading.start()

    def tell_web(self, address: str) -> None:
        """Have clients know, as long as this runs, where OMERO.web shows this server."""
        self._core.configuration["omero.client.web.host"] = address

    def _watch(self) -> None:
        while not self._stopping.wait(TICK):
            self._end_idle_sessions()

    def _end_idle_sessions(self) -> None:
        try:
            self._core.sessions.close_those_over()
        except Exception:
            log.exception("Idle sessions could not be ended")

    def stop(self) -> None:
        """Finish the calls under way, end all sessions, let go of everything."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._clock.join()
        # A process that ends while a thread still imports may hang.
        self._loading.join()
        self._wire.close()
        self._core.close()
        self._lock.release()


def root_password(folder: Path) -> str:
    """Return root's first password, kept in a file that only its owner can read; made where it is not there."""
    path = folder / PASSWORD_FILE
    if not path.exists():
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as out:
            out.write(secrets.token_urlsafe(18) + "\n")
    return path.read_text(encoding="utf-8").strip()


class _FolderLock:
    """Keeps a second server out of the folder; the system lets go of it when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / "lock").open("a+b")
        try:
            if sys.platform == "win32":
                import msvcrt  # noqa: PLC0415  # exists there only

                self._file.seek(0)
                msvcrt.locking(self._file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl  # noqa: PLC0415

                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise FolderInUseError(folder) from None

    def release(self) -> None:
        """Let others in."""
        self._file.close()


class FolderInUseError(RuntimeError):
    """A server already runs in the folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"A server already runs in {folder}. Stop it, or give this one another folder."
        )
