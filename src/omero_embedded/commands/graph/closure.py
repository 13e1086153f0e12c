"""How a graph grows: from the targets to all that goes along with them (see `rules`).

Each rule is one INSERT … SELECT into the selection. A kind that has grown has its rules applied again, until nothing
is added: so a tag that is on a Dataset and on its Images is taken once all of them are.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, FromClause, Table, and_, exists, literal, or_, select, true

from omero_embedded import tables
from omero_embedded.call import Call
from omero_embedded.commands.graph import options as child_options
from omero_embedded.commands.graph.options import LEAVE, TAKE, Option
from omero_embedded.commands.graph.rules import HELD_BY, HOLDERS_OF, ORDER, PARTS_OF, Holding, Part
from omero_embedded.commands.graph.selection import Selection
from omero_embedded.permissions import NOTHING, Rights, rights
from omero_embedded.schema import CLASSES

May = Callable[[Rights], bool]


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
    ) -> None:
        self._call = call
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

    def _take_parts(self, part: Part) -> int:
        if self._is_empty(part.rows):
            return 0
        selected, rows = self._selection.table, part.rows
        query = select(rows.c.id).join(
            selected, self._selection.join(part.whole_kind, rows.c[part.whole])
        )
        return self._selection.add_all(
            part.kind, rows.c.id, query.where(self._is_wanted(part.kind, rows))
        )

    def _take_children(self, holding: Holding) -> int:
        if self._is_empty(holding.rows) or CLASSES[holding.held_kind].is_global:
            return 0
        child = tables.table(holding.held_kind).alias("child")
        holder, held = holding.ends(holding.rows)
        # Each child once: whether others hold it may take long to find out for one that many hold.
        held_here = select(held).where(self._selection.among(holding.holder_kind, holder))
        if holding.link:
            held_here = held_here.where(self._is_wanted(holding.rows.name, holding.rows))
        query = select(child.c.id).where(
            child.c.id.in_(held_here),
            self._is_wanted(holding.held_kind, child),
            permitted(self._call, self._may, child),
            self._is_free(holding.held_kind, child),
        )
        return self._selection.add_all(holding.held_kind, child.c.id, query)

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
            stays = ~self._selection.holds(holding.holder_kind, holder)
            query = (
                select(literal(1))
                .select_from(other)
                .where(held == child.c.id, holder.is_not(None), stays)
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
