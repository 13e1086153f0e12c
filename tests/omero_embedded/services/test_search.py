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


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("buoy7", {"buoy7.tif"}),
        ("BUOY7", {"buoy7.tif"}),
        ("buoy7.tif", {"buoy7.tif", "dock_7.tif"}),  # either word will do
        ('"buoy7.tif"', {"buoy7.tif"}),
        ("buoy", set()),
        ("buoy*", {"buoy7.tif"}),
        ("7", {"dock_7.tif"}),
        ("tif AND dock", {"dock_7.tif"}),
        ("tif -dock", {"buoy7.tif"}),
        ("name:doc?", {"dock_7.tif"}),
        ("description:dock", set()),
    ],
)
def test_a_word_is_a_row_of_letters_and_digits(
    omero_client: Any, search: Any, sought: str, found: set[str]
) -> None:
    for name in ("buoy7.tif", "dock_7.tif"):
        dataset = omero.model.DatasetI()
        dataset.name = rstring(name)
        omero_client.sf.getUpdateService().saveObject(dataset)
    search.byFullText(sought)
    assert {o.name.val for o in (search.results() if search.hasNext() else ())} == found


def test_operators_hold_in_all_fields_that_are_asked_for(search: Any) -> None:
    search.byLuceneQueryBuilder("name,description", "", "", "", "yeast AND gluc*")
    assert [o.name.val for o in search.results()] == ["yeast glucose"]
