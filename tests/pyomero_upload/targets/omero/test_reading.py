"""What the server knows of Images, in our own nouns, whatever units other programs stored it in."""

from datetime import datetime

import numpy as np
import omero.model
import pytest
from omero.rtypes import rint, rstring, rtime

from omero_samples import Samples, pixels_of
from pyomero_upload.errors import PyomeroError, UsageError
from pyomero_upload.model import PlaneIndex, PlaneInfo, Point, Sizes
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.reading import (
    children,
    parse_object,
    read_image,
    read_images,
    read_object,
)


@pytest.fixture
def samples(omero_client):
    return Samples(omero_client)


@pytest.fixture
def conn(omero_client):
    return Connection.over(omero_client)


def test_sizes_type_and_digest_are_those_of_the_server(samples, conn):
    found = read_image(conn, samples.image(pixels_of(1), "cells"))
    assert found.image.name == "cells"
    assert found.image.sizes == Sizes(2, 2, 3, 8, 10)
    assert found.image.dtype == "uint16"
    assert found.sha1 == samples.pixels(found.id).sha1.val
    assert len(found.image.planes) == 12


def test_lengths_and_times_come_in_our_units_whatever_they_are_stored_in(samples, conn):
    image = samples.image(pixels_of(2))
    pixels = samples.pixels(image)
    pixels.physicalSizeX = omero.model.LengthI(263.0, "NANOMETER")
    pixels.physicalSizeY = omero.model.LengthI(0.000263, "MILLIMETER")
    pixels.physicalSizeZ = omero.model.LengthI(3.0, "PIXEL")
    pixels.timeIncrement = omero.model.TimeI(5.0, "MINUTE")
    channel = pixels.copyChannels()[1]
    channel.logicalChannel.name = rstring("GFP")
    channel.logicalChannel.emissionWave = omero.model.LengthI(0.509, "MICROMETER")
    channel.red, channel.green, channel.blue = rint(0), rint(255), rint(16)
    samples.update.saveObject(pixels)
    found = read_image(conn, image).image
    # A length in pixels has no size that anybody knows.
    assert found.physical_size_um == Point(0.263, 0.263, None)
    assert found.time_increment_s == 300.0
    gfp = found.channels[1]
    assert (gfp.name, gfp.emission_nm, gfp.color) == ("GFP", 509.0, "#00FF10")
    assert found.channels[0].name == "0"


def test_each_plane_has_its_time_exposure_and_place(samples, conn):
    image = samples.image(pixels_of(3))
    samples.plane_info(
        image,
        1,
        0,
        2,
        deltaT=omero.model.TimeI(1500.0, "MILLISECOND"),
        exposureTime=omero.model.TimeI(0.06, "SECOND"),
        positionX=omero.model.LengthI(1.5, "MILLIMETER"),
        positionY=omero.model.LengthI(7.0, "REFERENCEFRAME"),
    )
    found = read_image(conn, image).image
    assert found.plane_infos == {
        PlaneIndex(1, 0, 2): PlaneInfo(None, 1.5, 60.0, Point(1500.0, None, None))
    }
    assert found.channels[0].exposure_ms == 60.0
    assert found.channels[1].exposure_ms is None


def test_of_two_infos_on_one_plane_the_later_counts(samples, conn):
    image = samples.image(pixels_of(4))
    for seconds in (1.0, 2.0):
        samples.plane_info(image, 0, 0, 0, deltaT=omero.model.TimeI(seconds, "SECOND"))
    assert read_image(conn, image).image.plane_infos[PlaneIndex(0, 0, 0)].delta_t_s == 2.0


def test_the_acquisition_date_is_told_in_this_computers_zone(samples, conn):
    image = samples.image(pixels_of(5))
    taken = datetime(2020, 2, 29, 9, 30)  # noqa: DTZ001 - as a log has it
    on_server = samples.query.get("Image", image)
    on_server.acquisitionDate = rtime(int(taken.timestamp() * 1000))
    samples.update.saveObject(on_server)
    assert read_image(conn, image).image.acquired == taken


def test_an_image_that_was_never_written_has_no_digest(samples, conn):
    kind = samples.query.findByString("PixelsType", "value", "uint8")
    service = samples.client.sf.getPixelsService()
    empty = service.createImage(4, 3, 1, 1, [0], kind, "empty", "").val
    assert read_image(conn, empty).sha1 is None


def test_a_type_that_numpy_images_do_not_have_is_refused_by_name(samples, conn):
    kind = samples.query.findByString("PixelsType", "value", "complex")
    service = samples.client.sf.getPixelsService()
    odd = service.createImage(4, 3, 1, 1, [0], kind, "odd", "").val
    with pytest.raises(PyomeroError, match=f"Image:{odd} has pixels of type complex"):
        read_image(conn, odd)


def test_an_object_that_is_not_there_or_in_another_group_is_told_apart(
    samples, conn, omero_new_user
):
    with pytest.raises(UsageError, match="There is no Dataset:987654321"):
        read_object(conn, "Dataset", 987654321)
    with pytest.raises(UsageError, match="There is no Image:987654321"):
        read_image(conn, 987654321)
    mine = samples.dataset("mine")
    stranger = omero_new_user()
    client = stranger.log_in()
    with pytest.raises(UsageError, match=f"There is no Dataset:{mine}"):
        read_object(Connection.over(client), "Dataset", mine)
    client.closeSession()


def test_what_is_in_a_project_and_a_dataset_comes_by_name(samples, conn):
    dataset = samples.dataset("d", "what it is")
    project = samples.project("p", dataset)
    for name in ("pos2", "pos1"):
        samples.image(pixels_of(6), name, dataset)
    (found,) = children(conn, "Project", project)
    assert (found.kind, found.id, found.name, found.description) == (
        "Dataset",
        dataset,
        "d",
        "what it is",
    )
    assert [image.name for image in children(conn, "Dataset", dataset)] == ["pos1", "pos2"]


def test_many_images_come_in_the_order_asked_for(samples, conn):
    first, second = (samples.image(pixels_of(n), f"i{n}") for n in (7, 8))
    found = [image.id for image in read_images(conn, [second, first, 987654321])]
    assert found == [second, first]


@pytest.mark.parametrize("text", ["Dataset", "Dataset:", "Dataset:x", "Plate:1", "12", "/data/x"])
def test_what_is_no_object_says_how_to_write_one(text):
    with pytest.raises(UsageError) as raised:
        parse_object(text)
    assert "Dataset:12" in raised.value.hint


def test_an_object_may_be_typed_in_any_case():
    assert parse_object("dataset:12") == ("Dataset", 12)


def test_pixels_are_of_the_servers_values(samples, conn):
    pixels = pixels_of(9)
    found = read_image(conn, samples.image(pixels))
    assert np.dtype(found.pixels.dtype) == pixels.dtype
