"""The running log: times of every channel, whatever happens in between, in blocks of any size."""
# ruff: noqa: DTZ001  (the microscopes write no time zone)

import io
import math
import tracemalloc
from datetime import datetime

import pytest

from pyomero_upload.metadata import running_log
from pyomero_upload.metadata.running_log import RunningLog, blocks, read_running_log
from pyomero_upload.model import Point

STARTED = datetime(2018, 9, 28, 17, 18, 14)


def read(
    text: str | bytes, started: datetime | None = STARTED, *, stamped: bool = False
) -> RunningLog:
    raw = text.encode() if isinstance(text, str) else text
    return read_running_log(
        blocks(io.BytesIO(raw)), file="a_log.txt", started=started, first_line=1, stamped=stamped
    )


def seconds(log: RunningLog) -> dict[tuple[str, str, int], list[float]]:
    return {key: list(values) for key, values in log.times.seconds.items()}


def test_every_channel_has_a_time_for_every_time_point():
    log = read(
        "------Time point_1------\nPosition:1,pos001\nChannel:DIC set at:28-Sep-2018 17:18:15\n"
        "Position:2,YST_247_001\nChannel:DIC set at:28-Sep-2018 17:18:20\n"
        "------Time point_2------\nPosition:1,pos001\nChannel:DIC set at:28-Sep-2018 17:23:15\n"
    )
    assert seconds(log) == {("pos001", "DIC", 0): [1, 301], ("YST_247_001", "DIC", 0): [6]}
    assert log.times.started == STARTED
    assert log.problems == ()


def test_time_points_without_a_channel_are_not_a_number():
    log = read(
        "------Time point_3------\nPosition:1,p\nChannel:DIC set at:28-Sep-2018 17:18:15\n"
        "------Time point_5------\nPosition:1,p\nChannel:DIC set at:28-Sep-2018 17:18:16\n"
    )
    times = log.times.seconds["p", "DIC", 0]
    assert [math.isnan(value) for value in times] == [True, True, False, True, False]


def test_a_channel_that_comes_twice_is_counted():
    log = read(
        "------Time point_1------\nPosition:1,p\nChannel:DIC set at:28-Sep-2018 17:18:15\n"
        "Channel:DIC set at:28-Sep-2018 17:18:16\n"
    )
    assert seconds(log) == {("p", "DIC", 0): [1], ("p", "DIC", 1): [2]}


def test_a_time_point_taken_again_after_a_restart_has_its_last_time():
    once = "------Time point_1------\nPosition:1,p\nChannel:DIC set at:28-Sep-2018 17:18:15\n"
    assert seconds(read(once + once.replace(":15", ":45"))) == {("p", "DIC", 0): [31]}


def test_prose_about_channels_is_no_channel():
    log = read(
        "------Time point_1------\nPosition:1,p\nPosition group:1\n"
        "Channel does not use Smart EM camera mode. Settings remain unchanged.\n"
        "Position group_1. Channel:DIC\nChannel configuration set to: DIC: 28-Sep-2018 17:18:14\n"
    )
    assert seconds(log) == {}
    assert log.problems == ()


def test_the_day_may_change_and_midnight_may_lack_its_time():
    log = read(
        "------Time point_1------\nPosition:1,p\nChannel:DIC set at:29-Sep-2018\n"
        "------Time point_2------\nPosition:1,p\nChannel:DIC set at:01-Oct-2018 00:00:01\n"
    )
    assert seconds(log)["p", "DIC", 0] == [24106, 24106 + 2 * 86400 + 1]


def test_stage_positions_are_where_the_stage_first_moved():
    log = read("Position:1,p\nMoved to X:10846.5, Y:-10208.1\nMoved to X:1, Y:2\nPosition:2,q\n")
    assert log.stage_positions == {"p": Point(10846.5, -10208.1)}


def test_exposure_times_belong_to_the_channel_before_them():
    log = read(
        "------Time point_1------\nExposure time:99ms\nPosition:1,p\nExposure time:99ms\n"
        "Channel:GFP set at:28-Sep-2018 17:18:15\nExposure time:7ms\nExposure time:7ms\n"
    )
    assert log.position_exposures_ms == {("p", "GFP"): 7}
    assert log.problems == ()


def test_an_exposure_time_that_changes_is_told():
    log = read(
        "------Time point_1------\nPosition:1,p\nChannel:GFP set at:28-Sep-2018 17:18:15\nExposure time:7ms\n"
        "Exposure time:14.5ms\n"
    )
    assert log.position_exposures_ms == {("p", "GFP"): 7}
    assert (log.problems[0].severity, log.problems[0].code) == ("info", "metadata-conflict")
    assert "GFP at p from 7 to 14.5 ms" in log.problems[0].message


