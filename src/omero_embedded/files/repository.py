"""ManagedRepository: browsing the imported files, and beginning an import."""

# Operations have the names and parameters of Slice, whether they need them or not.

import uuid
from collections.abc import Sequence
from typing import Any

import omero
import omero.cmd
import omero.grid
import omero.model
from omero.model import IObject
from omero.rtypes import unwrap
from sqlalchemy import select

from omero_embedded import errors, permissions, saving, tables
from omero_embedded.call import Call, writing
from omero_embedded.files import folders, place
from omero_embedded.files.checksums import OFFERED, checksum, suggest
from omero_embedded.files.store import RawFileStore
from omero_embedded.files.upload import ImportProcess, begin, upload_job
from omero_embedded.initial import ENUMERATIONS
from omero_embedded.loading import Loader
from omero_embedded.wire.handles import Handle
from omero_embedded.wire.registry import stateless


@stateless("omero.grid.ManagedRepository")
class ManagedRepository:
    """The files that came by imports."""

    # ------------------------------------------------------------ taking files
    @writing
    def importFileset(self, call: Call, fs: IObject, settings: "omero.grid.ImportSettings") -> Any:
        """Make room for the files of a Fileset and return the process that takes them."""
        if fs is None or settings is None or settings.checksumAlgorithm is None:
            raise errors.api_usage("A Fileset and settings with a checksum algorithm are needed.")
        paths = [unwrap(entry.clientPath) or "" for entry in fs.copyUsedFiles()]
        algorithm = _algorithm(call, settings.checksumAlgorithm)
        upload = begin(call, paths, algorithm, upload_job(fs))
        return call.publish(ImportProcess(upload, settings))

    @writing
    def importPaths(self, call: Call, filePaths: Sequence[str]) -> Any:
        """Make room for files and return the process that takes them, with SHA-1 for a checksum."""
        upload = begin(call, filePaths, OFFERED[0], omero.model.UploadJobI())
        return call.publish(ImportProcess(upload, omero.grid.ImportSettings()))

    def listImports(self, call: Call) -> list[Any]:
        """Return nothing: processes are known to the client that began them."""
        return []

    # ------------------------------------------------------------ checksums
    def listChecksumAlgorithms(self, call: Call) -> list[IObject]:
        """Return the checksum algorithms, preferred ones first."""
        ids = [ENUMERATIONS["ChecksumAlgorithm"][name] for name in OFFERED]
        return list(Loader(call).objects("ChecksumAlgorithm", ids).values())

    def suggestChecksumAlgorithm(self, call: Call, supported: Sequence[IObject]) -> IObject | None:
        """Return the preferred algorithm among those a client supports, or None."""
        name = suggest([_algorithm(call, algorithm) for algorithm in supported])
        if name is None:
            return None
        return Loader(call).object("ChecksumAlgorithm", ENUMERATIONS["ChecksumAlgorithm"][name])

    def verifyChecksums(self, call: Call, ids: Sequence[int]) -> list[int]:
        """Return the ids of those files whose bytes do not fit their checksum."""
        table = tables.table("OriginalFile")
        failing = []
        for file_id in ids:
            file = _found(call, file_id)
            known = call.db.scalar(select(table.c.hash).where(table.c.id == file_id))
            if file.hasher is not None and file.hasher in OFFERED and known is not None:
                here = checksum(file.path, file.hasher) if file.path.exists() else ""
                if here != known:
                    failing.append(file_id)
        return failing

    @writing
    def setChecksumAlgorithm(self, call: Call, hasher: IObject, ids: Sequence[int]) -> list[int]:
        """Give files another checksum algorithm; return the ids of those that had another one."""
        name = _algorithm(call, hasher)
        if name not in OFFERED:
            raise errors.api_usage(f"{name} is not offered; {', '.join(OFFERED)} are.")
        changed = []
        for file_id in ids:
            file = _found(call, file_id)
            if file.hasher == name or not file.path.exists():
                continue
            if not permissions.rights(call, file.owner, file.group).edit:
                raise errors.security(
                    f"Updating ome.model.core.OriginalFile:Id_{file_id} not allowed."
                )
            known = ENUMERATIONS["ChecksumAlgorithm"][name]
            found = checksum(file.path, name)
            saving.change(call, "OriginalFile", file_id, hasher=known, hash=found)
            changed.append(file_id)
        return changed

    # ------------------------------------------------------------ browsing
    def root(self, call: Call) -> IObject | None:
        """Return the OriginalFile that stands for the repository."""
        table = tables.table("OriginalFile")
        query = select(table.c.id).where(
            table.c.repo == place.managed_uuid(call), table.c.mimetype == "Repository"
        )
        return Loader(call).object("OriginalFile", call.db.execute(query).scalar_one())

    def listFiles(self, call: Call, path: str) -> list[IObject]:
        """Return the OriginalFiles in a folder."""
        table = tables.table("OriginalFile")
        query = select(table.c.id).where(
            table.c.repo == place.managed_uuid(call),
            table.c.path == _folder(path),
            table.c.mimetype.is_distinct_from("Repository"),
        )
        condition = permissions.readable(call, "OriginalFile", table)
        if condition is not None:
            query = query.where(condition)
        ids = call.db.execute(query.order_by(table.c.name)).scalars().all()
        return list(Loader(call).objects("OriginalFile", ids).values())

    def list(self, call: Call, path: str) -> list[str]:
        """Return the paths of what is in a folder."""
        return [f"{_folder(path)}{unwrap(file.name)}" for file in self.listFiles(call, path)]

    def fileExists(self, call: Call, path: str) -> bool:
        """Whether there is a file or a folder at a path."""
        folder, _, name = path.strip("/").rpartition("/")
        return place.managed_path(call.server.folder, folder, name).exists()

    def mimetype(self, call: Call, path: str) -> str:
        """Return the media type that a path's name suggests."""
        import mimetypes  # noqa: PLC0415  # reads the system's tables

        return mimetypes.guess_type(path)[0] or "application/octet-stream"

    def treeList(self, call: Call, path: str) -> "omero.RMap":
        """Return id, media type and size of all that is in a folder, by path, with what is in the folders there."""
        return folders.tree(call, path)

    def fileById(self, call: Call, id: int) -> Any:  # Slice's name
        """Return a store that reads and writes a file."""
        return call.publish(RawFileStore.of(_found(call, id)))

    # ------------------------------------------------------------ making and removing
    @writing
    def makeDir(self, call: Call, path: str, parents: bool) -> None:
        """Make a folder, below one's own folder unless one is an administrator."""
        folders.make_folder(call, path, parents=parents)

    @writing
    def register(self, call: Call, path: str, mimetype: "omero.RString | None") -> IObject | None:
        """Make the OriginalFile of a file that lies in the repository."""
        there = folders.on_disk(call, path)
        if not there.exists():
            raise errors.resource(f"Path does not exist: {path}")
        size = 0 if there.is_dir() else there.stat().st_size
        return Loader(call).object(
            "OriginalFile", folders.register(call, path, unwrap(mimetype), size)
        )

    @writing
    def file(self, call: Call, path: str, mode: str) -> Any:
        """Return a store that reads (`r`) or reads and writes (`rw`) the file at a path; a new one for `rw`."""
        if mode not in ("r", "rw"):
            raise errors.api_usage(f"A file is opened with r or rw, not with {mode!r}.")
        found = folders.find(call, path)
        if found is None and mode == "r":
            raise errors.resource(f"Path does not exist: {path}")
        if found is None:
            found = folders.register(call, path, self.mimetype(call, path), 0)
        return call.publish(RawFileStore.of(_found(call, found)))

    def deletePaths(self, call: Call, paths: Sequence[str], recursively: bool, force: bool) -> Any:
        """Begin to delete what is at paths, in one transaction whatever `force` says; return the handle."""
        ids = folders.to_delete(call, paths, recursively=recursively)
        request = omero.cmd.Delete2(targetObjects={"OriginalFile": ids})
        handle = Handle(call.server, call.session, dict(call.context), request)
        proxy = call.server.publish(call.session, handle, name=f"IHandle{uuid.uuid4()}")
        call.after_commit(handle.start)
        return proxy


def _found(call: Call, file_id: int) -> place.StoredFile:
    file = place.find(call, file_id)
    if file is None:
        raise errors.missing_row("ome.model.core.OriginalFile", file_id)
    return file


def _folder(path: str) -> str:
    """Return a folder as OriginalFile.path has it: without a slash before, with one behind."""
    return f"{path.strip('/')}/"


def _algorithm(call: Call, given: IObject) -> str:
    """Return the name of an algorithm that a client gave by id or by value."""
    if given.id is None:
        return str(unwrap(given.value))
    found = Loader(call).object("ChecksumAlgorithm", given.id.val)
    if found is None:
        raise errors.missing_row("ome.model.enums.ChecksumAlgorithm", given.id.val)
    return str(found.value.val)
