"""Values by HQL: what a projection gives, and as which RTypes."""

from typing import Any

import omero
import pytest
from omero.rtypes import unwrap


def kinds(row: list[Any]) -> list[str]:
    """Return the names of the RTypes of a row."""
    return [type(c).__name__.removesuffix("I") for c in row]


@pytest.mark.parametrize(
    ("query", "types", "values"),
    [
        ("select d.id, d.name, d.description from Dataset d where d.id = :d", ["RLong", "RString", "RString"], ["#d", "Plate 0", "first"]),
        ("select p.sizeX, p.sizeZ * p.sizeC, p.pixelsType.value from Pixels p where p.id = :p", ["RInt", "RInt", "RString"], [8, 4, "uint16"]),
        ("select avg(p.sizeX), sum(p.sizeX), 1, 'a', 2L, 1.5 from Pixels p where p.id = :p", ["RDouble", "RLong", "RInt", "RString", "RLong", "RDouble"], [8.0, 8, 1, "a", 2, 1.5]),
        ("select 1, true, 2 from Pixels p where p.id = :p", ["RInt", "RInt"], [1, 2]),
        ("select count(*), count(distinct l.parent.id), max(l.child.id) - min(l.child.id) from DatasetImageLink l", ["RLong", "RLong", "RLong"], [2, 2, 1]),
        ("select d.details.owner.id, d.details.group.id from Dataset d where d.id = :d", ["RLong", "RLong"], ["#ann", "#lab"]),
        ("select upper(d.name), substring(d.name, 1, 2), coalesce(d.description, 'none') from Dataset d where d.id = :d", ["RString"] * 3, ["PLATE 0", "Pl", "first"]),
        ("select length(d.name), locate('a', d.name), concat(d.name, '!'), trim(both 'P' from d.name) from Dataset d where d.id = :d", ["RInt", "RInt", "RString", "RString"], [7, 3, "Plate 0!", "late 0"]),
        ("select nullif(d.name, 'x'), abs(-3), mod(7, 3), 7 / 2, -p.sizeX from Dataset d, Pixels p where d.id = :d and p.id = :p", ["RString", "RInt", "RInt", "RInt", "RInt"], ["Plate 0", 3, 1, 3, -8]),
        ("select p.physicalSizeX.value, p.physicalSizeX.unit from Pixels p where p.id = :p", ["RDouble", "RString"], [0.5, "MICROMETER"]),
        ("select m.name, m.value, index(m) from MapAnnotation a join a.mapValue m order by index(m) desc", ["RString", "RString", "RInt"], ["media", "2%", 1]),
        ("select c.logicalChannel.name, index(c) from Pixels p join p.channels c where p.id = :p order by index(c)", ["RString", "RInt"], ["RFP", 0]),
        ("select a.class, type(a) from Annotation a where a.id = :tag", ["RString", "RClass"], ["/basic/text/tag/", "ome.model.annotations.TagAnnotation"]),
        ("select (select count(l) from DatasetImageLink l where l.parent = d), d.id from Dataset d where d.id = :d", ["RLong", "RLong"], [1, "#d"]),
        ("select char_length(d.name), bit_length(d.name), octet_length(d.name), ascii(d.name) from Dataset d where d.id = :d", ["RLong", "RLong", "RLong", "RInt"], [7, 56, 7, 80]),
        ("select initcap(lower(d.name)), md5(d.name), ln(1.0), trunc(2.7), ceil(d.id) - d.id from Dataset d where d.id = :d", ["RString", "RString", "RDouble", "RDouble", "RLong"], ["Plate 0", "6068c771864160dd615524031a591646", 0.0, 2.0, 0]),
        ("select size(d.annotationLinks), max(d.id) - min(d.id) from Dataset d where d.id = :d", ["RInt", "RLong"], [2, 0]),
        ("select minindex(p.channels), maxindex(p.channels) from Pixels p where p.id = :p", ["RInt", "RInt"], [0, 1]),
        ("select count(elements(d.annotationLinks)), d.name from Dataset d where d.id = :d group by d.name", ["RLong", "RString"], [2, "Plate 0"]),
        ("select str(i.archived), cast(p.physicalSizeX.value * 2 as string), 'x' || p.physicalSizeX.value from Pixels p join p.image i where i.id = :i", ["RString"] * 3, ["false", "1", "x0.5"]),
        ("select stddev(p.sizeX), variance(p.sizeZ) from Pixels p", ["RDouble", "RDouble"], [0.0, 0.0]),
        ("select minIndex(c), maxIndex(c) from Pixels p join p.channels c where p.id = :p", ["RInt", "RInt"], [0, 1]),
        ("select d.owner.id, l.id from DatasetImageLink l join l.parent.details as d where l.child.id = :i and d.group.id > 0", ["RLong", "RLong"], ["#ann", "#l"]),
        ("select s.value, s.unit, p.id from Pixels p join p.physicalSizeX s where p.id = :p", ["RDouble", "RString", "RLong"], [0.5, "MICROMETER", "#p"]),
        ("select p.channels[1].logicalChannel.name, p.id from Pixels p where p.id = :p", ["RString", "RLong"], ["GFP", "#p"]),
        ("select sum(case when d.description is null then 1 else 0 end), max(d.name) from Dataset d", ["RLong", "RString"], [2, "bob in lab"]),
        ("select i.archived, i.series from Image i where i.id = :i", ["RBool", "RInt"], [False, 0]),
        ("select cast(p.sizeX as string), cast('3' as long), str(p.sizeX) from Pixels p where p.id = :p", ["RString", "RLong", "RString"], ["8", 3, "8"]),
    ],
)  # fmt: skip
def test_a_row_holds(lab: Any, query: str, types: list[str], values: list[Any]) -> None:
    ids = {
        "d": lab.ids["dataset0"],
        "p": lab.ids["pixels0"],
        "i": lab.ids["image0"],
        "tag": lab.ids["tag"],
    }
    link = lab.project("select l.id from DatasetImageLink l where l.child.id = :i", i=ids["i"])
    row = lab.rows(query, **ids)[0]
    assert kinds(row) == types
    known = {
        **{f"#{k}": v for k, v in ids.items()},
        "#ann": lab.ids["ann"],
        "#lab": lab.ids["lab"],
        "#l": link[0][0],
    }
    assert unwrap(row) == [known.get(v, v) if isinstance(v, str) else v for v in values]


