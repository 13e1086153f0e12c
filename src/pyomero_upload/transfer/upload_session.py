"""What every upload stands on: its state folder, held; a session on the server, and patience with it; its Dataset.

Below `upload` and `upload_original`. Stores live in a session, so only in the session of a run that was cut off can its
images be gone on with: while that lives, it is the one to work in. Every session that is worked in is told to outlive its
client, which is what makes that possible the next time.
"""

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import SecretStr

from pyomero_upload.model import Plan, Problem
from pyomero_upload.targets.omero import containers
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.explaining import SessionOverError
from pyomero_upload.targets.omero.faults import GaveUpError, Patience
from pyomero_upload.targets.omero.looking import dataset_name
from pyomero_upload.targets.omero.settings import ServerSettings
from pyomero_upload.targets.omero.state import read_state
from pyomero_upload.transfer.events import OnEvent, UploadedImage, UploadReport
from pyomero_upload.transfer.interruptions import Interruptions
from pyomero_upload.transfer.pipeline import Events
from pyomero_upload.transfer.report_page import write_report_page
from pyomero_upload.transfer.upload_state import REPORT, held_state, state_folder

InProject: TypeAlias = str | Literal[False] | None


@dataclass(frozen=True, slots=True)
class Ground:
    """What an upload stands on.

    Attributes
    ----------
    key
        What the upload is known by on the server.
    patience
        The session, and what waits out its faults.
    folder
        The state folder.
    stop
        Set to end all threads, also those that wait.
    events
        Threads put there what is to be told.
    on_event
        The caller's, for the thread that called.
    interruptions
        What was waited out until now.

    """

    key: str
    patience: Patience
    folder: Path
    stop: threading.Event
    events: Events
    on_event: OnEvent
    interruptions: Interruptions

    @property
    def connection(self) -> Connection:
        """The session."""
        return self.patience.connection

    def report(
        self,
        dataset_id: int,
        images: Sequence[UploadedImage],
        problems: Sequence[Problem],
        seconds: float,
    ) -> UploadReport:
        """Return what became of the upload until now."""
        conn = self.connection
        name, url = self.patience.run(
            lambda: (dataset_name(conn, dataset_id), conn.web_url("Dataset", dataset_id))
        )
        return UploadReport(
            dataset_id,
            name,
            url,
            tuple(images),
            tuple(problems),
            seconds,
            interruptions=self.interruptions.count,
        )

    def hand_back(self, report: UploadReport, warnings: Sequence[Problem] = ()) -> UploadReport:
        """Write the page of an upload that is over, tell the last event, and return the report with the page.

        Parameters
        ----------
        report
            What became of it.
        warnings
            Of its plan, which belong on the page.

        """
        page = self.folder / REPORT
        self.patience.run(lambda: write_report_page(page, report, self.connection, warnings))
        self.on_event(report.totals)
        return replace(report, page=page)


@contextmanager
def grounded(
    plan: Plan,
    key: str,
    connection: Connection | ServerSettings,
    *,
    into: int | None,
    patience: float,
    on_event: OnEvent,
) -> Iterator[Ground]:
    """Hold the state folder of an upload, and give a session to work in.

    Raises
    ------
    PyomeroError
        If another process carries out the same upload, or the server cannot be had.

    """
    with ExitStack() as stack:
        if isinstance(connection, ServerSettings):
            connection = Connection.open(connection)
            stack.callback(connection.close)
        place = f"{connection.host}-{connection.port}-{connection.user.id}-{connection.group.id}"
        folder = state_folder(key, place if into is None else f"{place}-into-{into}")
        stack.enter_context(held_state(folder, str(plan.source.folder)))
        session = _session(connection, folder)
        if session is not connection:
            stack.callback(session.close)
        stop = threading.Event()
        events: Events = queue.SimpleQueue()
        interruptions = Interruptions(events, on_event)
        waiting = Patience(session, seconds=patience, tell=interruptions, stop=stop)
        stack.enter_context(_outliving(waiting))
        yield Ground(key, waiting, folder, stop, events, on_event, interruptions)


def find_dataset(ground: Ground, plan: Plan, project: InProject, into: int | None) -> int:
    """Return the Dataset that the Images go into; made where there is none yet.

    Parameters
    ----------
    ground
        Where to.
    plan
        What is said of the Dataset.
    project
        The Project that a new one is put into; None: the one that the metadata names; False: none.
    into
        One that is there, to be used instead.

    """
    conn, run = ground.connection, ground.patience.run
    if into is not None:
        return run(lambda: containers.use_dataset(conn, into, plan, key=ground.key))
    name = plan.dataset.project if project is None else project
    project_id = run(lambda: containers.ensure_project(conn, name)) if name else None
    return run(lambda: containers.ensure_dataset(conn, plan, key=ground.key, project=project_id))


def _session(connection: Connection, folder: Path) -> Connection:
    """Return the session of a run that was cut off, while it lives, else the caller's."""
    state = read_state(folder)
    mine = connection.key.get_secret_value()
    if state is None or not state.images or state.of_login or state.session == mine:
        return connection
    try:
        return Connection.join(connection.settings, SecretStr(state.session))
    except SessionOverError:
        return connection


@contextmanager
def _outliving(patience: Patience) -> Iterator[None]:
    """Have the session outlive its client, as long as this lasts where it is somebody else's."""
    connection = patience.connection
    settings = connection.settings
    if settings.session is None or settings.stored is not None:
        # Begun by us, or by a login: `Connection.close` knows which of them to end.
        patience.run(connection.detach)
        yield
        return
    patience.run(lambda: connection.sf.detachOnDestroy())  # noqa: PLW0108 - another `sf` after a drop
    try:
        yield
    finally:
        # Where the server cannot be reached, there is nothing to wait for: the session ends by itself.
        with suppress(GaveUpError):
            Patience(connection, seconds=0).run(lambda: connection.sf.closeOnDestroy())  # noqa: PLW0108
