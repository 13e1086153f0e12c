"""Histograms as the real server counts them."""

import numpy as np
import pytest

from omero_embedded.pixels.errors import PixelsError
from omero_embedded.pixels.statistics import MOST_BINS, extremes, histogram

RAMP = ((np.arange(48) * 3) % 120).astype(">u2")


def test_bins_of_equal_width_with_the_highest_value_in_the_last() -> None:
    # As counted by a real server for this plane.
    assert histogram(RAMP, 8, 0, 117) == [10, 8, 5, 5, 5, 5, 5, 5]


def test_values_outside_the_range_are_left_out() -> None:
    assert sum(histogram(RAMP, 4, 30, 60)) == ((RAMP >= 30) & (RAMP <= 60)).sum()


def test_256_bins_unless_told_otherwise() -> None:
    assert len(histogram(RAMP, 0, 0, 117)) == 256


def test_a_range_of_one_value_falls_into_the_first_bin() -> None:
    assert histogram(np.full(5, 7), 3, 7, 7) == [5, 0, 0]


def test_extremes() -> None:
    assert extremes(RAMP) == (0.0, 117.0)


def test_more_bins_than_fit_into_memory_are_refused() -> None:
    with pytest.raises(PixelsError, match="too many"):
        histogram(RAMP, MOST_BINS + 1, 0, 117)