def test_the_members_of_a_collection_can_be_selected(lab: Any) -> None:
    query = "select {} from Pixels p where p.id = :p"
    for said in ("p.channels", "elements(p.channels)"):
        rows = lab.rows(query.format(said), p=lab.ids["pixels0"])
        assert {c.val.id.val for (c,) in rows} == {lab.ids["channel00"], lab.ids["channel01"]}
    assert sorted(lab.project(query.format("indices(p.channels)"), p=lab.ids["pixels0"])) == [
        [0],
        [1],
    ]


def test_the_size_of_an_empty_collection_is_selected_as_none(lab: Any) -> None:
    query = "select size(d.annotationLinks) from Dataset d where d.id = :d"
    assert lab.project(query, d=lab.ids["dataset1"]) == [[0]]
    with pytest.raises(omero.ApiUsageException, match="GROUP BY"):
        lab.project(query.replace("select", "select d.id,"), d=lab.ids["dataset0"])


def test_an_object_comes_once_where_a_collection_is_fetched(lab: Any) -> None:
    query = "select {} from Dataset d left outer join {} d.annotationLinks l where d.id = :d"
    assert len(lab.rows(query.format("d", "fetch"), d=lab.ids["dataset0"])) == 1
    assert len(lab.rows(query.format("d", ""), d=lab.ids["dataset0"])) == 2


@pytest.mark.parametrize("key", ["2 desc", "name desc", "d.name desc"])
def test_a_number_or_name_to_order_by_is_what_is_selected_there(lab: Any, key: str) -> None:
    query = f"select d.id, d.name as name from Dataset d where d.name like 'Plate%' order by {key}"
    assert [name for _, name in lab.project(query)] == ["Plate 1", "Plate 0"]


def test_a_number_to_group_by_is_what_is_selected_there(lab: Any) -> None:
    query = "select p.sizeX, count(p) from Pixels p group by 1 order by 2"
    assert lab.project(query) == [[8, 2]]


