"""omero.api.IMetadata: annotations, by what they are on, by kind and by namespace; instruments.

What counts of the parameters, and what is left out without a word, is as in ome.logic.MetadataImpl.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import omero
import omero.model
from sqlalchemy import ColumnElement, Select, exists, func, literal, or_, select

from omero_embedded import errors, permissions, tables
from omero_embedded.call import Call
from omero_embedded.loading import Loader, class_name
from omero_embedded.schema import CLASSES, Collection, ModelClass, Reference, find_class
from omero_embedded.services.parameters import Wishes, read, visible
from omero_embedded.wire.registry import stateless

IObject: TypeAlias = omero.model.IObject
TAG_SET = "openmicroscopy.org/omero/insight/tagset"
LOG_FILE = "application/omero-log-file"
TAGGED = {
    "Image": "pixels.pixelsType",
    "Dataset": "",
    "Plate": "",
    "Project": "datasetLinks.child",
    "Screen": "plateLinks.child",
}
"""What is looked for under a tag, and what of it is loaded."""

CHANNEL = (
    "detectorSettings.detector.type", "detectorSettings.binning", "filterSet.dichroic", "filterSet.excitationFilterLink.child",
    "filterSet.emissionFilterLink.child", "lightPath.dichroic", "lightPath.excitationFilterLink.child",
    "lightPath.emissionFilterLink.child", "lightSourceSettings.lightSource.type", "otf", "illumination", "mode",
    "contrastMethod", "photometricInterpretation",
)  # fmt: skip
"""What belongs to a LogicalChannel's acquisition."""

INSTRUMENT = (
    "microscope.type", "detector.type", "objective.immersion", "objective.correction", "lightSource.type", "filter.type",
    "filter.transmittanceRange", "dichroic", "filterSet.dichroic", "otf",
)  # fmt: skip
"""What belongs to an Instrument."""


