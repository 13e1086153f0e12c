"""Importing files as they are: the server keeps them, and its own Bio-Formats reads images from them.

Stands beside `writer`, which makes Images of planes; `original_groups` says which files belong together. In pure Python, over
the protocol of ManagedRepository, as OMERO's own importer does it
(https://omero.readthedocs.io/en/stable/developers/Import/FS.html): a Fileset with an entry for each file is begun
(`importFileset`), the files are sent or linked (`fileset_sending`), their SHA-1s compared (`verifyUpload`), and the server makes
Images. What an earlier run did is found by `fileset_finding`: nothing is imported twice. Of two machines that begin at the
same moment, the one that was not first gives way.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import Ice
import omero
import omero.clients
import omero.cmd
import omero.grid
import omero.model
import omero.sys
from omero.rtypes import rbool, rstring

from pyomero_upload.errors import PyomeroError, UsageError
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.fileset_finding import (
    MARK,
    discard,
    entries_of,
    find_imported,
    is_first,
    newest_begun,
    settle_leftovers,
)
from pyomero_upload.targets.omero.fileset_result import Imported, ImportedImage, compared
from pyomero_upload.targets.omero.fileset_sending import link_files, send_files
from pyomero_upload.targets.omero.original_files import OriginalFile, is_zarr_set, original_files
from pyomero_upload.targets.omero.original_groups import FileGroup, group_for_import
from pyomero_upload.version import __version__

__all__ = [
    "FileGroup",
    "ImportProgress",
    "ImportRefusedError",
    "Imported",
    "ImportedImage",
    "group_for_import",
    "import_files",
]

log = logging.getLogger(__name__)

CHECKSUM: Final = "SHA1-160"
Step = Literal["sending", "importing", "comparing"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 1.0


class ImportRefusedError(PyomeroError):
    """The server could not make images of the files, or did not get them as they were sent."""


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far the import of one group of files is.

    Attributes
    ----------
    name
        Of the group.
    step
        `sending` files, the server `importing` them, or `comparing` what it made of them.
    done, total
        Bytes sent; steps of the server; images compared.

    """

    name: str
    step: Step
    done: int
    total: int


OnImport = Callable[[ImportProgress], None]


def import_files(
    conn: Connection,
    files: Sequence[Path],
    *,
    dataset_id: int,
    name: str | None = None,
    in_place: bool = False,
    on_progress: OnImport | None = None,
) -> Imported:
    """Import files that belong together into a Dataset, as one Fileset.

    Calling it again, also after it was killed, makes nothing new: files with the same names and checksums whose Images are in
    the Dataset are found.

    Parameters
    ----------
    conn
        Where to, and as whom; in the group of the Dataset.
    files
        The files of one group (see `group_for_import`), the one that is to be opened first in front; or one folder that
        is an OME-Zarr.
    dataset_id
        The Dataset that the Images go into.
    name
        Of the Image; the first file's or the OME-Zarr's name unless given. Where the files hold several images, the server
        adds the name of each.
    in_place
        Link the files into the server's repository instead of sending them. The server reads them where they are from
        then on: they must stay there, unchanged.
    on_progress
        Told how far it is, in the thread that called.

    Returns
    -------
    Imported
        The Images. Each file's checksum was compared by the server and here; the pixels of each Image where there is a
        second way to read them.

    Raises
    ------
    UsageError
        If there are no files, or one is missing or a folder, or there is no such Dataset.
    UnreadableFileError
        If a file cannot be read, is empty, cut off or not what its name says, or changes while it is sent.
    ImportRefusedError
        If the server cannot read images from the files, or got other bytes than were sent.
    SharedDiskError
        If the files cannot be linked.
    ImportUnderWayError
        If another session is importing the same files, and does not end.
    omero.ServerError, Ice.Exception
        For what can go wrong with any call; `explaining.explain` says what.

    """
    report = on_progress or _ignore
    _check_dataset(conn, dataset_id)
    chosen = original_files(files)
    shown = name or _name_of(files)
    waiting = ImportProgress(shown, "importing", 0, 1)
    while True:
        fileset = find_imported(conn, chosen, dataset_id)
        if fileset is not None:
            return _result(conn, fileset, chosen, shown, dataset_id, new=False, report=report)
        if settle_leftovers(conn, chosen, lambda: report(waiting)):
            continue
        begun = _begin(conn, chosen, shown, dataset_id)
        if is_first(conn, chosen, begun.fileset) and not find_imported(conn, chosen, dataset_id):
            break
        # Another machine looked at the same moment and began before: it is waited for.
        _take_back(conn, begun)
    _import(conn, begun, chosen, shown, in_place=in_place, report=report)
    return _result(conn, begun.fileset, chosen, shown, dataset_id, new=True, report=report)


