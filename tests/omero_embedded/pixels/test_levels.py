"""Images whose file brought smaller resolutions along."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import omero
import omero.clients
import pytest
import tensorstore

from omero_imports import imported


def test_the_smaller_resolutions_of_an_ome_zarr_come_along(
    omero_client: Any, tmp_path: Path
) -> None:
    full = np.arange(2 * 40 * 30, dtype="uint16").reshape(2, 40, 30)
    root = tmp_path / "a.zarr"
    for path, values in (("0", full), ("1", full[:, ::2, ::2])):
        spec = {"driver": "zarr", "kvstore": {"driver": "file", "path": str(root / path)}}
        array = tensorstore.open(
            spec, create=True, dtype=tensorstore.uint16, shape=values.shape
        ).result()
        array.write(values).result()
    scales = [
        {
            "version": "0.4",
            "axes": [{"name": n} for n in "cyx"],
            "datasets": [{"path": "0"}, {"path": "1"}],
        }
    ]
    (root / ".zattrs").write_text(json.dumps({"multiscales": scales}), encoding="utf-8")
    paths = sorted(p for p in root.rglob("*") if p.is_file())
    pixels = imported(omero_client, paths).pixels[0].id.val
    store = omero_client.sf.createRawPixelsStore()
    store.setPixelsId(pixels, False)
    assert [(d.sizeX, d.sizeY) for d in store.getResolutionDescriptions()] == [(30, 40), (15, 20)]
    assert (store.getResolutionLevels(), store.getResolutionLevel()) == (2, 1)
    assert store.getPlane(0, 1, 0) == full[1].astype(">u2").tobytes()
    store.setResolutionLevel(0)
    assert store.getPlane(0, 1, 0) == full[1, ::2, ::2].astype(">u2").tobytes()
    assert store.getTile(0, 1, 0, 3, 2, 5, 4) == full[1, 4:12:2, 6:16:2].astype(">u2").tobytes()
    assert store.calculateMessageDigest().hex() == hashlib.sha1(full.astype(">u2")).hexdigest()
    with pytest.raises(omero.InternalException, match="UnsupportedOperation"):
        store.setResolutionLevel(2)
    store.close()
