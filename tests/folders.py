"""Folders of image files for tests, made as a microscope leaves them."""

from collections.abc import Sequence
from pathlib import Path

import imagecodecs
import numpy as np
from numpy.typing import DTypeLike, NDArray


def plane(
    seed: int, shape: tuple[int, ...] = (16, 20), dtype: DTypeLike = np.uint16
) -> NDArray[np.generic]:
    """Return a plane of pixels that differ from those of every other seed."""
    return np.random.default_rng(seed).integers(0, 255, shape).astype(dtype)


def write_png(path: Path, pixels: NDArray[np.generic]) -> Path:
    """Write a PNG, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(imagecodecs.png_encode(pixels, level=1))
    return path


def experiment(
    folder: Path,
    *,
    positions: Sequence[str] = ("pos001", "pos002"),
    times: int = 2,
    channels: Sequence[str] = ("Brightfield", "GFP"),
    sections: int = 3,
) -> Path:
    """Write an experiment in the default convention; each plane's pixels are those of its running number."""
    number = 0
    for position in positions:
        for t in range(1, times + 1):
            for channel in channels:
                for z in range(1, sections + 1):
                    write_png(
                        folder / position / f"exp_{t:06d}_{channel}_{z:03d}.png", plane(number)
                    )
                    number += 1
    return folder