def _ignore(progress: ImportProgress) -> None:
    del progress


def _name_of(files: Sequence[Path]) -> str:
    return Path(files[0]).absolute().name


def _check_dataset(conn: Connection, dataset_id: int) -> None:
    query = "select d from Dataset d where d.id = :id"
    dataset = conn.query.findByQuery(query, omero.sys.ParametersI().addId(dataset_id))
    if dataset is None:
        raise UsageError(
            f"There is no Dataset:{dataset_id} in the group {conn.group.name}",
            hint="Check the number, and the group (--group).",
        )
    if not dataset.details.permissions.canLink():
        raise UsageError(
            f"Images may not be put into Dataset:{dataset_id} by {conn.user.name}",
            hint="Ask its owner, or choose a Dataset of your own.",
        )


def _result(
    conn: Connection,
    fileset: int,
    files: Sequence[OriginalFile],
    name: str,
    dataset_id: int,
    *,
    new: bool,
    report: OnImport,
) -> Imported:
    def comparing(done: int, total: int) -> None:
        report(ImportProgress(name, "comparing", done, total))

    result = compared(conn, fileset, files, dataset_id, new=new, on_image=comparing)
    if not result.images:
        raise ImportRefusedError(
            f"The server made no image of {files[0].path} in Dataset:{dataset_id} (Fileset:{fileset})",
            hint="Look for it in OMERO.web among your orphaned images or screens.",
        )
    return result


# ------------------------------------------------------------ taking files in
class _Begun(NamedTuple):
    """An import that has begun: by which proxies it goes on, and the id of its Fileset."""

    repository: Any
    process: Any
    fileset: int


def _begin(conn: Connection, files: Sequence[OriginalFile], name: str, dataset_id: int) -> _Begun:
    """Tell the server which files will come; from then on others see that."""
    repository = _repository(conn)
    process = repository.importFileset(_fileset(files), _settings(name, dataset_id))
    return _Begun(repository, process, newest_begun(conn, files[0]))


def _import(
    conn: Connection,
    begun: _Begun,
    files: Sequence[OriginalFile],
    name: str,
    *,
    in_place: bool,
    report: OnImport,
) -> None:
    """Have the server take files and make Images of them."""
    repository, process, fileset = begun
    total = sum(file.size for file in files)

    def sending(done: int) -> None:
        report(ImportProgress(name, "sending", done, total))

    try:
        if in_place:
            checksums = link_files(conn, repository, process, files, sending)
        else:
            checksums = send_files(process, files, sending)
        handle = _verified(process, files, checksums)
    except BaseException:
        _take_back(conn, begun)
        raise
    response = _response(handle, name, report)
    if isinstance(response, omero.cmd.ERR):
        _take_back(conn, begun)
        raise _refusal(response, files)
    _close(process)
    _check_noted(conn, fileset, files, checksums)


def _repository(conn: Connection) -> Any:
    for proxy in conn.sf.sharedResources().repositories().proxies:
        found = omero.grid.ManagedRepositoryPrx.checkedCast(proxy) if proxy is not None else None
        if found is not None:
            return found
    raise ImportRefusedError(
        f"{conn.settings.place} has no managed repository, so it takes no files",
        hint="Ask its administrator; or leave --layout original out.",
    )


