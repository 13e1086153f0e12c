"""The one family of errors.

Stands beside everything: any module may raise these, and the command line prints them without a traceback. Each carries a
sentence for a person (what happened, to which file or object), a hint (what to do) and the exit status of the program.
"""

from collections.abc import Sequence

from pyomero_upload.model import Problem

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_REFUSED = 3
EXIT_INTERRUPTED = 130


class PyomeroError(Exception):
    """Something that the user should read: what happened and what to do.

    Parameters
    ----------
    message
        What happened, and to which file or object.
    hint
        What to do about it.
    problems
        The single problems behind it, where there are several.

    """

    exit_code = EXIT_FAILED

    def __init__(self, message: str, *, hint: str = "", problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.problems = tuple(problems)


class UsageError(PyomeroError):
    """What was asked for cannot be asked: a wrong option, pattern, folder or file of the user's."""

    exit_code = EXIT_USAGE


class PlanError(PyomeroError):
    """The folder cannot be converted as it is; `problems` says why."""


class RefusedError(PyomeroError):
    """The plan has warnings and the user asked to stop at warnings (`--strict`)."""

    exit_code = EXIT_REFUSED


class UnreadableFileError(PyomeroError):
    """An image file cannot be read, or does not hold what the plan says."""
