"""The OMERO model as data: classes, fields, units. The first room of the server; it imports nothing of ours.

`schema.json`, made from the client library by `scripts/make_omero_schema.py`, is read once into frozen dataclasses.
Everyone who must know the model asks here, by the names that HQL and the clients use:

    from omero_embedded.schema import CLASSES, Reference, Collection
    image = CLASSES["Image"]
    image.fields["name"]            # Value(name="name", type="string", nullable=False)
    image.fields["datasetLinks"]    # Collection(target="DatasetImageLink", inverse="child", ordered=False)
    CLASSES["Annotation"].concrete  # every class an annotation may be an instance of
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

DETAILS = ("owner", "group", "creationEvent", "updateEvent", "externalInfo")
"""The references that every object carries under `details`."""

DETAILS_TARGETS = {
    "owner": "Experimenter",
    "group": "ExperimenterGroup",
    "creationEvent": "Event",
    "updateEvent": "Event",
    "externalInfo": "ExternalInfo",
}


@dataclass(frozen=True, slots=True)
class Value:
    """A field that holds a plain value.

    `type` is one of string, int, long, double, bool, time (milliseconds since 1970), bytes, strings (a list) and
    map (NamedValues in order).
    """

    name: str
    type: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class Quantity:
    """A field that holds a number with a unit: `unit` names a class of `UNITS`, such as Length."""

    name: str
    unit: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that holds another object, of class `target` or below it."""

    name: str
    target: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class Collection:
    """The objects of class `target` whose reference `inverse` is this object. `ordered`: a list, not a set."""

    name: str
    target: str
    inverse: str
    ordered: bool


Field = Value | Quantity | Reference | Collection


@dataclass(frozen=True)
class ModelClass:
    """One class of the model.

    `java` is its name in messages (ome.model.core.Image); `is_global` classes have no owner and no group and are seen
    by all; `link` classes join a parent to a child; `own` are the fields it declares itself, `fields` all it has.
    """

    name: str
    java: str
    base: str | None
    abstract: bool
    versioned: bool
    is_global: bool
    mutable: bool
    link: bool
    own: tuple[Field, ...]

    @cached_property
    def ancestors(self) -> tuple["ModelClass", ...]:
        """The class itself and those above it, without IObject; the last one is the root of its table."""
        if self.base is None or self.base == "IObject":
            return (self,)
        return (self, *CLASSES[self.base].ancestors)

    @property
    def root(self) -> "ModelClass":
        """The topmost class, whose table holds the rows of all classes below it."""
        return self.ancestors[-1]

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """All fields by name, inherited ones first."""
        return {field.name: field for cls in reversed(self.ancestors) for field in cls.own}

    @cached_property
    def subclasses(self) -> tuple["ModelClass", ...]:
        """The class itself and all below it."""
        return tuple(c for c in CLASSES.values() if self in c.ancestors)

    @cached_property
    def concrete(self) -> tuple["ModelClass", ...]:
        """The class itself and all below it, as far as instances of them exist."""
        return tuple(c for c in self.subclasses if not c.abstract)

    @cached_property
    def enumeration(self) -> bool:
        """Whether it is an enumeration: a global class whose instances are told apart by `value`."""
        return (
            self.is_global
            and "value" in self.fields
            and self.base == "IObject"
            and self.name != "Namespace"
        )

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """All references, inherited ones first."""
        return tuple(f for f in self.fields.values() if isinstance(f, Reference))

    @cached_property
    def collections(self) -> tuple[Collection, ...]:
        """All collections, inherited ones first."""
        return tuple(f for f in self.fields.values() if isinstance(f, Collection))

    def is_a(self, name: str) -> bool:
        """Whether the class is `name` or below it."""
        return name == "IObject" or any(c.name == name for c in self.ancestors)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit class: the client's enumeration of it, and the symbol of each value (MICROMETER: µm)."""

    name: str
    enumeration: str
    symbols: Mapping[str, str]

    def value_of(self, symbol: str) -> str:
        """Return the name of the value that bears the symbol, such as MICROMETER for µm."""
        return next(value for value, own in self.symbols.items() if own == symbol)


def _field(entry: dict[str, Any]) -> Field:
    if "type" in entry:
        return Value(**entry)
    if "unit" in entry:
        return Quantity(**entry)
    if "reference" in entry:
        return Reference(entry["name"], entry["reference"], entry["nullable"])
    return Collection(entry["name"], entry["collection"], entry["inverse"], entry["ordered"])


def _read() -> tuple[dict[str, ModelClass], dict[str, Unit]]:
    data = json.loads((Path(__file__).parent / "schema.json").read_text(encoding="utf-8"))
    classes = {
        name: ModelClass(
            name,
            entry["java"],
            entry["base"],
            entry["abstract"],
            entry["versioned"],
            entry["global"],
            entry["mutable"],
            entry["link"],
            tuple(_field(f) for f in entry["fields"]),
        )
        for name, entry in data["classes"].items()
    }
    units = {name: Unit(name, u["enumeration"], u["symbols"]) for name, u in data["units"].items()}
    return classes, units


CLASSES, UNITS = _read()
"""The 172 classes of the model by name, and the unit classes by name."""


def find_class(name: str) -> ModelClass | None:
    """Return the class that a client means by Dataset, DatasetI, omero.model.Dataset(I) or ome.model.….Dataset."""
    found = CLASSES.get(name) or CLASSES.get(name.removesuffix("I"))
    if found is None and "." in name:
        package, _, short = name.rpartition(".")
        found = CLASSES.get(short) or CLASSES.get(short.removesuffix("I"))
        if found is not None and package not in ("omero.model", found.java.rpartition(".")[0]):
            return None
    return found