def test_images_that_the_microscope_could_not_capture_are_one_warning():
    failed = (
        "WARNING - ERROR CAUGHT - NO IMAGE CAPTURED TO THIS CHANNEL AND TIMEPOINT. Error message:Java exception occurred: \n"
        'java.lang.Exception: Wait for device "XYStage" timed out after 5000ms\n'
    )
    log = read(
        "------Time point_2------\nPosition:1,p\nChannel:GFP set at:28-Sep-2018 17:18:15\n"
        + 5 * failed
    )
    (problem,) = log.problems
    assert (problem.severity, problem.code) == ("warning", "microscope-error")
    assert "5 times" in problem.message
    assert "time point 2, p, GFP; " in problem.message


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("------Time point_1000000000------", "A time point whose number makes no sense"),
        ("------Time point_0------", "A time point whose number makes no sense"),
        ("------Time point_x------", "A time point whose number makes no sense"),
        ("Position:somewhere", "A position without number and name"),
        ("Position:1, ", "A position without number and name"),
        ("Channel:GFP", "A channel line without channel and time"),
        ("Channel: set at:28-Sep-2018 17:18:15", "A channel line without channel and time"),
        ("Channel:GFP set at:28-Sep-2018 17:1", "A channel whose time is no date and time"),
        ("Channel:GFP set at:28-Sap-2018 17:18:15", "A channel whose time is no date and time"),
        ("Exposure time:long", "An exposure time that is no number"),
        ("Moved to X:1", "A stage position that is no pair"),
    ],
)
def test_a_line_that_goes_on_otherwise_than_it_should_is_reported_once_a_kind(line: str, says: str):
    log = read(f"------Time point_1------\nPosition:1,p\n\n{line}\n{line}\n")
    (problem,) = log.problems
    assert problem.where == "a_log.txt:4"
    assert says in problem.message
    assert "and 1 more like it" in problem.message


def test_a_channel_before_any_position_is_reported():
    log = read("Channel:GFP set at:28-Sep-2018 17:18:15\n")
    assert seconds(log) == {}
    assert "before the first position" in log.problems[0].message


def test_after_an_absurd_time_point_nothing_is_filed_under_the_one_before():
    log = read(
        "------Time point_1------\nPosition:1,p\n------Time point_99999999------\nPosition:1,p\n"
        "Channel:GFP set at:28-Sep-2018 17:18:15\n"
    )
    assert seconds(log) == {}


def test_without_a_start_the_first_time_is_the_start():
    log = read(
        "------Time point_1------\nPosition:1,p\nChannel:DIC set at:28-Sep-2018 17:18:15\n", None
    )
    assert seconds(log) == {("p", "DIC", 0): [0]}
    assert log.times.started == datetime(2018, 9, 28, 17, 18, 15)
    assert log.problems[0].severity == "info"


def test_lines_of_generation_3_carry_their_time_in_front():
    log = read(
        "2018-09-28 17:18:15,500 - INFO ------Time point_1------\n"
        "2018-09-28 17:18:16,000 - INFO Position:1,YST_247_001\n"
        "2018-09-28 17:18:16,750 - INFO Channel:cy5 set at:anything\n"
        "2018-09-28 17:18:17,750 - INFO something else\nChannel:GFP set at:28-Sep-2018 17:18:15\n",
        stamped=True,
    )
    assert seconds(log) == {("YST_247_001", "cy5", 0): [2.75]}


def test_names_may_be_in_any_encoding():
    log = read(
        "------Time point_1------\nPosition:1,Zürich 1\nChannel:Grün set at:28-Sep-2018 17:18:15\n".encode(
            "cp1252"
        )
    )
    assert list(seconds(log)) == [("Zürich 1", "Grün", 0)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_size_of_blocks_makes_no_difference(
    monkeypatch: pytest.MonkeyPatch, size: int, end: str
):
    text = (
        "------Time point_1------\nPosition:1,pos001\nMoved to X:1, Y:2\nChannel:DIC set at:28-Sep-2018 17:18:15\n"
        "Exposure time:7ms\nMoved to X:?\nPosition:2,pos002\nChannel:DIC set at:28-Sep-2018 17:18:20\n"
    ).replace("\n", end)
    whole = read(text)
    if size >= 64 or end == "\n":  # a line longer than a block is cut where only lone \r end lines
        monkeypatch.setattr(running_log, "BLOCK_SIZE", size)
        assert (
            b"".join(blocks(io.BytesIO(text.encode()))).replace(b"\r", b"\n")
            == text.replace("\r", "\n").encode()
        )
    monkeypatch.setattr(running_log, "BLOCK_SIZE", 1000)
    assert read(text) == whole


def test_a_long_log_takes_little_memory():
    position = (
        "Position:{0},pos{0:03d}\r\n\r\nChannel:DIC set at:28-Sep-2018 17:18:15\r\n\r\nExposure time:30ms\r\n"
        + "captureStack (Batgirl). Starting Z stage position is: 0.6. 28-Sep-2018 17:18:15\r\n\r\n"
        * 20
    )
    time_point = "".join(position.format(number) for number in range(100))

    class Long(io.RawIOBase):
        """A log of 150 time points, 25 MB, that never is in memory as a whole."""

        t = 0

        def read(self, size: int = -1) -> bytes:
            self.t += 1
            return (
                f"------Time point_{self.t}------\r\n{time_point}".encode()
                if self.t <= 150
                else b""
            )

    tracemalloc.start()
    log = read_running_log(blocks(Long()), file="a", started=STARTED, first_line=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(map(len, log.times.seconds.values())) == 15_000
    assert peak < 5 * 1024 * 1024
