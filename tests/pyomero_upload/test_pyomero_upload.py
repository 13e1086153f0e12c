"""The entry point of the published tool: what scripts, plug-ins and notebooks of the old style do with it.

The scripts stand in `tests/old_scripts/`; here each is run as its owner would, against a real server.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import omero
import omero.gateway
import omero.model
import omero.sys
import pandas as pd
import pytest
import requests
import tifffile
from omero.rtypes import rlong, rstring
from omero.util import script_utils

from folders import experiment, plane, write_png
from omero_data_transfer.data_transfer_manager import DataTransferManager
from omero_data_transfer.default_image_processor import DefaultImageProcessor
from omero_data_transfer.image_processor import ImageProcessor
from omero_metadata_parser.extract_acq_metadata import AcqMetadataParser
from omero_metadata_parser.extract_log_metadata import LogMetadataParser
from omero_metadata_parser.metadata_parser import MetadataParser
from pyomero_upload.errors import PyomeroError, UsageError
from pyomero_upload.pyomero_upload import PyOmeroUploader

SCRIPTS = Path(__file__).parent.parent / "old_scripts"


@pytest.fixture
def user(omero_new_user, tmp_path, monkeypatch):
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))
    return omero_new_user()


@pytest.fixture
def uploader(user):
    return PyOmeroUploader(user.name, user.password, user.server.host, user.server.port)


@pytest.fixture
def gateway(user):
    client = user.log_in()
    yield omero.gateway.BlitzGateway(client_obj=client)
    client.closeSession()


def pixels_of(image):
    """Return all pixels of an Image; axes t, c, z, y, x."""
    sizes = (image.getSizeT(), image.getSizeC(), image.getSizeZ())
    indexes = list(np.ndindex(sizes))
    planes = image.getPrimaryPixels().getPlanes([(z, c, t) for t, c, z in indexes])
    stack = np.stack(list(planes))
    return stack.reshape(*sizes, *stack.shape[1:])


def tags_of(wrapper):
    kind = omero.gateway.TagAnnotationWrapper
    return sorted(a.getTextValue() for a in wrapper.listAnnotations() if isinstance(a, kind))


def key_values_of(wrapper):
    """Return the pairs that can be edited in OMERO's clients."""
    namespace = omero.constants.metadata.NSCLIENTMAPANNOTATION
    return [pair for a in wrapper.listAnnotations(ns=namespace) for pair in a.getValue()]


# ---------------------------------------------------------------- launch_upload
def test_hypercubes_are_uploaded_and_what_is_printed_and_returned_is_as_ever(
    uploader, gateway, tmp_path, capsys
):
    folder = experiment(tmp_path / "exp", positions=["pos001", "pos002"], times=2, sections=3)
    returned = uploader.launch_upload("Run 7", str(folder), True)
    assert isinstance(returned, str)
    dataset = gateway.getObject("Dataset", int(returned))
    assert dataset.getName() == "Run 7"
    assert capsys.readouterr().out.splitlines() == [
        "Number of hypercubes uploaded: 2",
        f"Uploaded Dataset ID: {returned}",
        f"Uploaded Dataset URL: http://{uploader.SERVER}/webclient/?show=dataset-{returned}",
    ]
    images = {image.getName(): image for image in dataset.listChildren()}
    assert sorted(images) == ["pos001", "pos002"]
    expected = np.stack([plane(n) for n in range(12)]).reshape(2, 2, 3, 16, 20)
    assert (pixels_of(images["pos001"]) == expected).all()
    assert images["pos001"].getChannelLabels() == ["Brightfield", "GFP"]


def test_without_hypercube_each_file_is_an_image(uploader, gateway, tmp_path, capsys):
    folder = experiment(tmp_path / "exp", positions=["pos001"], times=1, sections=2)
    returned = uploader.launch_upload("Run 7", folder)
    assert capsys.readouterr().out.startswith("Number of images uploaded: 4\n")
    images = list(gateway.getObject("Dataset", int(returned)).listChildren())
    assert {(i.getSizeT(), i.getSizeC(), i.getSizeZ()) for i in images} == {(1, 1, 1)}


