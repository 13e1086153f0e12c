"""A search out of several queries."""

from typing import Any

import omero
import omero.model
import pytest
from omero.rtypes import rstring

from omero_embedded.services.lucene import written


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


def test_without_a_word_between_them_the_results_of_queries_fill_a_batch(search: Any) -> None:
    search.byFullText("galactose")
    search.byFullText("bacteria")
    assert [o.name.val for o in search.results()] == ["yeast galactose", "bacteria glucose"]
    assert not search.hasNext()


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("buoy7", {"buoy7.tif"}),
        ("BUOY7", {"buoy7.tif"}),
        ("buoy7.tif", {"buoy7.tif"}),  # a phrase
        ("buoy7 tif", {"buoy7.tif", "dock_7.tif"}),  # either word will do
        ('"buoy7.tif"', {"buoy7.tif"}),
        ("buoy", set()),
        ("buoy*", {"buoy7.tif"}),
        ("7", {"dock_7.tif"}),
        ("tif AND dock", {"dock_7.tif"}),
        ("tif -dock", {"buoy7.tif"}),
        ("name:doc?", {"dock_7.tif"}),
        ("description:dock", set()),
        ("name:(dock buoy7) AND 7", {"dock_7.tif"}),
        ("dock && !7", set()),
        ("NOT dock", set()),  # nothing but an exclusion finds nothing
        ("bouy7~", {"buoy7.tif"}),
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


@pytest.mark.parametrize("wrong", ["(", "name:OR", "AND dock", "dock AND", "a:b:c", '"dock', "()"])
def test_what_lucene_cannot_read_is_a_wrong_call(search: Any, wrong: str) -> None:
    with pytest.raises(omero.ApiUsageException, match="caused a parse exception"):
        search.byFullText(wrong)


# ---------------------------------------------------------------- as people type
@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("dock", "name:dock tag:dock"),
        ("dock-7.tif", "name:dock-7 tag:dock-7 name:tif tag:tif"),
        ('"on the quay" *', 'name:"on the quay" tag:"on the quay"'),
        ("depth:12", "depth:12"),  # what is under a key
        ("a b AND c", "name:a tag:a ((name:b tag:b) AND (name:c tag:c))"),
        ("a AND b c", "name:c tag:c ((name:a tag:a) AND (name:b tag:b))"),
        ("(", ""),
    ],
)
def test_what_a_person_types_is_sought_in_each_field(typed: str, asked: str) -> None:
    """As in the example of ome.util.search.LuceneQueryBuilder."""
    assert written(("name", "tag"), typed) == asked


@pytest.mark.parametrize("wrong", ["AND", "dock OR quay", "NOT dock", "dock -7"])
def test_words_of_the_language_are_no_words_to_look_for(search: Any, wrong: str) -> None:
    with pytest.raises(omero.ApiUsageException):
        search.byLuceneQueryBuilder("name", "", "", "", wrong)


def test_what_holds_no_word_finds_nothing(search: Any) -> None:
    search.byLuceneQueryBuilder("name", "", "", "", "( !")
    assert not search.hasNext()


# ---------------------------------------------------------------- what an object's entry holds
@pytest.fixture
def annotated(omero_client: Any) -> Any:
    """Return what searches for the Dataset that bears annotations, and tells whether it was found."""
    update = omero_client.sf.getUpdateService()
    file = omero.model.OriginalFileI()
    file.name, file.path, file.mimetype = (rstring(t) for t in ("tides.txt", "/", "text/plain"))
    file = update.saveAndReturnObject(file)
    store = omero_client.sf.createRawFileStore()
    store.setFileId(file.id.val)
    store.write(b"high and low", 0, 12)
    store.save()
    store.close()
    attached, tag, term, pairs = (
        getattr(omero.model, f"{kind}AnnotationI")() for kind in ("File", "Tag", "Term", "Map")
    )
    attached.file = omero.model.OriginalFileI(file.id.val, False)
    tag.textValue, tag.ns, tag.description = rstring("wet"), rstring("my.space"), rstring("unsaid")
    term.termValue = rstring("hull")
    pairs.mapValue = [omero.model.NamedValue("depth", "shallow")]
    dataset = omero.model.DatasetI()
    dataset.name = rstring("harbour")
    for annotation in (attached, tag, term, pairs):
        dataset.linkAnnotation(annotation)
    update.saveObject(dataset)
    made = omero_client.sf.createSearchService()
    made.onlyType("Dataset")

    def found(text: str) -> bool:
        made.byFullText(text)
        return bool(made.hasNext() and made.results())

    yield found
    made.close()


