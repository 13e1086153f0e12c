"""A PEP 517 build backend that makes a zeroc-ice 3.6.5 wheel for Python 3.10 to 3.13.

PyPI has Ice 3.6.5 as a source archive only, written for Pythons up to 3.7. A build goes

    index ▶ archive ▶ edits ▶ compile (after toolchain says yes) ▶ cache

each a module here: where pip and uv are told to look, the archive with its pinned digest, what
must change in it, the compiler on all cores, and the finished wheel kept for the next time.
This module is what pip and uv call (https://peps.python.org/pep-0517/). A failure ends the
process with one message for a person and never a traceback.
"""

import contextlib
import io
import logging
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from setuptools import build_meta

from . import archive, cache, edits, index
from .errors import BuildError
from .progress import say

__all__ = ["build_sdist", "build_wheel", "prepare_metadata_for_build_wheel"]

# What setuptools says, warnings too, is for people who write a setup.py. The compiler's words stay.
_QUIET: Mapping[str, list[str]] = {"--global-option": ["--quiet"]}


def build_wheel(
    wheel_directory: str,
    config_settings: Mapping[str, object] | None = None,  # noqa: ARG001 (PEP 517; none is known)
    metadata_directory: str | None = None,  # noqa: ARG001 (made from the same tree: the same)
) -> str:
    """Make the wheel, or take the one kept from an earlier build, and return its file name."""
    into = Path(wheel_directory).resolve()
    with _one_message():
        wheel = cache.kept_wheel()
        if wheel:
            say(f"using {wheel}, built before")
            shutil.copy(wheel, into)
            return wheel.name
        with _source_tree():
            started = time.monotonic()
            name = build_meta.build_wheel(str(into), dict(_QUIET))
            cache.check_wheel(into / name)
            cache.keep_wheel(into / name)
            say(f"built {name} in {time.monotonic() - started:.0f} s")
            return str(name)
    raise AssertionError  # _one_message lets nothing through


def prepare_metadata_for_build_wheel(
    metadata_directory: str,
    config_settings: Mapping[str, object] | None = None,  # noqa: ARG001 (PEP 517; none is known)
) -> str:
    """Write the metadata that the wheel will have and return the folder's name."""
    into = Path(metadata_directory).resolve()
    with _one_message(), _source_tree():
        return str(build_meta.prepare_metadata_for_build_wheel(str(into), dict(_QUIET)))
    raise AssertionError  # _one_message lets nothing through


def build_sdist(
    sdist_directory: str,
    config_settings: Mapping[str, object] | None = None,  # noqa: ARG001 (PEP 517; none is known)
) -> str:
    """Pack this small package itself, without any of Ice, and return the file's name."""
    here = Path.cwd()
    name = archive.NAME.removesuffix(".tar.gz").replace("-", "_", 1)
    with tarfile.open(Path(sdist_directory, f"{name}.tar.gz"), "w:gz") as packed:
        version = name.rpartition("-")[2]
        text = f"Metadata-Version: 2.1\nName: zeroc-ice\nVersion: {version}\n".encode()
        info = tarfile.TarInfo(f"{name}/PKG-INFO")
        info.size = len(text)
        packed.addfile(info, io.BytesIO(text))
        for path in (here / "pyproject.toml", here / "README.md", *sorted(here.glob("src/*/*.py"))):
            packed.add(path, f"{name}/{path.relative_to(here).as_posix()}")
    return f"{name}.tar.gz"


@contextlib.contextmanager
def _source_tree() -> Iterator[None]:
    """Work inside a fresh, edited copy of Ice's sources."""
    before = Path.cwd()
    archive.fetch(index.configured(os.environ, before), cache.archive_path())
    with tempfile.TemporaryDirectory() as folder:
        tree = archive.unpack(cache.archive_path(), Path(folder))
        edits.apply(tree)
        os.chdir(tree)
        try:
            yield
        finally:
            os.chdir(before)  # Windows cannot delete a folder that someone works in


@contextlib.contextmanager
def _one_message() -> Iterator[None]:
    """End the process with an error's message alone: what a person can act on."""
    logging.disable(logging.WARNING)
    try:
        yield
    except BuildError as error:
        raise SystemExit(f"\n{error}\n") from None
    finally:
        logging.disable(logging.NOTSET)
