"""Make `src/omero_embedded/schema.json` and `interfaces.json` from the OMERO client library.

    python scripts/make_omero_schema.py

The client library omero-py carries, as generated Python, everything a client may know of the OMERO model and of the
services: classes with their fields, which may be null, which collections are whose inverse, the names of the Java
classes, units, and the operations of each interface. This script reads that text without running it (so it needs no
Ice) and writes it down as two data files, which are all that the server itself reads.
"""

import importlib.metadata
import json
import re
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent / "src" / "omero_embedded"
MODEL = "::omero::model::"
VALUES = {
    "RString": "string",
    "RInt": "int",
    "RLong": "long",
    "RDouble": "double",
    "RFloat": "float",
    "RBool": "bool",
    "RTime": "time",
    "NamedValueList": "map",
    "StringArray": "strings",
    "ByteSeq": "bytes",
}
NOT_FIELDS = {"id", "details", "loaded", "version"}


def package_folder(package: str) -> Path:
    """Return the folder that holds the generated modules of an installed package, found without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed: the schema is made from it.")
    return Path(spec.origin).parent


def lower_first(name: str) -> str:
    """Return `name` with a lower-case first letter: `Pixels` becomes `pixels`."""
    return name[:1].lower() + name[1:]


class ClientModel:
    """The generated modules of the model, read as text."""

    def __init__(self, folder: Path) -> None:
        self.ice = {
            p.name.removeprefix("omero_model_").removesuffix("_ice.py"): p.read_text(
                encoding="utf-8"
            )
            for p in sorted(folder.glob("omero_model_*_ice.py"))
        }
        self.python = {
            p.name.removeprefix("omero_model_").removesuffix("I.py"): p.read_text(encoding="utf-8")
            for p in sorted(folder.glob("omero_model_*I.py"))
        }
        self.sequences: dict[str, str] = {}
        self.members: dict[str, list[tuple[str, str]]] = {}
        self.bases: dict[str, str | None] = {}
        for text in self.ice.values():
            for sequence, child in re.findall(
                r"defineSequence\('::omero::model::(\w+)', \(\), _M_omero\.model\._t_(\w+)\)", text
            ):
                self.sequences[sequence] = child
            for name, base, members in re.findall(
                r"IcePy\.defineClass\('::omero::model::(\w+)', \w+, -1, \(\), True, False, (\S+), \(\), \((.*?)\)\)?\n",
                re.sub(
                    r"\)\n    \)\)\n", "))\n", re.sub(r",\n +", ", ", re.sub(r"\(\n +", "(", text))
                ),
            ):
                self.bases[name] = None if base == "None" else base.rsplit("_t_", 1)[-1]
                self.members[name] = re.findall(
                    r"\('_?(\w+)', \(\), [\w.]*?_t_(\w+), ", members + " "
                )
        self.classes = sorted(n for n in self.bases if self.is_entity(n))

    def is_entity(self, name: str | None) -> bool:
        """Whether the class is IObject or descends from it (Details, Permissions and the units do not)."""
        while name is not None and name != "IObject":
            name = self.bases.get(name)
        return name == "IObject"

    def concrete(self, name: str) -> bool:
        """Whether instances exist: only such classes carry the client's field information."""
        return "_field_info_data" in self.python.get(name, "")

    def concrete_of(self, name: str) -> str:
        """Return the class itself, or the first concrete one below it, whose field information covers its fields."""
        for candidate in [name, *self.classes]:
            above: str | None = candidate
            while above is not None and above != name:
                above = self.bases[above]
            if above == name and self.concrete(candidate):
                return candidate
        raise SystemExit(f"{name} has no concrete class below it")

    def java(self, name: str) -> str:
        """Return the name that the class bears in messages and in responses to commands."""
        if name == "IObject":
            return "ome.model.IObject"
        named = re.search(r'"(ome\.model\.\w+)\.\w+_\w+"', self.python[self.concrete_of(name)])
        assert named is not None, name
        return f"{named.group(1)}.{name}"

    def says(self, name: str, question: str) -> bool:
        """Return whether the client's `isGlobal`, `isMutable`, `isAnnotated`, `isLink` says yes to the class."""
        found = re.search(
            rf"def {question}\(self.*?\):\n\s+return\s+(\w+)", self.python[self.concrete_of(name)]
        )
        return found is not None and found.group(1) == "True"

    def nullable(self, name: str, field: str) -> bool:
        """Whether the field may be null."""
        found = re.search(
            rf"\b{field}=_field_info_data\(wrapper=\S+, nullable=(\w+)\)",
            self.python[self.concrete_of(name)],
        )
        return found is None or found.group(1) == "True"

    def collection(self, name: str, field: str) -> dict[str, object]:
        """Describe a collection: its class, the field of that class that leads back, and whether it is a list."""
        text = self.python[self.concrete_of(name)]
        child = self.sequences[f"{name}{field[:1].upper()}{field[1:]}Seq"]
        back = re.search(
            rf"self\._{field}Seq\.append\( target \);\n\s+target\.set(\w+)\( self \)", text
        )
        ordered = re.search(rf"return self\._{field}Seq\[index\]", text)
        assert back is not None, (name, field)
        return {
            "name": field,
            "collection": child,
            "inverse": lower_first(back.group(1)),
            "ordered": ordered is not None,
        }

    def describe(self, name: str) -> dict[str, object]:
        """Return the entry of one class: what it declares itself, not what it inherits."""
        fields: list[dict[str, object]] = []
        for field, kind in self.members[name]:
            if field in NOT_FIELDS or field.endswith(("CountPerOwner", "Loaded")):
                continue
            if field.endswith("Seq"):
                fields.append(self.collection(name, field.removesuffix("Seq")))
            elif self.is_entity(kind):
                fields.append(
                    {"name": field, "reference": kind, "nullable": self.nullable(name, field)}
                )
            elif kind in VALUES:
                fields.append(
                    {"name": field, "type": VALUES[kind], "nullable": self.nullable(name, field)}
                )
            else:
                fields.append({"name": field, "unit": kind, "nullable": self.nullable(name, field)})
        return {
            "java": self.java(name),
            "base": None if name == "IObject" else self.bases[name],
            "abstract": not self.concrete(name),
            "versioned": any(field == "version" for field, _ in self.members[name]),
            "global": name != "IObject" and self.says(name, "isGlobal"),
            "mutable": name != "IObject" and self.says(name, "isMutable"),
            "link": name != "IObject" and self.says(name, "isLink"),
            "fields": fields,
        }

    def units(self) -> dict[str, object]:
        """Return each unit class (`Length`) with its enumeration and the symbols of its values."""
        found: dict[str, object] = {}
        for name, text in self.python.items():
            enumeration = re.search(r"from omero\.model\.enums import (\w+)", text)
            if enumeration is not None and "SYMBOLS = dict()" in text:
                symbols = dict(re.findall(r'SYMBOLS\["(\w+)"\] = "(.*)"', text))
                found[name] = {"enumeration": enumeration.group(1), "symbols": symbols}
        return found


