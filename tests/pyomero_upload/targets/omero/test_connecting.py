"""Connecting from Python in one line."""

from contextlib import closing

import pyomero_upload as pu


def test_what_is_left_empty_is_taken_from_the_environment(omero_new_user, tmp_path, monkeypatch):
    user = omero_new_user()
    monkeypatch.setenv("OMERO_USERDIR", str(tmp_path))
    monkeypatch.setenv("OMERO_HOST", user.server.host)
    monkeypatch.setenv("OMERO_PORT", str(user.server.port))
    monkeypatch.setenv("OMERO_USER", user.name)
    monkeypatch.setenv("OMERO_PASSWORD", user.password)
    with closing(pu.connect("", user="", password="", group="", web="")) as connection:
        assert connection.user.name == user.name
