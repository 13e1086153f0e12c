"""Acquisition settings of generations 1 and 2, in all the states that files come in."""

import math
from pathlib import Path

import pandas as pd
import pytest

from pyomero_upload.metadata import AcqMetadataParser
from pyomero_upload.model import Channel, Metadata, Point

GENERATION_2 = """\
Channels:
Channel name, Exposure time, Skip, Z sect., Start time, Camera mode, EM gain, Voltage
 Brightfield,            30,    1,       1,          1,           2,     270,   1.000
     GFPFast,            60,    5,       0,          1,           3,     200,   3.500
Z_sectioning:
Sections,Spacing,PFSon?,AnyZ?,Drift,Method
       3,   0.80,     1,    1,    0,     2
Time_settings:
1,120,660,79200
Points:
Position name, X position, Y position, Z position, PFS offset, Group, Brightfield,    GFPFast
 YST_247_001,     568.00,    1302.00,   1876.500,    122.450,     1,         30,         50
      pos002,    1267.00,   -1302.00,   1880.125,    119.950,     2,         30,         60

Flow_control:
Syringe pump details: 2 pumps.
Pump states at beginning of experiment:
Pump port, Diameter, Current rate, Direction, Running, Contents
     COM7,    14.43,         0.00,       INF,       1, 2% glucose in SC, with amino acids
     COM8,    14.43,         4.00,       WDR,       1, 0.1% glucose in SC

Dynamic flow details:
Number of pump changes:
2
Switching parameters:
Infuse/withdraw volumes:
50
Infuse/withdraw rates:
100,120
Times:
0,60
Switched to:
2,1
Switched from:
1,2
Flow post switch:
4,0,4
0,4,0
"""

GENERATION_1 = """\
Channels:
GFP,60,1,1,0.000000,2,270.000000,1.000000
DIC,30,0,0,-1.500000,2,270.000000,1.000000
Z_sectioning:
5,0.600000
1
0
1
Time_settings:
1,300,288,86400
Points:
pos1,10846.5,10208.1,3431.425,19.225,7
pos2,10846.5,9805.6,3430.875,19.225,60
"""


def read(tmp_path: Path, text: str | bytes, encoding: str = "utf-8") -> Metadata:
    path = tmp_path / "experiment_Acq.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return AcqMetadataParser().extract_metadata(str(path))


def table(found: Metadata, name: str) -> pd.DataFrame:
    return next(table.frame for table in found.tables if table.name == name)


def test_generation_2_says_channels_sections_times_and_positions(tmp_path: Path):
    found = read(tmp_path, GENERATION_2)
    assert found.problems == ()
    assert found.channels == (
        Channel("Brightfield", exposure_ms=30, em_gain=270, voltage_v=1, use_z=True),
        Channel("GFPFast", exposure_ms=60, em_gain=200, voltage_v=3.5, use_z=False, every_t=5),
    )
    assert found.z_step_um == 0.8
    assert found.time_interval_s == 120
    assert found.stage_positions == {
        "YST_247_001": Point(568, 1302, 1876.5),
        "pos002": Point(1267, -1302, 1880.125),
    }
    assert found.position_exposures_ms["YST_247_001", "GFPFast"] == 50
    assert found.position_exposures_ms["pos002", "GFPFast"] == 60
    assert ("Time points", "660") in found.key_values
    assert found.time_points == 660
    assert found.attachments == ("experiment_Acq.txt",)


def test_generation_2_gives_tables_with_typed_columns(tmp_path: Path):
    found = read(tmp_path, GENERATION_2)
    assert [t.name for t in found.tables] == [
        "channels", "zsections", "timesettings", "positions", "pumpstart", "pumpswitches", "pumpflow",
    ]  # fmt: skip
    positions = table(found, "positions")
    assert positions["Position name"].tolist() == ["YST_247_001", "pos002"]
    assert str(positions["X position"].dtype) == "float64"
    assert str(positions["Group"].dtype) == "int64"
    pumps = table(found, "pumpstart")
    assert pumps["Contents"].tolist() == [
        "2% glucose in SC, with amino acids",
        "0.1% glucose in SC",
    ]
    assert pumps["Direction"].tolist() == ["INF", "WDR"]
    switches = table(found, "pumpswitches")
    assert switches.to_dict("list") == {
        "Time": [0, 60],
        "Switched to": [2, 1],
        "Switched from": [1, 2],
        "Volume": [50, 50],
        "Rate": [100, 120],
    }
    assert table(found, "pumpflow").to_numpy().tolist() == [[1, 4, 0, 4], [2, 0, 4, 0]]


def test_generation_1_has_no_header_rows(tmp_path: Path):
    found = read(tmp_path, GENERATION_1)
    assert found.problems == ()
    assert found.channels == (
        Channel("GFP", exposure_ms=60, em_gain=270, use_z=True),
        Channel("DIC", exposure_ms=30, em_gain=270, use_z=False),
    )
    assert table(found, "zsections").to_dict("list") == {
        "Sections": [5],
        "Spacing": [0.6],
        "PFSon?": [1],
        "AnyZ?": [0],
        "Check PFS?": [1],
    }
    assert found.stage_positions["pos1"] == Point(10846.5, 10208.1, 3431.425)
    assert table(found, "channels")["Z offset"].tolist() == [0, -1.5]


