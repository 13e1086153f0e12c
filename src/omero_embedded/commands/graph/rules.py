"""What belongs to what, as data: the rules by which a graph grows from its targets.

Told apart are, for an object that is taken:

- its **parts**: what cannot be without it. Every required reference makes one (Pixels.image: no Pixels without their
  Image), and a few that may be empty (PARTS). Parts go along, whoever owns them.
- its **children**: what it uses or contains, and what others may hold too: the Images in a Dataset, the tags on an
  Image, the file of a FileAnnotation. They go along where nobody else holds them.
- its **links**: rows that only join two objects. What becomes of them depends on the command.

Sources: the «model graph operations» page of OMERO's developer documentation, and what a real server answered.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Column, FromClause, Table

from omero_embedded import tables
from omero_embedded.schema import CLASSES, ModelClass, Reference

FILE_OF_A_NOTE = ("FileAnnotation", "file")

PARTS = {
    ("Roi", "image"),
    ("Image", "fileset"),
    FILE_OF_A_NOTE,
    ("WellSample", "plateAcquisition"),
}
"""References that may be empty and yet make a part of the one that has them."""

USERS = {("WellSample", "image"), ("FilesetEntry", "originalFile")}
"""Required references that make no part: a Well's Image, a Fileset's file is not deleted from under it, but with it."""

SHARED = (
    ("WellSample", "image"),
    ("Image", "fileset"),
    ("Image", "instrument"),
    ("Image", "objectiveSettings"),
    ("Image", "imagingEnvironment"),
    ("Image", "stageLabel"),
    ("Image", "experiment"),
    ("Channel", "logicalChannel"),
    ("Channel", "statsInfo"),
    ("LogicalChannel", "detectorSettings"),
    ("LogicalChannel", "lightSourceSettings"),
    ("LogicalChannel", "lightPath"),
    ("LightSettings", "microbeamManipulation"),
    ("Instrument", "microscope"),
    ("Filter", "transmittanceRange"),
    ("RenderingDef", "quantization"),
    ("Shape", "transform"),
    ("Roi", "source"),
    ("FileAnnotation", "file"),
    ("FilesetEntry", "originalFile"),
)
"""References to what the object uses: its child, held by all that refer to it."""

CONTAINED = (("Folder", "parentFolder"), ("Roi", "image"))
"""References of a child to what holds it. (So the Rois of an Image that stays are not taken with a Folder.)"""

UPWARD_LINKS = ("PixelsOriginalFileMap",)
"""Links whose parent is the child: the OriginalFiles that Pixels came from."""

ANNOTATION_LINKS = "IAnnotationLink"
"""What the real server calls all links to annotations together."""

OWNED = (
    "Annotation", "Dataset", "Experiment", "Fileset", "Folder", "Image", "Instrument", "Job", "Link", "OriginalFile",
    "Plate", "Project", "RenderingDef", "Roi", "Screen", "Thumbnail",
)  # fmt: skip
"""What every request on a graph takes for a target, but for Duplicate, which takes no OriginalFile."""
JOINING = (
    ANNOTATION_LINKS, "DatasetImageLink", "FolderImageLink", "FolderRoiLink", "ProjectDatasetLink", "ScreenPlateLink",
    "WellReagentLink",
)  # fmt: skip
READ = (
    *OWNED, *JOINING, "AffineTransform", "Channel", "ChannelBinding", "CodomainMapContext", "ExternalInfo",
    "FilesetEntry", "FilesetJobLink", "JobOriginalFileLink", "LogicalChannel", "MicrobeamManipulation", "Pixels",
    "PixelsOriginalFileMap", "PlaneInfo", "PlateAcquisition", "ProjectionDef", "QuantumDef", "Reagent", "Shape",
    "StatsInfo", "Well", "WellSample",
)  # fmt: skip
DUPLICATED_NEVER = (
    "FilesetEntry", "JobOriginalFileLink", "OriginalFile", "PixelsOriginalFileMap", "ProjectionDef",
)  # fmt: skip

LEGAL_TARGETS: Mapping[str, tuple[str, ...]] = {
    "Chgrp2": OWNED,
    "Chmod2": ("ExperimenterGroup",),
    "Chown2": (*OWNED, *JOINING, "JobOriginalFileLink", "Reagent"),
    "Delete2": (
        *OWNED, *JOINING, "AffineTransform", "Channel", "DetectorSettings", "ExternalInfo", "FilesetJobLink",
        "FilterSetEmissionFilterLink", "FilterSetExcitationFilterLink", "GroupExperimenterMap", "ImagingEnvironment",
        "JobOriginalFileLink", "LightPathEmissionFilterLink", "LightPathExcitationFilterLink", "LightSettings",
        "LogicalChannel", "MicrobeamManipulation", "Microscope", "Namespace", "ObjectiveSettings",
        "PixelsOriginalFileMap", "PlateAcquisition", "ProjectionDef", "Reagent", "Shape", "ShareMember", "StageLabel",
        "StatsInfo", "TransmittanceRange", "Well", "WellSample",
    ),
    "DiskUsage2": (*READ, "Experimenter", "ExperimenterGroup"),
    "Duplicate": tuple(name for name in READ if name not in DUPLICATED_NEVER),
    "FindChildren": READ,
    "FindParents": READ,
}  # fmt: skip
"""By the request: what a client may name, with the classes below it.

