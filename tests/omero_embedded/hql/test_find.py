"""Objects by HQL: which are found, and how much of them is loaded."""

from typing import Any

import omero
import pytest


def names(objects: list[Any]) -> list[str]:
    """Return the names of objects."""
    return [o.name.val for o in objects]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select d from Dataset d where d.id = :d0", ["Plate 0"]),
        ("from Dataset where id = :d0", ["Plate 0"]),
        ("from Dataset d where d.id = :d0", ["Plate 0"]),
        ("FROM ome.model.containers.Dataset AS d WHERE d.id = :d0", ["Plate 0"]),
        ("select d from Dataset d where d.name like :like order by d.id", ["Plate 0", "Plate 1"]),
        ("select d from Dataset d where d.name like 'plate%'", []),
        ("select d from Dataset d where lower(d.name) like 'plate%' order by d.id desc", ["Plate 1", "Plate 0"]),
        ("select d from Dataset d where d.name like 'Plate\\_0'", []),
        ("select d from Dataset d where d.name like 'Plate!_0' escape '!'", []),
        ("select d from Dataset d where d.id in (:ids) and d.id not in (:d0)", ["Plate 1"]),
        ("select d from Dataset d where d.id in :ids order by d.id", ["Plate 0", "Plate 1"]),
        ("select d from Dataset d where d.id in (:d0, :d1) and d.name in ('Plate 1', 'x')", ["Plate 1"]),
        ("select d from Dataset d where d.id in (:ids) and d.description is null", ["Plate 1"]),
        ("select d from Dataset d where d.id in (:ids) and d.description is not null", ["Plate 0"]),
        ("select d from Dataset d where d.id in (:ids) and d.description = null", ["Plate 1"]),
        ("select d from Dataset d where d.id in (:ids) and d.annotationLinks is empty", ["Plate 1"]),
        ("select d from Dataset d where d.id in (:ids) and d.annotationLinks is not empty", ["Plate 0"]),
        ("select d from Dataset d where d.id between :d0 and :d0", ["Plate 0"]),
        ("select d from Dataset d where not (d.id = :d0) and d.id in (:ids)", ["Plate 1"]),
        ("select d from Dataset d where d.id = :d0 or d.id = :d1 and d.name = 'x'", ["Plate 0"]),
        ("select d from Dataset d where exists (select l from DatasetAnnotationLink l where l.parent = d)", ["Plate 0"]),
        ("select d from Dataset d where exists (from d.annotationLinks l where l.child.id = :tag)", ["Plate 0"]),
        ("select d from Dataset d where d in (select l.child from ProjectDatasetLink l) order by d.id", ["Plate 0", "Plate 1"]),
        ("select d from Dataset d where d.id = (select max(l.child.id) from ProjectDatasetLink l)", ["Plate 1"]),
        ("select d from Dataset d where d.id >= all (select l.child.id from ProjectDatasetLink l) and d.id in (:ids)", ["Plate 1"]),
        ("select d from Dataset d where d.id = any (select l.child.id from ProjectDatasetLink l) order by d.id", ["Plate 0", "Plate 1"]),
        ("select d from Dataset d where (d.id, d.name) = (:d0, 'Plate 0')", ["Plate 0"]),
        ("select d from Dataset d where d.id in (:ids) and (d.id, d.name) != (:d0, 'Plate 0')", ["Plate 1"]),
        ("select d from Dataset d where replace(d.name, ' 0', '!') = 'Plate!'", ["Plate 0"]),
        ("select d from Dataset d where left(d.name, 1) || right(d.name, 1) = 'P1'", ["Plate 1"]),
        ("select d from Dataset d where greatest(d.id, :d0) = d.id and d.id in (:ids) order by d.id", ["Plate 0", "Plate 1"]),
        ("select d from Dataset d where :link member of d.imageLinks", ["Plate 0"]),
        ("select d from Dataset d where d.details.owner.omeName = 'bob'", ["bob in lab"]),
        ("select d from Dataset d where d.details.owner.id = :bob", ["bob in lab"]),
        ("select d from Dataset d where cast(d.id as string) = :text", ["Plate 0"]),
        ("select d from Dataset d where d.id = :d0 and d.name || 'x' like '%0x'", ["Plate 0"]),
        ("select d from Dataset d where d.id + 1 - 1 = :d0", ["Plate 0"]),
        ("select d from Dataset d where (case when d.description is null then 1 else 2 end) = 2", ["Plate 0"]),
        ("select d from Dataset d where case d.name when 'Plate 1' then 1 else 0 end = 1", ["Plate 1"]),
        ("select d from Dataset d join d.annotationLinks l join l.child a join a.mapValue m where m.value = 'Mig1'", ["Plate 0"]),
        ("select d from Dataset d left outer join d.annotationLinks l with l.child.id = :tag where d.id = :d1", ["Plate 1"]),
        ("select i from Image i where i.archived = true", ["pos001"]),
        ("select i from Image i where i.archived = :no", ["pos000"]),
        ("select p.image from Pixels p where p.pixelsType.value = 'uint16' and p.id = :p0", ["pos000"]),
        ("select i from Image i, Dataset d, DatasetImageLink l where l.parent = d and l.child = i and d.id = :d1", ["pos001"]),
        ("select i from Pixels p right outer join p.image i where i.id = :i0", ["pos000"]),
        ("select p from Project p where p.id = :p", ["yeast"]),
        ("select p from Image i join i.datasetLinks dl join dl.parent ds join ds.projectLinks pl join pl.parent p where i.id = :i0", ["yeast"]),
        ("select object(d) from Dataset as d where d.id = :d0", ["Plate 0"]),
        ("select d from Dataset d order by d.details.owner.omeName, d.description, d.id", ["Plate 0", "Plate 1", "bob in lab"]),
    ],
)  # fmt: skip
def test_a_query_finds(lab: Any, query: str, expected: list[str]) -> None:
    link = lab.project(
        "select l.id from DatasetImageLink l where l.parent.id = :d", d=lab.ids["dataset0"]
    )[0][0]
    found = lab.find(
        query,
        **{f"d{i}": lab.ids[f"dataset{i}"] for i in range(2)},
        ids=[lab.ids["dataset0"], lab.ids["dataset1"]],
        i0=lab.ids["image0"],
        p0=lab.ids["pixels0"],
        p=lab.ids["project"],
        tag=lab.ids["tag"],
        bob=lab.ids["bob"],
        link=omero.rtypes.robject(omero.model.DatasetImageLinkI(link, False)),
        like="Plate%",
        text=str(lab.ids["dataset0"]),
        no=False,
    )
    assert names(found) == expected


