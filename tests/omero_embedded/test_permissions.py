"""Who may do what in the four kinds of group: the owner, another member, the leader, an administrator."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import omero
import omero.model
import pytest
from omero.model import (
    DatasetAnnotationLinkI,
    DatasetI,
    ProjectDatasetLinkI,
    ProjectI,
    TagAnnotationI,
)
from omero.rtypes import rstring

from omero_embedded import Server
from omero_embedded.pytest_plugin import OmeroUser

# As seen on a real server: A(nnotate), D(elete), E(dit), L(ink), G (change group), O (change owner).
FLAGS = {
    "rw----": {"owner": "ADELG", "member": None, "leader": "DEO", "admin": "DEGO"},
    "rwr---": {"owner": "ADELG", "member": "", "leader": "ADELO", "admin": "ADELGO"},
    "rwra--": {"owner": "ADELG", "member": "A", "leader": "ADELO", "admin": "ADELGO"},
    "rwrw--": {"owner": "ADELG", "member": "ADEL", "leader": "ADELO", "admin": "ADELGO"},
}


@dataclass
class Group:
    """A group's people, each logged in, and the id of the owner's Dataset. `context` is for root's calls."""

    clients: dict[str, Any]
    dataset: int
    context: dict[str, str]


@pytest.fixture(params=FLAGS)
def group(
    request: pytest.FixtureRequest, omero_server: Server, omero_new_user: Callable[..., OmeroUser]
) -> Iterator[tuple[str, Group]]:
    owner = omero_new_user(permissions=request.param)
    people = {
        "owner": owner,
        "member": omero_new_user(group=owner.group),
        "leader": omero_new_user(group=owner.group, leader=True),
    }
    clients = {who: person.log_in() for who, person in people.items()}
    clients["admin"] = omero.client(omero_server.host, omero_server.port)
    clients["admin"].createSession(omero_server.user, omero_server.password)
    dataset = DatasetI()
    dataset.name = rstring("the owner's")
    saved = clients["owner"].sf.getUpdateService().saveAndReturnObject(dataset)
    yield request.param, Group(clients, saved.id.val, {"omero.group": str(owner.group)})
    for client in clients.values():
        client.closeSession()


def flags(permissions: omero.model.Permissions) -> str:
    can = [
        ("A", permissions.canAnnotate()),
        ("D", permissions.canDelete()),
        ("E", permissions.canEdit()),
        ("L", permissions.canLink()),
        ("G", permissions.canChgrp()),
        ("O", permissions.canChown()),
    ]
    return "".join(letter for letter, yes in can if yes)


def test_the_flags_on_an_object_say_what_each_may_do(group: tuple[str, Group]) -> None:
    kind, here = group
    for who, client in here.clients.items():
        query = client.sf.getQueryService()
        if FLAGS[kind][who] is None:
            with pytest.raises(omero.SecurityViolation, match="Cannot read ome"):
                query.get("Dataset", here.dataset, here.context)
            assert query.findAllByQuery("from Dataset", None, here.context) == []
        else:
            found = query.get("Dataset", here.dataset, here.context)
            assert flags(found.details.permissions) == FLAGS[kind][who], who
            assert str(found.details.permissions) == kind


def attempts(here: Group, who: str) -> dict[str, Callable[[], Any]]:
    """What a person may try on the owner's Dataset, by the flag that says whether it succeeds."""
    session = here.clients[who].sf
    query, update = session.getQueryService(), session.getUpdateService()

    def edit() -> None:
        dataset = query.get("Dataset", here.dataset, here.context)
        dataset.name = rstring(f"by {who}")
        update.saveObject(dataset, here.context)

    def annotate() -> None:
        link = DatasetAnnotationLinkI()
        link.parent, link.child = DatasetI(here.dataset, False), TagAnnotationI()
        update.saveObject(link, here.context)

    def put_into_a_project() -> None:
        project = ProjectI()
        project.name = rstring("p")
        link = ProjectDatasetLinkI()
        link.parent = update.saveAndReturnObject(project, here.context)
        link.child = DatasetI(here.dataset, False)
        update.saveObject(link, here.context)

    def delete() -> None:
        update.deleteObject(DatasetI(here.dataset, False), here.context)

    return {"E": edit, "A": annotate, "L": put_into_a_project, "D": delete}


@pytest.mark.parametrize("who", ["member", "leader", "admin", "owner"])
def test_what_the_flags_deny_is_refused_and_what_they_grant_is_done(
    group: tuple[str, Group], who: str
) -> None:
    kind, here = group
    may = FLAGS[kind][who] or ""
    for flag, attempt in attempts(here, who).items():
        if flag in may:
            attempt()
        else:
            with pytest.raises(omero.SecurityViolation):
                attempt()


