"""The client's ChildOptions: which children a command takes although others hold them, and which it leaves."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, FromClause, and_, case, literal, or_, true

from omero_embedded.schema import CLASSES, find_class

TAKE, LEAVE, ASK = 1, 2, 0
"""What an option says of a child: take it, leave it, or ask whether others hold it."""

LEFT_ALONE = (
    "openmicroscopy.org/omero/import/companionFile",
    "openmicroscopy.org/omero/measurement",
)
"""Namespaces of which an option says nothing that names none itself: what came with an Image."""


@dataclass(frozen=True)
class Option:
    """One ChildOption: classes to take or to leave, for annotations in some namespaces only."""

    include: tuple[str, ...]
    exclude: tuple[str, ...]
    namespaces: tuple[str, ...]
    other_namespaces: tuple[str, ...]

    def verdict(self, kind: str, rows: FromClause) -> ColumnElement[int] | None:
        """Return what the option says of rows of the kind, as an expression; None where it says nothing of them."""
        takes, leaves = _among(self.include, kind, rows), _among(self.exclude, kind, rows)
        if takes is None and leaves is None:
            return None
        branches = []
        for condition, verdict in ((takes, TAKE), (leaves, LEAVE)):
            if condition is not None:
                branches.append((and_(condition, self._in_namespace(kind, rows)), literal(verdict)))
        return case(*branches, else_=literal(ASK))

    def _in_namespace(self, kind: str, rows: FromClause) -> ColumnElement[bool]:
        if kind != "Annotation":
            return true()
        conditions: list[ColumnElement[bool]] = [true()]
        if self.namespaces:
            conditions.append(rows.c.ns.in_(self.namespaces))
        if self.other_namespaces:
            conditions.append(or_(rows.c.ns.is_(None), rows.c.ns.not_in(self.other_namespaces)))
        return and_(*conditions)


def _among(names: Sequence[str], kind: str, rows: FromClause) -> ColumnElement[bool] | None:
    """Return the condition that a row is of one of the classes; None where none of them has its rows in the table."""
    concrete = {c.name for name in names for c in CLASSES[name].concrete if c.root.name == kind}
    if not concrete:
        return None
    return true() if "class" not in rows.c else rows.c["class"].in_(sorted(concrete))


def read(given: Sequence[object] | None) -> list[Option]:
    """Read the ChildOptions of a request.

    Raises
    ------
    ValueError
        An option names no class, or one that does not exist, or namespaces both to look into and to leave out.
    """
    options = []
    for option in given or ():
        include, exclude = (
            _classes(getattr(option, name)) for name in ("includeType", "excludeType")
        )
        if not include and not exclude:
            raise ValueError("child option must include or exclude some type")
        inside, outside = (
            tuple(getattr(option, name) or ()) for name in ("includeNs", "excludeNs")
        )
        if inside and outside:
            raise ValueError("child option may not both include and exclude namespace")
        options.append(Option(include, exclude, inside, outside or (() if inside else LEFT_ALONE)))
    return options


def _classes(names: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(class_named(name) for name in names or ())


def class_named(name: str) -> str:
    """Return the class that Image or ome.model.core.Image means.

    Raises
    ------
    ValueError
        There is none.
    """
    short = name.rpartition(".")[2]
    model = find_class(short) if short in CLASSES else None
    if model is None:
        raise ValueError(f"unknown model object class named: {short}")
    return model.name


def verdict(options: Sequence[Option], kind: str, rows: FromClause) -> ColumnElement[int] | None:
    """Return what the first option that says something says of each row; None where none can."""
    said = [found for option in options if (found := option.verdict(kind, rows)) is not None]
    if not said:
        return None
    return case(*((one != ASK, one) for one in said), else_=literal(ASK))
