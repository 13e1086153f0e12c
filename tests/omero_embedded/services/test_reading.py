"""IContainer, IMetadata, IRoi, ITimeline, Search, IScript and their like through the real client."""

import time
from typing import Any

import omero
import omero.api
import omero.grid
import omero.model
import omero.sys
import pytest
from omero.rtypes import rdouble, rint, rlong, rstring, rtime


def _tree(bench: Any) -> tuple[int, int, int]:
    """A Project with a Dataset with an Image; their ids."""
    project, dataset = bench.named("Project", "p"), bench.named("Dataset", "d")
    bench.link("Project", project, "Dataset", dataset)
    return project, dataset, bench.image(dataset)


# ---------------------------------------------------------------- IContainer
def test_a_hierarchy_holds_images_only_where_leaves_are_asked_for(bench: Any) -> None:
    project, dataset, image = _tree(bench)
    service = bench.client.sf.getContainerService()
    (root,) = service.loadContainerHierarchy("Project", [project], None)
    (child,) = root.linkedDatasetList()
    assert (child.id.val, child.isImageLinksLoaded()) == (dataset, False)
    assert list(child.getImageLinksCountPerOwner().values()) == [1]
    (root,) = service.loadContainerHierarchy("Project", [project], omero.sys.ParametersI().leaves())
    (leaf,) = root.linkedDatasetList()[0].linkedImageList()
    assert (leaf.id.val, leaf.getPrimaryPixels().pixelsType.value.val) == (image, "uint8")
    assert leaf.details.creationEvent.isLoaded()
    assert leaf.details.updateEvent.isLoaded()


def test_all_containers_of_an_owner_are_given_and_orphans_where_asked_for(bench: Any) -> None:
    project, _, _ = _tree(bench)
    alone = bench.named("Dataset", "alone")
    service = bench.client.sf.getContainerService()
    me = bench.client.sf.getAdminService().getEventContext().userId
    with pytest.raises(omero.ApiUsageException):
        service.loadContainerHierarchy("Project", [], None)
    mine = omero.sys.ParametersI().exp(omero.rtypes.rlong(me))
    assert [o.id.val for o in service.loadContainerHierarchy("Project", None, mine)] == [project]
    found = service.loadContainerHierarchy("Project", None, mine.orphan())
    assert [(type(o), o.id.val) for o in found] == [
        (omero.model.ProjectI, project),
        (omero.model.DatasetI, alone),
    ]


def test_from_images_up_to_their_containers(bench: Any) -> None:
    project, dataset, image = _tree(bench)
    bench.image(dataset)
    alone = bench.image()
    service = bench.client.sf.getContainerService()
    found = service.findContainerHierarchies("Project", [image, alone], None)
    assert {(type(o), o.id.val) for o in found} == {
        (omero.model.ProjectI, project),
        (omero.model.ImageI, alone),
    }
    top = next(o for o in found if isinstance(o, omero.model.ProjectI))
    assert [i.id.val for i in top.linkedDatasetList()[0].linkedImageList()] == [image]


@pytest.mark.parametrize("cls", ["Project", "Dataset", "Image"])
def test_images_of_containers_come_with_their_pixels(bench: Any, cls: str) -> None:
    ids = dict(zip(("Project", "Dataset", "Image"), _tree(bench), strict=True))
    (found,) = bench.client.sf.getContainerService().getImages(cls, [ids[cls]], None)
    assert (found.id.val, found.getPrimaryPixels().sizeX.val) == (ids["Image"], 4)


def test_members_of_collections_are_counted_also_where_there_are_none(bench: Any) -> None:
    _, dataset, _ = _tree(bench)
    empty = bench.named("Dataset")
    service = bench.client.sf.getContainerService()
    counted = service.getCollectionCount("Dataset", "imageLinks", [dataset, empty], None)
    assert counted == {dataset: 1, empty: 0}
    with pytest.raises(omero.InternalException):
        service.getCollectionCount("Dataset", "imageLinks", [10**9], None)
    for cls, name in (("Nonsense", "imageLinks"), ("Dataset", "nonsense")):
        with pytest.raises(omero.ApiUsageException):
            service.getCollectionCount(cls, name, [dataset], None)


def test_members_of_a_collection_are_given_and_a_missing_object_is_told(bench: Any) -> None:
    _, dataset, image = _tree(bench)
    service = bench.client.sf.getContainerService()
    (link,) = service.retrieveCollection(omero.model.DatasetI(dataset, False), "imageLinks", None)
    assert link.child.id.val == image
    with pytest.raises(omero.ValidationException):
        service.retrieveCollection(omero.model.DatasetI(10**9, False), "imageLinks", None)


