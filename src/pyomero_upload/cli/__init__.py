"""The command line: one thin file for each command, no logic.

Top of the house. `main` is what `pyomero` runs. Each command imports what it needs when it runs, so that `pyomero --help`
answers at once. Results go to standard output, everything else to standard error.
"""

import io
import sys

import typer

from pyomero_upload.cli import (
    convert,
    copy,
    demo,
    example,
    get,
    login,
    logout,
    plan,
    search,
    serve,
    show,
    status,
    upload,
    uploads,
    verify,
    web,
)

app = typer.Typer(
    name="pyomero",
    help="From a folder of microscope files to annotated 5-D images (OME-Zarr, OME-TIFF).",
    no_args_is_help=True,
    # rich's help costs more start-up time than all the rest of it
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo", short_help="Try it on a made-up experiment.")(demo.demo)
app.command("plan", short_help="What will be made of a folder, and every problem.")(plan.plan)
app.command("convert", short_help="Make 5-D images of a folder.")(convert.convert)
app.command("verify", short_help="Read a result back and compare it.")(verify.verify)
app.command("example", short_help="Write a made-up experiment folder.")(example.example)
app.command("login", short_help="Log in to an OMERO server.")(login.login)
app.command("logout", short_help="End the session of a login.")(logout.logout)
app.command("status", short_help="Where you are logged in, and how it is there.")(status.status)
app.command("upload", short_help="Make Datasets of folders on an OMERO server.")(upload.upload)
app.command("uploads", short_help="List your uploads on a server.")(uploads.uploads)
app.command("show", short_help="Show what is in a Dataset on a server.")(show.show)
app.command("get", short_help="Bring a Dataset back from a server.")(get.get)
app.command("copy", short_help="Copy a Dataset to another server.")(copy.copy)
app.command("search", short_help="Find Projects, Datasets and Images on a server.")(search.search)
app.command("serve", short_help="Run an OMERO server to try things on.")(serve.serve)
app.command("web", short_help="Look at a server in a browser, by OMERO.web.")(web.web)


def _version(value: bool) -> None:
    if value:
        from pyomero_upload.version import __version__  # noqa: PLC0415

        typer.echo(f"pyomero {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Turn a folder of microscope files into annotated 5-D images (OME-Zarr, OME-TIFF)."""


def main() -> None:
    """Run the program."""
    for stream in (sys.stdout, sys.stderr):
        # Some terminals and pipes, on Windows above all, cannot take all letters: better a ? than no answer.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app()