def test_gfp_is_green_rfp_red_and_a_colour_jpg_three_channels(uploader, gateway, tmp_path):
    folder = experiment(
        tmp_path / "exp", positions=["pos001"], times=1, channels=["gfp", "rfp"], sections=1
    )
    jpg = folder / "pos002/exp_000001_rgb_001.jpg"
    jpg.parent.mkdir()
    jpg.write_bytes(imagecodecs.jpeg_encode(plane(1, shape=(16, 20, 3), dtype=np.uint8)))
    returned = uploader.launch_upload("d", folder, True)
    images = {i.getName(): i for i in gateway.getObject("Dataset", int(returned)).listChildren()}
    colors = {
        channel.getLabel(): channel.getColor().getHtml()
        for image in images.values()
        for channel in image.getChannels()
    }
    assert colors["gfp"].lower() == "00ff00"
    assert colors["rfp"].lower() == "ff0000"
    assert images["pos002"].getSizeC() == 3


def test_arguments_go_by_the_old_names(uploader, tmp_path):
    folder = experiment(tmp_path / "exp", positions=["pos001"], times=1)
    assert uploader.launch_upload(
        dataset_name="d",
        data_path=folder,
        hypercube=True,
        parser_class=None,
        image_processor_impl=None,
        include_provenance_kvps=False,
        ignore_metadata=True,
    )


def test_settings_and_log_become_description_tags_key_values_and_tables(uploader, gateway, demo):
    returned = uploader.launch_upload("Demo", str(demo), True)
    dataset = gateway.getObject("Dataset", int(returned))
    assert dataset.getDescription()
    assert tags_of(dataset) == ["28-Sep-2018", "Batgirl"]
    files = {
        a.getFile().getName(): a.getFile().getMimetype()
        for a in dataset.listAnnotations()
        if isinstance(a, omero.gateway.FileAnnotationWrapper)
    }
    tables = {name for name, mimetype in files.items() if mimetype == "OMERO.tables"}
    assert {"channels", "zsections", "positions"} <= tables


def test_metadata_and_provenance_can_be_left_out(uploader, gateway, demo):
    returned = uploader.launch_upload(
        "Demo", demo, True, include_provenance_kvps=False, ignore_metadata=True
    )
    dataset = gateway.getObject("Dataset", int(returned))
    assert tags_of(dataset) == []
    assert key_values_of(dataset) == []
    assert not dataset.getDescription()
    assert "Tool version" not in {
        key
        for a in dataset.listAnnotations()
        if isinstance(a, omero.gateway.MapAnnotationWrapper)
        for key, _ in a.getValue()
    }


def test_deprecation_is_announced_and_nothing_is_refused(user):
    with pytest.warns(DeprecationWarning, match="goes on working"):
        PyOmeroUploader(user.name, user.password, user.server.host)
    assert user.password not in repr(
        PyOmeroUploader(user.name, user.password, user.server.host, user.server.port)
    )


