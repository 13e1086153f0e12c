"""What the parsers of the published interface return, and the way from it to `pyomero_upload.model.Metadata`.

Stands between a parser of the old style (one of this package, a subclass of one, or a user's own) and the plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from typing_extensions import Self

from pyomero_upload import metadata
from pyomero_upload.errors import PyomeroError
from pyomero_upload.metadata.base import as_metadata
from pyomero_upload.metadata.loading import parser_name
from pyomero_upload.model import Metadata

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class ParsedMetadata:
    """What a parser found, free to be changed by a subclass of it before it is returned.

    Attributes
    ----------
    description, tags
        As in the dictionary form.
    kvp_list
        `[key, value]` lists.
    table_dict
        Frames by table name; each also has its name as `.name`.
    source
        All that was read, channels and positions included; what the attributes above say comes in place of what it says.

    """

    description: str = ""
    tags: list[str] = field(default_factory=list)
    kvp_list: list[Sequence[object]] = field(default_factory=list)
    table_dict: dict[str, "pd.DataFrame"] = field(default_factory=dict)
    source: Metadata = field(default_factory=Metadata, repr=False)

    @classmethod
    def of(cls, read: Metadata) -> Self:
        """Return what was read, in the form of the published interface."""
        tables = {table.name: table.frame for table in read.tables}
        for name, frame in tables.items():
            object.__setattr__(
                frame, "name", name
            )  # as an attribute, even where a column is called `name`
        return cls(
            read.description, list(read.tags), [list(p) for p in read.key_values], tables, read
        )

    def __getitem__(self, key: str) -> object:
        """Read it as the dictionary form: `description`, `tags`, `kvps`, `tables`."""
        return {
            "description": self.description,
            "tags": self.tags,
            "kvps": self.kvp_list,
            "tables": list(self.table_dict.values()),
        }[key]


def to_metadata(returned: object, parser: str) -> Metadata:
    """Return what an old-style parser returned as Metadata, whichever form it has.

    Parameters
    ----------
    returned
        `ParsedMetadata`, the dictionary form, the object form, or Metadata.
    parser
        The parser's name, for messages.

    Raises
    ------
    PyomeroError
        If it is none of these.

    """
    said = as_metadata(returned, parser)
    if not isinstance(returned, ParsedMetadata):
        return said
    return replace(
        returned.source,
        description=said.description,
        tags=said.tags,
        key_values=said.key_values,
        tables=said.tables,
    )


class AdaptedParser(metadata.MetadataParser):
    """An old-style parser as the plan takes it.

    Parameters
    ----------
    parser
        An object with a method `extract_metadata(filename)`.

    """

    def __init__(self, parser: object) -> None:
        self._extract = getattr(parser, "extract_metadata")  # noqa: B009
        self._name = parser_name(parser)
        self.file_patterns = tuple(getattr(parser, "file_patterns", ()))

    def extract_metadata(self, filename: str) -> Metadata:
        """Return the metadata of a folder or file.

        Raises
        ------
        PyomeroError
            If the parser fails, or does not return metadata.

        """
        try:
            returned = self._extract(filename)
        except PyomeroError:
            raise
        except Exception as error:
            message = (
                f"The parser {self._name} failed at {filename}: {type(error).__name__}: {error}"
            )
            raise PyomeroError(message, hint="Correct the parser, or upload without it.") from error
        return to_metadata(returned, self._name)
