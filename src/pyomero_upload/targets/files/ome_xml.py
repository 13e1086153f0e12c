"""The OME-XML of one image: everything that the plan knows, in the terms of the OME model 2016-06.

Stands below `ome_tiff` and, where there is something that OME-Zarr has no place for, `ome_zarr`. Built with ome-types; pages lie in the order z, c, t (`XYZCT`, z fastest).
"""

from collections.abc import Iterator, Sequence

from ome_types import OME, model
from ome_types.model import (
    AnnotationRef,
    Channel,
    Detector,
    DetectorSettings,
    Image,
    Instrument,
    InstrumentRef,
    Map,
    MapAnnotation,
    MetadataOnly,
    Pixels,
    ROIRef,
    StageLabel,
    StructuredAnnotations,
    TagAnnotation,
    TiffData,
)
from ome_types.model.simple_types import Color, UnitsLength, UnitsTime

from pyomero_upload.model import Hypercube, PlaneInfo, Point
from pyomero_upload.targets.files.rois import roi_elements
from pyomero_upload.targets.files.xml_text import xml_text
from pyomero_upload.targets.target import Annotations

# Key-values under this name can be edited in OMERO's clients.
CLIENT_NAMESPACE = "openmicroscopy.org/omero/client/mapAnnotation"
PROVENANCE_NAMESPACE = "pyomero_upload/provenance"
CHANNEL_NAMESPACE = "pyomero_upload/channel"


def ome_xml(image: Hypercube, annotations: Annotations, *, pages: bool = True) -> str:
    """Return the OME-XML of one image, valid against the OME schema.

    Parameters
    ----------
    image, annotations
        What there is to say.
    pages
        Whether the planes are pages of the file that has this, in their order; else they are elsewhere.

    """
    rois = roi_elements(image.rois)
    structured, image_refs = _annotations(annotations)
    channels = [_channel(image, c, structured) for c in range(image.sizes.c)]
    gains = [channel for channel in image.channels if channel.em_gain is not None]
    ome = OME(
        creator=xml_text(annotations.creator) or None,
        instruments=[
            Instrument(
                id="Instrument:0",
                detectors=[
                    Detector(id=f"Detector:{c}")
                    for c, ch in enumerate(image.channels)
                    if ch.em_gain is not None
                ],
            )
        ]
        if gains
        else [],
        images=[
            Image(
                id="Image:0",
                name=xml_text(image.name),
                description=xml_text(annotations.description) or None,
                acquisition_date=image.acquired,
                instrument_ref=InstrumentRef(id="Instrument:0") if gains else None,
                stage_label=_stage_label(image),
                pixels=_pixels(image, channels, pages=pages),
                roi_refs=[ROIRef(id=roi.id) for roi in rois],
                annotation_refs=[AnnotationRef(id=ref) for ref in image_refs],
            )
        ],
        structured_annotations=structured,
        rois=rois,
    )
    return ome.to_xml()


def _pixels(image: Hypercube, channels: Sequence[Channel], *, pages: bool) -> Pixels:
    sizes, size = image.sizes, image.physical_size_um
    return Pixels(
        id="Pixels:0",
        dimension_order=model.Pixels_DimensionOrder.XYZCT,
        type=model.PixelType(
            {"float32": "float", "float64": "double"}.get(image.dtype, image.dtype)
        ),
        size_x=sizes.x,
        size_y=sizes.y,
        size_z=sizes.z,
        size_c=sizes.c,
        size_t=sizes.t,
        physical_size_x=size.x,
        physical_size_y=size.y,
        physical_size_z=size.z,
        time_increment=image.time_increment_s,
        interleaved=False,
        big_endian=False,
        channels=list(channels),
        tiff_data_blocks=[TiffData(ifd=0, plane_count=sizes.t * sizes.c * sizes.z)]
        if pages
        else [],
        metadata_only=None if pages else MetadataOnly(),
        planes=list(_planes(image)),
    )


def _channel(image: Hypercube, c: int, structured: StructuredAnnotations) -> Channel:
    channel = image.channels[c]
    refs = []
    # The model has no place for these.
    extra = [
        (key, str(value))
        for key, value in (
            ("name in the files", channel.name),
            ("LED voltage (V)", channel.voltage_v),
        )
        if value is not None and value != channel.title
    ]
    if extra:
        refs.append(AnnotationRef(id=f"Annotation:Channel:{c}"))
        structured.append(_map(f"Annotation:Channel:{c}", CHANNEL_NAMESPACE, extra))
    return Channel(
        id=f"Channel:0:{c}",
        name=xml_text(channel.title),
        color=Color(channel.color) if channel.color else Color("#FFFFFF"),
        samples_per_pixel=1,
        excitation_wavelength=channel.excitation_nm,
        emission_wavelength=channel.emission_nm,
        detector_settings=None
        if channel.em_gain is None
        else DetectorSettings(id=f"Detector:{c}", gain=channel.em_gain),
        annotation_refs=refs,
    )


def _planes(image: Hypercube) -> Iterator[model.Plane]:
    """Iterate over the planes, each with its time, exposure and place where they are known."""
    for index in image.indexes():
        info = image.plane_infos.get(index, PlaneInfo())
        exposure = (
            info.exposure_ms
            if info.exposure_ms is not None
            else image.channels[index.c].exposure_ms
        )
        stage = info.stage if info.stage != Point() else image.stage
        yield model.Plane(
            the_t=index.t,
            the_c=index.c,
            the_z=index.z,
            delta_t=info.delta_t_s,
            exposure_time=exposure,
            exposure_time_unit=UnitsTime.MILLISECOND,
            position_x=stage.x,
            position_x_unit=UnitsLength.MICROMETER,
            position_y=stage.y,
            position_y_unit=UnitsLength.MICROMETER,
            position_z=stage.z,
            position_z_unit=UnitsLength.MICROMETER,
        )


def _stage_label(image: Hypercube) -> StageLabel | None:
    if image.stage == Point():
        return None
    return StageLabel(
        name=xml_text(image.name),
        x=image.stage.x,
        x_unit=UnitsLength.MICROMETER,
        y=image.stage.y,
        y_unit=UnitsLength.MICROMETER,
        z=image.stage.z,
        z_unit=UnitsLength.MICROMETER,
    )


def _annotations(annotations: Annotations) -> tuple[StructuredAnnotations, list[str]]:
    structured = StructuredAnnotations()
    for number, tag in enumerate(annotations.tags):
        structured.append(TagAnnotation(id=f"Annotation:Tag:{number}", value=xml_text(tag)))
    if annotations.key_values:
        structured.append(_map("Annotation:KeyValues:0", CLIENT_NAMESPACE, annotations.key_values))
    if annotations.provenance:
        structured.append(
            _map("Annotation:Provenance:0", PROVENANCE_NAMESPACE, annotations.provenance)
        )
    return structured, [annotation.id for annotation in structured]


def _map(identifier: str, namespace: str, pairs: Sequence[tuple[str, str]]) -> MapAnnotation:
    return MapAnnotation(
        id=identifier,
        namespace=namespace,
        value=Map(ms=[Map.M(k=xml_text(key), value=xml_text(value)) for key, value in pairs]),
    )
