"""Searching on a real server; each test has a user and a group of its own."""

from datetime import date, datetime, timedelta, timezone

import omero
import omero.model
import pandas as pd
import pytest
from omero.rtypes import rstring, rtime

from omero_bench import Bench
from pyomero_upload.errors import UsageError
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.searching import Searcher, like_pattern, parse_key_values


@pytest.fixture
def bench(omero_client):
    return Bench(omero_client)


@pytest.fixture
def searcher(omero_client):
    return Searcher(Connection.over(omero_client))


def key_values(bench, cls, identifier, *pairs):
    annotation = omero.model.MapAnnotationI()
    annotation.mapValue = [omero.model.NamedValue(key, value) for key, value in pairs]
    bench.annotate(cls, identifier, "Map", bench.save(annotation))


def image(bench, name, *datasets, acquired=None):
    made = bench.image(*datasets)
    loaded = bench.query.get("Image", made)
    loaded.name = rstring(name)
    if acquired is not None:
        loaded.acquisitionDate = rtime(int(acquired.timestamp() * 1000))
    bench.update.saveObject(loaded)
    return made


def names(results):
    return [(item.kind, item.name) for item in results]


def test_an_object_is_found_by_its_whole_name_in_any_letter_case(bench, searcher):
    bench.named("Dataset", "Yeast ÄÖ 1")
    bench.named("Dataset", "Yeast ÄÖ 12")
    assert names(searcher.find(name="yeast äö 1")) == [("Dataset", "Yeast ÄÖ 1")]


def test_a_star_stands_for_any_text_and_a_question_mark_for_one_character(bench, searcher):
    for name in ("pos1", "pos12", "pos"):
        bench.named("Dataset", name)
    assert {n for _, n in names(searcher.find(name="pos*"))} == {"pos", "pos1", "pos12"}
    assert {n for _, n in names(searcher.find(name="pos?"))} == {"pos1"}


@pytest.mark.parametrize("name", ["100%", "a_b", "c!d", "e*f", "g\\h", "i'j"])
def test_signs_that_mean_something_to_a_server_are_taken_as_they_are(bench, searcher, name):
    bench.named("Dataset", name)
    for other in ("100x", "axb", "c!!d", "cd", "exf", "g\\\\h", "gh"):
        bench.named("Dataset", other)
    assert names(searcher.find(name=name.replace("*", "\\*"))) == [("Dataset", name)]


def test_projects_datasets_and_images_come_in_this_order_each_newest_first(bench, searcher):
    dataset = bench.named("Dataset", "same")
    bench.named("Project", "same")
    first, second = image(bench, "same", dataset), image(bench, "same", dataset)
    found = searcher.find(name="same")
    assert [item.kind for item in found] == ["Project", "Dataset", "Image", "Image"]
    assert [item.id for item in found][2:] == [second, first]


def test_only_the_kinds_asked_for_are_looked_for(bench, searcher):
    bench.named("Dataset", "same")
    bench.named("Project", "same")
    assert names(searcher.find(name="same", kinds=["Project"])) == [("Project", "same")]


def test_tags_are_those_of_the_object_and_all_must_be_there(bench, searcher):
    one, both = bench.named("Dataset", "one"), bench.named("Dataset", "both")
    bench.tag(("Dataset", one), ("Dataset", both), text="GFP")
    bench.tag(("Dataset", both), text="0.1% glucose")
    assert {n for _, n in names(searcher.find(tags=["gfp"]))} == {"one", "both"}
    assert names(searcher.find(tags=["gfp", "*glucose"])) == [("Dataset", "both")]


def test_a_comment_is_no_tag(bench, searcher):
    bench.comment("Dataset", bench.named("Dataset"))
    assert len(searcher.find(tags=["c"])) == 0
    assert len(searcher.find(text="c", kinds=["Dataset"])) == 1


def test_key_and_value_belong_to_one_pair(bench, searcher):
    dataset = bench.named("Dataset", "d")
    key_values(bench, "Dataset", dataset, ("strain", "BY4741"), ("medium", "SC"))
    assert len(searcher.find(key_values=[("strain", "by47*")])) == 1
    assert len(searcher.find(key_values=[("strain", "SC")])) == 0
    assert len(searcher.find(key_values=[("strain", "*"), ("medium", "SC")])) == 1


@pytest.mark.parametrize("where", ["name", "description", "tag", "key", "value"])
def test_text_is_found_wherever_it_stands(bench, searcher, where):
    dataset = bench.named("Dataset", "of steady state" if where == "name" else "d")
    if where == "description":
        loaded = bench.query.get("Dataset", dataset)
        loaded.description = rstring("Glucose at Steady State\nfor hours")
        bench.update.saveObject(loaded)
    if where == "tag":
        bench.tag(("Dataset", dataset), text="a Steady State, long")
    if where in {"key", "value"}:
        pair = ("steady state?", "yes") if where == "key" else ("phase", "steady state")
        key_values(bench, "Dataset", dataset, pair)
    bench.named("Dataset", "another")
    assert [item.id for item in searcher.find(text="steady state")] == [dataset]


def test_images_lie_in_datasets_and_these_in_projects(bench, searcher):
    project, dataset = bench.named("Project", "Growth"), bench.named("Dataset", "Run 7")
    bench.link("Project", project, "Dataset", dataset)
    image(bench, "pos001", dataset)
    image(bench, "orphan")
    inside = searcher.find(project="growth")
    assert [(item.kind, item.path) for item in inside] == [
        ("Project", ""),
        ("Dataset", "Growth"),
        ("Image", "Growth/Run 7"),
    ]
    assert [item.path for item in searcher.find(name="orphan")] == [""]


