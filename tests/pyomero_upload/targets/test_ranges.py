"""What of an image's values is shown."""

import pytest

from pyomero_upload.targets.ranges import window
from pyomero_upload.targets.target import ChannelRange


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (ChannelRange(0, 0.0, 100.0, 5.0, 90.0), (5.0, 90.0)),
        (ChannelRange(0, 0.0, 1.0, 0.1, 0.5), (0.1, 0.5)),
        (ChannelRange(0, 0.0, 100.0, 0.0, 0.0), (0.0, 100.0)),
        (ChannelRange(0, 7.0, 7.0, 7.0, 7.0), (7.0, 8.0)),
    ],
)
def test_a_window_is_never_without_width(values: ChannelRange, wanted: tuple[float, float]) -> None:
    assert window(values) == wanted
