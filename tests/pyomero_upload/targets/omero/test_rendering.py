"""How Images are shown: windows, colours, thumbnails."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from omero.gateway import BlitzGateway
from PIL import Image

from omero_world import world
from pyomero_upload.model import Channel, Hypercube, Plan, Sizes
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.containers import ensure_dataset
from pyomero_upload.targets.omero.images import NewImage, create_image, describe_image
from pyomero_upload.targets.omero.rendering import show_image
from pyomero_upload.targets.target import ChannelRange

COLORS = ("#FFFFFF", "#00FF00", "#FF0000", "#0000FF")


def shown(conn: Connection, plan: Plan, pixels: NDArray[np.uint16]) -> tuple[NewImage, Hypercube]:
    """Make an image of pixels (axes c, y, x) with the middle nine tenths of their values shown."""
    c, y, x = pixels.shape
    channels = tuple(Channel(f"c{i}", color=color) for i, color in enumerate(COLORS[:c]))
    image = Hypercube("pos001", Sizes(1, c, 1, y, x), "uint16", channels, planes={})
    dataset = ensure_dataset(conn, plan, key="key", project=None)
    new = create_image(conn, image, dataset_id=dataset, key="key", inputs="", metadata="")
    store = conn.sf.createRawPixelsStore()
    store.setPixelsId(new.pixels_id, False)
    for i, plane in enumerate(pixels):
        store.setPlane(plane.astype(">u2").tobytes(), 0, i, 0)
    store.close()
    ranges = ranges_of(pixels)
    describe_image(conn, new.image_id, new.pixels_id, image, ranges)
    show_image(conn, new.image_id, new.pixels_id, image, ranges)
    return new, image


def ranges_of(pixels: NDArray[np.uint16]) -> dict[int, ChannelRange]:
    return {
        c: ChannelRange(c, float(p.min()), float(p.max()), *map(float, np.percentile(p, [5, 95])))
        for c, p in enumerate(pixels)
    }


def ramp(channels: int) -> NDArray[np.uint16]:
    """Return a ramp with one pixel that is far brighter than all others."""
    pixels = np.tile(np.arange(400, dtype=np.uint16).reshape(20, 20) + 1000, (channels, 1, 1))
    pixels[:, 0, 0] = 60000
    return pixels


def in_gateway(conn: Connection, new: NewImage) -> Any:
    return BlitzGateway(client_obj=conn.client).getObject("Image", new.image_id)


def test_one_bright_pixel_does_not_make_the_image_black(conn: Connection, plan: Plan) -> None:
    new, _ = shown(conn, plan, ramp(1))

    image = in_gateway(conn, new)
    (channel,) = image.getChannels()
    assert (channel.getWindowStart(), channel.getWindowEnd()) == (1020.95, 1380.05)
    assert (channel.getWindowMin(), channel.getWindowMax()) == (1001.0, 60000.0)
    picture = np.asarray(image.renderImage(0, 0, compression=1.0).convert("L")).astype(int)
    assert picture[1:].max() > 240
    assert picture[1:].min() < 40


def test_a_single_channel_is_grey_and_more_have_their_colours(conn: Connection, plan: Plan) -> None:
    grey, _ = shown(conn, plan, ramp(1))
    assert in_gateway(conn, grey).isGreyscaleRenderingModel()

    colored, _ = shown(conn, plan, ramp(2))
    image = in_gateway(conn, colored)
    assert not image.isGreyscaleRenderingModel()
    assert [c.getColor().getRGB() for c in image.getChannels()] == [(255, 255, 255), (0, 255, 0)]


def test_the_first_three_channels_are_on(conn: Connection, plan: Plan) -> None:
    new, _ = shown(conn, plan, ramp(4))

    active = [channel.isActive() for channel in in_gateway(conn, new).getChannels()]
    assert active == [True, True, True, False]


def test_the_thumbnail_is_made_and_shows_something(conn: Connection, plan: Plan) -> None:
    new, _ = shown(conn, plan, ramp(1))

    assert world(conn)["Thumbnail"] == 1
    picture = Image.open(io.BytesIO(in_gateway(conn, new).getThumbnail(96)))
    assert picture.size == (96, 96)
    assert np.asarray(picture.convert("L")).std() > 40


def test_showing_again_gives_the_same(conn: Connection, plan: Plan) -> None:
    pixels = ramp(2)
    new, image = shown(conn, plan, pixels)
    before = world(conn)
    show_image(conn, new.image_id, new.pixels_id, image, ranges_of(pixels))

    assert world(conn) == before


def test_a_channel_without_pixels_keeps_the_servers_window(conn: Connection, plan: Plan) -> None:
    new, image = shown(conn, plan, ramp(1))
    show_image(conn, new.image_id, new.pixels_id, image, {})

    (channel,) = in_gateway(conn, new).getChannels()
    assert channel.getWindowStart() == 1020.95
