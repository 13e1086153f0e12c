"""Serving in the foreground: what `pyomero serve` and `python -m omero_embedded` do."""

import ipaddress
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from omero_embedded.memory import keep_freed_memory
from omero_embedded.running import FolderInUseError, RunningServer

log = logging.getLogger("omero_embedded")


def serve(
    folder: Path | None,
    *,
    host: str = "127.0.0.1",
    port: int | None = 4064,
    insecure_port: int | None = 4063,
    websocket_port: int | None = None,
    database_url: str | None = None,
    ready_file: Path | None = None,
    durable: bool = True,
    with_parent: bool = False,
    beside: "Callable[[RunningServer], AbstractContextManager[object]] | None" = None,
) -> int:
    """Run a server until SIGINT or SIGTERM (or the end of standard input); return the exit status.

    Parameters
    ----------
    folder
        Where everything is kept; None: a temporary folder that is removed at the end.
    host, port, insecure_port, websocket_port, database_url, durable
        As for `RunningServer`.
    ready_file
        A file that says how to reach the server, written (readable by its owner alone) when it answers:
        {"host", "port", "insecure_port", "user", "password"}, and "websocket_port" where there is one.
    with_parent
        Stop when standard input is closed, as it is when the process that started this one ends.
    beside
        What shall be there for as long as the server answers, made when it does.
    """
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    keep_freed_memory()
    kept = folder or Path(tempfile.mkdtemp(prefix="omero-"))
    try:
        server = _started(
            kept,
            host=host,
            port=port,
            insecure_port=insecure_port,
            websocket_port=websocket_port,
            database_url=database_url,
            durable=durable,
        )
        return 1 if server is None else _serve(server, ready_file, with_parent, beside)
    finally:
        if folder is None:
            shutil.rmtree(kept, ignore_errors=True)


def _started(folder: Path, **options: Any) -> RunningServer | None:
    """Start a server; where that is not possible, tell why and return None."""
    try:
        return RunningServer(folder, **options)
    except FolderInUseError as error:
        log.error("%s", error)  # noqa: TRY400  # a message for a person; the trace tells nothing more
    except Exception as error:
        if type(error).__module__ != "Ice":
            raise
        ports = ", ".join(f"{name} {value}" for name, value in options.items() if "port" in name)
        log.error("Cannot listen at %s, %s: %s", options["host"], ports, error)  # noqa: TRY400
    return None


def _serve(
    server: RunningServer,
    ready_file: Path | None,
    with_parent: bool,
    beside: "Callable[[RunningServer], AbstractContextManager[object]] | None",
) -> int:
    # A queue of this kind may be filled by a signal's handler at any moment; an Event's lock may not.
    stopping: SimpleQueue[None] = SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.put(None))
    if with_parent:
        threading.Thread(target=_wait_for_parent, args=[stopping], daemon=True).start()
    try:
        if ready_file is not None:
            _tell(ready_file, server)
        log.info(
            "Listening at %s, port %s (TLS) and %s (plain tcp)",
            server.host,
            server.port,
            server.insecure_port,
        )
        if server.websocket_port is not None:
            log.info("For websockets: wss://%s:%s", server.host, server.websocket_port)
        log.info("The password of root is in %s", server.folder / "root-password")
        if not _is_loopback(server.host):
            log.warning("Other machines can reach this server at %s.", server.host)
        with nullcontext() if beside is None else beside(server):
            _wait(stopping)
    finally:
        server.stop()
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)
    return 0


def _tell(ready_file: Path, server: RunningServer) -> None:
    """Write the ready file in one step, so that nobody reads half of it."""
    websockets = {} if server.websocket_port is None else {"websocket_port": server.websocket_port}
    told = {
        "host": server.host,
        "port": server.port,
        "insecure_port": server.insecure_port,
        **websockets,
        "user": "root",
        "password": server.password,
    }
    half = ready_file.with_name(f".{ready_file.name}.{os.getpid()}")
    with os.fdopen(
        os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as out:
        json.dump(told, out)
    half.replace(ready_file)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _wait_for_parent(stopping: "SimpleQueue[None]") -> None:
    sys.stdin.buffer.read()
    stopping.put(None)


def _wait(stopping: "SimpleQueue[None]") -> None:
    # A signal that the system gives to another thread does not wake this one: so it looks up now and then.
    while True:
        try:
            stopping.get(timeout=0.5)
        except Empty:
            continue
        return