@pytest.mark.parametrize(
    "sought",
    [
        "annotation:wet",
        "tag:wet",
        "term:hull",
        "annotation:depth",
        "annotation:shallow",
        "has_key:depth",
        "depth:shallow",
        "annotation.ns:my.space",
        "annotation.type:MapAnnotation",
        "file.name:tides",
        "file.format:plain",
        "file.contents:low",
        "details.group.name:{group}",
        "low AND shallow AND wet AND hull AND harbour AND tides AND {group} AND dataset",
    ],
)
def test_what_the_index_has_of_an_object_is_found(
    annotated: Any, omero_client: Any, sought: str
) -> None:
    group = omero_client.sf.getAdminService().getEventContext().groupName
    assert annotated(sought.format(group=group))


@pytest.mark.parametrize(
    "sought", ["annotation:hull", "annotation:low", "tag:shallow", "unsaid", "hull:shallow"]
)
def test_a_word_is_found_in_its_own_field_only(annotated: Any, sought: str) -> None:
    assert not annotated(sought)


def test_words_like_one_come_as_comments(search: Any) -> None:
    search.bySimilarTerms(["yeest"])
    assert [o.textValue.val for o in search.results()] == ["yeast"]


# ---------------------------------------------------------------- by annotations
@pytest.fixture
def tagged(omero_client: Any, search: Any) -> Any:
    """Tag one of the three Datasets: that of bacteria."""
    query = omero_client.sf.getQueryService()
    dataset = query.findByString("Dataset", "name", "bacteria glucose")
    link = omero.model.DatasetAnnotationLinkI()
    link.parent, link.child = dataset.proxy(), omero.model.TagAnnotationI()
    link.child.textValue = rstring("seen twice")
    omero_client.sf.getUpdateService().saveObject(link)
    return search


def details_of(user: int) -> Any:
    details = omero.model.DetailsI()
    details.owner = omero.model.ExperimenterI(user, False)
    return details


def names(search: Any) -> set[str]:
    search.byFullText("glucose")
    return {o.name.val for o in (search.results() if search.hasNext() else ())}


def test_only_what_bears_an_annotation_of_a_class_is_found(tagged: Any) -> None:
    tagged.onlyAnnotatedWith(["TagAnnotation"])
    assert names(tagged) == {"bacteria glucose"}
    tagged.onlyAnnotatedWith(["CommentAnnotation"])
    assert names(tagged) == set()


def test_only_what_bears_an_annotation_of_somebody_or_of_others_is_found(
    omero_client: Any, tagged: Any
) -> None:
    me = omero_client.sf.getAdminService().getEventContext().userId
    tagged.onlyAnnotatedBy(details_of(me))
    assert names(tagged) == {"bacteria glucose"}
    tagged.onlyAnnotatedBy(details_of(0))
    assert names(tagged) == set()
    tagged.onlyAnnotatedBy(None)
    tagged.notAnnotatedBy(details_of(0))
    assert names(tagged) == {"bacteria glucose"}
    tagged.notAnnotatedBy(details_of(me))
    assert names(tagged) == set()


def test_tags_of_a_tag_and_a_tag_of_tags_are_found_by_text(omero_client: Any, search: Any) -> None:
    link = omero.model.AnnotationAnnotationLinkI()
    link.parent, link.child = omero.model.TagAnnotationI(), omero.model.TagAnnotationI()
    link.parent.textValue, link.child.textValue = rstring("the set"), rstring("the tag")
    omero_client.sf.getUpdateService().saveObject(link)
    search.byTagForGroups("the set")
    assert [t.textValue.val for t in search.results()] == ["the tag"]
    search.byGroupForTags("the tag")
    assert [t.textValue.val for t in search.results()] == ["the set"]
