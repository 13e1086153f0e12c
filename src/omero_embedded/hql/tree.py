"""The tree of a parsed query: what the first room (`parse`) hands to the second (`resolve`).

Frozen nodes that say what was written and nothing about what it means: a `Path` is a row of names, whether it turns
out to be an alias, a property or a class is found by `resolve`. Two texts that differ in spacing, in the case of
their keywords or in needless brackets have equal trees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal as Choice
from typing import TypeAlias

NumberKind: TypeAlias = Choice["int", "long", "float", "double"]
JoinKind: TypeAlias = Choice["inner", "left", "right", "full"]
Form: TypeAlias = Choice["row", "map", "list", "object", "class"]


@dataclass(frozen=True, slots=True)
class Node:
    """Anything in the tree."""

    def children(self) -> Iterator[Node]:
        """Yield the nodes directly below this one."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Node):
                yield value
            elif isinstance(value, tuple):
                yield from (item for item in value if isinstance(item, Node))


@dataclass(frozen=True, slots=True)
class Path(Node):
    """Names with dots between: `d.details.owner.id`."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A number, and what kind of number Java takes it for."""

    value: int | float
    kind: NumberKind


@dataclass(frozen=True, slots=True)
class Text(Node):
    """A text in quotes."""

    value: str


@dataclass(frozen=True, slots=True)
class Truth(Node):
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True)
class Null(Node):
    """The word `null`, where it is no part of a comparison."""


@dataclass(frozen=True, slots=True)
class Empty(Node):
    """The word `empty`, which only `is` can use."""


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """`:name` or `?1` (whose name is `1`); a bare `?` has the empty name."""

    name: str


@dataclass(frozen=True, slots=True)
class All(Node):
    """Terms joined by `and`."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Any(Node):
    """Terms joined by `or`."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    """What `not` stands before."""

    term: Expression


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """Two values compared."""

    operator: Choice["=", "!=", "<", "<=", ">", ">="]
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class IsNull(Node):
    """`is null`, `is not null`, and `= null`."""

    value: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class IsEmpty(Node):
    """`is empty` and `is not empty`."""

    collection: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class In(Node):
    """`value in …`: a list in brackets, a sub-query, a parameter or a collection."""

    value: Expression
    choices: Items | Subquery | Parameter | Path | CollectionOf
    negated: bool


@dataclass(frozen=True, slots=True)
class Between(Node):
    """A value between two others, both included."""

    value: Expression
    low: Expression
    high: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class Like(Node):
    """A text compared with a pattern."""

    value: Expression
    pattern: Expression
    escape: Expression | None
    negated: bool


@dataclass(frozen=True, slots=True)
class MemberOf(Node):
    """Whether a value is in a collection."""

    value: Expression
    collection: Path
    negated: bool


@dataclass(frozen=True, slots=True)
class Quantified(Node):
    """`exists`, `all`, `any` or `some` before a sub-query or a collection."""

    quantifier: Choice["exists", "all", "any", "some"]
    source: Subquery | CollectionOf | Path


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """A calculation."""

    operator: Choice["+", "-", "*", "/", "%"]
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Negative(Node):
    """A value with a minus before it."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Concatenation(Node):
    """Texts joined by `||`."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class When(Node):
    """One branch of a `case`."""

    condition: Expression
    value: Expression


@dataclass(frozen=True, slots=True)
class Case(Node):
    """`case when …`, or `case operand when …`."""

    operand: Expression | None
    whens: tuple[When, ...]
    otherwise: Expression | None


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function with plain arguments."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Cast(Node):
    """`cast(value as type)`."""

    value: Expression
    type: str


@dataclass(frozen=True, slots=True)
class Extract(Node):
    """`extract(year from d.time)`."""

    field: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Trim(Node):
    """`trim(leading 'x' from d.name)`; without a character blanks go."""

    side: Choice["leading", "trailing", "both"]
    character: Expression | None
    value: Expression


@dataclass(frozen=True, slots=True)
class Aggregate(Node):
    """`count`, `sum`, `avg`, `min` or `max`; `count(*)` has no value."""

    function: Choice["count", "sum", "avg", "min", "max"]
    value: Expression | None
    distinct: bool


@dataclass(frozen=True, slots=True)
class CollectionOf(Node):
    """`elements(path)` or `indices(path)`."""

    part: Choice["elements", "indices"]
    path: Path


@dataclass(frozen=True, slots=True)
class Element(Node):
    """`path[index]`, and names that follow it."""

    collection: Expression
    index: Expression
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Items(Node):
    """Expressions in brackets with commas between."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Subquery(Node):
    """A query in brackets."""

    query: Query


@dataclass(frozen=True, slots=True)
class Selected(Node):
    """One thing that is selected, and its name."""

    value: Expression
    alias: str | None


@dataclass(frozen=True, slots=True)
class Selection(Node):
    """What stands after `select`; `form` says how a row is given (`new map` …)."""

    items: tuple[Selected, ...]
    form: Form
    distinct: bool


@dataclass(frozen=True, slots=True)
class Range(Node):
    """A class, or in a sub-query a collection of the outer query, with its alias."""

    path: Path
    alias: str | None


@dataclass(frozen=True, slots=True)
class Join(Node):
    """A `join`; `condition` is what stands after `with`."""

    kind: JoinKind
    fetch: bool
    path: Path
    alias: str | None
    condition: Expression | None


@dataclass(frozen=True, slots=True)
class OrderKey(Node):
    """One thing to order by."""

    value: Expression
    descending: bool


@dataclass(frozen=True, slots=True)
class Query(Node):
    """A query, or a sub-query."""

    selection: Selection | None
    sources: tuple[Range | Join, ...]
    where: Expression | None
    group_by: tuple[Expression, ...]
    having: Expression | None
    order_by: tuple[OrderKey, ...]


@dataclass(frozen=True, slots=True)
class DataChange(Node):
    """`update`, `delete` or `insert`: understood only as far as it takes to refuse it."""

    verb: Choice["update", "delete", "insert"]
    target: Path


Expression: TypeAlias = (
    Path
    | Number
    | Text
    | Truth
    | Null
    | Empty
    | Parameter
    | All
    | Any
    | Not
    | Comparison
    | IsNull
    | IsEmpty
    | In
    | Between
    | Like
    | MemberOf
    | Quantified
    | Arithmetic
    | Negative
    | Concatenation
    | Case
    | Call
    | Cast
    | Extract
    | Trim
    | Aggregate
    | CollectionOf
    | Element
    | Items
    | Subquery
)
