"""From text to tree: what is HQL, what is not, and that a text's looks do not matter."""

import contextlib
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omero_embedded.hql import tree
from omero_embedded.hql.parse import MAX_DEPTH, HqlError, parse


def where(text: str) -> tree.Expression | None:
    """Return the tree of a condition."""
    query = parse(f"from Dataset d where {text}")
    assert isinstance(query, tree.Query)
    return query.where


def path(text: str) -> tree.Path:
    """Return the path of names with dots between."""
    return tree.Path(tuple(text.split(".")))


def test_a_query_has_its_parts() -> None:
    query = parse(
        "select distinct d.name as n, count(*) from Dataset d left outer join fetch d.imageLinks as l, Image i "
        "where d.id = :id group by d.name having count(*) > 1 order by d.name desc, d.id"
    )
    name = path("d.name")
    assert query == tree.Query(
        tree.Selection(
            (tree.Selected(name, "n"), tree.Selected(tree.Aggregate("count", None, False), None)),
            "row",
            True,
        ),
        (
            tree.Range(path("Dataset"), "d"),
            tree.Join("left", True, path("d.imageLinks"), "l", None),
            tree.Range(path("Image"), "i"),
        ),
        tree.Comparison("=", path("d.id"), tree.Parameter("id")),
        (name,),
        tree.Comparison(">", tree.Aggregate("count", None, False), tree.Number(1, "int")),
        (tree.OrderKey(name, True), tree.OrderKey(path("d.id"), False)),
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("from Dataset d where d.id = 1", "FROM Dataset AS d\n\tWHERE d . id=1"),
        ("from Dataset d where (((d.id))) = 1", "from Dataset d where d.id = 1"),
        ("from Dataset d where d.id <> 1", "from Dataset d where d.id ^= 1"),
        ("from Dataset d where d.name = null", "from Dataset d where d.name is null"),
        ("from Dataset d where not not d.id = 1", "from Dataset d where d.id = 1"),
        ("from Dataset d where d.a = 1 and (d.b = 2 and d.c = 3)", "from Dataset d where d.a = 1 and d.b = 2 and d.c = 3"),
        ("from Dataset d inner join d.l x", "from Dataset d join d.l as x"),
        ("from Dataset d where d.id in ((:ids))", "from Dataset d where d.id in (:ids)"),
        ("select trim(d.name) from Dataset d", "select trim(both from d.name) from Dataset d"),
    ],
)  # fmt: skip
def test_looks_do_not_matter(one: str, other: str) -> None:
    assert parse(one) == parse(other)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("d.a = 1 or d.b = 2 and d.c = 3", tree.Any((tree.Comparison("=", path("d.a"), tree.Number(1, "int")), tree.All((tree.Comparison("=", path("d.b"), tree.Number(2, "int")), tree.Comparison("=", path("d.c"), tree.Number(3, "int"))))))),
        ("d.a + 2 * 3 = 7", tree.Comparison("=", tree.Arithmetic("+", path("d.a"), tree.Arithmetic("*", tree.Number(2, "int"), tree.Number(3, "int"))), tree.Number(7, "int"))),
        ("d.a - 1 - 2 = 0", tree.Comparison("=", tree.Arithmetic("-", tree.Arithmetic("-", path("d.a"), tree.Number(1, "int")), tree.Number(2, "int")), tree.Number(0, "int"))),
        ("not d.a = 1", tree.Not(tree.Comparison("=", path("d.a"), tree.Number(1, "int")))),
        ("d.name = 'it''s'", tree.Comparison("=", path("d.name"), tree.Text("it's"))),
        ("d.a = -1L", tree.Comparison("=", path("d.a"), tree.Number(-1, "long"))),
        ("d.a = 0x1F", tree.Comparison("=", path("d.a"), tree.Number(31, "int"))),
        ("d.a = 1.5f", tree.Comparison("=", path("d.a"), tree.Number(1.5, "float"))),
        ("d.a = .5e1", tree.Comparison("=", path("d.a"), tree.Number(5.0, "double"))),
        ("d.a = ?1", tree.Comparison("=", path("d.a"), tree.Parameter("1"))),
        ("d.details.group.id = :group", tree.Comparison("=", path("d.details.group.id"), tree.Parameter("group"))),
        ("d.l is not empty", tree.IsEmpty(path("d.l"), True)),
        ("d.a not between 1 and 2", tree.Between(path("d.a"), tree.Number(1, "int"), tree.Number(2, "int"), True)),
        ("d.a like 'x' escape '!'", tree.Like(path("d.a"), tree.Text("x"), tree.Text("!"), False)),
        (":x member of d.l", tree.MemberOf(tree.Parameter("x"), path("d.l"), False)),
        ("d.a in elements(d.l)", tree.In(path("d.a"), tree.CollectionOf("elements", path("d.l")), False)),
    ],
)  # fmt: skip
def test_a_condition_reads(text: str, expected: tree.Expression) -> None:
    assert where(text) == expected