def test_importing_it_needs_no_omero():
    program = (
        "import sys; sys.modules['omero'] = None; "
        "import pyomero_upload.pyomero_upload, omero_data_transfer.default_image_processor"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


# ---------------------------------------------------------------- searching
def test_objects_are_searched_for_by_query_and_by_field(uploader, gateway):
    dataset = omero.gateway.DatasetWrapper(gateway, omero.model.DatasetI())
    dataset.setName("Yeast 1")
    dataset.save()
    params = omero.sys.Parameters()
    params.map = {"dname": rstring("Yeast%")}
    (found,) = uploader.search_by_query("select d from Dataset d where d.name like :dname", params)
    assert found.id.val == dataset.getId()
    (found,) = uploader.search_by_type_field("Dataset", "name", "yeast%")
    assert found.name.val == "Yeast 1"
    assert uploader.search_by_type_field("Dataset", "name", "yeast%", case_sensitive=True) == []


# ---------------------------------------------------------------- plug-ins
class LabParser(MetadataParser):
    """A parser of the old style: reads the laboratory's own notes, returns the dictionary form."""

    def extract_metadata(self, filename):
        notes = dict(
            line.split("=", 1)
            for line in (Path(filename) / "notes.txt").read_text("utf-8").splitlines()
        )
        media = pd.DataFrame({"medium": ["SC"], "glucose": ["0.5"]})
        media.name = "media"
        return {
            "description": self.get_str_array_val([notes["aim"]]),
            "tags": [notes["tags"]],
            "kvps": self.build_kvps({"strain": notes["strain"].split(";")}),
            "tables": [media],
        }


class MeanOverZ(ImageProcessor):
    """A processor of the old style: writes the mean of each z-stack to OMERO itself."""

    def process_images(self, omero_session, file_path, dataset):
        client = omero.client(
            omero_session.ice_getCommunicator().getProperties().getProperty("omero.host"),
            int(omero_session.ice_getCommunicator().getProperties().getProperty("omero.port")),
        )
        client.joinSession(omero_session.getAdminService().getEventContext().sessionUuid)
        gateway = omero.gateway.BlitzGateway(client_obj=client)
        stacks = {}
        for file in file_path:
            position, (_, t, channel, _) = Path(file).parent.name, Path(file).stem.rsplit("_", 3)
            stacks.setdefault((position, t, channel), []).append(imagecodecs.imread(file))
        means = [np.mean(stack, axis=0).astype(np.float32) for stack in stacks.values()]
        image = gateway.createImageFromNumpySeq(
            iter(means),
            "means",
            sizeT=len(means),
            dataset=gateway.getObject("Dataset", dataset.id.val),
        )
        client.closeSession()
        return [image.getId()]


class OnlyGfp(DefaultImageProcessor):
    """A processor derived from the default one: leaves a channel out."""

    def process_images(self, omero_session, file_path, dataset):
        kept = [file for file in file_path if "_GFP_" in file]
        return super().process_images(omero_session, kept, dataset)


def test_a_parser_of_the_old_style_says_all_that_it_says(uploader, gateway, tmp_path):
    folder = experiment(tmp_path / "exp", positions=["pos001"], times=1)
    (folder / "notes.txt").write_text("aim=Growth\ntags=yeast,salt\nstrain=X;Y\n", "utf-8")
    returned = uploader.launch_upload("d", folder, True, LabParser)
    dataset = gateway.getObject("Dataset", int(returned))
    assert dataset.getDescription() == "Growth"
    assert tags_of(dataset) == ["salt", "yeast"]
    assert [pair for pair in key_values_of(dataset) if pair[0] == "strain"] == [
        ("strain", "X"),
        ("strain", "Y"),
    ]
    tables = [
        a.getFile().getName()
        for a in dataset.listAnnotations()
        if isinstance(a, omero.gateway.FileAnnotationWrapper)
        and a.getFile().getMimetype() == "OMERO.tables"
    ]
    assert tables == ["media"]


@pytest.mark.parametrize(
    ("parser", "tagged", "table"),
    [(AcqMetadataParser, False, True), (LogMetadataParser, True, False)],
)
def test_one_of_the_parsers_that_come_with_it_may_be_chosen(
    uploader, gateway, demo, tmp_path, parser, tagged, table
):
    for file in demo.glob("*.txt"):
        shutil.copy(file, tmp_path)
    experiment(tmp_path, positions=["pos001"], times=1)
    returned = uploader.launch_upload("d", tmp_path, True, parser)
    dataset = gateway.getObject("Dataset", int(returned))
    names = [a.getFile().getName() for a in dataset.listAnnotations() if hasattr(a, "getFile")]
    assert bool(tags_of(dataset)) == tagged
    assert ("channels" in names) == table


def test_a_processor_of_the_old_style_writes_to_omero_itself(uploader, gateway, tmp_path, capsys):
    folder = experiment(tmp_path / "exp", positions=["pos001"], times=2, channels=["GFP"])
    returned = uploader.launch_upload("d", folder, True, image_processor_impl=MeanOverZ)
    assert "Number of hypercubes uploaded: 1\n" in capsys.readouterr().out
    (image,) = gateway.getObject("Dataset", int(returned)).listChildren()
    first = np.mean([plane(n) for n in range(3)], axis=0)
    assert np.allclose(pixels_of(image)[0, 0, 0], first)
    assert image.getPixelsType() == "float"


def test_a_parser_and_a_processor_may_be_used_together_or_alone(uploader, gateway, tmp_path):
    folder = experiment(tmp_path / "exp", positions=["pos001"], times=1)
    (folder / "notes.txt").write_text("aim=Growth\ntags=t\nstrain=X\n", "utf-8")
    returned = uploader.launch_upload("d", folder, True, LabParser, OnlyGfp)
    dataset = gateway.getObject("Dataset", int(returned))
    assert dataset.getDescription() == "Growth"
    assert [i.getChannelLabels() for i in dataset.listChildren()] == [["GFP"]]


def test_a_processor_derived_from_the_default_one_uploads_what_it_chooses(
    uploader, gateway, tmp_path
):
    folder = experiment(tmp_path / "exp", times=2)
    returned = uploader.launch_upload("d", folder, True, image_processor_impl=OnlyGfp)
    images = {i.getName(): i for i in gateway.getObject("Dataset", int(returned)).listChildren()}
    assert sorted(images) == ["pos001", "pos002"]
    gfp = np.stack([plane(n) for n in (3, 4, 5, 9, 10, 11)]).reshape(2, 1, 3, 16, 20)
    assert (pixels_of(images["pos001"]) == gfp).all()


def test_a_processor_that_makes_nothing_or_elsewhere_is_not_taken_for_done(uploader, tmp_path):
    class MakesNothing(ImageProcessor):
        def process_images(self, omero_session, file_path, dataset):
            return []

    class MakesThingsUp(ImageProcessor):
        def process_images(self, omero_session, file_path, dataset):
            return [999_999]

    folder = experiment(tmp_path / "exp", positions=["pos001"], times=1)
    with pytest.raises(PyomeroError, match="made no Image"):
        uploader.launch_upload("d", folder, True, image_processor_impl=MakesNothing)
    with pytest.raises(PyomeroError, match="999999, but they are not in Dataset"):
        uploader.launch_upload("d", folder, True, image_processor_impl=MakesThingsUp)


def test_a_processor_that_does_not_say_what_it_made_is_looked_after(uploader, tmp_path, capsys):
    class Silent(OnlyGfp):
        def process_images(self, omero_session, file_path, dataset):
            super().process_images(omero_session, file_path, dataset)

    folder = experiment(tmp_path / "exp", times=1)
    uploader.launch_upload("d", folder, True, image_processor_impl=Silent)
    assert "Number of hypercubes uploaded: 2\n" in capsys.readouterr().out


def test_classes_that_cannot_be_used_are_refused_before_anything_is_made(
    uploader, gateway, tmp_path
):
    class Wants(LabParser):
        def __init__(self, file):
            pass

    folder = experiment(tmp_path / "exp", positions=["pos001"], times=1)
    with pytest.raises(UsageError, match="is no parser"):
        uploader.launch_upload("d", folder, True, object)
    with pytest.raises(UsageError, match="Wants cannot be made"):
        uploader.launch_upload("d", folder, True, Wants)
    with pytest.raises(UsageError, match="is no image processor"):
        uploader.launch_upload("d", folder, True, None, object)
    assert list(gateway.getObjects("Dataset")) == []


def test_the_manager_uploads_through_an_opened_broker(uploader, tmp_path):
    folder = experiment(tmp_path / "exp", times=1)
    broker = uploader.searcher()
    try:
        result = DataTransferManager(parser_class=None).upload_data_dir(
            broker, "d", str(folder), hypercube=True
        )
        assert sorted(result) == ["dataset_id", "image_id_list"]
        assert len(broker.retrieve_objects("Image", result["image_id_list"])) == 2
        assert broker.SESSION.getAdminService().getEventContext().userName == uploader.USERNAME
    finally:
        broker.close_omero_session()


# ---------------------------------------------------------------- what went wrong with it
def test_ten_and_more_positions_are_uploaded(uploader, gateway, tmp_path, capsys):
    names = [f"pos{n:03d}" for n in range(1, 13)]
    folder = experiment(tmp_path / "exp", positions=names, times=1, channels=["GFP"], sections=1)
    returned = uploader.launch_upload("d", folder, True)
    assert "Number of hypercubes uploaded: 12\n" in capsys.readouterr().out
    images = {i.getName(): i for i in gateway.getObject("Dataset", int(returned)).listChildren()}
    assert sorted(images) == names
    for number, name in enumerate(names):
        assert (pixels_of(images[name])[0, 0, 0] == plane(number)).all()


def test_channels_come_in_the_same_order_at_each_run(uploader, gateway, tmp_path):
    channels = ["mCherry", "DIC", "GFP", "Brightfield", "cy5", "tdTomato"]
    orders = []
    for number in range(2):
        folder = experiment(
            tmp_path / f"exp{number}", positions=["pos001"], times=1, channels=channels, sections=1
        )
        returned = uploader.launch_upload(f"Run {number}", folder, True)
        (image,) = gateway.getObject("Dataset", int(returned)).listChildren()
        orders.append(image.getChannelLabels())
        for c, label in enumerate(image.getChannelLabels()):
            expected = plane(channels.index(label))
            assert (image.getPrimaryPixels().getPlane(0, c, 0) == expected).all()
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == sorted(channels)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "float32", "float64"])
def test_pixels_keep_their_type_and_their_values(uploader, gateway, tmp_path, dtype):
    pixels = np.linspace(0, 250.5, 48).reshape(6, 8).astype(dtype)
    if dtype == "uint32":
        pixels += 100_000
    folder = tmp_path / "exp/pos001"
    folder.mkdir(parents=True)
    tifffile.imwrite(folder / "exp_000001_GFP_001.tif", pixels)
    returned = uploader.launch_upload("d", tmp_path / "exp", True)
    (image,) = gateway.getObject("Dataset", int(returned)).listChildren()
    stored = pixels_of(image)[0, 0, 0]
    assert stored.dtype == np.dtype(dtype)
    assert (stored == pixels).all()


