"""Saving graphs, as IUpdate does it on a real server: what is written, what comes back, and what is refused."""

from collections.abc import Callable
from typing import Any

import omero
import omero.model
import pytest
from omero.model import (
    CommentAnnotationI,
    DatasetI,
    DatasetImageLinkI,
    FormatI,
    ImageI,
    LengthI,
    MapAnnotationI,
    NamedValue,
    PermissionsI,
    PlaneInfoI,
    PolygonI,
    ProjectDatasetLinkI,
    ProjectI,
    RectangleI,
    RoiI,
    TagAnnotationI,
)
from omero.model.enums import UnitsLength
from omero.rtypes import rbool, rdouble, rint, rlong, rstring

from omero_embedded.pytest_plugin import OmeroUser


def dataset(name: str = "a") -> DatasetI:
    made = DatasetI()
    made.name = rstring(name)
    return made


def project(name: str = "p") -> ProjectI:
    made = ProjectI()
    made.name = rstring(name)
    return made


def link(cls: type, parent: Any, child: Any) -> Any:
    made = cls()
    made.parent, made.child = parent, child
    return made


@pytest.fixture
def update(omero_client: omero.client) -> Any:
    return omero_client.sf.getUpdateService()


@pytest.fixture
def query(omero_client: omero.client) -> Any:
    return omero_client.sf.getQueryService()


# ---------------------------------------------------------------- what comes back
def test_a_new_object_comes_back_with_its_details_loaded_and_its_collections_empty(
    update: Any,
) -> None:
    saved = update.saveAndReturnObject(dataset())
    details = saved.details
    assert all(
        o.isLoaded()
        for o in (details.owner, details.group, details.creationEvent, details.updateEvent)
    )
    assert (
        saved.sizeOfImageLinks() == saved.sizeOfProjectLinks() == saved.sizeOfAnnotationLinks() == 0
    )
    assert saved.version is None


def test_new_objects_that_are_linked_come_back_linked_both_ways(update: Any) -> None:
    p = project()
    p.linkDataset(dataset("inside"))
    saved = update.saveAndReturnObject(p)
    (only,) = saved.copyDatasetLinks()
    assert only.parent is saved
    assert only.child.name.val == "inside"
    assert only.child.copyProjectLinks() == [only]


def test_the_unloaded_ends_of_a_new_link_come_back_loaded(update: Any) -> None:
    ids = update.saveAndReturnIds([project(), dataset()])
    saved = update.saveAndReturnObject(
        link(ProjectDatasetLinkI, ProjectI(ids[0], False), DatasetI(ids[1], False))
    )
    assert saved.parent.isLoaded()
    assert saved.child.isLoaded()
    assert saved.child.details.owner.isLoaded()
    assert not saved.child.isProjectLinksLoaded()


def test_an_unloaded_object_comes_back_loaded_and_unchanged(update: Any) -> None:
    (identifier,) = update.saveAndReturnIds([dataset("as it was")])
    assert update.saveAndReturnObject(DatasetI(identifier, False)).name.val == "as it was"


def test_arrays_come_back_in_their_order_whatever_the_classes(update: Any) -> None:
    objects = [dataset("1"), project("2"), dataset("3"), CommentAnnotationI()]
    assert [type(o).__name__ for o in update.saveAndReturnArray(objects)] == [
        "DatasetI",
        "ProjectI",
        "DatasetI",
        "CommentAnnotationI",
    ]
    assert [
        o.name.val for o in update.saveAndReturnArray([dataset(str(i)) for i in range(50)])
    ] == [str(i) for i in range(50)]


def test_nothing_to_save_gives_nothing(update: Any) -> None:
    assert update.saveAndReturnArray([]) == []
    assert update.saveAndReturnIds(None) == []
    with pytest.raises(omero.ApiUsageException, match="Argument to save cannot be null"):
        update.saveAndReturnObject(None)


