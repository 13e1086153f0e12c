"""omero.cmd.Delete2 through the real client: what goes, what stays, what is refused."""

import time
from typing import Any

import omero
import omero.cmd
import omero.model
import omero.sys
import pytest
from omero.cmd import Delete2, DoAll, SkipHead
from omero.cmd.graphs import ChildOption
from omero.rtypes import rdouble, rstring

IMAGE = {"Channel": 1, "Image": 1, "LogicalChannel": 1, "Pixels": 1}


def test_a_dataset_goes_with_its_images_and_what_only_they_bear(bench: Any) -> None:
    dataset = bench.named("Dataset")
    image = bench.image(dataset)
    tag = bench.tag(("Dataset", dataset), ("Image", image))
    bench.comment("Image", image)
    deleted = bench.delete(Dataset=[dataset])
    assert deleted == {
        **IMAGE,
        "CommentAnnotation": 1,
        "Dataset": 1,
        "DatasetAnnotationLink": 1,
        "DatasetImageLink": 1,
        "ImageAnnotationLink": 2,
        "TagAnnotation": 1,
    }
    assert not bench.exists("Image", image)
    assert not bench.exists("Annotation", tag)


def test_an_image_in_two_datasets_outlives_one_and_not_both(bench: Any) -> None:
    first, second = bench.named("Dataset"), bench.named("Dataset")
    image = bench.image(first, second)
    assert bench.delete(Dataset=[first]) == {"Dataset": 1, "DatasetImageLink": 1}
    third = bench.named("Dataset")
    bench.link("Dataset", third, "Image", image)
    assert bench.delete(Dataset=[second, third])["Image"] == 1
    assert not bench.exists("Image", image)


def test_annotations_that_something_else_bears_stay(bench: Any) -> None:
    dataset = bench.named("Dataset")
    image = bench.image(dataset)
    tag = bench.tag(("Dataset", dataset), ("Image", image))
    assert bench.delete(Image=[image]) == {**IMAGE, "DatasetImageLink": 1, "ImageAnnotationLink": 1}
    assert bench.exists("Annotation", tag)


def test_a_project_goes_with_datasets_and_images(bench: Any) -> None:
    project, dataset = bench.named("Project"), bench.named("Dataset")
    bench.link("Project", project, "Dataset", dataset)
    bench.image(dataset)
    assert bench.delete(Project=[project]) == {
        **IMAGE,
        "Dataset": 1,
        "DatasetImageLink": 1,
        "Project": 1,
        "ProjectDatasetLink": 1,
    }


@pytest.mark.parametrize(
    ("option", "stay", "go"),
    [
        (ChildOption(excludeType=["Image"]), ["Image", "Tag", "Comment"], []),
        (ChildOption(excludeType=["Annotation"]), ["Tag", "Comment"], ["Image"]),
        (ChildOption(excludeType=["TagAnnotation"]), ["Tag"], ["Image", "Comment"]),
        (
            ChildOption(excludeType=["Annotation"], includeNs=["kept"]),
            ["Tag"],
            ["Image", "Comment"],
        ),
        (
            ChildOption(excludeType=["Annotation"], excludeNs=["kept"]),
            ["Comment"],
            ["Image", "Tag"],
        ),
    ],
)
def test_child_options_keep_children(
    bench: Any, option: ChildOption, stay: list[str], go: list[str]
) -> None:
    dataset = bench.named("Dataset")
    image = bench.image(dataset)
    ids = {
        "Image": image,
        "Tag": bench.tag(("Image", image), ns="kept"),
        "Comment": bench.comment("Image", image),
    }
    bench.run(Delete2(targetObjects={"Dataset": [dataset]}, childOptions=[option]))
    left = {
        name
        for name, i in ids.items()
        if bench.exists("Image" if name == "Image" else "Annotation", i)
    }
    assert left == set(stay)
    assert left.isdisjoint(go)