def test_a_missing_plane_is_zeros_said_in_the_log_and_in_the_provenance(
    uploader, gateway, tmp_path, caplog
):
    folder = experiment(tmp_path / "exp", positions=["pos001"], times=2, sections=3)
    (folder / "pos001/exp_000001_GFP_002.png").unlink()
    returned = uploader.launch_upload("d", folder, True)
    assert "1 of 12 planes are missing" in caplog.text
    (image,) = gateway.getObject("Dataset", int(returned)).listChildren()
    assert (pixels_of(image)[0, 1, 1] == 0).all()
    assert (pixels_of(image)[0, 1, 2] == plane(5)).all()
    said = {
        pair
        for a in image.listAnnotations()
        if isinstance(a, omero.gateway.MapAnnotationWrapper)
        for pair in a.getValue()
    }
    assert ("Missing planes", "1") in said


def test_a_truncated_file_is_an_error_and_the_upload_is_not_reported_as_done(
    uploader, tmp_path, capsys
):
    folder = experiment(tmp_path / "exp", times=1)
    whole = folder / "pos002/exp_000001_GFP_002.png"
    whole.write_bytes(whole.read_bytes()[:-40])
    with pytest.raises(PyomeroError, match="1 of 2 Images could not be made: pos002"):
        uploader.launch_upload("d", folder, True)
    assert "uploaded" not in capsys.readouterr().out


