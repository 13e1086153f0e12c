"""A folder's files uploaded as they are."""

import pytest

from plans import file_of, planned
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.objects import delete
from pyomero_upload.targets.omero.provenance import find_uploads
from pyomero_upload.transfer.upload_original import upload_original


@pytest.fixture
def conn(omero_client, tmp_path, monkeypatch):
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))
    return Connection.over(omero_client)


def test_a_dataset_is_not_complete_while_files_that_were_deleted_are_not_sent_again(tmp_path, conn):
    plan = planned(tmp_path / "in", positions=["pos001"], times=1, sections=1)
    assert upload_original(plan, conn).ok
    assert [record.complete for record in find_uploads(conn)] == [True]
    delete(conn, "Fileset", [f.id.val for f in conn.query.findAll("Fileset", None)])
    file_of(plan, 0, 0, 0, 0).write_bytes(b"no picture")
    assert not upload_original(plan, conn).ok
    assert [record.complete for record in find_uploads(conn)] == [False]
