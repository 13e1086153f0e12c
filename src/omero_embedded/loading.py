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

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import omero
import omero.model
from sqlalchemy import ColumnElement, Select, literal_column, select

from omero_embedded import permissions, tables
from omero_embedded.call import Call
from omero_embedded.filling import ALWAYS_LOADED, IObject, filling, fresh_details, pointed_to
from omero_embedded.lists import among, as_parameter, is_sqlite
from omero_embedded.prepared import Prepared, Row
from omero_embedded.schema import CLASSES, DETAILS_TARGETS, Collection, Reference


class Loader:
    """Makes objects, each once: what is loaded later appears wherever it is referred to."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._sqlite = is_sqlite(call.db)
        self._known: dict[str, dict[int, IObject]] = defaultdict(dict)
        self._flags: dict[tuple[str, int, int], omero.model.Permissions] = {}
        self._empty: dict[str, bool] = {}
        self._shared_details: dict[
            tuple[str, int | None, int | None, bool], omero.model.Details
        ] = {}

    def object(self, cls: str, identifier: int) -> IObject | None:
        """Return the loaded object, or None where there is none."""
        return self.objects(cls, [identifier]).get(identifier)

    def objects(self, cls: str, ids: Iterable[int]) -> dict[int, IObject]:
        """Return the loaded objects by id, in the order of the ids; missing ones are left out."""
        wanted = list(dict.fromkeys(ids))
        root = CLASSES[cls].root.name
        missing = [i for i in wanted if not self._is_loaded(root, i)]
        if missing:
            self._load(root, missing)
        found = {i: self._known[root][i] for i in wanted if self._is_loaded(root, i)}
        if root == cls:
            return found
        return {i: o for i, o in found.items() if CLASSES[class_name(o)].is_a(cls)}

    def proxy(self, cls: str, identifier: int) -> IObject:
        """Return the object as far as it is known: unloaded where nothing loaded it. Of concrete classes only."""
        return self._proxies(cls)(identifier)

    def _proxies(self, cls: str) -> Callable[[int], IObject]:
        """Return what gives the object of a class with an id, as far as it is known."""
        known, unloaded = self._known[CLASSES[cls].root.name], filling(cls).unloaded

        def proxy(identifier: int) -> IObject:
            found = known.get(identifier)
            if found is None:
                found = known[identifier] = unloaded(identifier)
            return found

        return proxy

    def fetch(self, objects: Sequence[IObject], path: str) -> list[IObject]:
        """Load along a path such as `pixels.channels` or `details.owner`; return what its end refers to."""
        here = [o for o in objects if o is not None]
        steps = path.split(".")
        while steps and here:
            step = steps.pop(0)
            here = self.details(here, steps.pop(0)) if step == "details" else self._step(here, step)
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
                found += [
                    child
                    for children in self.collections(members, field).values()
                    for child in children
                ]
        return list({id(o): o for o in found}.values())

    def references(self, objects: Sequence[IObject], field: Reference) -> list[IObject]:
        """Load what the objects' reference points to, and return it."""
        ids = [r.id.val for r in (getattr(o, f"_{field.name}") for o in objects) if r is not None]
        return list(self.objects(field.target, ids).values())

    def collections(
        self, objects: Sequence[IObject], field: Collection
    ) -> dict[int, list[IObject]]:
        """Load the objects' collection, as far as it may be seen; return its members by the id of the object."""
        rows = tables.table(field.target)
        inverse = rows.c[tables.column_name(field.target, field.inverse)]
        order = (
            [rows.c[tables.index_column_name(field)], rows.c.id] if field.ordered else [rows.c.id]
        )
        members: dict[int, list[int]] = {o.id.val: [] for o in objects}
        query = (
            select(inverse, rows.c.id)
            .where(among(inverse, "ids", sqlite=self._sqlite))
            .order_by(*order)
        )
        query = _where(query, permissions.readable(self._call, field.target, rows))
        given = {"ids": as_parameter(list(members), sqlite=self._sqlite)}
        for row in self._call.db.execute(query, given):
            members[row[0]].append(row[1])
        children = self.objects(field.target, [c for of_one in members.values() for c in of_one])
        for o in objects:
            set_collection(o, field.name, [children[c] for c in members[o.id.val] if c in children])
        return {
            parent: [children[c] for c in of_one if c in children]
            for parent, of_one in members.items()
        }

    def details(self, objects: Sequence[IObject], name: str) -> list[IObject]:
        """Load a reference of the objects' details: owner, group, creationEvent, updateEvent or externalInfo."""
        found = [getattr(o.details, f"_{name}") for o in objects if o.isLoaded()]
        return list(
            self.objects(DETAILS_TARGETS[name], [r.id.val for r in found if r is not None]).values()
        )

    def _is_loaded(self, root: str, identifier: int) -> bool:
        known = self._known[root].get(identifier)
        return known is not None and known._loaded  # the Slice member, here and below

    def _load(self, root: str, ids: Sequence[int]) -> None:
        """Load the rows of one table."""
        given = {"ids": as_parameter(ids, sqlite=self._sqlite)}
        self.take(root, _by_ids(root, sqlite=self._sqlite).rows(self._call.db, given))

    def take(self, root: str, rows: Iterable[Row]) -> Mapping[int, IObject]:
        """Make objects of rows of a root class's table, as a query gave them: all columns, in the table's order.

        Returns
        -------
        Mapping[int, IObject]
            By id what is known of that table: these objects, what was loaded before, what was only referred to.
        """
        table = tables.table(root)
        columns = [c.name for c in table.c]
        at_class = columns.index("class") if "class" in columns else None
        details_of = self._details_of(root, columns)
        known = self._known[root]
        proxies = {target: self._proxies(target) for target in pointed_to(root)}
        unfinished: dict[str, list[tuple[IObject, Row]]] = {}
        for row in rows:
            identifier = row[0]
            cls = root if at_class is None else row[at_class]
            how = filling(cls)
            o = known.get(identifier)
            if o is None:
                o = known[identifier] = how.unloaded(identifier)
            elif o._loaded:
                continue
            members = how.fill(o, row)
            for member, place, target in how.pointers:
                if row[place] is not None:
                    members[member] = proxies[target](row[place])
            members["_details"] = details_of(cls, row)
            if how.needs_more:
                unfinished.setdefault(cls, []).append((o, row))
        for cls, of_class in unfinished.items():
            objects = [o for o, _ in of_class]
            self._load_maps(cls, objects)
            self._load_always(root, objects)
            self._load_eagerly(cls, of_class)
        if not CLASSES[root].is_global:
            self.objects("ExperimenterGroup", {group for _, _, group in self._flags})
        return known

    def _load_eagerly(self, cls: str, objects: Sequence[tuple[IObject, Row]]) -> None:
        """Load what objects of a class refer to and must not stay unloaded; each comes with its row."""
        for member, place, target in filling(cls).eager:
            wanted = [row[place] for _, row in objects if row[place] is not None]
            found = self.objects(target, wanted)
            for o, row in objects:
                if row[place] is not None:
                    o.__dict__[member] = found.get(row[place])

    def _details_of(
        self, root: str, columns: list[str]
    ) -> Callable[[str, Row], omero.model.Details]:
        """Return what makes the details of an object of a class and a row."""
        if CLASSES[root].is_global:
            return self._details_of_all(columns)
        return self._details_of_owners(columns)

    def _details_of_all(self, columns: list[str]) -> Callable[[str, Row], omero.model.Details]:
        """Return what makes the details of global objects: they have permissions alone, so many share them."""
        bits = columns.index("details_permissions") if "details_permissions" in columns else None
        external, identifier = columns.index("details_externalInfo"), columns.index("id")
        shared = self._shared_details

        def details(cls: str, row: Row) -> omero.model.Details:
            of_the_call = permissions.is_of_the_call(self._call, cls, row[identifier])
            key = (cls, None if bits is None else row[bits], row[external], of_the_call)
            if key not in shared:
                shared[key], members = fresh_details()
                members["_permissions"] = permissions.flags(
                    self._call, cls, None, None, key[1], of_the_call=of_the_call
                )
                if key[2] is not None:
                    members["_externalInfo"] = self.proxy("ExternalInfo", key[2])
            return shared[key]

        return details

    def _details_of_owners(self, columns: list[str]) -> Callable[[str, Row], omero.model.Details]:
        """Return what makes the details of objects that have an owner; permissions are made once for each of them."""
        call, made_flags = self._call, self._flags
        experimenter, experimenter_group, event = (
            self._proxies(c) for c in ("Experimenter", "ExperimenterGroup", "Event")
        )
        external = columns.index("details_externalInfo")
        owner, group, created, updated = (
            columns.index(f"details_{name}")
            for name in ("owner", "group", "creationEvent", "updateEvent")
        )

        def details(cls: str, row: Row) -> omero.model.Details:
            made, members = fresh_details()
            members["_owner"] = experimenter(row[owner])
            members["_group"] = experimenter_group(row[group])
            members["_creationEvent"] = event(row[created])
            members["_updateEvent"] = event(row[updated])
            key = (cls, row[owner], row[group])
            if key not in made_flags:
                made_flags[key] = permissions.flags(call, *key)
            members["_permissions"] = made_flags[key]
            if row[external] is not None:
                members["_externalInfo"] = self.proxy("ExternalInfo", row[external])
            return made

        return details

    def _load_always(self, root: str, objects: Sequence[IObject]) -> None:
        """Give the collections that are loaded with the objects their members, of which most servers hold none."""
        for name in ALWAYS_LOADED.get(root, ()):
            field = CLASSES[root].fields[name]
            assert isinstance(field, Collection)
            if field.target not in self._empty:
                self._empty[field.target] = not _any_of(field.target).rows(self._call.db, {})
            if not self._empty[field.target]:
                self.collections([o for o in objects if getattr(o, f"_{name}Loaded")], field)

    def _load_maps(self, cls: str, objects: Sequence[IObject]) -> None:
        for name in filling(cls).maps:
            pairs: dict[int, list[omero.model.NamedValue]] = {o._id._val: [] for o in objects}
            ids = {"ids": as_parameter(list(pairs), sqlite=self._sqlite)}
            rows = _pairs_of(cls, name, sqlite=self._sqlite).rows(self._call.db, ids)
            for parent, key, value in rows:
                pairs[parent].append(omero.model.NamedValue(key, value))
            for o in objects:
                o.__dict__[f"_{name}"] = pairs[o._id._val]


