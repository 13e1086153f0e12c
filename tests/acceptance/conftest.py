"""A user of the embedded server for each test."""

from pathlib import Path

import pytest

from lab import Lab
from omero_embedded import Server


@pytest.fixture
def lab(omero_server: Server, tmp_path: Path) -> Lab:
    """Return a user who is alone in a new group."""
    home = tmp_path / "home"
    home.mkdir()
    return Lab.found(omero_server, home)
