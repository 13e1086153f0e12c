"""The tree of a query whose names are resolved: what the second room (`resolve`) hands to the third (`emit`).

Every value has a type, every path has become a column of a `Source`, every implicit join a Source of its own. What
HQL can say in several ways is one `Operation` here, so that `emit` has little to tell apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from omero_embedded.hql.tree import Form, JoinKind
from omero_embedded.schema import Collection


@dataclass(frozen=True, slots=True)
class Type:
    """What a value is.

    `kind` is string, int, long, float, double, bool, time, bytes, strings, entity, quantity, unit, permissions,
    class (what `a.class` gives), javaclass (what `type(a)` gives), pair (a NamedValue) or unknown (null, and a
    parameter that nothing tells the type of). `of` names the class of an entity and the unit class of a quantity.
    """

    kind: str
    of: str = ""

    @property
    def is_number(self) -> bool:
        """Whether one can calculate with it."""
        return self.kind in NUMBERS


NUMBERS = ("int", "long", "float", "double")
STRING, INT, LONG, FLOAT, DOUBLE = (
    Type("string"),
    Type("int"),
    Type("long"),
    Type("float"),
    Type("double"),
)
BOOL, TIME, UNKNOWN, PERMISSIONS = Type("bool"), Type("time"), Type("unknown"), Type("permissions")


@dataclass(eq=False, slots=True)
class Source:
    """Rows that the query reads: of a class, or the pairs of a map.

    Attributes
    ----------
    cls
        The class of the rows; for pairs the class that the map belongs to.
    pairs
        The name of the map field, where the rows are pairs.
    parent
        The source it is joined to; None for a class in the from clause.
    reference
        The column of the parent that holds the id of these rows …
    collection
        … or the collection of the parent that these rows are.
    step
        What this is of its parent, for putting objects together: a field's name, or `details.owner` and so on.
    explicit
        Whether the text names it, not only a path that goes through it.
    """

    cls: str
    parent: Source | None = None
    kind: JoinKind = "inner"
    step: str = ""
    reference: str | None = None
    collection: Collection | None = None
    pairs: str | None = None
    fetch: bool = False
    alias: str | None = None
    explicit: bool = False
    conditions: list[Value] = field(default_factory=list)

    @property
    def type(self) -> Type:
        """The type of one of its rows."""
        return Type("pair") if self.pairs else Type("entity", self.cls)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a source; of a quantity the one with the number (`name`_unit is beside it)."""

    source: Source
    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that the text names."""

    value: int | float | str | bool | None
    type: Type


@dataclass(frozen=True, slots=True)
class Variable:
    """A parameter, and the type that its place in the query asks for. `many`: it stands where a list may stand."""

    name: str
    type: Type
    many: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator, a function or an aggregate with its operands."""

    name: str
    operands: tuple[Value, ...]
    type: Type


@dataclass(frozen=True, slots=True)
class Nested:
    """A sub-query as a value or a list of values."""

    query: Resolved
    type: Type


Value: TypeAlias = Column | Constant | Variable | Operation | Nested


@dataclass(frozen=True, slots=True)
class Output:
    """Something selected; `source` where it is a whole object (or a pair) of that source."""

    value: Value
    alias: str | None
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Mistake:
    """What the database would refuse.

    `of_data` says that it is the values that are wrong (SQLSTATE classes 21 and 22) and not the statement (class 42):
    the real server tells the two apart.
    """

    text: str
    of_data: bool = False


@dataclass(eq=False, slots=True)
class Resolved:
    """A query, ready to be emitted.

    `mistakes` says what only the database would have refused on the real server (a comparison of a number with a
    text, a column that is not grouped by): the query cannot be carried out, but its parameters are looked at first.
    """

    sources: list[Source] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    form: Form = "row"
    distinct: bool = False
    where: list[Value] = field(default_factory=list)
    group_by: list[Value] = field(default_factory=list)
    having: Value | None = None
    order_by: list[tuple[Value, bool]] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)


def parameter_name(names: list[str], name: str) -> str:
    """Return the name in SQL of a parameter: a number, as HQL allows more in a name than SQL does."""
    return f"p{names.index(name)}"


def list_name(names: list[str], name: str) -> str:
    """Return the name in SQL of a parameter where it stands for a list."""
    return f"{parameter_name(names, name)}_list"
