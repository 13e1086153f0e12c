"""The template parser: a YAML file describes a laboratory's own text files, so that no one has to program.

A parser like the others; its instructions come from a file that the user names with `--parser lab.yaml`.
`docs/how-to/template-parser.md` explains them by example.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from pyomero_upload.metadata.base import MetadataParser, split_tags
from pyomero_upload.metadata.tables import make_table, quantity
from pyomero_upload.metadata.text import Line, Unreadable, read_lines
from pyomero_upload.metadata.user_file import Texts
from pyomero_upload.model import Channel, Metadata, Point, Table
from pyomero_upload.yaml_file import UserModel, read_yaml


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"this is no regular expression: {error}") from error
    return text


def _value_regex(text: str) -> str:
    if re.compile(_regex(text)).groups < 1:
        raise ValueError("put parentheses around the part of the expression that is the value")
    return text


Regex = Annotated[str, AfterValidator(_regex)]
ValueRegex = Annotated[str, AfterValidator(_value_regex)]


class Values(UserModel):
    """Regular expressions for single values; the first group of each is the value."""

    title: ValueRegex | None = None
    description: ValueRegex | None = Field(
        default=None, description="Several matches make several lines."
    )
    authors: ValueRegex | None = Field(
        default=None, description="Several matches, or commas, make several authors."
    )
    project: ValueRegex | None = None
    tags: ValueRegex | None = Field(
        default=None, description="Several matches, or commas, make several tags."
    )
    pixel_size: ValueRegex | None = Field(default=None, description="In µm.")
    z_step: ValueRegex | None = Field(default=None, description="In µm.")
    time_interval: ValueRegex | None = Field(default=None, description="In seconds.")


class Block(UserModel):
    """A stretch of a file: the lines after the one that matches `after`, up to the one that matches `before`."""

    after: Regex | None = Field(
        default=None, description="The line before the block; none: the start of the file."
    )
    before: Regex | None = Field(
        default=None, description="The line behind the block; none: the end of the file."
    )


class KeyValueBlock(Block):
    """A block with a key and a value in each line."""

    separator: str = Field(
        default=":", min_length=1, description="What stands between key and value."
    )


class TableBlock(Block):
    """A block that holds a table."""

    name: str = Field(min_length=1)
    separator: str = Field(
        default=",", description="What stands between values; empty: white space."
    )
    columns: Texts = Field(
        default=(),
        description="The names of the columns; none: the first line of the block holds them.",
    )


class ChannelColumns(UserModel):
    """Which table lists the channels, and in which columns."""

    table: str
    name: str
    exposure: str | None = Field(default=None, description="Column with exposure times in ms.")
    emission: str | None = Field(
        default=None, description="Column with emission wavelengths in nm."
    )
    excitation: str | None = Field(
        default=None, description="Column with excitation wavelengths in nm."
    )


class PositionColumns(UserModel):
    """Which table lists the stage positions, and in which columns (µm)."""

    table: str
    name: str
    x: str | None = None
    y: str | None = None
    z: str | None = None


class Template(UserModel):
    """The content of a template file."""

    files: Texts = Field(min_length=1, description="Names of the files to read, with * and ?.")
    values: Values = Values()
    key_values: tuple[KeyValueBlock, ...] = ()
    tables: tuple[TableBlock, ...] = ()
    channels: ChannelColumns | None = None
    positions: PositionColumns | None = None

    @model_validator(mode="after")
    def _tables_exist(self) -> "Template":
        names = {table.name for table in self.tables}
        for what in (self.channels, self.positions):
            if what is not None and what.table not in names:
                raise ValueError(
                    f"there is no table {what.table}; tables are {', '.join(sorted(names)) or 'none'}"
                )
        return self


class TemplateMetadataParser(MetadataParser):
    """Reads text files as a YAML file says.

    Parameters
    ----------
    template
        The YAML file.

    Raises
    ------
    UsageError
        The file is wrong; lists all mistakes with line and key.

    """

    def __init__(self, template: Path | str) -> None:
        self.template = read_yaml(Path(template), Template)
        self.file_patterns = self.template.files

    def extract_metadata(self, filename: str) -> Metadata:
        """Return the metadata of one file."""
        path = Path(filename)
        unreadable = Unreadable(path.name)
        lines = read_lines(path, unreadable)
        values = _values(self.template.values, lines)
        tables = tuple(
            _table(block, _block(block, lines), unreadable) for block in self.template.tables
        )

        def size(name: str) -> float | None:
            found = values.get(name, [])
            size = quantity(found[0].text) if found else None
            if found and (size is None or size <= 0):
                unreadable.line(
                    found[0].number,
                    f"The {name} is no number greater than 0; left out",
                    found[0].text,
                )
            return size if size and size > 0 else None

        def texts(name: str) -> list[str]:
            return [line.text for line in values.get(name, [])]

        return Metadata(
            title=next(iter(texts("title")), None),
            description="\n".join(texts("description")),
            authors=split_tags(texts("authors")),
            project=next(iter(texts("project")), None),
            tags=split_tags(texts("tags")),
            key_values=tuple(
                pair
                for block in self.template.key_values
                for pair in _pairs(block, lines, unreadable)
            ),
            tables=tuple(table for table in tables if table.frame.shape[0]),
            channels=tuple(_channels(self.template.channels, tables)),
            pixel_size_um=size("pixel_size"),
            z_step_um=size("z_step"),
            time_interval_s=size("time_interval"),
            stage_positions=dict(_positions(self.template.positions, tables)),
            attachments=() if unreadable.is_closed else (path.name,),
            problems=unreadable.problems(),
        )


def _values(wanted: Values, lines: Sequence[Line]) -> dict[str, list[Line]]:
    """Return for each single value the lines that match, with the value as their text."""
    found: dict[str, list[Line]] = {}
    for name in Values.model_fields:
        pattern = getattr(wanted, name)
        if pattern is None:
            continue
        matches = ((line.number, re.search(pattern, line.text)) for line in lines)
        found[name] = [
            Line(n, match[1].strip())
            for n, match in matches
            if match and match[1] and match[1].strip()
        ]
    return found


def _block(block: Block, lines: Sequence[Line]) -> list[Line]:
    """Return the lines of a block, without blank ones at its end; no lines where the block is not in the file."""
    start = 0
    if block.after is not None:
        start = next(
            (i + 1 for i, line in enumerate(lines) if re.search(block.after, line.text)), len(lines)
        )
    end = len(lines)
    if block.before is not None:
        end = next(
            (i for i in range(start, len(lines)) if re.search(block.before, lines[i].text)),
            len(lines),
        )
    return [line for line in lines[start:end] if line.text]


def _pairs(
    block: KeyValueBlock, lines: Sequence[Line], unreadable: Unreadable
) -> Iterator[tuple[str, str]]:
    for line in _block(block, lines):
        key, found, value = (part.strip() for part in line.text.partition(block.separator))
        if not key or (not found and block.separator.strip()):
            what = f"A line without {block.separator!r} among the key-values"
            unreadable.line(line.number, what, line.text)
        elif value:
            yield key, value


def _table(block: TableBlock, lines: Sequence[Line], unreadable: Unreadable) -> Table:
    def split(line: Line) -> list[str]:
        return [value.strip() for value in line.text.split(block.separator or None)]

    columns, body = list(block.columns), lines
    if not columns and lines:
        columns, body = split(lines[0]), lines[1:]
    rows = []
    for line in body:
        values = split(line)
        if len(values) == len(columns):
            rows.append(values)
        else:
            what = f"A row with {len(values)} values under {len(columns)} columns of the table {block.name}; left out"
            unreadable.line(line.number, what, line.text)
    return make_table(block.name, columns, rows)


def _rows(name: str, tables: Sequence[Table]) -> Iterator[dict[str, object]]:
    frame = next(table.frame for table in tables if table.name == name)
    for values in frame.itertuples(index=False, name=None):
        yield dict(zip(frame.columns, values, strict=True))


def _number_in(row: dict[str, object], column: str | None) -> float | None:
    value = row.get(column) if column is not None else None
    return None if value is None else quantity(str(value))


def _channels(columns: ChannelColumns | None, tables: Sequence[Table]) -> Iterator[Channel]:
    for row in _rows(columns.table, tables) if columns else ():
        assert columns is not None
        if name := str(row.get(columns.name, "")):
            yield Channel(
                name,
                exposure_ms=_number_in(row, columns.exposure),
                emission_nm=_number_in(row, columns.emission),
                excitation_nm=_number_in(row, columns.excitation),
            )


def _positions(
    columns: PositionColumns | None, tables: Sequence[Table]
) -> Iterator[tuple[str, Point]]:
    for row in _rows(columns.table, tables) if columns else ():
        assert columns is not None
        if name := str(row.get(columns.name, "")):
            yield (
                name,
                Point(*(_number_in(row, column) for column in (columns.x, columns.y, columns.z))),
            )
