"""Requests that copy, count and find, and those about sessions and requests, through the real client."""

from typing import Any

import omero
import omero.cmd
import omero.model
import pytest
from omero.cmd import DiskUsage2, Duplicate, FindChildren, FindParents, LegalGraphTargets
from omero.rtypes import rlong, rstring

from omero_bench import counts

DATASET, IMAGE = "ome.model.containers.Dataset", "ome.model.core.Image"


def _written(bench: Any, image: int, data: bytes) -> int:
    pixels = int(bench.value("select p.id from Pixels p where p.image.id = :id", image))
    store = bench.client.sf.createRawPixelsStore()
    store.setPixelsId(pixels, False)
    store.setPlane(data, 0, 0, 0)
    store.close()
    return pixels


def test_a_duplicate_has_images_pixels_and_annotations_of_its_own(bench: Any) -> None:
    dataset = bench.named("Dataset", "original")
    image = bench.image(dataset)
    _written(bench, image, bytes(range(12)))
    bench.tag(("Image", image))
    made = bench.run(Duplicate(targetObjects={"Dataset": [dataset]})).duplicates
    assert counts(made) == {
        "Channel": 1,
        "Dataset": 1,
        "DatasetImageLink": 1,
        "Image": 1,
        "ImageAnnotationLink": 1,
        "LogicalChannel": 1,
        "Pixels": 1,
        "TagAnnotation": 1,
    }
    copy = made[DATASET][0]
    assert copy != dataset
    assert bench.value("select d.name from Dataset d where d.id = :id", copy) == "original"
    inside = "select l.child.id from DatasetImageLink l where l.parent.id = :id"
    assert bench.value(inside, copy) == made[IMAGE][0]
    bench.delete(Dataset=[dataset])
    store = bench.client.sf.createRawPixelsStore()
    store.setPixelsId(made["ome.model.core.Pixels"][0], False)
    assert store.getPlane(0, 0, 0) == bytes(range(12))
    store.close()


def test_what_is_referenced_is_shared_and_what_is_ignored_is_left(bench: Any) -> None:
    dataset = bench.named("Dataset")
    tag, comment = bench.tag(("Dataset", dataset)), bench.comment("Dataset", dataset)
    request = Duplicate(
        targetObjects={"Dataset": [dataset]},
        typesToReference=["TagAnnotation"],
        typesToIgnore=["CommentAnnotation"],
    )
    copy = bench.run(request).duplicates[DATASET][0]
    rows = bench.query.projection(
        "select l.child.id from DatasetAnnotationLink l where l.parent.id = :id",
        omero.sys.ParametersI().addId(copy),
    )
    assert [row[0].val for row in rows] == [tag]
    assert bench.exists("Annotation", comment)


def test_disk_usage_adds_up_pixels(bench: Any) -> None:
    dataset = bench.named("Dataset")
    _written(bench, bench.image(dataset), bytes(12))
    used = bench.run(DiskUsage2(targetObjects={"Dataset": [dataset]}, targetClasses=[]))
    assert list(used.totalBytesUsed.values()) == [12]
    assert list(used.bytesUsedByReferer.values()) == [{"Pixels": 12}]
    me = bench.client.sf.getAdminService().getEventContext()
    ((whose, files),) = used.totalFileCount.items()
    assert ((whose.first, whose.second), files) == ((me.userId, me.groupId), 1)
    all_of_mine = bench.run(
        DiskUsage2(targetObjects={"Experimenter": [me.userId]}, targetClasses=[])
    )
    assert list(all_of_mine.totalBytesUsed.values()) == [12]


def test_parents_and_children_are_found_at_any_distance(bench: Any) -> None:
    project, dataset = bench.named("Project"), bench.named("Dataset")
    bench.link("Project", project, "Dataset", dataset)
    image = bench.image(dataset)
    up = FindParents(targetObjects={"Image": [image]}, typesOfParents=["Project"], stopBefore=[])
    assert bench.run(up).parents == {"ome.model.containers.Project": [project]}
    stopped = FindParents(
        targetObjects={"Image": [image]}, typesOfParents=["Project"], stopBefore=["Dataset"]
    )
    assert bench.run(stopped).parents == {}
    down = FindChildren(
        targetObjects={"Project": [project]}, typesOfChildren=["Image"], stopBefore=[]
    )
    assert bench.run(down).children == {IMAGE: [image]}


