"""What all tests share: where the real data are, and that coverage sees what the server does."""

import os
from pathlib import Path

import pytest

from traced_ice import follow_ice

follow_ice()

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of shared facts and data: `PYOMERO_SHARED`, or `shared` beside the checkout."""
    folder = Path(os.environ.get("PYOMERO_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.fail(
            f"The shared data are not at {folder}. Set PYOMERO_SHARED to the folder that holds data/demo."
        )
    return folder


@pytest.fixture(scope="session")
def demo(shared: Path) -> Path:
    """Return the folder of real data: two positions, 3 time points, 3 channels, 5 z-sections, 16-bit PNG."""
    folder = shared / "data" / "demo"
    if not folder.is_dir():
        pytest.fail(
            f"The demo data are not at {folder}. Set PYOMERO_SHARED to the folder that holds data/demo."
        )
    return folder