@stateless("omero.api.IMetadata")
class MetadataService:
    """Reading annotations."""

    def loadChannelAcquisitionData(self, call: Call, ids: list[int]) -> list[IObject]:
        """Give LogicalChannels with what they were acquired by."""
        if not ids:
            raise errors.empty_list(
                "select channel from ome.model.core.LogicalChannel as channel where channel.id in ()"
            )
        loader, rows = Loader(call), tables.table("LogicalChannel")
        query = visible(call, "LogicalChannel", rows).where(rows.c.id.in_(list(ids or ())))
        found = list(loader.objects("LogicalChannel", call.db.execute(query).scalars()).values())
        for path in CHANNEL:
            loader.fetch(found, path)
        return found

    def loadInstrument(self, call: Call, id: int) -> IObject | None:  # Slice's name
        """Give an Instrument with its parts."""
        rows = tables.table("Instrument")
        seen = visible(call, "Instrument", rows).where(rows.c.id == id)
        if call.db.execute(seen).first() is None:
            return None
        loader = Loader(call)
        found = loader.object("Instrument", id)
        assert found is not None
        for path in INSTRUMENT:
            loader.fetch([found], path)
        return found

    def loadAnnotations(
        self,
        call: Call,
        rootType: str,
        rootIds: list[int],
        annotationTypes: "list[str] | None",
        annotatorIds: "list[int] | None",
        options: Any,
    ) -> dict[int, list[IObject]]:
        """Give the annotations on objects, by the objects' ids."""
        if not rootIds:
            return {}
        root, rows = _annotated(rootType), tables.table("Annotation")
        # The full names of Java's classes, and nothing else.
        kinds = {c.name for c in CLASSES.values() if c.java in (annotationTypes or ())}
        condition = rows.c["class"].in_(sorted(kinds)) if annotationTypes else None
        found = _on_objects(call, root, rootIds, condition=condition, owners=annotatorIds or ())
        there = visible(call, root.name, tables.table(root.name))
        there = there.where(tables.table(root.name).c.id.in_(list(rootIds)))
        return {i: found.get(i, []) for i in call.db.execute(there.order_by("id")).scalars()}

    def loadSpecifiedAnnotations(
        self, call: Call, annotationType: str, include: Any, exclude: Any, options: Any
    ) -> list[IObject]:
        """Give the annotations of a kind, in some namespaces and not in others; of files, those that have one."""
        kind, rows = _kind(annotationType), tables.table("Annotation")
        query = _specified(call, kind, include, exclude, read(options)).order_by(rows.c.id)
        if kind.name == "FileAnnotation":
            query = query.where(rows.c[tables.column_name("FileAnnotation", "file")].is_not(None))
        return _load(Loader(call), call.db.execute(query).scalars())

    def countSpecifiedAnnotations(
        self, call: Call, annotationType: str, include: Any, exclude: Any, options: Any
    ) -> "omero.RLong":
        """Give how many loadSpecifiedAnnotations gives."""
        query = _specified(call, _kind(annotationType), include, exclude, read(options))
        number = call.db.execute(select(func.count()).select_from(query.subquery())).scalar_one()
        return omero.rtypes.rlong(number)

    def loadSpecifiedAnnotationsLinkedTo(
        self,
        call: Call,
        annotationType: str,
        include: Any,
        exclude: Any,
        rootNodeType: str,
        rootNodeIds: list[int],
        options: Any,
    ) -> dict[int, list[IObject]]:
        """Give the annotations of a kind on objects, or on all of their class, in some namespaces and not in others."""
        root, kind, rows = (
            _annotated(rootNodeType),
            _kind(annotationType),
            tables.table("Annotation"),
        )
        condition, owner = _in_namespaces(include, exclude), read(options).owner
        of_kind = tables.of_class(kind.name, rows)
        if of_kind is not None:
            condition = condition & of_kind
        owners = () if owner is None else (owner,)
        return _on_objects(call, root, rootNodeIds, condition=condition, owners=owners)

    def loadAnnotation(self, call: Call, annotationIds: list[int]) -> list[IObject]:
        """Give annotations by their ids, newest first."""
        if not annotationIds:
            raise errors.empty_list(
                "select ann from ome.model.annotations.Annotation as ann where ann.id in ()"
            )
        rows = tables.table("Annotation")
        query = visible(call, "Annotation", rows).where(rows.c.id.in_(list(annotationIds)))
        return _load(Loader(call), call.db.execute(query.order_by(rows.c.id.desc())).scalars())

    def loadTagContent(self, call: Call, ids: list[int], options: Any) -> dict[int, list[IObject]]:
        """Give what bears tags, by the tags' ids: Images, Datasets and Plates; of Projects and Screens, whose the options say."""
        loader, wishes = Loader(call), read(options)
        found: dict[int, list[IObject]] = {i: [] for i in ids or ()}
        for cls, link, rows in _tagged():
            whose = wishes if cls in ("Project", "Screen") else None
            query = select(link.c.child, rows.c.id).join(rows, rows.c.id == link.c.parent)
            query = query.where(
                link.c.child.in_(list(found)), rows.c.id.in_(visible(call, cls, rows, whose))
            )
            pairs = [
                (row[0], row[1]) for row in call.db.execute(query.distinct().order_by(rows.c.id))
            ]
            objects = loader.objects(cls, [identifier for _, identifier in pairs])
            if TAGGED[cls]:
                loader.fetch(list(objects.values()), TAGGED[cls])
            for tag, identifier in pairs:
                found[tag].append(objects[identifier])
        return found

    def getTaggedObjectsCount(self, call: Call, ids: list[int], options: Any) -> dict[int, int]:
        """Give how many objects bear tags, by the tags' ids."""
        counts = dict.fromkeys(ids or (), 0)
        for cls, link, rows in _tagged():
            query = select(link.c.child, func.count(rows.c.id.distinct())).join(
                rows, rows.c.id == link.c.parent
            )
            query = query.where(
                link.c.child.in_(list(counts)), rows.c.id.in_(visible(call, cls, rows))
            )
            for tag, number in call.db.execute(query.group_by(link.c.child)):
                counts[tag] += number
        return counts

    def loadTagSets(self, call: Call, options: Any) -> list[IObject]:
        """Give the sets of tags with their tags; tags in none of these sets too where the options say `orphan`."""
        loader, rows, wishes = Loader(call), tables.table("TagAnnotation"), read(options)
        query = visible(call, "TagAnnotation", rows, Wishes(owner=wishes.owner)).order_by(rows.c.id)
        sets = _load(loader, call.db.execute(query.where(rows.c.ns == TAG_SET)).scalars())
        inside = [o.id.val for o in loader.fetch(sets, "annotationLinks.child")]
        _load(loader, inside)
        if not wishes.orphan:
            return sets
        others = query.where(
            rows.c.id.not_in(inside), or_(rows.c.ns.is_(None), rows.c.ns != TAG_SET)
        )
        return sets + _load(loader, call.db.execute(others).scalars())

    def loadAnnotationsUsedNotOwned(
        self, call: Call, annotationType: str, userID: int
    ) -> list[IObject]:
        """Give the annotations of others that a user has put on something."""
        query = _used_not_owned(call, _kind(annotationType), userID)
        return _load(Loader(call), call.db.execute(query).scalars())

    def countAnnotationsUsedNotOwned(
        self, call: Call, annotationType: str, userID: int
    ) -> "omero.RLong":
        """Give how many loadAnnotationsUsedNotOwned gives."""
        query = _used_not_owned(call, _kind(annotationType), userID)
        return omero.rtypes.rlong(len(call.db.execute(query).scalars().all()))

    def loadLogFiles(self, call: Call, rootType: str, ids: list[int]) -> dict[int, list[IObject]]:
        """Give the log files that uploads made of the import of Filesets or Images, by the objects' ids."""
        model = find_class(rootType or "")
        name = "" if model is None else model.name
        if name not in ("Fileset", "Image"):
            raise errors.api_usage("can load log files only by Fileset or Image")
        image, jobs, files, job = (
            tables.table(c) for c in ("Image", "FilesetJobLink", "JobOriginalFileLink", "UploadJob")
        )
        rows, loader = tables.table("OriginalFile"), Loader(call)
        root = image.c.id if name == "Image" else jobs.c.parent
        query = select(root, rows.c.id).select_from(rows)
        query = query.join(files, files.c.child == rows.c.id).join(
            jobs, jobs.c.child == files.c.parent
        )
        query = query.join(job, job.c.id == jobs.c.child).where(job.c["class"] == "UploadJob")
        if name == "Image":
            query = query.join(image, image.c.fileset == jobs.c.parent)
        query = query.where(root.in_(list(ids or ())), rows.c.mimetype == LOG_FILE)
        query = query.where(rows.c.id.in_(visible(call, "OriginalFile", rows)))
        found: dict[int, list[IObject]] = {}
        for owner, identifier in call.db.execute(query.order_by(root, rows.c.id)).all():
            found.setdefault(owner, []).append(loader.object("OriginalFile", identifier))
        return found


