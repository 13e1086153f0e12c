"""The `zarr.json` files of an OME-Zarr 0.5 image.

Stands below `ome_zarr`. Groups follow https://ngff.openmicroscopy.org/0.5/ (built and validated with yaozarrs' models),
arrays the Zarr v3 core and sharding specifications. An axis has a unit only where its size is known: a scale of 1 without
a unit says «unknown», 1 µm would be a claim.
"""

import json
from collections.abc import Mapping, Sequence

from pydantic import JsonValue
from yaozarrs import v05

from pyomero_upload.model import Hypercube
from pyomero_upload.targets.files.names import storable
from pyomero_upload.targets.ranges import window
from pyomero_upload.targets.target import ChannelRange, LevelSize

DEFAULT_COLOR = "FFFFFF"


def group_json(
    image: Hypercube, levels: Sequence[LevelSize], ranges: Mapping[int, ChannelRange]
) -> bytes:
    """Return the `zarr.json` of the image's group: axes, levels with scale and translation, channels.

    Parameters
    ----------
    image
        What is known of the image.
    levels
        From the finest.
    ranges
        What each channel's values were found to be; a channel without pixels has none.

    """
    ome = v05.Image(
        multiscales=[
            v05.Multiscale(
                name=storable(image.name),
                axes=_axes(image),
                datasets=[_dataset(image, number, level) for number, level in enumerate(levels)],
                type="mean" if len(levels) > 1 else None,
            )
        ],
        omero=v05.Omero(
            name=storable(image.name),
            channels=[_channel(image, c, ranges.get(c)) for c in range(image.sizes.c)],
            rdefs=v05.OmeroRenderingDefs(
                model="color", defaultT=0, defaultZ=image.sizes.z // 2, projection="normal"
            ),
        ),
    )
    document: JsonValue = {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": {"ome": ome.model_dump(mode="json", exclude_none=True)},
    }
    return _json(document)


def array_json(
    shape: Sequence[int], chunk: Sequence[int], shard: Sequence[int], dtype: str, codecs: JsonValue
) -> bytes:
    """Return the `zarr.json` of one level's array; shapes have axes t, c, z, y, x."""
    itemsize_one = dtype in {"uint8", "int8"}
    pixel_bytes: JsonValue = (
        {"name": "bytes"}
        if itemsize_one
        else {"name": "bytes", "configuration": {"endian": "little"}}
    )
    inner: list[JsonValue] = [pixel_bytes, *(codecs if isinstance(codecs, list) else [])]
    document: JsonValue = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": dtype,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(shard)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0.0 if dtype.startswith("float") else 0,
        "codecs": [
            {
                "name": "sharding_indexed",
                "configuration": {
                    "chunk_shape": list(chunk),
                    "codecs": inner,
                    "index_codecs": [
                        {"name": "bytes", "configuration": {"endian": "little"}},
                        {"name": "crc32c"},
                    ],
                    "index_location": "end",
                },
            }
        ],
        "dimension_names": ["t", "c", "z", "y", "x"],
        "attributes": {},
    }
    return _json(document)


def _axes(
    image: Hypercube,
) -> list[v05.TimeAxis | v05.ChannelAxis | v05.SpaceAxis | v05.CustomAxis]:
    size = image.physical_size_um
    return [
        v05.TimeAxis(name="t", type="time", unit="second" if image.time_increment_s else None),
        v05.ChannelAxis(name="c", type="channel"),
        *(
            v05.SpaceAxis(name=name, type="space", unit="micrometer" if known else None)
            for name, known in (("z", size.z), ("y", size.y), ("x", size.x))
        ),
    ]


def _dataset(image: Hypercube, number: int, level: LevelSize) -> v05.Dataset:
    """Return one level: pixels grow by 2 for each, and the first pixel's centre moves with them."""
    size, stage = image.physical_size_um, image.stage
    factor = float(2**number)
    scale = [
        image.time_increment_s or 1.0,
        1.0,
        size.z or 1.0,
        (size.y or 1.0) * factor,
        (size.x or 1.0) * factor,
    ]
    # A stage position in micrometres means nothing on an axis that counts pixels.
    offset = [
        0.0,
        0.0,
        (stage.z or 0.0) if size.z else 0.0,
        ((stage.y or 0.0) if size.y else 0.0) + (factor - 1) / 2 * (size.y or 1.0),
        ((stage.x or 0.0) if size.x else 0.0) + (factor - 1) / 2 * (size.x or 1.0),
    ]
    return v05.Dataset(
        path=level.path,
        coordinateTransformations=[
            v05.ScaleTransformation(scale=scale),
            v05.TranslationTransformation(translation=offset),
        ],
    )


def _channel(image: Hypercube, c: int, values: ChannelRange | None) -> v05.OmeroChannel:
    channel = image.channels[c]
    lowest, highest = (values.lowest, values.highest) if values else (0.0, 1.0)
    start, end = window(values) if values else (0.0, 1.0)
    return v05.OmeroChannel(
        label=storable(channel.title),
        color=(channel.color or DEFAULT_COLOR).lstrip("#"),
        active=True,
        inverted=False,
        coefficient=1.0,
        family="linear",
        window=v05.OmeroWindow(
            min=lowest,
            max=highest if highest > lowest else lowest + 1,
            start=start,
            end=end,
        ),
    )


def _json(document: JsonValue) -> bytes:
    return (json.dumps(document, indent=2, allow_nan=False) + "\n").encode("ascii")
