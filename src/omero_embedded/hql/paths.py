"""Where a path leads: names with dots between, followed through the model; part of the second room.

A `Scope` holds what one query (or sub-query) has named so far. Following a path joins what lies between, as Hibernate
does: silently and as inner joins, once for each way. A join is made only when something beyond the reference's id is
asked for: `l.parent.id` is a column of the link.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from omero_embedded import tables
from omero_embedded.hql.parse import HqlError
from omero_embedded.hql.resolved import (
    INT,
    LONG,
    PERMISSIONS,
    STRING,
    Column,
    Constant,
    Operation,
    Resolved,
    Source,
    Type,
)
from omero_embedded.hql.tree import JoinKind
from omero_embedded.schema import (
    CLASSES,
    DETAILS_TARGETS,
    Collection,
    Field,
    ModelClass,
    Quantity,
    Reference,
)
from omero_embedded.schema import Value as Plain


@dataclass(frozen=True, slots=True)
class Pointer:
    """A reference that nobody has followed yet: `column` of `source` holds the id of a `target`."""

    source: Source
    column: str
    target: str
    step: str


@dataclass(frozen=True, slots=True)
class Details:
    """The `details` of a source."""

    source: Source


@dataclass(frozen=True, slots=True)
class Many:
    """A collection of a source."""

    source: Source
    collection: Collection


@dataclass(frozen=True, slots=True)
class Pairs:
    """A map of a source; `owner` is the class that has it, the source's own or one below."""

    source: Source
    owner: str
    field: str


Place: TypeAlias = Source | Pointer | Details | Many | Pairs | Column | Constant | Operation


class Scope:
    """The names of one query: its aliases, what it joins, and the query around it."""

    def __init__(self, outer: Scope | None) -> None:
        self.outer = outer
        self.query = Resolved()
        self._aliases: dict[str, Source | Column | Details] = {}

    def add(self, source: Source) -> Source:
        """Add a source to the query.

        Raises
        ------
        HqlError
            Its alias stands for another one already.
        """
        if source.alias is not None:
            self.name(source.alias, source)
        self.query.sources.append(source)
        return source

    def name(self, alias: str, place: Source | Column | Details) -> None:
        """Have an alias stand for a source, or for a quantity or the details of one.

        Raises
        ------
        HqlError
            It stands for another one already.
        """
        if alias in self._aliases:
            raise HqlError(f"Duplicate definition of alias '{alias}'")
        self._aliases[alias] = place

    def alias(self, name: str) -> Source | Column | Details | None:
        """Return what the alias stands for, here or in a query around this one."""
        found = self._aliases.get(name)
        return found if found is not None or self.outer is None else self.outer.alias(name)

    def only_source(self) -> Source | None:
        """Return the source whose properties may be named without an alias: the only one, where there is one."""
        named = [s for s in self.query.sources if s.explicit]
        return named[0] if len(named) == 1 else None

    # ------------------------------------------------------------ joining
    def follow(self, pointer: Pointer, kind: JoinKind = "inner") -> Source:
        """Return the rows that a reference points to, joining them where nobody has yet."""
        joined = self._joined(pointer.source, pointer.step)
        return joined or self.add(self.pointed(pointer, kind))

    def pointed(self, pointer: Pointer, kind: JoinKind) -> Source:
        """Make the source that a reference points to."""
        return Source(pointer.target, pointer.source, kind, pointer.step, reference=pointer.column)

    def _joined(self, parent: Source, step: str) -> Source | None:
        """Return what is joined over the same way already and bears no alias of its own."""
        return next(
            (
                s
                for s in self.query.sources
                if s.parent is parent and s.step == step and s.alias is None
            ),
            None,
        )

    # ------------------------------------------------------------ following
    def begin(self, names: tuple[str, ...]) -> tuple[Place, tuple[str, ...]] | None:
        """Return where a path begins and the names still to follow, or None where no alias or property is meant."""
        source = self.alias(names[0])
        if source is not None:
            return source, names[1:]
        only = self.only_source()
        if only is not None and _has(only, names[0]):
            return only, names
        return None

    def step(self, place: Place, name: str) -> Place:
        """Go from a place to what bears the name there.

        Raises
        ------
        HqlError
            Nothing does.
        """
        if isinstance(place, Pointer):
            if name == "id":
                return Column(place.source, place.column, LONG)
            place = self.follow(place)
        if isinstance(place, Source):
            return _of_pair(place, name) if place.pairs else _of_object(place, name)
        if isinstance(place, Details):
            return self._of_details(place.source, name)
        if isinstance(place, Column) and place.type.kind == "quantity":
            if name == "value":
                return Column(place.source, place.name, Type("double"))
            if name == "unit":
                return Column(place.source, f"{place.name}_unit", Type("unit", place.type.of))
        if (
            isinstance(place, (Column, Operation))
            and place.type.kind == "permissions"
            and name == "perm1"
        ):
            return Operation("bits", (place,), LONG)
        if isinstance(place, (Many, Pairs)):
            raise HqlError(
                f"illegal attempt to dereference collection with element property reference [{name}]"
            )
        raise HqlError(f"could not resolve property: {name}")

    def _of_details(self, source: Source, name: str) -> Place:
        cls = CLASSES[source.cls]
        if name == "permissions":
            if cls.name == "ExperimenterGroup":
                return Column(source, "details_permissions", PERMISSIONS)
            if cls.is_global:
                return Operation("permissions of the call", (), PERMISSIONS)
            group = self.follow(
                Pointer(source, "details_group", "ExperimenterGroup", "details.group")
            )
            return Column(group, "details_permissions", PERMISSIONS)
        if name not in DETAILS_TARGETS or (cls.is_global and name != "externalInfo"):
            raise HqlError(f"could not resolve property: {name} of: {cls.java}")
        return Pointer(source, f"details_{name}", DETAILS_TARGETS[name], f"details.{name}")