@cache
def _any_of(cls: str) -> Prepared:
    """Return the query for any row of a class's table."""
    return Prepared(select(tables.table(cls).c.id).limit(literal_column("1")))


@cache
def _by_ids(root: str, *, sqlite: bool) -> Prepared:
    """Return the query for rows of a table by their ids."""
    table = tables.table(root)
    return Prepared(select(table).where(among(table.c.id, "ids", sqlite=sqlite)))


@cache
def _pairs_of(cls: str, name: str, *, sqlite: bool) -> Prepared:
    """Return the query for the pairs of a map by the ids of their objects."""
    table = tables.map_table(cls, name)
    return Prepared(
        select(table.c.parent, table.c.name, table.c.value)
        .where(among(table.c.parent, "ids", sqlite=sqlite))
        .order_by(table.c.parent, table.c.position)
    )


def class_name(o: IObject) -> str:
    """Return the name of the object's class: Image for an ImageI."""
    return str(o.ice_id()).rsplit("::", 1)[-1]


def set_collection(o: IObject, name: str, members: list[IObject]) -> None:
    """Make the members the object's collection, loaded."""
    setattr(o, f"_{name}Seq", members)
    setattr(o, f"_{name}Loaded", True)


def _where(query: Select[Any], condition: ColumnElement[bool] | None) -> Select[Any]:
    return query if condition is None else query.where(condition)
