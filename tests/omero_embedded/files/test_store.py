"""RawFileStore and Table through the real client."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import omero
import omero.clients
import omero.gateway
import omero.grid
import omero.model
import pytest
from omero.rtypes import rlong, rstring, unwrap


def new_file(client: Any, hasher: str | None = "SHA1-160") -> int:
    file = omero.model.OriginalFileI()
    file.name, file.path, file.mimetype = rstring("a.txt"), rstring("/x/"), rstring("text/plain")
    if hasher is not None:
        file.hasher = omero.model.ChecksumAlgorithmI()
        file.hasher.value = rstring(hasher)
    return int(client.sf.getUpdateService().saveAndReturnObject(file).id.val)


def opened(client: Any, file_id: int) -> Any:
    store = client.sf.createRawFileStore()
    store.setFileId(file_id)
    return store


def test_bytes_in_and_out(omero_client: Any) -> None:
    store = opened(omero_client, new_file(omero_client))
    assert not store.exists()
    store.write(b"hello world", 0, 5)
    assert store.read(0, 5) == b"hello"
    assert store.read(3, 4) == b"lo\0\0"
    store.write(b"HE", 0, 2)
    assert (store.size(), store.exists()) == (5, True)
    assert store.truncate(2)
    assert not store.truncate(7)
    assert store.size() == 2


def test_saving_and_closing_note_size_time_and_checksum(omero_client: Any) -> None:
    file_id = new_file(omero_client)
    store = opened(omero_client, file_id)
    store.write(b"hello", 0, 5)
    saved = store.save()
    assert (saved.size.val, saved.hash.val) == (5, hashlib.sha1(b"hello").hexdigest())
    assert store.save() is None
    store.write(b"!", 5, 1)
    store.close()
    after = omero_client.sf.getQueryService().get("OriginalFile", file_id)
    assert (after.size.val, after.hash.val) == (6, hashlib.sha1(b"hello!").hexdigest())
    assert after.mtime is not None


def test_without_a_hasher_there_is_no_checksum(omero_client: Any) -> None:
    store = opened(omero_client, new_file(omero_client, None))
    store.write(b"hello", 0, 5)
    assert store.save().hash is None


def test_wrong_calls_are_refused(omero_client: Any) -> None:
    store = omero_client.sf.createRawFileStore()
    with pytest.raises(omero.ApiUsageException, match="not been properly initialized"):
        store.read(0, 1)
    with pytest.raises(omero.ValidationException):
        store.setFileId(2**40)
    store.setFileId(new_file(omero_client))
    with pytest.raises(omero.ResourceError):
        store.read(0, 1)
    with pytest.raises(omero.ApiUsageException):
        store.write(b"a", 0, 2)
    with pytest.raises(omero.ApiUsageException):
        store.write(b"a", -1, 1)


def test_others_may_read_a_file_but_not_change_it(
    omero_new_user: Callable[..., Any], omero_client: Any
) -> None:
    file_id = new_file(omero_client)
    opened(omero_client, file_id).write(b"mine", 0, 4)
    group = omero_client.sf.getAdminService().getEventContext().groupId
    other = omero_new_user(group=group).log_in()
    theirs = opened(other, file_id)
    assert theirs.read(0, 4) == b"mine"
    with pytest.raises(omero.SecurityViolation):
        theirs.write(b"theirs", 0, 6)
    other.closeSession()


def test_a_file_annotation_by_the_gateway(omero_conn: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"x" * 100_000)
    annotation = omero_conn.createFileAnnfromLocalFile(
        str(tmp_path / "notes.txt"), mimetype="text/plain", ns="n"
    )
    file = annotation.getFile()
    assert file.getSize() == 100_000
    assert b"".join(annotation.getFileInChunks()) == b"x" * 100_000
    assert unwrap(file._obj.hash) == hashlib.sha1(b"x" * 100_000).hexdigest()


# ------------------------------------------------------------ tables
def columns(numbers: list[int], texts: list[str]) -> list[Any]:
    return [
        omero.grid.LongColumn("n", "a number", numbers),
        omero.grid.StringColumn("s", "", 16, texts),
    ]


@pytest.fixture
def table(omero_client: Any) -> Any:
    made = omero_client.sf.sharedResources().newTable(1, "/table.h5")
    made.initialize(columns([], []))
    made.addData(columns([1, 2, 3], ["a", "bb", "µm"]))
    return made


def test_rows_in_and_out(table: Any) -> None:
    assert table.getNumberOfRows() == 3
    assert [(h.name, h.description) for h in table.getHeaders()] == [("n", "a number"), ("s", "")]
    assert table.getWhereList("(n > low)", {"low": rlong(1)}, 0, 3, 0) == [1, 2]
    assert [list(c.values) for c in table.read([0, 1], 0, 2).columns] == [[1, 2], ["a", "bb"]]
    assert [list(c.values) for c in table.slice([1], [0, 2]).columns] == [["a", "µm"]]
    assert [list(c.values) for c in table.readCoordinates([1]).columns] == [[2], ["bb"]]


def test_rows_are_changed(table: Any) -> None:
    data = table.read([0], 0, 3)
    data.columns[0].values[1] = 20
    table.update(data)
    assert list(table.read([0], 0, 0).columns[0].values) == [1, 20, 3]


def test_a_closed_table_opens_again_with_its_size_noted(omero_client: Any, table: Any) -> None:
    file = table.getOriginalFile()
    assert file.mimetype.val == "OMERO.tables"
    table.setMetadata("k", rstring("v"))
    table.close()
    noted = omero_client.sf.getQueryService().get("OriginalFile", file.id.val)
    assert noted.size.val > 0
    again = omero_client.sf.sharedResources().openTable(
        omero.model.OriginalFileI(file.id.val, False)
    )
    assert again.getNumberOfRows() == 3
    assert unwrap(again.getMetadata("k")) == "v"
    assert again.getMetadata("nothing") is None
    again.close()


def test_wrong_calls_on_a_table_raise_and_right_ones_go_on(omero_client: Any, table: Any) -> None:
    with pytest.raises(omero.ValidationException, match="Already initialized"):
        table.initialize(columns([], []))
    with pytest.raises(omero.ValidationException, match="Maximum string"):
        table.addData(columns([1], ["z" * 40]))
    with pytest.raises(omero.ApiUsageException, match="Bad condition"):
        table.getWhereList("nonsense(", {}, 0, 0, 0)
    with pytest.raises(omero.ApiUsageException, match="Row overflow"):
        table.slice([0], [99])
    with pytest.raises(omero.ApiUsageException, match="NYI"):
        table.addColumn(omero.grid.LongColumn("more", "", []))
    assert table.getNumberOfRows() == 3
    shared = omero_client.sf.sharedResources()
    with pytest.raises(omero.ValidationException):
        shared.openTable(omero.model.OriginalFileI(2**40, False))
    with pytest.raises(omero.InternalException, match="null table"):
        shared.openTable(omero.model.OriginalFileI(new_file(omero_client), False))


def test_others_may_read_a_table_but_not_change_it(
    omero_new_user: Callable[..., Any], omero_client: Any, table: Any
) -> None:
    file = table.getOriginalFile().id.val
    table.close()
    group = omero_client.sf.getAdminService().getEventContext().groupId
    other = omero_new_user(group=group).log_in()
    theirs = other.sf.sharedResources().openTable(omero.model.OriginalFileI(file, False))
    assert theirs.getNumberOfRows() == 3
    with pytest.raises(omero.SecurityViolation, match="cannot write"):
        theirs.addData(columns([4], ["d"]))
    other.closeSession()


def test_a_deleted_table_is_gone(omero_client: Any, table: Any) -> None:
    file = table.getOriginalFile().id.val
    table.delete()
    assert omero_client.sf.getQueryService().find("OriginalFile", file) is None
