"""Images: made, described plane by plane, and deleted where they are half written.

Stands above `provenance`. From its first instant until `provenance.mark_image` says that it is complete, an Image carries a
description that says what it is, so that a run that is killed leaves nothing that the next one does not recognise.
"""

import itertools
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

import omero
import omero.model
from omero.model.enums import UnitsLength, UnitsTime
from omero.rtypes import rdouble, rint, rstring, rtime

from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import Channel, Hypercube, PlaneIndex, PlaneInfo, Point
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.looking import refuse_if_under_way, under_way
from pyomero_upload.targets.omero.objects import (
    PIXEL_TYPES,
    annotation_link,
    delete,
    map_annotation,
    pairs_of,
    parameters,
    server_text,
    set_pairs,
)
from pyomero_upload.targets.omero.provenance import (
    complete_images,
    image_provenance,
    incomplete_images,
)
from pyomero_upload.targets.omero.settling import settle
from pyomero_upload.targets.target import ChannelRange

CHANNEL_NAMESPACE = "pyomero_upload/channel"
NAME_IN_FILES, VOLTAGE = "Name in the files", "LED voltage (V)"
# Where the plan knows no colour; as in OME-Zarr and OME-TIFF.
DEFAULT_COLOR = "#FFFFFF"
# Measured on a real server: 1,200 in a call go in at 3,446 a second, 100 at 1,282, single ones at 56.
_BATCH = 1200
_ATTEMPTS = 5


class NewImage(NamedTuple):
    """An Image on the server and its Pixels."""

    image_id: int
    pixels_id: int


def create_image(
    conn: Connection,
    image: Hypercube,
    *,
    dataset_id: int,
    key: str,
    inputs: str,
    metadata: str,
    ours: Collection[int] = (),
) -> NewImage:
    """Make an Image, link it to its Dataset and note on it what it is made from.

    What an earlier run left of the same Image half written is deleted before.

    Parameters
    ----------
    conn
        The session.
    image
        What is known of it.
    dataset_id
        Where it goes.
    key
        The upload's.
    inputs, metadata
        Digests of what it is made from and what is said of it.
    ours
        Numbers of the sessions in which this machine's earlier runs of the upload may have made it.

    Raises
    ------
    UnderWayError
        If somebody else is writing it, or has begun at the same moment, or completed it since this upload began.
    PyomeroError
        If the server has no such pixel type.

    """
    kind = _pixels_type(conn, image)
    left = half_written(conn, key=key, name=image.name)
    refuse_if_under_way(conn, left, ours)
    delete(conn, "Image", left)
    sizes = image.sizes
    image_id = conn.pixels.createImage(
        sizes.x,
        sizes.y,
        sizes.z,
        sizes.t,
        list(range(sizes.c)),
        kind,
        server_text(image.name),
        mark(key, image.name),
    ).val
    link = omero.model.DatasetImageLinkI()
    link.parent = omero.model.DatasetI(dataset_id, False)
    link.child = omero.model.ImageI(image_id, False)
    note = image_provenance(image, key=key, inputs=inputs, metadata=metadata)
    conn.update.saveArray([link, annotation_link("Image", image_id, note)])
    first = settle(
        conn,
        "Image",
        image_id,
        lambda: [
            *_marked(conn, key, image.name),
            *complete_images(conn, dataset_id, key=key, name=image.name),
        ],
    )
    if first != image_id:
        raise under_way(first)
    pixels = conn.query.projection(
        "select p.id from Pixels p where p.image.id = :id", parameters(id=image_id)
    )
    return NewImage(int(image_id), int(pixels[0][0].val))


def mark(key: str, name: str) -> str:
    """Return the description of an Image that is being written."""
    return server_text(
        f"Not complete: PyOmeroUpload is writing «{name}» here, or was interrupted. Run the upload again, or"
        f" delete this Image. (Upload {key}.)"
    )


def half_written(conn: Connection, *, key: str, name: str) -> list[int]:
    """Return the user's own Images that an upload began to make and did not complete.

    Parameters
    ----------
    conn
        The session.
    key, name
        The upload, and the Image's name in its plan.

    """
    return sorted({*_marked(conn, key, name), *incomplete_images(conn, key=key, name=name)})


def _marked(conn: Connection, key: str, name: str) -> list[int]:
    rows = conn.query.projection(
        "select i.id from Image i where i.description = :mark and i.details.owner.id = :me"
        " and i.details.group.id = :group",
        parameters(mark=mark(key, name), me=conn.user.id, group=conn.group.id),
    )
    return [int(row[0].val) for row in rows]


