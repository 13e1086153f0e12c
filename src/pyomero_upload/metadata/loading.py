"""Finding the user's parser by what `--parser` says.

An installed plug-in by its name (entry-point group `pyomero_upload.parsers`), a class as `module:Class` or
`path/to/file.py:Class`, or a YAML file for the template parser.
"""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from pyomero_upload.errors import UsageError
from pyomero_upload.metadata.template import TemplateMetadataParser

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
    if name in installed:
        with _explained(name):
            found = installed[name].load()
    else:
        module_name, colon, attribute = name.rpartition(":")
        if not (colon and module_name and attribute):
            names = ", ".join(sorted(installed)) or "none"
            raise UsageError(
                f"There is no parser called {name}.", hint=f"{_FORMS} (installed: {names})."
            )
        module = _module(module_name, name)
        found = getattr(module, attribute, None)
        if found is None:
            raise UsageError(
                f"The module {module_name} has nothing called {attribute}.", hint=f"{_FORMS}."
            )
    with _explained(name):
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


def _module(module_name: str, name: str) -> ModuleType:
    path = Path(module_name)
    if path.suffix != ".py":
        with _explained(name), _importable_from(Path.cwd()):
            return importlib.import_module(module_name)
    if not path.is_file():
        raise UsageError(f"There is no file {path}.", hint=f"{_FORMS}.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with _explained(name), _importable_from(path.resolve().parent):
        spec.loader.exec_module(module)
    return module


@contextmanager
def _importable_from(folder: Path) -> Iterator[None]:
    """Let modules be imported from a folder for a while, after all other places."""
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn whatever a user's module raises while it is loaded into a usage error that says so."""
    try:
        yield
    except UsageError:
        raise
    except Exception as error:
        message = f"The parser {name} cannot be loaded: {type(error).__name__}: {error}"
        raise UsageError(message, hint=f"{_FORMS}.") from error
