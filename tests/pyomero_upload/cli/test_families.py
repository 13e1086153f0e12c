from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from pyomero_upload.cli.families import in_families


@dataclass(frozen=True, kw_only=True)
class Colour:
    name: Annotated[str, typer.Option(help="What it is called.")]
    bright: Annotated[bool, typer.Option("--bright", help="Whether it shines.")] = False


@dataclass(frozen=True, kw_only=True)
class Shade(Colour):
    depth: Annotated[int, typer.Option(min=0)] = 1


def run(*words: str):
    app = typer.Typer(rich_markup_mode=None)

    @app.command()
    @in_families
    def paint(
        wall: str, *, coats: Annotated[int, typer.Option()] = 1, colour: Shade, wet: bool = False
    ) -> None:
        """Paint a wall."""
        typer.echo(f"{wall}: {coats} of {colour}, {wet}")

    return CliRunner().invoke(app, words)


def test_a_family_comes_as_one_argument():
    assert run("north", "--name", "red", "--bright", "--depth", "3").output == (
        "north: 1 of Shade(name='red', bright=True, depth=3), False\n"
    )


def test_what_is_not_typed_is_what_the_family_says():
    assert "Shade(name='red', bright=False, depth=1)" in run("north", "--name", "red").output


def test_an_option_without_a_default_is_required():
    assert run("north").exit_code == 2
    assert "--name" in run("north").output


def test_help_lists_the_options_in_the_family_s_place():
    shown = run("--help").output
    places = [
        shown.index(option) for option in ("--coats", "--name", "--bright", "--depth", "--wet")
    ]
    assert places == sorted(places)
    assert "What it is called." in shown
    assert "--colour" not in shown


def test_limits_of_an_option_hold():
    assert run("north", "--name", "red", "--depth", "-1").exit_code == 2
