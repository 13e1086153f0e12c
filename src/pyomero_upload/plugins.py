"""Loading classes of the user's own: parsers and processors.

A class is named as `module:Class` (a module that can be imported, also from the current folder) or
`path/to/file.py:Class`. Whatever goes wrong on the way is a sentence for the user, not a traceback.
"""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from pyomero_upload.errors import UsageError


def load_named(name: str, *, what: str, forms: str) -> object:
    """Load what `module:Name` or `path/to/file.py:Name` means.

    Parameters
    ----------
    name
        What the user typed.
    what
        What it should be, for messages: `parser`, `image processor`.
    forms
        The sentence that says what may be given.

    Raises
    ------
    UsageError
        If there is no such thing, or its module cannot be imported.

    """
    module_name, colon, attribute = name.rpartition(":")
    if not (colon and module_name and attribute):
        raise UsageError(f"There is no {what} called {name}.", hint=forms)
    module = _module(module_name, name, what, forms)
    found: object = getattr(module, attribute, None)
    if found is None:
        raise UsageError(f"The module {module_name} has nothing called {attribute}.", hint=forms)
    return found


@contextmanager
def explained(name: str, *, what: str, forms: str) -> Iterator[None]:
    """Turn whatever a user's code raises while it is loaded or made into a usage error that says so."""
    try:
        yield
    except UsageError:
        raise
    except Exception as error:
        message = f"The {what} {name} cannot be loaded: {type(error).__name__}: {error}"
        raise UsageError(message, hint=forms) from error


def _module(module_name: str, name: str, what: str, forms: str) -> ModuleType:
    path = Path(module_name)
    if path.suffix != ".py":
        with explained(name, what=what, forms=forms), _importable_from(Path.cwd()):
            return importlib.import_module(module_name)
    if not path.is_file():
        raise UsageError(f"There is no file {path}.", hint=forms)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with explained(name, what=what, forms=forms), _importable_from(path.resolve().parent):
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
