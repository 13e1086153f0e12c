"""Regions of interest in OME-XML.

Stands below `ome_xml`. The OME model 2016-06 has fewer words than OMERO: what it cannot say is left out and can be
asked for, so that nobody loses it without a word.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ome_types import model
from ome_types.model.simple_types import Color, UnitsLength

from pyomero_upload.model import Roi, Shape, ShapeValue
from pyomero_upload.targets.files.xml_text import xml_text

_CLASSES: Mapping[str, type[model.Shape]] = {
    "Ellipse": model.Ellipse,
    "Label": model.Label,
    "Line": model.Line,
    "Mask": model.Mask,
    "Point": model.Point,
    "Polygon": model.Polygon,
    "Polyline": model.Polyline,
    "Rectangle": model.Rectangle,
}


def roi_elements(rois: Sequence[Roi]) -> list[model.ROI]:
    """Return the elements of regions, with all that the OME model can say of them."""
    return [_element(number, roi, Counter()) for number, roi in enumerate(rois)]


def left_out(rois: Sequence[Roi]) -> Mapping[str, int]:
    """Return what the OME model cannot say of regions, in words, and of how many shapes."""
    lost: Counter[str] = Counter()
    for roi in rois:
        _element(0, roi, lost)
    return lost


def _element(number: int, roi: Roi, lost: Counter[str]) -> model.ROI:
    shapes = (_shape(f"Shape:{number}:{place}", s, lost) for place, s in enumerate(roi.shapes))
    return model.ROI.model_validate(
        {
            "id": f"ROI:{number}",
            "name": xml_text(roi.name) or None,
            "description": xml_text(roi.description) or None,
            "union": [shape for shape in shapes if shape is not None],
        }
    )


def _shape(identifier: str, shape: Shape, lost: Counter[str]) -> model.Shape | None:
    kind = _CLASSES.get(shape.kind)
    if kind is None:
        lost[f"a shape of the kind {shape.kind}"] += 1
        return None
    said: dict[str, Any] = {}
    for name, value in shape.values:
        made = _made(name, value)
        if made is None:
            lost[f"{name.replace('_', ' ')} {value!r}"] += 1
            # A number whose unit is not known would be another one.
            said.pop(name.removesuffix("_unit"), None)
        else:
            said[name] = made
    missing = [n for n, field in kind.model_fields.items() if field.is_required() and n not in said]
    if missing:
        lost[f"a {shape.kind} without {' and '.join(missing)}"] += 1
        return None
    return kind(id=identifier, **said)


def _made(name: str, value: ShapeValue) -> object | None:
    """Return a value as the OME model has it; None where it has no such value."""
    try:
        return _MADE.get(name, _as_it_is)(value)
    except ValueError:
        return None


def _as_it_is(value: ShapeValue) -> ShapeValue:
    return xml_text(value) if isinstance(value, str) else value


def _whole(value: ShapeValue) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise ValueError(value)


def _transform(value: ShapeValue) -> model.AffineTransform:
    assert isinstance(value, tuple)
    a00, a10, a01, a11, a02, a12 = value
    return model.AffineTransform(a00=a00, a10=a10, a01=a01, a11=a11, a02=a02, a12=a12)


def _bits(value: ShapeValue) -> model.BinData:
    assert isinstance(value, bytes)
    return model.BinData(value=value, big_endian=True, length=len(value))


# What becomes of values that are not written as they are; where that is not possible, ValueError is raised.
_MADE: Mapping[str, Callable[[Any], object]] = {
    "bin_data": _bits,
    "fill_color": Color,
    "fill_rule": model.Shape_FillRule,
    "font_family": model.Shape_FontFamily,
    "font_size": _whole,
    "font_size_unit": UnitsLength,
    "font_style": model.Shape_FontStyle,
    "marker_end": model.Marker,
    "marker_start": model.Marker,
    "stroke_color": Color,
    "stroke_width_unit": UnitsLength,
    "transform": _transform,
}
