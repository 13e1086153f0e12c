"""Password hashes: scrypt from the standard library, with a salt of its own for each.

A check takes the same time whether there is such a user or not; repeated failures are slowed by the router.
"""

import base64
import hashlib
import hmac
import secrets
import threading

from sqlalchemy import Connection, delete, insert, select

from omero_embedded import tables

COST, BLOCK, PARALLEL = 2**14, 8, 1
"""scrypt's parameters (16 MB, some 40 ms); they are part of each hash, so they may be raised later."""

ANY = ""
"""What is stored in place of a hash where any password will do, as on a real server: for the user guest."""

LOCKED = "-"
"""What is stored in place of a hash where none will do: of a user whose password is blank or was taken away."""

_TURN = threading.Semaphore(2)
"""Hashes at once: many logins together shall not take memory and processors from everything else."""


def hashed(password: str) -> str:
    """Return the hash of a password, to be stored."""
    return _hash(password, secrets.token_bytes(16), COST, BLOCK, PARALLEL)


def matches(password: str, stored: str) -> bool:
    """Whether the password is the one that was hashed."""
    if stored == ANY:
        return True
    if stored == LOCKED:
        stored = _NOBODYS
    _, cost, block, parallel, salt, _ = stored.split("$")
    again = _hash(password, base64.b64decode(salt), int(cost), int(block), int(parallel))
    return hmac.compare_digest(again.encode(), stored.encode())


def check(connection: Connection, user_id: int | None, password: str) -> bool:
    """Whether the password is the user's; `user_id` None (no such user) takes as long as any other."""
    stored = (
        None
        if user_id is None
        else connection.execute(
            select(tables.password.c.hash).where(tables.password.c.experimenter == user_id)
        ).scalar_one_or_none()
    )
    right = matches(password, _NOBODYS if stored is None else stored)
    return right and stored is not None


def store(connection: Connection, user_id: int, password: str | None) -> None:
    """Store a user's password. With none, or a blank one, nobody gets in: passwords are required here.

    (`omero.security.password_required`, true unless an administrator of a real server says otherwise.)
    """
    stored = hashed(password) if password is not None and password.strip() else LOCKED
    connection.execute(delete(tables.password).where(tables.password.c.experimenter == user_id))
    connection.execute(insert(tables.password).values(experimenter=user_id, hash=stored))


def take_any(connection: Connection, user_id: int) -> None:
    """Let a user in with any password."""
    connection.execute(insert(tables.password).values(experimenter=user_id, hash=ANY))


def _hash(password: str, salt: bytes, cost: int, block: int, parallel: int) -> str:
    with _TURN:
        digest = hashlib.scrypt(
            password.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=256 * cost * block
        )
    text = [base64.b64encode(b).decode() for b in (salt, digest)]
    return "$".join(["scrypt", str(cost), str(block), str(parallel), *text])


_NOBODYS = "$".join(
    ["scrypt", str(COST), str(BLOCK), str(PARALLEL), "AAAAAAAAAAAAAAAAAAAAAA==", ""]
)
