"""Plans for tests, made by the planner from folders that tests write."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import pyomero_upload.readers
from folders import experiment
from pyomero_upload.model import Hypercube, Plan, PlaneIndex
from pyomero_upload.planning import make_plan


def planned(folder: Path, **experiment_of: object) -> Plan:
    """Write an experiment (see `folders.experiment`), with a text file beside it, and plan it."""
    experiment(folder, **experiment_of)
    (folder / "metadata.yaml").write_text(
        "title: Yeast\ndescription: A test\nauthors: [A. Person]\ntags: [yeast, salt]\n"
        "key_values: {strain: BY4741}\npixel_size: 0.2\n",
        encoding="utf-8",
    )
    return make_plan(folder)


def pixels_of(plan: Plan, image: Hypercube) -> NDArray[np.generic]:
    """Read all planes of an image from its files; axes t, c, z, y, x; zeros where there is no file."""
    pixels = np.zeros(tuple(image.sizes), image.dtype)
    for index, where in image.planes.items():
        read = pyomero_upload.readers.read_planes
        pixels[index] = read(plan.source.folder / where.path, [(where.page, where.sample)])[0]
    return pixels


def file_of(plan: Plan, image: int, t: int, c: int, z: int) -> Path:
    """Return the file that a plane comes from."""
    return plan.source.folder / plan.sources[image].planes[PlaneIndex(t, c, z)].path
