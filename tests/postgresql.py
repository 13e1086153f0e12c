"""A PostgreSQL server of the tests' own, where PostgreSQL is installed."""

import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


NewDatabase = Callable[[], str]


@pytest.fixture(scope="session")
def new_postgresql() -> Iterator[NewDatabase]:
    """Return a function that makes an empty database in a PostgreSQL server of our own, and returns its URL."""
    if shutil.which("pg_ctl") is None or sys.platform == "win32":
        pytest.skip("PostgreSQL is not installed (pg_ctl)")
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    # Not below pytest's own temporary folder, which no other user may enter.
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        folder = Path(name)
        if user is not None:
            shutil.chown(folder, user)
        port, data = _free_port(), str(folder / "data")

        def run(*command: str) -> None:
            subprocess.run(command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL)

        run(
            "initdb",
            "-D",
            data,
            "-U",
            "omero",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-N",
        )
        options = f"-F -h 127.0.0.1 -p {port} -k {folder}"
        run("pg_ctl", "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start")
        url = f"postgresql+psycopg://omero@127.0.0.1:{port}"
        administration = create_engine(f"{url}/postgres", isolation_level="AUTOCOMMIT")
        number = itertools.count()

        def make() -> str:
            database = f"made{next(number)}"
            with administration.connect() as connection:
                connection.execute(text(f"create database {database}"))
            return f"{url}/{database}"

        yield make
        administration.dispose()
        run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