def test_moments_are_told_as_the_database_tells_them(lab: Any) -> None:
    query = "select str(e.time), year(e.time), day(e.time) from Event e"
    text, year, day = lab.project(query)[0]
    assert text[:4] == str(year)
    assert int(text[8:10]) == day


def test_today_begins_before_now(lab: Any) -> None:
    query = (
        "select current_date, now(), hour(current_date), day(current_date()), day(current_timestamp)"
        " from Project p"
    )
    ((begins, now, hour, day, same),) = lab.project(query)
    assert begins <= now
    assert (hour, day) == (0, same)


def test_no_more_than_255_characters_are_cast(lab: Any) -> None:
    long = "x" * 300
    query = f"select length(cast('{long}' as string)), length(str('{long}')) from Project p"
    assert lab.project(query) == [[255, 300]]


def test_small_and_large_letters_are_those_of_all_alphabets(lab: Any) -> None:
    assert lab.project("select lower('ÄÖЖ'), upper('äöж') from Project p") == [["äöж", "ÄÖЖ"]]


def test_a_single_null_is_an_empty_row(lab: Any) -> None:
    query = "select {} from Dataset d where d.id = :d"
    assert lab.rows(query.format("d.description"), d=lab.ids["dataset1"]) == [[]]
    assert lab.rows(query.format("max(d.description)"), d=-1) == [[]]
    assert lab.project(query.format("d.description, d.name"), d=lab.ids["dataset1"]) == [
        [None, "Plate 1"]
    ]


def test_groups_are_counted_and_sorted(lab: Any) -> None:
    rows = lab.project(
        "select d.name, count(l.id) from Dataset d left outer join d.annotationLinks l where d.name like 'Plate%' "
        "group by d.name having count(l.id) >= 0 order by d.name desc"
    )
    assert rows == [["Plate 1", 0], ["Plate 0", 2]]


def test_whole_objects_can_be_grouped_by(lab: Any) -> None:
    rows = lab.rows(
        "select d, count(l) from Dataset d left outer join d.annotationLinks l "
        "where d.name in (:names) group by d order by count(l) desc",
        names=["Plate 0", "Plate 1", "Größe"],
    )
    assert [(d.val.name.val, n.val) for d, n in rows] == [("Plate 0", 2), ("Plate 1", 0)]


def test_a_reference_that_is_grouped_by_is_its_id(lab: Any) -> None:
    """OMERO.parade counts ROIs so."""
    query = "select l.parent.id, count(l.id) from DatasetAnnotationLink l group by l.parent"
    assert [count for _, count in lab.project(query)] == [2]


def test_owners_can_be_selected_and_counted(lab: Any) -> None:
    rows = lab.rows("select distinct d.details.owner from Dataset d")
    assert sorted(r[0].val.omeName.val for r in rows) == ["ann", "bob"]
    assert lab.project("select count(distinct d.details.owner) from Dataset d") == [[2]]


def test_objects_and_lists_of_them_are_parameters(lab: Any) -> None:
    datasets = [
        omero.rtypes.robject(omero.model.DatasetI(lab.ids[f"dataset{i}"], False)) for i in (0, 1)
    ]
    query = "select l.child.id from DatasetImageLink l where l.parent {} order by l.id"
    images = [[lab.ids["image0"]], [lab.ids["image1"]]]
    assert lab.project(query.format("= :d"), d=datasets[0]) == images[:1]
    assert lab.project(query.format("in (:d)"), d=omero.rtypes.rlist(datasets)) == images


def test_the_bits_of_permissions_can_be_asked_for(lab: Any) -> None:
    expected = omero.model.PermissionsI("rwra--").getPerm1()
    query = "select g.details.permissions.perm1, d.details.permissions.perm1 from ExperimenterGroup g, Dataset d where g.name = 'lab' and d.id = :d"
    assert lab.project(query, d=lab.ids["dataset0"]) == [[expected, expected]]


def test_nulls_are_the_largest_of_all(lab: Any) -> None:
    query = "select d.name from Dataset d where d.name like 'Plate%' order by d.description"
    assert lab.project(query) == [["Plate 0"], ["Plate 1"]]
    assert lab.project(f"{query} desc") == [["Plate 1"], ["Plate 0"]]


