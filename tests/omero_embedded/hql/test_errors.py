"""What is wrong with a query or its parameters, and which of OMERO's exceptions says so."""

import contextlib
import random
import time
from typing import Any

import omero
import pytest
from omero.rtypes import rint, rlist, rlong, robject, rstring, rtime

from spoiled_hql import QUERIES, mutated

LIKE = "select d from Dataset d where d.id = :id and d.name like :name"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "select from where",
        "from Dataset;",
        "select x from Nonsense x",
        "from omero.model.Dataset",
        "select d from Dataset d where d.nonsense = 1",
        "select d from Dataset d where x.name = 'a'",
        "select nonsense from Dataset d",
        "select i from Image i where i.pixels.sizeX = 8",
        "select i from Image i join i.pixels.channels c",
        "select d from Dataset d join d.name n",
        "select d from Dataset d join Image i",
        "select d from Dataset d, Image d",
        "select d.imageLinks, d.id from Dataset d",
        "select d from Dataset d where d.details = 1",
        "select d.id = 1 from Dataset d",
        "select d from Dataset d where d.id",
        "select i from Image i where i.archived",
        "select i from Image i where not i.archived",
        "select d from Dataset d where lower(d.name)",
        "select d from Dataset d where (d.id = 1) = true",
        "select case when i.archived then 1 else 2 end from Image i",
        "select (select count(p) from Project p) + 1 from Dataset d",
        "select max((select count(p) from Project p)) from Dataset d",
        "select d from Dataset d order by (select count(p) from Project p)",
        "select d from Dataset d where elements(d.imageLinks) = 1",
        "select :x from Dataset d",
        "select null from Dataset d",
        "select case when d.name is null then null else d.name end from Dataset d",
        "select coalesce(null, d.name) from Dataset d",
        "select replace(d.name, 'a', 'b') from Dataset d",
        "select d from Dataset d where d.id = +1",
        "select d from Dataset d where (d.id, d.name) > (1, 'a')",
        "select d.id from Dataset d join fetch d.imageLinks",
        "select d from Dataset d left join fetch d.imageLinks l with l.id = 1",
        "select d from Dataset d left join d.imageLinks l with d.id = 1",
        "select e from Experimenter e where e.details.owner.id = 0",
        "select new java.util.Date(d.id) from Dataset d",
        "select cast(d.id as nonsense) from Dataset d",
        "select d from Dataset d where d.id = 99999999999999999999",
        "update Nonsense set name = 'x'",
    ],
)
def test_an_illegal_query(lab: Any, query: str) -> None:
    with pytest.raises(omero.QueryException) as caught:
        lab.find(query)
    assert caught.value.message.startswith(f"Illegal query:{query}")
    assert caught.value.serverExceptionClass == "ome.services.query.QueryException"


def test_no_query_is_an_illegal_one(lab: Any) -> None:
    with pytest.raises(omero.QueryException):
        lab.find(None)


@pytest.mark.parametrize(
    "query",
    [
        "update Dataset set name = 'x'",
        "delete from Dataset",
        "insert into Dataset (name) select p.name from Project p",
    ],
)
def test_changes_are_refused(lab: Any, query: str) -> None:
    with pytest.raises(
        omero.ApiUsageException,
        match=r"Not supported for DML operations .*ome.model.containers.Dataset",
    ):
        lab.find(query)


def test_a_missing_parameter(lab: Any) -> None:
    with pytest.raises(omero.ApiUsageException, match="Null parameters not allowed: name"):
        lab.find(LIKE, id=1)
    with pytest.raises(omero.ApiUsageException):
        lab.find("from Dataset where id = ?")


def test_a_parameter_too_many_is_ignored(lab: Any) -> None:
    assert lab.find(LIKE, id=lab.ids["dataset0"], name="%", other="x")


def test_a_positional_parameter_goes_by_its_number(lab: Any) -> None:
    assert lab.find("from Dataset where id = ?1", **{"1": lab.ids["dataset0"]})


