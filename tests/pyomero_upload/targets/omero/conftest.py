"""Connections of new users in new groups, and a small plan."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from plans import planned
from pyomero_upload.model import Plan
from pyomero_upload.targets.omero.connection import Connection


@pytest.fixture
def conn(omero_client: Any) -> Connection:
    return Connection.over(omero_client)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return planned(tmp_path / "folder", positions=["pos001"], times=1, sections=1)


@pytest.fixture
def new_connection(omero_new_user: Callable[..., Any]) -> Iterator[Callable[[], Connection]]:
    clients: list[Any] = []

    def connect() -> Connection:
        clients.append(omero_new_user().log_in())
        return Connection.over(clients[-1])

    yield connect
    for client in clients:
        client.closeSession()