# ---------------------------------------------------------------- what is written
def test_values_of_every_kind_survive(update: Any, query: Any, omero_client: omero.client) -> None:
    pixels_type = query.findByString("PixelsType", "value", "uint16")
    image = omero_client.sf.getPixelsService().createImage(8, 6, 1, 1, [0], pixels_type, "µ😀", "")
    pixels = query.findByQuery(f"from Pixels where image.id = {image.val}", None)
    pixels.physicalSizeX = LengthI(0.263, UnitsLength.MICROMETER)
    info = PlaneInfoI()
    info.theZ, info.theC, info.theT = rint(0), rint(0), rint(0)
    info.positionX = LengthI(-1.5, UnitsLength.REFERENCEFRAME)
    info.pixels = pixels
    update.saveObject(info)
    pixels = query.get("Pixels", pixels.id.val)
    assert (pixels.physicalSizeX.getValue(), pixels.physicalSizeX.getUnit()) == (
        0.263,
        UnitsLength.MICROMETER,
    )
    info = query.findByQuery(f"from PlaneInfo where pixels.id = {pixels.id.val}", None)
    assert (info.positionX.getValue(), info.positionX.getUnit()) == (
        -1.5,
        UnitsLength.REFERENCEFRAME,
    )
    assert query.get("Image", image.val).name.val == "µ😀"


def test_key_value_pairs_keep_their_order_and_their_doubles_and_can_be_replaced(
    update: Any, query: Any
) -> None:
    notes = MapAnnotationI()
    notes.mapValue = [NamedValue("b", "1"), NamedValue("a", None), NamedValue("b", "2")]
    saved = update.saveAndReturnObject(notes)
    assert [(p.name, p.value) for p in saved.mapValue] == [("b", "1"), ("a", ""), ("b", "2")]
    saved.mapValue = [NamedValue("z", "9")]
    update.saveObject(saved)
    assert [(p.name, p.value) for p in query.get("MapAnnotation", saved.id.val).mapValue] == [
        ("z", "9")
    ]


def test_members_of_a_new_collection_refer_to_its_owner_and_keep_their_order(
    update: Any, omero_client: Any
) -> None:
    roi = RoiI()
    for shape in (RectangleI(), PolygonI(), RectangleI()):
        roi.addShape(shape)
        shape.roi = None
    saved = update.saveAndReturnObject(roi)
    found = omero_client.sf.getQueryService().findByQuery(
        f"select r from Roi r join fetch r.shapes where r.id = {saved.id.val}", None
    )
    assert [type(s).__name__ for s in found.copyShapes()] == [
        "RectangleI",
        "PolygonI",
        "RectangleI",
    ]


def test_a_change_is_written_and_makes_a_new_update_event(update: Any, query: Any) -> None:
    first = update.saveAndReturnObject(dataset("before"))
    first.name = rstring("after")
    second = update.saveAndReturnObject(first)
    assert query.get("Dataset", first.id.val).name.val == "after"
    assert second.details.updateEvent.id.val > second.details.creationEvent.id.val


def test_a_loaded_collection_that_was_emptied_takes_the_links_with_it(
    update: Any, query: Any
) -> None:
    p = project()
    p.linkDataset(dataset())
    saved = update.saveAndReturnObject(p)
    held = query.get("Project", saved.id.val)
    assert not held.isDatasetLinksLoaded()
    update.saveObject(held)
    fetch = f"select p from Project p left join fetch p.datasetLinks where p.id = {saved.id.val}"
    full = query.findByQuery(fetch, None)
    assert full.sizeOfDatasetLinks() == 1
    full.clearDatasetLinks()
    update.saveObject(full)
    assert query.findByQuery(fetch, None).sizeOfDatasetLinks() == 0


def test_a_new_enumeration_value_stands_for_the_one_that_exists(update: Any, query: Any) -> None:
    image = ImageI()
    image.name = rstring("i")
    image.format = FormatI()
    image.format.value = rstring("JPEG")
    saved = update.saveAndReturnObject(image)
    assert saved.format.id.val == query.findByString("Format", "value", "JPEG").id.val


# ---------------------------------------------------------------- what is refused, with nothing left behind
def refused(kind: type[Exception], text: str, call: Callable[..., Any], *arguments: Any) -> None:
    with pytest.raises(kind) as refusal:
        call(*arguments)
    assert text in refusal.value.message


def test_a_missing_value_is_refused(update: Any) -> None:
    refused(
        omero.ValidationException,
        "not-null property references a null or transient value: ome.model.containers.Dataset.name",
        update.saveObject,
        DatasetI(),
    )
    # Of several that are missing the first one by name is told.
    refused(
        omero.ValidationException,
        "not-null property references a null or transient value: ome.model.core.OriginalFile.name",
        update.saveObject,
        omero.model.OriginalFileI(),
    )