def test_an_object_of_another_group_is_invisible_without_its_context(
    group: tuple[str, Group],
) -> None:
    _, here = group
    query = here.clients["admin"].sf.getQueryService()
    with pytest.raises(omero.SecurityViolation):
        query.get("Dataset", here.dataset)
    assert query.get("Dataset", here.dataset, {"omero.group": "-1"}).id.val == here.dataset


def in_both(
    omero_new_user: Callable[..., OmeroUser], server: Server
) -> tuple[OmeroUser, OmeroUser]:
    """Return a user who is in another user's group too, and that one."""
    ann, other = omero_new_user(), omero_new_user()
    root = omero.client(server.host, server.port)
    root.createSession(server.user, server.password)
    group = omero.model.ExperimenterGroupI(other.group, False)
    root.sf.getAdminService().addGroups(omero.model.ExperimenterI(ann.id, False), [group])
    root.closeSession()
    return ann, other


def test_nothing_is_linked_across_groups(
    omero_server: Server, omero_new_user: Callable[..., OmeroUser]
) -> None:
    ann, other = in_both(omero_new_user, omero_server)
    client = ann.log_in()
    dataset, there = DatasetI(), {"omero.group": str(other.group)}
    dataset.name = rstring("in ann's group")
    saved = client.sf.getUpdateService().saveAndReturnObject(dataset)
    project = ProjectI()
    project.name = rstring("in the other group")
    elsewhere = client.sf.getUpdateService().saveAndReturnObject(project, there)
    link = ProjectDatasetLinkI()
    link.parent, link.child = ProjectI(elsewhere.id.val, False), DatasetI(saved.id.val, False)
    for context in ({}, there):
        with pytest.raises(omero.SecurityViolation, match="Cannot read ome"):
            client.sf.getUpdateService().saveObject(link, context)
    client.closeSession()


def test_what_is_in_the_group_of_everybody_is_seen_and_linked_from_all_groups(
    omero_new_user: Callable[..., OmeroUser],
) -> None:
    ann, bob = omero_new_user(permissions="rw----"), omero_new_user(permissions="rw----")
    clients = [ann.log_in(), bob.log_in()]
    tag = TagAnnotationI()
    tag.textValue = rstring(f"for all by {ann.name}")
    shared = clients[0].sf.getUpdateService().saveAndReturnObject(tag, {"omero.group": "1"})
    query = clients[1].sf.getQueryService()
    asked = f"from TagAnnotation where textValue = '{tag.textValue.val}'"
    [found] = query.findAllByQuery(asked, None)
    assert flags(found.details.permissions) == "AL"
    dataset = DatasetI()
    dataset.name = rstring("bob's")
    link = DatasetAnnotationLinkI()
    link.parent, link.child = dataset, TagAnnotationI(shared.id.val, False)
    saved = clients[1].sf.getUpdateService().saveAndReturnObject(link)
    assert saved.details.group.id.val == bob.group
    clients[1].sf.getUpdateService().deleteObject(saved)
    clients[0].sf.getUpdateService().deleteObject(shared, {"omero.group": "1"})
    for client in clients:
        client.closeSession()


def test_a_group_that_all_may_read_is_read_by_all(
    omero_new_user: Callable[..., OmeroUser],
) -> None:
    ann, stranger = omero_new_user(permissions="rwr-r-"), omero_new_user()
    clients = [ann.log_in(), stranger.log_in()]
    dataset = DatasetI()
    dataset.name = rstring("to be seen")
    saved = clients[0].sf.getUpdateService().saveAndReturnObject(dataset)
    context = {"omero.group": str(ann.group)}
    found = clients[1].sf.getQueryService().get("Dataset", saved.id.val, context)
    assert flags(found.details.permissions) == ""
    with pytest.raises(omero.SecurityViolation, match="You are not authorized to create"):
        clients[1].sf.getUpdateService().saveObject(dataset, context)
    # All would see it, the users of other tests too.
    clients[0].sf.getUpdateService().deleteObject(saved)
    for client in clients:
        client.closeSession()


def test_a_member_of_a_read_annotate_group_adds_annotations_and_rois_and_nothing_to_those(
    omero_new_user: Callable[..., OmeroUser],
) -> None:
    ann = omero_new_user(permissions="rwra--")
    bob = omero_new_user(group=ann.group)
    clients = [ann.log_in(), bob.log_in()]
    update = [client.sf.getUpdateService() for client in clients]
    image, file = omero.model.ImageI(), omero.model.OriginalFileI()
    image.name, file.name, file.path = rstring("i"), rstring("f"), rstring("/")
    image, file = (o.proxy() for o in update[0].saveAndReturnArray([image, file]))
    roi, shape, note = omero.model.RoiI(), omero.model.PointI(), omero.model.FileAnnotationI()
    roi.image, note.file = image, file
    mine = update[0].saveAndReturnObject(roi)
    update[1].saveObject(roi)
    shape.roi = mine.proxy()
    for new in (shape, note):
        with pytest.raises(
            omero.SecurityViolation, match=r"Group is rwra--\. Cannot link to object"
        ):
            update[1].saveObject(new)
    for client in clients:
        client.closeSession()


