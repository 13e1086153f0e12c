"""How a command ends badly: a sentence, a hint, and the right exit status, never a traceback for a user's mistake."""

import errno
import functools
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, ParamSpec

import typer

from pyomero_upload.cli.options import ProgressKind
from pyomero_upload.errors import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_REFUSED,
    EXIT_USAGE,
    PyomeroError,
)
from pyomero_upload.model import Problem

if TYPE_CHECKING:
    from pyomero_upload.transfer.events import OneImage

P = ParamSpec("P")
CODES = {EXIT_USAGE: "wrong-usage", EXIT_REFUSED: "refused", EXIT_INTERRUPTED: "interrupted"}
_MAKE_ROOM = (
    "A disk of this computer is full, maybe the one that keeps what the program notes in your home folder: "
    "make room, and run the same command again to go on."
)


def explained(command: Callable[P, None]) -> Callable[P, None]:
    """Print errors of ours and of the operating system as sentences, and set the exit status.

    Anything else is a mistake of the program's own and keeps its traceback.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        as_json = kwargs.get("progress") is ProgressKind.json
        end = functools.partial(say, as_json=as_json)
        try:
            command(*args, **kwargs)
        except PyomeroError as error:
            if as_json:
                for problem in error.problems:
                    say_json(problem)
            elif error.problems:
                from pyomero_upload.cli.terminal import err, show_problems  # noqa: PLC0415

                show_problems(error.problems, err, verbose=kwargs.get("verbose") is True)
            end(error.message, error.hint, code=CODES.get(error.exit_code, "failed"))
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:
            # The reader of our output went away, as `head` does.
            sys.stdout = None  # nothing must be flushed into it any more
            raise typer.Exit(EXIT_FAILED) from None
        except OSError as error:
            what = error.strerror or str(error)
            end(
                f"{error.filename}: {what}." if error.filename else f"{what}.",
                _MAKE_ROOM if error.errno in {errno.ENOSPC, errno.EDQUOT} else "",
            )
            raise typer.Exit(EXIT_FAILED) from None
        except KeyboardInterrupt:
            end("Interrupted.", "Run the same command again to go on.", code="interrupted")
            raise typer.Exit(EXIT_INTERRUPTED) from None

    return run


def say(message: str, hint: str = "", *, as_json: bool = False, code: str = "failed") -> None:
    """Print an error and what to do about it on standard error, for people or as the last `problem` of `--progress json`."""
    if as_json:
        say_json(Problem("error", code, "", message, hint))
        return
    typer.echo(f"Error: {message}", err=True)
    if hint:
        typer.echo(f"  {hint}", err=True)


def say_failed(images: "Sequence[OneImage]", what_to_do: str) -> None:
    """Print which images could not be made, the first of them by name, and what to do about it."""
    from pyomero_upload.cli.terminal import count  # noqa: PLC0415

    names = ", ".join(image.name for image in images[:5])
    more = f" and {len(images) - 5} more" if len(images) > 5 else ""
    say(f"{count(len(images), 'image')} could not be made: {names}{more}.", what_to_do)


def say_json(problem: Problem, image: str = "") -> None:
    """Print a problem as one line of JSON on standard error."""
    document = {"event": "problem", "image": image, **asdict(problem)}
    typer.echo(json.dumps(document), err=True)
