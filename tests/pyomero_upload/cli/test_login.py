"""`pyomero login`, `logout` and `status`, as typed."""

import json
import os
import subprocess
import sys
import time

import pytest
from omero.util.sessions import SessionsStore
from typer.testing import CliRunner

from pyomero_upload.cli import app
from pyomero_upload.example import make_example
from pyomero_upload.targets.omero import login_store


@pytest.fixture(autouse=True)
def nobody_logged_in(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("OMERO_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OMERO_USERDIR", str(tmp_path / "omero"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def pyomero(*words, typed=""):
    return CliRunner().invoke(app, [str(word) for word in words], input=typed)


def log_in(user, *more):
    place = f"{user.name}@{user.server.host}:{user.server.port}"
    return pyomero("login", place, "--password-stdin", *more, typed=user.password + "\n")


def status(*more):
    done = pyomero("status", "--json", *more)
    return done.exit_code, json.loads(done.stdout)


def test_a_login_is_used_by_the_commands_that_follow(omero_new_user):
    user = omero_new_user()
    done = log_in(user)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(
        f"Logged in: {user.name} at {user.server.host}:{user.server.port}"
    )
    exit_code, told = status()
    assert exit_code == 0
    assert told == {
        "server": f"{user.server.host}:{user.server.port}",
        "reachable": True,
        "logged_in": True,
        "user": {"id": user.id, "name": user.name},
        "group": {"id": user.group, "name": f"group-of-{user.name}"},
        "version": "5.6.16",
        "read_only": False,
        "idle_seconds": 600,
        "session_of_login": True,
        "web": f"http://{user.server.host}",
    }
    shown = pyomero("status").stdout
    assert f"{user.name} at {user.server.host}:{user.server.port} (OMERO 5.6.16)" in shown
    assert "over after 10 minutes without use" in shown


def test_an_upload_leaves_the_login_alive(omero_new_user, tmp_path, monkeypatch):
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))
    folder = make_example(tmp_path / "run", positions=1, times=1, sections=1, size=16)
    log_in(omero_new_user())
    for _ in range(2):
        uploaded = pyomero("upload", folder)
        assert uploaded.exit_code == 0, uploaded.output
        assert pyomero("status").exit_code == 0


def test_logging_in_again_joins_the_session_that_still_lives(omero_new_user):
    user = omero_new_user()
    log_in(user)
    before = login_store.fitting(None, None, None)
    assert pyomero("login").exit_code == 0
    assert login_store.fitting(None, None, None) == before


def test_a_password_that_is_given_is_tried_though_there_is_a_login(omero_new_user):
    user = omero_new_user()
    log_in(user)
    place = f"{user.name}@{user.server.host}:{user.server.port}"
    done = pyomero("login", place, "--password-stdin", typed="wrong\n")
    assert done.exit_code == 1
    assert "does not accept this user and password" in done.stderr
    assert status()[0] == 0


def test_after_logout_the_session_is_over_for_everybody(omero_new_user):
    user = omero_new_user()
    log_in(user)
    store = SessionsStore()
    place = store.get_current()[:3]
    properties = store.get(*place)
    done = pyomero("logout")
    assert done.stdout == f"Logged out: {user.name} at {user.server.host}:{user.server.port}.\n"
    assert store.available(*place[:2]) == []
    with pytest.raises(Exception, match="Password check failed"):
        store.create(place[2], place[2], properties, new=False)
    assert status()[0] == 1
    again = pyomero("logout")
    assert (again.exit_code, again.stdout) == (0, "You are not logged in. Nothing to do.\n")


def test_a_session_of_omero_login_is_used_and_ended(omero_new_user):
    user = omero_new_user()
    properties = {"omero.host": user.server.host, "omero.port": str(user.server.port)}
    client, _, _, _ = SessionsStore().create(user.name, user.password, properties)
    client.closeSession()
    assert status()[1]["user"]["id"] == user.id
    assert pyomero("logout").exit_code == 0
    assert SessionsStore().count() == 0


def test_an_administrator_logs_in_as_another(omero_server, omero_new_user):
    user = omero_new_user()
    place = f"{user.name}@{omero_server.host}:{omero_server.port}"
    done = pyomero(
        "login", place, "--sudo", "root", "--password-stdin", typed=omero_server.password + "\n"
    )
    assert done.exit_code == 0, done.output
    assert status()[1]["user"]["id"] == user.id


def test_status_without_a_login_asks_nobody_and_tells_whether_the_server_answers(omero_new_user):
    user = omero_new_user()
    where = ("--server", user.server.host, "--port", user.server.port, "--user", user.name)
    exit_code, told = status(*where)
    assert exit_code == 1
    assert told["reachable"]
    assert not told["logged_in"]
    assert "pyomero login" in told["hint"]
    exit_code, told = status("--server", "no-such-host.invalid")
    assert exit_code == 1
    assert not told["reachable"]
    assert told["message"] == "There is no server called no-such-host.invalid."


def test_a_login_without_a_terminal_does_not_wait_for_somebody_to_type(omero_new_user):
    done = pyomero("login")
    assert done.exit_code == 2
    assert "Which OMERO server?" in done.stderr
    done = pyomero("login", "example.org")
    assert done.exit_code == 2
    assert "Who are you at example.org:4064?" in done.stderr
    user = omero_new_user()
    done = pyomero("login", f"{user.name}@{user.server.host}:{user.server.port}")
    assert done.exit_code == 2
    assert "There is no password" in done.stderr


def test_an_empty_standard_input_is_no_password():
    done = pyomero("login", "a@example.org", "--password-stdin")
    assert done.exit_code == 2
    assert "standard input has no password" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("eva@a.org", "--user", "olga"), "say different things"),
        (("a.org:1", "--port", "2"), "say different things"),
        (("a.org:x",), "'a.org:x' is no server."),
    ],
)
def test_what_contradicts_itself_or_is_no_server_is_refused(words, told):
    done = pyomero("login", *words)
    assert done.exit_code == 2
    assert told in done.stderr