def test_images_are_those_of_an_owner_or_a_group_that_is_named(bench: Any) -> None:
    *_, image = _tree(bench)
    service = bench.client.sf.getContainerService()
    context = bench.client.sf.getAdminService().getEventContext()
    with pytest.raises(
        omero.ApiUsageException, match="experimenter or group option is required for getUserImages"
    ):
        service.getUserImages(None)
    mine = omero.sys.ParametersI().exp(rlong(context.userId))
    of_group = omero.sys.ParametersI().grp(rlong(context.groupId))
    for options in (mine, of_group):
        assert [o.id.val for o in service.getUserImages(options)] == [image]
    assert service.getImages("Dataset", [], None) == []


def test_only_projects_datasets_screens_and_plates_hold_a_hierarchy(bench: Any) -> None:
    with pytest.raises(
        omero.ApiUsageException, match=r"must be in \{Project,Dataset, Screen, Plate\}"
    ):
        bench.client.sf.getContainerService().loadContainerHierarchy("Image", [1], None)


# ---------------------------------------------------------------- IMetadata
def test_annotations_are_told_by_object_kind_and_namespace(bench: Any) -> None:
    dataset, bare = bench.named("Dataset"), bench.named("Dataset")
    tag = bench.tag(("Dataset", dataset), ns="mine")
    comment = bench.comment("Dataset", dataset)
    service = bench.client.sf.getMetadataService()

    def ids(found: dict[int, list[Any]]) -> dict[int, list[int]]:
        return {i: [o.id.val for o in of_one] for i, of_one in found.items()}

    both = service.loadAnnotations("Dataset", [dataset, bare], [], [], None)
    assert ids(both) == {dataset: [tag, comment], bare: []}
    java = "ome.model.annotations.TagAnnotation"
    tags = service.loadAnnotations("Dataset", [dataset], [java], [], None)
    assert ids(tags) == {dataset: [tag]}
    # Kinds are full names of Java's classes; others are nothing.
    assert ids(service.loadAnnotations("Dataset", [dataset], ["TagAnnotation"], [], None)) == {
        dataset: []
    }
    # An object that is not there is left out; no ids, no answer.
    assert ids(service.loadAnnotations("Dataset", [bare, 10**9], [], [], None)) == {bare: []}
    assert service.loadAnnotations("Dataset", [], [], [], None) == {}
    linked = service.loadSpecifiedAnnotationsLinkedTo
    assert ids(linked("TagAnnotation", ["mine"], [], "Dataset", [dataset], None)) == {
        dataset: [tag]
    }
    assert ids(linked("TagAnnotation", [], ["mine"], "Dataset", [dataset], None)) == {}
    assert ids(linked("TagAnnotation", ["mine"], [], "Dataset", [], None)) == {dataset: [tag]}
    nobodys = omero.sys.ParametersI().exp(omero.rtypes.rlong(0))
    assert ids(linked("TagAnnotation", ["mine"], [], "Dataset", [dataset], nobodys)) == {}
    named = service.loadSpecifiedAnnotations("TagAnnotation", ["mine"], [], None)
    assert [o.id.val for o in named] == [tag]
    assert service.countSpecifiedAnnotations("TagAnnotation", ["mine"], [], None).val == 1
    (loaded,) = service.loadAnnotation([tag])
    assert loaded.details.owner.isLoaded()
    for call in (service.loadAnnotation, service.loadChannelAcquisitionData):
        with pytest.raises(omero.ApiUsageException, match="unexpected end of subtree"):
            call([])


def test_annotators_are_those_who_own_the_annotation(bench: Any, bench_of: Any) -> None:
    dataset = bench.named("Dataset")
    tag = bench.tag(("Dataset", dataset))
    me = bench.client.sf.getAdminService().getEventContext().userId
    service = bench.client.sf.getMetadataService()
    for annotators, expected in (([me], [tag]), ([0], [])):
        found = service.loadAnnotations("Dataset", [dataset], [], annotators, None)
        assert [o.id.val for o in found[dataset]] == expected


