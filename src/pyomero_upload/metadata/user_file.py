"""metadata.yaml: what the user says about an experiment, beside the data or given with `--metadata`.

A reader like the parsers, but its word comes last (`merge.override`), and its mistakes are errors: the user is there to
correct them. `docs/reference/metadata-yaml.md` describes the file; its JSON Schema is made from the model below.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from pyomero_upload.errors import UsageError
from pyomero_upload.metadata.base import split_tags
from pyomero_upload.metadata.csv_file import CsvError, read_csv
from pyomero_upload.model import Channel, Metadata, Problem, Table
from pyomero_upload.yaml_file import UserModel, mistakes, read_yaml

FILE_NAMES = ("metadata.yaml", "metadata.yml")

_QUANTITY = re.compile(r"\s*(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)\s*([^\s\d]*)\s*\Z")
_LENGTHS = {
    "": 1.0,
    "µm": 1.0,
    "μm": 1.0,
    "um": 1.0,
    "nm": 1e-3,
    "mm": 1e3,
}  # micro sign and Greek letter
_TIMES = {"": 1.0, "s": 1.0, "sec": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0}
_EXPOSURES = {"": 1.0, "ms": 1.0, "s": 1e3}
_WAVELENGTHS = {"": 1.0, "nm": 1.0}
_COLORS = {
    "red": "#FF0000", "green": "#00FF00", "blue": "#0000FF", "cyan": "#00FFFF", "magenta": "#FF00FF",
    "yellow": "#FFFF00", "orange": "#FF8000", "white": "#FFFFFF", "grey": "#FFFFFF", "gray": "#FFFFFF",
}  # fmt: skip


def _quantity(units: Mapping[str, float]) -> BeforeValidator:
    def read(value: object) -> float:
        match = _QUANTITY.match(str(value))
        if match is None or match[2] not in units or not float(match[1]) > 0:
            allowed = ", ".join(unit for unit in units if unit)
            raise ValueError(
                f"expected a number greater than 0, with or without a unit ({allowed}), not {value!r}"
            )
        return float(f"{float(match[1]) * units[match[2]]:.12g}")

    return BeforeValidator(read)


def _quantity_schema(units: Mapping[str, float]) -> WithJsonSchema:
    alternatives = "|".join(unit for unit in units if unit)
    return WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": rf"^[0-9.]+(e[+-]?[0-9]+)? ?({alternatives})?$"},
            ]
        }
    )


def _color(value: object) -> str:
    if value is None:
        raise ValueError(
            'the value is empty; write a color in quotes ("#00FF00"), as YAML takes # for a comment'
        )
    text = str(value).strip()
    if text.lower() in _COLORS:
        return _COLORS[text.lower()]
    if re.fullmatch(r"#?[0-9A-Fa-f]{6}", text):
        return "#" + text.removeprefix("#").upper()
    raise ValueError(f'expected "#RRGGBB" or one of {", ".join(_COLORS)}, not {text!r}')


def _texts(value: object) -> object:
    """Let a single text stand for a list of one."""
    return [value] if isinstance(value, str) else [] if value is None else value


def _no_empty(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(value for value in values if value)


def _pairs(value: object) -> object:
    """Return a mapping (whose values may be lists: several values of one key) as a list of pairs."""
    if value is None:
        return []
    if not isinstance(value, Mapping):
        if isinstance(value, list) and all(
            isinstance(pair, list) and len(pair) == 2 for pair in value
        ):
            return value
        raise ValueError("expected keys with values, or a list of pairs [key, value]")
    return [
        [key, each]
        for key, values in value.items()
        for each in (values if isinstance(values, list) else [values])
        if each is not None
    ]


def _named_tables(value: object) -> object:
    """Return a list of paths as a mapping from names."""
    if isinstance(value, list) and all(isinstance(path, str) for path in value):
        named = {Path(path).stem: path for path in value}
        if len(named) < len(value):
            raise ValueError(
                "two of the files would make tables of the same name; write name: path"
            )
        return named
    return {} if value is None else value


Text = Annotated[str, WithJsonSchema({"type": ["string", "number", "boolean"]})]
Texts = Annotated[
    tuple[str, ...],
    BeforeValidator(_texts),
    AfterValidator(_no_empty),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": ["string", "number"]}}]}
    ),
]
Length = Annotated[float, _quantity(_LENGTHS), _quantity_schema(_LENGTHS)]
Time = Annotated[float, _quantity(_TIMES), _quantity_schema(_TIMES)]
Exposure = Annotated[float, _quantity(_EXPOSURES), _quantity_schema(_EXPOSURES)]
Wavelength = Annotated[float, _quantity(_WAVELENGTHS), _quantity_schema(_WAVELENGTHS)]
Color = Annotated[
    str
    | None,  # None only where the key is left out: a key without a value is most likely a forgotten quote
    BeforeValidator(_color),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^#?[0-9A-Fa-f]{6}$"},
                {"type": "string", "enum": list(_COLORS)},
            ]
        }
    ),
]
KeyValues = Annotated[
    tuple[tuple[Text, Text], ...],
    BeforeValidator(_pairs),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "object",
                    "additionalProperties": {
                        "anyOf": [
                            {"type": ["string", "number", "boolean", "null"]},
                            {"type": "array", "items": {"type": ["string", "number", "boolean"]}},
                        ]
                    },
                },
                {
                    "type": "array",
                    "items": {
                        "type": "array",
                        "items": {"type": ["string", "number", "boolean"]},
                        "minItems": 2,
                        "maxItems": 2,
                    },
                },
            ]
        }
    ),
]
Tables = Annotated[
    dict[str, str],
    BeforeValidator(_named_tables),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "object", "additionalProperties": {"type": "string"}},
                {"type": "array", "items": {"type": "string"}},
            ]
        }
    ),
]


class ChannelEntry(UserModel):
    """What the user says about one channel; the key above it is the channel's name in the file names."""

    label: Text | None = Field(
        default=None, description="What to call the channel instead of its name."
    )
    color: Color = Field(
        default=None, description='How to show it: "#RRGGBB" in quotes, or the name of a color.'
    )
    emission: Wavelength | None = Field(default=None, description="Emission wavelength in nm.")
    excitation: Wavelength | None = Field(default=None, description="Excitation wavelength in nm.")
    exposure: Exposure | None = Field(
        default=None, description='Exposure time in ms, or with a unit: "0.1 s".'
    )