def describe_image(
    conn: Connection,
    image_id: int,
    pixels_id: int,
    image: Hypercube,
    ranges: Mapping[int, ChannelRange],
) -> None:
    """Say all that is known of an Image, its channels and its planes. Calling it again changes nothing.

    Parameters
    ----------
    conn
        The session.
    image_id, pixels_id
        The Image and its Pixels.
    image
        What is known.
    ranges
        The values of each channel, by its index; channels without pixels have none.

    """
    for attempt in itertools.count(1):
        pixels = _load(conn, image_id)
        _describe(conn, pixels, image, ranges)
        try:
            conn.update.saveObject(pixels)
        except omero.OptimisticLockException:
            # The end of a store sets the digest in between: what was loaded is stale then.
            if attempt == _ATTEMPTS:
                raise
        else:
            break
    _save_plane_infos(conn, pixels_id, image)


def set_description(conn: Connection, image_id: int, description: str) -> None:
    """Give an Image another description."""
    image = conn.query.get("Image", image_id)
    image.description = rstring(server_text(description))
    conn.update.saveObject(image)


def channel_pairs(channel: Channel) -> list[tuple[str, str]]:
    """Return what is known of a channel that the OME model has no place for."""
    known = ((NAME_IN_FILES, channel.name), (VOLTAGE, channel.voltage_v))
    return [
        (key, str(value)) for key, value in known if value is not None and value != channel.title
    ]


def color_of(channel: Channel) -> tuple[int, int, int]:
    """Return red, green and blue of a channel, 0 to 255."""
    text = (channel.color or DEFAULT_COLOR).lstrip("#")
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def moment_ms(clock: datetime) -> int:
    """Return what a clock showed as OMERO keeps it: milliseconds since 1970, UTC.

    A time without zone is the time of this computer's zone, or UTC where the system knows no zones for it (on Windows
    before 1970).
    """
    try:
        return round(clock.timestamp() * 1000)
    except (OSError, OverflowError, ValueError):
        return round(clock.replace(tzinfo=timezone.utc).timestamp() * 1000)


def _pixels_type(conn: Connection, image: Hypercube) -> Any:
    name = PIXEL_TYPES.get(image.dtype)
    if name is None:
        raise PyomeroError(
            f"{image.name} has pixels of the type {image.dtype}, which OMERO cannot hold.",
            hint=f"It holds {', '.join(PIXEL_TYPES)}. Convert the files, or write OME-Zarr instead.",
        )
    return conn.query.findByString("PixelsType", "value", name)


def _load(conn: Connection, image_id: int) -> Any:
    """Return an Image's Pixels with all that `_describe` changes; in one graph, so that it is saved in one transaction."""
    return conn.query.findByQuery(
        "select p from Pixels p join fetch p.image i join fetch p.channels c join fetch c.logicalChannel lc"
        " left outer join fetch c.statsInfo left outer join fetch lc.detectorSettings"
        " left outer join fetch c.annotationLinks al left outer join fetch al.child"
        " left outer join fetch i.stageLabel left outer join fetch i.instrument"
        " where i.id = :id",
        parameters(id=image_id),
    )


def _describe(
    conn: Connection, pixels: Any, image: Hypercube, ranges: Mapping[int, ChannelRange]
) -> None:
    """Put what is known into Pixels, its Image and its channels."""
    size = image.physical_size_um
    for axis, value in (("X", size.x), ("Y", size.y), ("Z", size.z)):
        if value is not None and value > 0:
            # A single section has a distance of 0 to the next; the server takes no such size.
            setattr(pixels, f"physicalSize{axis}", _length(value))
    if image.time_increment_s is not None:
        pixels.timeIncrement = omero.model.TimeI(image.time_increment_s, UnitsTime.SECOND)
    if image.acquired is not None:
        pixels.image.acquisitionDate = rtime(moment_ms(image.acquired))
    if image.stage != Point():
        if pixels.image.stageLabel is None:
            pixels.image.stageLabel = omero.model.StageLabelI()
        pixels.image.stageLabel.name = rstring(server_text(image.name))
        _set_position(pixels.image.stageLabel, image.stage)
    for c, channel in enumerate(pixels.copyChannels()):
        _describe_channel(channel, image.channels[c], ranges.get(c))
        if image.channels[c].em_gain is not None:
            _set_gain(conn, pixels.image, channel.logicalChannel, image.channels[c].em_gain)


