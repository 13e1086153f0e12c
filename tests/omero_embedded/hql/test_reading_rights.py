"""Who finds what: permissions are a part of every query."""

from typing import Any

import pytest

SECRET = "select d.name from Dataset d where d.name like '% in secret' order by d.name"


@pytest.mark.parametrize(
    ("user", "group", "expected"),
    [
        ("ann", "secret", ["ann in secret"]),
        ("bob", "secret", ["bob in secret"]),
        ("carol", "secret", ["ann in secret", "bob in secret"]),
        ("root", "secret", ["ann in secret", "bob in secret"]),
        ("ann", "lab", []),
        ("root", "system", []),
    ],
)
def test_a_private_group_shows_its_members_their_own(
    lab: Any, user: str, group: str, expected: list[str]
) -> None:
    assert [r[0] for r in lab.project(SECRET, call=lab.call(user, group))] == expected


@pytest.mark.parametrize(("user", "expected"), [("ann", 1), ("carol", 2), ("root", 2)])
def test_all_groups_at_once(lab: Any, user: str, expected: int) -> None:
    group = "system" if user == "root" else "lab"
    assert len(lab.project(SECRET, call=lab.call(user, group, everywhere=True))) == expected


def test_a_group_to_read_in_shows_what_others_own(lab: Any) -> None:
    assert lab.project("select d.name from Dataset d where d.details.owner.omeName = 'bob'") == [
        ["bob in lab"]
    ]


@pytest.mark.parametrize(
    "query",
    [
        "select count(*) from Dataset d where d.name = 'bob in secret'",
        "select count(*) from Project p where exists (select d from Dataset d where d.name = 'bob in secret')",
        "select count(*) from Project p where (select count(d) from Dataset d where d.name = 'bob in secret') > 0",
        "select count(*) from Dataset d, Dataset e where e.name = 'bob in secret'",
    ],
)
def test_nothing_hidden_shows_in_counts_or_sub_queries(lab: Any, query: str) -> None:
    assert lab.project(query, call=lab.call("ann", "secret", everywhere=True)) == [[0]]


def test_groups_are_seen_by_all(lab: Any) -> None:
    query = "select g.name from ExperimenterGroup g order by g.name"
    everything = lab.project(query, call=lab.call("root", "system"))
    assert ["secret"] in everything
    assert lab.project(query) == everything
