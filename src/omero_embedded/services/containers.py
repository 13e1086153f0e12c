"""omero.api.IContainer: Projects, Datasets, Screens and Plates with what is in them."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import omero
import omero.model
import omero.sys
from sqlalchemy import exists, func, literal, select

from omero_embedded import errors, permissions, saving, tables
from omero_embedded.call import Call, writing
from omero_embedded.loading import Loader, class_name, set_collection
from omero_embedded.schema import CLASSES, Collection, find_class
from omero_embedded.services.parameters import Wishes, page, read, visible
from omero_embedded.wire.registry import stateless

IObject: TypeAlias = omero.model.IObject
Parameters: TypeAlias = omero.sys.Parameters

INSIDE = {
    "Project": ("datasetLinks", "Dataset"),
    "Dataset": ("imageLinks", "Image"),
    "Screen": ("plateLinks", "Plate"),
    "Plate": (None, None),
}
"""The collection of a container's links to what is in it."""

PATHS = {
    "Image": (),
    "Dataset": (("DatasetImageLink", "child", "parent"),),
    "Project": (("DatasetImageLink", "child", "parent"), ("ProjectDatasetLink", "child", "parent")),
    "Well": (("WellSample", "image", "well"),),
    "Plate": (("WellSample", "image", "well"), ("Well", "id", "plate")),
    "Screen": (
        ("WellSample", "image", "well"),
        ("Well", "id", "plate"),
        ("ScreenPlateLink", "child", "parent"),
    ),
}
"""From an Image up to a container: table, its column below, its column above."""

COUNTED = {
    "Project": ("annotationLinks",),
    "Dataset": ("annotationLinks", "imageLinks"),
    "Image": ("annotationLinks", "datasetLinks"),
    "Screen": ("annotationLinks",),
    "Plate": ("annotationLinks",),
}
"""Collections whose sizes are told, by owner of the links."""