def find_field(cls: ModelClass, name: str) -> tuple[str, Field] | None:
    """Return the field of the name and the class that has it: the class itself or, as in Hibernate, one below it."""
    candidates = (c for c in (cls, *cls.subclasses) if name in c.fields)
    found = next(candidates, None)
    return None if found is None else (found.name, found.fields[name])


def class_of(source: Source) -> Column | Constant:
    """Return the class of a source's rows: a column, or a constant where there is only one."""
    root = CLASSES[source.cls].root
    kind = Type("class", root.name)
    return (
        Column(source, "class", kind) if root.subclasses != (root,) else Constant(root.name, kind)
    )


def _has(source: Source, name: str) -> bool:
    if source.pairs:
        return name in ("name", "value")
    return (
        name in ("id", "class", "details", "version")
        or find_field(CLASSES[source.cls], name) is not None
    )


def _of_pair(source: Source, name: str) -> Place:
    if name in ("name", "value"):
        return Column(source, name, STRING)
    raise HqlError(f"could not resolve property: {name} of: ome.model.internal.NamedValue")


def _of_object(source: Source, name: str) -> Place:
    cls = CLASSES[source.cls]
    if name == "details":
        return Details(source)
    if name == "class":
        return class_of(source)
    if name == "id" or (name == "version" and cls.root.versioned):
        return Column(source, name, LONG if name == "id" else INT)
    found = find_field(cls, name)
    if found is None:
        raise HqlError(f"could not resolve property: {name} of: {cls.java}")
    return _of_field(source, *found)


def _of_field(source: Source, owner: str, field: Field) -> Place:
    """Return where a field leads that the class `owner` has: the source's own class or one below."""
    name = field.name
    if isinstance(field, Collection):
        return Many(source, field)
    if isinstance(field, Plain) and field.type == "map":
        return Pairs(source, owner, name)
    column = tables.column_name(owner, name)
    if isinstance(field, Reference):
        return Pointer(source, column, field.target, name)
    if isinstance(field, Quantity):
        return Column(source, column, Type("quantity", field.unit))
    return Column(source, column, Type(field.type))
