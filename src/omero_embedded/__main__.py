"""`python -m omero_embedded`: run a server until it is told to stop."""

import argparse
import os
import sys
from pathlib import Path

from omero_embedded.server import DATABASE
from omero_embedded.serving import serve


def _port(text: str) -> int | None:
    return None if text == "none" else int(text)


def main(arguments: list[str] | None = None) -> int:
    """Read the options and serve; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m omero_embedded", description="An OMERO server in Python."
    )
    parser.add_argument("--data", type=Path, help="folder that everything is kept in")
    parser.add_argument(
        "--memory", action="store_true", help="keep everything in a temporary folder instead"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen at (default: this machine alone)"
    )
    parser.add_argument(
        "--port", type=_port, default=4064, help="port for TLS; 0: a free one; none: no TLS"
    )
    parser.add_argument(
        "--insecure-port", type=_port, default=4063, help="port for plain tcp; 0: a free one; none"
    )
    parser.add_argument(
        "--websocket-port", type=_port, help="port for websockets (wss); 0: a free one"
    )
    parser.add_argument(
        "--ready-file", type=Path, help="file to write host, ports, user and password to when ready"
    )
    parser.add_argument(
        "--not-durable", action="store_true", help="do not wait for the disk at each save"
    )
    parser.add_argument(
        "--with-parent", action="store_true", help="stop when standard input is closed"
    )
    options = parser.parse_args(arguments)
    if (options.data is None) == (not options.memory):
        parser.error("Give --data FOLDER, or --memory.")
    return serve(
        options.data,
        host=options.host,
        port=options.port,
        insecure_port=options.insecure_port,
        websocket_port=options.websocket_port,
        database_url=os.environ.get(DATABASE),
        ready_file=options.ready_file,
        durable=not (options.not_durable or options.memory),
        with_parent=options.with_parent,
    )


if __name__ == "__main__":
    sys.exit(main())