Source: the target lists of blitz/resources/ome/services/graph-rules in ome/openmicroscopy.
"""

ROOTS = {
    "Annotation", "Channel", "Dataset", "Experiment", "Fileset", "Folder", "Image", "Instrument", "Job", "OriginalFile",
    "Plate", "PlateAcquisition", "PlaneInfo", "Project", "Reagent", "RenderingDef", "Roi", "Screen", "Shape",
    "Thumbnail", "Well", "WellSample",
}  # fmt: skip
"""Beside links, the kinds that all that a user owns is made of; other objects go along with these."""

BASIC = ("BasicAnnotation", "CommentAnnotation")
"""Annotations that are about the one thing they are on: they go with it, whoever made them."""
SHARED_NOTES = ("FileAnnotation", "TagAnnotation")
"""Annotations that people share: they go along only where who owns the object owns them too."""

ORDER = (
    "Screen", "Project", "Plate", "Dataset", "Folder", "Reagent", "PlateAcquisition", "Well", "WellSample", "Fileset",
    "Image", "Experiment", "Instrument", "Pixels", "Roi", "Shape", "Channel", "LogicalChannel", "RenderingDef",
)  # fmt: skip
"""Containers first: in this order a graph is complete after few rounds. Classes not named here come last."""


@dataclass(frozen=True)
class Part:
    """Rows of a table that are parts of what their column `whole` refers to."""

    kind: str
    rows: Table
    whole: str
    whole_kind: str


@dataclass(frozen=True)
class Holding:
    """A table each row of which says that one object holds another: columns with the ids of both.

    Of a link these are its two ends; of a reference the row itself and what it refers to. `link` tells which it is:
    the class of the link, or nothing.
    """

    rows: Table
    holder: str
    holder_kind: str
    held: str
    held_kind: str
    link: str = ""

    def ends(self, rows: FromClause) -> tuple[Column[int], Column[int]]:
        """Return the columns of holder and held, of the table or an alias of it."""
        return rows.c[self.holder], rows.c[self.held]  # type: ignore[return-value]


def links() -> list[ModelClass]:
    """Return the classes that join two objects and have an owner."""
    return [c for c in CLASSES.values() if c.link and not c.is_global]


def kind_of(cls: str) -> str:
    """Return the class whose table holds the rows: objects are told apart by it and their id."""
    return CLASSES[cls].root.name


def _target(cls: str, name: str) -> str:
    field = CLASSES[cls].fields[name]
    assert isinstance(field, Reference)
    return kind_of(field.target)


def _parts() -> list[Part]:
    return [
        Part(
            kind_of(cls.name),
            tables.table(cls.name),
            tables.column_name(cls.name, field.name),
            kind_of(field.target),
        )
        for cls in CLASSES.values()
        if not cls.is_global and not cls.link
        for field in cls.own
        if isinstance(field, Reference)
        and not CLASSES[field.target].is_global
        and (not field.nullable or (cls.name, field.name) in PARTS)
        and (cls.name, field.name) not in USERS
    ]


def _holdings() -> list[Holding]:
    found = [
        Holding(
            tables.table(cls),
            "id",
            kind_of(cls),
            tables.column_name(cls, field),
            _target(cls, field),
        )
        for cls, field in SHARED
    ]
    found += [
        Holding(
            tables.table(cls),
            tables.column_name(cls, field),
            _target(cls, field),
            "id",
            kind_of(cls),
        )
        for cls, field in CONTAINED
    ]
    for link in links():
        holder, held = ("child", "parent") if link.name in UPWARD_LINKS else ("parent", "child")
        table = tables.table(link.name)
        found.append(
            Holding(
                table,
                holder,
                _target(link.name, holder),
                held,
                _target(link.name, held),
                link=link.name,
            )
        )
    return found


_PARTS, _HOLDINGS = _parts(), _holdings()
PARTS_OF: Mapping[str, list[Part]] = {
    kind: [p for p in _PARTS if p.whole_kind == kind] for kind in CLASSES
}
"""By the kind of a whole: its parts."""
HELD_BY: Mapping[str, list[Holding]] = {
    kind: [h for h in _HOLDINGS if h.holder_kind == kind] for kind in CLASSES
}
"""By the kind of a holder: what it holds."""
HOLDERS_OF: Mapping[str, list[Holding]] = {
    kind: [h for h in _HOLDINGS if h.held_kind == kind] for kind in CLASSES
}
"""By the kind of a child: all that may hold it."""
