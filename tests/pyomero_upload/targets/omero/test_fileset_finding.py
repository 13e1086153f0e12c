"""Two machines that import the same files at the same moment: one of the two does."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import omero.model
import pytest
import tifffile
from omero.rtypes import rstring, unwrap

from pyomero_upload.targets.omero import fileset
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.fileset import Imported, import_files


@pytest.fixture
def two(omero_new_user: Callable[..., Any]) -> Iterator[list[Connection]]:
    """Two sessions of one user."""
    user = omero_new_user()
    clients = [user.log_in(), user.log_in()]
    yield [Connection.over(client) for client in clients]
    for client in clients:
        client.closeSession()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.arange(48, dtype=np.uint16).reshape(6, 8))
    return path


def import_at_once(two: list[Connection], file: Path, *datasets: int) -> list[Imported]:
    """Import a file by both, into a new Dataset unless told."""
    into = datasets or (new_dataset(two[0]),) * 2
    with ThreadPoolExecutor(2) as threads:
        return list(
            threads.map(
                lambda conn, number: import_files(conn, [file], dataset_id=number), two, into
            )
        )


def new_dataset(conn: Connection) -> int:
    dataset = omero.model.DatasetI()
    dataset.name = rstring("originals")
    return int(conn.update.saveAndReturnObject(dataset).id.val)


def together(usual: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of which the first call of each of two threads waits for that of the other."""
    barrier, met = threading.Barrier(2, timeout=30), set[int]()

    def waits(*given: Any) -> Any:
        if threading.get_ident() not in met:
            met.add(threading.get_ident())
            barrier.wait()
        return usual(*given)

    return waits


def count(conn: Connection, of: str) -> int:
    return int(unwrap(conn.query.projection(f"select count(o) from {of} o", None))[0][0])


@pytest.mark.parametrize("steps", [["_begin"], ["_begin", "is_first"]])
def test_both_look_before_either_begins(
    two: list[Connection], file: Path, monkeypatch: pytest.MonkeyPatch, steps: list[str]
) -> None:
    """They wait for one another before both begin, and after both have begun."""
    for step in steps:
        monkeypatch.setattr(fileset, step, together(getattr(fileset, step)))
    first, second = import_at_once(two, file)
    assert first.image_ids == second.image_ids
    assert sorted([first.new, second.new]) == [False, True]
    assert (count(two[0], "Fileset"), count(two[0], "Image")) == (1, 1)


def test_into_two_datasets_both_import(
    two: list[Connection], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fileset, "_begin", together(fileset._begin))
    first, second = import_at_once(two, file, new_dataset(two[0]), new_dataset(two[0]))
    assert (first.new, second.new) == (True, True)
    assert first.image_ids != second.image_ids
    assert (count(two[0], "Fileset"), count(two[0], "Image")) == (2, 2)


def test_one_ends_while_the_other_is_about_to_begin(
    two: list[Connection], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, ended, begin = threading.Event(), threading.Event(), fileset._begin

    def late(conn: Connection, *given: Any) -> Any:
        if conn is two[0]:
            assert looked.wait(30)
        else:
            looked.set()
            assert ended.wait(30)
        return begin(conn, *given)

    result = fileset._result

    def tells(conn: Connection, *given: Any, **more: Any) -> Imported:
        found = result(conn, *given, **more)
        ended.set()
        return found

    monkeypatch.setattr(fileset, "_begin", late)
    monkeypatch.setattr(fileset, "_result", tells)
    first, second = import_at_once(two, file)
    assert (first.new, second.new) == (True, False)
    assert first.image_ids == second.image_ids
    assert (count(two[0], "Fileset"), count(two[0], "Image")) == (1, 1)
