"""From text to tree: the first of the three rooms a query goes through (parse, resolve, emit).

The grammar is `hql.lark`; the LALR parser made of it takes time in proportion to the text's length, whatever stands in
it. Trees are kept, as clients ask the same questions over and over.
"""

import functools
from importlib.resources import files
from typing import Any, cast

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import LarkError

from omero_embedded.hql import tree

MAX_LENGTH = 1_000_000
"""Characters in a text: clients write long lists of ids into their queries, but not more than this."""

MAX_DEPTH = 50
"""Nodes above one another in a tree. Everything after the parser goes down the tree by recursion."""

_COMPARISONS = {"<>": "!=", "^=": "!="}


class HqlError(Exception):
    """The query cannot be understood; the text says where or why."""


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> tree.Query | tree.DataChange:
    """Return the tree of a query.

    Raises
    ------
    HqlError
        The text is not HQL.
    """
    if len(text) > MAX_LENGTH:
        raise HqlError(f"a query of {len(text)} characters is too long")
    try:
        parsed = cast("tree.Query | tree.DataChange", _PARSER.parse(text))
    except LarkError as error:
        raise HqlError(str(error)) from error
    _check_depth(parsed)
    return parsed


def _check_depth(root: tree.Node) -> None:
    level: list[tree.Node] = [root]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in node.children()]
        if not level:
            return
    raise HqlError(f"expressions more than {MAX_DEPTH} deep")


def _word(token: Token) -> str:
    """Return the name in a token that may begin with a dot or a colon."""
    return token.lstrip(".:").strip()


def _number(text: str) -> tree.Number:
    text = text.lower()
    if text.startswith("0x"):
        digits = text.removesuffix("l")
        return tree.Number(int(digits, 16), "long" if text != digits else "int")
    if text.endswith(("bi", "l")):
        return tree.Number(int(text.rstrip("bil")), "long")
    if text.endswith("f"):
        return tree.Number(float(text[:-1]), "float")
    if text.endswith(("bd", "d")):
        return tree.Number(float(text.rstrip("bd")), "double")
    if any(c in text for c in ".e"):
        return tree.Number(float(text), "double")
    return tree.Number(int(text), "int")


