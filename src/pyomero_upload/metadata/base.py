"""MetadataParser, the extension point, and what its `extract_metadata` may return.

Stands between a parser (ours or a user's) and the metadata of a plan: whatever form a parser returns, `as_metadata` makes
`model.Metadata` of it, or says what is wrong with it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from pyomero_upload.errors import PyomeroError
from pyomero_upload.metadata.tables import with_types
from pyomero_upload.model import Metadata, Problem, Table

_EXPECTED = (
    "Return pyomero_upload.model.Metadata, or a dictionary "
    '{"description": str, "tags": [str], "kvps": [[key, value], …], "tables": [DataFrame with a .name, …]}, '
    "or an object with the attributes description, tags, kvp_list ([key, value] pairs) and table_dict ({name: DataFrame})."
)
_DICT_KEYS = ("description", "tags", "kvps", "tables")
_ATTRIBUTES = ("description", "tags", "kvp_list", "table_dict")


class MetadataParser(ABC):
    """Reads what text files say about an experiment. Subclass it for a laboratory's own files.

    Attributes
    ----------
    file_patterns
        Empty: `extract_metadata` is called once, with the path of the folder. Otherwise, e.g. `("*Acq.txt",)`: it is called
        for every file directly in the folder whose name matches (letter case does not matter), with the path of the file.

    """

    file_patterns: tuple[str, ...] = ()

    @abstractmethod
    def extract_metadata(self, filename: str) -> object:
        """Return the metadata of a folder or file.

        Parameters
        ----------
        filename
            The path of the folder, or of the file where the class has `file_patterns`.

        Returns
        -------
        Metadata or dict or object
            `pyomero_upload.model.Metadata`; or the dictionary `{"description": str, "tags": [str], "kvps": [[key, value]],
            "tables": [DataFrame with a .name]}`; or an object with attributes `description`, `tags`, `kvp_list` and
            `table_dict`. A tag that holds commas means several tags.

        """


def as_metadata(returned: object, parser: str) -> Metadata:
    """Return what a parser returned as Metadata, whichever of the accepted forms it has.

    Parameters
    ----------
    returned
        What `extract_metadata` returned.
    parser
        The parser's name, for messages.

    Raises
    ------
    PyomeroError
        When it has none of the accepted forms; says what it has instead.

    """
    if isinstance(returned, Metadata):
        return returned
    if isinstance(returned, Mapping):
        return _from_dict(returned, parser)
    if any(hasattr(returned, name) for name in _ATTRIBUTES[2:]):
        get = {name: getattr(returned, name, None) for name in _ATTRIBUTES}
        tables = get["table_dict"] or {}
        if not isinstance(tables, Mapping):
            raise _wrong(parser, f"table_dict is {_kind(tables)}")
        return Metadata(
            description=_description(get["description"], parser),
            tags=_tags(get["tags"], parser),
            key_values=_pairs(get["kvp_list"], parser, "kvp_list"),
            tables=tuple(_table(str(name), frame, parser) for name, frame in tables.items()),
        )
    raise _wrong(parser, f"it returned {_kind(returned)}")


def split_tags(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the tags that texts hold: split at commas, no empty ones, none twice, in their order."""
    tags = (tag.strip() for text in texts for tag in text.split(","))
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def _from_dict(returned: Mapping[object, object], parser: str) -> Metadata:
    keys = [str(key) for key in returned]
    if not set(keys) & set(_DICT_KEYS):
        raise _wrong(
            parser, f"it returned {_kind(returned)} with the keys {', '.join(keys) or '(none)'}"
        )
    tables = returned.get("tables") or ()
    if not isinstance(tables, Sequence) or isinstance(tables, str):
        raise _wrong(parser, f"tables is {_kind(tables)}")
    ignored = [key for key in keys if key not in _DICT_KEYS]
    problems = (
        Problem(
            "warning",
            "metadata-unreadable",
            parser,
            f"The parser returned keys that mean nothing here: {', '.join(ignored)}.",
            f"Known keys are {', '.join(_DICT_KEYS)}.",
        ),
    )
    return Metadata(
        description=_description(returned.get("description"), parser),
        tags=_tags(returned.get("tags"), parser),
        key_values=_pairs(returned.get("kvps"), parser, "kvps"),
        tables=tuple(
            _table(_name_of(frame) or f"table{number}", frame, parser)
            for number, frame in enumerate(tables, 1)
        ),
        problems=problems if ignored else (),
    )


def _description(value: object, parser: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    raise _wrong(parser, f"description is {_kind(value)}")


def _tags(value: object, parser: str) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(texts, Iterable) or isinstance(texts, Mapping):
        raise _wrong(parser, f"tags is {_kind(value)}")
    items = list(texts)
    if wrong := [item for item in items if not isinstance(item, str)]:
        raise _wrong(parser, f"tags holds {_kind(wrong[0])}")
    return split_tags(items)


def _pairs(value: object, parser: str, name: str) -> tuple[tuple[str, str], ...]:
    if value is None:
        return ()
    if not isinstance(value, Iterable) or isinstance(value, str | Mapping):
        raise _wrong(parser, f"{name} is {_kind(value)}")
    pairs: list[tuple[str, str]] = []
    for pair in value:
        if not isinstance(pair, Sequence) or isinstance(pair, str) or not pair:
            raise _wrong(parser, f"{name} holds {_kind(pair)} where a pair is expected")
        key, *values = pair
        pairs.extend((str(key), text) for text in _texts(values))
    return tuple(pairs)


def _texts(values: Iterable[object]) -> list[str]:
    """Return plain texts: a list among the values is several values, not the text of a Python list."""
    texts: list[str] = []
    for value in values:
        if isinstance(value, list | tuple):
            texts.extend(_texts(value))
        elif value is not None and str(value).strip():
            texts.append(str(value).strip())
    return texts


def _table(name: str, frame: object, parser: str) -> Table:
    if not isinstance(frame, pd.DataFrame):
        raise _wrong(parser, f"the table {name} is {_kind(frame)}")
    return Table(name, with_types(frame))


def _name_of(frame: object) -> str | None:
    name = getattr(frame, "name", None)  # a column called `name` hides the attribute
    return name if isinstance(name, str) else None


def _kind(value: object) -> str:
    return f"an object of type {type(value).__name__}" if value is not None else "None"


def _wrong(parser: str, what: str) -> PyomeroError:
    return PyomeroError(
        f"The parser {parser} did not return metadata as expected: {what}.", hint=_EXPECTED
    )