def test_a_second_upload_in_the_same_process_carries_nothing_of_the_first(
    uploader, gateway, tmp_path
):
    datasets = []
    for name, strain in (("first", "BY4741"), ("second", "W303")):
        folder = experiment(tmp_path / name, positions=["pos001"], times=1)
        (folder / f"{name}log.txt").write_text(
            "Swain Lab microscope experiment log file\nExperiment details:\n"
            f"Aim: See {name}\nStrain: {strain}\nOmero tags:\n{name},{strain},\n",
            encoding="utf-8",
        )
        returned = uploader.launch_upload(name, folder, True)
        datasets.append(gateway.getObject("Dataset", int(returned)))
    assert [tags_of(dataset) for dataset in datasets] == [["BY4741", "first"], ["W303", "second"]]
    assert "first" not in (datasets[1].getDescription() or "")


def test_one_text_file_counts_where_the_other_is_missing(uploader, gateway, demo, tmp_path):
    for kind in ("Acq", "log"):
        folder = tmp_path / kind
        shutil.copytree(demo / "pos001", folder / "pos001")
        (text,) = demo.glob(f"*{kind}.txt")
        shutil.copy(text, folder)
        returned = uploader.launch_upload(kind, folder, True)
        dataset = gateway.getObject("Dataset", int(returned))
        assert bool(tags_of(dataset)) == (kind == "log")
        names = [a.getFile().getName() for a in dataset.listAnnotations() if hasattr(a, "getFile")]
        assert ("channels" in names) == (kind == "Acq")