@stateless("omero.api.IContainer")
class ContainerService:
    """Hierarchies."""

    def loadContainerHierarchy(
        self,
        call: Call,
        rootType: str,
        rootIds: "list[int] | None",
        options: "Parameters | None",
    ) -> list[IObject]:
        """Give containers with what is in them; their Images too where the options say `leaves`."""
        cls, wishes = _container(rootType), read(options)
        if not rootIds and wishes.owner is None and wishes.group is None:
            raise errors.api_usage(
                "Set of ids for loadContainerHierarchy() may not be null if experimenter and group options are null."
            )
        loader = Loader(call)
        rows = tables.table(cls)
        query = visible(call, cls, rows, None if rootIds else wishes).order_by(rows.c.id)
        if rootIds:
            query = query.where(rows.c.id.in_(list(rootIds)))
        roots = list(loader.objects(cls, call.db.execute(page(query, wishes)).scalars()).values())
        _open(call, loader, roots, leaves=wishes.leaves)
        if wishes.orphan and cls in ("Project", "Screen"):
            roots += _orphans(call, loader, cls, wishes)
        _load_events(loader, roots)
        return roots

    def findContainerHierarchies(
        self, call: Call, rootType: str, imageIds: list[int], options: "Parameters | None"
    ) -> list[IObject]:
        """Give the containers that Images are in, with these Images alone; what is in none comes by itself."""
        if rootType.rpartition(".")[2].removesuffix("I") not in ("Project", "Dataset"):
            raise errors.api_usage(
                f"Class parameter for findContainerHierarchies() must be in {{Project,Dataset}}, not {rootType}"
            )
        loader, image = Loader(call), tables.table("Image")
        query = visible(call, "Image", image).where(image.c.id.in_(list(imageIds or ())))
        below = list(
            loader.objects("Image", call.db.execute(query.order_by(image.c.id)).scalars()).values()
        )
        _add_pixels(loader, below)
        levels = [("Dataset", "imageLinks", "DatasetImageLink")]
        if rootType.rpartition(".")[2].removesuffix("I") == "Project":
            levels.append(("Project", "datasetLinks", "ProjectDatasetLink"))
        left: list[IObject] = []
        for cls, collection, link in levels:
            below, alone = _lift(call, loader, below, cls, collection, link)
            left += alone
        return below + left

    def getImages(
        self, call: Call, rootType: str, rootIds: list[int], options: "Parameters | None"
    ) -> list[IObject]:
        """Give the Images in containers, with their Pixels."""
        model = find_class(rootType or "")
        if model is None or model.name not in PATHS:
            raise errors.api_usage(f"Class parameter for getImages() cannot be {rootType}")
        return self._images(call, read(options), model.name, rootIds) if rootIds else []

    def getUserImages(self, call: Call, options: "Parameters | None") -> list[IObject]:
        """Give the Images of the owner or the group in the options."""
        wishes = read(options)
        if wishes.owner is None and wishes.group is None:
            raise errors.api_usage("experimenter or group option is required for getUserImages().")
        return self._images(call, wishes)

    def getImagesByOptions(self, call: Call, options: "Parameters | None") -> list[IObject]:
        """Give the Images of an owner, a group or a time."""
        wishes = read(options)
        if wishes.start is None and wishes.end is None:
            raise errors.api_usage("start or end time option is required for getImagesByOptions().")
        return self._images(call, wishes)

    def _images(
        self, call: Call, wishes: Wishes, root: str | None = None, ids: Sequence[int] = ()
    ) -> list[IObject]:
        loader, image, event = Loader(call), tables.table("Image"), tables.table("Event")
        query = visible(call, "Image", image, wishes).order_by(image.c.id)
        if root is not None:
            query = query.where(image.c.id.in_(_images_in(call, root, ids)))
        if wishes.start is not None or wishes.end is not None:
            query = query.join(event, event.c.id == image.c.details_creationEvent)
        if wishes.start is not None:
            query = query.where(event.c.time >= wishes.start)
        if wishes.end is not None:
            query = query.where(event.c.time <= wishes.end)
        found = list(
            loader.objects("Image", call.db.execute(page(query, wishes)).scalars()).values()
        )
        _add_pixels(loader, found)
        _load_events(loader, found)
        _count(call, found)
        return found

    def getImagesBySplitFilesets(
        self, call: Call, included: dict[str, list[int]], options: "Parameters | None"
    ) -> dict[int, dict[bool, list[int]]]:
        """Give the Filesets of which some Images are in the objects and some not: ids by fileset, by whether inside."""
        inside: set[int] = set()
        for name, ids in (included or {}).items():
            model = find_class(name)
            if model is None or model.name not in {*PATHS, "Fileset"}:
                raise errors.api_usage(f"Cannot find the images in {name}")
            inside |= set(call.db.execute(_images_in(call, model.name, ids)).scalars())
        image = tables.table("Image")
        touched = select(image.c.fileset).where(
            image.c.id.in_(inside), image.c.fileset.is_not(None)
        )
        query = select(image.c.fileset, image.c.id).where(image.c.fileset.in_(touched))
        found: dict[int, dict[bool, list[int]]] = {}
        for fileset, identifier in call.db.execute(query.order_by(image.c.fileset, image.c.id)):
            sides = found.setdefault(fileset, {True: [], False: []})
            sides[identifier in inside].append(identifier)
        return {fileset: sides for fileset, sides in found.items() if sides[False]}

    def getCollectionCount(
        self, call: Call, type: str, property: str, ids: list[int], options: "Parameters | None"
    ) -> dict[int, int]:
        """Give how many members a collection of each object has."""
        model = find_class(type or "")
        name = (property or "").rpartition("_")[2] if property else ""
        field = None if model is None else model.fields.get(name)
        if model is None or not isinstance(field, Collection):
            raise errors.api_usage(f"{type}.{property} is not a collection.")
        rows = tables.table(field.target)
        inverse = rows.c[tables.column_name(field.target, field.inverse)]
        query = select(inverse, func.count()).where(inverse.in_(list(ids or ()))).group_by(inverse)
        seen = permissions.readable(call, field.target, rows)
        counts: dict[int, int] = dict(
            call.db.execute(query if seen is None else query.where(seen)).tuples().all()
        )
        there = self._there(call, model.name, ids or ())
        if not there.issuperset(ids or ()):
            # The real server finds no number for them, and fails when it is to send it.
            raise errors.of_java("java.lang.NullPointerException", "null")
        return {i: counts.get(i, 0) for i in ids or ()}

    def _there(self, call: Call, cls: str, ids: Sequence[int]) -> set[int]:
        """Return those of the ids that there is an object of, which the user may see."""
        rows = tables.table(cls)
        query = visible(call, cls, rows).where(rows.c.id.in_(list(ids)))
        return set(call.db.execute(query).scalars())

    def retrieveCollection(
        self, call: Call, obj: IObject, collectionName: str, options: "Parameters | None"
    ) -> list[IObject]:
        """Give the members of an object's collection."""
        field = None if obj is None else CLASSES[class_name(obj)].fields.get(collectionName)
        if obj is None or obj.id is None or not isinstance(field, Collection):
            raise errors.api_usage(f"{collectionName} is not a collection.")
        cls, loader = class_name(obj), Loader(call)
        found = loader.object(cls, obj.id.val) if self._there(call, cls, [obj.id.val]) else None
        if found is None:
            raise errors.missing_row(CLASSES[cls].java, obj.id.val)
        return loader.fetch([found], collectionName)

    @writing
    def createDataObject(self, call: Call, obj: IObject, options: "Parameters | None") -> IObject:
        """Save a new object."""
        return saving.save(call, [obj])[0]

    @writing
    def createDataObjects(
        self, call: Call, dataObjects: list[IObject], options: "Parameters | None"
    ) -> list[IObject]:
        """Save new objects."""
        return list(saving.save(call, dataObjects or []))

    @writing
    def updateDataObject(self, call: Call, obj: IObject, options: "Parameters | None") -> IObject:
        """Save a changed object."""
        return saving.save(call, [obj])[0]

    @writing
    def updateDataObjects(
        self, call: Call, objs: list[IObject], options: "Parameters | None"
    ) -> list[IObject]:
        """Save changed objects."""
        return list(saving.save(call, objs or []))

    @writing
    def link(self, call: Call, links: list[IObject], options: "Parameters | None") -> list[IObject]:
        """Save links."""
        return list(saving.save(call, links or []))

    @writing
    def unlink(self, call: Call, links: list[IObject], options: "Parameters | None") -> None:
        """Delete links."""
        for link in links or ():
            saving.delete_object(call, class_name(link), link.id.val)


