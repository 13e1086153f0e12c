"""How objects of omero.model are made and filled, class by class: what `loading` does for every row, done fast.

A query may give a hundred thousand rows, and the constructors of omero.model take ten times as long as the database.
So each class's unloaded object is looked at once, and others are copies of it; a row's values go straight into the
members.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeAlias

import omero
import omero.all  # completes omero.model: units, enumerations
import omero.model
import omero.rtypes

from omero_embedded import tables
from omero_embedded.schema import CLASSES, UNITS, Quantity, Value

IObject: TypeAlias = omero.model.IObject
ALWAYS_LOADED = {
    "Image": ("wellSamples",),
    "OriginalFile": ("filesetEntries",),
    "Roi": ("folderLinks",),
}
"""Collections that are loaded with the object: the real server looks at them when it makes out who may do what. That of
a file it leaves alone where the file has a hasher and no repository."""

EAGER = {("Event", "experimenterGroup"), ("Event", "session"), ("Shape", "transform")}
"""References that are loaded with the object, beside those to abstract classes. OMERO.iviewer and .figure show shapes'
transforms although their queries fetch the shapes only (ome/omero-figure#358 has such an answer)."""


def _rtype(cls: type[object]) -> Callable[[Any], Any]:
    """Return what makes an RType of a value that needs no conversion."""
    new: Callable[[type[object]], Any] = cls.__new__

    def make(value: object) -> Any:
        made = new(cls)
        made.__dict__["_val"] = value
        return made

    return make


_double = _rtype(omero.rtypes.RDoubleI)

WRAP: dict[str, Callable[[Any], Any]] = {
    "string": _rtype(omero.rtypes.RStringI),
    "int": _rtype(omero.rtypes.RIntI),
    "long": _rtype(omero.rtypes.RLongI),
    "double": lambda value: _double(float(value)),  # SQLite's NaN is a text
    "bool": omero.rtypes.rbool,
    "time": _rtype(omero.rtypes.RTimeI),
    "bytes": bytes,
    "strings": list,
}
_identifier = WRAP["long"]


class Filling:
    """How objects of one class are made, and filled from rows of the class's table.

    Attributes
    ----------
    maps
        The names of the class's maps, whose pairs stand in tables of their own.
    needs_more
        Whether other rows than its own belong to a loaded object: of maps, of what it refers to, of collections.
    """

    def __init__(self, cls: str) -> None:
        model = CLASSES[cls]
        self.cls = cls
        self._type = getattr(omero.model, f"{cls}I")
        self._new = self._type.__new__
        self._unloaded = dict(self._type(1, False).__dict__)
        at = {column.name: place for place, column in enumerate(tables.table(cls).c)}
        self._version = at.get("version")
        self._values = tuple(
            (f"_{f.name}", at[tables.column_name(cls, f.name)], WRAP[f.type])
            for f in model.fields.values()
            if isinstance(f, Value) and f.type != "map"
        )
        quantities = [
            (f, tables.column_name(cls, f.name))
            for f in model.fields.values()
            if isinstance(f, Quantity)
        ]
        self._quantities = tuple(
            (f"_{f.name}", at[c], at[f"{c}_unit"], f.unit) for f, c in quantities
        )
        self._always_loaded = ALWAYS_LOADED.get(model.root.name, ())
        self._alone = (at["hasher"], at["repo"]) if cls == "OriginalFile" else None
        pointers = [
            (f"_{r.name}", at[tables.column_name(cls, r.name)], r) for r in model.references
        ]
        self.pointers = tuple(
            (member, place, r.target)
            for member, place, r in pointers
            if not self._is_eager(r.name, r.target)
        )
        self.eager = tuple(
            (member, place, r.target)
            for member, place, r in pointers
            if self._is_eager(r.name, r.target)
        )
        self.maps = tuple(
            f.name for f in model.fields.values() if isinstance(f, Value) and f.type == "map"
        )
        self.needs_more = bool(self.maps or self.eager or self._always_loaded)

    def _is_eager(self, name: str, target: str) -> bool:
        return CLASSES[target].abstract or (CLASSES[self.cls].root.name, name) in EAGER

    def unloaded(self, identifier: int) -> IObject:
        """Return an unloaded object with the id."""
        made = self._new(self._type)
        members = made.__dict__
        members.update(self._unloaded)
        members["_id"] = _identifier(identifier)
        return made

    def fill(self, o: IObject, row: Sequence[Any]) -> dict[str, Any]:
        """Give an unloaded object its values and make it loaded; return its members. References are not among them."""
        members: dict[str, Any] = o.__dict__
        members["_loaded"] = True
        if self._version is not None and row[self._version] is not None:
            members["_version"] = WRAP["int"](row[self._version])
        for member, place, wrap in self._values:
            value = row[place]
            if value is not None:
                members[member] = wrap(value)
        for member, place, unit_place, unit in self._quantities:
            if row[place] is not None:
                members[member] = quantity(unit, float(row[place]), row[unit_place])
        if (
            self._alone is not None
            and row[self._alone[0]] is not None
            and row[self._alone[1]] is None
        ):
            return members
        for name in self._always_loaded:
            members[f"_{name}Seq"] = []
            members[f"_{name}Loaded"] = True
        return members


@cache
def filling(cls: str) -> Filling:
    """Return how objects of the class are made."""
    return Filling(cls)


@cache
def pointed_to(root: str) -> frozenset[str]:
    """Return the classes that rows of a root class's table refer to and that may stay unloaded."""
    return frozenset(
        target for cls in CLASSES[root].concrete for _, _, target in filling(cls.name).pointers
    )


def quantity(unit: str, value: float, symbol: str) -> IObject:
    """Make a quantity, such as a LengthI of 0.5 µm."""
    return getattr(omero.model, f"{unit}I")(value, _unit(unit, symbol))


@cache
def _unit(unit: str, symbol: str) -> object:
    enumeration = getattr(omero.model.enums, UNITS[unit].enumeration)
    return getattr(enumeration, UNITS[unit].value_of(symbol))


_FRESH_DETAILS: dict[str, Any] = dict(omero.model.DetailsI().__dict__)


def fresh_details() -> tuple[omero.model.Details, dict[str, Any]]:
    """Return new details, and their members to be filled."""
    made = omero.model.DetailsI.__new__(omero.model.DetailsI)
    members: dict[str, Any] = made.__dict__
    members.update(_FRESH_DETAILS)
    return made, members
