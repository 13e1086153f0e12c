"""Serving OMERO.web in the foreground, by waitress, until SIGINT or SIGTERM.

What `python -m pyomero_upload.web` does; `process` starts it. Unless told otherwise only this machine can reach it: who
wants others to should put a web server with TLS in front.
"""

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, TypeAlias

from pyomero_upload.errors import PyomeroError
from pyomero_upload.web.ready_file import saying_ready
from pyomero_upload.web.settings import LOOPBACK, WebServer, configure

THREADS = 8
"""Requests answered at once: a page of thumbnails asks for many."""

Application: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def serve(
    folder: Path,
    server: WebServer,
    port: int,
    *,
    address: str = LOOPBACK,
    ready_file: Path | None = None,
    with_parent: bool = False,
) -> None:
    """Serve OMERO.web for an OMERO server.

    Parameters
    ----------
    folder
        Where configuration, static files, sessions and logs are kept.
    server
        The OMERO server.
    port
        Port of the pages; 0 takes a free one.
    address
        Where they listen. Other than the loopback (in a container, say), this machine's name is theirs too.
    ready_file
        A file that says where the pages are when they can be asked for: {"url", "pid"}.
    with_parent
        Stop when standard input is closed, as it is when the process that started this one ends.

    Raises
    ------
    PyomeroError
        The port is taken.
    """
    from waitress.server import create_server  # noqa: PLC0415

    listening = _listen(address, port)
    port = listening.getsockname()[1]
    configure(folder, server, port, names=() if address == LOOPBACK else (socket.gethostname(),))
    running = create_server(
        application(folder),
        sockets=[listening],
        threads=THREADS,
        ident=None,
        # A signal that another thread gets does not wake the loop: so it looks up now and then.
        asyncore_loop_timeout=1,
    )
    signal.signal(signal.SIGTERM, _stop)
    if with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    told = {"url": f"http://{LOOPBACK}:{port}/", "pid": os.getpid()}
    with closing(running), saying_ready(ready_file, told):
        running.run()  # ends at KeyboardInterrupt and SystemExit


def application(folder: Path) -> Application:
    """Return OMERO.web as a WSGI application, its static files with it; it must be configured."""
    import django  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415
    from whitenoise import WhiteNoise  # noqa: PLC0415

    django.setup()
    _collect_static_files(folder, call_command)
    call_command("clearsessions")
    served: Application = WhiteNoise(
        get_wsgi_application(), root=str(folder / "static"), prefix="static/"
    )
    return served


def _collect_static_files(folder: Path, call_command: Callable[..., object]) -> None:
    """Copy the static files of OMERO.web and its apps together, once for each version of them."""
    versions = {
        d.name.lower(): d.version
        for d in distributions()
        if d.name.lower().replace("_", "-").startswith(("omero-", "django-pipeline"))
    }
    file = folder / "static-files.json"
    if file.exists() and json.loads(file.read_text(encoding="utf-8")) == versions:
        return
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    file.write_text(json.dumps(versions, indent=1, sort_keys=True), encoding="utf-8")


def _listen(address: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there it would let two programs have one port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
    except OSError as error:
        listening.close()
        raise PyomeroError(
            f"Pages cannot be served at {address}, port {port}: {error.strerror}.",
            hint="Give another one with --web-port; 0 takes a free one.",
        ) from error
    return listening


def _stop(*_: object) -> None:
    raise SystemExit(0)


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    signal.raise_signal(signal.SIGTERM)
