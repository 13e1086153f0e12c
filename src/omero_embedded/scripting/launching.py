"""A script in a process of its own: a folder with the script, how to reach the server, and what it prints.

It is started as the real server's processor starts one: `ICE_CONFIG` names a file with the address and the uuid of the
session that was made for the script, so that `omero.scripts.client` or `omero.client()` joins that session.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from omero_embedded.call import Call
from omero_embedded.wire.sessions import Session

if TYPE_CHECKING:
    from omero_embedded.core import Core

TICK = 1.0
"""Seconds between two looks whether the session of a script is still open."""

_ENVIRONMENT = (
    "HOME", "LANG", "LANGUAGE", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR",
    "USERPROFILE", "VIRTUAL_ENV",
)  # fmt: skip
"""What a script sees of the server's environment, which may hold secrets."""


class Launched:
    """A script under way.

    Parameters
    ----------
    core
        The server.
    session
        The session that the script joins; its end is the script's end.
    text
        The script.
    properties
        More lines for the file that `ICE_CONFIG` names.
    """

    def __init__(
        self, core: "Core", session: Session, text: str, properties: dict[str, str]
    ) -> None:
        self.session = session
        self._core = core
        self._folder = Path(tempfile.mkdtemp(prefix="omero-script-"))
        (self._folder / "script").write_text(text, encoding="utf-8")
        lines = {"omero.user": session.uuid, "omero.pass": session.uuid, **core.reached_by}
        config = self._folder / "config"
        config.write_text(
            "".join(f"{name}={value}\n" for name, value in {**lines, **properties}.items()),
            encoding="utf-8",
        )
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        environment |= {"ICE_CONFIG": str(config), "OMERO_USERDIR": str(self._folder / "omero")}
        with (self._folder / "out").open("wb") as out, (self._folder / "err").open("wb") as err:
            self._process = subprocess.Popen(  # this is what an administrator put there to run
                [sys.executable, "script"],
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def wait(self) -> int:
        """Return the exit status once the script has ended; end it where its session ends first."""
        while not self._ends_within(TICK):
            if self._core.sessions.find(self.session.uuid) is None:
                self.kill()
        return self._process.returncode

    def _ends_within(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def terminate(self) -> None:
        """Ask the script to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End the script at once."""
        self._process.kill()

    def printed(self, name: str) -> bytes:
        """Return what it wrote to `out` or `err`."""
        return (self._folder / name).read_bytes()

    def clear(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self._folder, ignore_errors=True)


def session_for(call: Call) -> Session:
    """Begin a session for a script of who asks, in the group of the call. It lives until it is closed.

    The call's transaction is given up before, as the session is written down in one of its own.
    """
    user, group, of_who_asks = call.user.id, call.group.id, call.session
    call.abandon()
    session = call.server.sessions.begin(
        user,
        group,
        agent="OMERO.scripts",
        time_to_idle=0,
        sudoer=of_who_asks.sudoer,
        only_groups=of_who_asks.only_groups,
    )
    call.server.sessions.enter(session)
    return session
