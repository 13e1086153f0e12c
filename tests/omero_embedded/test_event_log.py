"""The event log: who made, changed and deleted what, as rows of EventLog with the event of the call."""

from typing import Any

import omero
import omero.cmd
import omero.model
import omero.sys
import pytest
from omero.rtypes import rint, rstring, rtime, unwrap

from omero_bench import Bench, run

DATASET = "ome.model.containers.Dataset"


def of_event(client: Any, event: int) -> set[tuple[str, str, int]]:
    query = "select l.action, l.entityType, l.entityId from EventLog l where l.event.id = :id"
    rows = client.sf.getQueryService().projection(query, omero.sys.ParametersI().addId(event))
    return {tuple(unwrap(row)) for row in rows}


def actions_on(client: Any, java: str, identifier: int) -> list[str]:
    query = "select l.action from EventLog l where l.entityType = :type and l.entityId = :id order by l.id"
    parameters = omero.sys.ParametersI().addId(identifier).addString("type", java)
    return [row[0].val for row in client.sf.getQueryService().projection(query, parameters)]


def new_dataset(name: str = "d") -> Any:
    made = omero.model.DatasetI()
    made.name = rstring(name)
    return made


def test_a_graph_that_is_saved_is_logged_object_by_object_under_one_event(
    omero_client: Any,
) -> None:
    project = omero.model.ProjectI()
    project.name = rstring("p")
    link = project.linkDataset(new_dataset())
    saved = omero_client.sf.getUpdateService().saveAndReturnObject(project)
    [link] = saved.copyDatasetLinks()
    assert of_event(omero_client, saved.details.creationEvent.id.val) == {
        ("INSERT", "ome.model.containers.Project", saved.id.val),
        ("INSERT", DATASET, link.child.id.val),
        ("INSERT", "ome.model.containers.ProjectDatasetLink", link.id.val),
    }


def test_an_event_knows_its_log_its_session_and_who_it_was(omero_client: Any) -> None:
    saved = omero_client.sf.getUpdateService().saveAndReturnObject(new_dataset())
    context = omero_client.sf.getAdminService().getEventContext()
    query = "select e from Event e join fetch e.logs join fetch e.type where e.id = :id"
    parameters = omero.sys.ParametersI().addId(saved.details.creationEvent.id.val)
    event = omero_client.sf.getQueryService().findByQuery(query, parameters)
    [entry] = event.copyLogs()
    assert unwrap([entry.action, entry.entityType, entry.entityId]) == [
        "INSERT",
        DATASET,
        saved.id.val,
    ]
    assert event.type.value.val == "User"
    assert event.session.id.val == context.sessionId
    assert event.experimenter.id.val == context.userId
    assert event.experimenterGroup.id.val == context.groupId


def test_a_change_is_logged_and_saving_what_has_not_changed_is_not(omero_client: Any) -> None:
    update = omero_client.sf.getUpdateService()
    saved = update.saveAndReturnObject(new_dataset("v0"))
    saved = update.saveAndReturnObject(saved)
    assert actions_on(omero_client, DATASET, saved.id.val) == ["INSERT"]
    saved.name = rstring("v1")
    saved = update.saveAndReturnObject(saved)
    assert actions_on(omero_client, DATASET, saved.id.val) == ["INSERT", "UPDATE"]
    assert of_event(omero_client, saved.details.updateEvent.id.val) == {("UPDATE", DATASET, saved.id.val)}  # fmt: skip


def test_what_the_server_makes_for_a_client_is_logged(omero_client: Any) -> None:
    image = Bench(omero_client).image()
    assert actions_on(omero_client, "ome.model.core.Image", image) == ["INSERT"]


def test_what_is_deleted_is_logged_as_what_it_was(omero_client: Any) -> None:
    bench = Bench(omero_client)
    dataset, alone = bench.named("Dataset"), bench.named("Dataset")
    tag = bench.tag(("Dataset", dataset))
    run(omero_client, omero.cmd.Delete2(targetObjects={"Dataset": [dataset]}))
    assert actions_on(omero_client, DATASET, dataset) == ["INSERT", "DELETE"]
    assert actions_on(omero_client, "ome.model.annotations.TagAnnotation", tag) == ["INSERT", "DELETE"]  # fmt: skip
    omero_client.sf.getUpdateService().deleteObject(omero.model.DatasetI(alone, False))
    assert actions_on(omero_client, DATASET, alone) == ["INSERT", "DELETE"]


def test_what_is_given_up_leaves_no_trace(omero_client: Any) -> None:
    before = omero_client.sf.getQueryService().projection("select max(l.id) from EventLog l", None)
    update = omero_client.sf.getUpdateService()
    with pytest.raises(omero.ValidationException):
        update.saveAndReturnArray([new_dataset(), omero.model.DatasetI()])
    after = omero_client.sf.getQueryService().projection("select max(l.id) from EventLog l", None)
    assert unwrap(before) == unwrap(after)


def test_the_timeline_gives_the_log_of_a_time(omero_client: Any) -> None:
    saved = omero_client.sf.getUpdateService().saveAndReturnObject(new_dataset())
    parameters = omero.sys.ParametersI().page(0, 100)
    always = (rtime(0), rtime(2**52))
    found = omero_client.sf.getTimelineService().getEventLogsByPeriod(*always, parameters)
    assert [(e.action.val, e.entityId.val) for e in found] == [("INSERT", saved.id.val)]


def test_many_objects_are_logged_each(omero_client: Any) -> None:
    client = omero_client.sf
    image = Bench(omero_client).image()
    query = "select p.id from Pixels p where p.image.id = :id"
    [[pixels]] = client.getQueryService().projection(query, omero.sys.ParametersI().addId(image))
    infos = []
    for t in range(50):
        info = omero.model.PlaneInfoI()
        info.theZ, info.theC, info.theT = rint(0), rint(0), rint(t)
        info.pixels = omero.model.PixelsI(pixels.val, False)
        infos.append(info)
    ids = client.getUpdateService().saveAndReturnIds(infos)
    first = client.getQueryService().get("PlaneInfo", ids[0])
    logged = of_event(omero_client, first.details.creationEvent.id.val)
    assert logged == {("INSERT", "ome.model.core.PlaneInfo", identifier) for identifier in ids}
