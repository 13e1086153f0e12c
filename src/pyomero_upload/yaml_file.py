"""YAML files that users write: read safely, checked against a pydantic model, every mistake told by line and key.

Below everything that users write: metadata, templates, profiles, settings. All scalars are read as the text that stands in the file (so `no`, `1.10` and
`2020-02-29` stay what the user typed) and pydantic makes numbers of them where a number is meant.
"""

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from pyomero_upload.errors import UsageError
from pyomero_upload.model import Problem
from pyomero_upload.text_file import open_text

_SIZE_LIMIT = 4 * 1024 * 1024
_DEPTH_LIMIT = 30
_PLAIN_NULLS = ("", "~", "null", "Null", "NULL")

_Model = TypeVar("_Model", bound=BaseModel)
_Path = tuple[str | int, ...]


class UserModel(BaseModel):
    """Base of the models for files that users write: frozen, and unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


def read_yaml(path: Path, model: type[_Model]) -> _Model:
    """Return a file's content as a model.

    Raises
    ------
    UsageError
        The file cannot be read, is no YAML, or does not fit the model; lists all mistakes with line and key.

    """
    value, lines = _load(path)
    try:
        return model.model_validate({} if value is None else value)
    except ValidationError as error:
        problems = tuple(_problem(path, lines, each, model) for each in error.errors())
    raise mistakes(path, problems)


def mistakes(path: Path, problems: Sequence[Problem]) -> UsageError:
    """Return the error that lists the mistakes of a file."""
    listed = "\n".join(f"  {p.where}: {p.message}" for p in problems)
    count = f"{len(problems)} mistakes" if len(problems) > 1 else "a mistake"
    return UsageError(
        f"There {'are' if len(problems) > 1 else 'is'} {count} in {path}:\n{listed}",
        hint="Correct the file and try again.",
    )


def _load(path: Path) -> tuple[object, dict[_Path, int]]:
    """Return a file's content (dict, list, str, None) and the line of each key and item."""
    try:
        with open_text(path) as source:
            raw = source.read(_SIZE_LIMIT + 1)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror or error}.", hint="Check the path."
        ) from error
    if len(raw) > _SIZE_LIMIT:
        raise UsageError(
            f"{path} is larger than {_SIZE_LIMIT // 1024**2} MB and so hardly a file of settings."
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _wrong(path, line, "The file is not UTF-8 text here", "Save it as UTF-8.") from error
    try:
        _check_shape(path, text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise _wrong(
            path, line, f"This is no YAML: {error.problem or error.context}", ""
        ) from error
    except yaml.YAMLError as error:
        raise _wrong(path, 1, f"This is no YAML: {error}", "") from error
    lines: dict[_Path, int] = {}
    return (None if node is None else _value(path, node, (), lines)), lines


def _check_shape(path: Path, text: str) -> None:
    """Refuse what could blow up a small file: references and bottomless nesting."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        assert event.start_mark is not None
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise _wrong(
                path,
                line,
                f"References (*{event.anchor}) are not understood here",
                "Write the value out.",
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(
            event, yaml.CollectionEndEvent
        )
        if depth > _DEPTH_LIMIT:
            raise _wrong(
                path, line, f"The lists and keys are nested more than {_DEPTH_LIMIT} deep", ""
            )


def _value(path: Path, node: yaml.Node, key: _Path, lines: dict[_Path, int]) -> object:
    lines.setdefault(key, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_value(path, item, (*key, index), lines) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return dict(_items(path, node, key, lines))
    text = str(node.value)
    return (
        None
        if isinstance(node, yaml.ScalarNode) and node.style is None and text in _PLAIN_NULLS
        else text
    )


def _items(
    path: Path, node: yaml.MappingNode, key: _Path, lines: dict[_Path, int]
) -> Iterator[tuple[str, object]]:
    seen: dict[str, int] = {}
    for name_node, value_node in node.value:
        line = name_node.start_mark.line + 1
        if not isinstance(name_node, yaml.ScalarNode):
            raise _wrong(path, line, "A list or a mapping cannot be a key", "")
        name = str(name_node.value)
        if name in seen:
            raise _wrong(
                path,
                line,
                f"The key {name} stands here a second time (first in line {seen[name]})",
                "",
            )
        seen[name] = line
        lines[(*key, name)] = line
        yield name, _value(path, value_node, (*key, name), lines)


def _wrong(path: Path, line: int, message: str, hint: str) -> UsageError:
    return mistakes(
        path, [Problem("error", "metadata-file", f"{path.name}:{line}", f"{message}.", hint)]
    )


def _problem(
    path: Path, lines: dict[_Path, int], error: ErrorDetails, model: type[BaseModel]
) -> Problem:
    """Return pydantic's complaint with the line of the nearest key that stands in the file."""
    loc, message = error["loc"], error["msg"]
    known = next((loc[:end] for end in range(len(loc), -1, -1) if loc[:end] in lines), ())
    key = ".".join(str(part) for part in loc if part != "[key]") or "the file"
    if error["type"] == "extra_forbidden":
        fields = _fields_at(model, loc[:-1])
        near = difflib.get_close_matches(str(loc[-1]), fields, n=1)
        message = (
            f"unknown key; did you mean {near[0]}?"
            if near
            else f"unknown key; known are {', '.join(fields)}"
        )
    message = message.removeprefix("Value error, ")
    where = f"{path.name}:{lines.get(known, 1)}"
    return Problem("error", "metadata-file", where, f"{key}: {message[:1].lower()}{message[1:]}")


def _fields_at(model: type[BaseModel], loc: _Path) -> list[str]:
    for part in loc:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: object) -> type[BaseModel] | None:
    # In Python 3.10 dict[str, X] is an instance of type too.
    if (
        get_origin(annotation) is None
        and isinstance(annotation, type)
        and issubclass(annotation, BaseModel)
    ):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _model_in(arg))), None)
