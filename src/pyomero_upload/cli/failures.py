"""How a command ends badly: a sentence, a hint, and the right exit status, never a traceback for a user's mistake."""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec

import typer

from pyomero_upload.errors import EXIT_FAILED, EXIT_INTERRUPTED, PyomeroError

P = ParamSpec("P")


def explained(command: Callable[P, None]) -> Callable[P, None]:
    """Print errors of ours and of the operating system as sentences, and set the exit status.

    Anything else is a mistake of the program's own and keeps its traceback.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except PyomeroError as error:
            if error.problems:
                from pyomero_upload.cli.terminal import err, show_problems  # noqa: PLC0415

                show_problems(error.problems, err)
            say(error.message, error.hint)
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:
            # The reader of our output went away, as `head` does.
            sys.stdout = None  # nothing must be flushed into it any more
            raise typer.Exit(EXIT_FAILED) from None
        except OSError as error:
            what = error.strerror or str(error)
            say(f"{error.filename}: {what}." if error.filename else f"{what}.")
            raise typer.Exit(EXIT_FAILED) from None
        except KeyboardInterrupt:
            say("Interrupted.", "Run the same command again to go on.")
            raise typer.Exit(EXIT_INTERRUPTED) from None

    return run


def say(message: str, hint: str = "") -> None:
    """Print an error and what to do about it on standard error."""
    typer.echo(f"Error: {message}", err=True)
    if hint:
        typer.echo(f"  {hint}", err=True)