def test_what_is_not_fetched_is_not_loaded(lab: Any) -> None:
    (pixels,) = lab.find("from Pixels where id = :id", id=lab.ids["pixels0"])
    assert pixels.isLoaded()
    assert not pixels.image.isLoaded()
    assert not pixels.pixelsType.isLoaded()
    assert not pixels.isChannelsLoaded()
    details = pixels.details
    assert not details.owner.isLoaded()
    assert details.group.isLoaded()
    assert not details.creationEvent.isLoaded()
    assert str(details.permissions) == "rwra--"


def test_what_is_fetched_is_loaded(lab: Any) -> None:
    (pixels,) = lab.find(
        "select p from Pixels p join fetch p.image i join fetch p.channels c join fetch c.logicalChannel "
        "join fetch p.details.owner join fetch p.details.creationEvent where p.id = :id",
        id=lab.ids["pixels0"],
    )
    assert pixels.image.name.val == "pos000"
    assert pixels.details.owner.omeName.val == "ann"
    assert pixels.details.creationEvent.session.isLoaded()
    assert pixels.details.updateEvent is pixels.details.creationEvent
    channels = pixels.copyChannels()
    assert [c.logicalChannel.name.val for c in channels] == ["RFP", "GFP"], (
        "in the order of their index"
    )
    assert channels[0].pixels is pixels


def test_each_object_comes_once_where_a_collection_is_fetched(lab: Any) -> None:
    found = lab.find(
        "select d from Dataset d left join fetch d.annotationLinks l left join fetch l.child where d.name like 'Plate%' order by d.id"
    )
    assert names(found) == ["Plate 0", "Plate 1"]
    assert found[0].sizeOfAnnotationLinks() == 2
    assert found[1].sizeOfAnnotationLinks() == 0


def test_a_join_without_fetch_repeats_the_object(lab: Any) -> None:
    assert names(lab.find("select d from Dataset d join d.annotationLinks l")) == [
        "Plate 0",
        "Plate 0",
    ]
    assert names(lab.find("select distinct d from Dataset d join d.annotationLinks l")) == [
        "Plate 0"
    ]


def test_a_condition_on_a_fetched_collection_leaves_members_out(lab: Any) -> None:
    (found,) = lab.find(
        "select a from MapAnnotation a join fetch a.mapValue m where m.name = 'strain'"
    )
    assert [(p.name, p.value) for p in found.mapValue] == [("strain", "Mig1")]
    (whole,) = lab.find("from MapAnnotation where id = :id", id=lab.ids["map"])
    assert [(p.name, p.value) for p in whole.mapValue] == [("strain", "Mig1"), ("media", "2%")]