def test_legal_targets_are_told(bench: Any) -> None:
    targets = bench.run(LegalGraphTargets(omero.cmd.Delete2())).targets
    assert {IMAGE, "ome.model.IAnnotationLink", "ome.model.annotations.Annotation"} <= set(targets)
    assert "ome.model.screen.Well" not in bench.run(LegalGraphTargets(omero.cmd.Chgrp2())).targets
    assert "ome.model.core.Pixels" not in targets


def test_sessions_of_others_show_only_the_name(
    bench: Any, omero_new_user: Any, bench_of: Any
) -> None:
    bench_of(omero_new_user())
    response = bench.run(omero.cmd.CurrentSessionsRequest())
    mine = bench.client.getSessionId()
    assert [s.uuid.val for s in response.sessions if s is not None] == [mine]
    assert all(c.userName for c in response.contexts)


def test_a_user_makes_a_session_shorter_and_not_longer(bench: Any) -> None:
    key = bench.client.getSessionId()
    shorter = omero.cmd.UpdateSessionTimeoutRequest(key, None, rlong(500_000))
    assert isinstance(bench.run(shorter), omero.cmd.OK)
    longer = omero.cmd.UpdateSessionTimeoutRequest(key, None, rlong(3_600_000))
    assert bench.run(longer).name == "non-admin-increase"


def test_a_timing_takes_its_time_and_tells_its_steps(bench: Any) -> None:
    assert isinstance(bench.run(omero.cmd.Timing(3, 1)), omero.cmd.OK)


@pytest.mark.parametrize(
    ("request_", "name", "parameters"),
    [
        (omero.cmd.Timing(0, 1), "no-steps", {}),
        (omero.cmd.Timing(1, 300_001), "too-long-steps", {"millisPerStep": "300001"}),
        (omero.cmd.Timing(2, 200_000), "too-long", {"millisPerStep": "200000", "steps": "2"}),
        (omero.cmd.Timing(1_000_001, 0), "too-many-steps", {"steps": "1000001"}),
        (omero.cmd.DoAll([]), "no-steps", {}),
    ],
)
def test_requests_that_cannot_begin_say_so_without_an_exception(
    bench: Any, request_: Any, name: str, parameters: dict[str, str]
) -> None:
    refused = bench.run(request_)
    assert (refused.name, refused.parameters) == (name, parameters)


def test_relatives_are_found_of_pixels_and_through_named_links(bench: Any) -> None:
    project, dataset = bench.named("Project"), bench.named("Dataset")
    link = bench.link("Project", project, "Dataset", dataset)
    image = bench.image(dataset)
    pixels = bench.value("select p.id from Pixels p where p.image.id = :id", image)
    up = FindParents(targetObjects={"Pixels": [pixels]}, typesOfParents=["Image"], stopBefore=[])
    assert bench.run(up).parents == {IMAGE: [image]}
    up = FindParents(
        targetObjects={"Dataset": [dataset]}, typesOfParents=["ProjectDatasetLink"], stopBefore=[]
    )
    assert bench.run(up).parents == {"ome.model.containers.ProjectDatasetLink": [link]}


