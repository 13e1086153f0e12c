"""The scripts that come with every OMERO server, where the package omero-scripts is installed beside this."""

import hashlib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from sqlalchemy import Connection, insert, select

from omero_embedded import tables
from omero_embedded.initial import ENUMERATIONS
from omero_embedded.people import ROOT, USER
from omero_embedded.pixels.repository import original_file_path

PACKAGE = "omero-scripts"
REPOSITORY, MIMETYPE = "ScriptRepo", "text/x-python"


def install(connection: Connection, folder: Path) -> None:
    """Put the scripts that the database does not know yet into it; those it knows may have been edited, and stay.

    Parameters
    ----------
    connection
        Of a transaction that writes.
    folder
        Where the server keeps files.
    """
    rows = tables.table("OriginalFile")
    query = select(rows.c.path, rows.c.name).where(rows.c.repo == REPOSITORY)
    known = {(row.path, row.name) for row in connection.execute(query)}
    for script, data in packaged():
        place = f"/{script.rsplit('/', 1)[0]}/", script.rsplit("/", 1)[1]
        if place in known:
            continue
        made = connection.execute(
            insert(rows)
            .values(
                path=place[0],
                name=place[1],
                repo=REPOSITORY,
                mimetype=MIMETYPE,
                size=len(data),
                hash=hashlib.sha1(data, usedforsecurity=False).hexdigest(),
                hasher=ENUMERATIONS["ChecksumAlgorithm"]["SHA1-160"],
                details_owner=ROOT,
                details_group=USER,
                details_creationEvent=0,
                details_updateEvent=0,
            )
            .returning(rows.c.id)
        ).scalar_one()
        path = original_file_path(folder, made)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def packaged() -> Iterator[tuple[str, bytes]]:
    """Yield path and content of each script of the package, in the order of their paths; none where it is missing."""
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError:
        return
    for file in sorted(files, key=str):
        if file.suffix == ".py" and file.name != "__init__.py":
            yield file.as_posix(), Path(str(file.locate())).read_bytes()
