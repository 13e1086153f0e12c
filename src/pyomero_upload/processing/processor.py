"""The step between reading and writing: what an image processor is, and how one is found by name.

Stands between readers and targets. The plan asks a processor what will become of an image; carrying the plan out hands it
stacks of pixels. A processor that is not shipped here is a class of the user's (`module:Class`) or comes with an
installed package (entry-point group `pyomero_upload.processors`).
"""

import importlib.metadata
import inspect
from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from pyomero_upload.errors import UsageError
from pyomero_upload.model import Hypercube
from pyomero_upload.plugins import explained, load_named

ENTRY_POINTS = "pyomero_upload.processors"
SHIPPED = {
    "max-z": "pyomero_upload.processing.max_z:MaxZ",
    "rolling-ball": "pyomero_upload.processing.rolling_ball:RollingBall",
}


class ImageProcessor(ABC):
    """Makes planes of planes, a z-stack at a time.

    One object serves a whole job and is called from several threads at once, so `process` must not change it.
    """

    @abstractmethod
    def describe(self, image: Hypercube) -> Hypercube:
        """Say what becomes of an image, without its pixels.

        Parameters
        ----------
        image
            What is read.

        Returns
        -------
        Hypercube
            What is written: sizes z, y, x, dtype, channels and plane infos as they are afterwards; t, c and the name stay
            as they are, and `planes` is empty.

        """

    @abstractmethod
    def process(
        self, stack: npt.NDArray[np.generic], t: int, c: int, image: Hypercube
    ) -> npt.NDArray[np.generic]:
        """Make a stack of a stack.

        Parameters
        ----------
        stack
            Axes z, y, x; one time point and channel. Planes that are missing are zeros; a stack without any plane is
            not processed and stays all zeros.
        t, c
            Which time point and channel.
        image
            What is read, as `describe` got it.

        Returns
        -------
        numpy.ndarray
            Axes z, y, x; sizes and dtype as `describe` said.

        """


def load_processor(name: str) -> ImageProcessor:
    """Find a processor by name and make one.

    Parameters
    ----------
    name
        `max-z`, `rolling-ball`, the name of an entry point, `module:Class` or `path/to/file.py:Class`.

    Raises
    ------
    UsageError
        If there is no such processor, or it is not one.

    """
    installed = {
        point.name: point.value for point in importlib.metadata.entry_points(group=ENTRY_POINTS)
    }
    where = SHIPPED.get(name) or installed.get(name) or name
    forms = (
        f"Choose one of {', '.join(sorted({*SHIPPED, *installed}))}, or name a class of your own as module:Class or "
        "path/to/file.py:Class."
    )
    found = load_named(where, what="image processor", forms=forms)
    if not (inspect.isclass(found) and issubclass(found, ImageProcessor)) or inspect.isabstract(
        found
    ):
        raise UsageError(
            f"{where} is not an image processor.",
            hint="It must be a subclass of pyomero_upload.processing.ImageProcessor with describe and process.",
        )
    with explained(name, what="image processor", forms=forms):
        return found()