def test_a_password_in_a_file_that_others_can_read_is_warned_of(omero_new_user, tmp_path):
    user = omero_new_user()
    file = tmp_path / "config.yaml"
    file.write_text(
        f"server: {user.server.host}\nport: {user.server.port}\nuser: {user.name}\n"
        f"password: {user.password}\nweb: https://web.example.org\n",
        encoding="utf-8",
    )
    file.chmod(0o644)
    done = pyomero("status", "--json", "--config-file", file)
    assert json.loads(done.stdout)["web"] == "https://web.example.org"
    if os.name == "posix":
        assert "Warning:" in done.stderr
        assert "chmod 600" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_on_a_terminal_it_asks_for_what_is_missing_and_shows_no_password(omero_new_user):
    import pty  # noqa: PLC0415
    import select  # noqa: PLC0415
    import termios  # noqa: PLC0415

    user = omero_new_user()
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", "from pyomero_upload.cli import main; main()", "login"],
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
    )
    os.close(end)
    seen = b""

    def wait_for(prompt):
        nonlocal seen
        while prompt not in seen:
            assert select.select([terminal], [], [], 60)[0], seen
            seen += os.read(terminal, 1024)

    def wait_until_unseen():
        # What is typed before the echo is off is thrown away with it.
        end = time.monotonic() + 60
        while termios.tcgetattr(terminal)[3] & termios.ECHO:
            assert time.monotonic() < end
            time.sleep(0.01)

    answers = {
        b"OMERO server": f"tcp://{user.server.host}:{user.server.insecure_port}",
        b"User at": user.name,
        b"Password of": user.password,
    }
    for prompt, answer in answers.items():
        wait_for(prompt)
        if answer == user.password:
            wait_until_unseen()
        os.write(terminal, answer.encode() + b"\n")
    wait_for(b"Logged in: ")
    assert process.wait(60) == 0
    os.close(terminal)
    assert user.password.encode() not in seen


def test_no_command_prints_or_shows_a_secret(omero_new_user):
    user = omero_new_user()
    done = log_in(user)
    key = login_store.fitting(None, None, None).key.get_secret_value()
    told = [done.output, pyomero("status").output, pyomero("status", "--json").output]
    told.append(pyomero("login").output)
    told.append(pyomero("status", "--group", "none").output)
    told.append(pyomero("logout").output)
    for text in told:
        assert user.password not in text
        assert key not in text
