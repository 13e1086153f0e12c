"""Is there all that compiling takes? Asked before the first file is compiled.

The question is put to the compiler itself, with one tiny file for each thing that Ice includes:
so headers are found wherever this compiler looks for them, and nowhere else.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from setuptools.errors import CompileError, PlatformError

from .errors import BuildError

_COMPILER = ("a C++ compiler", "#include <string>\n")
_PYTHON = ("the header files of this Python (Python.h)", "#include <Python.h>\n")
_OPENSSL = ("the header files of OpenSSL (openssl/ssl.h)", "#include <openssl/ssl.h>\n")
_BZIP2 = ("the header files of bzip2 (bzlib.h)", "#include <bzlib.h>\n")

_ADVICE = """\
Install what is missing, then run the same command again:
  Debian, Ubuntu    sudo apt-get install g++ libssl-dev libbz2-dev python3-dev
  Fedora, RHEL      sudo dnf install gcc-c++ openssl-devel bzip2-devel python3-devel
  macOS             xcode-select --install
  Windows           Visual Studio Build Tools with "Desktop development with C++":
                    winget install Microsoft.VisualStudio.2022.BuildTools
Ways that need no compiler: conda-forge's zeroc-ice 3.6.5, or a ready-made wheel by URL.
packages/zeroc-ice/README.md describes them."""


def needed(platform: str = sys.platform) -> list[tuple[str, str]]:
    """Return what a platform's build includes, as pairs of a name for people and a C++ text.

    Ice takes TLS from the system on macOS (Secure Transport) and Windows (Schannel), from
    OpenSSL elsewhere; on Windows it brings bzip2 along.
    """
    if platform == "win32":
        return [_COMPILER, _PYTHON]
    if platform == "darwin":
        return [_COMPILER, _PYTHON, _BZIP2]
    return [_COMPILER, _PYTHON, _OPENSSL, _BZIP2]


def explain(missing: list[str]) -> str:
    """Return the message for a person whose machine lacks something."""
    return (
        "zeroc-ice 3.6.5 is published as source code for this Python and has to be compiled, "
        f"but this is missing: {'; '.join(missing)}.\n{_ADVICE}"
    )


def check(compiler: Any) -> None:
    """Compile one small file for each thing the build needs.

    Parameters
    ----------
    compiler
        The compiler object of setuptools' `build_ext`, set up for this Python.

    Raises
    ------
    BuildError
        Something is missing; the message names it and the packages that bring it.
    """
    missing = []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.cpp")
        for name, text in needed():
            source.write_text(text, encoding="utf-8")
            try:
                with _silence():
                    compiler.compile([str(source)], output_dir=folder)
            except (CompileError, PlatformError):
                missing.append(name)
                if name == _COMPILER[0]:
                    break  # nothing can be said about headers
    if missing:
        raise BuildError(explain(missing))


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Send what a child process prints to nowhere: the message to come says it better."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for descriptor in (*kept, nowhere):
            os.close(descriptor)
