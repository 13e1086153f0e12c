"""Taking the files of an import: where they go, their rows, and that they arrived whole.

`importFileset` of the managed repository makes a Fileset with an OriginalFile for each file, below a
folder of its own; an `ImportProcess` takes their bytes and, when their checksums are right, begins the
import (see `importing`).
"""

# Operations have the names and parameters of Slice, whether they need them or not.

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import takewhile
from pathlib import PurePosixPath
from typing import Any

import omero
import omero.cmd
import omero.grid
import omero.model
from omero.model import IObject
from omero.rtypes import unwrap
from sqlalchemy import select

from omero_embedded import errors, saving, tables
from omero_embedded.call import Call, writing
from omero_embedded.files import place
from omero_embedded.files.checksums import OFFERED
from omero_embedded.files.importing import ImportRequest
from omero_embedded.files.place import StoredFile
from omero_embedded.files.store import RawFileStore
from omero_embedded.initial import ENUMERATIONS
from omero_embedded.saving.rows import write_map
from omero_embedded.wire.handles import Handle
from omero_embedded.wire.registry import stateful

# The steps of an import after the upload, as the real server keeps a job for each.
_JOBS = (
    "MetadataImportJob",
    "PixelDataJob",
    "ThumbnailGenerationJob",
    "IndexingJob",
)
# Of the folders that all paths share, the real server keeps so many that the shortest path has this many folders.
_FOLDERS_KEPT = 3


@dataclass(frozen=True)
class Upload:
    """A Fileset that waits for its files; `job` is its UploadJob."""

    fileset: int
    job: int
    group: int
    files: tuple[StoredFile, ...]
    algorithm: str


@stateful("omero.grid.ImportProcess")
class ImportProcess:
    """One client's import of one Fileset."""

    def __init__(self, upload: Upload, settings: "omero.grid.ImportSettings") -> None:
        self._upload = upload
        self._settings = settings
        self._handle: Any = None

    def getUploader(self, call: Call, i: int) -> Any:
        """Return a store that takes the bytes of the i-th file."""
        return call.publish(RawFileStore.of(self._file(i)))

    def getUploadOffset(self, call: Call, i: int) -> int:
        """Return how many bytes of the i-th file have arrived."""
        path = self._file(i).path
        return path.stat().st_size if path.exists() else 0

    @writing
    def verifyUpload(self, call: Call, hash: Sequence[str]) -> Any:  # Slice's name
        """Compare the files' checksums with the client's, begin the import and return its handle."""
        if len(hash) != len(self._upload.files):
            raise errors.api_usage(
                f"hashes should be provided for {len(self._upload.files)} files, not {len(hash)}"
            )
        found = self._noted(call)
        failing = {
            i: here
            for i, (here, there) in enumerate(zip(found, hash, strict=True))
            if here != there
        }
        if failing:
            raise errors.checksum("A checksum mismatch has occurred.", failing)
        finished = ENUMERATIONS["JobStatus"]["Finished"]
        saving.change(call, "UploadJob", self._upload.job, status=finished, message="Finished")
        request = ImportRequest(self._upload.fileset, self._upload.files, self._settings)
        context = {**call.context, "omero.group": str(self._upload.group)}
        handle = Handle(call.server, call.session, context, request, keeps_session=True)
        name = f"IHandle{uuid.uuid4()}"
        self._handle = call.server.publish(call.session, handle, name=name)
        call.after_commit(handle.start)
        return self._handle

    def getHandle(self, call: Call) -> Any:
        """Return the handle of the import, None before it began."""
        return self._handle

    def getImportSettings(self, call: Call) -> "omero.grid.ImportSettings":
        """Return what the client wished for."""
        return self._settings

    def close(self, call: Call) -> None:
        """Let go of the process; an import that began goes on."""

    def _file(self, i: int) -> StoredFile:
        if not 0 <= i < len(self._upload.files):
            raise errors.api_usage(f"No file {i}; there are {len(self._upload.files)}.")
        return self._upload.files[i]

    def _noted(self, call: Call) -> list[str]:
        """Return the checksums that were noted when the files' stores were closed; the empty string where none was."""
        files, entries = tables.table("OriginalFile"), tables.table("FilesetEntry")
        query = (
            select(files.c.id, files.c.hash)
            .join(entries, entries.c.originalFile == files.c.id)
            .where(entries.c.fileset == self._upload.fileset)
        )
        noted = {row.id: row.hash or "" for row in call.db.execute(query)}
        return [noted.get(file.id, "") for file in self._upload.files]


def upload_job(fileset: "omero.model.Fileset") -> IObject:
    """Return the UploadJob that a client linked to its Fileset.

    Raises
    ------
    omero.ValidationException
        If it linked none, several, or a job of another kind.
    """
    jobs = fileset.linkedJobList()
    if len(jobs) != 1:
        raise errors.validation("Found more than one job link. Link only updateJob on creation!")
    if not isinstance(jobs[0], omero.model.UploadJob):
        raise errors.validation(f"Found non-UploadJob on creation: {type(jobs[0]).__name__}")
    return jobs[0]