def test_one_bad_object_undoes_the_whole_call(update: Any, query: Any) -> None:
    p = project("good")
    p.linkDataset(DatasetI())
    for attempt in ([dataset("good"), DatasetI()], [p], [dataset("good"), ImageI(2**40, False)]):
        with pytest.raises(omero.ValidationException):
            update.saveArray(attempt)
    assert query.findAllByString("Dataset", "name", "good", True, None) == []
    assert query.findAllByString("Project", "name", "good", True, None) == []


def test_the_same_link_twice_is_refused_and_by_another_user_allowed(
    omero_new_user: Callable[..., OmeroUser],
) -> None:
    ann = omero_new_user(permissions="rwrw--")
    bob = omero_new_user(group=ann.group)
    clients = [ann.log_in(), bob.log_in()]
    updates = [c.sf.getUpdateService() for c in clients]
    ids = updates[0].saveAndReturnIds([project(), dataset()])

    def make() -> Any:
        return link(ProjectDatasetLinkI, ProjectI(ids[0], False), DatasetI(ids[1], False))

    updates[0].saveObject(make())
    refused(
        omero.ValidationException,
        "could not insert: [ome.model.containers.ProjectDatasetLink]",
        updates[0].saveObject,
        make(),
    )
    updates[1].saveObject(make())
    for client in clients:
        client.closeSession()


def test_ids_that_do_not_exist_are_refused(update: Any) -> None:
    (identifier,) = update.saveAndReturnIds([dataset()])
    no_row = "No row with the given identifier exists: [ome.model.core.Image#1099511627776]"
    new = link(DatasetImageLinkI, DatasetI(identifier, False), ImageI(2**40, False))
    refused(omero.ValidationException, no_row, update.saveObject, new)
    refused(omero.ValidationException, no_row, update.saveObject, ImageI(2**40, False))
    gone = dataset()
    gone.id = rlong(2**40)
    refused(
        omero.ValidationException, "object no longer exists in database", update.saveObject, gone
    )


def test_a_stale_object_is_refused_unless_it_comes_without_details(update: Any, query: Any) -> None:
    saved = update.saveAndReturnObject(dataset("v0"))
    first, second = query.get("Dataset", saved.id.val), query.get("Dataset", saved.id.val)
    first.name = rstring("v1")
    update.saveObject(first)
    second.name = rstring("v2")
    refused(
        omero.OptimisticLockException,
        f"You are not authorized to change the update event for ome.model.containers.Dataset:Id_{saved.id.val}",
        update.saveObject,
        second,
    )
    assert query.get("Dataset", saved.id.val).name.val == "v1"
    second.unloadDetails()
    update.saveObject(second)
    assert query.get("Dataset", saved.id.val).name.val == "v2"


def test_text_with_nul_is_refused_and_any_other_text_is_not(update: Any) -> None:
    refused(omero.ValidationException, "invalid byte sequence", update.saveObject, dataset("a\0b"))
    for name in ("", "x" * 1000, "\U0001f52c ä\n\t"):
        assert update.saveAndReturnObject(dataset(name)).name.val == name


def test_sizes_must_be_positive(update: Any, query: Any, omero_client: omero.client) -> None:
    pixels_type = query.findByString("PixelsType", "value", "uint16")
    image = omero_client.sf.getPixelsService().createImage(8, 6, 1, 1, [0], pixels_type, "i", "")
    pixels = query.findByQuery(f"from Pixels where image.id = {image.val}", None)
    pixels.physicalSizeY = LengthI(0, UnitsLength.MICROMETER)
    refused(
        omero.InternalException,
        "values of Pixels.physicalSizeY must be strictly positive",
        update.saveObject,
        pixels,
    )


def test_users_may_not_make_what_the_server_makes(update: Any) -> None:
    new = FormatI()
    new.value = rstring("my own")
    refused(omero.SecurityViolation, "is a System-type", update.saveObject, new)
    group = omero.model.ExperimenterGroupI()
    group.name, group.ldap = rstring("mine"), rbool(False)
    refused(omero.SecurityViolation, "is a System-type", update.saveObject, group)


