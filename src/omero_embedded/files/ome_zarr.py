"""OME-Zarr as an image: the full resolution of its first multiscales, version 0.4 or 0.5."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from omero_embedded.files.images import (
    ChannelFound,
    ImageFound,
    Plane,
    Quantity,
    SmallerFound,
    UnreadableImageError,
    type_name_of,
)

# OME-Zarr writes units out; OMERO knows their symbols.
_SYMBOLS = {
    "angstrom": "Å",
    "centimeter": "cm",
    "meter": "m",
    "micrometer": "µm",
    "millimeter": "mm",
    "nanometer": "nm",
    "second": "s",
    "millisecond": "ms",
    "minute": "min",
    "hour": "h",
}


def find_image(paths: Sequence[Path]) -> Path | None:
    """Return the folder among files' folders that is an OME-Zarr image, or None."""
    metadata = (path for path in paths if path.name in ("zarr.json", ".zattrs"))
    return next((path.parent for path in metadata if "multiscales" in _attributes(path)), None)


def read_zarr(group: Path) -> ImageFound:
    """Return the image in a folder.

    Raises
    ------
    UnreadableImageError
        If its array is missing or has axes or types that OMERO has not.
    """
    third = (group / "zarr.json").exists()
    attributes = _attributes(group / ("zarr.json" if third else ".zattrs"))
    scales = attributes["multiscales"][0]
    axes = [
        axis if isinstance(axis, dict) else {"name": axis} for axis in scales.get("axes", "tczyx")
    ]
    names = "".join(str(axis["name"]) for axis in axes)
    if len(set(names)) < len(names) or not set(names) <= set("tczyx"):
        raise UnreadableImageError(f"Axes {names} cannot be stored; t, c, z, y and x can.")
    dataset = scales["datasets"][0]
    array, *others = [_array(group, d["path"], third=third) for d in scales["datasets"]]
    size = {axis: array.shape[names.index(axis)] if axis in names else 1 for axis in "xyzct"}
    dtype = np.dtype(array.dtype.numpy_dtype)
    y, x = names.index("y"), names.index("x")
    smaller = tuple(
        SmallerFound(other.shape[x], other.shape[y], partial(_plane, other, names))
        for other in others
        if [n for i, n in enumerate(other.shape) if i not in (y, x)]
        == [n for i, n in enumerate(array.shape) if i not in (y, x)]
    )
    return ImageFound(
        name=scales.get("name") or group.name,
        sizes=(size["x"], size["y"], size["z"], size["c"], size["t"]),
        type_name=type_name_of(dtype),
        dtype=dtype,
        plane=partial(_plane, array, names),
        format_name=None,
        significant_bits=None if dtype.kind == "f" else dtype.itemsize * 8,
        physical_sizes=(
            _scale("x", axes, dataset),
            _scale("y", axes, dataset),
            _scale("z", axes, dataset),
        ),
        time_increment=_scale("t", axes, dataset),
        channels=tuple(_channel(c) for c in attributes.get("omero", {}).get("channels", [])),
        smaller=smaller,
    )


def _array(group: Path, path: str, *, third: bool) -> Any:
    """Open one resolution of an image."""
    import tensorstore  # noqa: PLC0415  # slow to import, only for OME-Zarr

    spec = {
        "driver": "zarr3" if third else "zarr",
        "kvstore": {"driver": "file", "path": str(group / path) + "/"},
    }
    try:
        return tensorstore.open(spec, read=True).result()
    except ValueError as error:
        raise UnreadableImageError(f"{group.name} has no array {path}: {error}") from error


def _plane(array: Any, names: str, z: int, c: int, t: int) -> Plane:
    """Return plane z, c, t of an array whose axes have these names, shape y, x."""
    at = {"z": z, "c": c, "t": t}
    values: Plane = np.asarray(
        array[tuple(at.get(axis, slice(None)) for axis in names)].read().result()
    )
    return values if names.index("y") < names.index("x") else values.T


def _attributes(path: Path) -> dict[str, Any]:
    """Return the OME attributes of a group; none where there are no attributes."""
    content = json.loads(path.read_text(encoding="utf-8"))
    attributes = content.get("attributes", content)
    found: dict[str, Any] = attributes.get("ome", attributes)
    return found


def _scale(name: str, axes: Sequence[dict[str, Any]], dataset: dict[str, Any]) -> Quantity | None:
    """Return the size of a pixel along an axis, where its unit is known."""
    index = next((i for i, axis in enumerate(axes) if axis["name"] == name), None)
    if index is None or axes[index].get("unit") not in _SYMBOLS:
        return None
    scales = [
        t["scale"] for t in dataset.get("coordinateTransformations", []) if t["type"] == "scale"
    ]
    return (float(scales[0][index]), _SYMBOLS[axes[index]["unit"]]) if scales else None


def _channel(channel: dict[str, Any]) -> ChannelFound:
    colour = str(channel.get("color", ""))
    rgba = None
    if len(colour) == 6:
        red, green, blue = bytes.fromhex(colour)
        rgba = (red, green, blue, 255)
    return ChannelFound(name=channel.get("label"), colour=rgba)