def test_words_of_the_language_are_names_where_nothing_else_can_stand() -> None:
    query = parse(
        "select map.member as order from Experimenter as map join map.in as from where map.select = :where"
    )
    assert isinstance(query, tree.Query)
    assert query.selection is not None
    assert query.selection.items[0] == tree.Selected(path("map.member"), "order")
    assert query.sources[1].alias == "from"


@pytest.mark.parametrize(
    "text",
    ["", " ", "select", "select from where", "from", "from Dataset;", "from Dataset; delete from Dataset", "from Dataset d where", "from Dataset d where d.id =", "from Dataset d where d.id = 1 limit 3", "from Dataset d order by d.id nulls last", 'from Dataset d where d.name = "x"', "from Dataset d where d.name = 'x", "select * from dataset", "from Dataset d -- all", "from Dataset d where d.id in ()", "insert into Dataset values (1)", "drop table dataset", "from Dataset d where d.id == 1", "from Dataset d where (d.id = 1", "from Dataset d join", "\0"],
)  # fmt: skip
def test_this_is_no_hql(text: str) -> None:
    with pytest.raises(HqlError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "update Dataset set name = 'x'",
        "DELETE FROM Dataset d where d.id = 1",
        "insert into Dataset (name) select p.name from Project p",
    ],
)
def test_changes_are_recognised(text: str) -> None:
    assert parse(text) == tree.DataChange(text.split(maxsplit=1)[0].lower(), path("Dataset"))


@pytest.mark.parametrize(
    "nested",
    [
        "{}d.id{} = 1".format("(" * 20_000, ")" * 20_000),
        "d.id = " + "- " * 20_000 + "d.id",
        "d.id" + " + 1" * 20_000 + " = 1",
        "not " * 20_001 + "d.id = 1",
    ],
)
def test_deep_nesting_is_refused_or_read_and_never_breaks(nested: str) -> None:
    begun = time.process_time()
    with contextlib.suppress(HqlError):
        parse(f"from Dataset d where {nested}")
    assert time.process_time() - begun < 10


def test_too_deep_says_so() -> None:
    with pytest.raises(HqlError, match=f"more than {MAX_DEPTH} deep"):
        where("d.id" + " + 1" * 60 + " = 1")


def test_long_rows_of_terms_are_not_deep() -> None:
    condition = where(" or ".join(f"d.id = {i}" for i in range(5000)))
    assert isinstance(condition, tree.Any)
    assert len(condition.terms) == 5000


