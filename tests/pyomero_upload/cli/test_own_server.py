"""The OMERO server that comes with this, as commands start it."""

from contextlib import ExitStack

import pytest

from pyomero_upload.cli.own_server import start_server
from pyomero_upload.errors import PyomeroError


def test_a_folder_whose_server_runs_already_is_told_in_a_sentence(tmp_path):
    with ExitStack() as running:
        _, port = start_server(tmp_path, running)
        assert port > 0
        with pytest.raises(PyomeroError, match="The OMERO server did not start") as error:
            start_server(tmp_path, running)
        assert "--server 127.0.0.1:PORT" in error.value.hint