class UserMetadata(UserModel):
    """The content of metadata.yaml. Everything may be left out."""

    title: Text | None = Field(default=None, description="The name of the experiment.")
    description: Text | None = Field(
        default=None, description="What was done and why, in sentences."
    )
    authors: Texts = Field(default=(), description="Who did it.")
    project: Text | None = Field(
        default=None, description="The project that the experiment belongs to."
    )
    tags: Texts = Field(default=(), description="Keywords; a comma separates tags too.")
    key_values: KeyValues = Field(
        default=(), description="Keys with their values, or a list of pairs [key, value]."
    )
    tables: Tables = Field(
        default={}, description="CSV files, relative to this file: name: path, or a list of paths."
    )
    pixel_size: Length | None = Field(
        default=None, description='Width of a pixel in the sample, in µm, or "263 nm".'
    )
    z_step: Length | None = Field(default=None, description="Distance between z sections in µm.")
    time_interval: Time | None = Field(
        default=None, description='Time between time points in seconds, or "5 min".'
    )
    channels: dict[str, ChannelEntry] = Field(
        default={}, description="What to say about each channel, by its name."
    )


def find_user_file(folder: Path, files: Iterable[str]) -> Path | None:
    """Return the folder's metadata.yaml, where there is one.

    Raises
    ------
    UsageError
        When there are two of them.

    """
    found = [name for name in files if name.lower() in FILE_NAMES]
    if len(found) > 1:
        raise UsageError(
            f"There are {len(found)} files of metadata in {folder}: {', '.join(sorted(found))}.",
            hint="Keep one of them, or say which with --metadata.",
        )
    return folder / found[0] if found else None


def read_user_file(path: Path, *, folder: Path) -> Metadata:
    """Return what a metadata.yaml says.

    Parameters
    ----------
    path
        The file.
    folder
        The folder of the images; what lies in it is attached by its name relative to it.

    Raises
    ------
    UsageError
        The file or one of its tables cannot be read or is wrong; lists all mistakes with line and key.

    """
    said = read_yaml(path, UserMetadata)
    tables, table_paths = _read_tables(path, said.tables)
    inside = [p for p in (path, *table_paths) if p.resolve().is_relative_to(folder.resolve())]
    return Metadata(
        title=said.title or None,
        description=said.description or "",
        authors=said.authors,
        project=said.project or None,
        tags=split_tags(said.tags),
        key_values=tuple(pair for pair in said.key_values if all(pair)),
        tables=tables,
        channels=tuple(
            Channel(
                name,
                label=entry.label or None,
                color=entry.color,
                exposure_ms=entry.exposure,
                excitation_nm=entry.excitation,
                emission_nm=entry.emission,
            )
            for name, entry in said.channels.items()
        ),
        pixel_size_um=said.pixel_size,
        z_step_um=said.z_step,
        time_interval_s=said.time_interval,
        attachments=tuple(p.resolve().relative_to(folder.resolve()).as_posix() for p in inside),
        user_channels=tuple(said.channels),
    )


def json_schema() -> dict[str, object]:
    """Return the JSON Schema of metadata.yaml, for editors and for `docs/schemas/metadata.schema.json`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **UserMetadata.model_json_schema(),
    }


def _read_tables(path: Path, tables: Mapping[str, str]) -> tuple[tuple[Table, ...], list[Path]]:
    made, paths, problems = [], [], list[Problem]()
    for name, relative in tables.items():
        try:
            made.append(read_csv(name, path.parent / relative, inside=path.parent))
        except CsvError as error:
            place = f"{path.name}: tables.{name}"
            where = place if error.line is None else f"{relative}:{error.line}"
            problems.append(Problem("error", "metadata-file", where, str(error)))
        paths.append(path.parent / relative)
    if problems:
        raise mistakes(path, problems)
    return tuple(made), paths
