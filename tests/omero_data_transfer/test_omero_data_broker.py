"""The broker of the published interface, step by step, on a real server."""

import Ice
import omero
import omero.gateway
import omero.model
import omero.sys
import pandas as pd
import pytest
from omero.rtypes import rlong, rstring

from folders import plane, write_png
from omero_bench import Bench
from omero_data_transfer.image_processor import ImageProcessor
from omero_data_transfer.omero_data_broker import OMERODataBroker, OMERODataType
from pyomero_upload.errors import PyomeroError, UsageError
from pyomero_upload.targets.omero import entering


def params(**values):
    made = omero.sys.Parameters()
    made.map = values
    return made


# ---------------------------------------------------------------- the session
def test_what_was_given_is_kept_under_the_old_names(user):
    broker = OMERODataBroker(user.name, user.password, user.server.host, user.server.port)
    assert (user.name, user.password) == (broker.USERNAME, broker.PASSWORD)
    assert (user.server.host, user.server.port) == (broker.HOST, broker.PORT)
    assert broker.CLIENT is None
    assert broker.SESSION is None


def test_a_session_is_opened_used_and_closed(user):
    broker = OMERODataBroker(user.name, user.password, user.server.host, user.server.port)
    broker.open_omero_session()
    session, client = broker.SESSION, broker.CLIENT
    assert session.getAdminService().getEventContext().userName == user.name
    assert client.getSession() == session
    broker.close_omero_session()
    assert broker.SESSION is None
    broker.close_omero_session()


def test_destroying_a_session_ends_it_for_all_who_joined_it(user, broker):
    other = omero.client(user.server.host, user.server.port)
    other.joinSession(broker.CLIENT.getSessionId())
    broker.destroy_omero_session()
    with pytest.raises((Ice.Exception, omero.ClientError)):
        other.sf.getQueryService().find("Dataset", 1)
    entering.end(other)
    assert broker.SESSION is None


def test_a_gateway_works_over_the_same_session(broker):
    gateway = broker.get_connection()
    assert isinstance(gateway, omero.gateway.BlitzGateway)
    assert gateway.getUser().getName() == broker.USERNAME
    assert gateway.c.getSessionId() == broker.CLIENT.getSessionId()


def test_server_and_port_may_come_from_a_configuration_of_ice(user, tmp_path):
    config = tmp_path / "ice.config"
    config.write_text(f"omero.host={user.server.host}\nomero.port={user.server.port}\n", "utf-8")
    broker = OMERODataBroker(user.name, user.password, None, ice_config=str(config))
    broker.open_omero_session()
    assert broker.SESSION.getAdminService().getEventContext().userName == user.name
    broker.close_omero_session()


def test_a_server_that_is_not_named_is_asked_for(tmp_path):
    with pytest.raises(UsageError, match="Which OMERO server"):
        OMERODataBroker("u", "p", None).open_omero_session()
    with pytest.raises(UsageError, match="no file"):
        OMERODataBroker("u", "p", None, ice_config=tmp_path / "x").open_omero_session()


def test_without_an_open_session_it_says_what_to_call(user):
    broker = OMERODataBroker(user.name, user.password, user.server.host, user.server.port)
    with pytest.raises(UsageError, match="not open") as caught:
        broker.create_dataset("d")
    assert "open_omero_session()" in caught.value.hint


def test_the_password_is_not_shown_and_a_wrong_one_is_explained(user):
    broker = OMERODataBroker(user.name, "s3cret", user.server.host, user.server.port)
    assert "s3cret" not in repr(broker)
    with pytest.raises(PyomeroError) as caught:
        broker.open_omero_session()
    assert "s3cret" not in str(caught.value)


def test_deprecation_is_announced_also_of_java(user):
    with pytest.warns(DeprecationWarning, match="goes on working"):
        OMERODataBroker("u", "p", "s")
    with pytest.warns(DeprecationWarning, match="Java is not needed"):
        OMERODataBroker("u", "p", "s", java_bin_path="/usr/bin/java")


