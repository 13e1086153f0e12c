"""A user of the embedded server for each test."""

from pathlib import Path

import pytest

from omero_embedded import Server
from upload_lab import Lab


@pytest.fixture
def lab(omero_server: Server, tmp_path: Path) -> Lab:
    """Return a user who is alone in a new group."""
    home = tmp_path / "home"
    home.mkdir()
    return Lab.found(omero_server, home)
