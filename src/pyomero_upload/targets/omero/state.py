"""What a run must remember of images it has open on a server, so that another one can go on with them.

Beside `target`. A file of mode 0600 in the upload's state folder: the session's key and the identities of open stores let
anybody who reads them act as the user, so nobody else may. It is replaced by a rename, and written before the first plane
of an image is, as stores that nobody remembers cannot be found again.
"""

import os
from pathlib import Path
from threading import Lock

from pydantic import BaseModel, ConfigDict, ValidationError

FILE = "session.json"


class OpenImage(BaseModel):
    """An image that is being written.

    Attributes
    ----------
    image_id, pixels_id
        What it is on the server.
    stores
        Identities of its stores.

    """

    model_config = ConfigDict(frozen=True)
    image_id: int
    pixels_id: int
    stores: tuple[str, ...]


class SessionState(BaseModel):
    """A session on a server, and the images that are open in it, by name."""

    model_config = ConfigDict(frozen=True)
    session: str
    images: dict[str, OpenImage] = {}


class OpenImages:
    """The images that are open now, kept in a file; safe to use from several threads.

    Parameters
    ----------
    folder
        The upload's state folder.
    session
        The key of the session.
    images
        Those that are open from an earlier run and still good.

    """

    def __init__(self, folder: Path, session: str, images: dict[str, OpenImage]) -> None:
        self._path = folder / FILE
        self._session = session
        self._images = dict(images)
        self._lock = Lock()
        self._write()

    def get(self, name: str) -> OpenImage | None:
        """Return an image that is open, or None."""
        return self._images.get(name)

    def add(self, name: str, image: OpenImage) -> None:
        """Remember an image."""
        with self._lock:
            self._images[name] = image
            self._write()

    def remove(self, name: str) -> None:
        """Forget an image that is complete or lost."""
        with self._lock:
            if self._images.pop(name, None) is not None:
                self._write()

    def _write(self) -> None:
        content = SessionState(session=self._session, images=self._images).model_dump_json()
        fresh = self._path.with_name(f".{FILE}.part")
        fresh.unlink(missing_ok=True)
        # The mode is set when the file is made: it is never readable to others, not for an instant.
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(content)
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
