"""Brokers on a real server."""

import pytest

from omero_data_transfer.omero_data_broker import OMERODataBroker


@pytest.fixture
def user(omero_new_user, tmp_path, monkeypatch):
    """Give a new user in a new group; what uploads remember is kept in the test's folder."""
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))
    return omero_new_user()


@pytest.fixture
def broker(user):
    """Give an opened broker of the user."""
    made = OMERODataBroker(user.name, user.password, user.server.host, user.server.port)
    made.open_omero_session()
    yield made
    made.close_omero_session()
