"""Lookup tables: 256 colours each, by the file names that OMERO clients know them by.

The ramps, «3-3-2 RGB», «spectrum», «red-green» and «HiLo» follow from their definition; the control
points of «fire» and «ice» are those of ImageJ, which is in the public domain (ij.plugin.LutLoader).
Whatever other name a client sets, the channel keeps its colour, as on a server without tables.
"""

import colorsys
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.uint8]

_RAMPS = {
    "grays.lut": (1, 1, 1),
    "red.lut": (1, 0, 0),
    "green.lut": (0, 1, 0),
    "blue.lut": (0, 0, 1),
    "cyan.lut": (0, 1, 1),
    "magenta.lut": (1, 0, 1),
    "yellow.lut": (1, 1, 0),
}

# fmt: off
_FIRE = (
    (0, 0, 1, 25, 49, 73, 98, 122, 146, 162, 173, 184, 195, 207, 217, 229,
     240, 252, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255),
    (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 35, 57,
     79, 101, 117, 133, 147, 161, 175, 190, 205, 219, 234, 248, 255, 255, 255, 255),
    (0, 61, 96, 130, 165, 192, 220, 227, 210, 181, 151, 122, 93, 64, 35, 5,
     0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 35, 98, 160, 223, 255),
)
_ICE = (
    (0, 0, 0, 0, 0, 0, 19, 29, 50, 48, 79, 112, 134, 158, 186, 201,
     217, 229, 242, 250, 250, 250, 250, 251, 250, 250, 250, 250, 251, 251, 243, 230),
    (156, 165, 176, 184, 190, 196, 193, 184, 171, 162, 146, 125, 107, 93, 81, 87,
     92, 97, 95, 93, 93, 90, 85, 69, 64, 54, 47, 35, 19, 0, 4, 0),
    (140, 147, 158, 166, 170, 176, 209, 220, 234, 225, 236, 246, 250, 251, 250, 250,
     245, 230, 230, 222, 202, 180, 163, 142, 123, 114, 106, 94, 84, 64, 26, 27),
)
# fmt: on


@cache
def lookup_table(name: str) -> Table | None:
    """Return the table of that name, shape (256, 3), or None where there is none."""
    v = np.arange(256)
    table: npt.NDArray[Any]
    if name in _RAMPS:
        table = v[:, None] * np.array(_RAMPS[name])
    elif name == "hilo.lut":
        table = np.repeat(v[:, None], 3, axis=1)
        table[0], table[255] = (0, 0, 255), (255, 0, 0)
    elif name == "3-3-2_rgb.lut":
        table = np.stack([v & 0xE0, v << 3 & 0xE0, v << 6 & 0xC0], axis=1)
    elif name == "red-green.lut":
        table = np.stack([np.where(v < 128, v * 2, 0), np.where(v < 128, 0, v * 2 % 256), v * 0], 1)
    elif name == "spectrum.lut":
        table = np.array([colorsys.hsv_to_rgb(i / 255, 1, 1) for i in v]) * 255 + 0.5
    elif name in ("fire.lut", "ice.lut"):
        table = _between(_FIRE if name == "fire.lut" else _ICE)
    else:
        return None
    colours: Table = table.astype(np.uint8)
    return colours


def _between(points: tuple[tuple[int, ...], ...]) -> npt.NDArray[np.float64]:
    """Fill in 256 colours between control points; all start a section of equal length."""
    count = len(points[0])
    scale = 256 / count
    positions = np.arange(256) / scale
    index = positions.astype(int)
    following = np.minimum(index + 1, count - 1)
    fraction = positions - index
    bands = [np.array(band) for band in points]
    return np.stack([(1 - fraction) * b[index] + fraction * b[following] for b in bands], axis=1)
