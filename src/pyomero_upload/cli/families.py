"""Options in families: a command takes a dataclass as one argument, and the terminal sees every option of it.

typer reads the options of a command from its parameters, one by one, so that commands with options in common would each
list all of them. Here a family of options is written once, with what is made of it as its methods::

    @dataclass(frozen=True, kw_only=True)
    class ShownOptions:
        quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False

    @in_families
    def show(what: str, *, shown: ShownOptions) -> None: ...
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints


def in_families(command: Callable[..., None]) -> Callable[..., None]:
    """Show typer each field of a parameter that is a dataclass as an option of its own, in the dataclass's place.

    A family and its fields are told apart by name: no field may bear the name of another parameter.
    """
    parameters: list[inspect.Parameter] = []
    families: dict[str, type[Any]] = {}
    hints = get_type_hints(command, include_extras=True)
    for parameter in inspect.signature(command).parameters.values():
        kind = hints[parameter.name]
        if is_dataclass(kind) and isinstance(kind, type):
            families[parameter.name] = kind
            parameters += _options_of(kind)
        else:
            parameters.append(
                parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=kind)
            )

    @functools.wraps(command)
    def run(**given: object) -> None:
        for name, family in families.items():
            given[name] = family(**{field.name: given.pop(field.name) for field in fields(family)})
        command(**given)

    # What typer asks: the one for the order and the defaults, the other for the types.
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _options_of(family: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(family, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(family)
    ]
