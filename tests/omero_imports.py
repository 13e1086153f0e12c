"""Imports through the managed repository's own protocol, for tests."""

import hashlib
from pathlib import Path
from typing import Any

import omero
import omero.callbacks
import omero.clients
import omero.grid
import omero.model
from omero.rtypes import rstring


def sha1(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()


def begun(client: Any, paths: list[Path], *, job: Any = None, **settings: Any) -> Any:
    """Begin an import and send the files; return its process."""
    shared = client.sf.sharedResources().repositories()
    proxies = [omero.grid.ManagedRepositoryPrx.checkedCast(p) for p in shared.proxies if p]
    fileset = omero.model.FilesetI()
    for path in paths:
        entry = omero.model.FilesetEntryI()
        entry.clientPath = rstring(str(path))
        fileset.addFilesetEntry(entry)
    fileset.linkJob(job or omero.model.UploadJobI())
    wishes = omero.grid.ImportSettings(**settings)
    wishes.checksumAlgorithm = omero.model.ChecksumAlgorithmI()
    wishes.checksumAlgorithm.value = rstring("SHA1-160")
    process = proxies[0].importFileset(fileset, wishes)
    for i, path in enumerate(paths):
        store = process.getUploader(i)
        data = path.read_bytes()
        store.write(data, 0, len(data))
        store.close()
        assert process.getUploadOffset(i) == len(data)
    return process


def imported(client: Any, paths: list[Path], **settings: Any) -> Any:
    """Import files and return the response."""
    handle = begun(client, paths, **settings).verifyUpload([sha1(path) for path in paths])
    callback = omero.callbacks.CmdCallbackI(client, handle)
    callback.loop(60, 500)
    response = callback.getResponse()
    callback.close(True)
    return response