def test_key_values_are_plain_text_and_tags_are_not_made_anew(uploader, gateway, tmp_path):
    for name in ("first", "second"):
        folder = experiment(tmp_path / name, positions=["pos001"], times=1)
        (folder / "notes.txt").write_text("aim=Growth\ntags=yeast,salt\nstrain=X;Y\n", "utf-8")
        returned = uploader.launch_upload(name, folder, True, LabParser)
        pairs = key_values_of(gateway.getObject("Dataset", int(returned)))
        assert not [value for _, value in pairs if value.startswith("[")]
    assert len(list(gateway.getObjects("TagAnnotation"))) == 2


def test_uploading_again_makes_nothing_new(uploader, gateway, tmp_path):
    folder = experiment(tmp_path / "exp", times=1)
    first = uploader.launch_upload("d", folder, True)
    assert uploader.launch_upload("d", folder, True) == first
    assert len(list(gateway.getObject("Dataset", int(first)).listChildren())) == 2


def test_every_image_is_checked_against_what_was_read(uploader, gateway, tmp_path):
    folder = experiment(tmp_path / "exp", positions=["pos001"], times=1)
    returned = uploader.launch_upload("d", folder, True)
    (image,) = gateway.getObject("Dataset", int(returned)).listChildren()
    sha1 = image.getPrimaryPixels().getSha1()
    assert re.fullmatch("[0-9a-f]{40}", sha1)
    said = [
        value
        for a in image.listAnnotations()
        if isinstance(a, omero.gateway.MapAnnotationWrapper)
        for key, value in a.getValue()
        if "SHA-1" in key
    ]
    assert said == [sha1]


def test_a_wrong_folder_is_a_sentence(uploader, tmp_path):
    with pytest.raises(PyomeroError, match="nowhere"):
        uploader.launch_upload("d", tmp_path / "nowhere", True)


