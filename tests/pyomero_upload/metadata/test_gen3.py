"""The acquisition settings in the log of generation 3."""
# ruff: noqa: DTZ001  (the microscopes write no time zone)

from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from pyomero_upload.metadata import LogMetadataParser
from pyomero_upload.model import Channel, Metadata, Point

HEAD = """\
Swain Lab microscope experiment log file
-------------------------------------
Experiment details: Aim: Growth Strain: YST_625 Comments: No switch: SC only
Omero project:
BABY paper
-------------------------------------
Acquisition settings
"""
CHANNELS = """\
Image config,Channel,Description,Exposure (ms),Number of Z sections,Z spacing (um),Sectioning method
brightfield1,Brightfield,Default bright field config,30,5,0.6,PIFOC
pHluorin405_0_4,pHluorin405,Phluorin excitation from 405 LED, 0.4 V,5,1,0.6,PIFOC
"""
REST = """\
Device properties:
Image config,device,property,value
pHluorin405_0_4,DTOL-DAC-1,Volts,0.4
Number of timepoints = 180
Interval = 300 s
group: YST_247 field: position
Name,X,Y,Z,Autofocus offset
YST_247_001,-8968,-3698,2263.35,116
group: pH7_24 field: position
Name, X, Y, Z, Autofocus offset
pH7_24_001,-5625,-3698,2263.35,116
2023-02-02 16:53:47,971 - INFO started
-----Experiment started-----
2023-02-02 16:53:48,971 - INFO first image
"""
# As a microscope wrote it in 2022, in short.
STAMPED = """\
2022-10-10 15:31:27,350 - INFO
Swain Lab microscope experiment log file
GIT commit: e5d5e33 fix: changes to focus control
Microscope name: Batman
Date: 10-Oct-2022
Log file path: D:\\data\\pH.log
Micromanager config file: C:\\config.cfg
Omero project: Default project
Omero tags: 10-Oct-2022,Batman,
Experiment details: Effect of pH on growth
-----Acquisition settings-----

2022-10-10 15:31:27,350 - INFO Image Configs:
Image config,Channel,Description,Exposure (ms), Number of Z sections,Z spacing (um),Sectioning method
GFP,GFPFast,Default GFP,30,3,0.8,PIFOC

Device properties:
Image config,device,property,value
GFP,DTOL-DAC-2,Volts,4

2022-10-10 15:31:27,353 - INFO
group: YST_247 field: position
Name, X, Y, Z, Autofocus offset
YST_247_001,-8968,-3319,2731.125,123.25
group: YST_247 field: time
start: 0
interval: 300
frames: 180

group: YST_247 field: config
GFP: 0xfffffffffffffffffffffffffffffffffffffffffffff
2022-10-10 15:31:27,365 - INFO
-----Experiment started-----
2022-10-10 15:31:28,365 - INFO something
"""


def read(tmp_path: Path, text: str) -> Metadata:
    path = tmp_path / "experiment.log"
    path.write_text(text, encoding="utf-8")
    return LogMetadataParser().extract_metadata(str(path))


def table(found: Metadata, name: str) -> pd.DataFrame:
    return next(table.frame for table in found.tables if table.name == name)


def test_tables_that_follow_one_another_are_told_apart(tmp_path: Path):
    found = read(tmp_path, HEAD + CHANNELS + REST)
    assert found.problems == ()
    assert found.channels == (
        Channel("brightfield1", exposure_ms=30, use_z=True),
        Channel("pHluorin405_0_4", exposure_ms=5, voltage_v=0.4, use_z=False),
    )
    assert found.z_step_um == 0.6
    assert found.time_interval_s == 300
    assert found.stage_positions == {
        "YST_247_001": Point(-8968, -3698, 2263.35),
        "pH7_24_001": Point(-5625, -3698, 2263.35),
    }
    assert found.times.started == datetime(2023, 2, 2, 16, 53, 47, 971_000)
    assert ("Time points", "180") in found.key_values
    assert found.time_points == 180
    assert table(found, "positions")["Group"].tolist() == ["YST_247", "pH7_24"]
    assert (
        table(found, "channels")["Description"].tolist()[1]
        == "Phluorin excitation from 405 LED, 0.4 V"
    )
    assert table(found, "deviceproperties")["value"].tolist() == [0.4]