# ---------------------------------------------------------------- printed trees read as themselves
def conditions(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return conditions on values."""
    return st.one_of(
        st.builds(tree.Comparison, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), values, values),
        st.builds(tree.IsNull, values, st.booleans()),
        st.builds(tree.Between, values, values, values, st.booleans()),
        st.builds(tree.Like, values, values, st.none(), st.booleans()),
        st.builds(tree.In, values, st.lists(values, min_size=1, max_size=3).map(lambda i: tree.Items(tuple(i))), st.booleans()),
    )  # fmt: skip


NAMES = st.sampled_from(["d", "img", "details", "x1", "größe"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda names: tree.Path(tuple(names)))
VALUES = st.recursive(
    st.one_of(
        PATHS,
        st.integers(0, 99).map(lambda n: tree.Number(n, "int")),
        st.text("ab'% \\é", max_size=4).map(tree.Text),
        NAMES.map(tree.Parameter),
        st.booleans().map(tree.Truth),
    ),
    lambda inner: st.one_of(
        st.builds(tree.Arithmetic, st.sampled_from("+-*/%"), inner, inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda a: tree.Call("coalesce", tuple(a))),
        st.builds(tree.Cast, inner, st.just("string")),
        st.builds(tree.Aggregate, st.just("count"), inner, st.booleans()),
        st.builds(tree.Case, st.none(), st.lists(st.builds(tree.When, conditions(inner), inner), min_size=1, max_size=2).map(tuple), st.none() | inner),
    ),
    max_leaves=8,
)  # fmt: skip


CONDITIONS = st.recursive(
    conditions(VALUES),
    lambda inner: st.one_of(
        st.lists(inner.filter(lambda c: not isinstance(c, tree.All)), min_size=2, max_size=3).map(lambda t: tree.All(tuple(t))),
        st.lists(inner.filter(lambda c: not isinstance(c, tree.Any)), min_size=2, max_size=3).map(lambda t: tree.Any(tuple(t))),
        inner.filter(lambda c: not isinstance(c, tree.Not)).map(tree.Not),
    ),
    max_leaves=4,
)  # fmt: skip


def printed(node: Any) -> str:  # noqa: C901  # one case for each kind of node
    """Return the text of a tree, with brackets around everything."""
    no = "not " if getattr(node, "negated", False) else ""
    match node:
        case tree.Path(names):
            return ".".join(names)
        case tree.Number(value):
            return str(value)
        case tree.Text(value):
            return "'" + value.replace("'", "''") + "'"
        case tree.Parameter(name):
            return f":{name}"
        case tree.Truth(value):
            return str(value).upper()
        case tree.Arithmetic(operator, left, right) | tree.Comparison(operator, left, right):
            return f"({printed(left)} {operator} {printed(right)})"
        case tree.Call(name, arguments):
            return f"{name}({', '.join(map(printed, arguments))})"
        case tree.Cast(value, kind):
            return f"cast({printed(value)} as {kind})"
        case tree.Aggregate(function, value, distinct):
            return f"{function}({'distinct ' if distinct else ''}{printed(value)})"
        case tree.Case(_, whens, otherwise):
            branches = " ".join(
                f"when {printed(w.condition)} then {printed(w.value)}" for w in whens
            )
            return (
                f"case {branches} {'' if otherwise is None else 'else ' + printed(otherwise)} end"
            )
        case tree.IsNull(value):
            return f"({printed(value)} is {no}null)"
        case tree.Between(value, low, high):
            return f"({printed(value)} {no}between {printed(low)} and {printed(high)})"
        case tree.Like(value, pattern):
            return f"({printed(value)} {no}LIKE {printed(pattern)})"
        case tree.In(value, choices):
            return f"({printed(value)} {no}in ({', '.join(map(printed, choices.items))}))"
        case tree.All(terms):
            return f"({' and '.join(map(printed, terms))})"
        case tree.Any(terms):
            return f"({' OR '.join(map(printed, terms))})"
        case tree.Not(term):
            return f"(not {printed(term)})"
    raise AssertionError(node)


@settings(max_examples=200, deadline=None)
@given(CONDITIONS)
def test_a_printed_tree_reads_as_itself(condition: Any) -> None:
    assert where(printed(condition)) == condition
