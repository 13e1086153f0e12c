"""What is built works: it imports and talks, with each Python.

The Ice that is installed beside the tests is always tried. `PYOMERO_ALL_PYTHONS=1` also builds
a wheel for every Python from 3.10 to 3.13 on this machine, as a user does; the first time this
takes minutes for each.
"""

import datetime as dt
import importlib.metadata
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

PACKAGE = Path(__file__).parents[2] / "packages" / "zeroc-ice"
TALK = Path(__file__).with_name("talk.py")
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]


@pytest.fixture
def certificate(tmp_path: Path) -> list[str]:
    """Return the files of a certificate that vouches for itself, and of its key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.timezone.utc)
    day = dt.timedelta(days=1)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (tmp_path / "cert.pem").write_bytes(signed.public_bytes(pem))
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return [str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")]


def talk(python: str, ice: Path | None, *arguments: str) -> str:
    """Let a Python hold the conversation, with the Ice of a folder or the installed one."""
    environ = {**os.environ, "PYTHONPATH": str(ice) if ice else ""}
    # what is built here gives no warning; an Ice from elsewhere may
    strictly = ["-W", "error"] if ice else []
    run = subprocess.run(
        [python, *strictly, str(TALK), *arguments],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return run.stdout if run.returncode == 0 else run.stderr


def found(version: str) -> str | None:
    """Return the path of a Python of this version, of the tests' own environment or the machine."""
    here = [sys.executable] if version == "{}.{}".format(*sys.version_info) else []
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for path in (*here, shutil.which(f"python{version}"), *map(str, pyenv)):
        code = "import sys; print('{}.{}'.format(*sys.version_info))"
        run = path and subprocess.run(
            [path, "-c", code], capture_output=True, text=True, check=False
        )
        if run and run.stdout.strip() == version:
            return path
    return None


@pytest.mark.parametrize("transport", ["tcp", "ssl"])
def test_the_installed_ice_talks(transport: str, certificate: list[str]) -> None:
    files = certificate if transport == "ssl" else []
    assert talk(sys.executable, None, transport, *files) == f"talked over {transport}\n"


def test_the_installed_ice_is_the_version_that_omero_py_asks_for() -> None:
    assert importlib.metadata.version("zeroc-ice") == "3.6.5"


@pytest.mark.skipif(
    os.environ.get("PYOMERO_ALL_PYTHONS") != "1", reason="PYOMERO_ALL_PYTHONS=1 builds all wheels"
)
@pytest.mark.parametrize("version", PYTHONS)
def test_a_wheel_is_built_and_talks(version: str, certificate: list[str], tmp_path: Path) -> None:
    python = found(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    command = [sys.executable, str(PACKAGE / "__main__.py"), str(tmp_path)]
    if python != sys.executable:
        command[0] = python
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, start_new_session=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    (wheel,) = tmp_path.glob(f"zeroc_ice-3.6.5-cp{version.replace('.', '')}-*.whl")
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(wheel) as content:
        content.extractall(unpacked)
    assert talk(python, unpacked, "tcp") == "talked over tcp\n"
    assert talk(python, unpacked, "ssl", *certificate) == "talked over ssl\n"

    info = unpacked / "zeroc_ice-3.6.5.dist-info"
    metadata = (info / "METADATA").read_text(encoding="utf-8")
    project = (PACKAGE / "pyproject.toml").read_text(encoding="utf-8")
    for line in ("Name: zeroc-ice\n", "Version: 3.6.5\n", "Requires-Python: >=3.10,<3.14\n"):
        assert line in metadata.replace("<3.14,>=3.10", ">=3.10,<3.14")
        key, _, value = line.strip().partition(": ")
        assert f'{key.lower()} = "{value}"' in project
    assert "slice2py=slice2py:main" in (info / "entry_points.txt").read_text().replace(" ", "")
    licences = {path.name for path in info.rglob("*LICENSE")}
    assert licences == {"LICENSE", "ICE_LICENSE", "BZIP2_LICENSE", "MCPP_LICENSE"}
