"""Finding the user's parser by what `--parser` says.

An installed plug-in by its name (entry-point group `pyomero_upload.parsers`), a class as `module:Class` or
`path/to/file.py:Class`, or a YAML file for the template parser.
"""

from importlib.metadata import entry_points
from pathlib import Path

from pyomero_upload.errors import UsageError
from pyomero_upload.metadata.template import TemplateMetadataParser
from pyomero_upload.plugins import explained, load_named

GROUP = "pyomero_upload.parsers"

_FORMS = (
    "Give module:Class (a module that can be imported, also from the current folder), path/to/file.py:Class, a YAML file "
    "for the template parser, or the name of an installed parser"
)


def load_parser(name: str) -> object:
    """Return a parser: any object with a method `extract_metadata(filename)`.

    Parameters
    ----------
    name
        The name of an entry point in the group `pyomero_upload.parsers`, `module:Class`, `path/to/file.py:Class`, or the
        path of a YAML file that describes a template parser.

    Raises
    ------
    UsageError
        When there is no such thing, or it has no `extract_metadata`.

    """
    if name.lower().endswith((".yaml", ".yml")):
        return TemplateMetadataParser(Path(name))
    installed = {entry.name: entry for entry in entry_points(group=GROUP)}
    forms = f"{_FORMS} (installed: {', '.join(sorted(installed)) or 'none'})."
    with explained(name, what="parser", forms=forms):
        if name in installed:
            found = installed[name].load()
        else:
            found = load_named(name, what="parser", forms=forms)
        parser: object = found() if isinstance(found, type) else found
    if not callable(getattr(parser, "extract_metadata", None)):
        raise UsageError(
            f"{name} is no parser: it has no method extract_metadata(filename).",
            hint="Derive the class from pyomero_upload.metadata.MetadataParser.",
        )
    return parser


def parser_name(parser: object) -> str:
    """Return what to call a parser in messages."""
    return f"{type(parser).__module__}:{type(parser).__qualname__}"
