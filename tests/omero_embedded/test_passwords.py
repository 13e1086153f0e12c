"""Password hashes, and how long a check takes."""

import time
from pathlib import Path

import pytest

from omero_embedded import passwords
from omero_embedded.core import Core
from omero_embedded.database import Database, at


@pytest.fixture
def core(tmp_path: Path) -> Core:
    return Core(tmp_path, Database(at(tmp_path / "omero.db"), durable=False), "secret")


def check(core: Core, user: int | None, password: str) -> bool:
    transaction = core.database.begin(writes=False)
    try:
        return passwords.check(transaction.connection, user, password)
    finally:
        transaction.rollback()


def test_a_password_matches_its_hash_and_no_other() -> None:
    stored = passwords.hashed("pass wörd")
    assert passwords.matches("pass wörd", stored)
    assert not passwords.matches("pass word", stored)
    assert "pass" not in stored


def test_the_same_password_is_hashed_differently_each_time() -> None:
    assert passwords.hashed("same") != passwords.hashed("same")


def test_root_has_the_password_that_was_given(core: Core) -> None:
    assert check(core, 0, "secret")
    assert not check(core, 0, "")


def test_guest_is_let_in_with_any_password(core: Core) -> None:
    assert check(core, 1, "guest")
    assert check(core, 1, "")


def test_an_unknown_user_never_matches(core: Core) -> None:
    for user in (2**40, None):
        for password in ("", "guest", "secret"):
            assert not check(core, user, password)


def test_a_check_takes_as_long_for_an_unknown_user_and_for_a_wrong_password(core: Core) -> None:
    def shortest(user: int | None, password: str) -> float:
        times = []
        for _ in range(5):
            begin = time.thread_time()
            check(core, user, password)
            times.append(time.thread_time() - begin)
        return min(times)

    right = shortest(0, "secret")
    assert shortest(0, "wrong") > right / 2
    assert shortest(None, "secret") > right / 2