def test_child_options_take_children_that_others_hold(bench: Any) -> None:
    first, second = bench.named("Dataset"), bench.named("Dataset")
    image = bench.image(first, second)
    option = ChildOption(includeType=["Image"])
    bench.run(Delete2(targetObjects={"Dataset": [first]}, childOptions=[option]))
    assert not bench.exists("Image", image)
    assert bench.exists("Dataset", second)


def test_a_child_option_without_types_is_refused(bench: Any) -> None:
    dataset = bench.named("Dataset")
    option = ChildOption(excludeNs=["x"])
    response = bench.run(Delete2(targetObjects={"Dataset": [dataset]}, childOptions=[option]))
    assert isinstance(response, omero.cmd.ERR)
    assert response.parameters["message"] == "child option must include or exclude some type"


def test_types_to_ignore_are_left_where_they_are(bench: Any) -> None:
    dataset = bench.named("Dataset")
    image = bench.image(dataset)
    bench.run(Delete2(targetObjects={"Dataset": [dataset]}, typesToIgnore=["ome.model.core.Image"]))
    assert bench.exists("Image", image)


def test_a_dry_run_tells_the_same_and_deletes_nothing(bench: Any) -> None:
    dataset = bench.named("Dataset")
    bench.image(dataset)
    told = bench.run(Delete2(targetObjects={"Dataset": [dataset]}, dryRun=True)).deletedObjects
    assert bench.exists("Dataset", dataset)
    assert bench.run(Delete2(targetObjects={"Dataset": [dataset]})).deletedObjects == told


def test_links_files_rois_and_tags_can_be_deleted_by_themselves(bench: Any) -> None:
    dataset = bench.named("Dataset")
    image = bench.image()
    link = bench.link("Dataset", dataset, "Image", image)
    assert bench.delete(DatasetImageLink=[link]) == {"DatasetImageLink": 1}
    roi = omero.model.RoiI()
    roi.image = omero.model.ImageI(image, False)
    point = omero.model.PointI()
    point.x, point.y = rdouble(1), rdouble(2)
    roi.addShape(point)
    assert bench.delete(Roi=[bench.save(roi)]) == {"Point": 1, "Roi": 1}
    tag = bench.tag(("Dataset", dataset))
    assert bench.delete(Annotation=[tag]) == {"DatasetAnnotationLink": 1, "TagAnnotation": 1}
    file = omero.model.OriginalFileI()
    file.name, file.path, file.mimetype = rstring("f"), rstring("/"), rstring("text/plain")
    made = bench.save(file)
    note = omero.model.FileAnnotationI()
    note.file = omero.model.OriginalFileI(made, False)
    bench.annotate("Dataset", dataset, "File", bench.save(note))
    assert bench.delete(OriginalFile=[made]) == {
        "DatasetAnnotationLink": 1,
        "FileAnnotation": 1,
        "OriginalFile": 1,
    }


def test_the_pixels_leave_the_disk(bench: Any, omero_server: Any) -> None:
    image = bench.image()
    pixels = bench.value("select p.id from Pixels p where p.image.id = :id", image)
    store = bench.client.sf.createRawPixelsStore()
    store.setPixelsId(pixels, False)
    store.setPlane(bytes(12), 0, 0, 0)
    store.close()
    files = [p for p in (omero_server.folder / "Pixels").rglob(str(pixels)) if p.is_file()]
    assert files
    bench.delete(Image=[image])
    assert not any(p.exists() for p in files)


def test_missing_objects_and_wrong_classes_are_refused(bench: Any) -> None:
    dataset = bench.named("Dataset")
    missing = bench.run(Delete2(targetObjects={"Dataset": [dataset, 2**40]}))
    assert isinstance(missing, omero.cmd.GraphException)
    assert (missing.category, missing.name) == ("::omero::cmd::Delete2", "graph-fail")
    assert missing.message == f"cannot read ome.model.containers.Dataset[{2**40}]"
    assert bench.exists("Dataset", dataset)
    assert bench.run(Delete2(targetObjects={"dataset": [dataset]})).name == "graph-fail"
    pixels = bench.run(Delete2(targetObjects={"Pixels": [1]}))
    assert pixels.parameters["message"] == "cannot target Pixels"
    assert bench.run(Delete2(targetObjects={})).deletedObjects == {}


