"""IAdmin's operations on single objects: another owner, another group; and users' photos."""

from typing import Any

import omero
import omero.clients
import omero.model
import omero.sys
import pytest
from omero.constants.namespaces import NSEXPERIMENTERPHOTO
from omero.rtypes import rstring, unwrap

EVERYWHERE = {"omero.group": "-1"}


def dataset(client: Any) -> Any:
    made = omero.model.DatasetI()
    made.name = rstring("d")
    return client.sf.getUpdateService().saveAndReturnObject(made).proxy()


def owner_and_group(client: Any, made: Any) -> tuple[int, int]:
    query = "select d.details.owner.id, d.details.group.id from Dataset d where d.id = :id"
    parameters = omero.sys.ParametersI().addId(made.id.val)
    [row] = client.sf.getQueryService().projection(query, parameters, EVERYWHERE)
    return unwrap(row[0]), unwrap(row[1])


def test_an_object_moves_to_another_group_of_its_owners(
    omero_new_user: Any, omero_server: Any
) -> None:
    person, stranger = omero_new_user(), omero_new_user()
    client = person.log_in()
    admin, made = client.sf.getAdminService(), dataset(client)
    assert owner_and_group(client, made) == (person.id, person.group)
    admin.moveToCommonSpace([made])
    assert owner_and_group(client, made) == (person.id, 1)
    group = admin.getGroup(person.group).name.val
    admin.changeGroup(made, group, EVERYWHERE)
    assert owner_and_group(client, made) == (person.id, person.group)
    other = admin.getGroup(stranger.group).name.val
    with pytest.raises(omero.SecurityViolation):
        admin.changeGroup(made, other)
    with pytest.raises(omero.ApiUsageException, match="No such group"):
        admin.changeGroup(made, "nowhere")
    with pytest.raises(omero.ValidationException):
        admin.changeGroup(omero.model.DatasetI(2**40, False), group)
    client.closeSession()


def test_administrators_alone_give_an_object_to_somebody(
    omero_new_user: Any, omero_server: Any
) -> None:
    person = omero_new_user()
    colleague = omero_new_user(group=person.group)
    client = person.log_in()
    made = dataset(client)
    with pytest.raises(omero.SecurityViolation):
        client.sf.getAdminService().changeOwner(made, colleague.name)
    root = omero.client(omero_server.host, omero_server.port)
    root.createSession(omero_server.user, omero_server.password)
    root.sf.getAdminService().changeOwner(made, colleague.name, EVERYWHERE)
    assert owner_and_group(client, made) == (colleague.id, person.group)
    root.closeSession()
    client.closeSession()


def test_a_photo_takes_the_place_of_the_one_before(omero_client: Any) -> None:
    admin = omero_client.sf.getAdminService()
    assert admin.getMyUserPhotos() == []
    first = admin.uploadMyUserPhoto("me.png", "image/png", b"one")
    assert admin.uploadMyUserPhoto("me.jpg", "image/jpeg", b"another") == first
    [photo] = admin.getMyUserPhotos()
    assert (photo.id.val, photo.name.val, photo.mimetype.val) == (first, "me.jpg", "image/jpeg")
    me = admin.getEventContext().userId
    metadata = omero_client.sf.getMetadataService()
    found = metadata.loadAnnotations("Experimenter", [me], None, None, None, EVERYWHERE)[me]
    assert [(a.ns.val, a.file.id.val) for a in found] == [(NSEXPERIMENTERPHOTO, first)]
    store = omero_client.sf.createRawFileStore(EVERYWHERE)
    store.setFileId(first, EVERYWHERE)
    assert store.read(0, store.size()) == b"another"
    store.close()
    with pytest.raises(omero.ApiUsageException):
        admin.uploadMyUserPhoto("", "", b"")