def interfaces(folder: Path) -> dict[str, object]:
    """Return each Slice interface with its operations: parameters, result, and whether it answers asynchronously."""
    found: dict[str, object] = {}
    more = [
        folder / f"{name}_ice.py" for name in ("Glacier2_Router", "Glacier2_Session", "Ice_Router")
    ]
    for path in [*sorted(folder.glob("omero_*_ice.py")), *more]:
        if path.name.startswith("omero_model_"):
            continue
        text = path.read_text(encoding="utf-8")
        for slice_name, body in re.findall(r"_t_\w+ = IcePy\.defineClass\('([\w:]+)', (.*)", text):
            base_text = re.search(r"-1, \(\), \w+, \w+, \S+, \(([^)]*)\)", body)
            bases = re.findall(r"_t_(\w+)", base_text.group(1)) if base_text else []
            short = slice_name.rsplit("::", 1)[-1]
            operations = {}
            for operation, asynchronous, rest in re.findall(
                rf"    {short}\._op_(\w+) = IcePy\.Operation\('\w+', \S+, \S+, (\w+), \S+, \(\), (.*)\)\n",
                text,
            ):
                names = re.search(
                    rf"        def {operation}(?:_async)?\(self, (?:_cb, )?(.*?)current=None\)",
                    text,
                )
                assert names is not None, (slice_name, operation)
                parameters = [n for n in names.group(1).split(", ") if n]
                operations[operation] = {
                    "parameters": parameters,
                    "asynchronous": asynchronous == "True",
                    "void": _is_void(rest),
                    "raises": "_t_ServerError" in _parts(rest)[3],
                }
            if operations or bases:
                found[slice_name] = {"bases": bases, "operations": operations}
    return found


def _is_void(rest: str) -> bool:
    """Whether an operation gives nothing back: neither a result nor out parameters."""
    _, out, result, _ = _parts(rest)
    return out == "()" and result == "None"


def _parts(rest: str) -> list[str]:
    """Return what an operation takes, what it gives out, its result, and what it throws."""
    parts, depth, start = [], 0, 0
    for i, letter in enumerate(rest + ","):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(rest[start:i].strip())
            start = i + 1
    return parts


def main() -> None:
    """Write both files."""
    omero = package_folder("omero").parent
    model = ClientModel(omero)
    made_from = f"omero-py {importlib.metadata.version('omero-py')}"
    schema = {
        "made_from": made_from,
        "units": model.units(),
        "classes": {name: model.describe(name) for name in model.classes},
    }
    services = {"made_from": made_from, "interfaces": interfaces(omero)}
    for name, content in (("schema.json", schema), ("interfaces.json", services)):
        text = json.dumps(content, indent=1, ensure_ascii=False)
        text = re.sub(r"\n {5,}|\n {4}(?=[}\]])", " ", text) if name == "schema.json" else text
        (HERE / name).write_text(text + "\n", encoding="utf-8")
        print(f"{HERE / name}: {len(text):,} characters")


if __name__ == "__main__":
    main()
