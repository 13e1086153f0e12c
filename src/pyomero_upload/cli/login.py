"""`pyomero login`: log in once for all commands."""

import re
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from pyomero_upload.cli.failures import explained
from pyomero_upload.cli.families import in_families
from pyomero_upload.cli.own_server import require_omero
from pyomero_upload.cli.server_options import ServerOptions, ask_password
from pyomero_upload.errors import UsageError

if TYPE_CHECKING:
    from pyomero_upload.targets.omero.login import Standing

_PLACE = re.compile(
    r"(?:(?P<user>[^@/]+)@)?(?P<host>[^@:/]+|\[[^\]]+\]|\w+://.+?)(?::(?P<port>\d+))?"
)


@dataclass(frozen=True, kw_only=True)
class LoginOptions(ServerOptions):
    """Which server, and as whom; the server is typed without an option's name."""

    server: Annotated[
        str | None,
        typer.Argument(
            help="The OMERO server: [USER@]NAME[:PORT], or wss://NAME/PATH. The last one unless told.",
            show_default=False,
        ),
    ] = None


@explained
@in_families
def login(*, at: LoginOptions) -> None:
    """Log in to an OMERO server, so that the other commands know where and as whom.

    The session is kept where `omero login` keeps it: either program uses what the other began. Asks for what is missing.
    """
    require_omero()
    from pyomero_upload.targets.omero.login import log_in  # noqa: PLC0415

    if at.server is not None:
        host, port, user = _taken_apart(at.server, at.port, at.user)
        at = replace(at, server=host, port=port, user=user)
    settings = at.settings(ask=_ask)
    if at.password_stdin:
        # a password was given to be tried, though an earlier login may still be good
        settings = replace(settings, session=None, stored=None)
    standing = log_in(settings, ask=ask_password)
    typer.echo(f"Logged in: {described(standing)}")


def described(standing: "Standing") -> str:
    """Say where and as whom, for how long, and what is special there."""
    text = (
        f"{standing.user.name} at {standing.place} (OMERO {standing.version}), "
        f"group {standing.group.name}."
    )
    if standing.idle_seconds is not None:
        minutes, seconds = divmod(standing.idle_seconds, 60)
        how_long = (
            f"{minutes} minutes"
            if minutes > 1 and not seconds
            else f"{standing.idle_seconds} seconds"
        )
        text += f"\nThe session is over after {how_long} without use."
    if standing.read_only:
        text += "\nThe server is read-only at present: nothing can be uploaded."
    return text


def _taken_apart(
    place: str, port: int | None, user: str | None
) -> tuple[str, int | None, str | None]:
    """Return host, port and user of `[USER@]NAME[:PORT]`."""
    if "://" in place:
        return place, port, user
    found = _PLACE.fullmatch(place)
    if found is None:
        raise UsageError(
            f"{place!r} is no server.", hint="Write it as NAME, USER@NAME, or USER@NAME:PORT."
        )
    for option, here, there in (("--user", user, found["user"]), ("--port", port, found["port"])):
        if here is not None and there is not None and str(here) != there:
            raise UsageError(
                f"{place} and {option} {here} say different things.", hint="Give one of them."
            )
    return found["host"], int(found["port"]) if found["port"] else port, found["user"] or user


def _ask(what: str) -> str | None:
    """Ask for something; None where there is nobody to ask."""
    return str(typer.prompt(what, err=True)) if sys.stdin.isatty() else None