def test_of_what_is_specified_only_the_owner_counts_and_a_file_must_be_there(bench: Any) -> None:
    bench.save(omero.model.FileAnnotationI())
    tag = bench.tag(text="t", ns="mine")
    service = bench.client.sf.getMetadataService()
    me = bench.client.sf.getAdminService().getEventContext().userId
    mine = omero.sys.ParametersI().exp(omero.rtypes.rlong(me))
    assert service.loadSpecifiedAnnotations("FileAnnotation", [], [], mine) == []
    assert service.countSpecifiedAnnotations("FileAnnotation", [], [], mine).val == 1
    paged = omero.sys.ParametersI().page(1, 1).grp(omero.rtypes.rlong(10**9))
    named = service.loadSpecifiedAnnotations("TagAnnotation", ["mine"], [], paged)
    assert [o.id.val for o in named] == [tag]
    nobodys = omero.sys.ParametersI().exp(omero.rtypes.rlong(0))
    assert service.loadSpecifiedAnnotations("TagAnnotation", ["mine"], [], nobodys) == []


def test_there_is_no_instrument_where_one_sees_none(bench: Any) -> None:
    service = bench.client.sf.getMetadataService()
    assert service.loadInstrument(10**9) is None
    instrument = bench.save(omero.model.InstrumentI())
    assert service.loadInstrument(instrument).id.val == instrument


def test_log_files_are_those_of_filesets_and_images(bench: Any) -> None:
    service = bench.client.sf.getMetadataService()
    assert service.loadLogFiles("Image", [bench.image()]) == {}
    with pytest.raises(
        omero.ApiUsageException, match="can load log files only by Fileset or Image"
    ):
        service.loadLogFiles("Dataset", [1])


def test_what_bears_a_tag_is_told_and_counted(bench: Any) -> None:
    project, dataset, image = _tree(bench)
    tag = bench.tag(("Project", project), ("Dataset", dataset), ("Image", image))
    service = bench.client.sf.getMetadataService()
    content = service.loadTagContent([tag], None)[tag]
    assert {type(o) for o in content} == {
        omero.model.ProjectI,
        omero.model.DatasetI,
        omero.model.ImageI,
    }
    (above,) = (o for o in content if isinstance(o, omero.model.ProjectI))
    assert [child.id.val for child in above.linkedDatasetList()] == [dataset]
    assert service.getTaggedObjectsCount([tag], None) == {tag: 3}
    # Whose a Project must be the options say; of others they say nothing.
    nobodys = omero.sys.ParametersI().exp(omero.rtypes.rlong(0))
    rest = {type(o) for o in service.loadTagContent([tag], nobodys)[tag]}
    assert rest == {omero.model.DatasetI, omero.model.ImageI}
    assert service.getTaggedObjectsCount([tag], nobodys) == {tag: 3}
    assert service.loadTagContent([], None) == {}


def test_sets_of_tags_hold_their_tags(bench: Any) -> None:
    group = bench.tag(text="set", ns="openmicroscopy.org/omero/insight/tagset")
    inside, alone = bench.tag(text="in"), bench.tag(text="out")
    link = omero.model.AnnotationAnnotationLinkI()
    link.parent = omero.model.TagAnnotationI(group, False)
    link.child = omero.model.TagAnnotationI(inside, False)
    bench.save(link)
    service = bench.client.sf.getMetadataService()
    (found,) = service.loadTagSets(None)
    assert [t.textValue.val for t in found.linkedAnnotationList()] == ["in"]
    with_orphans = service.loadTagSets(omero.sys.ParametersI().orphan())
    assert [o.id.val for o in with_orphans] == [group, alone]


def test_a_tag_in_a_set_that_is_not_shown_is_in_none(bench: Any) -> None:
    other, inside = bench.tag(text="no set"), bench.tag(text="in")
    link = omero.model.AnnotationAnnotationLinkI()
    link.parent = omero.model.TagAnnotationI(other, False)
    link.child = omero.model.TagAnnotationI(inside, False)
    bench.save(link)
    service = bench.client.sf.getMetadataService()
    with_orphans = service.loadTagSets(omero.sys.ParametersI().orphan())
    assert {other, inside} <= {o.id.val for o in with_orphans}


# ---------------------------------------------------------------- IRoi
def _roi(bench: Any, image: int, z: int | None) -> int:
    roi = omero.model.RoiI()
    roi.image = omero.model.ImageI(image, False)
    shape = omero.model.PointI()
    shape.x, shape.y = rdouble(1), rdouble(1)
    shape.theZ = None if z is None else rint(z)
    roi.addShape(shape)
    return int(bench.save(roi))


