"""`pyomero verify`: read a result back, from a folder or a server, and compare."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyomero_upload.cli import options, server_options
from pyomero_upload.cli.failures import explained, say
from pyomero_upload.cli.own_server import require_omero
from pyomero_upload.errors import EXIT_FAILED, UsageError

if TYPE_CHECKING:
    from pyomero_upload.model import Plan
    from pyomero_upload.targets.omero.said import Said
    from pyomero_upload.transfer.verify import VerifyReport
    from pyomero_upload.transfer.verify_omero import DatasetReport

ON_SERVER = re.compile(r"(?:Project|Dataset|Image):.*", re.IGNORECASE)


@explained
def verify(
    out: Annotated[
        str,
        typer.Argument(
            help="The folder that convert or get wrote, or Dataset:ID on a server.",
            show_default=False,
        ),
    ],
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="With Dataset:ID: the folder it was made of; planes and metadata are compared with it, item by item.",
            show_default=False,
        ),
    ] = None,
    name: options.Name = None,
    profile: options.Profile = None,
    pattern: options.Pattern = None,
    layout: options.LayoutOption = options.Layout.hypercube,
    metadata: options.MetadataFile = None,
    parser: options.Parser = None,
    ignore_metadata: options.IgnoreMetadata = False,
    processor: options.Processor = None,
    missing: options.MissingOption = options.Missing.fill,
    server: server_options.Server = None,
    port: server_options.Port = None,
    user: server_options.User = None,
    group: server_options.Group = None,
    sudo: server_options.Sudo = None,
    password_stdin: server_options.PasswordStdin = False,
    config_file: server_options.ConfigFile = None,
    progress: options.ProgressOption = options.ProgressKind.auto,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Read everything in OUT back and compare it with what was read from the source.

    The options about names and metadata are for --against: give those that were given to upload.
    """
    from pyomero_upload.cli.progress import progress_shown  # noqa: PLC0415

    if not ON_SERVER.fullmatch(out):
        if against is not None:
            raise UsageError(
                f"{out} is a folder, which needs nothing to be compared with.",
                hint="Leave --against out, or name a Dataset on a server: Dataset:12.",
            )
        from pyomero_upload.transfer import verify as read_back  # noqa: PLC0415

        with progress_shown(progress, quiet=quiet) as show:
            report = read_back(out, progress=show)
        _show(report, str(report.out), "as it was written", progress, verbose=verbose)
        return

    require_omero()
    from pyomero_upload.targets.omero.reading import parse_dataset  # noqa: PLC0415
    from pyomero_upload.transfer.verify_omero import plan_again, verify_dataset  # noqa: PLC0415

    dataset_id = parse_dataset(out)

    def plan_source(said: "Said") -> "Plan":
        return plan_again(
            against or Path(),
            said,
            name=name,
            profile=profile,
            pattern=pattern,
            layout=layout.value,
            metadata_file=metadata,
            parser=parser,
            ignore_metadata=ignore_metadata,
            processor=processor,
            missing=missing.value,
        )

    with (
        server_options.connected(
            server=server,
            port=port,
            user=user,
            group=group,
            sudo=sudo,
            password_stdin=password_stdin,
            config_file=config_file,
        ) as connection,
        progress_shown(progress, quiet=quiet) as show,
    ):
        looked = verify_dataset(
            connection, dataset_id, against=plan_source if against else None, progress=show
        )
    what = "as it was sent" if against is None else f"as {against} has it"
    _show(looked, looked.place, what, progress, verbose=verbose)


def _show(
    report: "VerifyReport | DatasetReport",
    place: str,
    ought: str,
    progress: options.ProgressKind,
    *,
    verbose: bool,
) -> None:
    """Print what came of it; exit with 1 where something differs."""
    from pyomero_upload.cli.terminal import (  # noqa: PLC0415
        count,
        err,
        printable,
        show_problems,
    )
    from pyomero_upload.quantities import human_bytes  # noqa: PLC0415

    for_people = progress is not options.ProgressKind.json
    place = printable(place).plain
    if for_people:
        show_problems(report.problems, err, verbose=verbose)
    if not report.ok:
        bad = [problem for problem in report.problems if problem.severity == "error"]
        if for_people:
            say(f"{place} is not {ought}: {count(len(bad), 'difference')}.")
        raise typer.Exit(EXIT_FAILED)
    typer.echo(
        f"{place}: {count(report.images, 'image')}, {count(report.planes, 'plane')} and "
        f"{human_bytes(report.bytes)} read back and compared: "
        + (
            "all as they were read from the source."
            if not report.problems
            else "nothing differs; see the warnings."
        )
    )
