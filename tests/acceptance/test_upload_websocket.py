"""A server that is reached by websockets alone, as many are from outside their house: `--server wss://NAME:PORT/PATH`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from folders import experiment
from omero_embedded import Server
from upload_lab import Lab


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[Lab]:
    """Return a user of a server, at home where only its websockets can be reached."""
    home = tmp_path / "home"
    home.mkdir()
    with Server(memory=True, websocket_port=0) as server:
        lab = Lab.found(server, home)
        lab.variables = {"OMERO_HOST": f"wss://127.0.0.1:{server.websocket_port}/omero-ws"}
        lab.variables |= {"OMERO_PORT": ""}
        yield lab


def test_an_upload_and_its_verification(behind, tmp_path):
    folder = experiment(tmp_path / "exp")
    made = behind.uploaded(folder)
    assert all(image["verified"] for image in made["images"])
    assert made["images"]
    there = behind.run("verify", f"Dataset:{made['dataset']['id']}", "--against", folder)
    assert there.returncode == 0, there.stdout + there.stderr


def test_a_login_is_kept_for_the_commands_after_it(behind, tmp_path):
    address, user = behind.variables["OMERO_HOST"], behind.user
    plain = {"OMERO_HOST": "", "OMERO_USER": "", "OMERO_PASSWORD": ""}
    done = behind.run(
        "login",
        address,
        "--user",
        user,
        "--password-stdin",
        typed=behind.password,
        **plain,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    status = behind.run("status", **plain)
    assert status.returncode == 0, status.stdout + status.stderr
    assert user in status.stdout
    assert behind.run("logout", **plain).returncode == 0
