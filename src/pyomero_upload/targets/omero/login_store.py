"""The sessions of `omero login`: OMERO's own store of them, shared both ways.

Below `settings`, which asks whether a session there fits, and `cli/login`, which keeps one. The store is a folder that
only its user can read: `OMERO_SESSIONDIR`, or `sessions` in `OMERO_USERDIR`, or in `~/omero`.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omero.util.sessions import SessionsStore
from pydantic import SecretStr

from pyomero_upload.errors import UsageError
from pyomero_upload.targets.omero.defaults import DEFAULT_PORT


@dataclass(frozen=True)
class StoredSession:
    """A session in the store; whether it still lives only the server knows."""

    host: str
    port: int | None
    user: str
    group: str | None
    key: SecretStr


def fitting(host: str | None, port: int | None, user: str | None) -> StoredSession | None:
    """Return the session to use where this server and user are asked for (None: any).

    The one used last, if it fits; else, where a server is named, the one used last there, or another one there of the
    user who is named. None if none fits.

    Raises
    ------
    UsageError
        If the store cannot be used.

    """
    store = _store()
    present, present_user, present_key, _ = store.get_current()
    found = None
    for stored_host, users in store.contents().items():
        for stored_user, sessions in users.items():
            for key, properties in sessions.items():
                stored = StoredSession(
                    stored_host,
                    _number(properties.get("omero.port")),
                    stored_user,
                    properties.get("omero.group"),
                    SecretStr(key),
                )
                if not _fits(stored, host, port, user):
                    continue
                if (present, present_user, present_key) == (stored_host, stored_user, key):
                    return stored
                last = _last(store, stored_host, user or _last_user(store, stored_host))
                if host is not None and (key == last or (user is not None and found is None)):
                    found = stored
    return found


def _fits(stored: StoredSession, host: str | None, port: int | None, user: str | None) -> bool:
    return (
        (host is None or stored.host.lower() == host.lower())
        and (port is None or port == (stored.port or DEFAULT_PORT))
        and (user is None or stored.user == user)
    )


def _last_user(store: Any, host: str) -> str | None:
    return _text(store.user_file(host))


def _last(store: Any, host: str, user: str | None) -> str | None:
    return None if user is None else _text(store.sess_file(host, user))


def _text(file: str) -> str | None:
    path = Path(file)
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None


def last_place() -> tuple[str | None, int | None, str | None]:
    """Return host, port and user of the last login, whose session may be over; None for what is not known."""
    store = _store()
    if not store.host_file().exists():
        return None, None, None
    host, user, _, port = store.get_current()
    return host, _number(port), user


def remember(stored: StoredSession, *, sudo: str | None = None) -> None:
    """Keep a session and make it the present one, as `omero login` does."""
    properties = {} if stored.port is None else {"omero.port": str(stored.port)}
    if stored.group is not None:
        properties["omero.group"] = stored.group
    store, key = _store(), stored.key.get_secret_value()
    store.add(stored.host, stored.user, key, properties, sudo=sudo)
    store.set_current(stored.host, stored.user, key, properties)


def forget(stored: StoredSession) -> None:
    """Take a session out of the store."""
    _store().remove(stored.host, stored.user, stored.key.get_secret_value())


def _store() -> Any:
    folder = os.environ.get("OMERO_SESSIONDIR") or None
    try:
        return SessionsStore(folder)
    except OSError as error:
        raise UsageError(
            f"The store of OMERO's sessions cannot be used: {error.filename}: {error.strerror}.",
            hint="Set OMERO_USERDIR or OMERO_SESSIONDIR to a folder that you can write to.",
        ) from error


def _number(port: object) -> int | None:
    return int(str(port)) if str(port).isdigit() else None
