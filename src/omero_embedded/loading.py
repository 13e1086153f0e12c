"""Rows into objects of omero.model.

A loaded object has its values, its references as unloaded objects, its `details` (owner and events unloaded, group
loaded, permissions with the flags for who asks), and collections that are not loaded until they are fetched. Two things
differ, as on the real server: a reference to an abstract class (`link.child` of an annotation link) is loaded, because
what is not loaded has no class of its own; and Image.wellSamples and OriginalFile.filesetEntries are always loaded.

    loader = Loader(call)
    images = list(loader.objects("Image", ids).values())
    loader.fetch(images, "pixels.channels.logicalChannel")

Nothing here asks whether an object may be seen: the queries do that (see `permissions.readable`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import omero
import omero.model
import omero.rtypes
from omero.rtypes import rbool, rdouble, rint, rlong, rstring, rtime
from sqlalchemy import ColumnElement, Row, Select, select

from omero_embedded import permissions, tables
from omero_embedded.call import Call
from omero_embedded.schema import (
    CLASSES,
    DETAILS_TARGETS,
    UNITS,
    Collection,
    ModelClass,
    Quantity,
    Reference,
    Value,
)

IObject = omero.model.IObject
AT_ONCE = 900
"""Ids in one statement: well below what any database takes."""
WRAP: dict[str, Callable[[Any], Any]] = {
    "string": rstring,
    "int": rint,
    "long": rlong,
    "double": rdouble,
    "bool": rbool,
    "time": rtime,
    "bytes": bytes,
    "strings": list,
}
ALWAYS_LOADED = {("Image", "wellSamples"), ("OriginalFile", "filesetEntries")}


class Loader:
    """Makes objects, each once: what is loaded later appears wherever it is referred to."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._known: dict[tuple[str, int], IObject] = {}

    def object(self, cls: str, identifier: int) -> IObject | None:
        """Return the loaded object, or None where there is none."""
        return self.objects(cls, [identifier]).get(identifier)

    def objects(self, cls: str, ids: Iterable[int]) -> dict[int, IObject]:
        """Return the loaded objects by id, in the order of the ids; missing ones are left out."""
        wanted = list(dict.fromkeys(ids))
        root = CLASSES[cls].root.name
        missing = [i for i in wanted if not self._is_loaded(root, i)]
        for start in range(0, len(missing), AT_ONCE):
            self._load(root, missing[start : start + AT_ONCE])
        found = {i: self._known[root, i] for i in wanted if self._is_loaded(root, i)}
        if root == cls:
            return found
        return {i: o for i, o in found.items() if CLASSES[class_name(o)].is_a(cls)}

    def proxy(self, cls: str, identifier: int) -> IObject:
        """Return the object as far as it is known: unloaded where nothing loaded it. Of concrete classes only."""
        key = (CLASSES[cls].root.name, identifier)
        if key not in self._known:
            self._known[key] = getattr(omero.model, f"{cls}I")(identifier, False)
        return self._known[key]

    def fetch(self, objects: Sequence[IObject], path: str) -> list[IObject]:
        """Load along a path such as `pixels.channels` or `details.owner`; return what its end refers to."""
        here = [o for o in objects if o is not None]
        steps = path.split(".")
        while steps and here:
            step = steps.pop(0)
            if step == "details":
                here = self.details(here, steps.pop(0))
            else:
                here = self._step(here, step)
        return here

    def _step(self, objects: Sequence[IObject], name: str) -> list[IObject]:
        """Load one field of objects whose classes may differ."""
        found: list[IObject] = []
        by_class: dict[str, list[IObject]] = {}
        for o in objects:
            by_class.setdefault(class_name(o), []).append(o)
        for cls, members in by_class.items():
            field = CLASSES[cls].fields.get(name)
            if isinstance(field, Reference):
                found += self.references(members, field)
            elif isinstance(field, Collection):
                found += [child for children in self.collections(members, field).values() for child in children]
        return list({id(o): o for o in found}.values())

    def references(self, objects: Sequence[IObject], field: Reference) -> list[IObject]:
        """Load what the objects' reference points to, and return it."""
        ids = [r.id.val for r in (getattr(o, f"_{field.name}") for o in objects) if r is not None]
        return list(self.objects(field.target, ids).values())

    def collections(self, objects: Sequence[IObject], field: Collection) -> dict[int, list[IObject]]:
        """Load the objects' collection, as far as it may be seen; return its members by the id of the object."""
        rows = tables.table(field.target)
        inverse = rows.c[tables.column_name(field.target, field.inverse)]
        order = [rows.c[tables.index_column_name(field)], rows.c.id] if field.ordered else [rows.c.id]
        members: dict[int, list[int]] = {o.id.val: [] for o in objects}
        parents = list(members)
        for start in range(0, len(parents), AT_ONCE):
            query = select(inverse, rows.c.id).where(inverse.in_(parents[start : start + AT_ONCE])).order_by(*order)
            for parent, child in self._call.db.execute(_where(query, permissions.readable(self._call, field.target, rows))):
                members[parent].append(child)
        children = self.objects(field.target, [c for of_one in members.values() for c in of_one])
        for o in objects:
            set_collection(o, field.name, [children[c] for c in members[o.id.val] if c in children])
        return {parent: [children[c] for c in of_one if c in children] for parent, of_one in members.items()}

    def details(self, objects: Sequence[IObject], name: str) -> list[IObject]:
        """Load a reference of the objects' details: owner, group, creationEvent, updateEvent or externalInfo."""
        found = [getattr(o.details, f"_{name}") for o in objects if o.isLoaded()]
        return list(self.objects(DETAILS_TARGETS[name], [r.id.val for r in found if r is not None]).values())

    def _is_loaded(self, root: str, identifier: int) -> bool:
        known = self._known.get((root, identifier))
        return known is not None and known.isLoaded()

    def _load(self, root: str, ids: Sequence[int]) -> None:
        """Load the rows of one table."""
        table = tables.table(root)
        rows = self._call.db.execute(select(table).where(table.c.id.in_(ids))).all()
        made: dict[str, list[IObject]] = {}
        abstract: dict[str, list[tuple[IObject, str, int]]] = {}
        groups: dict[int, None] = {}
        for row in rows:
            cls = row._mapping["class"] if "class" in table.c else root  # noqa: SLF001  # public in spite of its name
            o = self.proxy(cls, row.id)
            made.setdefault(cls, []).append(o)
            _fill(o, cls, row)
            for reference, identifier in _pointers(cls, row):
                if CLASSES[reference.target].abstract:
                    abstract.setdefault(reference.target, []).append((o, reference.name, identifier))
                else:
                    setattr(o, f"_{reference.name}", self.proxy(reference.target, identifier))
            self._fill_details(o, cls, row)
            if not CLASSES[cls].is_global:
                groups[row.details_group] = None
        for cls, objects in made.items():
            self._load_maps(cls, objects)
        for target, pointers in abstract.items():
            targets = self.objects(target, [identifier for _, _, identifier in pointers])
            for o, name, identifier in pointers:
                setattr(o, f"_{name}", targets.get(identifier))
        self.objects("ExperimenterGroup", groups)

    def _fill_details(self, o: IObject, cls: str, row: Row[Any]) -> None:
        details = o._details = omero.model.DetailsI()  # noqa: SLF001  # Slice members, here and below
        if CLASSES[cls].is_global:
            bits = row.details_permissions if cls == "ExperimenterGroup" else None
            details._permissions = permissions.flags(self._call, cls, None, None, bits)  # noqa: SLF001
        else:
            owner, group = row.details_owner, row.details_group
            details._owner = self.proxy("Experimenter", owner)  # noqa: SLF001
            details._group = self.proxy("ExperimenterGroup", group)  # noqa: SLF001
            details._creationEvent = self.proxy("Event", row.details_creationEvent)  # noqa: SLF001
            details._updateEvent = self.proxy("Event", row.details_updateEvent)  # noqa: SLF001
            details._permissions = permissions.flags(self._call, cls, owner, group)  # noqa: SLF001
        if row.details_externalInfo is not None:
            details._externalInfo = self.proxy("ExternalInfo", row.details_externalInfo)  # noqa: SLF001

    def _load_maps(self, cls: str, objects: Sequence[IObject]) -> None:
        for field in CLASSES[cls].fields.values():
            if isinstance(field, Value) and field.type == "map":
                pairs: dict[int, list[omero.model.NamedValue]] = {o.id.val: [] for o in objects}
                table = tables.map_table(cls, field.name)
                query = select(table).where(table.c.parent.in_(list(pairs))).order_by(table.c.parent, table.c.position)
                for row in self._call.db.execute(query):
                    pairs[row.parent].append(omero.model.NamedValue(row.name, row.value))
                for o in objects:
                    setattr(o, f"_{field.name}", pairs[o.id.val])


