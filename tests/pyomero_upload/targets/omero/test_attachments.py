"""Files that hang on an object: whole, with their checksums, once."""

import hashlib
import tracemalloc
from pathlib import Path
from typing import Any

import ezomero
import omero.model
import pytest
from omero.gateway import BlitzGateway
from omero.rtypes import rlong, rstring

from omero_world import count
from pyomero_upload.errors import PyomeroError
from pyomero_upload.targets.omero import attachments
from pyomero_upload.targets.omero.attachments import add_attachment, mimetype_of, unfinished_name
from pyomero_upload.targets.omero.connection import Connection


@pytest.fixture
def dataset(conn: Connection) -> int:
    made = omero.model.DatasetI()
    made.name = rstring("d")
    return int(conn.update.saveAndReturnObject(made).id.val)


def file_of(conn: Connection, annotation: int) -> Any:
    return BlitzGateway(client_obj=conn.client).getObject("FileAnnotation", annotation).getFile()


def content_of(conn: Connection, annotation: int) -> bytes:
    return b"".join(file_of(conn, annotation).getFileInChunks())


def test_a_file_arrives_with_name_path_type_size_and_checksum(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    log = tmp_path / "log.txt"
    log.write_bytes("Spacing (µm)\r\n".encode())
    made = add_attachment(
        conn, "Dataset", dataset, log, "run 1/log.txt", namespace="ns", description="The log"
    )

    file = file_of(conn, made)
    assert (file.getName(), file.getPath(), file.getMimetype()) == ("log.txt", "run 1/", "text/plain")  # fmt: skip
    assert file.getSize() == 15
    assert file.getHash() == hashlib.sha1(log.read_bytes()).hexdigest()
    assert file.getHasher().getValue() == "SHA1-160"
    assert content_of(conn, made) == log.read_bytes()
    annotation = conn.query.get("FileAnnotation", made)
    assert (annotation.ns.val, annotation.description.val) == ("ns", "The log")


def test_ezomero_finds_and_downloads_it(conn: Connection, dataset: int, tmp_path: Path) -> None:
    made = add_attachment(conn, "Dataset", dataset, b"a,b\n", "plan.csv")

    gateway = BlitzGateway(client_obj=conn.client)
    assert ezomero.get_file_annotation_ids(gateway, "Dataset", dataset) == [made]
    got = ezomero.get_file_annotation(gateway, made, str(tmp_path))
    assert Path(got).read_bytes() == b"a,b\n"


def test_the_same_file_again_is_taken_and_a_changed_one_is_added(
    conn: Connection, dataset: int
) -> None:
    first = add_attachment(conn, "Dataset", dataset, b"one", "log.txt")

    assert add_attachment(conn, "Dataset", dataset, b"one", "log.txt") == first
    assert add_attachment(conn, "Dataset", dataset, b"two", "log.txt") != first
    assert add_attachment(conn, "Dataset", dataset, b"one", "sub/log.txt") != first
    assert count(conn, "OriginalFile") == 3


def test_a_file_may_come_in_parts_of_any_size(conn: Connection, dataset: int) -> None:
    parts = [b"", b"one, ", b"two" * 1_000_000, b"!"]
    made = add_attachment(conn, "Dataset", dataset, lambda: iter(parts), "parts.txt")

    assert content_of(conn, made) == b"".join(parts)
    assert add_attachment(conn, "Dataset", dataset, b"".join(parts), "parts.txt") == made


@pytest.mark.parametrize("size", [0, 1, attachments._BLOCK - 1, attachments._BLOCK, 5_000_001])
def test_files_of_every_size_arrive_whole(
    conn: Connection, dataset: int, tmp_path: Path, size: int
) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(bytes(i * 7 % 251 for i in range(1000)) * (size // 1000) + bytes(size % 1000))
    made = add_attachment(conn, "Dataset", dataset, path, "data.bin")

    assert file_of(conn, made).getMimetype() == "application/octet-stream"
    assert content_of(conn, made) == path.read_bytes()


def test_a_big_file_is_never_in_memory_as_a_whole(
    conn: Connection, dataset: int, tmp_path: Path
) -> None:
    path = tmp_path / "big.bin"
    with path.open("wb") as file:
        file.truncate(40 << 20)
    # What a first attachment makes both sides import is no part of it.
    add_attachment(conn, "Dataset", dataset, b"1", "small.bin")
    tracemalloc.start()
    add_attachment(conn, "Dataset", dataset, path, "big.bin")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    # The server is in this process too, with what it has just received.
    assert peak < 16 << 20


@pytest.mark.parametrize("name", ["a\0b.txt", "µ \N{MICROSCOPE}.txt", "\udc80.txt", "x" * 300])
def test_every_name_can_be_stored_and_found_again(
    conn: Connection, dataset: int, name: str
) -> None:
    first = add_attachment(conn, "Dataset", dataset, b"1", name)

    assert add_attachment(conn, "Dataset", dataset, b"1", name) == first


def test_a_file_that_changes_while_it_is_sent_is_an_error_and_nothing_of_it_stays(
    conn: Connection, dataset: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.txt"
    path.write_text("before", encoding="utf-8")
    look_at = attachments._look_at

    def look_then_change(content: attachments.Content, name: str) -> Any:
        found = look_at(content, name)
        path.write_text("after it", encoding="utf-8")
        return found

    monkeypatch.setattr(attachments, "_look_at", look_then_change)
    with pytest.raises(PyomeroError, match=r"What arrived of log\.txt is not what was sent") as e:
        add_attachment(conn, "Dataset", dataset, path, "log.txt")

    assert [problem.code for problem in e.value.problems] == ["attachment-differs"]
    assert count(conn, "OriginalFile") == count(conn, "FileAnnotation") == 0


def test_what_a_killed_run_left_is_removed_and_nothing_else(conn: Connection, dataset: int) -> None:
    for name in (unfinished_name("Dataset", dataset, "log.txt"), "log.txt", "other.txt"):
        file = omero.model.OriginalFileI()
        file.name, file.path, file.size = rstring(name), rstring("./"), rlong(3)
        conn.update.saveObject(file)
    add_attachment(conn, "Dataset", dataset, b"one", "log.txt")

    files = conn.query.findAllByQuery(
        "select f from OriginalFile f where f.details.owner.id = :id",
        omero.sys.ParametersI().addId(conn.user.id),
    )
    assert sorted(f.name.val for f in files) == ["log.txt", "log.txt", "other.txt"]


@pytest.mark.parametrize(
    ("name", "mimetype"),
    [
        ("a.TXT", "text/plain"),
        ("a.log", "text/plain"),
        ("metadata.yaml", "application/yaml"),
        ("a.csv", "text/csv"),
        ("a.png", "image/png"),
        ("README", "application/octet-stream"),
        ("a.unknown", "application/octet-stream"),
    ],
)
def test_the_type_is_told_from_the_name(name: str, mimetype: str) -> None:
    assert mimetype_of(name) == mimetype
