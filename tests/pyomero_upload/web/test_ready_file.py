"""A file that says where something is, as long as it is there."""

import json

import pytest

from pyomero_upload.web.ready_file import saying_ready


def test_the_file_is_there_as_long_as_what_it_tells_of(tmp_path):
    file = tmp_path / "ready.json"
    with saying_ready(file, {"url": "http://127.0.0.1:4080/"}):
        assert json.loads(file.read_text()) == {"url": "http://127.0.0.1:4080/"}
        assert list(tmp_path.iterdir()) == [file]
    assert not file.exists()


def test_it_goes_where_the_job_fails(tmp_path):
    file = tmp_path / "ready.json"
    with pytest.raises(KeyboardInterrupt), saying_ready(file, {}):
        raise KeyboardInterrupt
    assert not file.exists()


def test_nobody_need_ask_for_one():
    with saying_ready(None, {}):
        pass