# ---------------------------------------------------------------- making and annotating
def test_a_dataset_is_made_and_returned(broker):
    dataset = broker.create_dataset("Run 7", description="of steady state")
    assert isinstance(dataset, omero.model.DatasetI)
    (found,) = broker.find_objects_by_query("select d from Dataset d", None)
    assert (found.id.val, found.name.val) == (dataset.id.val, "Run 7")
    assert found.description.val == "of steady state"


@pytest.mark.parametrize("kind", ["Dataset", OMERODataType.Dataset, OMERODataType.DATASET])
def test_objects_are_annotated_by_name_of_their_type_or_member(broker, kind):
    dataset = broker.create_dataset("d").id.val
    broker.add_tags(["yeast,salt", "GFP"], kind, dataset)
    broker.add_kvps([["strain", "BY4741"], ["medium", "SC", "YPD"]], kind, dataset)
    broker.add_description("First", kind, dataset)
    gateway = broker.get_connection().getObject("Dataset", dataset)
    tags = {
        a.getTextValue() for a in gateway.listAnnotations() if a.OMERO_TYPE.__name__[:3] == "Tag"
    }
    assert tags == {"yeast", "salt", "GFP"}
    (pairs,) = [a.getValue() for a in gateway.listAnnotations() if hasattr(a._obj, "mapValue")]
    assert pairs == [("strain", "BY4741"), ("medium", "SC"), ("medium", "YPD")]
    assert gateway.getDescription() == "First"


@pytest.mark.parametrize("kind", ["Project", "Image"])
def test_projects_and_images_are_annotated_too(broker, kind):
    bench = Bench(broker.CLIENT)
    made = bench.named("Project") if kind == "Project" else bench.image()
    broker.add_tags(["t"], kind, made)
    broker.add_description("d", kind, made)
    (annotation,) = broker.load_object_annotations(kind, made)
    assert annotation.textValue.val == "t"


def test_a_description_is_added_to_what_is_there_and_not_twice(broker):
    dataset = broker.create_dataset("d", description="First").id.val
    for _ in range(2):
        broker.add_description("Second", "Dataset", dataset)
    assert broker.retrieve_objects("Dataset", [dataset])[0].getDescription() == "First\nSecond"


def test_tags_are_reused_and_key_values_are_plain_text(broker):
    one, two = (broker.create_dataset(name).id.val for name in ("one", "two"))
    for dataset in (one, two, two):
        broker.add_tags(["yeast"], "Dataset", dataset)
    broker.add_kvps([["strain", ["value"]]], "Dataset", one)
    assert len(broker.find_objects_by_query("select t from TagAnnotation t", None)) == 1
    (annotation,) = broker.find_objects_by_query("select m from MapAnnotation m", None)
    assert [(pair.name, pair.value) for pair in annotation.mapValue] == [("strain", "value")]


def test_a_table_is_attached_with_typed_columns(broker):
    dataset = broker.create_dataset("d").id.val
    frame = pd.DataFrame({"Name": ["GFP", "DIC"], "Exposure": ["30", "60"], "Voltage": [1.0, 2.5]})
    broker.create_table(dataset, frame, "channels")
    (annotation,) = broker.load_object_annotations("Dataset", dataset)
    assert annotation.file.name.val == "channels"
    table = broker.SESSION.sharedResources().openTable(annotation.file)
    try:
        kinds = [type(column).__name__ for column in table.getHeaders()]
        values = [list(column.values) for column in table.read([0, 1, 2], 0, 2).columns]
    finally:
        table.close()
    assert kinds == ["StringColumn", "LongColumn", "DoubleColumn"]
    assert values == [["GFP", "DIC"], [30, 60], [1.0, 2.5]]


