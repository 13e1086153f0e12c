"""The graph of objects that a client sent: each object once, with what it refers to and what refers to it.

An object that the client sent both loaded and unloaded is one node, and the loaded one counts. A new enumeration value
stands for the one of that value in the database.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import omero
import omero.model
from sqlalchemy import select

from omero_embedded import errors, tables
from omero_embedded.call import Call
from omero_embedded.loading import class_name
from omero_embedded.schema import CLASSES, ModelClass

IObject: TypeAlias = omero.model.IObject


@dataclass(eq=False)
class Node:
    """One object of the graph.

    `id` is None until a new object is inserted; `references` and `members` (loaded collections) are filled for loaded
    objects; `row` is what the database holds of an existing one.
    """

    object: IObject
    cls: ModelClass
    id: int | None
    loaded: bool
    new: bool
    references: "dict[str, Node | None]" = field(default_factory=dict)
    members: "dict[str, list[Node]]" = field(default_factory=dict)
    external_info: "Node | None" = None
    row: Any = None
    places: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return how messages name the object."""
        return f"{self.cls.java}:Id_{'null' if self.id is None else self.id}"


class Graph:
    """All nodes that can be reached from the objects a client wants saved."""

    def __init__(self, call: Call, objects: Iterable[IObject]) -> None:
        self._call = call
        self._by_object: dict[int, Node] = {}
        self._by_id: dict[tuple[str, int], Node] = {}
        self._enumerations: dict[tuple[str, str], Node] = {}
        self.nodes: list[Node] = []
        self._waiting: list[Node] = []
        self.roots = [self._node(o) for o in objects]
        while self._waiting:
            self._follow(self._waiting.pop())

    def _node(self, o: IObject) -> Node:
        """Return the object's node."""
        known = self._by_object.get(id(o))
        if known is not None:
            return known
        cls = CLASSES[class_name(o)]
        if cls.enumeration and o.id is None and o.isLoaded() and o.value is not None:
            node = self._enumeration(o, cls)
        elif o.id is None:
            if not o.isLoaded():
                raise errors.validation(
                    f"object references an unsaved transient instance - save the transient instance before flushing: "
                    f"{cls.java}"
                )
            node = self._add(Node(o, cls, None, loaded=True, new=True))
        else:
            node = self._existing(o, cls)
        self._by_object[id(o)] = node
        return node

    def _existing(self, o: IObject, cls: ModelClass) -> Node:
        key = (cls.root.name, o.id.val)
        node = self._by_id.get(key)
        if node is None:
            node = self._by_id[key] = self._add(
                Node(o, cls, o.id.val, loaded=o.isLoaded(), new=False)
            )
        elif o.isLoaded() and not node.loaded:
            node.object, node.loaded = o, True
            self._waiting.append(node)
        return node

    def _enumeration(self, o: IObject, cls: ModelClass) -> Node:
        key = (cls.name, o.value.val)
        if key not in self._enumerations:
            table = tables.table(cls.name)
            found = self._call.db.execute(
                select(table.c.id).where(table.c.value == o.value.val)
            ).scalar_one_or_none()
            proxy = o if found is None else getattr(omero.model, f"{cls.name}I")(found, False)
            self._enumerations[key] = (
                self._add(Node(o, cls, None, loaded=True, new=True))
                if found is None
                else self._existing(proxy, cls)
            )
        return self._enumerations[key]

    def _add(self, node: Node) -> Node:
        self.nodes.append(node)
        if node.loaded:
            self._waiting.append(node)
        return node

    def _follow(self, node: Node) -> None:
        """Find what a loaded object refers to. A member of its collection that refers to nothing yet refers to it."""
        o = node.object
        for reference in node.cls.references:
            target = getattr(o, f"_{reference.name}")
            node.references.setdefault(reference.name, None)
            if target is not None:
                node.references[reference.name] = self._node(target)
        for collection in node.cls.collections:
            if getattr(o, f"_{collection.name}Loaded"):
                members = [
                    self._node(m)
                    for m in getattr(o, f"_{collection.name}Seq") or []
                    if m is not None
                ]
                node.members[collection.name] = members
                for place, member in enumerate(members):
                    if member.loaded and getattr(member.object, f"_{collection.inverse}") is None:
                        member.references[collection.inverse] = node
                    if collection.ordered:
                        member.places[tables.index_column_name(collection)] = place
        details = o._details  # a Slice member
        if details is not None and details._externalInfo is not None:
            node.external_info = self._node(details._externalInfo)