def test_the_handle_tells_steps_and_failure(bench: Any) -> None:
    handle = bench.client.sf.submit(Delete2(targetObjects={"Dataset": [2**40]}))
    while handle.getResponse() is None:
        time.sleep(0.01)
    assert [str(f) for f in handle.getStatus().flags] == ["FAILURE", "CANCELLED"]
    handle.close()
    handle = bench.client.sf.submit(Delete2(targetObjects={"Dataset": [bench.named("Dataset")]}))
    while handle.getResponse() is None:
        time.sleep(0.01)
    status = handle.getStatus()
    assert (status.steps, status.currentStep, list(status.flags)) == (6, 5, [])
    handle.close()


def test_do_all_deletes_all_or_nothing(bench: Any) -> None:
    first, second = bench.named("Dataset"), bench.named("Dataset")
    failing = DoAll([Delete2(targetObjects={"Dataset": [i]}) for i in (first, 2**40)])
    assert isinstance(bench.run(failing), omero.cmd.ERR)
    assert bench.exists("Dataset", first)
    response = bench.run(DoAll([Delete2(targetObjects={"Dataset": [i]}) for i in (first, second)]))
    assert [type(r) for r in response.responses] == [omero.cmd.Delete2Response] * 2
    assert not bench.exists("Dataset", second)


def test_skip_head_begins_below_its_targets(bench: Any) -> None:
    project, dataset = bench.named("Project"), bench.named("Dataset")
    bench.link("Project", project, "Dataset", dataset)
    image = bench.image(dataset)
    request = SkipHead(targetObjects={"Project": [project]}, startFrom=["Image"], request=Delete2())
    assert "Image" in {n.rpartition(".")[2] for n in bench.run(request).deletedObjects}
    assert not bench.exists("Image", image)
    assert bench.exists("Dataset", dataset)


@pytest.mark.parametrize(
    ("permissions", "message"),
    [
        ("rw----", "cannot read "),
        ("rwr---", "not permitted to delete "),
        ("rwra--", "not permitted to delete "),
    ],
)
def test_what_others_own_is_not_deleted(
    omero_new_user: Any, bench_of: Any, permissions: str, message: str
) -> None:
    owner = omero_new_user(permissions=permissions)
    dataset = bench_of(owner).named("Dataset")
    other = bench_of(omero_new_user(group=owner.group))
    response = other.run(Delete2(targetObjects={"Dataset": [dataset]}))
    assert response.message == f"{message}ome.model.containers.Dataset[{dataset}]"


def test_members_of_read_write_groups_and_leaders_delete_what_others_own(
    omero_new_user: Any, bench_of: Any
) -> None:
    owner = omero_new_user(permissions="rwrw--")
    mine = bench_of(owner)
    member = bench_of(omero_new_user(group=owner.group))
    leader = bench_of(omero_new_user(group=owner.group, leader=True))
    assert member.delete(Dataset=[mine.named("Dataset")]) == {"Dataset": 1}
    assert leader.delete(Dataset=[mine.named("Dataset")]) == {"Dataset": 1}


def test_a_tag_on_somebodys_dataset_is_not_deleted_from_under_it(
    omero_new_user: Any, bench_of: Any
) -> None:
    owner = omero_new_user(permissions="rwra--")
    mine, other = bench_of(owner), bench_of(omero_new_user(group=owner.group))
    tag = mine.tag()
    dataset = other.named("Dataset")
    other.annotate("Dataset", dataset, "Tag", tag)
    response = mine.run(Delete2(targetObjects={"Annotation": [tag]}))
    assert isinstance(response, omero.cmd.GraphException)
    assert response.message.endswith(f" while ome.model.containers.Dataset[{dataset}] remains")


def test_a_plate_goes_with_its_wells_and_their_images(bench: Any) -> None:
    plate = bench.named("Plate")
    image = bench.image()
    well = omero.model.WellI()
    well.plate = omero.model.PlateI(plate, False)
    sample = omero.model.WellSampleI()
    sample.image = omero.model.ImageI(image, False)
    well.addWellSample(sample)
    bench.save(well)
    refused = bench.run(Delete2(targetObjects={"Image": [image]}))
    assert f"may not delete ome.model.core.Image[{image}] while " in refused.message
    assert bench.delete(Plate=[plate]) == {**IMAGE, "Plate": 1, "Well": 1, "WellSample": 1}


