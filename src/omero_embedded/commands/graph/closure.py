"""How a graph grows: from the targets to all that goes along with them (see `rules`).

Each rule is one INSERT … SELECT into the selection. A kind that has grown has its rules applied again, until nothing
is added: so a tag that is on a Dataset and on its Images is taken once all of them are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Table,
    and_,
    exists,
    false,
    literal,
    or_,
    select,
    true,
    union,
)

from omero_embedded import tables
from omero_embedded.call import Call
from omero_embedded.commands.graph import options as child_options
from omero_embedded.commands.graph.options import LEAVE, TAKE, Option
from omero_embedded.commands.graph.rules import (
    BASIC,
    HELD_BY,
    HOLDERS_OF,
    ORDER,
    PARTS_OF,
    SHARED_NOTES,
    Holding,
    Part,
    kind_of,
)
from omero_embedded.commands.graph.selection import Selection
from omero_embedded.permissions import NOTHING, Rights, rights
from omero_embedded.schema import CLASSES

May = Callable[[Rights], bool]
PartsWhere = Callable[[Part, FromClause], ColumnElement[bool] | None]


@dataclass(frozen=True)
class Notes:
    """Which annotations a command takes along, of those that nothing else bears.

    Parameters
    ----------
    whoever
        Those that go along whoever owns them.
    same_owner
        Those that go along only where they have the owner of an object that bears them.
    unlinked
        Those that go where only the link to them is a target.
    groups
        Groups in which annotations go along at all; None is every group.
    """

    whoever: tuple[str, ...] = ()
    same_owner: tuple[str, ...] = SHARED_NOTES
    unlinked: tuple[str, ...] = ()
    groups: tuple[int, ...] | None = None


DELETED = Notes(
    whoever=BASIC, unlinked=(*BASIC, "ListAnnotation", "MapAnnotation", "XmlAnnotation")
)
"""What goes with what is deleted (blitz-delete-rules.xml, ANNOTATIONS)."""


class Growth:
    """Takes what goes along with what is selected.

    Parameters
    ----------
    selection
        Holds the targets; the rest is added to it.
    may
        Which right one must have on a child to take it. Parts go along whatever one may do with them.
    options
        The client's ChildOptions.
    whole
        Whether children are taken even where others hold them too (to count or to copy, not to change).
    leave
        Classes of which nothing is taken, nor what goes along with it.
    stop
        Classes whose objects are taken, but nothing that goes along with them.
    notes
        Which annotations are taken, unless it is the whole.
    apart
        Parts that do not go along, as class and reference.
    parts_where
        Gives a condition on the rows of a rule about parts for them to go along, or None.
    contents_of_same_owner
        Whether containers only take along what their owner owns too.
    """

    def __init__(
        self,
        call: Call,
        selection: Selection,
        may: May,
        options: Sequence[Option] = (),
        *,
        whole: bool = False,
        leave: Sequence[str] = (),
        stop: Sequence[str] = (),
        notes: Notes = Notes(),  # frozen
        apart: Sequence[tuple[str, str]] = (),
        parts_where: PartsWhere = lambda _part, _rows: None,
        contents_of_same_owner: bool = False,
    ) -> None:
        self._call = call
        self._parts_where = parts_where
        self._contents_of_same_owner = contents_of_same_owner
        self._notes = notes
        self._apart = {(kind_of(cls), field) for cls, field in apart}
        self._selection = selection
        self._may = may
        self._options = list(options)
        self._whole = whole
        self._leave = {c.name for name in leave for c in CLASSES[name].concrete}
        self._stop = {CLASSES[name].root.name for name in stop}
        self._empty: dict[Table, bool] = {}

    def grow(self) -> None:
        """Add all that goes along."""
        fresh = set(self._selection.kinds())
        while fresh:
            kind = min(fresh, key=_rank)
            fresh.discard(kind)
            if kind in self._stop:
                continue
            for part in PARTS_OF[kind]:
                if self._take_parts(part):
                    fresh.add(part.kind)
            for holding in HELD_BY[kind]:
                if self._take_children(holding):
                    fresh.add(holding.held_kind)
            if self._take_unlinked(kind):
                fresh.add("Annotation")

    def _take_parts(self, part: Part) -> int:
        if self._is_empty(part.rows) or (part.kind, part.whole) in self._apart:
            return 0
        selected, rows = self._selection.table, part.rows
        query = select(rows.c.id).join(
            selected, self._selection.join(part.whole_kind, rows.c[part.whole])
        )
        wanted = self._parts_where(part, rows)
        if wanted is not None:
            query = query.where(wanted)
        return self._selection.add_all(
            part.kind, rows.c.id, query.where(self._is_wanted(part.kind, rows))
        )

    def _take_children(self, holding: Holding) -> int:
        if self._is_empty(holding.rows) or CLASSES[holding.held_kind].is_global:
            return 0
        child = tables.table(holding.held_kind).alias("child")
        query = self._children(holding, child)
        if holding.held_kind == "Image" and not self._whole:
            query = query.where(self._has_its_fileset(child))
        return self._selection.add_all(holding.held_kind, child.c.id, query)

    def _children(self, holding: Holding, child: FromClause) -> Select[int]:
        """Return the query for what would be taken by a rule."""
        holder, held = holding.ends(holding.rows)
        # Each child once: whether others hold it may take long to find out for one that many hold.
        held_here = select(held).where(self._selection.among(holding.holder_kind, holder))
        if holding.link:
            held_here = held_here.where(self._is_wanted(holding.rows.name, holding.rows))
        # what a part is of holds it too
        parts = [
            wanted
            for part in PARTS_OF[holding.holder_kind]
            if (part.kind, part.whole) == (holding.held_kind, holding.holder)
            and (wanted := self._parts_where(part, child)) is not None
        ]
        return select(child.c.id).where(
            *parts,
            child.c.id.in_(held_here),
            self._is_wanted(holding.held_kind, child),
            self._is_permitted(holding, child),
            self._is_free(holding.held_kind, child),
        )

    def _has_its_fileset(self, child: FromClause) -> ColumnElement[bool]:
        """Whether all other Images of an Image's Fileset are or would be taken too, or an option takes it.

        An Image that others of its Fileset outlive stays: only one that is a target is refused
        (blitz-delete-rules.xml: «If a fileset is not to be deleted then nor are its images»).
        """
        other = tables.table("Image").alias("other")
        candidates = [
            self._children(holding, tables.table("Image").alias(f"candidate{place}"))
            for place, holding in enumerate(HOLDERS_OF["Image"])
            if not self._is_empty(holding.rows)
        ]
        left = exists(
            select(literal(1))
            .select_from(other)
            .where(
                other.c.fileset == child.c.fileset,
                ~self._selection.holds("Image", other.c.id),
                other.c.id.not_in(union(*candidates)) if candidates else true(),
            )
        )
        said = child_options.verdict(self._options, "Image", child)
        return ~left if said is None else or_(said == TAKE, ~left)

    def _take_unlinked(self, kind: str) -> int:
        """Take the annotations whose links are taken and that nothing else bears."""
        if not self._notes.unlinked or not kind.endswith("AnnotationLink"):
            return 0
        links, child = tables.table(kind), tables.table("Annotation").alias("child")
        taken = select(links.c.child).where(self._selection.among(kind, links.c.id))
        query = select(child.c.id).where(
            child.c.id.in_(taken),
            _is_any(child, self._notes.unlinked),
            or_(_is_any(child, self._notes.whoever), permitted(self._call, self._may, child)),
            self._is_free("Annotation", child),
        )
        return self._selection.add_all("Annotation", child.c.id, query)

    def _is_permitted(self, holding: Holding, child: FromClause) -> ColumnElement[bool]:
        """Whether one may take the child, and whether it is such an annotation as goes along."""
        may = permitted(self._call, self._may, child)
        if self._whole:
            return may
        if holding.held_kind != "Annotation":
            if self._contents_of_same_owner and holding.link:
                may = and_(may, child.c.id.in_(self._of_holders_owner(holding)))
            return may
        notes = self._notes
        return and_(
            or_(_is_any(child, notes.whoever), may),
            or_(~_is_any(child, notes.same_owner), child.c.id.in_(self._of_holders_owner(holding))),
            true() if notes.groups is None else child.c.details_group.in_(notes.groups),
        )

    def _of_holders_owner(self, holding: Holding) -> Select[int]:
        """Return the query for what selected objects of the same owner hold."""
        holders = tables.table(holding.holder_kind).alias()
        child = tables.table(holding.held_kind).alias()
        holder, held = holding.ends(holding.rows)
        return (
            select(held)
            .select_from(holding.rows)
            .join(holders, holders.c.id == holder)
            .join(child, child.c.id == held)
            .where(
                child.c.details_owner == holders.c.details_owner,
                self._selection.among(holding.holder_kind, holders.c.id),
            )
        )

    def _is_wanted(self, kind: str, rows: FromClause) -> ColumnElement[bool]:
        """Whether the request does not leave out the row's class."""
        if not self._leave:
            return true()
        if "class" in rows.c:
            return rows.c["class"].not_in(sorted(self._leave))
        names = {name.lower() for name in self._leave}
        return literal(kind.lower() not in names)

    def _is_free(self, kind: str, child: FromClause) -> ColumnElement[bool]:
        """Whether an option takes the child, or no option leaves it and nobody else holds it."""
        free = (
            true() if self._whole else and_(true(), *(~held for held in self._holders(kind, child)))
        )
        said = child_options.verdict(self._options, kind, child)
        return free if said is None else or_(said == TAKE, and_(said != LEAVE, free))

    def _holders(self, kind: str, child: FromClause) -> list[ColumnElement[bool]]:
        """Return the conditions that something which is not taken holds the child, one for each kind of holder."""
        found: list[ColumnElement[bool]] = []
        for holding in HOLDERS_OF[kind]:
            if self._is_empty(holding.rows):
                continue
            other = holding.rows.alias()
            holder, held = holding.ends(other)
            stays = [~self._selection.holds(holding.holder_kind, holder)]
            if holding.link:
                stays.append(~self._selection.holds(holding.link, other.c.id))
            query = (
                select(literal(1))
                .select_from(other)
                .where(held == child.c.id, holder.is_not(None), *stays)
            )
            found.append(exists(query))
        return found

    def _is_empty(self, table: Table) -> bool:
        """Whether the table has no row: most of the 29 kinds of annotation links have none, and need not be asked."""
        if table not in self._empty:
            self._empty[table] = (
                self._call.db.execute(select(literal(1)).select_from(table).limit(1)).first()
                is None
            )
        return self._empty[table]


def _is_any(rows: FromClause, names: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that an annotation is of one of the classes or below it."""
    concrete = sorted({c.name for name in names for c in CLASSES[name].concrete})
    return rows.c["class"].in_(concrete) if concrete else false()


def anything(_rights: Rights) -> bool:
    """Whatever the rights: to look at a graph, not to change it."""
    return True


def permitted(call: Call, may: May, rows: FromClause) -> ColumnElement[bool]:
    """Return the condition that who asks has the right on a row."""
    if may(NOTHING):
        return true()
    groups = call.people.groups
    on_all = [g for g in groups if may(rights(call, -1, g))]
    if len(on_all) == len(groups):
        return true()
    on_own = [g for g in groups if may(rights(call, call.user_id, g))]
    own = and_(rows.c.details_owner == call.user_id, rows.c.details_group.in_(on_own))
    return or_(own, rows.c.details_group.in_(on_all))


def _rank(kind: str) -> int:
    return ORDER.index(kind) if kind in ORDER else len(ORDER)
