"""The fixtures that others use in their tests."""

import omero
import pytest
from omero.gateway import BlitzGateway
from omero.rtypes import rstring


def test_a_client_is_logged_in_as_a_user_of_its_own(omero_client: omero.client) -> None:
    context = omero_client.sf.getAdminService().getEventContext()
    assert context.userName.startswith("user-")
    assert not context.isAdmin


def test_a_gateway_saves_and_finds(omero_conn: BlitzGateway) -> None:
    dataset = omero.gateway.DatasetWrapper(omero_conn, omero.model.DatasetI())
    dataset.setName("a")
    dataset.save()
    assert [d.getName() for d in omero_conn.getObjects("Dataset")] == ["a"]


@pytest.mark.parametrize("turn", [1, 2])
def test_tests_do_not_see_one_another(omero_conn: BlitzGateway, turn: int) -> None:
    assert list(omero_conn.getObjects("Project")) == []
    project = omero.model.ProjectI()
    project.name = rstring(f"of test {turn}")
    omero_conn.getUpdateService().saveObject(project)


def test_two_users_can_share_a_group(omero_new_user) -> None:
    ann = omero_new_user()
    bob = omero_new_user(group=ann.group)
    assert ann.group == bob.group
    client = bob.log_in()
    try:
        assert client.sf.getAdminService().getEventContext().groupId == ann.group
    finally:
        client.closeSession()
