"""The program and its outputs as an outsider sees them, for acceptance tests."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import ome_types
import pytest
import tifffile
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from pyomero_upload.cli import app

zarr = pytest.importorskip("zarr", minversion="3", reason="zarr 3 needs Python 3.11")

ROOT = Path(__file__).parents[1]
FORMATS = {"ome-zarr": ".ome.zarr", "ome-tiff": ".ome.tif"}


def pyomero(*words: object) -> Result:
    """Run the program in this process."""
    return CliRunner().invoke(app, [str(word) for word in words])


def planned(*words: object) -> dict[str, Any]:
    """Return what `pyomero plan … --json` prints, checked by the published schema."""
    document = json.loads(pyomero("plan", *words, "--json").stdout)
    jsonschema.validate(
        document, json.loads((ROOT / "docs/schemas/plan.schema.json").read_text("utf-8"))
    )
    return document


def converted(*words: object) -> None:
    """Run `pyomero convert …`, which must succeed."""
    done = pyomero("convert", *words)
    assert done.exit_code == 0, done.output


def start(*words: object) -> "subprocess.Popen[str]":
    """Start the program as a process of its own."""
    code = "from pyomero_upload.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def pixels(out: Path, name: str) -> NDArray[Any]:
    """Read an image of an output by another library than wrote it; axes t, c, z, y, x."""
    if (out / f"{name}.ome.zarr").exists():
        return zarr.open_group(out / f"{name}.ome.zarr", mode="r")["0"][:]
    with tifffile.TiffFile(out / f"{name}.ome.tif") as file:
        ome = ome_types.from_xml(file.ome_metadata)
        p = ome.images[0].pixels
        return np.stack([page.asarray() for page in file.pages]).reshape(
            p.size_t, p.size_c, p.size_z, p.size_y, p.size_x
        )


def files_of(folder: Path) -> dict[str, str]:
    """Return the digest of all files, but those that tell when and by which process they were made."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".pyomero" not in path.parts
    }