def test_images_of_a_fileset_go_together(bench: Any) -> None:
    fileset = omero.model.FilesetI()
    fileset.templatePrefix = rstring("x")
    made = bench.save(fileset)
    images = [bench.image(), bench.image()]
    for i in images:
        image = bench.query.get("Image", i)
        image.fileset = omero.model.FilesetI(made, False)
        bench.save(image)
    refused = bench.run(Delete2(targetObjects={"Image": images[:1]}))
    taken, left = (f"ome.model.core.Image[{i}]" for i in images)
    assert refused.message == (
        f"within ome.model.fs.Fileset[{made}] may not delete {taken} while {left} remains"
    )
    deleted = bench.delete(Image=images)
    assert (deleted["Image"], deleted["Fileset"]) == (2, 1)


def test_thousands_of_images_are_deleted_in_seconds(bench: Any) -> None:
    dataset = bench.named("Dataset")
    tag = omero.model.TagAnnotationI(bench.tag(), False)
    links = []
    for _ in range(2000):
        image = omero.model.ImageI()
        image.name = rstring("i")
        image.linkAnnotation(tag)
        link = omero.model.DatasetImageLinkI()
        link.parent, link.child = omero.model.DatasetI(dataset, False), image
        links.append(link)
    bench.update.saveCollection(links)
    begin = time.monotonic()
    deleted = bench.delete(Dataset=[dataset])
    assert (deleted["Image"], deleted["ImageAnnotationLink"]) == (2000, 2000)
    assert time.monotonic() - begin < 10


def _note(bench: Any, kind: str, image: int) -> int:
    """Put a new annotation on an Image and return the id of the link."""
    note = getattr(omero.model, f"{kind}AnnotationI")()
    return int(bench.annotate("Image", image, kind, bench.save(note)))


@pytest.mark.parametrize(
    ("kind", "goes"), [("Comment", True), ("Long", True), ("Map", True), ("Tag", False)]
)
def test_what_only_a_deleted_link_bore_goes_unless_people_share_it(
    bench: Any, kind: str, *, goes: bool
) -> None:
    """blitz-delete-rules.xml: «If a basic or comment annotation is unlinked then consider it for deletion»."""
    link = _note(bench, kind, bench.image())
    expected = {"ImageAnnotationLink": 1, **({f"{kind}Annotation": 1} if goes else {})}
    assert bench.delete(ImageAnnotationLink=[link]) == expected


def test_comments_of_others_go_with_an_image_and_their_tags_stay(
    omero_new_user: Any, bench_of: Any
) -> None:
    owner = omero_new_user(permissions="rwra--")
    member, leader = (
        omero_new_user(group=owner.group),
        omero_new_user(group=owner.group, leader=True),
    )
    mine, other = bench_of(owner), bench_of(member)
    image = mine.image()
    other.comment("Image", image)
    tag = other.tag(("Image", image))
    assert bench_of(leader).delete(Image=[image]) == {
        **IMAGE,
        "CommentAnnotation": 1,
        "ImageAnnotationLink": 2,
    }
    assert other.exists("Annotation", tag)


def test_an_image_stays_that_others_of_its_fileset_outlive(bench: Any) -> None:
    """blitz-delete-rules.xml: «If a fileset is not to be deleted then nor are its images»."""
    dataset, fileset = bench.named("Dataset"), omero.model.FilesetI()
    fileset.templatePrefix = rstring("x")
    made = bench.save(fileset)
    inside, outside = bench.image(dataset), bench.image()
    for i in (inside, outside):
        image = bench.query.get("Image", i)
        image.fileset = omero.model.FilesetI(made, False)
        bench.save(image)
    assert bench.delete(Dataset=[dataset]) == {"Dataset": 1, "DatasetImageLink": 1}
    both = bench.named("Dataset")
    for i in (inside, outside):
        bench.link("Dataset", both, "Image", i)
    assert bench.delete(Dataset=[both])["Fileset"] == 1


