"""Projections: which sections count, and in which type."""

import numpy as np
import pytest

from omero_embedded.pixels.types import pixel_type
from omero_embedded.rendering.projection import MAXIMUM, MEAN, SUM, ProjectionError, project

STACK = np.array([1, 20, 7, 200, 100], ">u1").reshape(5, 1, 1)
UINT8 = pixel_type("uint8")


def test_a_maximum_takes_the_last_section_in() -> None:
    assert project(STACK, MAXIMUM, stepping=1, start=0, end=3, target=UINT8).item() == 200


def test_a_sum_leaves_the_last_section_out() -> None:
    assert project(STACK, SUM, stepping=1, start=0, end=3, target=UINT8).item() == 28


def test_a_mean_leaves_the_last_section_out_and_is_cut_off() -> None:
    assert project(STACK, MEAN, stepping=1, start=0, end=3, target=UINT8).item() == 9


def test_a_step_skips_sections_and_a_mean_is_of_those_taken() -> None:
    assert project(STACK, MAXIMUM, stepping=2, start=0, end=4, target=UINT8).item() == 100
    assert project(STACK, MEAN, stepping=2, start=0, end=4, target=UINT8).item() == 4
    assert project(STACK, MEAN, stepping=3, start=0, end=4, target=UINT8).item() == 100


def test_no_section_has_no_mean() -> None:
    assert project(STACK, MEAN, stepping=1, start=2, end=2, target=UINT8).item() == 0


def test_what_is_no_number_is_no_maximum() -> None:
    stack = np.array([np.nan, 2.5], ">f4").reshape(2, 1, 1)
    target = pixel_type("float")
    assert project(stack, MAXIMUM, stepping=1, start=0, end=1, target=target).item() == 2.5


def test_a_sum_of_floats_stops_at_the_range_that_they_are_taken_to_have() -> None:
    stack = np.full((3, 1, 1), 2.0**31, ">f4")
    target = pixel_type("double")
    assert project(stack, SUM, stepping=1, start=0, end=2, target=target).item() == 2.0**31 - 1


def test_values_are_cut_to_a_smaller_type_as_java_cuts_them() -> None:
    stack = np.full((1, 1, 1), 300, ">u2")
    assert project(stack, MAXIMUM, stepping=1, start=0, end=0, target=UINT8).item() == 44
    stack = np.full((1, 1, 1), 2**32 - 1, ">u4")
    target = pixel_type("uint32")
    assert project(stack, MAXIMUM, stepping=1, start=0, end=0, target=target).item() == 2**31 - 1


def test_a_sum_stops_at_the_highest_value_of_the_type() -> None:
    assert project(STACK, SUM, stepping=1, start=0, end=4, target=UINT8).item() == 228
    wide = np.full((3, 1, 1), 200, ">u1")
    assert project(wide, SUM, stepping=1, start=0, end=2, target=UINT8).item() == 255
    uint16 = pixel_type("uint16")
    assert project(wide, SUM, stepping=1, start=0, end=2, target=uint16).item() == 400


def test_a_maximum_of_negative_values_is_zero() -> None:
    negative = np.full((2, 1, 1), -5, ">i2")
    target = pixel_type("int16")
    assert project(negative, MAXIMUM, stepping=1, start=0, end=1, target=target).item() == 0


@pytest.mark.parametrize(
    ("algorithm", "stepping", "start", "end"),
    [(MAXIMUM, 0, 0, 1), (MAXIMUM, 1, -1, 1), (MAXIMUM, 1, 0, 5), (9, 1, 0, 1)],
)
def test_what_cannot_be_projected_is_refused(
    algorithm: int, stepping: int, start: int, end: int
) -> None:
    with pytest.raises(ProjectionError):
        project(STACK, algorithm, stepping=stepping, start=start, end=end, target=UINT8)
