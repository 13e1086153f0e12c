"""`python -m pyomero_upload.upload_cli`: the command line of the published tool.

Stands on top, beside `cli`. Same options as in 2020; what it does is `PyOmeroUploader.launch_upload`. New: the password is
never an argument, `--no-include-provenance-metadata` exists, and errors end the program with a sentence and a status.
"""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyomero_upload.cli.failures import explained
from pyomero_upload.cli.own_server import require_omero
from pyomero_upload.errors import UsageError

if TYPE_CHECKING:
    from pyomero_upload.targets.omero.settings import Said

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PARSER, PROCESSOR = "CustomMetadataParser", "CustomImageProcessor"
_NOTE = "Note: pyomero upload does this and more; this command goes on working."


@app.command()
@explained
def upload(
    data_path: Annotated[Path, typer.Option("--data-path", "-d", help="The folder to upload.")],
    dataset_name: Annotated[
        str, typer.Option("--dataset-name", "-n", help="What to call the Dataset.")
    ],
    config_file: Annotated[
        Path | None,
        typer.Option(
            "--config-file",
            "-c",
            help="YAML file that says the server: omero_conn: {username, password, server, port}.",
        ),
    ] = None,
    username: Annotated[str | None, typer.Option("--username", "-u", help="As whom.")] = None,
    server: Annotated[str | None, typer.Option("--server", "-s", help="The OMERO server.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", "-o", help="Its port; 4064 unless told.")
    ] = None,
    password: Annotated[
        bool,
        typer.Option(
            "--password", "-a", help="Ask for the password; asked for anyway where no file says it."
        ),
    ] = False,
    hypercube: Annotated[
        bool, typer.Option("--hypercube", "-y", help="5-D Images; else each file is an Image.")
    ] = False,
    module_path: Annotated[
        Path | None,
        typer.Option("--module-path", "-m", help="Folder with Python modules of your own."),
    ] = None,
    custom_metadata_parser: Annotated[
        bool,
        typer.Option(
            "--custom-metadata-parser",
            "-p",
            help=f"Use {PARSER} from custom_metadata_parser.py in the module path.",
        ),
    ] = False,
    custom_image_processor: Annotated[
        bool,
        typer.Option(
            "--custom-image-processor",
            "-i",
            help=f"Use {PROCESSOR} from custom_image_processor.py in the module path.",
        ),
    ] = False,
    include_provenance_metadata: Annotated[
        bool,
        typer.Option(
            "--include-provenance-metadata/--no-include-provenance-metadata",
            "-v",
            help="Say in key-values what tool made it.",
        ),
    ] = True,
    ignore_metadata: Annotated[
        bool, typer.Option("--ignore-metadata", "-x", help="Take the images alone.")
    ] = False,
) -> None:
    """Upload a folder to an OMERO server."""
    require_omero()
    typer.echo(_NOTE, err=True)
    parser = _own(module_path, PARSER) if custom_metadata_parser else None
    processor = _own(module_path, PROCESSOR) if custom_image_processor else None
    user, secret, host, number = _login(config_file, username, server, port, ask=password)
    from pyomero_upload.pyomero_upload import PyOmeroUploader  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the note has said it
        uploader = PyOmeroUploader(user, secret, host, number)
    with _log_shown():
        uploader.launch_upload(
            dataset_name,
            data_path,
            hypercube,
            parser,
            processor,
            include_provenance_metadata,
            ignore_metadata,
        )


class _Echo(logging.Handler):
    """Prints on standard error, wherever that is at the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        typer.echo(self.format(record).strip(), err=True)


@contextmanager
def _log_shown() -> Iterator[None]:
    """Show what the upload tells, while it runs."""
    log, echo = logging.getLogger("omero_data_transfer"), _Echo(logging.INFO)
    level = log.level
    log.setLevel(logging.INFO)
    log.addHandler(echo)
    try:
        yield
    finally:
        log.removeHandler(echo)
        log.setLevel(level)


def _login(
    config_file: Path | None,
    username: str | None,
    server: str | None,
    port: int | None,
    *,
    ask: bool,
) -> tuple[str, str, str, int]:
    """Return user, password, server and port, of the options before the file; a password that is not there is asked for.

    Raises
    ------
    UsageError
        If user or server are nowhere, or the file cannot be used.

    """
    from pyomero_upload.targets.omero.defaults import DEFAULT_PORT  # noqa: PLC0415

    said = _config(config_file)
    user, host = username or said.user, server or said.host
    if not user or not host:
        lacking = " and ".join(
            what for what, given in (("--username", user), ("--server", host)) if not given
        )
        raise UsageError(
            f"{lacking} must be given.", hint="Or put them into the file that --config-file names."
        )
    same = user == said.user and host == said.host
    if ask or said.password is None or not same:
        secret: str = typer.prompt("Password", hide_input=True, err=True)
    else:
        secret = said.password.get_secret_value()
    return user, secret, host, port or said.port or DEFAULT_PORT


def _config(path: Path | None) -> "Said":
    from pyomero_upload.targets.omero.settings import Said, read_config  # noqa: PLC0415

    if path is None:
        return Said()
    said, exposed = read_config(path)
    for warning in exposed:
        typer.echo(f"Warning: {warning}", err=True)
    return said


def _own(module_path: Path | None, name: str) -> object:
    """Return the user's class of that name.

    Raises
    ------
    UsageError
        If there is none.

    """
    from pyomero_upload.plugins import load_named  # noqa: PLC0415

    file = {PARSER: "custom_metadata_parser.py", PROCESSOR: "custom_image_processor.py"}[name]
    forms = f"It is looked for as {name} in the file {file} in the folder that --module-path names."
    if module_path is None:
        raise UsageError("--module-path is missing.", hint=forms)
    # Modules beside it may be imported as late as the class is used.
    if str(module_path.resolve()) not in sys.path:
        sys.path.append(str(module_path.resolve()))
    return load_named(f"{module_path / file}:{name}", what=name, forms=forms)


if __name__ == "__main__":
    app(prog_name="python -m pyomero_upload.upload_cli")