def test_a_map_has_the_names_that_were_given(lab: Any) -> None:
    rows = lab.project(
        "select new map(d.name as name, d.description as about, 1) from Dataset d where d.id = :d",
        d=lab.ids["dataset1"],
    )
    assert rows == [[{"name": "Plate 1", "about": None, "2": 1}]]


def test_a_list_is_one_value(lab: Any) -> None:
    rows = lab.project(
        "select new list(d.name, 2) from Dataset d where d.id = :d", d=lab.ids["dataset0"]
    )
    assert rows == [[["Plate 0", 2]]]


def test_an_object_in_a_map_can_stand_for_its_permissions(lab: Any) -> None:
    query = "select new map(d as d_details_permissions) from Dataset d where d.id = :d"
    ((own,),) = lab.project(query, d=lab.ids["dataset0"])
    assert own["d_details_permissions"]["canEdit"]
    ((others,),) = lab.project(query, d=lab.ids["bob in lab"])
    assert not others["d_details_permissions"]["canEdit"]
    assert others["d_details_permissions"]["canAnnotate"]
    assert others["d_details_permissions"]["perm"] == "rwra--"


def test_permissions_without_a_viewer_refuse_nothing(lab: Any) -> None:
    ((permissions, owner),) = lab.project(
        "select d.details.permissions, d.details.owner.omeName from Dataset d where d.id = :d",
        d=lab.ids["bob in lab"],
    )
    assert permissions["perm"] == "rwra--"
    assert all(v for k, v in permissions.items() if k.startswith("can"))
    assert owner == "bob"


def test_a_quantity_is_a_map(lab: Any) -> None:
    ((size, _),) = lab.project(
        "select p.physicalSizeX, p.id from Pixels p where p.id = :p", p=lab.ids["pixels0"]
    )
    assert size == {"value": 0.5, "unit": "MICROMETER", "symbol": "µm"}


def test_objects_come_loaded(lab: Any) -> None:
    ((dataset, link),) = lab.rows(
        "select d, l from Dataset d join d.imageLinks l join fetch d.details.owner where d.id = :d",
        d=lab.ids["dataset0"],
    )
    assert dataset.val.name.val == "Plate 0"
    assert dataset.val.details.owner.omeName.val == "ann"
    assert link.val.parent is dataset.val


def test_a_query_without_select_gives_every_class_it_names(lab: Any) -> None:
    rows = lab.rows("from Dataset d join d.imageLinks where d.id = :d", d=lab.ids["dataset0"])
    assert [type(c.val) for c in rows[0]] == [omero.model.DatasetI, omero.model.DatasetImageLinkI]


def test_times_can_be_compared_and_taken_apart(lab: Any) -> None:
    rows = lab.rows(
        "select e.time, year(e.time), extract(month from e.time) from Event e where e.time > '2001-01-01' and e.time <= current_timestamp"
    )
    assert kinds(rows[0]) == ["RTime", "RInt", "RInt"]
    assert rows[0][1].val >= 2024
    assert 1 <= rows[0][2].val <= 12


def test_private_names_that_are_joined_to_others_come_with_the_id(lab: Any) -> None:
    ann = lab.ids["ann"]
    query = (
        "select e.firstName || ' ' || e.lastName, concat('Dr ', e.lastName), e.lastName"
        " from Experimenter e where e.omeName = 'ann'"
    )
    assert lab.project(query) == [[f"{ann};Ann {ann};Doe", f"Dr {ann};Doe", "Doe"]]


def test_a_time_is_also_seconds_since_1970(lab: Any) -> None:
    query = "select extract(epoch from d.details.creationEvent.time), d.details.creationEvent.time from Dataset d where d.id = :d"
    ((seconds, moment),) = lab.project(query, d=lab.ids["dataset0"])
    assert seconds == moment // 1000  # an RInt, as every field of a time


def test_the_column_of_places_can_be_ordered_by(lab: Any) -> None:
    query = "select c.id from Channel c where c.pixels.id = :p order by pixels_index"
    found = lab.project(query, p=lab.ids["pixels0"])
    assert found == [[lab.ids["channel01"]], [lab.ids["channel00"]]]
