"""Where the bytes of an OriginalFile are.

Files of the managed repository are under their own path and name, below `ManagedRepository/`; all
others under their id, below `Files/`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import ColumnElement, select

from omero_embedded import errors, permissions, tables
from omero_embedded.call import Call
from omero_embedded.pixels.repository import original_file_path

MANAGED = "ManagedRepository"
DIRECTORY = "Directory"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A row of OriginalFile as far as its bytes go.

    Parameters
    ----------
    id, owner, group
        Of the OriginalFile.
    path
        Where it is on disk.
    hasher
        Name of its checksum algorithm, or None.
    """

    id: int
    owner: int
    group: int
    path: Path
    hasher: str | None


def find(call: Call, file_id: int) -> StoredFile | None:
    """Return the file of an OriginalFile, or None where it is missing or may not be read."""
    files = tables.table("OriginalFile")
    found = next(iter(_select(call, files.c.id == file_id)), None)
    if found is None or not permissions.can_read(call, found.owner, found.group):
        return None
    return found


def paths_of(call: Call, file_ids: Iterable[int]) -> dict[int, Path]:
    """Return where the bytes of OriginalFiles are, by their ids; the rows must still be there."""
    files = tables.table("OriginalFile")
    return {file.id: file.path for file in _select(call, files.c.id.in_(list(file_ids)))}


def _select(call: Call, condition: ColumnElement[bool]) -> list[StoredFile]:
    files, hashers = tables.table("OriginalFile"), tables.table("ChecksumAlgorithm")
    query = (
        select(files, hashers.c.value.label("hasher_name"))
        .outerjoin(hashers, hashers.c.id == files.c.hasher)
        .where(condition)
    )
    managed = managed_uuid(call)
    folder = call.server.folder
    return [
        StoredFile(
            row.id,
            row.details_owner,
            row.details_group,
            managed_path(folder, row.path, row.name)
            if row.repo == managed
            else original_file_path(folder, row.id),
            row.hasher_name,
        )
        for row in call.db.execute(query)
    ]


def managed_uuid(call: Call) -> str:
    """Return the uuid of the managed repository."""
    return repository_uuid(call, MANAGED)


def repository_uuid(call: Call, name: str) -> str:
    """Return the uuid of the repository of that name."""
    files = tables.table("OriginalFile")
    query = select(files.c.repo).where(
        files.c.name == name, files.c.mimetype == "Repository", files.c.repo.is_not(None)
    )
    return str(call.db.execute(query).scalar_one())


def managed_path(folder: Path, path: str, name: str) -> Path:
    """Return where a file of the managed repository is.

    Raises
    ------
    omero.ValidationException
        If its path leads out of the repository.
    """
    parts = [part for part in (*path.split("/"), name) if part not in ("", ".")]
    if any(part == ".." or "\0" in part or "\\" in part for part in parts):
        raise errors.validation(f"{path}{name} is not a path within the repository.")
    return folder.joinpath(MANAGED, *parts)
