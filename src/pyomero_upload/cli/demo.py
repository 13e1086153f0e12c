"""`pyomero demo`: the whole job on a made-up experiment, with an OMERO server of its own and a picture at the end."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from pyomero_upload.cli import options
from pyomero_upload.cli.failures import explained
from pyomero_upload.errors import EXIT_FAILED, PyomeroError

if TYPE_CHECKING:
    from pyomero_upload.model import Hypercube, Plan, PlaneIndex
    from pyomero_upload.targets.omero.connection import Connection
    from pyomero_upload.targets.target import Pixels
    from pyomero_upload.transfer.events import OnEvent, UploadReport
    from pyomero_upload.web import Web

    ReadPlane: TypeAlias = Callable[[PlaneIndex], Pixels]
    OpenImage: TypeAlias = Callable[[Hypercube], AbstractContextManager[ReadPlane]]

FOLDER = "pyomero-demo"


@explained
def demo(
    folder: Annotated[
        Path | None,
        typer.Argument(help=f"Where to; a new folder {FOLDER} unless told.", show_default=False),
    ] = None,
    web: Annotated[
        bool,
        typer.Option("--web", help="End in OMERO.web: show the result in a browser, until Ctrl-C."),
    ] = False,
    progress: options.ProgressOption = options.ProgressKind.auto,
) -> None:
    """Try it: draw an example experiment, plan it, upload it to an OMERO server of its own, and verify it."""
    from pyomero_upload.cli.own_server import require_omero  # noqa: PLC0415
    from pyomero_upload.cli.terminal import show_plan  # noqa: PLC0415
    from pyomero_upload.example import make_example  # noqa: PLC0415
    from pyomero_upload.planning import make_plan  # noqa: PLC0415

    if web:
        from pyomero_upload.web import require_web  # noqa: PLC0415

        require_web()
    home = folder or _new_folder()
    _step(1, f"An example experiment, drawn by a program: {home / 'experiment'}")
    source = make_example(home / "experiment")
    _step(2, f"pyomero plan {home / 'experiment'}")
    plan = make_plan(source)
    show_plan(plan)
    try:
        require_omero()
    except PyomeroError as error:
        typer.echo(f"\n{error.message} {error.hint}\nSo files are made instead:")
        _convert(plan, home, progress)
        return
    _upload(plan, home, progress, web=web)


def _upload(plan: "Plan", home: Path, progress: options.ProgressKind, *, web: bool) -> None:
    """Make a Dataset of the plan on a server of its own, verify it, and say what to type next."""
    from pyomero_upload.targets.omero.reading import children  # noqa: PLC0415

    with ExitStack() as running:
        _step(3, f"pyomero serve --data {home / 'server'}")
        connection, pages = _server(home / "server", running, web=web)
        _step(4, f"pyomero upload {home / 'experiment'}")
        report = _uploaded(plan, connection, progress)
        _step(5, f"pyomero verify Dataset:{report.dataset_id}")
        _verify(plan, connection, report.dataset_id, progress)
        _step(6, "The result")
        ids = {image.name: image.id for image in children(connection, "Dataset", report.dataset_id)}
        picture = _picture(home, plan, lambda image: _planes_of(connection, ids[image.name]))
        typer.echo(f"The Dataset in OMERO:  {report.url}")
        typer.echo(f"Every position and channel in one picture: {picture}")
        if pages is not None:
            typer.echo(
                f"Open {report.url} in a browser and log in as root; the password is in "
                f"{home / 'server' / 'root-password'}. Ctrl-C ends it."
            )
            with suppress(KeyboardInterrupt):
                pages.wait()
            return
    pyomero = _pyomero()
    _next(
        home,
        (
            f"{pyomero} web --data {home / 'server'} --show Dataset:{report.dataset_id}",
            f"see it in OMERO.web, as root with the password in {home / 'server' / 'root-password'}",
        ),
        (f"{pyomero} plan YOUR_FOLDER", "what would be made of your own data; nothing is written"),
        (
            f"{pyomero} login YOUR_SERVER, then: {pyomero} upload YOUR_FOLDER",
            "the same with your own data, on your own OMERO server",
        ),
        (
            f"{pyomero} convert {home / 'experiment'} {home / 'result'}",
            "files instead of a server: OME-Zarr, or --format ome-tiff",
        ),
    )


def _server(folder: Path, running: ExitStack, *, web: bool) -> "tuple[Connection, Web | None]":
    """Start the server that comes with this, and OMERO.web where asked for; log in."""
    from pydantic import SecretStr  # noqa: PLC0415

    from pyomero_upload.cli.own_server import start_server  # noqa: PLC0415
    from pyomero_upload.targets.omero.connection import Connection  # noqa: PLC0415
    from pyomero_upload.targets.omero.settings import ServerSettings  # noqa: PLC0415

    server, port = start_server(folder, running)
    pages = None
    address = f"http://127.0.0.1:{options.WEB_PORT}"
    if web:
        from pyomero_upload.web import Web, WebServer  # noqa: PLC0415

        typer.echo("OMERO.web starts; the first time it takes a while.")
        pages = running.enter_context(Web(folder / "web", WebServer(server.host, port)))
        address = pages.url.rstrip("/")
    settings = ServerSettings(
        server.host, port, server.user, password=SecretStr(server.password), web=address
    )
    connection = Connection.open(settings)
    running.callback(connection.close)
    version = connection.sf.getConfigService().getVersion()
    typer.echo(f"OMERO {version}, in Python, at {server.host}, port {port} (TLS).")
    return connection, pages


def _uploaded(
    plan: "Plan", connection: "Connection", progress: options.ProgressKind
) -> "UploadReport":
    from pyomero_upload.cli.upload_shown import show_uploaded  # noqa: PLC0415
    from pyomero_upload.transfer.upload import upload  # noqa: PLC0415

    reports = []

    def carry_out(plan: "Plan", show: "OnEvent") -> "UploadReport":
        reports.append(upload(plan, connection, progress=show))
        return reports[0]

    done = show_uploaded(
        plan, carry_out, options.ShownOptions(progress=progress), several=False, as_json=False
    )
    if not done:
        raise typer.Exit(EXIT_FAILED)
    return reports[0]


def _verify(
    plan: "Plan", connection: "Connection", dataset_id: int, progress: options.ProgressKind
) -> None:
    from pyomero_upload.cli.progress import progress_shown  # noqa: PLC0415
    from pyomero_upload.transfer.verify_omero import verify_dataset  # noqa: PLC0415

    with progress_shown(progress) as show:
        checked = verify_dataset(connection, dataset_id, against=plan, progress=show)
    _fail_unless(checked.ok)
    typer.echo(f"{checked.planes} planes and all that is said about them: as in the source.")


@contextmanager
def _planes_of(connection: "Connection", image_id: int) -> "Iterator[ReadPlane]":
    from pyomero_upload.targets.omero.raw_planes import PixelSource  # noqa: PLC0415
    from pyomero_upload.targets.omero.reading import read_image  # noqa: PLC0415

    pixels = read_image(connection, image_id).pixels
    with PixelSource(connection) as source:
        yield lambda index: source.planes(pixels, [index])[0]


def _convert(plan: "Plan", home: Path, progress: options.ProgressKind) -> None:
    """Make files of the plan, verify them, and say what to type next."""
    from pyomero_upload.cli.convert import show_report  # noqa: PLC0415
    from pyomero_upload.cli.progress import progress_shown  # noqa: PLC0415
    from pyomero_upload.cli.terminal import show_tree  # noqa: PLC0415
    from pyomero_upload.targets.files.read_back import open_zarr  # noqa: PLC0415
    from pyomero_upload.transfer import convert, verify  # noqa: PLC0415

    out = home / "result"
    _step(3, f"pyomero convert {home / 'experiment'} {out}")
    with progress_shown(progress) as show:
        report = convert(plan, out, progress=show)
    show_report(report)
    _step(4, f"pyomero verify {out}")
    checked = verify(out)
    _fail_unless(report.ok and checked.ok)
    typer.echo(
        f"{checked.planes} planes read back by another library: all as they were read from the source."
    )
    _step(5, "The result")
    show_tree(out)
    paths = {image.name: image.path for image in report.images if image.path is not None}
    picture = _picture(
        home, plan, lambda image: open_zarr(paths[image.name] / "0", image.sizes, image.dtype)
    )
    typer.echo(f"\nA picture of every position and channel: {picture}")
    pyomero = _pyomero()
    _next(
        home,
        (f"{pyomero} plan YOUR_FOLDER", "what would be made of your own data; nothing is written"),
        (
            f"{pyomero} convert {home / 'experiment'} {home / 'tiff'} --format ome-tiff",
            "the same as OME-TIFF",
        ),
    )


def _fail_unless(equal: bool) -> None:
    if not equal:
        typer.echo(
            "The result differs from the source. This must not happen: please report it.", err=True
        )
        raise typer.Exit(EXIT_FAILED)


def _pyomero() -> str:
    # uv says so when it runs a program of an environment that is not on the PATH.
    return "uv run pyomero" if "UV_RUN_RECURSION_DEPTH" in os.environ else "pyomero"


def _next(home: Path, *commands: tuple[str, str]) -> None:
    typer.echo("\nWhat to type next:")
    for command, what in commands:
        typer.echo(f"  {command}\n      {what}")
    typer.echo(f"The demo is all in {home}: delete it when you have seen enough.")


def _new_folder() -> Path:
    number = 1
    folder = Path(FOLDER)
    while folder.exists():
        number += 1
        folder = Path(f"{FOLDER}-{number}")
    return folder


def _step(number: int, text: str) -> None:
    typer.echo(f"\n── {number}. {text}")


def _picture(home: Path, plan: "Plan", opened: "OpenImage") -> Path:
    """Draw the middle section of the last time point of each position and channel, from what was written."""
    from pyomero_upload.model import PlaneIndex  # noqa: PLC0415
    from pyomero_upload.preview import Tile, write_contact_sheet  # noqa: PLC0415

    rows: list[tuple[str, list[Tile]]] = []
    for image in plan.images:
        with opened(image) as read:
            tiles: list[Tile] = []
            for c, channel in enumerate(image.channels):
                t = image.sizes.t - 1
                depth = max(index.z for index in image.planes if index.c == c) + 1
                plane = read(PlaneIndex(t, c, depth // 2))
                tiles.append(Tile(channel.title, channel.color or "#FFFFFF", plane))
        rows.append((image.name, tiles))
    return write_contact_sheet(home / "result.png", rows)
