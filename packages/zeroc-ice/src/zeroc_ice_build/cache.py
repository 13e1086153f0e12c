"""What is kept between builds, in the user's cache folder: the archive and the finished wheels.

A wheel is kept under a key made of all that decides what is in it, so it is never used for
another Python, machine, compiler setting or version of this recipe.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

import platformdirs

from .archive import NAME, SHA256
from .errors import BuildError

# Modules that decide what is in a wheel; the others only bring it about.
_RECIPE = ("edits.py", "compile.py")
# Variables that change what the compiler makes.
_COMPILER_SETTINGS = ("ARCHFLAGS", "CC", "CFLAGS", "CPPFLAGS", "CXX", "CXXFLAGS", "LDFLAGS")


def folder() -> Path:
    """Return the cache folder: `ZEROC_ICE_CACHE_DIR`, or `zeroc-ice-build` in the user's cache."""
    named = os.environ.get("ZEROC_ICE_CACHE_DIR")
    return (
        Path(named) if named else platformdirs.user_cache_path("zeroc-ice-build", appauthor=False)
    )


def archive_path() -> Path:
    """Return where the source archive is kept."""
    return folder() / NAME


def kept_wheel() -> Path | None:
    """Return the wheel kept for this Python if there is one and it works on this machine."""
    for wheel in sorted(_wheel_folder().glob("*.whl")):
        try:
            check_wheel(wheel)
        except BuildError:  # say, the system has another OpenSSL by now: build anew
            continue
        return wheel
    return None


def keep_wheel(wheel: Path) -> None:
    """Keep a finished wheel for the next build with this Python."""
    _wheel_folder().mkdir(parents=True, exist_ok=True)
    partial = _wheel_folder() / f"{wheel.name}.{os.getpid()}"
    shutil.copyfile(wheel, partial)
    partial.replace(_wheel_folder() / wheel.name)


def check_wheel(wheel: Path) -> None:
    """Import Ice out of a wheel, in a process of its own.

    Raises
    ------
    BuildError
        It is no wheel, or cannot be imported; the message holds Python's own words.
    """
    with tempfile.TemporaryDirectory() as unpacked:
        try:
            with zipfile.ZipFile(wheel) as content:
                content.extractall(unpacked)
        except zipfile.BadZipFile:
            raise BuildError(f"{wheel} is damaged. Delete it and build again.") from None
        code = f"import sys; sys.path.insert(0, {unpacked!r}); import Ice; Ice.stringVersion()"
        run = subprocess.run(  # noqa: S603 (this Python, our text)
            [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False
        )
    if run.returncode != 0:
        raise BuildError(f"The compiled {wheel.name} cannot be imported:\n{run.stderr.strip()}")


def _wheel_folder() -> Path:
    recipe = hashlib.sha256(SHA256.encode())
    for module in _RECIPE:
        recipe.update(Path(__file__).with_name(module).read_bytes())
    target = (
        sysconfig.get_config_var("EXT_SUFFIX"),
        sysconfig.get_platform(),
        *(os.environ.get(name, "") for name in _COMPILER_SETTINGS),
    )
    recipe.update(repr(target).encode())
    return folder() / "wheels" / recipe.hexdigest()[:20]
