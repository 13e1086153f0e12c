"""The pictures of OMERO.web in the documentation are those of today."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[3]
NEAR = 10
"""By how much of 255 a picture may differ in the mean: it says when it was taken, and fonts are others elsewhere."""


def test_the_pictures_of_the_documentation_are_what_the_pages_show(
    chromium: Any, tmp_path: Path
) -> None:
    script = ROOT / "scripts/make_screenshots.py"
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        env={**os.environ, "PYOMERO_STATE": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in ("web-dataset.webp", "web-viewer.webp"):
        shown, taken = (
            np.asarray(Image.open(folder / name).convert("RGB")).astype(np.int64)
            for folder in (ROOT / "docs/images", tmp_path)
        )
        assert shown.shape == taken.shape
        difference = float(np.abs(shown - taken).mean())
        assert difference <= NEAR, f"{name} is out of date: run {script.name}"
