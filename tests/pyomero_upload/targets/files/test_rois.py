"""Regions in OME-XML: every shape with all that the OME model can say of it, and a word on what it cannot."""

from pathlib import Path

import ome_types
import pytest
import xmlschema
from ome_types import OME, model

from pyomero_upload.model import Roi, Shape
from pyomero_upload.targets.files.rois import left_out, roi_elements

PLACES: dict[str, dict[str, object]] = {
    "Point": {"x": 1.0, "y": 2.0},
    "Line": {"x1": 0.0, "y1": 1.0, "x2": 3.0, "y2": 4.5, "marker_end": "Arrow"},
    "Rectangle": {"x": 1.0, "y": 1.0, "width": 3.5, "height": 2.0},
    "Ellipse": {"x": 4.0, "y": 4.0, "radius_x": 2.0, "radius_y": 1.0},
    "Polygon": {"points": "0,0 3,0 3,3"},
    "Polyline": {"points": "0,0 3,0 3,3", "marker_start": "Arrow"},
    "Label": {"x": 1.0, "y": 1.0},
    "Mask": {"x": 0.0, "y": 0.0, "width": 8.0, "height": 2.0, "bin_data": b"\x0f\xf0"},
}
COMMON = {
    "text": "\xe9",
    "the_z": 1,
    "the_t": 0,
    "the_c": 2,
    "fill_color": 255,
    "fill_rule": "EvenOdd",
    "stroke_color": -16776961,
    "stroke_width": 2.5,
    "stroke_width_unit": "\xb5m",
    "stroke_dash_array": "3 1",
    "font_family": "serif",
    "font_size": 12.0,
    "font_size_unit": "pt",
    "font_style": "Bold",
    "locked": True,
    "transform": (1.0, 0.0, 0.5, 1.0, 3.0, 4.0),
}


def shape(kind, **values):
    return Shape(kind, tuple(values.items()))


def written(*rois):
    """Return the regions as another program reads them, from XML that is valid."""
    xml = OME(rois=roi_elements(rois)).to_xml()
    xmlschema.XMLSchema(Path(ome_types.__file__).parent / "ome-2016-06.xsd").validate(xml)
    return ome_types.from_xml(xml).rois


@pytest.mark.parametrize("kind", PLACES)
def test_a_shape_of_every_kind_says_all_that_is_known(kind):
    roi = Roi("cell 1", "divides", (shape(kind, **PLACES[kind], **COMMON),))
    (read,) = written(roi)
    assert not left_out([roi])
    assert (read.name, read.description) == ("cell 1", "divides")
    (found,) = read.union
    assert type(found) is getattr(model, kind)
    for name, value in PLACES[kind].items():
        known = found.bin_data.value if name == "bin_data" else getattr(found, name)
        assert getattr(known, "value", known) == value, name
    for name, value in COMMON.items():
        known = getattr(found, name)
        if name == "transform":
            known = (known.a00, known.a10, known.a01, known.a11, known.a02, known.a12)
        if name.endswith("color"):
            known = known.as_int32()
        assert getattr(known, "value", known) == value, name


def test_what_is_not_known_is_not_said():
    (read,) = written(Roi("", "", (shape("Point", x=1.0, y=2.0),)))
    (point,) = read.union
    assert read.name is None
    assert (point.text, point.the_z, point.the_c, point.fill_color) == (None, None, None, None)


def test_each_shape_has_a_name_of_its_own():
    rois = [Roi("", "", (shape("Point", x=1.0, y=2.0), shape("Label", x=1.0, y=2.0)))] * 2
    ids = [each.id for roi in written(*rois) for each in (roi, *roi.union)]
    assert len(set(ids)) == 6


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"font_family": "Arial"}, "font family 'Arial'"),
        ({"font_size": 10.5, "font_size_unit": "pt"}, "font size 10.5"),
        ({"marker_end": "Circle"}, "marker end 'Circle'"),
        ({"stroke_width": 2.0, "stroke_width_unit": "hand"}, "stroke width unit 'hand'"),
    ],
)
def test_a_value_that_the_model_does_not_have_is_left_out_and_told(values, word):
    roi = Roi("", "", (shape("Line", x1=0.0, y1=1.0, x2=3.0, y2=4.5, **values),))
    assert left_out([roi, roi]) == {word: 2}
    (read,) = written(roi)
    assert all(getattr(read.union[0], name) is None for name in values if "unit" not in name)


@pytest.mark.parametrize(
    ("left", "word"),
    [
        (shape("Path", d="M 0 0"), "a shape of the kind Path"),
        (shape("Mask", **{**PLACES["Mask"], "bin_data": b""}), None),
        (shape("Mask", x=0.0, y=0.0, width=8.0, height=2.0), "a Mask without bin_data"),
        (shape("Rectangle", x=0.0, y=0.0), "a Rectangle without width and height"),
    ],
)
def test_a_shape_that_the_model_does_not_have_is_left_out_and_told(left, word):
    roi = Roi("", "", (left, shape("Point", x=1.0, y=2.0)))
    assert left_out([roi]) == ({word: 1} if word else {})
    (read,) = written(roi)
    assert len(read.union) == (1 if word else 2)


def test_letters_that_xml_cannot_hold_are_replaced():
    (read,) = written(Roi("a\0b", "", (shape("Label", x=1.0, y=1.0, text="\x01"),)))
    assert read.name == "a\ufffdb"
    assert read.union[0].text == "\ufffd"
