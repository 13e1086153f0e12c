"""What a run must remember of images it has open on a server, so that another one can go on with them.

Beside `target`. A file of mode 0600 in the upload's state folder: the session's key and the identities of open stores let
anybody who reads them act as the user, so nobody else may. It is replaced by a rename, and written before the first plane
of an image is, as stores that nobody remembers cannot be found again.
"""

import os
from pathlib import Path
from threading import Lock

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pyomero_upload.targets.omero.connection import Connection

FILE = "session.json"


class OpenImage(BaseModel):
    """An image that is being written.

    Attributes
    ----------
    image_id, pixels_id
        What it is on the server.
    stores
        Identities of its stores: secrets, too.
    written
        Whether the server has all of its blocks, so that its stores may be closed.

    """

    model_config = ConfigDict(frozen=True)
    image_id: int
    pixels_id: int
    stores: tuple[str, ...] = Field(repr=False)
    written: bool = False


class SessionState(BaseModel):
    """A session on a server, and the images that are open in it, by name.

    Attributes
    ----------
    session, session_id
        Its key, which is a secret like a password, and its number, which is none.
    of_login
        Whether it is the session of a login, which others use too.
    images
        By their names in the plan.

    """

    model_config = ConfigDict(frozen=True)
    session: str = Field(repr=False)
    session_id: int
    of_login: bool
    images: dict[str, OpenImage] = {}


class OpenImages:
    """The images that are open now, kept in a file; safe to use from several threads.

    Parameters
    ----------
    folder
        The upload's state folder.
    state
        What an earlier run left, as far as it is to be gone on with.

    """

    def __init__(self, folder: Path, state: SessionState | None) -> None:
        self._path = folder / FILE
        self._state = state
        self._lock = Lock()

    def get(self, name: str) -> OpenImage | None:
        """Return an image that is open, or None."""
        return None if self._state is None else self._state.images.get(name)

    def add(self, name: str, image: OpenImage, connection: Connection, number: int) -> None:
        """Remember an image that was opened in the session of the connection, which has this number."""
        with self._lock:
            images = {} if self._state is None else self._state.images
            self._write(
                SessionState(
                    session=connection.key.get_secret_value(),
                    session_id=number,
                    of_login=connection.settings.stored is not None,
                    images={**images, name: image},
                )
            )

    def remove(self, name: str) -> None:
        """Forget an image that is complete or spoilt."""
        with self._lock:
            if self._state is not None and name in self._state.images:
                left = {other: kept for other, kept in self._state.images.items() if other != name}
                self._write(self._state.model_copy(update={"images": left}))

    def _write(self, state: SessionState) -> None:
        self._state = state
        fresh = self._path.with_name(f".{FILE}.part")
        fresh.unlink(missing_ok=True)
        # The mode is set when the file is made: it is never readable to others, not for an instant.
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(state.model_dump_json().encode())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


def read_state(folder: Path) -> SessionState | None:
    """Return what an earlier run remembered; None where there is nothing, or nothing that can be understood."""
    try:
        return SessionState.model_validate_json((folder / FILE).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def forget(folder: Path) -> None:
    """Remove what was remembered: all is complete, or nothing of it can be used any more."""
    (folder / FILE).unlink(missing_ok=True)