def _kind(name: str) -> ModelClass:
    """Return the class of annotations that a client means."""
    model = find_class(name or "")
    if model is None or not model.is_a("Annotation"):
        raise errors.api_usage(f"{name} is not a kind of annotation.")
    return model


def _annotated(name: str) -> ModelClass:
    """Return the class of objects that a client means, and that can bear annotations."""
    model = find_class(name or "")
    if model is None or not isinstance(model.fields.get("annotationLinks"), Collection):
        raise errors.api_usage(f"{name} cannot be annotated.")
    return model


def _tagged() -> Iterator[tuple[str, Any, Any]]:
    """Yield what may bear a tag: class, links, rows."""
    for cls in TAGGED:
        yield cls, tables.table(f"{cls}AnnotationLink"), tables.table(cls)


def _load(loader: Loader, ids: Iterable[int]) -> list[IObject]:
    """Load annotations with their owner and events, FileAnnotations with their file."""
    found = list(loader.objects("Annotation", ids).values())
    for name in ("owner", "creationEvent", "updateEvent"):
        loader.details(found, name)
    loader.fetch([o for o in found if class_name(o) == "FileAnnotation"], "file")
    return found


def _in_namespaces(
    include: Sequence[str] | None, exclude: Sequence[str] | None
) -> ColumnElement[bool]:
    rows = tables.table("Annotation")
    condition: ColumnElement[bool] = literal(value=True)
    if include:
        condition = rows.c.ns.in_(list(include))
    if exclude:
        condition = condition & or_(rows.c.ns.is_(None), rows.c.ns.not_in(list(exclude)))
    return condition


def _specified(
    call: Call, kind: ModelClass, include: Any, exclude: Any, wishes: Wishes
) -> Select[Any]:
    rows, whose = tables.table("Annotation"), Wishes(owner=wishes.owner)
    return visible(call, kind.name, rows, whose).where(_in_namespaces(include, exclude))


def _on_objects(
    call: Call,
    root: ModelClass,
    ids: Sequence[int] | None,
    *,
    condition: ColumnElement[bool] | None,
    owners: Sequence[int],
) -> dict[int, list[IObject]]:
    """Return the annotations on objects that have some, by the objects' ids, each with its owner and events.

    Without ids those on all objects of the class, without owners those of all.
    """
    field = root.fields["annotationLinks"]
    assert isinstance(field, Collection)
    link, rows = tables.table(field.target), tables.table("Annotation")
    query = select(link.c.parent, rows.c.id).join(rows, rows.c.id == link.c.child)
    query = query.where(rows.c.id.in_(visible(call, "Annotation", rows)))
    if ids:
        query = query.where(link.c.parent.in_(list(ids)))
    if owners:
        query = query.where(rows.c.details_owner.in_(list(owners)))
    if condition is not None:
        query = query.where(condition)
    seen = permissions.readable(call, field.target, link)
    query = query if seen is None else query.where(seen)
    pairs = call.db.execute(query.distinct().order_by(rows.c.id)).all()
    loader = Loader(call)
    notes = {o.id.val: o for o in _load(loader, [row[1] for row in pairs])}
    found: dict[int, list[IObject]] = {}
    for parent, note in pairs:
        found.setdefault(parent, []).append(notes[note])
    return found


def _used_not_owned(call: Call, kind: ModelClass, user: int) -> Select[Any]:
    rows = tables.table("Annotation")
    uses = []
    for cls in CLASSES.values():
        child = cls.fields.get("child")
        if cls.link and isinstance(child, Reference) and child.target == "Annotation":
            link = tables.table(cls.name)
            mine = select(literal(1)).select_from(link).where(link.c.child == rows.c.id)
            uses.append(exists(mine.where(link.c.details_owner == user)))
    query = visible(call, kind.name, rows).where(rows.c.details_owner != user, or_(*uses))
    return query.order_by(rows.c.id)
