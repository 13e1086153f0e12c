"""A picture of a plan or a result: one row a position, one tile a channel.

For people who want to see at a glance that it is their data. Stands beside the command line.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pyomero_upload.model import Plan
from pyomero_upload.readers import read_planes

TILE = 256
MARGIN = 8
LABEL_HEIGHT = 22
BACKGROUND = (24, 24, 28)
FOREGROUND = (235, 235, 235)


class Tile(NamedTuple):
    """One channel of one image: its name, its colour as `#RRGGBB` and a plane, (y, x) of any number type."""

    label: str
    color: str
    plane: NDArray[np.generic]


def write_contact_sheet(path: Path, rows: Sequence[tuple[str, Sequence[Tile]]]) -> Path:
    """Write a PNG with a labelled tile for each plane, and return its path.

    Parameters
    ----------
    path
        The file to write.
    rows
        For each image its name and its tiles.

    """
    contact_sheet(rows).save(path, format="PNG")
    return path


def picture(plan: Plan, *, images: int = 4) -> Image.Image:
    """Return a picture of what a plan will make: of its first images, each channel's middle plane in time and depth.

    Raises
    ------
    UnreadableFileError
        If a file cannot be read.

    """
    rows = []
    for image in plan.sources[:images]:
        tiles = []
        for c, channel in enumerate(image.channels):
            there = sorted(index for index in image.planes if index.c == c)
            if not there:
                continue
            middle = there[len(there) // 2]
            where = image.planes[middle]
            file = plan.source.folder / where.path
            (plane,) = read_planes(file, [(where.page, where.sample)])
            tiles.append(Tile(channel.title, channel.color or "#FFFFFF", plane))
        rows.append((image.name, tiles))
    return contact_sheet(rows)


def contact_sheet(rows: Sequence[tuple[str, Sequence[Tile]]]) -> Image.Image:
    """Return a picture with a labelled tile for each plane; `rows` as for `write_contact_sheet`."""
    columns = max((len(tiles) for _, tiles in rows), default=0)
    width = MARGIN + max(columns, 1) * (TILE + MARGIN)
    height = MARGIN + max(len(rows), 1) * (TILE + LABEL_HEIGHT + MARGIN)
    sheet = Image.new("RGB", (width, height), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=14)
    for row, (name, tiles) in enumerate(rows):
        top = MARGIN + row * (TILE + LABEL_HEIGHT + MARGIN)
        for column, tile in enumerate(tiles):
            left = MARGIN + column * (TILE + MARGIN)
            draw.text((left, top), f"{name}  {tile.label}", FOREGROUND, font)
            shown = _colored(tile)
            shown.thumbnail((TILE, TILE))
            sheet.paste(shown, (left, top + LABEL_HEIGHT))
    return sheet


def _colored(tile: Tile) -> Image.Image:
    """Show a plane from its darkest half per cent to its brightest two per mille, in its channel's colour."""
    plane = np.nan_to_num(tile.plane.astype(np.float32))
    low, high = np.percentile(plane, (0.5, 99.8))
    shown = np.clip((plane - low) / max(float(high - low), 1e-9), 0, 1)
    color = np.array([int(tile.color[i : i + 2], 16) for i in (1, 3, 5)], np.float32)
    return Image.fromarray((shown[..., None] * color).astype(np.uint8), mode="RGB")
