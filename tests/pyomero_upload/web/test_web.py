"""OMERO.web as a process of its own, and `pyomero web`: started, asked, ended; errors as sentences."""

import json
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import requests
from typer.testing import CliRunner

from omero_embedded import Server
from pyomero_upload.cli import app
from pyomero_upload.errors import PyomeroError, UsageError
from pyomero_upload.targets.omero.connecting import connect
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.web import Web, WebServer, shown

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals are another thing there")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(memory=True) as running:
        yield running


@pytest.fixture(scope="module")
def web(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with Web(tmp_path_factory.mktemp("web") / "home", WebServer(server.host, server.port)) as pages:
        yield pages


def log_in(web: Web, server: Server) -> requests.Session:
    """Log in to the JSON API as its documentation says."""
    session = requests.Session()
    token = session.get(f"{web.url}api/v0/token/", timeout=30).json()["data"]
    session.headers.update({"X-CSRFToken": token, "Referer": web.url})
    credentials = {"username": server.user, "password": server.password, "server": 1}
    answer = session.post(f"{web.url}api/v0/login/", data=credentials, timeout=30)
    assert answer.json()["success"] is True, answer.text
    return session


def test_the_json_api_logs_in_saves_and_lists(web: Web, server: Server) -> None:
    session = log_in(web, server)
    base = session.get(f"{web.url}api/v0/", timeout=30).json()
    types = "http://www.openmicroscopy.org/Schemas/OME/2016-06#"
    project = {"Name": "by the API", "@type": f"{types}Project"}
    made = session.post(base["url:save"], json=project, params={"group": 0}, timeout=30).json()[
        "data"
    ]
    listed = session.get(base["url:projects"], timeout=30).json()["data"]
    assert [(p["@id"], p["Name"]) for p in listed] == [(made["@id"], "by the API")]


def test_pages_come_with_their_static_files(web: Web) -> None:
    page = requests.get(web.url, timeout=30)
    assert page.url == f"{web.url}webclient/login/?url=%2Fwebclient%2F"
    for path in ("webgateway/css/ome.body.css", "omeroweb.viewer.min.js"):
        file = requests.get(f"{web.url}static/{path}", timeout=30)
        assert file.status_code == 200
        assert len(file.content) > 1000


def test_the_apps_that_are_installed_are_there(web: Web, server: Server) -> None:
    session = log_in(web, server)
    for path in ("iviewer/", "figure/"):
        assert session.get(f"{web.url}{path}", timeout=30).status_code == 200, path
    opened = session.get(f"{web.url}webgateway/open_with/", timeout=30).json()
    labels = [option.get("label", option["id"]) for option in opened["open_with_options"]]
    assert labels == ["Image viewer", "OMERO.iviewer", "OMERO.figure"]
    page = session.get(f"{web.url}webclient/", timeout=30).text
    assert "Open Figure in new tab" in page
    assert ("omero_parade" in page) == (find_spec("distutils") is not None)


def test_other_names_for_this_machine_are_refused(web: Web) -> None:
    answer = requests.get(web.url, headers={"Host": "evil.example.org"}, timeout=30)
    assert answer.status_code == 400


def test_where_they_listen_elsewhere_this_machines_name_is_theirs_too(server, tmp_path) -> None:
    where = WebServer(server.host, server.port)
    with Web(tmp_path / "web", where, address="0.0.0.0") as pages:
        for host, status in ((socket.gethostname(), 200), ("evil.example.org", 400)):
            answer = requests.get(f"{pages.url}api/", headers={"Host": host}, timeout=30)
            assert answer.status_code == status, host


@POSIX
def test_secrets_are_their_owners_alone(web: Web) -> None:
    for name in ("secret-key", "etc/grid/config.xml"):
        assert stat.S_IMODE((web.folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(web.folder.stat().st_mode) == 0o700


def test_the_key_and_the_sessions_outlive_a_restart(server: Server, tmp_path: Path) -> None:
    where = WebServer(server.host, server.port)
    with Web(tmp_path / "web", where) as pages:
        session = log_in(pages, server)
        port = int(pages.url.rsplit(":", 1)[1].strip("/"))
    with Web(tmp_path / "web", where, port=port) as pages:
        assert session.get(f"{pages.url}api/v0/m/projects/", timeout=30).status_code == 200


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PyomeroError, match=r"No OMERO server answers at 127\.0\.0\.1, port 1:"):
        Web(tmp_path, WebServer("127.0.0.1", 1)).start()


def test_a_port_that_is_taken_is_named(web: Web, server: Server, tmp_path: Path) -> None:
    port = int(web.url.rsplit(":", 1)[1].strip("/"))
    with pytest.raises(PyomeroError, match=rf"Pages cannot be served at 127\.0\.0\.1, port {port}"):
        Web(tmp_path, WebServer(server.host, server.port), port=port).start()


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("omero.example.org", "omero.example.org", 4064),
        ("omero.example.org:14064", "omero.example.org", 14064),
        ("[::1]:4064", "::1", 4064),
    ],
)
def test_a_server_is_named_by_host_and_port(text: str, host: str, port: int) -> None:
    assert (WebServer.named(text).host, WebServer.named(text).port) == (host, port)


def test_what_is_no_server_and_no_object_is_refused() -> None:
    with pytest.raises(UsageError, match="is no server"):
        WebServer.named("host:port")
    with pytest.raises(UsageError, match="names no object"):
        shown("Dataset")
    with pytest.raises(UsageError, match="names no object"):
        shown("Experimenter:1")
    assert shown("dataset:7") == "webclient/?show=dataset-7"


# ---------------------------------------------------------------- the command
def start(*words: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", "from pyomero_upload.cli import main; main()"]
    return subprocess.Popen(
        [*command, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(file: Path, process: "subprocess.Popen[str]") -> dict[str, Any]:
    until = time.monotonic() + 120
    while not file.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)
    return json.loads(file.read_text())


@POSIX
def test_the_command_serves_prints_the_address_and_ends_when_asked(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    process = start(
        "web", "--data", tmp_path / "data", "--web-port", 0, "--show", "Dataset:3", "--ready-file", ready
    )  # fmt: skip
    told = wait_for(ready, process)
    assert told["url"].endswith("/webclient/?show=dataset-3")
    assert requests.get(told["url"], timeout=30).status_code == 200
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert told["url"] in out
    assert "root-password" in out
    assert err == ""
    assert not ready.exists()
    with pytest.raises(requests.ConnectionError):
        requests.get(told["url"], timeout=30)


def connect_as_root(ready: Path) -> Connection:
    told = json.loads(ready.read_text())
    return connect(told["host"], port=told["port"], user="root", password=told["password"])


@POSIX
def test_serve_has_pages_beside_it_where_told(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    process = start(
        "serve", "--data", tmp_path / "data", "--port", 0, "--insecure-port", 0, "--ready-file", ready,
        "--web", "--web-port", 0,
    )  # fmt: skip
    wait_for(ready, process)
    assert process.stdout is not None
    url = process.stdout.readline().split()[-1]
    assert requests.get(url, timeout=30).status_code == 200
    with closing(connect_as_root(ready)) as connection:
        assert connection.web_url("Dataset", 7) == f"{url}webclient/?show=dataset-7"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_server_and_a_folder_exclude_each_other(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["web", "--server", "a", "--data", str(tmp_path)])
    assert done.exit_code == 2
    assert "--server" in done.stderr
