"""`python -m pyomero_upload.web`: OMERO.web in this process; `process.Web` starts it."""

import argparse
import sys
from pathlib import Path

from pyomero_upload.errors import PyomeroError
from pyomero_upload.web.serving import serve
from pyomero_upload.web.settings import LOOPBACK, WebServer


def main(arguments: list[str] | None = None) -> int:
    """Read the options and serve; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pyomero_upload.web", description="OMERO.web.")
    parser.add_argument("--folder", type=Path, required=True, help="OMERO.web's own folder")
    parser.add_argument("--host", required=True, help="the OMERO server")
    parser.add_argument("--port", type=int, required=True, help="its TLS port")
    parser.add_argument("--name", required=True, help="its name for people")
    parser.add_argument("--web-port", type=int, default=0, help="port of the pages; 0: a free one")
    parser.add_argument("--address", default=LOOPBACK, help="where the pages listen")
    parser.add_argument("--ready-file", type=Path, help="written when the pages can be asked for")
    parser.add_argument(
        "--with-parent", action="store_true", help="stop when standard input is closed"
    )
    options = parser.parse_args(arguments)
    try:
        serve(
            options.folder,
            WebServer(options.host, options.port, options.name),
            options.web_port,
            address=options.address,
            ready_file=options.ready_file,
            with_parent=options.with_parent,
        )
    except PyomeroError as error:
        print(f"Error: {error.message}\n  {error.hint}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
