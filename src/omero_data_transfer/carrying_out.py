"""From a call of the published interface to a plan, and to its upload.

Stands between the old classes of this package and `pyomero_upload`: `upload_folder` for a whole experiment, `upload_files`
for the files that a processor was handed, `upload_file` for a single one.
"""

import hashlib
import logging
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import Ice
import omero.clients
from pydantic import SecretStr

from omero_data_transfer.image_processor import object_id, run_processor
from omero_metadata_parser import aggregate_metadata
from omero_metadata_parser.parsed import AdaptedParser
from pyomero_upload import metadata
from pyomero_upload.errors import PyomeroError, UsageError
from pyomero_upload.layout import natural_key
from pyomero_upload.layout.listing import is_hidden
from pyomero_upload.model import Dataset, Plan
from pyomero_upload.planning import make_plan
from pyomero_upload.targets.omero import entering
from pyomero_upload.targets.omero.annotations import annotate
from pyomero_upload.targets.omero.connection import KEEP_ALIVE, Connection
from pyomero_upload.targets.omero.containers import ensure_dataset, ensure_project
from pyomero_upload.targets.omero.explaining import explained_errors
from pyomero_upload.targets.omero.objects import parameters
from pyomero_upload.targets.omero.provenance import mark_dataset_complete
from pyomero_upload.targets.omero.settings import ServerSettings
from pyomero_upload.transfer.events import Event, ImageDone, ProblemFound, Waiting
from pyomero_upload.transfer.upload import upload

log = logging.getLogger(__name__)

