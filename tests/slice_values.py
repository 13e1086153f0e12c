"""Values that the operations of a Slice interface take, of the right type and with any content.

The types stand in the generated Python alone, as arguments of calls into C, so they are read from its text.
"""

import ast
import inspect
import random
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import omero
import omero.api
import omero.cmd
import omero.grid
import omero.model
import omero.romio
import omero.sys
from omero.rtypes import rbool, rdouble, rint, rlist, rlong, rmap, rstring, rtime

INTS = [0, 1, 2, -1, 7, 2**31 - 1, -(2**31)]
LONGS = [*INTS, 2**40, 2**63 - 1, -(2**63)]
FLOATS = [0.0, 1.5, -1.0, 1e300, float("nan"), float("inf")]
TEXTS = ["", "Dataset", "Image", "omero.model.Image", "x\0y", "from Dataset", "a'b", "%", "\U0001f600", "name", "/", "../x"]  # fmt: skip
PLAIN = {
    "IcePy._t_int": lambda dice: dice.choice(INTS),
    "IcePy._t_long": lambda dice: dice.choice(LONGS),
    "IcePy._t_bool": lambda dice: dice.random() < 0.5,
    "IcePy._t_string": lambda dice: dice.choice(TEXTS),
    "IcePy._t_double": lambda dice: dice.choice(FLOATS),
    "IcePy._t_float": lambda dice: dice.choice([0.0, 0.5, 9.0, -1.0]),
    "_M_Ice._t_ByteSeq": lambda dice: dice.choice([b"", b"a", b"abcd" * 24, bytes(96)]),
    "_M_Ice._t_StringSeq": lambda dice: [dice.choice(TEXTS) for _ in range(dice.randrange(3))],
    "_M_omero._t_RInt": lambda dice: rint(dice.choice(INTS)),
    "_M_omero._t_RLong": lambda dice: rlong(dice.choice(LONGS)),
    "_M_omero._t_RBool": lambda dice: rbool(dice.random() < 0.5),
    "_M_omero._t_RString": lambda dice: rstring(dice.choice(TEXTS)),
    "_M_omero._t_RDouble": lambda dice: rdouble(dice.choice(FLOATS)),
    "_M_omero._t_RTime": lambda dice: rtime(dice.choice(LONGS)),
    "_M_omero._t_RMap": lambda dice: rmap({"a": rint(1)}),
    "_M_omero._t_RType": lambda dice: dice.choice(
        [rint(1), rstring("a"), rlist([rlong(1)]), rmap({})]
    ),
    "_M_omero.model._t_Details": lambda _dice: omero.model.DetailsI(),
    "_M_omero.model._t_Permissions": lambda dice: omero.model.PermissionsI(
        dice.choice(["rwrw--", "rw----"])
    ),
}


def operations(interface: str) -> dict[str, tuple[str, ...]]:
    """Return the types of each operation's parameters, of an interface such as omero.api.IQuery."""
    package, _, name = interface.rpartition(".")
    of_class = _definitions().operations
    found: dict[str, tuple[str, ...]] = {}
    for cls in reversed(getattr(__import__(package, fromlist=["_"]), name).__mro__):
        found.update(of_class.get((cls.__module__, cls.__name__), {}))
    return found


def some(kind: str, dice: random.Random) -> Any:
    """Return some value of a type."""
    parts = _definitions().parts.get(kind)
    if parts is not None and len(parts) == 1:
        return [some(parts[0], dice) for _ in range(dice.randrange(4))]
    if parts is not None:
        return {some(parts[0], dice): some(parts[1], dice) for _ in range(dice.randrange(3))}
    if kind == "IcePy._t_ObjectPrx" or kind.endswith("Prx"):
        return None
    if kind in PLAIN and not kind.startswith("_M_omero"):
        return PLAIN[kind](dice)
    package, _, name = kind.removeprefix("_M_").rpartition("._t_")
    cls = getattr(__import__(package, fromlist=["_"]), name)
    if hasattr(cls, "_enumerators"):
        return dice.choice(list(cls._enumerators.values()))
    if dice.random() < 0.2:
        return None
    if kind in PLAIN:
        return PLAIN[kind](dice)
    return _object(cls, dice)


def some_request(dice: random.Random) -> Any:
    """Return some request, such as omero.cmd.Delete2, with some fields set."""
    made = dice.choice(_requests())()
    for name, kind in _members(f"_M_omero.cmd._t_{type(made).__name__}").items():
        if dice.random() < 0.8:
            setattr(made, name, some(kind, dice))
    return made


@cache
def _requests() -> list[type]:
    return [
        cls
        for name, cls in vars(omero.cmd).items()
        if isinstance(cls, type)
        and issubclass(cls, omero.cmd.Request)
        and f"_M_omero.cmd._t_{name}" in _definitions().classes
    ]


def _object(cls: type, dice: random.Random) -> Any:
    """Return an object of the class or of one below it, with or without an id."""
    if not issubclass(cls, omero.model.IObject):
        return omero.sys.ParametersI() if cls is omero.sys.Parameters else _instance(cls)
    known = [
        made
        for name, made in vars(omero.model).items()
        if name.endswith("I") and isinstance(made, type) and issubclass(made, cls)
    ]
    made = dice.choice(known)
    return made() if dice.random() < 0.4 else made(dice.choice([0, 1, 2**40, -1]), False)


def _instance(cls: type) -> Any:
    below = [c for c in cls.__subclasses__() if not inspect.isabstract(c)]
    made = below[0] if cls is omero.cmd.Request and below else cls
    return made()


def _members(kind: str) -> dict[str, str]:
    """Return the types of a class's fields by name, inherited ones too."""
    above, own = _definitions().classes[kind]
    return {**(_members(above) if above in _definitions().classes else {}), **own}


@dataclass
class Definitions:
    """Lists and dictionaries by name, fields of classes, operations by module and interface."""

    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    classes: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    operations: dict[tuple[str, str], dict[str, tuple[str, ...]]] = field(default_factory=dict)


@cache
def _definitions() -> Definitions:
    found, module = Definitions(), ""
    for path in sorted(Path(omero.__file__).parent.parent.glob("omero_*_ice.py")):
        if path.name.startswith("omero_model"):
            continue
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        assignments = (node for node in nodes if isinstance(node, ast.Assign))
        for node in sorted(assignments, key=lambda n: n.lineno):
            target, value = ast.unparse(node.targets[0]), node.value
            if target == "__name__" and isinstance(value, ast.Constant):
                module = str(value.value)
            elif isinstance(value, ast.Call):
                _note(found, module, target, value)
    return found


def _note(found: Definitions, module: str, target: str, made: ast.Call) -> None:
    match ast.unparse(made.func):
        case "IcePy.Operation":
            cls, _, name = target.partition("._op_")
            found.operations.setdefault((module, cls), {})[name] = tuple(
                ast.unparse(p.elts[1]) for p in made.args[6].elts
            )
        case "IcePy.defineSequence" | "IcePy.defineDictionary":
            found.parts[target] = tuple(ast.unparse(a) for a in made.args[2:])
        case "IcePy.defineClass":
            fields = {
                ast.literal_eval(m.elts[0]): ast.unparse(m.elts[2]) for m in made.args[8].elts
            }
            found.classes[target] = ast.unparse(made.args[6]), fields