def test_a_roi_in_a_folder_outlives_its_image(bench: Any) -> None:
    image, folder, roi = bench.image(), bench.named("Folder"), omero.model.RoiI()
    roi.image = omero.model.ImageI(image, False)
    kept = bench.save(roi)
    bench.link("Folder", folder, "Roi", kept)
    assert bench.delete(Image=[image]) == IMAGE
    assert bench.value("select count(*) from Roi r where r.id = :id and r.image is null", kept) == 1


def test_an_image_with_a_roi_that_one_may_not_delete_stays(
    omero_new_user: Any, bench_of: Any
) -> None:
    owner = omero_new_user(permissions="rwra--")
    leader = omero_new_user(group=owner.group, leader=True)
    mine, roi = bench_of(owner), omero.model.RoiI()
    image = mine.image()
    roi.image = omero.model.ImageI(image, False)
    made = bench_of(leader).save(roi)
    refused = mine.run(Delete2(targetObjects={"Image": [image]}))
    assert refused.message == f"not permitted to update ome.model.roi.Roi[{made}]"


def test_a_file_of_a_fileset_is_not_deleted_from_under_it(bench: Any) -> None:
    fileset, entry = omero.model.FilesetI(), omero.model.FilesetEntryI()
    fileset.templatePrefix, entry.clientPath = rstring("x"), rstring("c")
    entry.originalFile = omero.model.OriginalFileI()
    entry.originalFile.name, entry.originalFile.path = rstring("a"), rstring("/")
    fileset.addFilesetEntry(entry)
    made = bench.save(fileset)
    hql = "select e.originalFile.id from FilesetEntry e where e.fileset.id = :id"
    file = bench.value(hql, made)
    refused = bench.run(Delete2(targetObjects={"OriginalFile": [file]}))
    assert refused.message.startswith(f"may not delete ome.model.core.OriginalFile[{file}] while ")


def test_external_information_goes_along(bench: Any) -> None:
    dataset, info = omero.model.DatasetI(), omero.model.ExternalInfoI()
    dataset.name = rstring("n")
    info.entityId, info.entityType = omero.rtypes.rlong(1), rstring("x")
    dataset.details.externalInfo = info
    assert bench.delete(Dataset=[bench.save(dataset)]) == {"Dataset": 1, "ExternalInfo": 1}


@pytest.mark.parametrize("name", ["PlaneInfo", "Pixels", "Experimenter", "Format"])
def test_what_is_no_target_is_refused(bench: Any, name: str) -> None:
    refused = bench.run(Delete2(targetObjects={name: [1]}))
    assert (refused.name, refused.parameters["message"]) == ("bad-target", f"cannot target {name}")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (ChildOption(excludeNs=["x"]), "child option must include or exclude some type"),
        (
            ChildOption(includeType=["Annotation"], includeNs=["x"], excludeNs=["y"]),
            "child option may not both include and exclude namespace",
        ),
    ],
)
def test_child_options_that_mean_nothing_stop_the_request_as_it_begins(
    bench: Any, option: ChildOption, message: str
) -> None:
    refused = bench.run(Delete2(targetObjects={"Dataset": [1]}, childOptions=[option]))
    assert (refused.name, refused.parameters["message"]) == ("steps-cancel", message)


def test_skip_head_begins_with_what_the_request_would_have_taken(bench: Any) -> None:
    first, second = bench.named("Dataset"), bench.named("Dataset")
    shared, own = bench.image(first, second), bench.image(first)
    request = SkipHead(targetObjects={"Dataset": [first]}, startFrom=["Image"], request=Delete2())
    assert bench.run(request).deletedObjects["ome.model.core.Image"] == [own]
    assert bench.exists("Image", shared)
    request.targetObjects = {"Dataset": [2**40]}
    refused = bench.run(request)
    assert (refused.category, refused.name) == ("::omero::cmd::Delete2", "graph-fail")
