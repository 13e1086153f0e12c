"""What parsers of the old style are derived from."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pyomero_upload import metadata


class MetadataParser(metadata.MetadataParser):
    """`pyomero_upload.metadata.MetadataParser`, with the helpers that parsers of the old style use."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.__module__.startswith("omero_metadata_parser."):
            warnings.warn(
                f"{cls.__qualname__} goes on working. New parsers: pyomero_upload.metadata.MetadataParser.",
                DeprecationWarning,
                stacklevel=3,
            )

    @classmethod
    def get_str_array_val(cls, value: object) -> str:
        """Return the text of a value: of several values their texts with `, ` between, never the text of a list."""
        return ", ".join(_texts(value))

    @classmethod
    def build_kvps(cls, values: object) -> list[list[str]]:
        """Return `[key, value]` pairs.

        Parameters
        ----------
        values
            A mapping, or pairs of key and value. Of a value that is several values each makes a pair; a mapping inside
            a mapping has its keys put behind the outer one: `outer: inner`. None and empty texts make none.

        Raises
        ------
        TypeError
            If `values` is neither.

        """
        return [[key, text] for key, value in _pairs(values) for text in _texts(value)]


def _pairs(values: object) -> Iterator[tuple[str, object]]:
    items = values.items() if isinstance(values, Mapping) else values
    if isinstance(items, str) or not isinstance(items, Iterable):
        raise TypeError(f"Key-values are made of a mapping or of pairs, not of {values!r}.")
    for key, value in items:
        if isinstance(value, Mapping):
            yield from ((f"{key}: {inner}", innermost) for inner, innermost in _pairs(value))
        else:
            yield str(key), value


def _texts(value: object) -> Iterator[str]:
    """Iterate over the texts of the single values that a value is; empty ones are left out."""
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        for item in value:
            yield from _texts(item)
    elif value is not None and str(value).strip():
        yield str(value).strip()
