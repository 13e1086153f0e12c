"""Which pixels a shape covers, and what their values are."""

from typing import Any

import numpy as np
import omero
import omero.model
import pytest
from omero.rtypes import rdouble, rint, rlong, rstring

from omero_embedded.services.shape_statistics import covered, statistics


def rectangle(x: float, y: float, width: float, height: float) -> Any:
    shape = omero.model.RectangleI()
    shape.id = rlong(1)
    shape.x, shape.y, shape.width, shape.height = map(rdouble, (x, y, width, height))
    return shape


def made(cls: str, **values: Any) -> Any:
    shape = getattr(omero.model, f"{cls}I")()
    shape.id = rlong(1)
    for name, value in values.items():
        setattr(shape, name, rstring(value) if isinstance(value, str) else rdouble(value))
    return shape


def pixels(shape: Any) -> set[tuple[int, int]]:
    return {(int(x), int(y)) for x, y in zip(*covered(shape), strict=True)}


def test_a_rectangle_covers_what_is_in_it() -> None:
    assert pixels(rectangle(1, 2, 2, 1)) == {(1, 2), (2, 2)}


def test_a_polygon_covers_the_pixels_whose_upper_left_corner_it_meets() -> None:
    triangle = made("Polygon", points="0,0 40,0 40,30")
    assert len(pixels(triangle)) == 610  # what a real server counts


def test_an_ellipse_covers_a_disc() -> None:
    found = pixels(made("Ellipse", x=10, y=10, radiusX=3, radiusY=2))
    assert (10, 10) in found
    assert {(7, 8), (13, 8)}.isdisjoint(found)
    assert abs(len(found) - np.pi * 6) < 4


def test_lines_and_points_cover_the_pixels_on_their_way() -> None:
    assert pixels(made("Line", x1=0, y1=0, x2=3, y2=0)) == {(0, 0), (1, 0), (2, 0), (3, 0)}
    assert pixels(made("Point", x=4.7, y=2.2)) == {(4, 2)}
    assert len(pixels(made("Polyline", points="0,0 2,0 2,2"))) == 5


def test_a_mask_covers_its_bits() -> None:
    mask = made("Mask", x=5, y=6, width=3, height=2)
    mask.bytes = np.packbits(np.array([1, 0, 1, 0, 1, 0])).tobytes()
    assert pixels(mask) == {(5, 6), (7, 6), (6, 7)}


def test_statistics_are_of_the_pixels_that_the_image_has() -> None:
    plane = np.arange(12).reshape(3, 4)
    found = statistics(rectangle(2, 1, 10, 10), [0, 1], lambda c: plane + 100 * c)
    assert (found.channelIds, found.pointsCount) == ([0, 1], [4, 4])
    assert (found.min, found.max, found.sum, found.mean) == (
        [6, 106],
        [11, 111],
        [34, 434],
        [8.5, 108.5],
    )
    assert found.stdDev[0] == pytest.approx(np.std([6, 7, 10, 11], ddof=1))


@pytest.mark.parametrize("shape", [made("Label", x=1, y=1), rectangle(0, 0, 1, 1)])
def test_what_cannot_be_counted_is_refused(shape: Any) -> None:
    if isinstance(shape, omero.model.RectangleI):
        shape.transform = omero.model.AffineTransformI()
    with pytest.raises(omero.ApiUsageException, match="pixels"):
        covered(shape)


def test_shapes_of_an_image_are_counted_on_their_plane_or_the_one_that_is_named(
    omero_client: Any, make_pixels: Any
) -> None:
    session = omero_client.sf
    pixels_id = make_pixels(filled=True)
    image = session.getQueryService().get("Pixels", pixels_id).image.id.val
    roi, here, anywhere = omero.model.RoiI(), rectangle(0, 0, 8, 6), rectangle(0, 0, 8, 6)
    roi.image = omero.model.ImageI(image, False)
    for shape in (here, anywhere):
        shape.id = None
        roi.addShape(shape)
    here.theZ, here.theT = rint(1), rint(1)
    roi = session.getUpdateService().saveAndReturnObject(roi)
    ids = [shape.id.val for shape in roi.copyShapes()]
    first, second = session.getRoiService().getShapeStatsRestricted(ids, 0, 0, [0])
    assert (first.shapeId, second.shapeId) == tuple(ids)
    # As make_pixels fills planes: a ramp, shifted by 5 for z and 11 for t.
    assert first.sum[0] == ((np.arange(48) * 3 + 16) % 120).sum()
    assert second.sum[0] == ((np.arange(48) * 3) % 120).sum()


def test_a_shape_that_is_taken_out_of_its_roi_is_deleted(
    omero_client: Any, make_pixels: Any
) -> None:
    session = omero_client.sf
    image = session.getQueryService().get("Pixels", make_pixels()).image.id.val
    roi = omero.model.RoiI()
    roi.image = omero.model.ImageI(image, False)
    for x in (1, 2):
        shape = rectangle(x, 0, 1, 1)
        shape.id = None
        roi.addShape(shape)
    saved = session.getUpdateService().saveAndReturnObject(roi)
    gone = saved.getShape(0)
    (found,) = session.getRoiService().findByImage(image, None).rois
    found.removeShape(next(s for s in found.copyShapes() if s.id.val == gone.id.val))
    session.getUpdateService().saveObject(found)
    (after,) = session.getRoiService().findByImage(image, None).rois
    assert [s.x.val for s in after.copyShapes()] == [2]