def _describe_channel(on_server: Any, channel: Channel, values: ChannelRange | None) -> None:
    red, green, blue = color_of(channel)
    on_server.red, on_server.green, on_server.blue = rint(red), rint(green), rint(blue)
    on_server.alpha = rint(255)
    logical = on_server.logicalChannel
    logical.name = rstring(server_text(channel.title))
    if channel.excitation_nm:
        logical.excitationWave = _length(channel.excitation_nm, UnitsLength.NANOMETER)
    if channel.emission_nm:
        logical.emissionWave = _length(channel.emission_nm, UnitsLength.NANOMETER)
    if values is not None:
        if on_server.statsInfo is None:
            on_server.statsInfo = omero.model.StatsInfoI()
        on_server.statsInfo.globalMin = rdouble(values.lowest)
        on_server.statsInfo.globalMax = rdouble(values.highest)
    pairs = channel_pairs(channel)
    notes = [
        annotation
        for annotation in on_server.linkedAnnotationList()
        if annotation.ns is not None and annotation.ns.val == CHANNEL_NAMESPACE
    ]
    if notes and pairs_of(notes[0]) != pairs:
        set_pairs(notes[0], pairs)
    elif pairs and not notes:
        on_server.linkAnnotation(map_annotation(CHANNEL_NAMESPACE, pairs))


def _set_gain(conn: Connection, image: Any, logical: Any, gain: float | None) -> None:
    """Set a channel's detector gain; in the OME model it belongs to settings of a Detector of the Image's Instrument."""
    if logical.detectorSettings is None:
        if image.instrument is None:
            image.instrument = omero.model.InstrumentI()
        detector = omero.model.DetectorI()
        detector.type = conn.query.findByString("DetectorType", "value", "EM-CCD")
        detector.instrument = image.instrument
        logical.detectorSettings = omero.model.DetectorSettingsI()
        logical.detectorSettings.detector = detector
    logical.detectorSettings.gain = rdouble(gain)


def _save_plane_infos(conn: Connection, pixels_id: int, image: Hypercube) -> None:
    """Save what is known of each plane, as far as it is not there yet; nothing prevents a second row for a plane."""
    rows = conn.query.projection(
        "select p.theT, p.theC, p.theZ from PlaneInfo p where p.pixels.id = :id",
        parameters(id=pixels_id),
    )
    there = {PlaneIndex(*(value.val for value in row)) for row in rows}
    pixels = omero.model.PixelsI(pixels_id, False)
    infos = _plane_infos(image, there, pixels)
    while batch := list(itertools.islice(infos, _BATCH)):
        conn.update.saveCollection(batch)


def _plane_infos(image: Hypercube, there: set[PlaneIndex], pixels: Any) -> Iterator[Any]:
    """Iterate over new PlaneInfos of all planes that something is known of and that are not there yet."""
    for index in image.indexes():
        if index in there:
            continue
        info = known_of_plane(image, index)
        if info == PlaneInfo():
            continue
        row = omero.model.PlaneInfoI()
        row.pixels = pixels
        row.theT, row.theC, row.theZ = rint(index.t), rint(index.c), rint(index.z)
        if info.delta_t_s is not None:
            row.deltaT = omero.model.TimeI(info.delta_t_s, UnitsTime.SECOND)
        if info.exposure_ms is not None:
            row.exposureTime = omero.model.TimeI(info.exposure_ms / 1000, UnitsTime.SECOND)
        _set_position(row, info.stage)
        yield row


def known_of_plane(image: Hypercube, index: PlaneIndex) -> PlaneInfo:
    """Return what is known of a plane, by itself or by its channel and its image; the moment is in `delta_t_s` alone."""
    info = image.plane_infos.get(index, PlaneInfo())
    exposure = info.exposure_ms
    return PlaneInfo(
        None,
        info.delta_t_s,
        image.channels[index.c].exposure_ms if exposure is None else exposure,
        image.stage if info.stage == Point() else info.stage,
    )


def _set_position(obj: Any, stage: Point) -> None:
    """Set the stage position, in micrometres, of a PlaneInfo or a StageLabel."""
    for axis, value in (("X", stage.x), ("Y", stage.y), ("Z", stage.z)):
        if value is not None:
            setattr(obj, f"position{axis}", _length(value))


def _length(value: float, unit: Any = UnitsLength.MICROMETER) -> Any:
    return omero.model.LengthI(value, unit)
