"""Numbers come back as they were saved, NaN and the infinities too, and are compared as PostgreSQL compares them."""

import math
from typing import Any

import omero
import omero.model
import omero.sys
import pytest
from omero.model.enums import UnitsTime
from omero.rtypes import rdouble, rint, unwrap

ODD = [math.nan, math.inf, -math.inf, 5e-324, 1.7976931348623157e308]


def save(client: Any, value: float) -> int:
    annotation = omero.model.DoubleAnnotationI()
    annotation.doubleValue = rdouble(value)
    return int(client.sf.getUpdateService().saveAndReturnObject(annotation).id.val)


@pytest.mark.parametrize("value", ODD)
def test_a_number_comes_back_as_it_was(omero_client: Any, value: float) -> None:
    made, query = save(omero_client, value), omero_client.sf.getQueryService()
    parameters = omero.sys.ParametersI().addId(made)
    [[told]] = query.projection(
        "select a.doubleValue from DoubleAnnotation a where a.id = :id", parameters
    )
    for found in (query.get("DoubleAnnotation", made).doubleValue.val, told.val):
        assert repr(found) == repr(value)
    query_of_value = "select a.id from DoubleAnnotation a where a.doubleValue = :x and a.id = :id"
    parameters.map["x"] = rdouble(value)
    assert unwrap(query.projection(query_of_value, parameters)) == [[made]]


def test_nan_is_above_all_other_numbers(omero_client: Any) -> None:
    for value in (math.nan, math.inf, 1.0):
        save(omero_client, value)
    rows = omero_client.sf.getQueryService().projection(
        "select a.doubleValue, a.id from DoubleAnnotation a order by a.doubleValue", None
    )
    assert [repr(unwrap(row[0])) for row in rows] == ["1.0", "inf", "nan"]


def test_nan_as_a_time_of_a_plane(omero_client: Any, make_pixels: Any) -> None:
    plane = omero.model.PlaneInfoI()
    plane.pixels = omero.model.PixelsI(make_pixels(), False)
    plane.theZ, plane.theC, plane.theT = rint(0), rint(0), rint(0)
    plane.deltaT = omero.model.TimeI(math.nan, UnitsTime.SECOND)
    saved = omero_client.sf.getUpdateService().saveAndReturnObject(plane)
    found = omero_client.sf.getQueryService().get("PlaneInfo", saved.id.val)
    assert math.isnan(saved.deltaT.getValue())
    assert math.isnan(found.deltaT.getValue())
    query = "select p.deltaT from PlaneInfo p where p.id = :id"
    parameters = omero.sys.ParametersI().addId(saved.id.val)
    [[told]] = omero_client.sf.getQueryService().projection(query, parameters)
    assert math.isnan(unwrap(told)["value"])
