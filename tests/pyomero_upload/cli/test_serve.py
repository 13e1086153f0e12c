"""`pyomero serve`: the server that comes with this, started by hand."""

import json
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import omero.clients
import pytest
from typer.testing import CliRunner

from pyomero_upload.cli import app


def start(*words: object) -> "subprocess.Popen[str]":
    command = [
        sys.executable,
        "-c",
        "from pyomero_upload.cli import main; main()",
        "serve",
        *map(str, words),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(file: Path, process: "subprocess.Popen[str]") -> dict[str, object]:
    until = time.monotonic() + 60
    while not file.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)
    return json.loads(file.read_text())


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another thing there")
def test_serve_tells_how_to_reach_it_and_ends_when_asked(tmp_path):
    ready = tmp_path / "ready.json"
    process = start(
        "--data", tmp_path / "data", "--port", 0, "--insecure-port", 0, "--ready-file", ready
    )
    told = wait_for(ready, process)
    assert set(told) == {"host", "port", "insecure_port", "user", "password"}
    assert stat.S_IMODE(ready.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data/root-password").stat().st_mode) == 0o600
    client = omero.client(told["host"], told["port"])
    client.createSession(told["user"], told["password"])
    assert client.isSecure()
    client.closeSession()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert told["password"] not in err
    assert not ready.exists()


def test_a_folder_and_memory_exclude_each_other(tmp_path):
    done = CliRunner().invoke(app, ["serve", "--memory", "--data", str(tmp_path)])
    assert done.exit_code == 2
    assert "--memory" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another thing there")
def test_a_second_server_in_one_folder_is_refused(tmp_path):
    ready = tmp_path / "ready.json"
    options = ["--data", tmp_path / "data", "--port", 0, "--insecure-port", 0]
    first = start(*options, "--ready-file", ready)
    try:
        wait_for(ready, first)
        second = start(*options)
        _, err = second.communicate(timeout=60)
        assert second.returncode == 1
        assert "already runs" in err
    finally:
        first.terminate()
        first.communicate(timeout=30)