def test_an_empty_list(lab: Any) -> None:
    with pytest.raises(omero.ApiUsageException, match="unexpected end of subtree"):
        lab.project("select d.id from Dataset d where d.id in (:ids)", ids=[])


def test_a_list_where_one_value_stands(lab: Any) -> None:
    with pytest.raises(omero.ApiUsageException, match="unexpected token"):
        lab.find("from Dataset where id = :ids", ids=[1, 2])


@pytest.mark.parametrize(
    "value",
    [
        rint(1),
        rstring("1"),
        rtime(1),
        robject(omero.model.DatasetI(1, False)),
        rlist([rlong(1), rint(1)]),
    ],
)
def test_a_parameter_of_the_wrong_type(lab: Any, value: Any) -> None:
    with pytest.raises(omero.InternalException, match="ClassCastException"):
        lab.find("from Dataset where id in (:id)", id=value)
    with pytest.raises(omero.InternalException, match="ClassCastException"):
        lab.find("select d from Dataset d where d.id + 1 = :id + 1", id=rlong(1))


def test_no_parameter_is_a_unit(lab: Any) -> None:
    with pytest.raises(omero.InternalException, match="ClassCastException"):
        lab.find("from Pixels p where p.physicalSizeX.unit = :unit", unit="µm")
    assert lab.find("from Pixels p where p.physicalSizeX.unit = 'µm'")


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("select p.id from Pixels p where p.sizeX = :v", rint(8)),
        ("select p.id from Pixels p where p.physicalSizeX.value > :v", omero.rtypes.rdouble(0.1)),
        ("select e.id from Event e where e.time > :v", rtime(0)),
        ("select i.id from Image i where i.archived = :v", omero.rtypes.rbool(True)),
        ("select d.id from Dataset d where lower(:v) = 'x' and d.id > 0 or d.id > 0", rstring("X")),
    ],
)
def test_parameters_of_every_type(lab: Any, query: str, value: Any) -> None:
    assert lab.project(query, v=value)


@pytest.mark.parametrize(
    "query",
    [
        "select d from Dataset d where d.name = 5",
        "select d from Dataset d where nonsense = 1",
        "select d from Dataset d where nonsense(d.id) = 1",
        "select d from Dataset d where count(d.id) = 1",
        "select d.id, d.name from Dataset d where d.name + 1 = 2",
        "select d.id, count(l.id) from Dataset d join d.imageLinks l group by d.name",
        "select distinct d.name from Dataset d order by d.id",
        "select distinct d from Dataset d order by lower(d.name)",
        "select d.id from Dataset d where d.id = (select l.id, l.parent.id from DatasetImageLink l)",
        "select sum(d.name) from Dataset d",
        "select upper(d.id) from Dataset d",
        "select abs(d.name) from Dataset d",
        "select year(d.name) from Dataset d",
        "select extract(day from d.id) from Dataset d",
        "select trim(d.id) from Dataset d",
        "select max(p.physicalSizeX) from Pixels p",
        "select count(p.physicalSizeX) from Pixels p",
        "select min(i.archived) from Image i",
        "select p from Pixels p where p.physicalSizeX = 0.5",
        "select p from Pixels p where p.physicalSizeX.unit like 'µ%'",
        "select p from Pixels p where lower(p.physicalSizeX.unit) = 'x'",
        "select e from Event e where e.time - 5 < current_timestamp",
        "select e from Event e where current_timestamp - e.time > 5",
        "select d from Dataset d where d.imageLinks is null",
        "select d from Dataset d where 1 in d.imageLinks",
        "select count(d.imageLinks) from Dataset d",
        "select count(m) from MapAnnotation a join a.mapValue m",
        "select d.id || d.id from Dataset d",
        "select d.id from Dataset d where (d.id, d.name) = (1, 'a', 2)",
        "select d.id from Dataset d order by 2",
        "select d.id from Dataset d order by 'name'",
    ],
)
def test_a_statement_that_only_the_database_refuses(lab: Any, query: str) -> None:
    with pytest.raises(omero.ApiUsageException, match="could not execute query"):
        lab.project(query)