IMAGE_SUFFIXES = frozenset({".png", ".tif", ".tiff", ".jpg", ".jpeg", ".gif", ".bmp"})
_DEFAULT_PARSERS = (metadata.MetadataAggregator, aggregate_metadata.MetadataAggregator)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What is on the server now: the Dataset and its new Images, by their ids."""

    dataset_id: int
    image_ids: list[int]


def upload_folder(
    connection: Connection,
    folder: str | os.PathLike[str],
    *,
    name: str,
    hypercube: bool,
    parser: object = None,
    processor: object = None,
    provenance: bool = True,
    ignore_metadata: bool = False,
) -> Uploaded:
    """Make a Dataset of a folder.

    Parameters
    ----------
    connection
        The session.
    folder
        What the microscope left.
    name
        The Dataset's.
    hypercube
        5-D Images; False: each file is an Image.
    parser
        A parser of the old or the new style, or its class; None: the default one.
    processor
        A processor of the old style that makes the Images; None: they are made of the plan.
    provenance
        Say what tool made it.
    ignore_metadata
        Take the images alone.

    Raises
    ------
    PyomeroError
        If the folder cannot be uploaded, or not all of it is on the server as it ought to be.

    """
    plan = make_plan(
        Path(folder),
        name=name,
        layout="hypercube" if hypercube else "separate",
        parser=_adapted(parser),
        ignore_metadata=ignore_metadata,
        provenance=provenance,
    )
    _tell_problems(plan)
    if processor is not None:
        return _with_processor(connection, plan, processor)
    return _uploaded(plan, connection)


def upload_files(connection: Connection, files: Sequence[str], dataset: object) -> list[int]:
    """Make 5-D Images of the files of some positions, and return their ids.

    What text files beside the positions say of channels and planes is said of them too; the Dataset stays as it is.

    Parameters
    ----------
    connection
        The session.
    files
        Named after the default convention, in folders of one folder.
    dataset
        The Dataset or its id; None: one is made, called after the folder.

    """
    paths = [_found(file) for file in files]
    if not paths:
        return []
    folders = {path.parent for path in paths}
    root = Path(os.path.commonpath(folders)) if len(folders) > 1 else next(iter(folders)).parent
    texts = [p for p in root.iterdir() if p.is_file() and p.suffix.lower() not in IMAGE_SUFFIXES]
    return _from_files(connection, root, [*paths, *texts], dataset, layout="hypercube")


def upload_file(connection: Connection, file: str, dataset: object) -> list[int]:
    """Make an Image of the pixels of one file, and return its id."""
    path = _found(file)
    return _from_files(connection, path.parent, [path], dataset, layout="separate")


def _found(file: str) -> Path:
    """Return the absolute path of a file. Links stay what they are: the name counts, not what it leads to."""
    path = Path(os.path.abspath(file))  # noqa: PTH100 - takes `..` out without following links
    if not path.is_file():
        raise UsageError(f"There is no file {file}.", hint="Check its name.")
    return path


@contextmanager
def joined(session: Any, dataset: object = None) -> Iterator[Connection]:
    """Join the session that a service factory belongs to, in the Dataset's group, and leave it as it was.

    Raises
    ------
    UsageError
        If `session` is no service factory.

    """
    try:
        # First of all, as Ice ends the process where a communicator that is gone is asked for its properties.
        key = SecretStr(session.getAdminService().getEventContext().sessionUuid)
        properties = session.ice_getCommunicator().getProperties()
    except AttributeError:
        raise UsageError(
            f"{type(session).__name__} is no session on an OMERO server.",
            hint="Hand over the ServiceFactoryPrx, such as the SESSION of an OMERODataBroker.",
        ) from None
    except Ice.Exception:
        # not "from" it: its text may hold the session's key
        raise UsageError(
            "The session that was handed over is closed.", hint="Open one, and hand over that."
        ) from None
    settings = ServerSettings(
        host=properties.getProperty("omero.host"), port=int(properties.getProperty("omero.port"))
    )
    with explained_errors(settings):
        client = entering.joined(settings, key)
        try:
            group = None if dataset is None else _group_of(client, object_id(dataset))
            client.enableKeepAlive(KEEP_ALIVE)
            connection = Connection.over(client, group=group)
        except BaseException:
            entering.end(client)
            raise
        try:
            yield connection
        finally:
            # An upload has the session outlive its connections; it is somebody else's, and ends when theirs does.
            with suppress(Ice.Exception, omero.ClientError):
                connection.sf.closeOnDestroy()
            entering.end(connection.client)


def _group_of(client: Any, dataset_id: int) -> str | None:
    rows = client.sf.getQueryService().projection(
        "select d.details.group.id from Dataset d where d.id = :id",
        parameters(id=dataset_id),
        {"omero.group": "-1"},
    )
    return str(rows[0][0].val) if rows else None


def _adapted(parser: object) -> metadata.MetadataParser | None:
    """Return the parser as the plan takes it; None for the default one, which tells the plan more in its own form."""
    kind = parser if isinstance(parser, type) else type(parser)
    if parser is None or kind in _DEFAULT_PARSERS:
        return None
    name = f"{kind.__module__}:{kind.__qualname__}"
    try:
        made: object = parser() if isinstance(parser, type) else parser
    except Exception as error:
        message = f"The parser {name} cannot be made: {type(error).__name__}: {error}"
        raise UsageError(message, hint="Its class must take no arguments.") from error
    if not callable(getattr(made, "extract_metadata", None)):
        raise UsageError(
            f"{name} is no parser.", hint="Give it a method extract_metadata(filename)."
        )
    return AdaptedParser(made)


def _tell_problems(plan: Plan) -> None:
    for problem in plan.problems:
        level = {"error": logging.ERROR, "warning": logging.WARNING}.get(
            problem.severity, logging.INFO
        )
        log.log(level, "%s: %s %s", problem.where, problem.message, problem.hint)


def _tell(event: Event) -> None:
    """Tell of an upload in the log: scripts of the old style have no other place for it."""
    if isinstance(event, ImageDone):
        log.info("%s: %d planes in %.1f s", event.image, event.planes, event.seconds)
    elif isinstance(event, ProblemFound):
        log.warning("%s: %s %s", event.image, event.problem.message, event.problem.hint)
    elif isinstance(event, Waiting):
        log.warning("%s Trying again in %.0f s.", event.reason, event.seconds)


def _uploaded(plan: Plan, connection: Connection, into: int | None = None) -> Uploaded:
    """Carry a plan out, and return what is on the server.

    Raises
    ------
    PyomeroError
        If an Image is not there as it ought to be.

    """
    report = upload(plan, connection, into=into, progress=_tell)
    images = [image.image_id for image in report.images if image.image_id is not None]
    if not report.ok or len(images) < len(report.images):
        names = ", ".join(image.name for image in report.failed)
        raise PyomeroError(
            f"{len(report.images) - len(images)} of {len(report.images)} Images could not be made: {names}.",
            hint="Put right what is named, and upload again: it goes on with what is missing.",
            problems=[problem for image in report.failed for problem in image.problems],
        )
    return Uploaded(report.dataset_id, images)


def _from_files(
    connection: Connection,
    root: Path,
    paths: Sequence[Path],
    dataset: object,
    *,
    layout: Literal["hypercube", "separate"],
) -> list[int]:
    """Make Images of some files of a folder, and say nothing of the Dataset."""
    names = [path.relative_to(root).as_posix() for path in paths]
    plan = make_plan(root, layout=layout, files=names)
    if lacking := sorted({*names} - {*plan.source.files}):
        raise UsageError(
            f"{len(lacking)} of {len(names)} files cannot be taken from {root}: {', '.join(lacking[:3])}.",
            hint="Links that lead out of a folder are not followed.",
        )
    _tell_problems(plan)
    plan = replace(plan, dataset=Dataset(plan.dataset.name))
    into = None if dataset is None else object_id(dataset)
    # Another upload than that of the whole folder, even where these are all its files.
    key = hashlib.sha256(f"{plan.digest} as files into {into}".encode()).hexdigest()
    return _uploaded(replace(plan, digest=key[: len(plan.digest)]), connection, into).image_ids


def _with_processor(connection: Connection, plan: Plan, processor: object) -> Uploaded:
    """Make a Dataset, let a processor of the old style make its Images, and annotate it.

    What such a processor does to a server cannot be known, so each call makes a Dataset of its own, which says that it is
    complete when the processor has come to its end.
    """
    name = f"{type(processor).__module__}:{type(processor).__qualname__}"
    key = uuid.uuid4().hex
    provenance = (*plan.provenance, ("Processor", name)) if plan.provenance else ()
    bare = replace(plan, images=(), sources=(), provenance=provenance)
    project = plan.dataset.project
    dataset_id = ensure_dataset(
        connection,
        bare,
        key=key,
        project=None if project is None else ensure_project(connection, project),
    )
    annotate(connection, dataset_id, bare)
    files = [
        str(plan.source.folder / file)
        for file in sorted(plan.source.files, key=natural_key)
        if Path(file).suffix.lower() in IMAGE_SUFFIXES and not is_hidden(f"/{file}")
    ]
    dataset = connection.query.get("Dataset", dataset_id)
    returned = run_processor(processor, connection.sf, files, dataset)
    there = _images_in(connection, dataset_id)
    made = there if returned is None else returned
    if missing := [image for image in made if image not in there]:
        raise PyomeroError(
            f"The image processor {name} says that it made the Images {', '.join(map(str, missing))}, "
            f"but they are not in Dataset:{dataset_id}.",
            hint="Link them to the Dataset that the processor is handed.",
        )
    if not made:
        raise PyomeroError(
            f"The image processor {name} made no Image of {len(files)} files in {plan.source.folder}.",
            hint=f"Correct it. Dataset:{dataset_id} was made and is empty.",
        )
    mark_dataset_complete(connection, dataset_id, key=key)
    return Uploaded(dataset_id, made)


def _images_in(connection: Connection, dataset_id: int) -> list[int]:
    rows = connection.query.projection(
        "select l.child.id from DatasetImageLink l where l.parent.id = :id order by l.child.id",
        parameters(id=dataset_id),
    )
    return [int(row[0].val) for row in rows]