@pytest.mark.parametrize(
    ("request_", "name", "message"),
    [
        (
            FindParents(targetObjects={"Image": [1]}, typesOfParents=[], stopBefore=[]),
            "bad-options",
            "no types of parents specified to find",
        ),
        (
            FindChildren(targetObjects={"Image": [1]}, typesOfChildren=[], stopBefore=[]),
            "bad-options",
            "no types of children specified to find",
        ),
        (
            FindParents(targetObjects={"Image": [1]}, typesOfParents=["X"], stopBefore=[]),
            "steps-cancel",
            "unknown model object class named: X",
        ),
        (
            Duplicate(targetObjects={"Image": [1]}, typesToIgnore=["X"]),
            "bad-class",
            "unknown model object class named: X",
        ),
        (
            Duplicate(targetObjects={"OriginalFile": [1]}),
            "bad-target",
            "cannot target OriginalFile",
        ),
        (
            LegalGraphTargets(None),
            "graph-no-targets",
            "no legal target classes defined for request class null",
        ),
    ],
)
def test_requests_that_are_wrong_in_themselves_are_refused_by_name(
    bench: Any, request_: Any, name: str, message: str
) -> None:
    refused = bench.run(request_)
    assert (refused.name, refused.parameters["message"]) == (name, message)


def test_a_duplicate_leaves_attached_files(bench: Any) -> None:
    """As original files are not yet duplicable (blitz-duplicate-rules.xml)."""
    image, note = bench.image(), omero.model.FileAnnotationI()
    note.file = omero.model.OriginalFileI()
    note.file.name, note.file.path = rstring("a.txt"), rstring("/")
    bench.annotate("Image", image, "File", bench.save(note))
    made = bench.run(Duplicate(targetObjects={"Image": [image]})).duplicates
    assert counts(made) == {"Channel": 1, "Image": 1, "LogicalChannel": 1, "Pixels": 1}


def test_attached_metadata_is_read(bench: Any) -> None:
    image, note = bench.image(), omero.model.FileAnnotationI()
    note.ns = rstring("openmicroscopy.org/omero/import/companionFile")
    note.file = omero.model.OriginalFileI()
    note.file.name, note.file.path = rstring("original_metadata.txt"), rstring("/")
    saved = bench.save(note)
    bench.annotate("Image", image, "File", saved)
    text = b"[GlobalMetadata]\na=1\nb (x=y)=2\n[SeriesMetadata]\nc = d=3\n"
    store = bench.client.sf.createRawFileStore()
    file = bench.value("select a.file.id from FileAnnotation a where a.id = :id", saved)
    store.setFileId(file)
    store.write(text, 0, len(text))
    store.close()
    found = bench.run(omero.cmd.OriginalMetadataRequest(image))
    assert found.fileAnnotationId.val == saved
    assert {k: v.val for k, v in found.globalMetadata.items()} == {"a": "1", "b (x=y)": "2"}
    assert {k: v.val for k, v in found.seriesMetadata.items()} == {"c = d": "3"}


def test_images_with_smaller_resolutions_are_found(bench: Any) -> None:
    bench.image()
    every = omero.cmd.FindPyramids()
    every.checkEmptyFile = True
    assert bench.run(every).pyramidFiles == []


def test_the_requests_are_listed(bench: Any) -> None:
    listed = {type(r) for r in bench.run(omero.cmd.ListRequests()).list}
    assert {omero.cmd.Delete2, omero.cmd.Chgrp2, omero.cmd.DoAll} <= listed


def test_what_an_image_is_made_of_is_told(bench: Any) -> None:
    image = bench.image()
    _written(bench, image, bytes(12))
    found = bench.run(omero.cmd.ManageImageBinaries(image, False, False, False))
    assert (found.pixelsPresent, found.pixelSize, found.pyramidPresent) == (True, 12, False)
    assert bench.run(omero.cmd.UsedFilesRequest(image)).archivedFiles == []
    refused = bench.run(omero.cmd.UsedFilesRequest(2**40))
    assert (refused.name, refused.parameters["message"]) == (
        "bad-image",
        f"cannot read image {2**40}",
    )
    refused = bench.run(omero.cmd.ManageImageBinaries(2**40, False, False, False))
    assert (refused.name, refused.parameters["image-id"]) == ("no-image", str(2**40))
    refused = bench.run(omero.cmd.ManageImageBinaries(image, True, False, False))
    assert (refused.name, refused.parameters) == ("pixels-requires-fileset", {})
    unseen = bench.run(omero.cmd.OriginalMetadataRequest(2**40))
    assert (unseen.filesetId, unseen.fileAnnotationId) == (None, None)
