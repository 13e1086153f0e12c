"""A Dataset on a server as a plan, so that it goes the way of every plan: into files, or onto another server.

Stands where `planning` stands for a folder; `get` and `copying` carry the plan out. The plan's planes are not in files: its
`ServerOrigin` reads them. What the model of a plan has no place for (what is said of single Images, notes of other
programs) becomes a table of its own, so that nothing is lost without a word.
"""

import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import pandas as pd

from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import (
    Dataset,
    FileStat,
    Hypercube,
    Plan,
    PlaneIndex,
    PlaneSource,
    Problem,
    Source,
    Table,
)
from pyomero_upload.planning.document import plan_digest
from pyomero_upload.planning.provenance import DOI, NAMESPACE
from pyomero_upload.targets.omero.attachments import ORIGINAL_NAMESPACE
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.faults import Patience
from pyomero_upload.targets.omero.objects import parameters
from pyomero_upload.targets.omero.provenance import (
    BLANK,
    COMPLETE,
    MADE_AT,
    MISSING,
    MISSING_LISTED,
    PLANNED,
    STATE,
    ZEROS,
)
from pyomero_upload.targets.omero.raw_planes import PixelSource
from pyomero_upload.targets.omero.reading import (
    ServerImage,
    ServerObject,
    children,
    clock,
    read_images,
    read_object,
)
from pyomero_upload.targets.omero.regions import read_rois
from pyomero_upload.targets.omero.said import (
    Attachment,
    Said,
    file_parts,
    fileset_files,
    read_all_annotations,
    read_annotations,
)
from pyomero_upload.targets.omero.table_frames import read_table
from pyomero_upload.targets.target import Pixels
from pyomero_upload.transfer.verify_image import unreadable_images
from pyomero_upload.version import __version__

# Reading has nothing to lose: when the server stays away, the same command goes on later.
PATIENCE_S = 120.0
ANNOTATIONS = "Annotations"
ANNOTATION_COLUMNS = ("object", "kind", "namespace", "key", "value")
_PLANE = re.compile(r"t(\d+) c(\d+) z(\d+)")


@dataclass(frozen=True, slots=True)
class ServerOrigin:
    """Reads planes and files of a plan from the server; see `transfer.planes.Origin`.

    Attributes
    ----------
    place
        What it is called.
    connection, pixels
        Where.
    images, files
        By the paths that the plan uses.

    """

    place: str
    connection: Connection
    pixels: PixelSource
    images: Mapping[str, ServerImage]
    files: Mapping[str, Attachment]
    stop: threading.Event = field(default_factory=threading.Event)

    def read(self, path: str, wanted: Sequence[PlaneSource]) -> Sequence[Pixels]:
        """Return planes of an Image."""
        image = self.images[path]
        indexes = [_index(image.image, where.page) for where in wanted]
        patience = Patience(self.connection, seconds=PATIENCE_S, stop=self.stop)
        return patience.run(lambda: self.pixels.planes(image.pixels, indexes))

    def original(self, path: str) -> Iterator[bytes]:
        """Iterate over the bytes of a file, in parts, and compare them with the server's checksum."""
        return file_parts(self.connection, self.files[path])


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """What `server_plan` returns.

    Attributes
    ----------
    plan, origin
        What to make, and what reads it.
    dataset, said
        The Dataset, and what is said of it.
    images, notes
        For the name that each Image has in the plan: the Image, and what is said of it.

    """

    plan: Plan
    origin: ServerOrigin
    dataset: ServerObject
    said: Said
    images: Mapping[str, ServerImage]
    notes: Mapping[str, Said]


