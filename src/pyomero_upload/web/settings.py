"""What OMERO.web reads before it starts: its configuration, in a folder of its own.

Called by `serving`, once for each start. The apps that are installed are switched on: OMERO.iviewer becomes the viewer,
OMERO.figure and OMERO.parade get their places in the page.
"""

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pyomero_upload.errors import UsageError
from pyomero_upload.targets.omero.defaults import DEFAULT_PORT

LOOPBACK = "127.0.0.1"
"""Where the pages listen unless told otherwise."""

KINDS = ("Project", "Dataset", "Image", "Screen", "Plate", "Well", "Tag")
"""What a page can be opened at."""

IVIEWER, FIGURE, PARADE = "omero_iviewer", "omero_figure", "omero_parade"

# What OMERO.web has in these places by itself; what is written there replaces it.
_OPEN_WITH: list[Any] = [
    [
        "Image viewer",
        "webgateway",
        {
            "supported_objects": ["image"],
            "script_url": "webclient/javascript/ome.openwith_viewer.js",
        },
    ]
]
_TOP_LINKS: list[Any] = [
    ["Data", "webindex", {"title": "Browse Data via Projects, Tags etc"}],
    ["History", "history", {"title": "History"}],
    [
        "Help",
        "https://help.openmicroscopy.org/",
        {"title": "Open OMERO user guide in a new tab", "target": "new"},
    ],
]


@dataclass(frozen=True)
class WebServer:
    """The OMERO server that the pages show: host, TLS port, and the name that people see when they log in.

    Clients of the JSON API look the server up by its name; `omero` is the usual one, which ezomero expects.
    """

    host: str
    port: int = DEFAULT_PORT
    name: str = "omero"

    @classmethod
    def named(cls, text: str) -> "WebServer":
        """Return the server of «host» or «host:port».

        Raises
        ------
        UsageError
            The text is neither.
        """
        host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
        host = host if colon else text
        if not host or (colon and not port.isdigit()):
            raise UsageError(
                f"{text} is no server.",
                hint=f"Give its name, or name:port ({DEFAULT_PORT} unless told).",
            )
        return cls(host.strip("[]"), int(port) if colon else DEFAULT_PORT, host)

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine."""
        return self.host in ("127.0.0.1", "localhost", "::1")


def shown(what: str) -> str:
    """Return the part of an address that opens an object.

    Parameters
    ----------
    what
        The kind and the id of an object: «Dataset:1».

    Raises
    ------
    UsageError
        It is something else.
    """
    kind, _, number = what.partition(":")
    known = {k.lower(): k for k in KINDS}
    if kind.lower() not in known or not number.isdigit():
        raise UsageError(
            f"--show {what}: this names no object.",
            hint=f"Give a kind and an id, such as Dataset:1. Kinds: {', '.join(KINDS)}.",
        )
    return f"webclient/?show={kind.lower()}-{number}"


def configure(folder: Path, server: WebServer, port: int, *, names: Sequence[str] = ()) -> None:
    """Write OMERO.web's configuration and secret key, and point this process at them.

    Parameters
    ----------
    folder
        OMERO.web's own folder; made where it is missing, for its owner alone.
    server
        The OMERO server.
    port
        Where the pages are served.
    names
        Names of theirs besides the loopback's.
    """
    for part in ("etc/grid", "var/log", "sessions", "uploads", "static"):
        (folder / part).mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ["OMERODIR"] = str(folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "omeroweb.settings"
    from omero.config import ConfigXml  # noqa: PLC0415  # brings Ice along

    file = folder / "etc/grid/config.xml"
    file.unlink(missing_ok=True)
    config = ConfigXml(str(file))
    try:
        for key, value in _values(folder, server, port, names).items():
            config[f"omero.web.{key}"] = value if isinstance(value, str) else json.dumps(value)
    finally:
        config.close()
    file.chmod(0o600)


def _values(folder: Path, server: WebServer, port: int, names: Sequence[str]) -> dict[str, Any]:
    """Return OMERO.web's settings by name, without their common beginning."""
    apps = [name for name in (IVIEWER, FIGURE, PARADE) if find_spec(name) is not None]
    if find_spec("distutils") is None and PARADE in apps:
        apps.remove(PARADE)  # it needs what Python 3.12 no longer has
    open_with, top_links = [*_OPEN_WITH], [*_TOP_LINKS]
    values: dict[str, Any] = {}
    if IVIEWER in apps:
        values["viewer.view"] = "omero_iviewer.views.index"
        places: dict[str, Any] = {
            "supported_objects": ["images", "dataset", "well"],
            "script_url": "omero_iviewer/openwith.js",
            "label": "OMERO.iviewer",
        }
        open_with.append([IVIEWER, "omero_iviewer_index", places])
    if FIGURE in apps:
        places = {"supported_objects": ["images"], "target": "_blank", "label": "OMERO.figure"}
        open_with.append([FIGURE, "new_figure", places])
        link = {"title": "Open Figure in new tab", "target": "_blank"}
        top_links.insert(1, ["Figure", "figure_index", link])
    if PARADE in apps:
        values["ui.center_plugins"] = [["Parade", "omero_parade/init.js.html", PARADE]]
    return values | {
        "server_list": [[server.host, server.port, server.name]],
        "secure": "false" if server.is_here else "true",
        "secret_key": _secret_key(folder),
        # Pages of other sites must not reach this one under a name of their own.
        "allowed_hosts": [LOOPBACK, "localhost", "[::1]", *names],
        "debug": "false",
        "upgrades.url": "",
        "apps": apps,
        "open_with": open_with,
        "ui.top_links": top_links,
        "session_engine": "django.contrib.sessions.backends.file",
        # Cookies are one machine's, whatever the port: two servers must not log each other out.
        "session_cookie_name": f"omeroweb-{port}",
        "static_root": str(folder / "static"),
        "django_additional_settings": [
            ["SESSION_FILE_PATH", str(folder / "sessions")],
            ["FILE_UPLOAD_TEMP_DIR", str(folder / "uploads")],
            [
                "STORAGES",
                {
                    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
                    "staticfiles": {"BACKEND": "pipeline.storage.PipelineStorage"},
                },
            ],
        ],
    }


def _secret_key(folder: Path) -> str:
    """Return the key that sessions are signed with; made at the first start, for its owner's eyes alone."""
    file = folder / "secret-key"
    if not file.exists():
        with os.fdopen(
            os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii"
        ) as out:
            out.write(secrets.token_urlsafe(50))
    return file.read_text(encoding="ascii")