def test_rois_are_found_by_image_and_by_plane(bench: Any) -> None:
    image = bench.image()
    on_first, on_second, on_all = (_roi(bench, image, z) for z in (0, 1, None))
    service = bench.client.sf.getRoiService()
    found = service.findByImage(image, None)
    assert [r.id.val for r in found.rois] == [on_first, on_second, on_all]
    assert all(r.isShapesLoaded() for r in found.rois)
    assert sorted(found.byZ) == [-1, 0, 1]
    there = service.findByPlane(image, 0, 0, None)
    assert [r.id.val for r in there.rois] == [on_first, on_all]
    page = omero.api.RoiOptions(limit=rint(1), offset=rint(1))
    assert [r.id.val for r in service.findByImage(image, page).rois] == [on_second]
    assert [r.id.val for r in service.findByRoi(on_all, None).rois] == [on_all]


def test_rois_without_shapes_are_not_found_and_come_with_their_folders(bench: Any) -> None:
    image = bench.image()
    bare = omero.model.RoiI()
    bare.image = omero.model.ImageI(image, False)
    roi, folder = _roi(bench, image, 0), bench.named("Folder", "f")
    link = omero.model.FolderRoiLinkI()
    link.parent, link.child = omero.model.FolderI(folder, False), omero.model.RoiI(roi, False)
    bench.save(link)
    service = bench.client.sf.getRoiService()
    empty = service.findByRoi(bench.save(bare), None)
    assert (empty.rois, empty.byZ) == ([], {})
    (found,) = service.findByImage(image, None).rois
    assert [f.name.val for f in found.linkedFolderList()] == ["f"]


def test_by_plane_only_the_shapes_there_come(bench: Any) -> None:
    image = bench.image()
    roi = omero.model.RoiI()
    roi.image = omero.model.ImageI(image, False)
    for z in (0, 1):
        point = omero.model.PointI()
        point.x, point.y, point.theZ = rdouble(z), rdouble(1), rint(z)
        roi.addShape(point)
    bench.save(roi)
    service = bench.client.sf.getRoiService()
    there = service.findByPlane(image, 1, 0, None)
    assert [s.theZ.val for s in there.rois[0].copyShapes()] == [1]
    assert list(there.byZ) == [1]
    assert len(service.findByImage(image, None).rois[0].copyShapes()) == 2


def test_measurements_are_those_on_the_plate_of_the_image(bench: Any) -> None:
    image, other = bench.image(), bench.image()
    plate = bench.named("Plate", "p")
    sample, well = omero.model.WellSampleI(), omero.model.WellI()
    sample.image, well.plate = omero.model.ImageI(image, False), omero.model.PlateI(plate, False)
    well.addWellSample(sample)
    bench.save(well)
    rois = [_roi(bench, i, 0) for i in (image, other)]
    table = bench.client.sf.sharedResources().newTable(1, "measured")
    table.initialize([omero.grid.LongColumn("n", "", [])])
    table.addData([omero.grid.LongColumn("n", "", [3])])
    file = table.getOriginalFile().id.val
    table.close()
    note = omero.model.FileAnnotationI()
    note.ns = rstring("openmicroscopy.org/omero/measurement")
    note.file = omero.model.OriginalFileI(file, False)
    measured = bench.save(note)
    service = bench.client.sf.getRoiService()
    bench.annotate("Plate", plate, "File", measured)
    assert service.getRoiMeasurements(image, None) == []
    bench.annotate("Roi", rois[0], "File", measured)
    assert [a.id.val for a in service.getRoiMeasurements(image, None)] == [measured]
    assert service.getRoiMeasurements(other, None) == []
    assert [r.id.val for r in service.getMeasuredRois(image, measured, None).rois] == [rois[0]]
    by_note = service.getMeasuredRoisMap(image, [measured, 10**9], None)
    assert {i: [r.id.val for r in found.rois] for i, found in by_note.items()} == {
        measured: [rois[0]],
        10**9: [],
    }
    opened = service.getTable(measured)
    assert opened.read([0], 0, 1).columns[0].values == [3]
    opened.close()
    with pytest.raises(omero.ApiUsageException, match="No such file annotation: 1000000000"):
        service.getTable(10**9)


# ---------------------------------------------------------------- ITimeline
def _taken(bench: Any, time_ms: int | None) -> int:
    """Make an Image that was taken at a time; return its id."""
    image = bench.query.get("Image", bench.image())
    image.acquisitionDate = None if time_ms is None else rtime(time_ms)
    return int(bench.save(image))


