"""`pyomero example`: write a made-up experiment folder."""

from pathlib import Path
from typing import Annotated

import typer

from pyomero_upload.cli.failures import explained


@explained
def example(
    folder: Annotated[
        Path, typer.Argument(help="A folder that does not exist yet.", show_default=False)
    ],
    positions: Annotated[int, typer.Option(min=1, help="Stage positions: one image each.")] = 3,
    times: Annotated[int, typer.Option(min=1, help="Time points.")] = 3,
    sections: Annotated[
        int, typer.Option(min=1, help="z sections of two of the three channels.")
    ] = 5,
    size: Annotated[int, typer.Option(min=1, help="Width and height in pixels.")] = 512,
) -> None:
    """Write a made-up but realistic experiment folder, of any size, to try things on."""
    from pyomero_upload.example import make_example  # noqa: PLC0415

    made = make_example(folder, positions=positions, times=times, sections=sections, size=size)
    typer.echo(f"{made}: an example experiment of {positions} positions and {times} time points.")
    typer.echo(f"Next: pyomero plan {made}", err=True)