def test_what_cannot_be_annotated_is_said(broker):
    with pytest.raises(UsageError, match="Plate cannot be annotated"):
        broker.add_tags(["t"], "Plate", 1)


# ---------------------------------------------------------------- images
def test_an_image_is_made_of_the_pixels_of_a_file(broker, tmp_path):
    dataset = broker.create_dataset("d")
    file = write_png(tmp_path / "one.png", plane(1))
    image = broker.upload_image(str(file), dataset, import_original=False)
    (found,) = broker.retrieve_objects("Image", [image])
    assert found.getParent().getId() == dataset.id.val
    assert (found.getPrimaryPixels().getPlane(0, 0, 0) == plane(1)).all()


def test_an_image_is_imported_with_its_file(broker, tmp_path):
    dataset = broker.create_dataset("d")
    file = write_png(tmp_path / "one.png", plane(1))
    image = broker.upload_image(str(file), dataset)
    (found,) = broker.retrieve_objects("Image", [image])
    assert found.getFileset() is not None
    assert found.getParent().getId() == dataset.id.val
    assert (found.getPrimaryPixels().getPlane(0, 0, 0) == plane(1)).all()


def test_files_become_hypercubes_or_an_image_each(broker, tmp_path):
    files = [
        str(write_png(tmp_path / "exp" / position / f"exp_{t:06d}_GFP_001.png", plane(t)))
        for position in ("pos001", "pos002")
        for t in (1, 2)
    ]
    dataset = broker.create_dataset("d").id.val
    cubes = broker.upload_images(files, dataset)
    names = [(i.getName(), i.getSizeT()) for i in broker.retrieve_objects("Image", cubes)]
    assert sorted(names) == [("pos001", 2), ("pos002", 2)]
    singles = broker.upload_images(files, dataset, hypercube=False)
    assert len(singles) == 4
    assert len(broker.retrieve_objects("Image")) == 6


def test_files_without_a_dataset_get_one_called_after_their_folder(broker, tmp_path):
    files = [str(write_png(tmp_path / "snaps" / name, plane(1))) for name in ("a.png", "b.png")]
    for original in (True, False):
        images = broker.upload_images(files, hypercube=False, import_original=original)
        places = {i.getParent().getId() for i in broker.retrieve_objects("Image", images)}
        assert len(places) == 1
        (dataset,) = broker.retrieve_objects("Dataset", places)
        assert dataset.getName() == "snaps"


def test_a_processor_of_ones_own_makes_the_images(user):
    class Processor(ImageProcessor):
        def process_images(self, omero_session, file_path, dataset):
            assert dataset.name.val == "d"
            return [Bench(self.client).image(dataset.id.val) for _ in file_path]

    broker = OMERODataBroker(
        user.name, user.password, user.server.host, user.server.port, image_processor=Processor
    )
    broker.open_omero_session()
    Processor.client = broker.CLIENT
    dataset = broker.create_dataset("d")
    assert len(broker.upload_images(["a", "b"], dataset.id.val)) == 2
    broker.close_omero_session()


# ---------------------------------------------------------------- finding
def test_objects_are_retrieved_all_or_by_id_with_the_gateways_options(broker):
    ids = [broker.create_dataset(name).id.val for name in ("a", "b", "c")]
    assert {o.getName() for o in broker.retrieve_objects("Dataset")} == {"a", "b", "c"}
    assert [o.getName() for o in broker.retrieve_objects(OMERODataType.Dataset, ids[:1])] == ["a"]
    few = broker.retrieve_objects("Dataset", opts={"limit": 2, "order_by": "obj.id"})
    assert [o.getId() for o in few] == ids[:2]


def test_objects_are_found_by_a_field(broker):
    broker.create_dataset("Yeast 1")
    broker.create_dataset("yeast 2")
    find = broker.find_objects_by_type_field_value
    assert {d.name.val for d in find("Dataset", "name", "yeast%")} == {"Yeast 1", "yeast 2"}
    assert [
        d.name.val for d in find(type="Dataset", field="name", value="yeast%", case_sensitive=True)
    ] == ["yeast 2"]