def begin(call: Call, client_paths: Sequence[str], algorithm: str, job: IObject) -> Upload:
    """Make a Fileset with the files a client is about to send.

    Parameters
    ----------
    client_paths
        Where the client has the files.
    algorithm
        Name of the checksum algorithm.
    job
        The client's UploadJob, of which the version information is kept.

    Raises
    ------
    omero.ApiUsageException
        If there are no files, or the algorithm is not offered.
    omero.ValidationException
        If a path leads out of the repository.
    """
    if not client_paths:
        raise errors.api_usage("No paths specified")
    if algorithm not in OFFERED:
        raise errors.api_usage(f"{algorithm} is not offered; {', '.join(OFFERED)} are.")
    prefix = _folder(call)
    fileset = saving.insert(call, "Fileset", templatePrefix=prefix)
    paths = [path.replace("\\", "/").lstrip("/") for path in client_paths]
    names = _trimmed(paths)
    _insert_folders(call, prefix, names)
    files = []
    for index, (path, name) in enumerate(zip(paths, names, strict=True)):
        file = _insert_file(call, prefix, name, algorithm)
        saving.insert(
            call,
            "FilesetEntry",
            fileset=fileset,
            fileset_index=index,
            originalFile=file.id,
            clientPath=path,
        )
        files.append(file)
    first = _insert_jobs(call, fileset, job)
    return Upload(fileset, first, call.group.id, tuple(files), algorithm)


def _trimmed(paths: Sequence[str]) -> list[str]:
    """Return paths without the first folders that all share, as long as enough folders are left."""
    parts = [[part for part in path.split("/") if part] for path in paths]
    levels = zip(*(p[:-1] for p in parts), strict=False)
    shared = sum(1 for _ in takewhile(lambda level: len(set(level)) == 1, levels))
    cut = max(0, min(shared, min(map(len, parts)) - 1 - _FOLDERS_KEPT))
    return ["/".join(p[cut:]) for p in parts]


def _folder(call: Call) -> str:
    """Return the folder of a new Fileset: user, month, day and time, as on the real server."""
    now = datetime.now(timezone.utc)
    moment = f"{now:%H-%M-%S}.{now.microsecond // 1000:03d}"
    return f"{call.user.name}_{call.user.id}/{now:%Y-%m}/{now:%d}/{moment}/"


def _insert_folders(call: Call, prefix: str, names: Sequence[str]) -> None:
    """Make an OriginalFile for each folder that is not there yet."""
    wanted = {parent for name in names for parent in PurePosixPath(prefix + name).parents}
    repository = place.managed_uuid(call)
    table = tables.table("OriginalFile")
    for folder in sorted(str(path) for path in wanted if path.name):
        path, name = _split(folder)
        there = select(table.c.id).where(
            table.c.path == path, table.c.name == name, table.c.repo == repository
        )
        if call.db.execute(there).first() is None:
            mimetype = place.DIRECTORY
            saving.insert(
                call, "OriginalFile", path=path, name=name, repo=repository, mimetype=mimetype
            )


def _insert_file(call: Call, prefix: str, name: str, algorithm: str) -> StoredFile:
    path, last = _split(prefix + name)
    on_disk = place.managed_path(call.server.folder, path, last)
    made = saving.insert(
        call,
        "OriginalFile",
        path=path,
        name=last,
        repo=place.managed_uuid(call),
        hasher=ENUMERATIONS["ChecksumAlgorithm"][algorithm],
        ctime=int(time.time() * 1000),
    )
    return StoredFile(made, call.user_id, call.group.id, on_disk, algorithm)


def _split(path: str) -> tuple[str, str]:
    """Return the folder of a path, ending in a slash, and its last part."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/", name


def _insert_jobs(call: Call, fileset: int, upload: IObject) -> int:
    """Make the jobs of an import; return the id of the first, the upload."""
    now = int(time.time() * 1000)
    made = []
    for index, kind in enumerate(("UploadJob", *_JOBS)):
        job = saving.insert(
            call,
            kind,
            username=call.user.name,
            groupname=call.group.name,
            type="User",
            message=kind,
            status=ENUMERATIONS["JobStatus"]["Submitted"],
            submitted=now,
            scheduledFor=now,
        )
        saving.insert(call, "FilesetJobLink", parent=fileset, parent_index=index, child=job)
        made.append(job)
    pairs = [(pair.name, pair.value) for pair in unwrap(upload.versionInfo) or []]
    write_map(call, "UploadJob", "versionInfo", made[0], pairs, anew=False)
    return made[0]
