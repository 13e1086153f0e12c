"""What a picture of an Image must look like: computed from planes and settings alone, with no rendering engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import omero.gateway
from PIL import Image

from pyomero_upload.transfer.events import UploadReport

Colours = npt.NDArray[np.int64]
"""Colours of a picture, shape y, x, (red, green, blue), each 0 to 255."""


class Shown(NamedTuple):
    """How a channel is shown: the values that are darkest and brightest, its colour, and whether it is on."""

    start: float
    end: float
    colour: tuple[int, int, int]
    active: bool = True


def settings_of(conn: omero.gateway.BlitzGateway, image: int) -> list[Shown]:
    """Return how the channels of an Image are shown to whom a connection belongs."""
    return [
        Shown(c.getWindowStart(), c.getWindowEnd(), c.getColor().getRGB(), c.isActive())
        for c in conn.getObject("Image", image).getChannels()
    ]


def picture(planes: Sequence[npt.NDArray[np.uint16]], settings: Sequence[Shown]) -> Colours:
    """Return the picture that planes make, one for each channel: what a channel shows of its colour, added up."""
    colours = np.zeros((*planes[0].shape, 3))
    for plane, shown in zip(planes, settings, strict=True):
        if shown.active:
            part = np.clip((plane - shown.start) / (shown.end - shown.start), 0, 1)
            colours += np.round(part * 255)[..., None] * np.array(shown.colour) / 255
    return np.clip(np.round(colours), 0, 255).astype(np.int64)


def difference(one: Colours, other: Colours) -> float:
    """Return by how much of 255 the colours of two pictures differ, in the mean."""
    return float(np.abs(one - other).mean())


@dataclass(frozen=True)
class Demo:
    """The real data, in the folder and on the server."""

    folder: Path
    report: UploadReport

    CHANNELS: ClassVar = ("Brightfield", "DIC", "GFP")
    SECTIONS: ClassVar = 5
    TIMES: ClassVar = 3

    @property
    def images(self) -> dict[str, int]:
        """The ids of the Images by their names."""
        return {image.name: image.image_id for image in self.report.images if image.image_id}

    def picture(self, position: str, z: int, t: int, settings: Sequence[Shown]) -> Colours:
        """Return the picture that the files of a section and time make."""
        return picture([_plane(self.folder, position, z, c, t) for c in self.CHANNELS], settings)

    def values(self, position: str, c: int) -> npt.NDArray[np.uint16]:
        """Return all values of a channel, shape t, z, y, x."""
        channel = self.CHANNELS[c]
        return np.stack(
            [
                [_plane(self.folder, position, z, channel, t) for z in range(self.SECTIONS)]
                for t in range(self.TIMES)
            ]
        )


@cache
def _plane(folder: Path, position: str, z: int, channel: str, t: int) -> npt.NDArray[np.uint16]:
    file = folder / position / f"microscope1_{t + 1:06d}_{channel}_{z + 1:03d}.png"
    with Image.open(file) as opened:
        return np.asarray(opened).astype(np.uint16)
