"""How an Image is shown: its rendering settings and its thumbnail.

Stands above `images`, whose colours and extremes it relies on. Called when all planes are there: settings cannot be made, and
nothing can be drawn, before.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from omero.rtypes import rint

from pyomero_upload.model import Hypercube
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.images import color_of
from pyomero_upload.targets.omero.objects import parameters
from pyomero_upload.targets.ranges import window
from pyomero_upload.targets.target import ChannelRange

# As the server's own defaults: more channels at once show a muddle.
ACTIVE_CHANNELS = 3
# What OMERO.web shows in its lists.
_THUMBNAIL = 96
# Of so many the answer is small and soon there.
_AT_ONCE = 50


def show_image(
    conn: Connection,
    image_id: int,  # noqa: ARG001 - the same parameters as `describe_image`
    pixels_id: int,
    image: Hypercube,
    ranges: Mapping[int, ChannelRange],
) -> None:
    """Set what is shown of an Image, and make its thumbnail. Calling it again gives the same.

    Each channel has its colour, and a window between which nearly all its pixels lie; the first three are on. An Image of
    one channel is grey. The section in the middle of the first time point is shown first.

    Parameters
    ----------
    conn
        The session.
    image_id, pixels_id
        The Image and its Pixels, all planes of which are there.
    image
        What is known of it.
    ranges
        The values of each channel, by its index; a channel without pixels keeps the server's default.

    """
    with rendering_engine(conn, pixels_id) as engine:
        for c, channel in enumerate(image.channels):
            engine.setActive(c, c < ACTIVE_CHANNELS)
            engine.setRGBA(c, *color_of(channel), 255)
            if c in ranges:
                engine.setChannelWindow(c, *window(ranges[c]))
        engine.saveCurrentSettings()
    with closing(conn.sf.createThumbnailStore()) as store:
        store.createThumbnailsByLongestSideSet(rint(_THUMBNAIL), [pixels_id])


@contextmanager
def rendering_engine(conn: Connection, pixels_id: int) -> Iterator[Any]:
    """Give a rendering engine with the user's settings of Pixels, which are made where there are none."""
    with closing(conn.sf.createRenderingEngine()) as engine:
        engine.lookupPixels(pixels_id)
        if not engine.lookupRenderingDef(pixels_id):
            # Sets the colour model, by the number of channels, and the plane that is shown first.
            engine.resetDefaultSettings(True)
            engine.lookupRenderingDef(pixels_id)
        engine.load()
        yield engine


def thumbnails(conn: Connection, image_ids: Sequence[int]) -> dict[int, bytes]:
    """Return the thumbnails of Images as JPEG, by the Images' ids; of those that have no pixels there are none."""
    pictures: dict[int, bytes] = {}
    with closing(conn.sf.createThumbnailStore()) as store:
        for start in range(0, len(image_ids), _AT_ONCE):
            rows = conn.query.projection(
                "select p.id, p.image.id from Pixels p where p.image.id in (:ids)",
                parameters(ids=image_ids[start : start + _AT_ONCE]),
            )
            images = {row[0].val: row[1].val for row in rows}
            found = store.getThumbnailByLongestSideSet(rint(_THUMBNAIL), list(images))
            pictures.update({images[pixels]: jpeg for pixels, jpeg in found.items() if jpeg})
    return pictures
