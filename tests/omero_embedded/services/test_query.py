"""IQuery without HQL, through the real client: by field, by example, all of a class; and one by a query."""

from typing import Any

import omero
import omero.model
import omero.sys
import pytest
from omero.rtypes import rdouble, rint, rstring


def _page(offset: int | None = None, limit: int | None = None) -> omero.sys.Filter:
    made = omero.sys.Filter()
    made.offset = None if offset is None else rint(offset)
    made.limit = None if limit is None else rint(limit)
    return made


@pytest.fixture
def query(bench: Any) -> Any:
    """Return the query service of someone who has three Datasets, two of which bear one name."""
    for name in ("same", "same", "other"):
        bench.named("Dataset", name)
    return bench.client.sf.getQueryService()


# ---------------------------------------------------------------- all of a class
@pytest.mark.parametrize(
    ("page", "count"),
    [(None, 3), (_page(), 3), (_page(0, 2), 2), (_page(2, 2), 1), (_page(-1), 3), (_page(0, 0), 0)],
)
def test_all_objects_of_a_class_come_in_pages(query: Any, page: Any, count: int) -> None:
    assert len(query.findAll("Dataset", page)) == count


def test_no_page_is_of_less_than_nothing(query: Any) -> None:
    with pytest.raises(omero.ValidationException):
        query.findAll("Dataset", _page(0, -1))


# ---------------------------------------------------------------- by a text
def test_by_a_text(query: Any) -> None:
    assert query.findByString("Dataset", "name", "other").name.val == "other"
    assert query.findByString("Dataset", "name", "nothing") is None
    assert len(query.findAllByString("Dataset", "name", "AM", False, None)) == 2
    assert len(query.findAllByString("Dataset", "name", "AM", True, None)) == 0
    assert len(query.findAllByString("Dataset", "name", "", True, _page(0, 1))) == 1
    with pytest.raises(omero.ApiUsageException, match="more than one"):
        query.findByString("Dataset", "name", "same")


def test_a_field_that_is_not_there_is_a_wrong_call(query: Any) -> None:
    with pytest.raises(omero.ApiUsageException, match="could not resolve property: nonsense"):
        query.findByString("Dataset", "nonsense", "x")
    with pytest.raises(omero.ApiUsageException):
        query.findAllByString("Dataset", "nonsense", "x", True, None)


@pytest.mark.parametrize(
    ("cls", "field"), [("Dataset", "id"), ("Pixels", "sizeX"), ("Pixels", "image")]
)
def test_a_field_that_is_no_text_cannot_be_one(query: Any, cls: str, field: str) -> None:
    with pytest.raises(omero.InternalException, match="ClassCastException"):
        query.findByString(cls, field, "1")


# ---------------------------------------------------------------- by an example
def test_by_an_example(query: Any) -> None:
    example = omero.model.DatasetI()
    example.name = rstring("other")
    assert query.findByExample(example).name.val == "other"
    example.name = rstring("same")
    assert len(query.findAllByExample(example, None)) == 2
    with pytest.raises(omero.ApiUsageException, match="more than one"):
        query.findByExample(example)


def test_what_an_example_refers_to_does_not_count(bench: Any, query: Any) -> None:
    project = bench.named("Project", "p")
    for dataset in query.findAll("Dataset", None):
        bench.link("Project", project, "Dataset", dataset.id.val)
    example = omero.model.ProjectDatasetLinkI()
    example.child = omero.model.DatasetI(1, False)
    assert len(query.findAllByExample(example, None)) == 3


# ---------------------------------------------------------------- one by a query
@pytest.mark.parametrize(
    "text",
    [
        "select d.id from Dataset d where d.name = 'other'",
        "select d.id, d.name from Dataset d where d.name = 'other'",
        "select new map(d.name as name) from Dataset d where d.name = 'other'",
        "select count(d) from Dataset d",
        "from Dataset",
    ],
)
def test_one_object_is_not_many_and_no_value(query: Any, text: str) -> None:
    with pytest.raises(omero.ApiUsageException, match="Query named"):
        query.findByQuery(text, None)


def test_no_value_is_no_object(query: Any) -> None:
    assert query.findByQuery("select max(d.id) from Dataset d where d.id < 0", None) is None
    assert query.findByQuery("select d.id from Dataset d where d.id < 0", None) is None


# ---------------------------------------------------------------- what is loaded along
def test_a_shape_comes_with_its_transform(query: Any, bench: Any) -> None:
    """OMERO.iviewer, .figure and the JSON API fetch the shapes only, and show how they are transformed."""
    shape, roi = omero.model.PointI(), omero.model.RoiI()
    shape.transform = omero.model.AffineTransformI()
    for name in ("a00", "a10", "a01", "a11", "a02", "a12"):
        setattr(shape.transform, name, rdouble(2))
    roi.addShape(shape)
    made = bench.client.sf.getUpdateService().saveAndReturnObject(roi).id.val
    asked = f"select r from Roi r left outer join fetch r.shapes where r.id = {made}"
    (found,) = query.findByQuery(asked, None).copyShapes()
    assert found.transform.a00.val == 2


def test_a_new_server_knows_two_nodes(omero_client: Any) -> None:
    nodes = omero_client.sf.getQueryService().projection("select count(n) from Node n", None)
    assert nodes[0][0].val == 2  # as a real one: the first stands for no server