def test_images_come_by_when_they_were_taken_the_newest_first(bench: Any) -> None:
    later, earlier, _ = (_taken(bench, moment) for moment in (2_000, 1_000, None))
    service = bench.client.sf.getTimelineService()
    recent = service.getMostRecentObjects(["Image"], None, False)
    assert [o.id.val for o in recent["Image"]] == [later, earlier]
    assert recent["Image"][0].details.owner.isLoaded()
    limited = service.getMostRecentObjects(["Image"], omero.sys.ParametersI().page(0, 1), False)
    assert [o.id.val for o in limited["Image"]] == [later]
    # Both ends belong to a time.
    counted = service.countByPeriod(["Image"], rtime(1_000), rtime(1_999), None)
    assert counted == {"Image": 1}
    assert service.getByPeriod(["Image"], rtime(3_000), None, None, False) == {"Image": []}


def test_containers_come_by_when_they_were_changed(bench: Any) -> None:
    first, second = bench.named("Dataset"), bench.named("Dataset")
    changed = bench.query.get("Dataset", first)
    changed.description = rstring("new")
    bench.save(changed)
    service = bench.client.sf.getTimelineService()
    recent = service.getMostRecentObjects(["Dataset"], None, False)
    assert [o.id.val for o in recent["Dataset"]] == [first, second]
    now = int(time.time() * 1000)
    hour = 3_600_000
    past = service.getByPeriod(["Dataset"], rtime(now - 2 * hour), rtime(now - hour), None, False)
    assert past == {"Dataset": []}


def test_only_ones_own_come_unless_a_group_or_everybody_is_named(
    bench: Any, bench_of: Any, omero_new_user: Any
) -> None:
    group = bench.client.sf.getAdminService().getEventContext().groupId
    other = bench_of(omero_new_user(group=group))
    theirs, mine = other.named("Dataset"), bench.named("Dataset")

    def found(wishes: Any) -> set[int]:
        recent = bench.client.sf.getTimelineService().getMostRecentObjects(
            ["Dataset"], wishes, False
        )
        return {o.id.val for o in recent["Dataset"]}

    everybody = omero.sys.ParametersI().exp(rlong(-1))
    assert found(None) == {mine}
    assert found(everybody) == found(omero.sys.ParametersI().grp(rlong(group))) == {theirs, mine}


def test_the_newest_of_all_types_together_are_told_under_each(bench: Any) -> None:
    bench.named("Project")
    dataset, project = bench.named("Dataset"), bench.named("Project")
    service = bench.client.sf.getTimelineService()
    two = omero.sys.ParametersI().page(0, 2)
    merged = service.getMostRecentObjects(["Project", "Dataset"], two, True)
    assert {cls: [o.id.val for o in found] for cls, found in merged.items()} == {
        "Project": [project],
        "Dataset": [dataset],
    }


def test_of_types_that_are_not_looked_through_there_is_nothing(bench: Any) -> None:
    bench.tag()
    service = bench.client.sf.getTimelineService()
    assert service.getMostRecentObjects(["Annotation"], None, False) == {"Annotation": []}
    assert service.countByPeriod(["Annotation"], None, None, None) == {"Annotation": -1}
    with pytest.raises(omero.InternalException, match="NullPointerException"):
        service.getMostRecentObjects(None, None, True)
    every = service.getMostRecentObjects(None, None, False)
    assert set(every) == {"RenderingDef", "Image", "Project", "Dataset", "Annotation"}


def test_the_log_of_a_time_tells_of_containers_and_of_images_that_were_taken(bench: Any) -> None:
    image = _taken(bench, 1_000)
    dataset = bench.named("Dataset")
    now = int(time.time() * 1000)
    service = bench.client.sf.getTimelineService()
    logs = service.getEventLogsByPeriod(rtime(now - 60_000), rtime(now + 60_000), None)
    assert [(o.entityType.val, o.entityId.val, o.action.val) for o in logs] == [
        ("ome.model.containers.Dataset", dataset, "INSERT")
    ]
    assert logs[0].event.isLoaded()
    (taken,) = service.getEventLogsByPeriod(rtime(0), rtime(2_000), None)
    assert (taken.entityType.val, taken.entityId.val) == ("ome.model.core.Image", image)
    assert (taken.id, taken.event.time.val) == (None, 1_000)


