"""Compiling the extension: all files on all cores, with lines of progress.

Fourth step of a build. The archive's own setup.py stays the recipe (which files, macros and
libraries on which platform); it is edited to use `BuildOnAllCores` as its `build_ext` command.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, LinkError

from . import toolchain
from .errors import BuildError
from .progress import say

_SECONDS_BETWEEN_LINES = 5.0

# The last flag of a kind wins, so these override what Python itself was built with (often -O3 -g,
# which takes a third longer and gives an 80 MB library). C++14 is the last standard with
# std::binary_function, which clang's library drops from C++17 on. mcpp is C from before C23, and
# its _POSIX_C_SOURCE of 1 hides readlink(), which compilers since 2022 make an error of.
_UNIX_FLAGS = {
    ".cpp": ["-O2", "-g0", "-std=gnu++14"],
    ".c": ["-O2", "-g0", "-std=gnu99", "-D_POSIX_C_SOURCE=200809L"],
}


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux: respects containers and taskset
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class BuildOnAllCores(build_ext):
    """The `build_ext` command, with one compiler process for each core."""

    def build_extensions(self) -> None:
        """Check the tools, compile, link.

        Raises
        ------
        BuildError
            A tool is missing, a file does not compile, or the library does not link.
        """
        toolchain.check(self.compiler)
        # build_ext hands all sources to one call of the compiler object and links what it returns
        self.compiler.compile = _on_all_cores(self.compiler)
        try:
            super().build_extensions()
        except LinkError as error:
            raise BuildError(toolchain.explain([f"a library to link with ({error})"])) from None


def _on_all_cores(compiler: Any) -> Any:
    """Return a stand-in for `compiler.compile` that compiles its sources side by side."""
    compile_in_turn = compiler.compile

    def compile_one(source: str, options: dict[str, Any]) -> list[str]:
        if compiler.compiler_type == "unix":
            flags = [*(options.get("extra_postargs") or []), *_UNIX_FLAGS[Path(source).suffix]]
            options = options | {"extra_postargs": flags}
        objects: list[str] = compile_in_turn([source], **options)
        return objects

    def compile_all(sources: list[str], **options: Any) -> list[str]:
        # longest first, so that no core is left alone with a long file; linked in the given order
        longest_first = sorted(sources, key=lambda source: -Path(source).stat().st_size)
        objects = {}
        started = said = time.monotonic()
        say(f"compiling {len(sources)} files on {cores()} cores, a few minutes, this once")
        with ThreadPoolExecutor(cores()) as pool:
            jobs = {pool.submit(compile_one, source, options): source for source in longest_first}
            for job in as_completed(jobs):
                try:
                    objects[jobs[job]] = job.result()
                except CompileError:
                    pool.shutdown(cancel_futures=True)
                    raise BuildError(
                        f"{jobs[job]} of zeroc-ice 3.6.5 does not compile; the compiler's own "
                        "words are above. Please report them with the compiler's version."
                    ) from None
                now = time.monotonic()
                if now - said > _SECONDS_BETWEEN_LINES or len(objects) == len(sources):
                    said = now
                    say(f"compiled {len(objects)} of {len(sources)} files, {now - started:.0f} s")
        return [item for source in sources for item in objects[source]]

    return compile_all
