"""Folders and files of the managed repository by their paths: made, registered, listed, and found for deleting.

Below `NAME_ID/`, where a user's imports go too, everything is the user's own; administrators may write anywhere.
"""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from omero import RType
from omero.rtypes import rlong, rmap, rstring
from sqlalchemy import select

from omero_embedded import errors, permissions, saving, tables
from omero_embedded.call import Call
from omero_embedded.files import place
from omero_embedded.files.place import DIRECTORY


def split(path: str) -> tuple[str, str]:
    """Return the folder of a path as OriginalFile.path has it (`a/b/`), and the last part.

    Raises
    ------
    omero.ApiUsageException
        If there is no last part.
    """
    parts = PurePosixPath((path or "").strip("/")).parts
    if not parts:
        raise errors.api_usage(f"{path!r} names no file and no folder.")
    return f"{'/'.join(parts[:-1])}/", parts[-1]


def on_disk(call: Call, path: str) -> Path:
    """Return where a path of the repository is on the disk."""
    return place.managed_path(call.server.folder, *split(path))


def find(call: Call, path: str) -> int | None:
    """Return the id of the OriginalFile at a path that may be seen, or None."""
    folder, name = split(path)
    rows = tables.table("OriginalFile")
    query = select(rows.c.id).where(
        rows.c.repo == place.managed_uuid(call), rows.c.path == folder, rows.c.name == name
    )
    condition = permissions.readable(call, "OriginalFile", rows)
    return call.db.execute(query if condition is None else query.where(condition)).scalar()


def register(call: Call, path: str, mimetype: str | None, size: int | None) -> int:
    """Make an OriginalFile for a path, and return its id.

    Raises
    ------
    omero.SecurityViolation
        If the path is not the user's own.
    omero.ValidationException
        If there is one already.
    """
    folder, name = split(path)
    own = f"{call.user.name}_{call.user.id}"
    if (folder + name).lstrip("/").split("/")[0] != own and not call.is_admin:
        raise errors.security(f"{path} is not below {own}/, where your own files are.")
    if find(call, path) is not None:
        raise errors.validation(f"{path} is registered already.")
    return saving.insert(
        call,
        "OriginalFile",
        path=folder,
        name=name,
        mimetype=mimetype,
        size=size,
        repo=place.managed_uuid(call),
    )


def make_folder(call: Call, path: str, *, parents: bool) -> None:
    """Make a folder, and those that it is in where asked.

    Raises
    ------
    omero.ResourceError
        If it is there already, or the one that it is to be in is not; with `parents` neither is wrong.
    """
    whole = PurePosixPath("".join(split(path)).lstrip("/"))
    above = [str(p) for p in reversed(whole.parents) if p.name]
    if not parents:
        if find(call, str(whole)) is not None:
            raise errors.resource(f"Path exists: {path}")
        missing = [p for p in above if find(call, p) is None]
        if missing:
            raise errors.resource(f"Cannot find parent directory: {missing[0]}")
    for folder in [*above, str(whole)]:
        if find(call, folder) is None:
            register(call, folder, DIRECTORY, 0)
    target = on_disk(call, str(whole))
    call.after_commit(lambda: target.mkdir(parents=True, exist_ok=True))


def tree(call: Call, path: str) -> RType:
    """Return id, mimetype and size of all that is in a folder by path, with `files` for what is in folders there."""
    rows = tables.table("OriginalFile")
    above = f"{path.strip('/')}/" if path.strip("/") else ""
    query = select(rows.c.id, rows.c.path, rows.c.name, rows.c.mimetype, rows.c.size).where(
        rows.c.repo == place.managed_uuid(call), rows.c.mimetype.is_distinct_from("Repository")
    )
    if above:
        query = query.where(rows.c.path.startswith(above, autoescape=True))
    condition = permissions.readable(call, "OriginalFile", rows)
    found = call.db.execute(query if condition is None else query.where(condition)).all()
    inside: dict[str, dict[str, RType]] = {}
    for row in sorted(found, key=lambda r: (-r.path.count("/"), r.name)):
        entry: dict[str, RType] = {
            "id": rlong(row.id),
            "mimetype": rstring(row.mimetype or ""),
            "size": rlong(row.size or 0),
        }
        if row.mimetype == DIRECTORY:
            entry["files"] = rmap(inside.get(f"{row.path}{row.name}/", {}))
        inside.setdefault(row.path, {})[f"/{row.path}{row.name}"] = rmap(entry)
    return rmap(inside.get(above or "/", {}))


def to_delete(call: Call, paths: Iterable[str], *, recursively: bool) -> list[int]:
    """Return the ids of the OriginalFiles at paths; of all in folders there too where asked.

    Raises
    ------
    omero.ResourceError
        If a path is not there, or is a folder with something in it that is to stay.
    """
    rows, found = tables.table("OriginalFile"), []
    for path in paths:
        identifier = find(call, path)
        if identifier is None:
            raise errors.resource(f"Path does not exist: {path}")
        below = f"{path.strip('/')}/"
        query = select(rows.c.id).where(
            rows.c.repo == place.managed_uuid(call),
            rows.c.path.startswith(below, autoescape=True),
        )
        inside = list(call.db.execute(query).scalars())
        if inside and not recursively:
            raise errors.resource(f"The folder is not empty: {path}")
        found += [*inside, identifier]
    return found