def test_an_administrator_links_in_a_private_group_what_will_be_the_users_own(
    omero_server: Server, omero_new_user: Callable[..., OmeroUser]
) -> None:
    ann = omero_new_user(permissions="rw----")
    client, dataset = ann.log_in(), DatasetI()
    dataset.name = rstring("d")
    saved = client.sf.getUpdateService().saveAndReturnObject(dataset)
    client.closeSession()
    root = omero.client(omero_server.host, omero_server.port)
    root.createSession(omero_server.user, omero_server.password)
    owner, context = omero.model.ExperimenterI(ann.id, False), {"omero.group": str(ann.group)}
    for of_ann in (False, True):
        link = DatasetAnnotationLinkI()
        link.parent, link.child = DatasetI(saved.id.val, False), TagAnnotationI()
        if of_ann:
            link.details.owner = link.child.details.owner = owner
            root.sf.getUpdateService().saveObject(link, context)
        else:
            with pytest.raises(omero.ReadOnlyGroupSecurityViolation, match="Cannot link to"):
                root.sf.getUpdateService().saveObject(link, context)
    root.closeSession()


def test_only_administrators_act_for_others_by_the_context_of_a_call(
    omero_client: omero.client,
) -> None:
    me = omero_client.sf.getAdminService().getEventContext().userId
    query = omero_client.sf.getQueryService()
    assert query.findAll("Dataset", None, {"omero.user": str(me)}) == []
    refused = f"User {me} is not an admin and so cannot set uid to 0"
    with pytest.raises(omero.SecurityViolation, match=refused):
        query.findAll("Dataset", None, {"omero.user": "0"})


def test_a_group_one_is_not_in_is_refused(omero_client: omero.client) -> None:
    with pytest.raises(
        omero.SecurityViolation, match="is not a member of group 0 and cannot login"
    ):
        omero_client.sf.getQueryService().findAllByQuery("from Dataset", None, {"omero.group": "0"})


def test_root_saves_for_another_in_any_group(
    omero_server: Server, omero_new_user: Callable[..., OmeroUser]
) -> None:
    ann = omero_new_user()
    client = omero.client(omero_server.host, omero_server.port)
    client.createSession(omero_server.user, omero_server.password)
    dataset = DatasetI()
    dataset.name = rstring("for ann")
    context = {"omero.group": str(ann.group), "omero.user": str(ann.id)}
    saved = client.sf.getUpdateService().saveAndReturnObject(dataset, context)
    assert (saved.details.owner.id.val, saved.details.group.id.val) == (ann.id, ann.group)
    client.closeSession()


# ---------------------------------------------------------------- objects that belong to no group
@pytest.mark.parametrize(
    ("context", "kind", "owner"),
    [({}, "rwra--", "rwra--"), ({"omero.group": "-1"}, "rwr-r-", "rw----")],
)
def test_global_objects_bear_the_permissions_of_the_context(
    omero_new_user: Callable[..., OmeroUser], context: dict[str, str], kind: str, owner: str
) -> None:
    user = omero_new_user(permissions="rwra--")
    client = user.log_in()
    query = client.sf.getQueryService()
    pixels_type = query.findByQuery("from PixelsType where value = 'uint8'", None, context)
    me = query.findByQuery(f"from Experimenter where id = {user.id}", None, context)
    group = query.findByQuery(f"from ExperimenterGroup where id = {user.group}", None, context)
    client.closeSession()
    assert str(pixels_type.details.permissions) == kind
    assert str(me.details.permissions) == owner
    assert str(group.details.permissions) == "rwra--"


def test_the_group_of_the_call_and_who_saves_cannot_be_annotated(
    omero_new_user: Callable[..., OmeroUser],
) -> None:
    user = omero_new_user(permissions="rwra--")
    client = user.log_in()
    dataset = DatasetI()
    dataset.name = rstring("mine")
    saved = client.sf.getUpdateService().saveAndReturnObject(dataset).details
    everywhere = {"omero.group": "-1"}
    group = client.sf.getQueryService().get("ExperimenterGroup", user.group, everywhere)
    client.closeSession()
    assert not saved.owner.details.permissions.canAnnotate()
    assert not saved.group.details.permissions.canAnnotate()
    assert group.details.permissions.canAnnotate()
