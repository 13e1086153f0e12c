"""`pyomero search`: find Projects, Datasets and Images on a server."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from pyomero_upload.cli import options
from pyomero_upload.cli.failures import explained
from pyomero_upload.cli.families import in_families
from pyomero_upload.cli.server_options import ServerOptions
from pyomero_upload.errors import UsageError

if TYPE_CHECKING:
    from pyomero_upload.targets.omero.searching import Result


class KindOption(str, Enum):
    """What to look for."""

    project = "project"
    dataset = "dataset"
    image = "image"


@explained
@in_families
def search(
    *,
    name: Annotated[
        str | None,
        typer.Option(help="Its whole name; in all texts * stands for any text, ? for a character."),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="It has this tag. May be given several times.")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY[=VALUE]", help="It has this key-value. May be given several times."
        ),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(help="Somewhere in its name, description, tags, comments or key-values."),
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Login name, or first and last name.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="Taken (or where that is not known: made) on or after it, as 2020-02-29.",
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Taken on or before it, the day included.")
    ] = None,
    project: Annotated[str | None, typer.Option(help="Name of the Project it lies in.")] = None,
    kind: Annotated[
        list[KindOption] | None,
        typer.Option(help="What to look for; all three unless told. May be given several times."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show at most.")] = 100,
    as_json: options.AsJson = False,
    at: ServerOptions,
) -> None:
    """Find Projects, Datasets and Images of which everything asked for is true.

    All groups that you may read are searched, or the one that --group names.
    """
    first, last = _day(since), _day(until)
    with at.connected() as connection:
        from pyomero_upload.targets.omero.reading import KINDS  # noqa: PLC0415
        from pyomero_upload.targets.omero.searching import Searcher, parse_key_values  # noqa: PLC0415

        wanted = [each.value for each in kind or KindOption]
        found = Searcher(connection, all_groups=at.group is None).find(
            name=name,
            tags=tag or (),
            key_values=parse_key_values(key or ()),
            text=text,
            owner=owner,
            since=first,
            until=last,
            project=project,
            kinds=[each for each in KINDS if each.lower() in wanted],
            limit=limit,
        )
    if as_json:
        results = [asdict(item) for item in found]
        typer.echo(json.dumps({"results": results, "more": found.more}, default=str, indent=1))
        return
    if not found:
        typer.echo("Nothing found.", err=True)
        return
    _show(found)
    if found.more:
        typer.echo(f"There is more than these {limit}; --limit shows more.", err=True)


def _day(text: str | None) -> date | None:
    """Return the day that was typed, or the moment where there is a time with it."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text} is no date.", hint="Write 2020-02-29 or 2020-02-29T13:00."
        ) from None
    return moment if ":" in text else moment.date()


def _show(found: "Iterable[Result]") -> None:
    from rich.table import Table  # noqa: PLC0415

    from pyomero_upload.cli.terminal import out, printable  # noqa: PLC0415

    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("object", "name", "in", "taken", "made", "owner", "group"):
        table.add_column(title)
    for item in found:
        table.add_row(
            f"{item.kind}:{item.id}",
            printable(item.name),
            printable(item.path),
            "" if item.acquired is None else f"{item.acquired:%Y-%m-%d}",
            f"{item.created:%Y-%m-%d}",
            printable(item.owner),
            printable(item.group),
        )
    out.print(table)
