"""A search out of several queries."""

from typing import Any

import omero
import omero.model
import pytest
from omero.rtypes import rstring


@pytest.fixture
def search(omero_client: Any) -> Any:
    update = omero_client.sf.getUpdateService()
    for name in ("yeast glucose", "yeast galactose", "bacteria glucose"):
        dataset = omero.model.DatasetI()
        dataset.name = rstring(name)
        update.saveObject(dataset)
    made = omero_client.sf.createSearchService()
    made.onlyType("Dataset")
    yield made
    made.close()


@pytest.mark.parametrize(
    ("operator", "found"),
    [
        ("_and", {"yeast glucose"}),
        ("_or", {"yeast glucose", "yeast galactose", "bacteria glucose"}),
        ("_not", {"yeast galactose"}),
    ],
)
def test_what_two_queries_find_is_put_together(search: Any, operator: str, found: set[str]) -> None:
    search.byFullText("yeast")
    getattr(search, operator)()
    search.byFullText("glucose")
    assert {o.name.val for o in search.results()} == found
    assert not search.hasNext()


def test_without_a_word_between_them_the_results_of_queries_come_one_after_the_other(
    search: Any,
) -> None:
    search.byFullText("galactose")
    search.byFullText("bacteria")
    assert [o.name.val for o in search.results()] == ["yeast galactose"]
    assert [o.name.val for o in search.results()] == ["bacteria glucose"]
