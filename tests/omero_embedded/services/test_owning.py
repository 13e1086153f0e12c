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


def in_two_groups(omero_new_user: Any, root: Any) -> tuple[Any, Any]:
    """Return a user who is in another user's group too, and that one."""
    person, other = omero_new_user(), omero_new_user()
    group = omero.model.ExperimenterGroupI(other.group, False)
    root.sf.getAdminService().addGroups(omero.model.ExperimenterI(person.id, False), [group])
    return person, other


@pytest.fixture
def root(omero_server: Any) -> Any:
    client = omero.client(omero_server.host, omero_server.port)
    client.createSession(omero_server.user, omero_server.password)
    yield client
    client.closeSession()


def test_an_object_moves_to_another_group_of_its_owners(omero_new_user: Any, root: Any) -> None:
    person, other = in_two_groups(omero_new_user, root)
    client = person.log_in()
    admin, made = client.sf.getAdminService(), dataset(client)
    there = admin.getGroup(other.group).name.val
    with pytest.raises(omero.SecurityViolation, match="Use moveToCommonSpace"):
        admin.changeGroup(made, "user")
    with pytest.raises(omero.SecurityViolation, match="Can't change to group; not a member of 0"):
        admin.changeGroup(made, "system")
    with pytest.raises(omero.ApiUsageException, match="No such group: nowhere"):
        admin.changeGroup(made, "nowhere")
    with pytest.raises(omero.ValidationException):
        admin.changeGroup(omero.model.DatasetI(2**40, False), there)
    admin.changeGroup(made, there)
    assert owner_and_group(client, made) == (person.id, other.group)
    client.closeSession()


def test_an_object_that_something_refers_to_stays_where_it_is(
    omero_new_user: Any, root: Any
) -> None:
    person, other = in_two_groups(omero_new_user, root)
    client = person.log_in()
    admin, made = client.sf.getAdminService(), dataset(client)
    link = omero.model.DatasetAnnotationLinkI()
    link.parent, link.child = made, omero.model.TagAnnotationI()
    client.sf.getUpdateService().saveObject(link)
    with pytest.raises(omero.SecurityViolation, match=r"Locks: \{\*=1, .*AnnotationLink.parent=1"):
        admin.changeGroup(made, admin.getGroup(other.group).name.val)
    assert owner_and_group(client, made) == (person.id, person.group)
    client.closeSession()


def test_saving_an_object_in_another_group_of_ones_own_moves_it(
    omero_new_user: Any, root: Any
) -> None:
    person, other = in_two_groups(omero_new_user, root)
    client = person.log_in()
    made = client.sf.getQueryService().get("Dataset", dataset(client).id.val)
    made.details.group = omero.model.ExperimenterGroupI(0, False)
    with pytest.raises(omero.SecurityViolation, match="not authorized to change the group"):
        client.sf.getUpdateService().saveObject(made)
    made.details.group = omero.model.ExperimenterGroupI(other.group, False)
    client.sf.getUpdateService().saveObject(made)
    assert owner_and_group(client, made) == (person.id, other.group)
    client.closeSession()


def test_leaders_and_administrators_alone_move_to_the_group_of_everybody(
    omero_new_user: Any, root: Any
) -> None:
    person = omero_new_user()
    client = person.log_in()
    made = dataset(client)
    with pytest.raises(omero.SecurityViolation, match="neither admin nor group-leader"):
        client.sf.getAdminService().moveToCommonSpace([made])
    root.sf.getAdminService().moveToCommonSpace([made], {"omero.group": str(person.group)})
    assert owner_and_group(client, made) == (person.id, 1)
    root.sf.getUpdateService().deleteObject(made, {"omero.group": "1"})
    client.closeSession()


def test_administrators_alone_give_an_object_to_somebody(omero_new_user: Any, root: Any) -> None:
    person = omero_new_user()
    colleague = omero_new_user(group=person.group)
    client = person.log_in()
    made = dataset(client)
    with pytest.raises(omero.SecurityViolation, match="not authorized to change the owner"):
        client.sf.getAdminService().changeOwner(made, colleague.name)
    admin, context = root.sf.getAdminService(), {"omero.group": str(person.group)}
    with pytest.raises(omero.ApiUsageException, match="No such experimenter: nobody"):
        admin.changeOwner(made, "nobody", context)
    admin.changeOwner(made, colleague.name, context)
    assert owner_and_group(client, made) == (colleague.id, person.group)
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