def server_plan(
    connection: Connection,
    pixels: PixelSource,
    dataset_id: int,
    *,
    originals: bool = False,
    rois: bool = False,
) -> ServerPlan:
    """Plan what is in a Dataset.

    Parameters
    ----------
    connection, pixels
        Whom to ask, and what reads planes.
    dataset_id
        Which.
    originals
        Whether the files that Images were imported from are attachments of the plan, too.
    rois
        Whether ROIs are part of the plan; whoever puts them on another server takes them as they are.

    Raises
    ------
    UsageError
        If there is no such Dataset that the user may see in the group of the connection.

    """
    dataset = read_object(connection, "Dataset", dataset_id)
    said = read_annotations(connection, "Dataset", dataset_id)
    ids = [image.id for image in children(connection, "Dataset", dataset_id)]
    by_id = read_all_annotations(connection, "Image", ids)
    bad: list[PyomeroError] = []
    images = dict(_named(read_images(connection, ids, unreadable=bad)))
    notes = {name: by_id[image.id] for name, image in images.items()}
    place = f"Dataset:{dataset_id} on {connection.settings.place}"
    files = _files(connection, said, images, notes, originals=originals)
    cubes = tuple(
        replace(
            _cube(name, image, notes[name]),
            rois=read_rois(connection, image.id) if rois else (),
        )
        for name, image in images.items()
    )
    plan = Plan(
        source=Source(
            folder=Path(connection.host, f"Dataset:{dataset_id}"),
            profile="OMERO",
            files={image.where: FileStat(_bytes(image), image.update) for image in images.values()},
        ),
        dataset=Dataset(
            name=dataset.name,
            description=dataset.description,
            tags=tuple(tag.text for tag in said.tags),
            key_values=said.key_values,
            tables=tuple(_tables(connection, dataset, said, images, notes)),
            attachments=tuple(files),
            authors=tuple(value for key, value in said.key_values if key == "Author"),
            project=_project(connection, dataset_id),
        ),
        images=cubes,
        sources=cubes,
        problems=(
            *unreadable_images(bad, f"Dataset:{dataset_id}"),
            *_problems(dataset, said, images, notes),
            *_unsaid(cubes),
            *_annotated_rois(connection, dataset, images),
        ),
    )
    digest = plan_digest(plan)
    plan = replace(plan, digest=digest, provenance=tuple(_provenance(place, said)))
    origin = ServerOrigin(
        place, connection, pixels, {image.where: image for image in images.values()}, files
    )
    return ServerPlan(plan, origin, dataset, said, images, notes)


def _named(images: Iterator[ServerImage]) -> list[tuple[str, ServerImage]]:
    """Return Images with names that no two share."""
    found = list(images)
    often = Counter(image.image.name for image in found)
    return [
        (
            image.image.name
            if image.image.name and often[image.image.name] == 1
            else f"{image.image.name} ({image.where})".strip(),
            image,
        )
        for image in found
    ]


def _cube(name: str, image: ServerImage, said: Said) -> Hypercube:
    return replace(
        image.image,
        name=name,
        acquired=clock(said.provenance) or image.image.acquired,
        missing=tuple(_missing(image.image, said)),
    )


def _missing(image: Hypercube, said: Said) -> Iterator[PlaneIndex]:
    """Iterate over planes that are zeros because there was nothing to send; all of them are noted, or none is told."""
    noted = dict(said.provenance)
    listed = _PLANE.findall(noted.get(MISSING_LISTED, ""))
    if noted.get(MISSING) == str(len(listed)):
        for t, c, z in listed:
            index = PlaneIndex(int(t), int(c), int(z))
            if index in image.planes:
                yield index


def _index(image: Hypercube, number: int) -> PlaneIndex:
    """Return the plane that has a number in storage order."""
    rest, z = divmod(number, image.sizes.z)
    t, c = divmod(rest, image.sizes.c)
    return PlaneIndex(t, c, z)


def _bytes(image: ServerImage) -> int:
    return len(image.image.planes) * image.pixels.plane_bytes


def _files(
    connection: Connection,
    said: Said,
    images: Mapping[str, ServerImage],
    notes: Mapping[str, Said],
    *,
    originals: bool,
) -> dict[str, Attachment]:
    """Return attachments, and files that Images were imported from, under paths that no two share."""
    found: dict[str, Attachment] = {}
    for file in said.attachments:
        _add(found, _path(file), file)
    for name, of_image in notes.items():
        for file in of_image.attachments:
            _add(found, f"{name.replace('/', '_')}/{_path(file)}", file)
    if originals:
        filesets = dict.fromkeys(i.fileset for i in images.values() if i.fileset is not None)
        for fileset in filesets:
            for file in fileset_files(connection, fileset):
                folder = file.folder.strip("/")
                _add(found, "/".join(filter(None, (f"Fileset {fileset}", folder, file.name))), file)
    return found


def _path(file: Attachment) -> str:
    """Return where a file was: those of a source folder keep their place in it, others come without."""
    if file.namespace != ORIGINAL_NAMESPACE:
        return file.name
    return str(PurePosixPath(file.folder, file.name)) if file.folder else file.name


def _add(found: dict[str, Attachment], path: str, file: Attachment) -> None:
    if path in found:
        place = PurePosixPath(path)
        path = str(place.with_name(f"{place.stem} ({file.id}){place.suffix}"))
    found[path] = file


def _tables(
    connection: Connection,
    dataset: ServerObject,
    said: Said,
    images: Mapping[str, ServerImage],
    notes: Mapping[str, Said],
) -> Iterator[Table]:
    for file in said.tables:
        yield Table(file.name, read_table(connection, file.id))
    for name, of_image in notes.items():
        for file in of_image.tables:
            yield Table(f"{name} {file.name}", read_table(connection, file.id))
    rows = list(_rows(f"Dataset:{dataset.id}", said, whole=False))
    for name, of_image in notes.items():
        if images[name].description:
            rows.append((name, "description", "", "", images[name].description))
        rows += _rows(name, of_image, whole=True)
    if rows:
        yield Table(ANNOTATIONS, pd.DataFrame(rows, columns=list(ANNOTATION_COLUMNS)))