def test_projects_come_with_their_datasets(broker):
    bench = Bench(broker.CLIENT)
    project, dataset = bench.named("Project", "Growth"), bench.named("Dataset", "Run 7")
    bench.link("Project", project, "Dataset", dataset)
    (found,) = broker.query_projects(omero.sys.ParametersI().exp(rlong(broker.connection.user.id)))
    assert [d.name.val for d in found.linkedDatasetList()] == ["Run 7"]


# The forms that people's notebooks have.
@pytest.fixture
def tree(broker):
    """Give the ids of a Project with a tag, a Dataset in it with another, and an Image in that."""
    bench = Bench(broker.CLIENT)
    project, dataset = bench.named("Project", "Growth"), bench.named("Dataset", "Run 7")
    image = bench.image(dataset)
    bench.link("Project", project, "Dataset", dataset)
    bench.tag(("Project", project), text="steady state")
    bench.tag(("Dataset", dataset), text="GFP")
    bench.named("Dataset", "another")
    bench.image()
    return project, dataset, image


@pytest.mark.parametrize(
    ("query", "values", "found"),
    [
        ("select d from Dataset d where d.name like :dname", {"dname": rstring("Run%")}, "dataset"),
        (
            (
                "select d from Dataset d left outer join fetch d.projectLinks as plinks "
                "left outer join fetch plinks.child as dataset where plinks.parent.id = :pid"
            ),
            {"pid": "project"},
            "dataset",
        ),
        (
            (
                "select i from Image i left outer join fetch i.datasetLinks as dlinks "
                "left outer join fetch dlinks.child as image where dlinks.parent.id = :did"
            ),
            {"did": "dataset"},
            "image",
        ),
        (
            (
                "select p from Project p left outer join fetch p.annotationLinks as alinks "
                "left outer join fetch alinks.child as annotation "
                "where alinks.child.textValue like :anno_text"
            ),
            {"anno_text": rstring("steady%")},
            "project",
        ),
        ("select p from Project p where p.id = :pid", {"pid": "project"}, "project"),
    ],
)
def test_queries_of_peoples_notebooks_find_what_they_ask_for(broker, tree, query, values, found):
    ids = dict(zip(("project", "dataset", "image"), tree, strict=True))
    values = {
        name: rlong(ids[value]) if isinstance(value, str) else value
        for name, value in values.items()
    }
    objects = broker.find_objects_by_query(query, params(**values))
    assert [o.id.val for o in objects] == [ids[found]]


def test_annotations_of_a_dataset_are_found_by_a_subquery(broker, tree):
    (annotation,) = broker.find_objects_by_query(
        "select a from Annotation a where a.id in "
        "(select link.child.id from DatasetAnnotationLink link where link.parent.id = :did)",
        params(did=rlong(tree[1])),
    )
    assert isinstance(annotation, omero.model.TagAnnotationI)
    assert annotation.textValue.val == "GFP"


def test_keywords_may_be_in_capitals_and_a_list_without_brackets(broker, tree):
    (pixels,) = broker.find_objects_by_query(
        "SELECT p FROM Pixels as p JOIN FETCH p.image JOIN FETCH p.pixelsType WHERE p.image.id in :iids",
        params(iids=omero.rtypes.rlist([rlong(tree[2])])),
    )
    assert pixels.image.name.val == "i"
    assert pixels.pixelsType.value.val == "uint8"


def test_linked_annotations_are_read_from_fetched_objects(broker, tree):
    (project,) = broker.find_objects_by_query(
        "select p from Project p left outer join fetch p.annotationLinks as alinks "
        "left outer join fetch alinks.child as annotation where p.id = :pid",
        params(pid=rlong(tree[0])),
    )
    assert [a.textValue.val for a in project.linkedAnnotationList()] == ["steady state"]
