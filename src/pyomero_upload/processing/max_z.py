"""`max-z`: the maximum projection along z, one plane for each z-stack."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pyomero_upload.model import Hypercube, PlaneIndex, Point
from pyomero_upload.processing.processor import ImageProcessor


class MaxZ(ImageProcessor):
    """Keeps the brightest value of each pixel among all z-sections."""

    def describe(self, image: Hypercube) -> Hypercube:
        """Return the image with one z-section; what is known of a stack's first plane holds for the projection.

        Heights no longer mean anything, so the voxel's height and the stage's z are unknown.
        """
        infos = {
            PlaneIndex(index.t, index.c, 0): info._replace(stage=info.stage._replace(z=None))
            for index, info in sorted(image.plane_infos.items(), reverse=True)
        }
        size, stage = image.physical_size_um, image.stage
        return replace(
            image,
            sizes=image.sizes._replace(z=1),
            planes={},
            missing=(),
            physical_size_um=Point(size.x, size.y, None),
            stage=Point(stage.x, stage.y, None),
            plane_infos=infos,
        )

    def process(
        self, stack: npt.NDArray[Any], t: int, c: int, image: Hypercube
    ) -> npt.NDArray[Any]:
        """Return the maximum along z; axes z, y, x with one z."""
        del t, c, image
        return np.asarray(stack.max(axis=0, keepdims=True))
