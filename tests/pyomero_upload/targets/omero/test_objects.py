"""Deleting objects: all of them or none, and again where the answer of the first time was lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import omero
import omero.model
import pytest
from omero.rtypes import rstring

from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.objects import delete


def make(conn: Connection, name: str) -> int:
    dataset = omero.model.DatasetI()
    dataset.name = rstring(name)
    return int(conn.update.saveAndReturnObject(dataset).id.val)


def there(conn: Connection) -> set[int]:
    rows = conn.query.projection("select d.id from Dataset d", None)
    return {row[0].val for row in rows}


def test_what_is_gone_already_is_as_good_as_deleted(conn: Connection) -> None:
    kept, first, second = (make(conn, name) for name in ("kept", "first", "second"))
    delete(conn, "Dataset", [first])
    delete(conn, "Dataset", [first])
    delete(conn, "Dataset", [first, second])
    assert there(conn) == {kept}


def test_two_that_delete_the_same_at_once_both_end_well(conn: Connection) -> None:
    # As after a drop: the server is still at the first deletion when it is asked for the second.
    ids = [make(conn, f"d{number}") for number in range(20)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: delete(conn, "Dataset", ids), range(4)))
    assert there(conn) == set()


def test_what_may_not_be_deleted_is_an_error_and_nothing_goes(
    conn: Connection, new_connection: Callable[[], Connection]
) -> None:
    mine, theirs = make(conn, "mine"), make(new_connection(), "theirs")
    with pytest.raises(omero.CmdError):
        delete(conn, "Experimenter", [conn.user.id])
    # Somebody else's in another group cannot be seen: for this user it is not there.
    delete(conn, "Dataset", [theirs])
    assert there(conn) == {mine}
