"""Where a password comes from when it is needed: what was said, the keyring, the user.

Below `connection`.
"""

from collections.abc import Callable
from importlib.util import find_spec

from pydantic import SecretStr

from pyomero_upload.targets.omero.settings import ServerSettings

KEYRING = "pyomero-upload"
"""The service under which the keyring holds passwords; the user name there is `USER@SERVER`."""


def password_of(
    settings: ServerSettings, ask: Callable[[str], SecretStr | None] | None
) -> SecretStr | None:
    """Return the password of who logs in, or None where none is known and nobody can be asked."""
    if settings.password is not None:
        return settings.password
    kept = in_keyring(f"{settings.prover}@{settings.host}")
    if kept is not None or ask is None:
        return kept
    return ask(f"{settings.prover} at {settings.place}")


def in_keyring(entry: str) -> SecretStr | None:
    """Return what the keyring holds for `USER@SERVER`; None without a keyring or an entry."""
    if find_spec("keyring") is None:
        return None
    import keyring  # noqa: PLC0415
    import keyring.errors  # noqa: PLC0415

    try:
        password = keyring.get_password(KEYRING, entry)
    except keyring.errors.KeyringError:
        # Locked, or no keyring on this machine: the user is asked.
        return None
    return None if password is None else SecretStr(password)