def class_name(o: IObject) -> str:
    """Return the name of the object's class: Image for an ImageI."""
    return str(o.ice_id()).rsplit("::", 1)[-1]


def set_collection(o: IObject, name: str, members: list[IObject]) -> None:
    """Make the members the object's collection, loaded."""
    setattr(o, f"_{name}Seq", members)
    setattr(o, f"_{name}Loaded", True)


def quantity(unit: str, value: float, symbol: str) -> IObject:
    """Make a quantity, such as a LengthI of 0.5 µm."""
    enumeration = getattr(omero.model.enums, UNITS[unit].enumeration)
    return getattr(omero.model, f"{unit}I")(value, getattr(enumeration, UNITS[unit].value_of(symbol)))


def _where(query: Select[Any], condition: ColumnElement[bool] | None) -> Select[Any]:
    return query if condition is None else query.where(condition)


@lru_cache(maxsize=None)
def _values(cls: str) -> tuple[tuple[str, str, Callable[[Any], Any]], ...]:
    """Return member, column and wrapper of each plain value of the class."""
    return tuple(
        (f"_{f.name}", tables.column_name(cls, f.name), WRAP[f.type])
        for f in CLASSES[cls].fields.values()
        if isinstance(f, Value) and f.type != "map"
    )


@lru_cache(maxsize=None)
def _quantities(cls: str) -> tuple[tuple[str, str, str], ...]:
    """Return member, column and unit of each quantity of the class."""
    found = (f for f in CLASSES[cls].fields.values() if isinstance(f, Quantity))
    return tuple((f"_{f.name}", tables.column_name(cls, f.name), f.unit) for f in found)


