"""Lines of progress that a person sees although pip and uv hide what a build prints.

Both collect the output of a build and show it only with `-v` or after a failure. So the lines go
to the terminal itself where there is one, and to standard error (pip's and uv's log) otherwise.
"""

import os
import sys


def say(text: str) -> None:
    """Print one line where a person can see it."""
    line = f"zeroc-ice: {text}\n"
    terminal = "CONOUT$" if os.name == "nt" else "/dev/tty"
    try:
        with open(terminal, "w", encoding="utf-8") as stream:  # noqa: PTH123 (a device, not a path)
            stream.write(line)
    except OSError:  # no terminal: a CI job, a pipe, a service
        sys.stderr.write(line)
        sys.stderr.flush()