def _rows(name: str, said: Said, *, whole: bool) -> Iterator[tuple[str, str, str, str, str]]:
    """Iterate over rows of the table of annotations; of a Dataset only what the plan has no other place for."""
    if whole:
        for tag in said.tags:
            yield name, "tag", tag.namespace, "", tag.text
    for pairs in said.other_maps:
        for key, value in pairs.pairs:
            yield name, "key-value", pairs.namespace, key, value
    if whole:
        for key, value in said.key_values:
            yield name, "key-value", "", key, value
        for key, value in said.provenance:
            if key in ZEROS:
                yield name, "key-value", NAMESPACE, key, value
    for remark in said.remarks:
        yield name, remark.kind, remark.namespace, "", str(remark.value)


def _provenance(place: str, said: Said) -> Iterator[tuple[str, str]]:
    """Iterate over what made this, from what, and what was noted of how that was made."""
    yield "Tool", "PyOmeroUpload"
    yield "Tool version", __version__
    yield "Tool DOI", f"https://doi.org/{DOI}"
    yield "Source", place
    for key, value in said.provenance:
        if key == MADE_AT:
            yield "Uploaded at", value
        elif key == "Tool version":
            yield "Uploaded by version", value
        elif key not in {"Tool", "Tool DOI", STATE, PLANNED}:
            yield key, value


def _project(connection: Connection, dataset_id: int) -> str | None:
    rows = connection.query.projection(
        "select p.name from ProjectDatasetLink l join l.parent p where l.child.id = :id order by l.id",
        parameters(id=dataset_id),
    )
    return str(rows[0][0].val) if rows else None


def _problems(
    dataset: ServerObject,
    said: Said,
    images: Mapping[str, ServerImage],
    notes: Mapping[str, Said],
) -> Iterator[Problem]:
    where = f"Dataset:{dataset.id}"
    if not images:
        yield Problem("error", "no-images", where, "There is no Image in it.")
    if dict(said.provenance).get(STATE, COMPLETE) != COMPLETE:
        yield Problem(
            "warning",
            "upload-incomplete",
            where,
            "The upload into it did not end: Images may be missing.",
            "Run the same upload command again; it goes on where it stopped.",
        )
    for name, image in images.items():
        noted = dict(notes[name].provenance)
        if image.sha1 is None or noted.get(STATE, COMPLETE) != COMPLETE:
            yield Problem(
                "error",
                "image-incomplete",
                f"{name} ({image.where})",
                "It was never completed; to read it now could keep others from writing it.",
                "Run the same upload command again, or take the Image out of the Dataset.",
            )
        if BLANK in noted:
            yield Problem(
                "warning",
                "plane-left-blank",
                f"{name} ({image.where})",
                f"{noted[BLANK]} of its planes are zeros because their files could not be read.",
            )


def _unsaid(images: Sequence[Hypercube]) -> Iterator[Problem]:
    """Iterate over Images on whose ROIs there is something that files have no place for."""
    if not any(image.rois for image in images):
        return
    # Half a second, which others need not wait for.
    from pyomero_upload.targets.files.rois import left_out  # noqa: PLC0415

    for image in images:
        lost = left_out(image.rois)
        if lost:
            listed = "; ".join(f"{what} ({count}×)" for what, count in sorted(lost.items()))
            yield Problem(
                "warning",
                "regions-left",
                image.name,
                f"The OME model has no place for some of what its ROIs are: {listed}.",
                "`pyomero copy` takes ROIs as they are to another server.",
            )


def _annotated_rois(
    connection: Connection, dataset: ServerObject, images: Mapping[str, ServerImage]
) -> Iterator[Problem]:
    """Tell of annotations that hang on ROIs or their shapes."""
    if not images:
        return
    ids = parameters(ids=[image.id for image in images.values()])
    count = 0
    for hql in (
        "select count(l.id) from RoiAnnotationLink l where l.parent.image.id in (:ids)",
        "select count(l.id) from ShapeAnnotationLink l where l.parent.roi.image.id in (:ids)",
    ):
        rows = connection.query.projection(hql, ids)
        count += int(rows[0][0].val) if rows and rows[0] else 0
    if count:
        yield Problem(
            "warning",
            "region-annotations-left",
            f"Dataset:{dataset.id}",
            f"{count} annotations of ROIs and their shapes are left behind.",
        )