def test_owner_group_and_permissions_cannot_be_set_by_hand(update: Any) -> None:
    for change, kind in (
        (
            lambda d: setattr(d, "owner", omero.model.ExperimenterI(0, False)),
            omero.SecurityViolation,
        ),
        (
            lambda d: setattr(d, "group", omero.model.ExperimenterGroupI(1, False)),
            omero.SecurityViolation,
        ),
        (
            lambda d: setattr(d, "permissions", PermissionsI("rwrw--")),
            omero.PermissionMismatchGroupSecurityViolation,
        ),
    ):
        made = dataset()
        change(made.details)
        with pytest.raises(kind):
            update.saveObject(made)


def test_saving_in_all_groups_is_refused(update: Any) -> None:
    with pytest.raises(omero.ApiUsageException, match="DUMMY permissions"):
        update.saveObject(dataset(), {"omero.group": "-1"})


# ---------------------------------------------------------------- deleting one object
def test_deleting_takes_the_links_and_leaves_what_was_linked(update: Any, query: Any) -> None:
    p, d = project(), dataset()
    p.linkDataset(d)
    d.linkAnnotation(TagAnnotationI())
    saved = update.saveAndReturnObject(p)
    inside = saved.linkedDatasetList()[0]
    tag = inside.linkedAnnotationList()[0]
    update.deleteObject(DatasetI(inside.id.val, False))
    assert query.find("Dataset", inside.id.val) is None
    assert query.find("Project", saved.id.val) is not None
    assert query.find("TagAnnotation", tag.id.val) is not None
    refused(
        omero.ValidationException,
        "No row with",
        update.deleteObject,
        DatasetI(inside.id.val, False),
    )


def test_an_object_that_others_need_is_not_deleted(update: Any, query: Any) -> None:
    d = dataset()
    d.linkAnnotation(TagAnnotationI())
    tag = update.saveAndReturnObject(d).linkedAnnotationList()[0]
    refused(
        omero.ValidationException,
        "could not delete",
        update.deleteObject,
        TagAnnotationI(tag.id.val, False),
    )
    assert query.find("TagAnnotation", tag.id.val) is not None


def test_parts_go_with_their_object(update: Any, query: Any, omero_client: omero.client) -> None:
    """Ordered collections hold parts: an Image its Pixels, these their Channels."""
    image = _made_image(query, omero_client, channels=2)
    update.deleteObject(ImageI(image, False))
    assert query.find("Image", image) is None
    assert query.projection("select count(p) from Pixels p", None)[0][0].val == 0
    assert query.projection("select count(c) from Channel c", None)[0][0].val == 0
    assert query.projection("select count(l) from LogicalChannel l", None)[0][0].val == 2


def test_a_part_that_is_taken_out_is_deleted(
    update: Any, query: Any, omero_client: omero.client
) -> None:
    image = _made_image(query, omero_client, channels=3)
    found = query.findByQuery(
        f"select p from Pixels p join fetch p.channels where p.image.id = {image}", None
    )
    first, second, third = found.copyChannels()
    found.removeChannel(second)
    update.saveObject(found)
    left = query.findByQuery(
        f"select p from Pixels p join fetch p.channels where p.id = {found.id.val}", None
    )
    assert [c.id.val for c in left.copyChannels()] == [first.id.val, third.id.val]
    assert query.find("Channel", second.id.val) is None


def test_nothing_to_delete_is_no_mistake(update: Any) -> None:
    update.deleteObject(None)
    refused(omero.ApiUsageException, "Must have an id", update.deleteObject, dataset())


def _made_image(query: Any, client: omero.client, channels: int) -> int:
    pixels_type = query.findByString("PixelsType", "value", "uint16")
    made = client.sf.getPixelsService().createImage(
        8, 6, 1, 1, list(range(channels)), pixels_type, "i", ""
    )
    return int(made.val)


def test_numbers_are_compared_as_what_they_are(update: Any, query: Any) -> None:
    rectangle = RectangleI()
    rectangle.x = rdouble(0.1)
    roi = RoiI()
    roi.addShape(rectangle)
    saved = update.saveAndReturnObject(roi)
    held = query.get("Rectangle", saved.copyShapes()[0].id.val)
    event = held.details.updateEvent.id.val
    assert update.saveAndReturnObject(held).details.updateEvent.id.val == event
    assert isinstance(query.get("Rectangle", held.id.val).x.val, float)
