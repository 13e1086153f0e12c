"""From a session that somebody else opened to Images in a Dataset of theirs."""

import sys

import Glacier2
import omero
import omero.model
import pytest

from folders import experiment, plane, write_png
from omero_bench import Bench
from omero_data_transfer.carrying_out import joined, upload_files
from omero_data_transfer.default_image_processor import DefaultImageProcessor
from pyomero_upload.errors import UsageError


def files_of(folder):
    return sorted(str(path) for path in folder.rglob("*.png"))


def test_the_default_processor_works_in_a_session_of_somebody_else(broker, tmp_path):
    folder = experiment(tmp_path / "exp", positions=["pos001", "pos002"], times=1)
    dataset = broker.create_dataset("d")
    made = DefaultImageProcessor().process_images(broker.SESSION, files_of(folder), dataset)
    assert [i.getName() for i in broker.retrieve_objects("Image", made)] == ["pos001", "pos002"]
    assert broker.SESSION.getAdminService().getEventContext().userName == broker.USERNAME


def test_the_session_ends_with_its_owners_last_connection(user, broker, tmp_path):
    folder = experiment(tmp_path / "exp", positions=["pos001"], times=1)
    client = user.log_in()
    key = client.getSessionId()
    dataset = Bench(client).named("Dataset")
    DefaultImageProcessor().process_images(client.sf, files_of(folder), dataset)
    client.closeSession()
    late = omero.client(user.server.host, user.server.port)
    with pytest.raises(Glacier2.PermissionDeniedException):
        late.joinSession(key)
    late.closeSession()


def test_images_go_into_the_group_of_the_dataset(omero_server, user, omero_new_user, tmp_path):
    host = omero_new_user()
    root = omero_server.client()
    member = omero.model.ExperimenterI(user.id, False)
    root.sf.getAdminService().addGroups(member, [omero.model.ExperimenterGroupI(host.group, False)])
    root.closeSession()
    folder = experiment(tmp_path / "exp", positions=["pos001"], times=1)
    client = user.log_in()
    there = {"omero.group": str(host.group)}
    dataset = omero.model.DatasetI()
    dataset.name = omero.rtypes.rstring("d")
    dataset = client.sf.getUpdateService().saveAndReturnObject(dataset, there)
    (made,) = DefaultImageProcessor().process_images(client.sf, files_of(folder), dataset)
    image = client.sf.getQueryService().get("Image", made, there)
    assert image.details.group.id.val == host.group
    client.closeSession()


def test_what_text_files_say_of_channels_is_said_of_the_images_alone(broker, tmp_path):
    folder = experiment(tmp_path / "exp", positions=["pos001"], times=1)
    (folder / "metadata.yaml").write_text("tags: [yeast]\npixel_size: 0.2\n", encoding="utf-8")
    dataset = broker.create_dataset("d", description="mine")
    (made,) = upload_files(broker.connection, files_of(folder), dataset)
    (image,) = broker.retrieve_objects("Image", [made])
    assert image.getPixelSizeX() == 0.2
    (found,) = broker.retrieve_objects("Dataset", [dataset.id.val])
    assert found.getDescription() == "mine"
    assert not broker.find_objects_by_query("select t from TagAnnotation t", None)


def test_no_files_make_no_images(broker):
    assert upload_files(broker.connection, [], broker.create_dataset("d")) == []


def test_without_a_dataset_one_is_made_called_after_the_folder(broker, tmp_path):
    folder = experiment(tmp_path / "exp", positions=["pos001"], times=1)
    (made,) = upload_files(broker.connection, files_of(folder), None)
    (image,) = broker.retrieve_objects("Image", [made])
    assert image.getParent().getName() == "exp"


def test_the_same_files_again_make_nothing_new(broker, tmp_path):
    folder = experiment(tmp_path / "exp", positions=["pos001"], times=1)
    dataset = broker.create_dataset("d")
    first = upload_files(broker.connection, files_of(folder), dataset)
    assert upload_files(broker.connection, files_of(folder), dataset) == first


def test_a_file_that_is_not_there_is_named_before_anything_is_made(broker, tmp_path):
    folder = experiment(tmp_path / "exp", positions=["pos001"], times=1)
    gone = str(folder / "pos001/exp_000009_GFP_001.png")
    with pytest.raises(UsageError, match="exp_000009_GFP_001"):
        upload_files(broker.connection, [*files_of(folder), gone], broker.create_dataset("d"))
    assert not broker.retrieve_objects("Image")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such links without a privilege")
def test_a_link_out_of_the_folder_is_not_left_out_silently(broker, tmp_path):
    folder = experiment(tmp_path / "exp", positions=["pos001"], times=1)
    outside = write_png(tmp_path / "outside.png", plane(1))
    link = folder / "pos001/exp_000002_GFP_001.png"
    link.symlink_to(outside)
    with pytest.raises(UsageError, match="exp_000002_GFP_001"):
        upload_files(broker.connection, files_of(folder), broker.create_dataset("d"))


def test_what_is_no_session_is_said():
    with pytest.raises(UsageError, match="object is no session"), joined(object()):
        pass


def test_a_session_that_is_over_is_said(user):
    client = user.log_in()
    session = client.sf
    client.closeSession()
    with pytest.raises(UsageError, match="is closed"), joined(session):
        pass
