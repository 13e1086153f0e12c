"""Starting, finding and stopping a server; what outlives its end."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import Ice
import omero
import pytest
from omero.rtypes import rstring

from omero_embedded import Server
from omero_embedded.running import FolderInUseError, RunningServer


def start(folder: Path, ready: Path, *more: str) -> "subprocess.Popen[bytes]":
    command = [
        sys.executable,
        "-m",
        "omero_embedded",
        "--data",
        str(folder),
        "--port",
        "0",
        "--insecure-port",
        "0",
    ]
    return subprocess.Popen([*command, "--ready-file", str(ready), *more], stderr=subprocess.PIPE)


def wait_for(ready: Path, process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    pause = threading.Event()
    while not ready.exists():
        assert process.poll() is None, process.stderr and process.stderr.read().decode()
        pause.wait(0.01)
    return json.loads(ready.read_text(encoding="utf-8"))


def names(told: dict[str, Any]) -> list[str]:
    client = omero.client(told["host"], told["port"])
    client.createSession(told["user"], told["password"])
    found = client.sf.getQueryService().findAll("Dataset", None)
    client.closeSession()
    return [d.name.val for d in found]


def test_the_ready_file_tells_how_to_reach_the_server_and_is_for_its_owner_alone(
    tmp_path: Path,
) -> None:
    ready = tmp_path / "ready.json"
    process = start(tmp_path / "data", ready)
    try:
        told = wait_for(ready, process)
        assert set(told) == {"host", "port", "insecure_port", "user", "password"}
        if os.name == "posix":
            assert stat.S_IMODE(ready.stat().st_mode) == 0o600
            assert stat.S_IMODE((tmp_path / "data" / "root-password").stat().st_mode) == 0o600
            assert stat.S_IMODE((tmp_path / "data" / "tls.pem").stat().st_mode) == 0o600
        assert names(told) == []
    finally:
        process.terminate()
        assert process.wait(timeout=20) == 0
    assert not ready.exists()


def test_websockets_are_a_third_way_in(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    process = start(tmp_path / "data", ready, "--websocket-port", "0")
    try:
        told = wait_for(ready, process)
        client = omero.client(f"wss://{told['host']}:{told['websocket_port']}/omero-ws")
        session = client.createSession(told["user"], told["password"])
        assert session.getAdminService().getEventContext().userName == "root"
        client.closeSession()
    finally:
        process.terminate()
        process.communicate()


def test_what_was_saved_is_there_after_the_process_was_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    process = start(tmp_path / "data", ready)
    told = wait_for(ready, process)
    client = omero.client(told["host"], told["port"])
    client.createSession(told["user"], told["password"])
    update, acknowledged = client.sf.getUpdateService(), []

    def save_until_it_dies() -> None:
        while True:
            name = f"dataset {len(acknowledged)}"
            dataset = omero.model.DatasetI()
            dataset.name = rstring(name)
            try:
                update.saveObject(dataset)
            except (Ice.Exception, omero.ServerError):
                return
            acknowledged.append(name)

    saving = threading.Thread(target=save_until_it_dies)
    saving.start()
    while len(acknowledged) < 20:
        saving.join(0.01)
    process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    process.wait()
    saving.join()
    client.getCommunicator().destroy()
    with Server(tmp_path / "data", in_process=True) as again:
        found = names(
            {"host": again.host, "port": again.port, "user": "root", "password": again.password}
        )
    assert found[: len(acknowledged)] == acknowledged
    assert len(found) <= len(acknowledged) + 1


def test_a_server_of_its_own_process_ends_with_stop_and_takes_its_temporary_folder_along() -> None:
    with Server(memory=True) as server:
        folder = server.folder
        assert (
            names(
                {
                    "host": server.host,
                    "port": server.port,
                    "user": "root",
                    "password": server.password,
                }
            )
            == []
        )
        assert folder.is_dir()
    assert not folder.exists()


def test_a_folder_has_one_server_at_a_time(tmp_path: Path) -> None:
    first = RunningServer(tmp_path)
    with pytest.raises(FolderInUseError, match="A server already runs in"):
        RunningServer(tmp_path)
    first.stop()
    RunningServer(tmp_path).stop()


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path, omero_server: Server) -> None:
    process = start(tmp_path / "data", tmp_path / "ready.json", "--port", str(omero_server.port))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Cannot listen at 127.0.0.1" in said.decode()
    assert "Traceback" not in said.decode()


def test_a_server_needs_a_folder_or_memory() -> None:
    with pytest.raises(ValueError, match="Give the server a folder"):
        Server()


@pytest.mark.skipif(
    not Path("/proc").is_dir(), reason="where the system shows command lines as files"
)
def test_the_address_of_the_database_is_on_no_command_line(tmp_path: Path) -> None:
    secret = f"sqlite:///{tmp_path / 'secret-name.db'}"
    with Server(tmp_path / "data", database_url=secret) as server:
        assert server._process is not None
        shown = Path(f"/proc/{server._process.pid}/cmdline").read_bytes()
    assert b"secret-name" not in shown
    assert (tmp_path / "secret-name.db").exists()
