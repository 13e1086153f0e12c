"""Images made through the real client, as the tests of pixels and of rendering need them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import omero
import omero.clients
import omero.sys
import pytest

from postgresql import new_postgresql  # noqa: F401  # a fixture

MakePixels = Callable[..., int]


def plane(
    z: int = 0, c: int = 0, t: int = 0, *, x: int = 8, y: int = 6, kind: str = ">u2"
) -> bytes:
    """A ramp shifted by its index."""
    values = (np.arange(x * y) * 3 + z * 5 + c * 7 + t * 11) % 120
    return values.astype(kind).tobytes()


@pytest.fixture
def make_pixels(omero_client: Any) -> MakePixels:
    """Make an Image and return the id of its Pixels; `filled=True` writes its planes too."""

    def make(
        x: int = 8,
        y: int = 6,
        z: int = 2,
        c: int = 2,
        t: int = 2,
        kind: str = "uint16",
        *,
        filled: bool = False,
    ) -> int:
        session = omero_client.sf
        query = session.getQueryService()
        parameters = omero.sys.ParametersI().addString("value", kind)
        pixels_type = query.findByQuery("from PixelsType where value = :value", parameters)
        service = session.getPixelsService()
        image = service.createImage(x, y, z, t, list(range(c)), pixels_type, "made", "about").val
        found = query.projection(
            "select p.id from Pixels p where p.image.id = :id", omero.sys.ParametersI().addId(image)
        )
        pixels = int(found[0][0].val)
        if filled:
            store = session.createRawPixelsStore()
            store.setPixelsId(pixels, False)
            for ct in range(t):
                for cc in range(c):
                    for cz in range(z):
                        store.setPlane(plane(cz, cc, ct, x=x, y=y), cz, cc, ct)
            store.close()
        return pixels

    return make