@pytest.mark.parametrize(
    "query",
    [
        "select d from Dataset d where d.id = 'five'",
        "select e from Event e where e.time > 'yesterday noon'",
        "select d.id / 0 from Dataset d",
        "select current_timestamp - e.time from Event e",
        "select mod(d.id, 0) from Dataset d",
        "select sqrt(-1.0) from Dataset d",
        "select cast(d.name as long) from Dataset d",
        # The first row is right; SQLite works out each as it is fetched.
        "select cast(case when d.id = (select min(x.id) from Dataset x) then '1' else d.name end as long) from Dataset d",
        "select p from Pixels p where p.physicalSizeX.unit = 'MICROMETER'",
        "select p from Pixels p where p.pixelsType = 'uint16'",
        "select cast('2147483648' as int) from Dataset d",
        "select cast(d.name as double) from Dataset d",
        "select p from Project p where p.id = (select d.id from Dataset d)",
    ],
)
def test_values_that_only_the_database_refuses(lab: Any, query: str) -> None:
    with pytest.raises(omero.ValidationException, match="could not execute query"):
        lab.project(query)


@pytest.mark.parametrize(
    "condition",
    [
        "size(d.annotationLinks) = 2",
        "d.annotationLinks.size = 2",
        ":link in elements(d.imageLinks)",
        "exists elements(d.imageLinks)",
        "1 > maxelement(d.imageLinks)",
    ],
)
def test_the_real_server_cannot_ask_functions_of_filtered_collections(
    lab: Any, condition: str
) -> None:
    link = omero.rtypes.robject(omero.model.DatasetImageLinkI(1, False))
    with pytest.raises(omero.ValidationException):
        lab.find(f"select d from Dataset d where {condition}", link=link)


@pytest.mark.parametrize(
    "query",
    [
        "select d.id, d.name from Dataset d",
        "select d.id from Dataset d",
        "select d, l from Dataset d join d.imageLinks l",
        "select new map(d as d) from Dataset d",
    ],
)
def test_values_where_objects_are_asked_for(lab: Any, query: str) -> None:
    with pytest.raises(omero.InternalException):
        lab.find(query)
    assert lab.find(f"{query} where d.id = -1") == [], "nothing is nothing of either kind"


def test_what_no_rtype_can_hold(lab: Any) -> None:
    with pytest.raises(omero.QueryException):
        lab.project("select m from MapAnnotation a join a.mapValue m")
    for selected in ("d.details", "chr(65)"):
        with pytest.raises(omero.ApiUsageException, match="Unsupported conversion to rtype"):
            lab.project(f"select {selected} from Dataset d")


@pytest.mark.parametrize("depth", [10, 40, 60, 1000])
def test_a_deep_condition_is_answered_or_refused(lab: Any, depth: int) -> None:
    condition = "d.id = 1"
    for i in range(depth):
        condition = f"({condition} {'or' if i % 2 else 'and'} d.id = {i})"
    if depth < 50:
        assert lab.find(f"from Dataset d where {condition}") is not None
    else:
        with pytest.raises(omero.QueryException, match="deep"):
            lab.find(f"from Dataset d where {condition}")


@pytest.mark.parametrize("seed", range(4))
def test_a_spoiled_query_gives_an_answer_or_an_exception_of_omero(lab: Any, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(300):
        query = mutated(chance.choice(QUERIES), chance)
        begun = time.process_time()
        with contextlib.suppress(omero.ServerError):
            chance.choice([lab.find, lab.project])(
                query, ids=[1, 2], name="x", call=lab.call("root", "system")
            )
        assert time.process_time() - begun < 10, query
