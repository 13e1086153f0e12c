"""Projects, Datasets and Images back from the server, in our own nouns.

Stands on `connection`; what is said of them in annotations is in `said`, their pixels in `raw_planes`. Lengths become
micrometres (wavelengths nanometres), times seconds, exposures milliseconds, whatever unit they are stored in; a length in
«pixels» or «reference frame» has no size and counts as unknown. OMERO keeps moments; an acquisition date is told in this
computer's zone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any, Literal, get_args

import omero.model
from omero.rtypes import unwrap

from pyomero_upload.errors import PyomeroError, UsageError
from pyomero_upload.model import (
    Channel,
    Hypercube,
    PlaneIndex,
    PlaneInfo,
    PlaneSource,
    Point,
    Sizes,
)
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.images import CHANNEL_NAMESPACE, NAME_IN_FILES, VOLTAGE
from pyomero_upload.targets.omero.objects import pairs_of, parameters, text_of
from pyomero_upload.targets.omero.provenance import CLOCK
from pyomero_upload.targets.omero.raw_planes import StoredPixels, numpy_dtype

Kind = Literal["Project", "Dataset", "Image"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# What `Pixels.sha1` holds until the first store that wrote them is closed.
PENDING = "Pending..."
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# Images are asked for in portions, as each brings its channels with it.
IMAGES_AT_ONCE = 50
PLANES_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class ServerImage:
    """An Image on the server.

    Attributes
    ----------
    id, pixels
        Its id, and its Pixels.
    image
        What is known about it; each plane comes from the path `Image:ID`, its page the plane's number in storage order.
    description
        Its own.
    sha1
        Of all planes in storage order, as the server noted it; None where no digest was ever set.
    update
        Number of the last change of its Pixels.
    fileset
        Id of the files that it was imported from, or None.
    owner
        Login name.

    """

    id: int
    pixels: StoredPixels
    image: Hypercube
    description: str
    sha1: str | None
    update: int
    fileset: int | None
    owner: str

    @property
    def where(self) -> str:
        """The Image as people type it."""
        return f"Image:{self.id}"


@dataclass(frozen=True, slots=True)
class ServerObject:
    """A Project or Dataset: what it is called, whose it is, and where."""

    kind: Kind
    id: int
    name: str
    description: str
    owner: str
    group: str


def parse_object(text: str) -> tuple[Kind, int]:
    """Return what `Dataset:12`, as people type it, means.

    Raises
    ------
    UsageError
        If it means nothing.

    """
    kind, _, number = text.partition(":")
    found = {known.lower(): known for known in KINDS}.get(kind.strip().lower())
    if found is None or not number.strip().isdecimal():
        raise UsageError(
            f"{text} is no object on a server.",
            hint="Write its kind and number, as Dataset:12 (also Image:12, Project:12).",
        )
    return found, int(number)


def parse_dataset(text: str) -> int:
    """Return the id in `Dataset:12`, as people type it.

    Raises
    ------
    UsageError
        If it names no Dataset.

    """
    kind, _, number = text.partition(":")
    if kind.strip().lower() != "dataset" or not number.strip().isdecimal():
        raise UsageError(
            f"{text} names no Dataset.", hint="Write it as Dataset:12, with its number in OMERO."
        )
    return int(number)


def read_object(connection: Connection, kind: Kind, identifier: int) -> ServerObject:
    """Return a Project, Dataset or Image.

    Raises
    ------
    UsageError
        If there is none that the user may see in the group of the connection.

    """
    hql = (
        f"select o.name, o.description, o.details.owner.omeName, o.details.group.name from {kind} o "  # noqa: S608 - a kind is one of three words
        "where o.id = :id"
    )
    rows = connection.query.projection(hql, parameters(id=identifier))
    if not rows:
        raise _not_there(connection, kind, identifier)
    name, description, owner, group = (unwrap(value) for value in rows[0])
    return ServerObject(kind, identifier, name or "", description or "", owner, group)


def children(connection: Connection, kind: Kind, identifier: int) -> list[ServerObject]:
    """Return the Datasets of a Project or the Images of a Dataset, in the order of their names and ids."""
    inside: Kind = "Dataset" if kind == "Project" else "Image"
    hql = (
        "select o.id, o.name, o.description, o.details.owner.omeName, o.details.group.name "  # noqa: S608 - as above
        f"from {kind}{inside}Link l join l.child o where l.parent.id = :id"
    )
    rows = connection.query.projection(hql, parameters(id=identifier))
    found = {}
    for row in rows:
        number, name, description, owner, group = (unwrap(value) for value in row)
        # Two people may have made the same link.
        found[number] = ServerObject(inside, number, name or "", description or "", owner, group)
    return sorted(found.values(), key=lambda o: (o.name, o.id))


def read_image(connection: Connection, image_id: int) -> ServerImage:
    """Return all that the server knows of an Image but its annotations.

    Raises
    ------
    UsageError
        If there is none that the user may see in the group of the connection.
    PyomeroError
        If its pixels are of a type that cannot be read here.

    """
    for found in read_images(connection, [image_id]):
        return found
    raise _not_there(connection, "Image", image_id)


def read_images(
    connection: Connection,
    image_ids: Sequence[int],
    *,
    planes: bool = True,
    unreadable: list[PyomeroError] | None = None,
) -> Iterator[ServerImage]:
    """Iterate over Images, in the order asked for; those that are not there are left out.

    Parameters
    ----------
    connection
        Whom to ask.
    image_ids
        Which.
    planes
        Whether to read what is known about each plane, too.
    unreadable
        Takes the errors of Images that have no pixels, or none that can be read here; None: they are raised.

    """
    for first in range(0, len(image_ids), IMAGES_AT_ONCE):
        wanted = list(image_ids[first : first + IMAGES_AT_ONCE])
        found = {image.id.val: image for image in _load(connection, wanted)}
        for identifier in wanted:
            if identifier not in found:
                continue
            try:
                image = _image(connection, found[identifier], planes=planes)
            except PyomeroError as error:
                if unreadable is None:
                    raise
                unreadable.append(error)
            else:
                yield image


def _load(connection: Connection, ids: list[int]) -> list[Any]:
    hql = (
        "select i from Image i left outer join fetch i.stageLabel "
        "left outer join fetch i.details.owner "
        "left outer join fetch i.pixels p left outer join fetch p.pixelsType "
        "left outer join fetch p.channels c left outer join fetch c.logicalChannel l "
        "left outer join fetch l.detectorSettings left outer join fetch c.annotationLinks al "
        "left outer join fetch al.child where i.id in (:ids)"
    )
    found: list[Any] = connection.query.findAllByQuery(hql, parameters(ids=ids))
    return found


def _image(connection: Connection, image: Any, *, planes: bool) -> ServerImage:
    identifier = image.id.val
    where = f"Image:{identifier}"
    if not image.sizeOfPixels():
        raise UsageError(f"{where} has no pixels.", hint="Delete it, or leave it out.")
    pixels = image.getPrimaryPixels()
    sizes = Sizes(*(unwrap(getattr(pixels, f"size{axis}")) for axis in "TCZYX"))
    dtype = numpy_dtype(unwrap(pixels.pixelsType.value), where)
    infos = _plane_infos(connection, pixels.id.val) if planes else {}
    stage = _stage(image, infos.values())
    exposures = _exposures(infos)
    cube = Hypercube(
        name=unwrap(image.name) or "",
        sizes=sizes,
        dtype=dtype,
        channels=tuple(
            _channel(channel, number, exposures.get(number))
            for number, channel in enumerate(pixels.copyChannels())
        ),
        planes={
            PlaneIndex(t, c, z): PlaneSource(where, (t * sizes.c + c) * sizes.z + z)
            for t in range(sizes.t)
            for c in range(sizes.c)
            for z in range(sizes.z)
        },
        physical_size_um=Point(*(length(getattr(pixels, f"physicalSize{axis}")) for axis in "XYZ")),
        time_increment_s=duration(pixels.timeIncrement),
        stage=stage,
        acquired=_moment(unwrap(image.acquisitionDate)),
        plane_infos=infos,
    )
    sha1 = unwrap(pixels.sha1)
    return ServerImage(
        id=identifier,
        pixels=StoredPixels(pixels.id.val, sizes, dtype),
        image=cube,
        description=unwrap(image.description) or "",
        sha1=None if sha1 in {None, "", PENDING} else sha1,
        update=pixels.details.updateEvent.id.val,
        fileset=None if image.fileset is None else image.fileset.id.val,
        owner=unwrap(image.details.owner.omeName),
    )


def _channel(channel: Any, number: int, exposure: float | None) -> Channel:
    said = channel.logicalChannel
    settings = said.detectorSettings
    note = _note(channel)
    title = text_of(said.name) or str(number)
    name = note.get(NAME_IN_FILES, title)
    return Channel(
        name=name,
        label=None if title == name else title,
        color=_color(channel),
        exposure_ms=exposure,
        excitation_nm=length(said.excitationWave, "NANOMETER"),
        emission_nm=length(said.emissionWave, "NANOMETER"),
        em_gain=None if settings is None else unwrap(settings.gain),
        voltage_v=_number(note.get(VOLTAGE)),
    )


def _note(channel: Any) -> dict[str, str]:
    """Return what is noted on a channel that the OME model has no place for."""
    for annotation in channel.linkedAnnotationList():
        if text_of(annotation.ns) == CHANNEL_NAMESPACE:
            return dict(pairs_of(annotation))
    return {}


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        # Anybody may edit a note.
        return None


def _color(channel: Any) -> str | None:
    parts = [unwrap(getattr(channel, name)) for name in ("red", "green", "blue")]
    return None if None in parts else "#{:02X}{:02X}{:02X}".format(*parts)


def _plane_infos(connection: Connection, pixels_id: int) -> dict[PlaneIndex, PlaneInfo]:
    """Return what is known about each plane; of two that speak of the same plane the later one counts."""
    hql = (
        "select p.theT, p.theC, p.theZ, p.deltaT, p.exposureTime, p.positionX, p.positionY, p.positionZ "
        "from PlaneInfo p where p.pixels.id = :id order by p.id"
    )
    infos: dict[PlaneIndex, PlaneInfo] = {}
    offset = 0
    while True:
        asked = parameters(id=pixels_id).page(offset, PLANES_AT_ONCE)
        rows = connection.query.projection(hql, asked)
        for row in rows:
            t, c, z, delta, exposure, x, y, depth = (unwrap(value) for value in row)
            infos[PlaneIndex(t, c, z)] = PlaneInfo(
                delta_t_s=_projected(delta, "SECOND", omero.model.TimeI),
                exposure_ms=_projected(exposure, "MILLISECOND", omero.model.TimeI),
                stage=Point(
                    *(_projected(p, "MICROMETER", omero.model.LengthI) for p in (x, y, depth))
                ),
            )
        if len(rows) < PLANES_AT_ONCE:
            return infos
        offset += len(rows)


def _stage(image: Any, infos: Iterable[PlaneInfo]) -> Point:
    """Return where the image was taken: by its stage label, or where all planes say the same, by them."""
    label = image.stageLabel
    if label is not None:
        return Point(*(length(getattr(label, f"position{axis}")) for axis in "XYZ"))
    places = {info.stage for info in infos}
    return places.pop() if len(places) == 1 else Point()


def _exposures(infos: dict[PlaneIndex, PlaneInfo]) -> dict[int, float]:
    """Return the exposure of each channel whose planes all have the same."""
    found: dict[int, set[float | None]] = defaultdict(set)
    for index, info in infos.items():
        found[index.c].add(info.exposure_ms)
    return {
        c: exposure
        for c, values in found.items()
        if len(values) == 1 and (exposure := next(iter(values))) is not None
    }


def length(value: Any, unit: str = "MICROMETER") -> float | None:
    """Return an `omero.model.Length` in the unit asked for, or None where it is unknown."""
    if value is None:
        return None
    return _converted(value.getValue(), value.getUnit().name, unit, omero.model.LengthI)


def duration(value: Any) -> float | None:
    """Return an `omero.model.Time` in seconds, or None where it is unknown."""
    if value is None:
        return None
    return _converted(value.getValue(), value.getUnit().name, "SECOND", omero.model.TimeI)


def _projected(value: dict[str, Any] | None, unit: str, quantity: Any) -> float | None:
    """Return a quantity as projections give it, in the unit asked for."""
    return None if value is None else _converted(value["value"], value["unit"], unit, quantity)


def _converted(value: float, stored: str, wanted: str, quantity: Any) -> float | None:
    if stored == wanted:
        return value
    factor = _factor(stored, wanted, quantity)
    # Fifteen digits are what a double has; 0.29 s is not 289.99999999999994 ms.
    return None if factor is None else float(f"{value * factor:.15g}")


@cache
def _factor(stored: str, wanted: str, quantity: Any) -> float | None:
    """Return what to multiply with, by omero-py's own table; None where a unit has no size."""
    if stored in {"PIXEL", "REFERENCEFRAME"}:
        return None
    factor: float = quantity(quantity(1.0, stored), wanted).getValue()
    return factor


def clock(provenance: Iterable[tuple[str, str]]) -> datetime | None:
    """Return the acquisition date as the microscope's clock told it, where that is noted."""
    noted = dict(provenance).get(CLOCK)
    try:
        return None if noted is None else datetime.fromisoformat(noted)
    except ValueError:
        # Anybody may edit a note.
        return None


def _moment(milliseconds: int | None) -> datetime | None:
    if milliseconds is None:
        return None
    return (EPOCH + timedelta(milliseconds=milliseconds)).astimezone().replace(tzinfo=None)


def _not_there(connection: Connection, kind: Kind, identifier: int) -> UsageError:
    hql = f"select o.details.group.name from {kind} o where o.id = :id"  # noqa: S608 - as above
    rows = connection.query.projection(hql, parameters(id=identifier), {"omero.group": "-1"})
    if rows:
        group = unwrap(rows[0][0])
        return UsageError(
            f"{kind}:{identifier} is in the group {group}, not in {connection.group.name}.",
            hint=f"Say so: --group {group!r}",
        )
    return UsageError(
        f"There is no {kind}:{identifier} on {connection.host} that {connection.user.name} may see.",
        hint="pyomero search lists what there is.",
    )
