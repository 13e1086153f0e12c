"""Compiling with the real compiler: a small extension in place of Ice, built as setup.py does it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from zeroc_ice_build import toolchain

PACKAGE = Path(toolchain.__file__).parents[1]
SETUP = """
from pathlib import Path
from setuptools import Extension, setup
from zeroc_ice_build.compile import BuildOnAllCores
from zeroc_ice_build.errors import BuildError
try:
    setup(name="small", script_args=["--quiet", "build_ext", "--inplace"],
        cmdclass={"build_ext": BuildOnAllCores},
        ext_modules=[Extension("small", sorted(str(p) for p in Path().glob("*.c*")))])
except BuildError as error:
    raise SystemExit(f"BuildError: {error}")
"""
MODULE = """
#include <Python.h>
#include <functional>
// gone from newer standards
struct Less : std::binary_function<int, int, bool> {};
extern "C" int answer(void);
static PyModuleDef def = {PyModuleDef_HEAD_INIT, "small", 0, -1, 0};
PyMODINIT_FUNC PyInit_small(void)
{
    PyObject* module = PyModule_Create(&def);
    PyModule_AddIntConstant(module, "answer", answer());
    return module;
}
"""
ANSWER = "int answer() { return 42; }\n"

needs_gcc_style = pytest.mark.skipif(
    os.name == "nt" or not shutil.which("c++"), reason="no compiler that takes CC and CXX"
)


def build(
    folder: Path, sources: dict[str, str], **environ: str
) -> subprocess.CompletedProcess[str]:
    for name, text in sources.items():
        (folder / name).write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-c", SETUP],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PACKAGE), **environ},
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # no terminal: the lines of progress go to standard error
    )


def refusing_compiler(folder: Path, header: str) -> str:
    """Write a compiler that knows everything but one header."""
    path = folder / "cxx"
    path.write_text(
        f'#!/bin/sh\nfor file; do case "$file" in *.cpp)'
        f' if grep -q "{header}" "$file"; then exit 1; fi;; esac; done\nexec c++ "$@"\n',
        encoding="utf-8",
    )
    path.chmod(0o755)
    return str(path)


@needs_gcc_style
def test_all_files_are_compiled_and_linked_with_lines_of_progress(tmp_path: Path) -> None:
    run = build(tmp_path, {"module.cpp": MODULE, "answer.c": ANSWER})
    assert run.returncode == 0, run.stderr
    assert "zeroc-ice: compiled 2 of 2 files" in run.stderr
    code = "import small; print(small.answer)"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "42"


@needs_gcc_style
def test_a_file_that_does_not_compile_is_named_after_the_compilers_words(tmp_path: Path) -> None:
    run = build(tmp_path, {"module.cpp": MODULE, "answer.c": "int answer() { return fortytwo; }"})
    assert run.returncode == 1
    assert "fortytwo" in run.stderr
    assert "BuildError: answer.c of zeroc-ice 3.6.5 does not compile" in run.stderr
    assert "Traceback" not in run.stderr


@needs_gcc_style
def test_without_a_compiler_one_message_names_the_packages_of_each_system(tmp_path: Path) -> None:
    run = build(tmp_path, {"module.cpp": MODULE}, CC="no-such-cc", CXX="no-such-c++")
    assert run.returncode == 1
    assert "this is missing: a C++ compiler.\n" in run.stderr
    for words in ("apt-get install g++", "dnf install gcc-c++", "xcode-select", "Build Tools"):
        assert words in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stderr.startswith("BuildError")  # nothing goes before it


@needs_gcc_style
@pytest.mark.skipif(sys.platform == "darwin", reason="TLS comes with macOS")
@pytest.mark.parametrize("header", ["Python.h", "openssl/ssl.h", "bzlib.h"])
def test_a_missing_header_is_named_before_anything_is_compiled(header: str, tmp_path: Path) -> None:
    compiler = refusing_compiler(tmp_path, header)
    run = build(tmp_path, {"module.cpp": MODULE}, CC=compiler, CXX=compiler)
    assert run.returncode == 1
    assert f"({header})" in run.stderr
    assert run.stderr.count(".h)") == 1
    assert "compiling" not in run.stderr


def test_what_is_needed_differs_by_system() -> None:
    names = {system: str(toolchain.needed(system)) for system in ("linux", "darwin", "win32")}
    assert [system for system, text in names.items() if "openssl" in text] == ["linux"]
    assert [system for system, text in names.items() if "bzlib" in text] == ["linux", "darwin"]
    assert all("Python.h" in text and "compiler" in text for text in names.values())