def _fileset(files: Sequence[OriginalFile]) -> Any:
    fileset, job = omero.model.FilesetI(), omero.model.UploadJobI()
    job.versionInfo = [omero.model.NamedValue(MARK, __version__)]
    fileset.linkJob(job)
    for file in files:
        entry = omero.model.FilesetEntryI()
        entry.clientPath = rstring(file.client_path)
        fileset.addFilesetEntry(entry)
    return fileset


def _settings(name: str, dataset_id: int) -> Any:
    algorithm = omero.model.ChecksumAlgorithmI()
    algorithm.value = rstring(CHECKSUM)
    return omero.grid.ImportSettings(
        userSpecifiedTarget=omero.model.DatasetI(dataset_id, False),
        userSpecifiedName=rstring(name),
        doThumbnails=rbool(True),
        noStatsInfo=rbool(False),
        checksumAlgorithm=algorithm,
    )


def _verified(process: Any, files: Sequence[OriginalFile], checksums: Sequence[str]) -> Any:
    """Have the server compare checksums and begin to read; return the handle of that."""
    try:
        return process.verifyUpload(checksums)
    except omero.ChecksumValidationException as error:
        wrong = [str(files[i].path) for i in sorted(error.failingChecksums)]
        raise ImportRefusedError(
            f"{len(wrong)} of {len(files)} files did not arrive as they were sent: {', '.join(wrong[:3])}",
            hint="Run the same command again. If it stays so, the network or the server's disk is damaged.",
        ) from None


def _response(handle: Any, name: str, report: OnImport) -> Any:
    """Wait until the server has done, in pauses that grow, and return its response."""
    pause = _FIRST_PAUSE
    while (response := handle.getResponse()) is None:
        status = handle.getStatus()
        report(ImportProgress(name, "importing", status.currentStep, status.steps))
        time.sleep(pause)
        pause = min(1.5 * pause, _LONGEST_PAUSE)
    handle.close()
    return response


def _refusal(error: "omero.cmd.ERR", files: Sequence[OriginalFile]) -> ImportRefusedError:
    """Say why the server made no images."""
    words = str((error.parameters or {}).get("message") or error.name or "").strip()
    more = f" and {len(files) - 1} more files" if len(files) > 1 else ""
    hint = "Its format may be none that the server reads, or the file is damaged."
    if is_zarr_set(file.path for file in files):
        hint = "The server's Bio-Formats may lack the reader for OME-Zarr; its administrator can add it."
    return ImportRefusedError(
        f"The server could not read {files[0].path}{more}: {words}",
        hint=f"{hint} What was sent has been removed again.",
    )


def _take_back(conn: Connection, begun: _Begun) -> None:
    """Remove what was sent of an import that came to nothing; where that fails, the next look for leftovers does it."""
    try:
        _close(begun.process)
        discard(conn, begun.fileset)
    except (Ice.Exception, omero.ServerError, PyomeroError) as error:
        log.info("Fileset:%s could not be removed now: %s", begun.fileset, type(error).__name__)


def _close(process: Any) -> None:
    with suppress(Ice.ObjectNotExistException):
        process.close()


def _check_noted(
    conn: Connection, fileset: int, files: Sequence[OriginalFile], checksums: Sequence[str]
) -> None:
    """Compare the checksums that the server keeps with ours."""
    noted = {entry.client_path: entry.sha1 for entry in entries_of(conn, fileset)}
    wrong = [
        str(file.path)
        for file, checksum in zip(files, checksums, strict=True)
        if noted.get(file.client_path) != checksum
    ]
    if wrong:
        raise ImportRefusedError(
            f"The server keeps other checksums than those of the files: {', '.join(wrong[:3])} (Fileset:{fileset})",
            hint="Do not rely on these images; tell the server's administrator.",
        )