def _container(name: str) -> str:
    """Return the class of a hierarchy's root."""
    model = find_class(name or "")
    if model is None or model.name not in INSIDE:
        java = name if model is None else f"class {model.java}"
        raise errors.api_usage(
            f"Class parameter for loadContainerIHierarchy() must be in {{Project,Dataset, Screen, Plate}}, not {java}"
        )
    return model.name


def _open(call: Call, loader: Loader, containers: Sequence[IObject], *, leaves: bool) -> None:
    """Load what is in containers of one class: containers always, Images with their Pixels as leaves."""
    if not containers:
        return
    _count(call, containers)
    collection, inside = INSIDE[class_name(containers[0])]
    if collection is None or (inside == "Image" and not leaves):
        return
    children = loader.fetch(containers, f"{collection}.child")
    if inside == "Image":
        _add_pixels(loader, children)
        _load_events(loader, children)
        _count(call, children)
    else:
        _open(call, loader, children, leaves=leaves)


def _orphans(call: Call, loader: Loader, cls: str, wishes: Wishes) -> list[IObject]:
    """Load the Datasets (Plates) that are in no Project (Screen)."""
    inside, link = (
        ("Dataset", "ProjectDatasetLink") if cls == "Project" else ("Plate", "ScreenPlateLink")
    )
    rows, links = tables.table(inside), tables.table(link)
    alone = ~exists(select(literal(1)).select_from(links).where(links.c.child == rows.c.id))
    query = visible(call, inside, rows, wishes).where(alone).order_by(rows.c.id)
    found = list(loader.objects(inside, call.db.execute(query).scalars()).values())
    _open(call, loader, found, leaves=wishes.leaves)
    return found


def _lift(
    call: Call, loader: Loader, below: Sequence[IObject], cls: str, collection: str, link: str
) -> tuple[list[IObject], list[IObject]]:
    """Return the containers that the objects are in, holding these alone, and the objects that are in none."""
    links = tables.table(link)
    inside = {o.id.val: o for o in below}
    query = select(links.c.id, links.c.parent, links.c.child).where(links.c.child.in_(list(inside)))
    seen = permissions.readable(call, link, links)
    rows = call.db.execute(query if seen is None else query.where(seen)).all()
    above = loader.objects(cls, sorted({row.parent for row in rows}))
    found = loader.objects(link, [row.id for row in rows if row.parent in above])
    for identifier, container in above.items():
        own = [found[row.id] for row in rows if row.parent == identifier]
        set_collection(container, collection, own)
    held = {row.child for row in rows if row.parent in above}
    return list(above.values()), [o for i, o in inside.items() if i not in held]


def _images_in(call: Call, root: str, ids: Iterable[int]) -> Any:
    """Return the query for the ids of the Images in containers."""
    image = tables.table("Image").alias("inside")
    query = select(image.c.id)
    if root == "Fileset":
        return query.where(image.c.fileset.in_(list(ids)))
    above = image.c.id
    for name, lower, upper in PATHS[root]:
        rows = tables.table(name).alias()
        query = query.join(rows, rows.c[lower] == above)
        seen = permissions.readable(call, name, rows)
        query = query if seen is None else query.where(seen)
        above = rows.c[upper]
    return query.where(above.in_(list(ids)))


def _add_pixels(loader: Loader, images: Sequence[IObject]) -> None:
    loader.fetch(images, "pixels.pixelsType")


def _load_events(loader: Loader, objects: Sequence[IObject]) -> None:
    for name in ("creationEvent", "updateEvent"):
        loader.details(objects, name)


def _count(call: Call, objects: Sequence[IObject]) -> None:
    """Fill in how many links each owner has made."""
    if not objects:
        return
    cls = class_name(objects[0])
    by_id = {o.id.val: o for o in objects}
    for name in COUNTED.get(cls, ()):
        field = CLASSES[cls].fields[name]
        assert isinstance(field, Collection)
        rows = tables.table(field.target)
        inverse = rows.c[tables.column_name(field.target, field.inverse)]
        query = select(inverse, rows.c.details_owner, func.count()).where(inverse.in_(list(by_id)))
        query = query.group_by(inverse, rows.c.details_owner)
        seen = permissions.readable(call, field.target, rows)
        counts: dict[int, dict[int, int]] = {i: {} for i in by_id}
        for parent, owner, number in call.db.execute(query if seen is None else query.where(seen)):
            counts[parent][owner] = number
        for identifier, o in by_id.items():
            setattr(o, f"_{name}CountPerOwner", counts[identifier])
