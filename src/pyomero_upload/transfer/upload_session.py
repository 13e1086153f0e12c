"""The session that an upload works in: that of an earlier run that was cut off, while it lives, else the caller's.

Beside `upload`. Stores live in a session, so only in the old one can they be gone on with. The session is told to outlive
its client, which is what makes that possible the next time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.explaining import SessionOverError
from pyomero_upload.targets.omero.state import read_state


@contextmanager
def upload_session(connection: Connection, folder: Path) -> Iterator[Connection]:
    """Give the session to work in.

    Parameters
    ----------
    connection
        The caller's.
    folder
        The upload's state folder, which is held.

    """
    state = read_state(folder)
    mine = connection.key.get_secret_value()
    if state is not None and state.images and not state.of_login and state.session != mine:
        try:
            earlier = Connection.join(connection.settings, SecretStr(state.session))
        except SessionOverError:
            pass
        else:
            earlier.detach()
            try:
                yield earlier
            finally:
                earlier.close()
            return
    if connection.settings.session is None:
        connection.detach()
        yield connection
        return
    # Somebody else's session, which must not end with this upload, nor live longer because of it.
    connection.sf.detachOnDestroy()
    try:
        yield connection
    finally:
        connection.sf.closeOnDestroy()