def test_the_head_is_that_of_the_older_generations(tmp_path: Path):
    found = read(tmp_path, HEAD + CHANNELS + REST)
    assert found.description == "Aim: Growth\nStrain: YST_625\nComments: No switch: SC only"
    assert found.project == "BABY paper"


def test_a_log_with_stamps_in_its_head_is_read(tmp_path: Path):
    found = read(tmp_path, STAMPED)
    assert found.problems == ()
    assert found.description == "Effect of pH on growth"
    assert found.tags == ("10-Oct-2022", "Batman")
    assert ("Microscope", "Batman") in found.key_values
    assert ("Software version", "e5d5e33 fix: changes to focus control") in found.key_values
    assert found.channels == (Channel("GFP", exposure_ms=30, voltage_v=4, use_z=True),)
    assert found.time_interval_s == 300
    assert table(found, "timesettings").iloc[0].tolist() == ["YST_247", 0, 300, 180]
    assert table(found, "groupsettings")["Name"].tolist() == ["GFP"]
    assert found.times.started == datetime(2022, 10, 10, 15, 31, 27, 365_000)


def test_z_settings_may_stand_between_the_channels(tmp_path: Path):
    rows = CHANNELS.splitlines(keepends=True)
    text = "".join(
        [HEAD, *rows[:2], "Z settings:\nsections,spacing,method\n5,0.6,PIFOC\n", rows[2], REST]
    )
    found = read(tmp_path, text)
    assert found.problems == ()
    assert [channel.name for channel in found.channels] == ["brightfield1", "pHluorin405_0_4"]
    assert table(found, "zsections").iloc[0].tolist() == [5, 0.6, "PIFOC"]


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("Interval = 300", 300),
        ("Interval: 5 min", 300),
        ("Time interval (s) = 2.5", 2.5),
        ("Interval 0", None),
    ],
)
def test_the_interval_may_have_a_unit(tmp_path: Path, line: str, seconds: float | None):
    found = read(tmp_path, HEAD + line + "\n")
    assert found.time_interval_s == seconds
    assert found.problems == ()


@pytest.mark.parametrize(
    ("old", "new", "where", "says"),
    [
        ("Interval = 300 s", "Interval = 300 fortnights", 15, "fits no table"),
        ("pH7_24_001,-5625", "pH7_24_001", 21, "fits no table"),
        ("Device properties:", "Gadget properties:", 11, "fits no table"),
        ("config,30,", "config,fast,", 7, "without a number as exposure time"),
        ("YST_247_001,-8968", "pH7_24_001,-8968", 7, "already listed"),
        ("0.4 V,5,1,0.6", "0.4 V,5,3,0.7", 7, "different z spacings"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_a_warning(
    tmp_path: Path, old: str, new: str, where: int, says: str
):
    text = HEAD + CHANNELS + REST
    assert old in text
    (problem,) = read(tmp_path, text.replace(old, new)).problems
    assert problem.where == f"experiment.log:{where}"
    assert says in problem.message


def test_groups_with_different_intervals_are_reported(tmp_path: Path):
    found = read(
        tmp_path, STAMPED.replace("Device properties:", "Interval = 60\nDevice properties:")
    )
    assert found.time_interval_s == 60
    assert "60 s in the settings, 300 s in group YST_247" in found.problems[0].message


def test_a_log_that_breaks_off_in_a_table_keeps_what_is_sure(tmp_path: Path):
    text = HEAD + CHANNELS + REST
    found = read(tmp_path, text[: text.index("2263.35,116") + len("2263.35,1")])
    assert found.stage_positions == {"YST_247_001": Point(-8968, -3698, 2263.35)}
    assert "breaks off" in found.problems[0].message


def test_long_runs_of_spaces_do_not_hang(tmp_path: Path):
    found = read(tmp_path, HEAD + "group:" + " " * 200_000 + "x\nInterval" + " " * 200_000 + "(\n")
    assert len(found.problems) == 1