def test_annotations_come_as_what_they_are(lab: Any) -> None:
    found = lab.find(
        "select a from Annotation a where a.class in (TagAnnotation, MapAnnotation) order by a.id"
    )
    assert [type(a) for a in found] == [omero.model.TagAnnotationI, omero.model.MapAnnotationI]
    assert found[0].textValue.val == "Batgirl"


@pytest.mark.parametrize(
    "condition",
    [
        "a.class = TagAnnotation",
        "type(a) = TagAnnotation",
        "a.class = '/basic/text/tag/'",
        "a.class = :text",
        "a.class != MapAnnotation",
    ],
)
def test_the_class_of_an_annotation_can_be_asked_for(lab: Any, condition: str) -> None:
    found = lab.find(f"select a from Annotation a where {condition}", text="/basic/text/tag/")
    assert [a.id.val for a in found] == [lab.ids["tag"]]


def test_the_name_of_a_class_is_no_text_that_stands_for_one(lab: Any) -> None:
    assert lab.find("from Annotation a where a.class = 'TagAnnotation'") == []


def test_the_end_of_a_link_to_an_annotation_is_always_loaded(lab: Any) -> None:
    (link,) = lab.find("from ImageAnnotationLink l where l.child.id = :tag", tag=lab.ids["tag"])
    assert isinstance(link.child, omero.model.TagAnnotationI)
    assert link.child.isLoaded()
    assert not link.parent.isLoaded()


def test_a_field_of_a_subclass_is_found_through_the_class_above(lab: Any) -> None:
    found = lab.find(
        "select p from Project p left outer join fetch p.annotationLinks as alinks "
        "left outer join fetch alinks.child as annotation where alinks.child.textValue like :text",
        text="%girl",
    )
    assert names(found) == ["yeast"]
    assert found[0].linkedAnnotationList()[0].textValue.val == "Batgirl"


def test_quantities_are_loaded_with_their_unit(lab: Any) -> None:
    (pixels,) = lab.find(
        "from Pixels p where p.physicalSizeX.value = 0.5 and p.id = :id", id=lab.ids["pixels0"]
    )
    assert pixels.physicalSizeX.getValue() == 0.5
    assert pixels.physicalSizeX.getUnit() == omero.model.enums.UnitsLength.MICROMETER


def test_an_empty_page_holds_one_object_where_a_collection_is_fetched(lab: Any) -> None:
    """Hibernate cuts such pages itself, and asks whether one is full after it has put an object on it."""
    query = "select d from Dataset d {} where d.name like 'Plate%' order by d.id"
    assert lab.find(query.format(""), (0, 0)) == []
    assert names(lab.find(query.format("join fetch d.imageLinks"), (0, 0))) == ["Plate 0"]


def test_a_size_can_be_asked_of_what_everyone_may_see(lab: Any) -> None:
    found = lab.find("from MapAnnotation a where size(a.mapValue) = 2")
    assert [a.id.val for a in found] == [lab.ids["map"]]
    query = "from ExperimenterGroup g where size(g.groupExperimenterMap) = 3 order by g.name"
    assert names(lab.find(query)) == ["lab", "secret"]


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ((0, 1), ["Plate 0"]),
        ((1, 1), ["Plate 1"]),
        ((2, 5), []),
        ((0, 9), ["Plate 0", "Plate 1"]),
    ],
)
@pytest.mark.parametrize(
    "query",
    [
        "select d from Dataset d where d.name like 'Plate%' order by d.id",
        "select d from Dataset d left join fetch d.annotationLinks where d.name like 'Plate%' order by d.id",
        "select distinct d from Dataset d left join fetch d.annotationLinks where d.name like 'Plate%' order by d.name",
    ],
)
def test_a_page_is_of_objects(
    lab: Any, query: str, page: tuple[int, int], expected: list[str]
) -> None:
    found = lab.find(query, page)
    assert names(found) == expected
    if found and found[0].isAnnotationLinksLoaded():
        assert found[0].sizeOfAnnotationLinks() == (2 if found[0].name.val == "Plate 0" else 0)


def test_what_an_outer_join_does_not_find_is_none(lab: Any) -> None:
    found = lab.find(
        "select l from Dataset d left outer join d.annotationLinks l where d.id = :d",
        d=lab.ids["dataset1"],
    )
    assert found == [None]
