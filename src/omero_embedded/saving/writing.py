"""Writing a graph: new objects in the order of their references, then what changed, then the links that were taken out.

All in the transaction of the call. What a database refuses (a second link of the same ends, a name that is taken)
becomes the exception that the real server raises.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import omero
import omero.model
from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update
from sqlalchemy.exc import IntegrityError

from omero_embedded import errors, permissions, tables
from omero_embedded.call import Call
from omero_embedded.filling import ALWAYS_LOADED
from omero_embedded.saving import checks
from omero_embedded.saving.graph import Graph, Node
from omero_embedded.saving.result import returned
from omero_embedded.saving.rows import details_columns, maps_of, refused, values_of, write_map
from omero_embedded.schema import CLASSES, Collection

IObject: TypeAlias = omero.model.IObject
PEOPLE = {"Experimenter", "ExperimenterGroup", "GroupExperimenterMap"}
AT_ONCE = 900


def save(call: Call, objects: Sequence[IObject]) -> list[IObject]:
    """Save a graph and return its roots as the database holds them now."""
    return returned(call, _write(call, objects))


def save_ids(call: Call, objects: Sequence[IObject]) -> list[int]:
    """Save a graph and return the ids of its roots."""
    return [node.id for node in _write(call, objects).roots if node.id is not None]


def _write(call: Call, objects: Sequence[IObject]) -> Graph:
    if call.group_id < 0:
        raise errors.api_usage(
            "No valid permissions available! DUMMY permissions are not intended for copying. Make sure that you have "
            "not passed omero.group=-1 for a save without context"
        )
    graph = Graph(call, objects)
    _read_rows(call, graph.nodes)
    for node in graph.nodes:
        if not node.new:
            checks.existence(call, node)
        if node.loaded and not (node.cls.enumeration and not node.new):
            if node.new:
                checks.may_create(call, node)
            checks.values(node)
            checks.file_place(call, node)
    try:
        _insert(call, [n for n in graph.nodes if n.new])
        for node in graph.nodes:
            if node.loaded and not node.new:
                _update(call, node)
                _remove_links(call, node)
    except IntegrityError as error:
        raise refused(error) from None
    if any(n.loaded and n.cls.name in PEOPLE for n in graph.nodes):
        call.people_changed()
    return graph


def _read_rows(call: Call, nodes: Iterable[Node]) -> None:
    """Give the nodes of existing objects their rows."""
    by_table: dict[str, dict[int, Node]] = {}
    for node in nodes:
        if node.id is not None:
            by_table.setdefault(node.cls.root.name, {})[node.id] = node
    for root, wanted in by_table.items():
        table, ids = tables.table(root), list(wanted)
        for start in range(0, len(ids), AT_ONCE):
            for row in call.db.execute(
                select(table).where(table.c.id.in_(ids[start : start + AT_ONCE]))
            ):
                wanted[row.id].row = row


# ---------------------------------------------------------------- new objects
def _insert(call: Call, nodes: list[Node]) -> None:
    """Insert new objects, each after those it refers to; objects of one class together."""
    waiting, later = nodes, []
    while waiting:
        ready = [n for n in waiting if all(t is None or t.id is not None for t in _targets(n))]
        if not ready:
            ready = [_breaks_circle(waiting)]
            later += ready
        by_class: dict[str, list[Node]] = {}
        for node in ready:
            by_class.setdefault(node.cls.name, []).append(node)
        for cls, of_class in by_class.items():
            _insert_class(call, cls, of_class)
        waiting = [n for n in waiting if n.id is None]
    for node in later:
        table = tables.table(node.cls.name)
        call.db.execute(
            sql_update(table).where(table.c.id == node.id).values(_reference_columns(node))
        )


def _targets(node: Node) -> list[Node | None]:
    return [*node.references.values(), node.external_info]


def _breaks_circle(waiting: list[Node]) -> Node:
    """Choose, of new objects that refer to one another in a circle, one that can be inserted without its references."""
    for node in waiting:
        open_ones = [
            r
            for r in node.cls.references
            if (t := node.references[r.name]) is not None and t.id is None
        ]
        if all(r.nullable for r in open_ones):
            return node
    names = ", ".join(sorted({n.cls.java for n in waiting}))
    raise errors.validation(f"New objects need one another in a circle: {names}")


def _insert_class(call: Call, cls: str, nodes: list[Node]) -> None:
    table, rows = tables.table(cls), []
    for node in nodes:
        row = {**values_of(node.object, cls), **_reference_columns(node), **node.places}
        if "class" in table.c:
            row["class"] = cls
        if not node.cls.is_global:
            owner, group = checks.new_details(call, node)
            checks.may_refer(
                call, node, owner, group, [t for t in node.references.values() if t is not None]
            )
            row.update(details_columns(call, owner, group))
        elif cls == "ExperimenterGroup":
            row["details_permissions"] = _group_bits(node.object)
        row["details_externalInfo"] = None if node.external_info is None else node.external_info.id
        _append(call, node, row)
        rows.append(row)
    names = {name for row in rows for name in row}
    rows = [{name: row.get(name) for name in names} for row in rows]
    made = (
        call.db.execute(sql_insert(table).returning(table.c.id, sort_by_parameter_order=True), rows)
        .scalars()
        .all()
    )
    for node, identifier in zip(nodes, made, strict=True):
        node.id = identifier
    call.log("INSERT", cls, made)
    for node, identifier in zip(nodes, made, strict=True):
        for field, pairs in maps_of(node.object, cls).items():
            write_map(call, cls, field, identifier, pairs, anew=False)


def _append(call: Call, node: Node, row: dict[str, Any]) -> None:
    """Put a new member of an ordered collection, saved without the collection, behind the others."""
    table = tables.table(node.cls.name)
    for reference in node.cls.references:
        index = f"{reference.name}_index"
        target = node.references[reference.name]
        if index in table.c and index not in row and target is not None and target.id is not None:
            column = table.c[tables.column_name(node.cls.name, reference.name)]
            last = call.db.execute(
                select(func.max(table.c[index])).where(column == target.id)
            ).scalar()
            row[index] = 0 if last is None else last + 1


def _reference_columns(node: Node) -> dict[str, int | None]:
    return {
        tables.column_name(node.cls.name, name): None if target is None else target.id
        for name, target in node.references.items()
    }


def _group_bits(group: IObject) -> int:
    details = group.details
    asked = None if details is None else details.permissions
    return int(omero.model.PermissionsI("rw----").getPerm1() if asked is None else asked.getPerm1())


# ---------------------------------------------------------------- changes
def _update(call: Call, node: Node) -> None:
    """Write what differs from the row; nothing where nothing does."""
    cls, table = node.cls.name, tables.table(node.cls.name)
    held = node.row._mapping  # public in spite of its name
    sent = {**values_of(node.object, cls), **_reference_columns(node)}
    changed: dict[str, Any] = {
        column: value for column, value in sent.items() if value != held[column]
    }
    changed.update({c: p for c, p in node.places.items() if p != held[c]})
    changed.update(checks.existing_details(call, node))
    if node.external_info is not None and node.external_info.id != held["details_externalInfo"]:
        changed["details_externalInfo"] = node.external_info.id
    maps = {
        f: p for f, p in maps_of(node.object, cls).items() if p != _held_map(call, cls, f, node)
    }
    if not changed and not maps:
        return
    checks.may_change(call, node)
    if not node.cls.is_global:
        columns = {tables.column_name(cls, r.name): r.name for r in node.cls.references}
        targets = [node.references[columns[c]] for c in changed if c in columns]
        checks.may_refer(
            call,
            node,
            node.row.details_owner,
            node.row.details_group,
            [t for t in targets if t is not None],
        )
        changed["details_updateEvent"] = call.event_id
    if changed:
        call.db.execute(sql_update(table).where(table.c.id == node.id).values(changed))
    call.log("UPDATE", cls, [node.row.id])
    for field, pairs in maps.items():
        write_map(call, cls, field, node.row.id, pairs, anew=True)


def _held_map(call: Call, cls: str, field: str, node: Node) -> list[tuple[str, str]]:
    table = tables.map_table(cls, field)
    query = (
        select(table.c.name, table.c.value)
        .where(table.c.parent == node.id)
        .order_by(table.c.position)
    )
    return [(row.name, row.value) for row in call.db.execute(query)]


def _remove_links(call: Call, node: Node) -> None:
    """Delete the links and the parts that a loaded collection no longer holds."""
    for collection in node.cls.collections:
        if collection.name not in node.members or not _is_owned(collection):
            continue
        if CLASSES[collection.target].is_global or collection.name in ALWAYS_LOADED.get(
            node.cls.root.name, ()
        ):
            continue
        kept = {m.id for m in node.members[collection.name]}
        for row in _members(call, collection, node.id):
            if row.id not in kept:
                _delete_with_parts(call, _row_node(collection, row))


def _is_owned(collection: Collection) -> bool:
    """Whether the members are links or parts, which go with their object and when they are taken out of it.

    The real server's mappings (`object.vm`) say DELETE_ORPHAN of collections of links and of ordered ones alone.
    """
    return CLASSES[collection.target].link or collection.ordered


def _members(call: Call, collection: Collection, owner: int | None) -> Sequence[Any]:
    """Return the rows of a collection's members, as far as who asks may see them."""
    table = tables.table(collection.target)
    column = table.c[tables.column_name(collection.target, collection.inverse)]
    query = select(table).where(column == owner)
    seen = permissions.readable(call, collection.target, table)
    return call.db.execute(query if seen is None else query.where(seen)).all()


def _row_node(collection: Collection, row: Any) -> Node:
    cls = CLASSES[row._mapping.get("class") or collection.target]
    return Node(None, cls, row.id, loaded=False, new=False, row=row)


# ---------------------------------------------------------------- deleting one object
def delete_object(call: Call, cls: str, identifier: int) -> None:
    """Delete an object with its links and its parts; all else that refers to it forbids that."""
    node = Node(None, CLASSES[cls], identifier, loaded=False, new=False)
    _read_rows(call, [node])
    checks.existence(call, node)
    try:
        _delete_with_parts(call, node)
    except IntegrityError as error:
        raise refused(error) from None
    if cls in PEOPLE:
        call.people_changed()


def _delete_with_parts(call: Call, node: Node) -> None:
    """Delete an object, after what is nothing without it: the members of its collections of links and parts."""
    checks.may_delete(call, node)
    for collection in node.cls.collections:
        if _is_owned(collection):
            for row in _members(call, collection, node.id):
                _delete_with_parts(call, _row_node(collection, row))
    call.log("DELETE", node.cls.name, [node.row.id])
    table = tables.table(node.cls.name)
    call.db.execute(sql_delete(table).where(table.c.id == node.id))