@v_args(inline=True)
class _Builder(Transformer[Token, Any]):
    """Makes a node of each rule as soon as it is read; the methods bear the names of the rules in the grammar."""

    # -------------------------------------------------------------- names
    def path(self, first: Token, *rest: Token) -> tree.Path:
        return tree.Path((str(first), *map(_word, rest)))

    def name(self, name: Token) -> str:
        return str(name)

    def parameter(self, token: Token) -> tree.Parameter:
        return tree.Parameter(_word(token).lstrip("?"))

    # -------------------------------------------------------------- statements
    def statement(self, query: tree.Query) -> tree.Query:
        return query

    def data_change(self, verb: Token, *rest: object) -> tree.DataChange:
        target = next(node for node in rest if isinstance(node, tree.Path))
        return tree.DataChange(cast("Any", verb.lower()), target)

    def query(
        self,
        selection: tree.Selection | None,
        sources: tuple[tree.Range | tree.Join, ...],
        where: tree.Expression | None,
        grouping: tuple[tuple[tree.Expression, ...], tree.Expression | None] | None,
        order: tuple[tree.OrderKey, ...] | None,
    ) -> tree.Query:
        group_by, having = grouping or ((), None)
        return tree.Query(selection, sources, where, group_by, having, order or ())

    # -------------------------------------------------------------- select
    def select(
        self, distinct: Token | None, selection: tuple[tree.Form, tuple[tree.Selected, ...]]
    ) -> tree.Selection:
        form, items = selection
        return tree.Selection(items, form, distinct is not None)

    def select_row(self, *items: tree.Selected) -> tuple[tree.Form, tuple[tree.Selected, ...]]:
        return "row", items

    def select_new(
        self, target: tree.Path, *items: tree.Selected
    ) -> tuple[tree.Form, tuple[tree.Selected, ...]]:
        name = target.names[0].lower() if len(target.names) == 1 else ""
        form: tree.Form = "map" if name == "map" else "list" if name == "list" else "class"
        return form, items

    def select_object(self, alias: str) -> tuple[tree.Form, tuple[tree.Selected, ...]]:
        return "object", (tree.Selected(tree.Path((alias,)), None),)

    def selected(self, value: tree.Expression, alias: str | None) -> tree.Selected:
        return tree.Selected(value, alias)

    # -------------------------------------------------------------- from
    def sources(self, *sources: tree.Range | tree.Join) -> tuple[tree.Range | tree.Join, ...]:
        return sources

    def alias(self, name: str) -> str:
        return name

    def range_of_class(self, path: tree.Path, alias: str | None, _fetch_all: None) -> tree.Range:
        return tree.Range(path, alias)

    def range_of_collection(self, path: tree.Path, alias: str) -> tree.Join:
        return tree.Join("inner", False, path, alias, None)

    def range_in_class(self, alias: Token, path: tree.Path) -> tree.Range:
        return tree.Range(path, str(alias))

    def range_in_elements(self, alias: Token, _elements: Token, path: tree.Path) -> tree.Join:
        return tree.Join("inner", False, path, str(alias), None)

    def join(
        self,
        kind: tree.JoinKind | None,
        fetch: Token | None,
        path: tree.Path,
        alias: str | None,
        _fetch_all: None,
        condition: tree.Expression | None,
    ) -> tree.Join:
        return tree.Join(kind or "inner", fetch is not None, path, alias, condition)

    def join_left(self, *_: Token) -> tree.JoinKind:
        return "left"

    def join_right(self, *_: Token) -> tree.JoinKind:
        return "right"

    def join_full(self, *_: Token) -> tree.JoinKind:
        return "full"

    def join_inner(self, *_: Token) -> tree.JoinKind:
        return "inner"

    def join_condition(self, condition: tree.Expression) -> tree.Expression:
        return condition

    def fetch_all(self, *_: Token) -> None:
        return None

    # -------------------------------------------------------------- the other clauses
    def where(self, condition: tree.Expression) -> tree.Expression:
        return condition

    def grouping(self, *rest: Any) -> tuple[tuple[tree.Expression, ...], tree.Expression | None]:
        return tuple(rest[:-1]), rest[-1]

    def having(self, condition: tree.Expression) -> tree.Expression:
        return condition

    def order(self, *keys: tree.OrderKey) -> tuple[tree.OrderKey, ...]:
        return keys

    def order_key(self, value: tree.Expression, direction: Token | None) -> tree.OrderKey:
        return tree.OrderKey(value, direction is not None and direction.lower().startswith("desc"))

    # -------------------------------------------------------------- conditions
    def disjunction(self, first: tree.Expression, *rest: Any) -> tree.Expression:
        return tree.Any(_flat(tree.Any, (first, *rest)))

    def all_of(self, first: tree.Expression, *rest: Any) -> tree.Expression:
        return tree.All(_flat(tree.All, (first, *rest)))

    def negated(self, _not: Token, term: tree.Expression) -> tree.Expression:
        return term.term if isinstance(term, tree.Not) else tree.Not(term)

    def compare(self, left: tree.Expression, *rest: Any) -> tree.Expression:
        for operator, right in zip(rest[::2], rest[1::2], strict=True):
            left = _comparison(_COMPARISONS.get(operator, str(operator)), left, right)
        return left

    def equals(self, left: tree.Expression, right: tree.Expression) -> tree.Expression:
        return _comparison("=", left, right)

    def is_(
        self, left: tree.Expression, negated: Token | None, right: tree.Expression
    ) -> tree.Expression:
        return _comparison("!=" if negated else "=", left, right)

    def in_(self, value: tree.Expression, negated: Token | None, choices: Any) -> tree.In:
        return tree.In(value, choices, negated is not None)

    def between(self, value: Any, negated: Token | None, low: Any, high: Any) -> tree.Between:
        return tree.Between(value, low, high, negated is not None)

    def like(
        self, value: Any, negated: Token | None, pattern: Any, escape: Any | None
    ) -> tree.Like:
        return tree.Like(value, pattern, escape, negated is not None)

    def member_of(self, value: Any, negated: Token | None, path: tree.Path) -> tree.MemberOf:
        return tree.MemberOf(value, path, negated is not None)

    def quantified(self, quantifier: Token, source: Any) -> tree.Quantified:
        source = tree.Subquery(source) if isinstance(source, tree.Query) else source
        return tree.Quantified(cast("Any", quantifier.lower()), source)

    # -------------------------------------------------------------- values
    def concat(self, first: tree.Expression, *rest: Any) -> tree.Concatenation:
        return tree.Concatenation(_flat(tree.Concatenation, (first, *rest)))

    def arithmetic(
        self, left: tree.Expression, operator: Token, right: tree.Expression
    ) -> tree.Arithmetic:
        return tree.Arithmetic(cast("Any", str(operator)), left, right)

    def signed(self, sign: Token, value: tree.Expression) -> tree.Expression:
        if sign == "+":
            raise HqlError("unexpected AST node: +")  # Hibernate reads it and then does not know it
        if isinstance(value, tree.Number):
            return tree.Number(-value.value, value.kind)
        return tree.Negative(value)

    def searched_case(self, *rest: Any) -> tree.Case:
        return _case_of(None, rest)

    def simple_case(self, operand: tree.Expression, *rest: Any) -> tree.Case:
        return _case_of(operand, rest)

    def when(self, condition: tree.Expression, value: tree.Expression) -> tree.When:
        return tree.When(condition, value)

    def member(self, of: tree.Expression, name: Token, arguments: object) -> tree.Expression:
        if arguments is not None:
            raise HqlError(f"{_word(name)} is no function")
        if isinstance(of, tree.Path):
            return tree.Path((*of.names, _word(name)))
        if isinstance(of, tree.Element):
            return tree.Element(of.collection, of.index, (*of.names, _word(name)))
        raise HqlError(f"{_word(name)} of what is no path")

    def element(self, collection: tree.Expression, index: tree.Expression) -> tree.Element:
        return tree.Element(collection, index, ())

    def vector(self, *items: tree.Expression) -> tree.Items:
        return tree.Items(items)

    def items(self, *items: tree.Expression) -> tree.Items:
        return tree.Items(items)

    def subquery(self, query: tree.Query) -> tree.Subquery:
        return tree.Subquery(query)

    # -------------------------------------------------------------- functions
    def call(self, name: Token, arguments: tuple[str, tuple[Any, ...]] | None) -> tree.Expression:
        form, values = arguments or ("plain", ())
        function = name.lower()
        if form == "plain":
            if function == "trim" and len(values) == 1:
                return tree.Trim("both", None, values[0])
            return tree.Call(function, values)
        if form == "cast" and function == "cast":
            return tree.Cast(*values)
        if form == "from" and function == "extract" and isinstance(values[0], tree.Path):
            return tree.Extract(values[0].names[0].lower(), values[1])
        if form == "from" and function == "trim":
            return tree.Trim("both", *values)
        if form == "trim" and function == "trim":
            return tree.Trim(*values)
        raise HqlError(f"arguments that {function} does not take")

    def plain_arguments(self, *values: tree.Expression) -> tuple[str, tuple[Any, ...]]:
        return "plain", values

    def from_arguments(
        self, first: tree.Expression, value: tree.Expression
    ) -> tuple[str, tuple[Any, ...]]:
        return "from", (first, value)

    def trim_arguments(
        self, side: Token, character: Any, value: Any
    ) -> tuple[str, tuple[Any, ...]]:
        return "trim", (side.lower(), character, value)

    def trim_arguments_all(
        self, side: Token, value: tree.Expression
    ) -> tuple[str, tuple[Any, ...]]:
        return "trim", (side.lower(), None, value)

    def trim_blanks(self, value: tree.Expression) -> tuple[str, tuple[Any, ...]]:
        return "trim", ("both", None, value)

    def cast_arguments(self, value: tree.Expression, type_: str) -> tuple[str, tuple[Any, ...]]:
        return "cast", (value, type_.lower())

    def aggregate(self, function: Token, value: tree.Expression) -> tree.Aggregate:
        return tree.Aggregate(cast("Any", function.lower()), value, False)

    def count_rows(self, _star: Token) -> tree.Aggregate:
        return tree.Aggregate("count", None, False)

    def count(self, modifier: Token | None, value: tree.Expression) -> tree.Aggregate:
        return tree.Aggregate(
            "count", value, modifier is not None and modifier.lower() == "distinct"
        )

    def collection(self, part: Token, path: tree.Path) -> tree.CollectionOf:
        return tree.CollectionOf(cast("Any", part.lower()), path)

    # -------------------------------------------------------------- constants
    def number(self, token: Token) -> tree.Number:
        return _number(token)

    def string(self, token: Token) -> tree.Text:
        return tree.Text(token[1:-1].replace("''", "'"))

    def true(self, _token: Token) -> tree.Truth:
        return tree.Truth(True)

    def false(self, _token: Token) -> tree.Truth:
        return tree.Truth(False)

    def null(self, _token: Token) -> tree.Null:
        return tree.Null()

    def empty(self, _token: Token) -> tree.Empty:
        return tree.Empty()


