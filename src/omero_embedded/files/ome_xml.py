"""What OME-XML says of an image: names, sizes, times, positions, tags and key-values."""

from dataclasses import replace
from typing import Any

from omero_embedded.files.images import ChannelFound, ImageFound, PlaneFound, Quantity


def with_metadata(found: ImageFound, xml: str, index: int) -> ImageFound:
    """Return an image with what the `index`-th Image of an OME-XML text says of it."""
    import ome_types  # noqa: PLC0415  # slow to import, only for OME files

    ome = ome_types.from_xml(xml, validate=False)
    if index >= len(ome.images):
        return found
    image = ome.images[index]
    pixels = image.pixels
    tags, pairs = _annotations(image, ome)
    acquired = image.acquisition_date
    return replace(
        found,
        name=image.name,
        description=image.description,
        significant_bits=pixels.significant_bits or found.significant_bits,
        physical_sizes=(
            _quantity(pixels.physical_size_x, pixels.physical_size_x_unit),
            _quantity(pixels.physical_size_y, pixels.physical_size_y_unit),
            _quantity(pixels.physical_size_z, pixels.physical_size_z_unit),
        ),
        time_increment=_quantity(pixels.time_increment, pixels.time_increment_unit),
        acquired=None if acquired is None else int(acquired.timestamp() * 1000),
        channels=tuple(_channel(channel) for channel in pixels.channels),
        planes=tuple(_plane(plane) for plane in pixels.planes if _says_something(plane)),
        tags=tags,
        pairs=pairs,
    )


def _quantity(value: float | None, unit: Any) -> Quantity | None:
    return None if value is None else (float(value), str(unit.value))


def _channel(channel: Any) -> ChannelFound:
    colour = channel.color if "color" in channel.model_fields_set else None
    return ChannelFound(
        name=channel.name,
        colour=None if colour is None else _rgba(colour),
        emission=_quantity(channel.emission_wavelength, channel.emission_wavelength_unit),
        excitation=_quantity(channel.excitation_wavelength, channel.excitation_wavelength_unit),
    )


def _rgba(colour: Any) -> tuple[int, int, int, int]:
    """Return red, green, blue and alpha of the 32 bits in which OME-XML packs them."""
    packed = colour.as_int32() & 0xFFFFFFFF
    return packed >> 24, packed >> 16 & 255, packed >> 8 & 255, packed & 255


def _says_something(plane: Any) -> bool:
    return any(
        value is not None
        for value in (
            plane.delta_t,
            plane.exposure_time,
            plane.position_x,
            plane.position_y,
            plane.position_z,
        )
    )


def _plane(plane: Any) -> PlaneFound:
    return PlaneFound(
        plane.the_z,
        plane.the_c,
        plane.the_t,
        delta_t=_quantity(plane.delta_t, plane.delta_t_unit),
        exposure=_quantity(plane.exposure_time, plane.exposure_time_unit),
        x=_quantity(plane.position_x, plane.position_x_unit),
        y=_quantity(plane.position_y, plane.position_y_unit),
        stage_z=_quantity(plane.position_z, plane.position_z_unit),
    )


def _annotations(
    image: Any, ome: Any
) -> tuple[tuple[str, ...], tuple[tuple[tuple[str, str], ...], ...]]:
    """Return the tags and the groups of key-value pairs that an Image refers to."""
    wanted = {reference.id for reference in image.annotation_refs}
    tags: list[str] = []
    pairs: list[tuple[tuple[str, str], ...]] = []
    for annotation in ome.structured_annotations:
        if annotation.id not in wanted:
            continue
        kind = type(annotation).__name__
        if kind == "TagAnnotation":
            tags.append(annotation.value)
        elif kind == "MapAnnotation":
            pairs.append(tuple((m.k or "", m.value or "") for m in annotation.value.ms))
    return tuple(tags), tuple(pairs)