def test_in_generation_1_the_exposure_of_a_point_is_that_of_channels_exposed_by_point(
    tmp_path: Path,
):
    assert read(tmp_path, GENERATION_1).position_exposures_ms == {
        ("pos1", "GFP"): 7,
        ("pos2", "GFP"): 60,
    }


@pytest.mark.parametrize("lines", [["5,0.600000"], ["5,0.600000", "1"], ["5,0.600000", "1", "0"]])
def test_generation_1_may_say_less_about_z(tmp_path: Path, lines: list[str]):
    found = read(tmp_path, "Z_sectioning:\n" + "\n".join(lines) + "\n")
    assert found.problems == ()
    assert found.z_step_um == 0.6
    assert len(table(found, "zsections").columns) == 1 + len(lines)


def test_generation_1_may_have_no_points(tmp_path: Path):
    found = read(tmp_path, GENERATION_1.partition("pos1,")[0])
    assert found.stage_positions == {}
    assert found.problems == ()


@pytest.mark.parametrize("end", ["\r\n", "\r\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_line_ends_and_encodings_make_no_difference(tmp_path: Path, end: str, encoding: str):
    text = GENERATION_2.replace("GFPFast", "Grün").replace("SC, with", "SC at 30°, with")
    found = read(tmp_path, text.replace("\n", end), encoding)
    assert found.channels[1].name == "Grün"
    assert table(found, "pumpstart")["Contents"][0] == "2% glucose in SC at 30°, with amino acids"
    assert found.problems == ()


def test_a_channel_may_occur_twice(tmp_path: Path):
    text = GENERATION_2.replace("Brightfield", "GFPFast")
    found = read(tmp_path, text)
    assert [channel.name for channel in found.channels] == ["GFPFast", "GFPFast"]
    assert [channel.exposure_ms for channel in found.channels] == [30, 60]
    assert list(table(found, "positions").columns)[-2:] == ["GFPFast", "GFPFast (2)"]
    assert found.position_exposures_ms["YST_247_001", "GFPFast"] == 30
    assert found.problems == ()


def test_any_channel_name_is_a_channel(tmp_path: Path):
    names = ["DIC", "pHluorin405", "coumarin", "something new (2)"]
    rows = "\n".join(f"{name}, 30, 1, 1, 1, 2, 270, 1" for name in names)
    found = read(
        tmp_path,
        f"Channels:\nChannel name, Exposure time, Skip, Z sect., Start time, Camera mode, EM gain, Voltage\n{rows}\n",
    )
    assert [channel.name for channel in found.channels] == names


def test_pumps_may_have_no_header(tmp_path: Path):
    found = read(
        tmp_path,
        "Flow_control:\nSyringe pump details: 1 pumps.\nPump states at beginning of experiment:\n"
        "COM5, 14.43, 4.00, INF, 1, 2% glucose, SC\n",
    )
    assert found.problems == ()
    assert table(found, "pumpstart").iloc[0].tolist() == [
        "COM5",
        14.43,
        4.0,
        "INF",
        1,
        "2% glucose, SC",
    ]


def test_another_number_of_pumps_than_announced_is_reported(tmp_path: Path):
    found = read(
        tmp_path, "Flow_control:\nSyringe pump details: 2 pumps.\nCOM5, 14.43, 4.00, INF, 1, SC\n"
    )
    assert found.problems[0].where == "experiment_Acq.txt:2"
    assert "2 pumps are announced and 1 listed" in found.problems[0].message


def test_older_files_write_the_dynamic_flow_behind_the_colons(tmp_path: Path):
    found = read(
        tmp_path,
        "Dynamic flow details:\nNumber of pump changes:2\nSwitching parameters:50,100\nTimes:0,60\nSwitched to:2,1\n"
        "Switched from:1,2\nFlow post switch:\n0,4\n4,0\n",
    )
    assert found.problems == ()
    assert table(found, "pumpswitches").to_dict("list") == {
        "Time": [0, 60],
        "Switched to": [2, 1],
        "Switched from": [1, 2],
        "Volume": [50, 50],
        "Rate": [100, 100],
    }
    assert ("Pump changes", "2") in found.key_values


def test_without_a_pump_change_the_template_of_one_is_no_table(tmp_path: Path):
    found = read(
        tmp_path,
        "Dynamic flow details:\nNumber of pump changes:\n0\nSwitching parameters:\nInfuse/withdraw volumes:\n50\n"
        "Times:\n0\nSwitched to:\n0\nSwitched from:\n0\nFlow post switch:\n0.4\n4\n",
    )
    assert found.tables == ()
    assert found.key_values == (("Pump changes", "0"),)
    assert found.problems == ()


def test_pump_changes_with_values_missing_are_reported(tmp_path: Path):
    found = read(
        tmp_path,
        "Dynamic flow details:\nstray\nNumber of pump changes:2\nTimes:0,60\nSwitched to:2\nSwitched from:x\n",
    )
    switches = table(found, "pumpswitches")
    assert switches["Switched to"].iloc[0] == 2
    assert math.isnan(switches["Switched to"].iloc[1])
    messages = " ".join(problem.message for problem in found.problems)
    assert "belongs to no setting" in messages
    assert "1 values of switched to for 2 pump changes" in messages
    assert "that is no number; left out: 'x'" in messages


def test_sections_may_be_empty(tmp_path: Path):
    found = read(
        tmp_path,
        "Channels:\nZ_sectioning:\nTime_settings:\nPoints:\nFlow_control:\nDynamic flow details:\n",
    )
    assert found == Metadata(attachments=("experiment_Acq.txt",))


def test_pump_changes_without_times_are_no_table(tmp_path: Path):
    found = read(
        tmp_path, "Dynamic flow details:\nNumber of pump changes:\n2\nTimes:\nSwitched to:\n"
    )
    assert found.tables == ()


def test_a_single_snapshot_has_no_time_interval(tmp_path: Path):
    found = read(tmp_path, "Time_settings:\n0,300,1,300\n")
    assert found.time_interval_s is None


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("hello\n" + GENERATION_2, ":1", "before the first section"),
        (GENERATION_2.replace("   5,       0,          1", "   5"), ":4", "A row with 6 of 8 values"),
        (GENERATION_2.replace("3.500", "3.500, 9, 9"), ":4", "A row with 10 values under 8 columns"),
        (GENERATION_2.replace("   60,    5", "  lots,  5"), ":4", "Exposure time is no number"),
        (GENERATION_2.replace("GFPFast,            60", ",            60"), ":4", "A row without channel name"),
        (GENERATION_2.replace("1302.00,   1876", "13o2,   1876"), ":12", "Y position is no number"),
        (GENERATION_2.replace("pos002", "YST_247_001"), ":13", "already listed"),
        (GENERATION_2.replace("   0.80", "  -0.80"), ":7", "less than 0"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_a_warning_with_its_line(
    tmp_path: Path, text: str, where: str, says: str
):
    problems = read(tmp_path, text).problems
    assert [(p.severity, p.code, p.where) for p in problems] == [
        ("warning", "metadata-unreadable", f"experiment_Acq.txt{where}")
    ]
    assert says in problems[0].message


def test_a_bad_value_is_left_empty_and_the_rest_of_its_row_kept(tmp_path: Path):
    found = read(tmp_path, GENERATION_2.replace("   60,    5", "  lots,  5"))
    assert found.channels[1] == Channel(
        "GFPFast", em_gain=200, voltage_v=3.5, use_z=False, every_t=5
    )


def test_a_file_that_breaks_off_keeps_everything_before_its_last_value(tmp_path: Path):
    cut = GENERATION_2[: GENERATION_2.index("-1302.00") + 4]
    found = read(tmp_path, cut)
    assert found.stage_positions == {"YST_247_001": Point(568, 1302, 1876.5), "pos002": Point(1267)}
    (problem,) = found.problems
    assert problem.where == "experiment_Acq.txt:13"
    assert "breaks off" in problem.message


def test_a_file_that_breaks_off_in_a_name_does_not_invent_one(tmp_path: Path):
    found = read(tmp_path, GENERATION_2[: GENERATION_2.index("GFPFast") + 3])
    assert [channel.name for channel in found.channels] == ["Brightfield"]
    assert len(found.problems) == 1


def test_a_file_that_breaks_off_in_the_pump_changes_says_so(tmp_path: Path):
    found = read(tmp_path, GENERATION_2.rstrip()[:-1])
    assert table(found, "pumpflow")["State 3"].tolist()[0] == 4
    assert "breaks off" in found.problems[0].message


def test_a_header_that_lost_columns_leaves_positions_unknown(tmp_path: Path):
    found = read(tmp_path, "Points:\nPosition name, Y position\npos001, 5\n")
    assert found.stage_positions == {"pos001": Point(None, 5, None)}


def test_not_a_number_in_the_file_is_unknown(tmp_path: Path):
    found = read(tmp_path, GENERATION_2.replace("     200,", "     NaN,"))
    assert found.channels[1].em_gain is None
    assert found.problems == ()


def test_the_real_settings_are_read_without_a_complaint(demo: Path):
    found = AcqMetadataParser().extract_metadata(str(demo / "microscope1_Acq.txt"))
    assert found.problems == ()
    assert [(c.name, c.exposure_ms) for c in found.channels] == [
        ("Brightfield", 30),
        ("DIC", 30),
        ("GFP", 60),
    ]
    assert len(found.stage_positions) == 25
    assert found.position_exposures_ms["pos001", "GFP"] == 7
    assert [t.name for t in found.tables] == [
        "channels",
        "zsections",
        "timesettings",
        "positions",
        "pumpstart",
    ]