@lru_cache(maxsize=None)
def _collections(cls: str) -> tuple[tuple[str, bool, bool], ...]:
    """Return name, whether loaded from the beginning, and whether counted by owner, of each collection."""
    model: ModelClass = CLASSES[cls]
    return tuple(
        (c.name, (model.root.name, c.name) in ALWAYS_LOADED, hasattr(omero.model, f"{cls}I") and _counted(cls, c.name))
        for c in model.collections
    )


def _counted(cls: str, name: str) -> bool:
    return hasattr(getattr(omero.model, f"{cls}I")(), f"_{name}CountPerOwner")


def _fill(o: IObject, cls: str, row: Row[Any]) -> None:
    """Give the object its values and make it loaded."""
    columns: Mapping[str, Any] = row._mapping  # noqa: SLF001
    o._loaded = True  # noqa: SLF001
    if "version" in columns:
        o._version = None if columns["version"] is None else rint(columns["version"])  # noqa: SLF001
    for member, column, wrap in _values(cls):
        value = columns[column]
        setattr(o, member, None if value is None else wrap(value))
    for member, column, unit in _quantities(cls):
        value = columns[column]
        setattr(o, member, None if value is None else quantity(unit, value, columns[f"{column}_unit"]))
    for name, loaded, counted in _collections(cls):
        setattr(o, f"_{name}Seq", [])
        setattr(o, f"_{name}Loaded", loaded)
        if counted:
            setattr(o, f"_{name}CountPerOwner", {})


def _pointers(cls: str, row: Row[Any]) -> list[tuple[Reference, int]]:
    columns = row._mapping  # noqa: SLF001
    pairs = ((r, columns[tables.column_name(cls, r.name)]) for r in CLASSES[cls].references)
    return [(reference, identifier) for reference, identifier in pairs if identifier is not None]