def test_the_newest_annotation_links_are_told_with_the_annotation(bench: Any) -> None:
    dataset = bench.named("Dataset")
    tag = bench.tag(("Dataset", dataset))
    bench.comment("Dataset", dataset)
    service = bench.client.sf.getTimelineService()
    mine = omero.sys.ParametersI()
    links = service.getMostRecentAnnotationLinks(None, ["TagAnnotation"], None, mine)
    assert [(o.parent.id.val, o.parent.isLoaded()) for o in links] == [(dataset, False)]
    assert [o.child.id.val for o in links if o.child.isLoaded()] == [tag]
    assert links[0].details.updateEvent.isLoaded()
    with pytest.raises(omero.ApiUsageException, match="single annotation type"):
        service.getMostRecentAnnotationLinks(None, ["A", "B"], None, None)
    with pytest.raises(omero.ValidationException, match="Error mapping: Nonsense"):
        service.getMostRecentAnnotationLinks(None, ["Nonsense"], None, None)


# ---------------------------------------------------------------- Search
def test_words_are_found_in_names_and_annotations(bench: Any) -> None:
    named, tagged = bench.named("Dataset", "yeast in glucose"), bench.named("Dataset", "other")
    bench.tag(("Dataset", tagged), text="yeast")
    search = bench.client.sf.createSearchService()
    search.onlyType("Dataset")
    search.byFullText("yeast")
    assert {o.id.val for o in search.results()} == {named, tagged}
    assert not search.hasNext()
    with pytest.raises(omero.ApiUsageException):
        search.results()
    search.byFullText("gluc*")
    assert [o.id.val for o in search.results()] == [named]
    search.close()


def test_results_come_in_batches_and_within_what_was_asked(bench: Any) -> None:
    ids = [bench.named("Dataset", f"same {i}") for i in range(3)]
    search = bench.client.sf.createSearchService()
    search.onlyType("Dataset")
    search.onlyIds(ids[1:])
    search.setBatchSize(1)
    search.byFullText("same")
    found = []
    while search.hasNext():
        (one,) = search.results()
        found.append(one.id.val)
    assert found == ids[1:]
    search.close()


def test_the_gateway_searches_names(omero_conn: Any) -> None:
    dataset = omero.model.DatasetI()
    dataset.name = rstring("needle")
    made = omero_conn.getUpdateService().saveAndReturnObject(dataset).id.val
    found = omero_conn.searchObjects(["Dataset"], "needle", fields=("name",))
    assert [o.getId() for o in found] == [made]


def test_names_are_searched_between_dates(bench: Any) -> None:
    made = bench.named("Dataset", "needle")
    search = bench.client.sf.createSearchService()
    search.onlyType("Dataset")
    search.byLuceneQueryBuilder("name", "20010101", "20010102", "import", "needle")
    assert not search.hasNext()
    search.byLuceneQueryBuilder("name", "20010101", "", "import", "needle")
    assert [o.id.val for o in search.results()] == [made]
    with pytest.raises(omero.ApiUsageException):
        search.byLuceneQueryBuilder("name", "yesterday", "", "import", "needle")
    search.close()


# ---------------------------------------------------------------- scripts, room, directory, shares
def test_a_script_is_kept_read_changed_and_deleted(bench: Any) -> None:
    service = bench.client.sf.getScriptService()
    assert isinstance(service.getScripts(), list)
    made = service.uploadScript("/mine/hello.py", "print('hello')")
    assert service.getScriptText(made) == "print('hello')"
    (script,) = service.getUserScripts([])
    assert (script.path.val, script.name.val) == ("/mine/", "hello.py")
    service.editScript(script, "pass")
    assert service.getScriptText(made) == "pass"
    service.deleteScript(made)
    assert service.getScriptText(made) == ""


def test_a_server_tells_its_room_and_that_it_has_no_shares(bench: Any) -> None:
    room = bench.client.sf.getRepositoryInfoService()
    assert room.getFreeSpaceInKilobytes() > 0
    with pytest.raises(omero.InternalException):
        room.getUsedSpaceInKilobytes()
    assert bench.client.sf.getShareService().getOwnShares(True) == []


# ---------------------------------------------------------------- IConfig
def test_everybody_may_read_the_settings_that_clients_need_and_no_others(bench: Any) -> None:
    config = bench.client.sf.getConfigService()
    found = config.getConfigValues(r"^omero\.cluster\.read_only\.runtime\.")
    assert set(found.values()) == {"false"}
    assert len(found) == 2
    assert "omero.db.uuid" not in config.getConfigValues("omero")
    with pytest.raises(omero.SecurityViolation):
        config.getConfigValue("omero.db.uuid")