def _flat(
    kind: type[tree.All | tree.Any | tree.Concatenation], terms: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Take terms that are of the same kind apart, so that a long row of them is no deep tree."""
    return tuple(t for term in terms for t in (term.terms if isinstance(term, kind) else (term,)))


def _comparison(operator: str, left: tree.Expression, right: tree.Expression) -> tree.Expression:
    """Make a comparison; with `null` and `empty` it asks for these, as it does in Hibernate (`= null` is `is null`)."""
    if operator in ("=", "!="):
        negated = operator == "!="
        if isinstance(right, tree.Empty):
            return tree.IsEmpty(left, negated)
        if isinstance(right, tree.Null):
            return tree.IsNull(left, negated)
        if isinstance(left, tree.Null):
            return tree.IsNull(right, negated)
    return tree.Comparison(cast("Any", operator), left, right)


def _case_of(operand: tree.Expression | None, rest: tuple[Any, ...]) -> tree.Case:
    whens = tuple(part for part in rest if isinstance(part, tree.When))
    return tree.Case(operand, whens, rest[-1])


# Made here, as the server imports this while it waits for its first client: it takes longer than a query.
_PARSER = Lark(
    files("omero_embedded.hql").joinpath("hql.lark").read_text(encoding="utf-8"),
    parser="lalr",
    start="statement",
    transformer=_Builder(),
    maybe_placeholders=True,
)
