"""pytest fixtures: a real OMERO server for the tests of anyone who writes OMERO scripts.

Install this package beside pytest, and a test asks for what it needs::

    def test_my_script_tags_the_dataset(omero_conn):
        dataset = omero.gateway.DatasetWrapper(omero_conn, omero.model.DatasetI())
        dataset.setName("a")
        dataset.save()
        my_script.tag(omero_conn, dataset.getId(), "blue")
        assert [t.getTextValue() for t in omero_conn.getObject("Dataset", dataset.getId()).listAnnotations()] == ["blue"]

- `omero_server`: the server, one for the run (one for each worker of pytest-xdist): `host`, `port` (TLS),
  `insecure_port`, `user` and `password` of root;
- `omero_new_user`: makes users: `omero_new_user()` is alone in a new read-annotate group,
  `omero_new_user(group=other.group)` in the group of another, `omero_new_user(permissions="rw----", leader=True)` …;
- `omero_client`: an omero.client logged in as a new user in a new group, so that tests cannot see one another;
- `omero_conn`: a BlitzGateway of the same user.

All is closed at the end of the test; what the test stored is gone at the end of the run.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from omero_embedded.server import Server

if TYPE_CHECKING:
    import omero.gateway


@dataclass(frozen=True)
class OmeroUser:
    """A user of the test server: `group` is the id of the group that sessions begin in."""

    server: Server
    id: int
    name: str
    password: str
    group: int

    def log_in(self) -> Any:
        """Return a new omero.client that is logged in; close it with `closeSession`."""
        import omero.clients  # noqa: PLC0415  # only where a test needs it

        client = omero.client(self.server.host, self.server.port)
        client.createSession(self.name, self.password)
        return client


@pytest.fixture(scope="session")
def omero_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a running OMERO server that holds nothing but root."""
    os.environ.setdefault("OMERO_USERDIR", str(tmp_path_factory.mktemp("omero-user")))
    with Server(memory=True, in_process=True) as server:
        yield server


@pytest.fixture(scope="session")
def _omero_root(omero_server: Server) -> Iterator[Any]:
    import omero.clients  # noqa: PLC0415

    client = omero.client(omero_server.host, omero_server.port)
    client.createSession(omero_server.user, omero_server.password)
    client.enableKeepAlive(60)
    yield client
    client.closeSession()


@pytest.fixture
def omero_new_user(omero_server: Server, _omero_root: Any) -> Callable[..., OmeroUser]:
    """Give a function that makes users: `omero_new_user(group=None, permissions="rwra--", leader=False)`."""
    import omero.model  # noqa: PLC0415
    from omero.rtypes import rbool, rstring  # noqa: PLC0415

    admin = _omero_root.sf.getAdminService()

    def make(
        *, group: int | None = None, permissions: str = "rwra--", leader: bool = False
    ) -> OmeroUser:
        name = f"user-{uuid.uuid4().hex[:12]}"
        if group is None:
            new = omero.model.ExperimenterGroupI()
            new.name, new.ldap = rstring(f"group-of-{name}"), rbool(False)
            new.details.permissions = omero.model.PermissionsI(permissions)
            group = admin.createGroup(new)
        user = omero.model.ExperimenterI()
        user.omeName, user.firstName, user.lastName = (
            rstring(name),
            rstring("Test"),
            rstring("User"),
        )
        user.ldap = rbool(False)
        groups = [omero.model.ExperimenterGroupI(g, False) for g in (group, 1)]
        password = uuid.uuid4().hex
        made = admin.createExperimenterWithPassword(user, rstring(password), groups[0], groups)
        if leader:
            admin.setGroupOwner(groups[0], omero.model.ExperimenterI(made, False))
        return OmeroUser(omero_server, made, name, password, group)

    return make


@pytest.fixture
def omero_client(omero_new_user: Callable[..., OmeroUser]) -> Iterator[Any]:
    """Give an omero.client that is logged in as a new user in a new group."""
    client = omero_new_user().log_in()
    yield client
    client.closeSession()


@pytest.fixture
def omero_conn(omero_client: Any) -> Iterator["omero.gateway.BlitzGateway"]:
    """Give a BlitzGateway of a new user in a new group."""
    import omero.gateway  # noqa: PLC0415

    connection = omero.gateway.BlitzGateway(client_obj=omero_client)
    yield connection
    connection.close(hard=False)
