"""`pyomero demo`: the whole job on a made-up experiment, with a picture at the end."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyomero_upload.cli import options
from pyomero_upload.cli.failures import explained
from pyomero_upload.errors import EXIT_FAILED, PyomeroError

if TYPE_CHECKING:
    from pyomero_upload.model import Plan
    from pyomero_upload.transfer import Report

FOLDER = "pyomero-demo"


@explained
def demo(
    folder: Annotated[
        Path | None,
        typer.Argument(help=f"Where to; a new folder {FOLDER} unless told.", show_default=False),
    ] = None,
    progress: options.ProgressOption = options.ProgressKind.auto,
) -> None:
    """Try it: draw an example experiment, plan it, convert it, verify it, and show the result."""
    from pyomero_upload.cli.convert import show_report  # noqa: PLC0415
    from pyomero_upload.cli.progress import progress_shown  # noqa: PLC0415
    from pyomero_upload.cli.terminal import show_plan, show_tree  # noqa: PLC0415
    from pyomero_upload.example import make_example  # noqa: PLC0415
    from pyomero_upload.planning import make_plan  # noqa: PLC0415
    from pyomero_upload.transfer import convert, verify  # noqa: PLC0415

    home = folder or _new_folder()
    _step(1, f"An example experiment, drawn by a program: {home / 'experiment'}")
    source = make_example(home / "experiment")
    _step(2, f"pyomero plan {home / 'experiment'}")
    plan = make_plan(source)
    show_plan(plan)
    _step(3, f"pyomero convert {home / 'experiment'} {home / 'result'}")
    with progress_shown(progress) as show:
        report = convert(plan, home / "result", progress=show)
    show_report(report)
    _step(4, f"pyomero verify {home / 'result'}")
    checked = verify(home / "result")
    if not (report.ok and checked.ok):
        typer.echo(
            "The result differs from the source. This must not happen: please report it.", err=True
        )
        raise typer.Exit(EXIT_FAILED)
    typer.echo(
        f"{checked.planes} planes read back by another library: all as they were read from the source."
    )
    _step(5, "The result")
    show_tree(home / "result")
    typer.echo(f"\nA picture of every position and channel: {_picture(home, plan, report)}")
    _step(6, "An OMERO server")
    _try_server(home / "server")
    # uv says so when it runs a program of an environment that is not on the PATH.
    pyomero = "uv run pyomero" if "UV_RUN_RECURSION_DEPTH" in os.environ else "pyomero"
    typer.echo(
        "\nWhat to type next:\n"
        f"  {pyomero} plan YOUR_FOLDER\n"
        "      what would be made of your own data; nothing is written\n"
        f"  {pyomero} convert {home / 'experiment'} {home / 'tiff'} --format ome-tiff\n"
        "      the same as OME-TIFF\n"
        f"  {pyomero} serve --data {home / 'server'}\n"
        "      the OMERO server, until Ctrl-C\n"
        f"The demo is all in {home}: delete it when you have seen enough."
    )


def _try_server(folder: Path) -> None:
    """Start the server that comes with this, log in as any client does, and stop it."""
    from pyomero_upload.cli.serve import require_omero  # noqa: PLC0415

    try:
        require_omero()
    except PyomeroError as error:
        typer.echo(f"{error.message} {error.hint}")
        return
    from omero_embedded import Server  # noqa: PLC0415

    with Server(folder) as server:
        client = server.client()
        try:
            version = client.sf.getConfigService().getVersion()
        finally:
            client.closeSession()
        typer.echo(
            f"OMERO {version} in Python answered at {server.host}, port {server.port} (TLS), and root logged in.\n"
            f"The password of root is in {folder / 'root-password'}."
        )


def _new_folder() -> Path:
    number = 1
    folder = Path(FOLDER)
    while folder.exists():
        number += 1
        folder = Path(f"{FOLDER}-{number}")
    return folder


def _step(number: int, text: str) -> None:
    typer.echo(f"\n── {number}. {text}")


def _picture(home: Path, plan: "Plan", report: "Report") -> Path:
    """Draw the middle section of the last time point of each position and channel, from what was written."""
    from pyomero_upload.model import PlaneIndex  # noqa: PLC0415
    from pyomero_upload.preview import Tile, write_contact_sheet  # noqa: PLC0415
    from pyomero_upload.targets.files.read_back import open_zarr  # noqa: PLC0415

    rows: list[tuple[str, list[Tile]]] = []
    for image, made in zip(plan.images, report.images, strict=True):
        if made.path is None:
            continue
        with open_zarr(made.path / "0", image.sizes, image.dtype) as read:
            tiles: list[Tile] = []
            for c, channel in enumerate(image.channels):
                t = image.sizes.t - 1
                depth = max(index.z for index in image.planes if index.c == c) + 1
                plane = read(PlaneIndex(t, c, depth // 2))
                tiles.append(Tile(channel.title, channel.color or "#FFFFFF", plane))
        rows.append((image.name, tiles))
    return write_contact_sheet(home / "result.png", rows)
