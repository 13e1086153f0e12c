"""How large a pixel of a TIFF is, where a microscope's software has said so.

A resolution in dots per inch says how large to print an image, not what it shows, and is never taken.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

import tifffile

# The micro sign and the Greek letter are two characters that look alike; ImageJ writes the first one escaped.
_MICROMETRES: Final[Mapping[str, float]] = {
    "micron": 1.0,
    "microns": 1.0,
    "um": 1.0,
    "\u00b5m": 1.0,
    "\u03bcm": 1.0,
    "\\u00b5m": 1.0,
    "nm": 1e-3,
    "mm": 1e3,
}
_OME_SIZE = re.compile(r'\bPhysicalSizeX="([^"]+)"')
_OME_UNIT = re.compile(r'\bPhysicalSizeXUnit="([^"]+)"')
_MICRO_MANAGER_TAG: Final = 51123


def pixel_size_um(tif: tifffile.TiffFile) -> float | None:
    """Return the width of a pixel in micrometres, as ImageJ, OME, MetaMorph or Micro-Manager wrote it."""
    for ask in (_of_ome, _of_imagej, _of_metamorph, _of_micro_manager):
        try:
            size = ask(tif)
        except (ArithmeticError, AttributeError, LookupError, SyntaxError, TypeError, ValueError):
            continue  # a broken description costs the pixel size, which the plan then reports as unknown
        if size is not None and math.isfinite(size) and size > 0:
            return size
    return None


def _scaled(size: Any, unit: object) -> float | None:
    factor = _MICROMETRES.get(str(unit).strip().lower())
    return None if factor is None else float(size) * factor


def _of_ome(tif: tifffile.TiffFile) -> float | None:
    if not tif.is_ome or not tif.ome_metadata:
        return None
    size = _OME_SIZE.search(tif.ome_metadata)
    unit = _OME_UNIT.search(tif.ome_metadata)
    return None if size is None else _scaled(size[1], unit[1] if unit else "um")


def _of_imagej(tif: tifffile.TiffFile) -> float | None:
    if not tif.is_imagej or not tif.imagej_metadata:
        return None
    resolution = tif.pages.first.tags.get("XResolution")
    if resolution is None:
        return None
    pixels, units = resolution.value
    return _scaled(units / pixels, tif.imagej_metadata.get("unit", ""))


def _of_metamorph(tif: tifffile.TiffFile) -> float | None:
    if not tif.is_metaseries or not tif.metaseries_metadata:
        return None
    info = tif.metaseries_metadata["PlaneInfo"]
    if not info.get("spatial-calibration-state", True):
        return None
    return _scaled(info["spatial-calibration-x"], info["spatial-calibration-units"])


def _of_micro_manager(tif: tifffile.TiffFile) -> float | None:
    tag = tif.pages.first.tags.get(_MICRO_MANAGER_TAG)
    if tag is None:
        return None
    return _scaled(tag.value["PixelSizeUm"], "um")