# ---------------------------------------------------------------- scripts
def run_script(script, *words, **environment):
    """Run a user's script as its user does, and return what it printed."""
    done = subprocess.run(
        [sys.executable, SCRIPTS / script, *map(str, words)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_script_that_uploads_tags_and_searches(user, gateway, tmp_path):
    folder = experiment(tmp_path / "exp", positions=["pos001"], times=1)
    config = tmp_path / "config.yml"
    config.write_text(
        f"omero_conn:\n  username: {user.name}\n  password: '{user.password}'\n"
        f"  server: {user.server.host}\n  port: {user.server.port}\n",
        encoding="utf-8",
    )
    printed = run_script("upload_experiment.py", config, folder, "Run 7")
    (dataset,) = gateway.getObjects("Dataset")
    assert printed[0] == "Number of hypercubes uploaded: 1"
    assert printed[-1] == f"found {dataset.getId()} Run 7"
    assert tags_of(dataset) == ["2020", "to be published"]
    assert "Uploaded by a script." in dataset.getDescription()


def test_a_script_that_uploads_a_nights_folders_through_one_broker(user, gateway, tmp_path):
    for name in ("exp1", "exp2"):
        experiment(tmp_path / "night" / name, times=1)
    words = (user.name, user.server.host, user.server.port, tmp_path / "night")
    printed = run_script("nightly.py", *words, NIGHTLY_PASSWORD=user.password)
    assert [line.split()[0] for line in printed[1:]] == ["exp1", "exp2"]
    datasets = {d.getName(): d for d in gateway.getObjects("Dataset")}
    assert sorted(datasets) == ["Overview", "exp1", "exp2"]
    assert ("Night", "night") in key_values_of(datasets["exp2"])
    assert datasets["exp1"].countChildren() == 2


def test_a_script_that_measures_images_found_by_queries(user, uploader, gateway, tmp_path):
    folder = experiment(tmp_path / "exp", positions=["pos001"], times=1, sections=1)
    uploader.launch_upload("Run 7", folder, True)
    words = (user.name, user.server.host, user.server.port, "Run 7")
    printed = run_script("measure.py", *words, MEASURE_PASSWORD=user.password)
    assert printed == [f"pos001 {c} {plane(c).mean().round(3)}" for c in range(2)]
    (image,) = gateway.getObjects("Image")
    assert ("mean of channel 1", str(plane(1).mean().round(3))) in key_values_of(image)


# ---------------------------------------------------------------- a notebook
def test_a_notebook_session_goes_through(user, tmp_path, monkeypatch):
    folder = tmp_path / "exp"
    for c, channel in enumerate(("Brightfield", "GFP")):
        for t in range(2):
            # that function of omero-py's can read square planes alone
            file = folder / "pos001" / f"exp_{t + 1:06d}_{channel}_001.png"
            write_png(file, plane(2 * t + c, shape=(16, 16)))
    (folder / "expAcq.txt").write_text(
        "Channels:\nChannel name, Exposure time, Skip, Z sect., Start time, Camera mode, EM gain, Voltage\n"
        "Brightfield,30,1,1,1,2,270,1.0\nGFP,60,1,1,1,2,270,2.5\n",
        encoding="utf-8",
    )
    (folder / "explog.txt").write_text(
        "Swain Lab microscope experiment log file\nExperiment details:\nAim: See growth\n"
        "Strain: BY4741\nOmero tags:\nBatman,0.1% glucose,\n",
        encoding="utf-8",
    )
    pyomero = PyOmeroUploader(user.name, user.password, user.server.host, user.server.port)
    dataset_id = pyomero.launch_upload("Notebook", str(folder), True)
    searcher = pyomero.searcher()

    # the Dataset by its name, its annotations by a query
    params = omero.sys.Parameters()
    params.map = {"dname": rstring("Notebook")}
    (dataset,) = searcher.find_objects_by_query(
        "select d from Dataset d left outer join fetch d.annotationLinks as alinks "
        "left outer join fetch alinks.child as annotation where d.name like :dname",
        params,
    )
    assert str(dataset.id.val) == dataset_id
    assert dataset.name.val == "Notebook"
    linked = dataset.linkedAnnotationList()
    tags = {a.textValue.val for a in linked if isinstance(a, omero.model.TagAnnotationI)}
    assert tags == {"Batman", "0.1% glucose"}
    pairs = {
        (pair.name, pair.value)
        for a in linked
        if isinstance(a, omero.model.MapAnnotationI)
        for pair in a.mapValue
    }
    assert "BY4741" in {value for _, value in pairs}

    # tables and attachments
    params.map = {"did": rlong(int(dataset_id))}
    annotations = searcher.find_objects_by_query(
        "select a from FileAnnotation a join fetch a.file where a.id in "
        "(select link.child.id from DatasetAnnotationLink link where link.parent.id = :did)",
        params,
    )
    files = {a.file.name.val: a.file for a in annotations}
    table = searcher.SESSION.sharedResources().openTable(files["channels"])
    try:
        headers = [column.name for column in table.getHeaders()]
        data = table.read(list(range(len(headers))), 0, table.getNumberOfRows())
    finally:
        table.close()
    frame = pd.DataFrame({c.name: list(c.values) for c in data.columns})
    assert frame["Channel name"].tolist() == ["Brightfield", "GFP"]
    assert frame["Exposure time"].tolist() == [30, 60]
    monkeypatch.chdir(tmp_path)
    downloaded = script_utils.download_file(
        searcher.SESSION.createRawFileStore(),
        files["explog.txt"],
    )
    assert Path(downloaded).read_bytes() == (folder / "explog.txt").read_bytes()

    # the Images, and their pixels
    images = searcher.find_objects_by_query(
        "select i from Image i left outer join fetch i.datasetLinks as dlinks "
        "left outer join fetch dlinks.child as image where dlinks.parent.id = :did",
        params,
    )
    assert [image.name.val for image in images] == ["pos001"]
    params.map = {"iids": omero.rtypes.rlist([image.id for image in images])}
    (pixels,) = searcher.find_objects_by_query(
        "SELECT p FROM Pixels as p JOIN FETCH p.image JOIN FETCH p.pixelsType "
        "WHERE p.image.id in :iids",
        params,
    )
    flim = script_utils.readFlimImageFile(searcher.SESSION.createRawPixelsStore(), pixels)
    assert np.array_equal(flim, [plane(c, shape=(16, 16)) for c in range(2)])
    searcher.close_omero_session()


def test_a_notebook_that_asks_omero_web_finds_what_was_uploaded(user, uploader, tmp_path):
    pytest.importorskip("omeroweb")
    from pyomero_upload.web import Web, WebServer  # noqa: PLC0415

    folder = experiment(tmp_path / "exp", positions=["pos001"], times=2, sections=3)
    (folder / "metadata.yaml").write_text("project: Growth\n", encoding="utf-8")
    dataset_id = int(uploader.launch_upload("Notebook", folder, True))
    with (
        Web(tmp_path / "web", WebServer(user.server.host, user.server.port)) as web,
        requests.Session() as session,
    ):

        def ask(url, **params):
            return session.get(url, params=params, timeout=30).json()

        newest = ask(f"{web.url}api/")["data"][-1]
        urls = ask(newest["url:base"])
        server_id = ask(urls["url:servers"])["data"][0]["id"]
        session.headers["X-CSRFToken"] = ask(urls["url:token"])["data"]
        session.headers["Referer"] = urls["url:login"]
        login = {"username": user.name, "password": user.password, "server": server_id}
        answer = session.post(urls["url:login"], data=login, timeout=30).json()
        assert answer["eventContext"]["userName"] == user.name

        (project,) = ask(urls["url:projects"])["data"]
        assert project["Name"] == "Growth"
        (dataset,) = ask(urls["url:datasets"], project=project["@id"])["data"]
        assert (dataset["@id"], dataset["Name"]) == (dataset_id, "Notebook")
        (listed,) = ask(urls["url:images"], dataset=dataset_id)["data"]
        image = ask(f"{urls['url:images']}{listed['@id']}/")["data"]
        assert image["Name"] == "pos001"
        sizes = [image["Pixels"][f"Size{axis}"] for axis in "TCZYX"]
        assert sizes == [2, 2, 3, 16, 20]
        names = [channel["Name"] for channel in image["Pixels"]["Channels"]]
        assert names == ["Brightfield", "GFP"]