def test_what_lies_in_several_places_is_found_once_at_the_oldest(bench, searcher):
    first, second = bench.named("Dataset", "first"), bench.named("Dataset", "second")
    image(bench, "pos001", first, second)
    assert [item.path for item in searcher.find(name="pos001")] == ["first"]


def test_images_go_by_the_day_they_were_taken(bench, searcher):
    image(bench, "old", acquired=datetime(2020, 2, 29, 23, 59).astimezone())
    image(bench, "next day", acquired=datetime(2020, 3, 1, 0, 0).astimezone())
    day = date(2020, 2, 29)
    assert names(searcher.find(since=day, until=day)) == [("Image", "old")]


def test_objects_without_such_a_day_go_by_the_day_they_were_made(bench, searcher):
    bench.named("Dataset", "d")
    image(bench, "i")
    today, week = datetime.now(timezone.utc).astimezone().date(), timedelta(days=7)
    assert len(searcher.find(since=today - week, until=today + week)) == 2
    assert len(searcher.find(until=today - week)) == 0
    assert len(searcher.find(since=today + week)) == 0


def test_owners_are_found_by_login_name_or_full_name(bench, searcher, omero_new_user, omero_client):
    other = omero_new_user(group=omero_client.sf.getAdminService().getEventContext().groupId)
    theirs = other.log_in()
    try:
        made = Bench(theirs).named("Dataset", "theirs")
    finally:
        theirs.closeSession()
    bench.named("Dataset", "mine")
    assert [(item.id, item.owner) for item in searcher.find(owner=other.name)] == [
        (made, other.name)
    ]
    assert names(searcher.find(owner="test user")) == [("Dataset", "mine"), ("Dataset", "theirs")]
    assert len(searcher.find(owner="T?ST *")) == 2
    assert len(searcher.find(owner="T.ST .*")) == 0


def test_all_groups_of_the_user_are_searched_unless_told(omero_server, omero_new_user):
    user, host = omero_new_user(), omero_new_user()
    root = omero.client(omero_server.host, omero_server.port)
    try:
        root.createSession(omero_server.user, omero_server.password)
        admin = root.sf.getAdminService()
        admin.addGroups(
            omero.model.ExperimenterI(user.id, False),
            [omero.model.ExperimenterGroupI(host.group, False)],
        )
    finally:
        root.closeSession()
    theirs, client = host.log_in(), user.log_in()
    try:
        Bench(theirs).named("Dataset", "elsewhere")
        Bench(client).named("Dataset", "here")
        connection = Connection.over(client)
        everywhere = Searcher(connection).find()
        assert {(item.name, item.group) for item in everywhere} == {
            ("elsewhere", f"group-of-{host.name}"),
            ("here", f"group-of-{user.name}"),
        }
        assert names(Searcher(connection, all_groups=False).find()) == [("Dataset", "here")]
    finally:
        theirs.closeSession()
        client.closeSession()


def test_all_conditions_must_be_true(bench, searcher):
    tagged, named = bench.named("Dataset", "a"), bench.named("Dataset", "run 1")
    both = bench.named("Dataset", "run 2")
    bench.tag(("Dataset", tagged), ("Dataset", both), text="t")
    assert named
    assert [item.id for item in searcher.find(name="run*", tags=["t"])] == [both]


def test_a_limit_counts_over_all_kinds_and_says_that_there_is_more(bench, searcher):
    bench.named("Project", "x")
    bench.named("Dataset", "x")
    bench.named("Dataset", "x")
    few = searcher.find(name="x", limit=2)
    assert [item.kind for item in few] == ["Project", "Dataset"]
    assert few.more
    assert searcher.find(name="x", limit=1).more
    assert not searcher.find(name="x", limit=3).more


def test_results_make_a_table_with_types(bench, searcher):
    dataset = bench.named("Dataset", "d")
    taken = datetime(2020, 2, 29, 1, 16, 51, tzinfo=timezone.utc)
    made = image(bench, "pos001", dataset, acquired=taken)
    frame = searcher.find().frame()
    assert list(frame["id"]) == [dataset, made]
    assert frame["id"].dtype == "int64"
    assert frame["acquired"][1] == pd.Timestamp(taken)
    assert frame["acquired"][0] is pd.NaT
    assert searcher.find(name="nothing").frame().columns.tolist() == frame.columns.tolist()


@pytest.mark.parametrize("asked", [{"name": ""}, {"tags": [""]}, {"text": ""}, {"limit": 0}])
def test_looking_for_nothing_is_refused(searcher, asked):
    with pytest.raises(UsageError):
        searcher.find(**asked)


def test_a_pattern_is_escaped_for_the_server():
    assert like_pattern("a*b?c") == "a%b_c"
    assert like_pattern("50%_!") == "50!%!_!!"
    assert like_pattern("\\*\\?\\\\\\x") == "*?\\\\x"


def test_a_key_alone_stands_for_any_value():
    assert parse_key_values(["strain", "a = b=c"]) == (("strain", "*"), ("a", "b=c"))
    with pytest.raises(UsageError):
        parse_key_values(["=value"])
