"""The head of log files: details as people type them, light paths, tags; and what follows it."""
# ruff: noqa: DTZ001  (the microscopes write no time zone)

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from pyomero_upload.metadata import LogMetadataParser
from pyomero_upload.model import Channel, Metadata, Point

LOG = """\
Swain Lab microscope experiment log file
Swain lab microscope control software - MultiDGUI commit number:05903fb
Warning! - there are uncommitted changes - software may be different from the above commit
29-Feb-2020
Microscope name is: Batman
Acquisition settings are saved in:
C:\\path\\to\\experimentAcq.txt
Experiment details:
Aim: Compare media
Strain:
Mig1-GFP
Msn2-GFP
Authors: First Author, Second Author
Comments: Media: SC + 2% glucose
grown at 30 °C
Microscope setup for used channels:
Brightfield:
White LED
->(Polariser + Prism + condenser)]
GFP:
"470nm LED
->Filter block:[Dual exciter]
Micromanager config file:C:\\path\\config.cfg
Omero project:
SteadystateGlucose
Omero tags:
29-Feb-2020,Batman,3 chamber,GFP,1106.Mig2-GFP Mig1-mCherry,0.1% glucose,
Omero tag descriptions:
Date,Microscope,Device,Channel,Strain,Medium,
PFS is locked

Experiment started at:29-Feb-2020 01:16:51

------Time point_1------
Position:1,pos001
Moved to X:568, Y:1302
Channel:Brightfield set at:29-Feb-2020 01:17:01
Exposure time:30ms
Channel:GFP set at:29-Feb-2020 01:17:06
Exposure time:60ms
"""


def read(tmp_path: Path, text: str, encoding: str = "utf-8") -> Metadata:
    path = tmp_path / "experiment_log.txt"
    path.write_bytes(text.encode(encoding))
    return LogMetadataParser().extract_metadata(str(path))


def details(tmp_path: Path, text: str) -> Metadata:
    return read(
        tmp_path,
        LOG[: LOG.index("Experiment details:")] + text + LOG[LOG.index("Omero project:") :],
    )


def pairs(found: Metadata, key: str) -> list[str]:
    return [value for name, value in found.key_values if name == key]


def test_the_head_says_what_was_done(tmp_path: Path):
    found = read(tmp_path, LOG)
    assert found.problems == ()
    assert found.description == (
        "Aim: Compare media\nStrain: Mig1-GFP, Msn2-GFP\nComments: Media: SC + 2% glucose\ngrown at 30 °C"
    )
    assert found.authors == ("First Author", "Second Author")
    assert found.project == "SteadystateGlucose"
    assert found.tags == (
        "29-Feb-2020", "Batman", "3 chamber", "GFP", "1106.Mig2-GFP Mig1-mCherry", "0.1% glucose",
    )  # fmt: skip
    assert found.key_values == (
        ("Aim", "Compare media"),
        ("Strain", "Mig1-GFP"),
        ("Strain", "Msn2-GFP"),
        ("Author", "First Author"),
        ("Author", "Second Author"),
        ("Comments", "Media: SC + 2% glucose\ngrown at 30 °C"),
        ("Microscope", "Batman"),
        ("Date", "29-Feb-2020"),
        ("Project", "SteadystateGlucose"),
        ("Micromanager config file", "C:\\path\\config.cfg"),
        ("Software", "MultiDGUI commit number:05903fb (with uncommitted changes)"),
        ("Light path of Brightfield", "White LED -> (Polariser + Prism + condenser)"),
        ("Light path of GFP", "470nm LED -> Filter block:[Dual exciter]"),
    )
    assert found.tables[0].frame.iloc[1].tolist() == ["Batman", "Microscope"]


def test_the_light_paths_name_the_channels_and_the_light_that_excites(tmp_path: Path):
    assert read(tmp_path, LOG).channels == (
        Channel("Brightfield"),
        Channel("GFP", excitation_nm=470),
    )


def test_the_running_log_says_times_positions_and_exposures(tmp_path: Path):
    found = read(tmp_path, LOG)
    assert found.times.started == datetime(2020, 2, 29, 1, 16, 51)
    assert {key: list(seconds) for key, seconds in found.times.seconds.items()} == {
        ("pos001", "Brightfield", 0): [10.0],
        ("pos001", "GFP", 0): [15.0],
    }
    assert found.stage_positions == {"pos001": Point(568, 1302)}
    assert found.position_exposures_ms == {("pos001", "Brightfield"): 30, ("pos001", "GFP"): 60}


@pytest.mark.parametrize("end", ["\r\n", "\r\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_line_ends_and_encodings_make_no_difference(tmp_path: Path, end: str, encoding: str):
    found, plain = read(tmp_path, LOG.replace("\n", end), encoding), read(tmp_path, LOG)
    assert replace(found, tables=()) == replace(plain, tables=())
    assert found.tables[0].frame.equals(plain.tables[0].frame)


def test_details_may_all_stand_on_one_line_and_be_empty(tmp_path: Path):
    found = details(tmp_path, "Experiment details:\nAim:   Strain:   Comments:   \n")
    assert found.description == ""
    assert pairs(found, "Aim") == pairs(found, "Strain") == pairs(found, "Comments") == []
    assert found.problems == ()


def test_details_may_run_together_without_a_space(tmp_path: Path):
    found = read(
        tmp_path,
        "Experiment details:\nAim: test Strain:247Comments: Omero tags: 13-Sep-2017,Batgirl\n"
        "Experiment started at:13-Sep-2017 10:00:00\n",
    )
    assert pairs(found, "Aim") == ["test"]
    assert pairs(found, "Strain") == ["247"]
    assert pairs(found, "Comments") == []
    assert found.tags == ("13-Sep-2017", "Batgirl")
    assert found.problems == ()


def test_the_words_experiment_details_may_be_typed_again(tmp_path: Path):
    found = details(
        tmp_path,
        "Experiment details:\nExperiment details: GAL2 in sugars\nAim: see Experiment details: above\n",
    )
    assert found.description == "GAL2 in sugars\nabove\nAim: see"


def test_free_text_before_the_first_word_of_the_details_is_kept(tmp_path: Path):
    found = details(tmp_path, "Experiment details:\nTest of the device.\nStrain: none\n")
    assert found.description == "Test of the device.\nStrain: none"
    assert pairs(found, "Strain") == ["none"]


def test_prose_may_use_the_words_of_the_details(tmp_path: Path):
    found = details(tmp_path, "Experiment details:\nComments: no comments: the strain: grew\n")
    assert pairs(found, "Comments") == ["no comments: the strain: grew"]


def test_details_may_lack_their_heading(tmp_path: Path):
    assert pairs(details(tmp_path, "Aim: something\nStrain: 247\n"), "Strain") == ["247"]


@pytest.mark.parametrize(
    ("typed", "authors"),
    [
        ("Authors:\nFirst Author\nSecond Author\n", ("First Author", "Second Author")),
        ("Author: Other, Ann\n", ("Other, Ann",)),
        ("Authors: First Author; Bo\n", ("First Author", "Bo")),
    ],
)
def test_authors_stand_one_a_line_or_as_full_names(
    tmp_path: Path, typed: str, authors: tuple[str, ...]
):
    assert details(tmp_path, "Experiment details:\n" + typed).authors == authors


def test_the_title_the_setup_and_the_tags_may_be_missing(tmp_path: Path):
    found = read(
        tmp_path,
        "Swain lab microscope control software version 3.1\n28-Sep-2018\nMicroscope name is: Batgirl\n"
        "Experiment details:\nAim: a\nOmero project:\nP\nOmero tags:\nPFS is locked\n\n"
        "Experiment started at:28-Sep-2018 17:18:14\n",
    )
    assert (found.project, found.tags, found.channels) == ("P", (), ())
    assert pairs(found, "Software") == ["version 3.1"]
    assert found.problems == ()


def test_a_light_path_without_channel_is_kept(tmp_path: Path):
    found = read(tmp_path, "Microscope setup for used channels:\nWhite LED\nOmero project:\nP\n")
    assert pairs(found, "Light path") == ["White LED"]
    assert found.channels == ()


def test_a_line_that_belongs_to_nothing_is_a_warning_with_its_number(tmp_path: Path):
    found = read(tmp_path, LOG.replace("Omero project:", "What is this\nOmero project:"))
    (problem,) = found.problems
    assert (problem.severity, problem.code) == ("warning", "metadata-unreadable")
    assert problem.where == "experiment_log.txt:24"
    assert "What is this" in problem.message


def test_tag_descriptions_of_another_number_than_the_tags_are_reported(tmp_path: Path):
    found = read(tmp_path, LOG.replace("Date,Microscope,", "Date,"))
    assert found.tables == ()
    assert "6 tag descriptions for 7 tags" in found.problems[0].message


@pytest.mark.parametrize("end", range(1, len(LOG), 7))
def test_a_log_that_breaks_off_anywhere_is_read_as_far_as_it_goes(tmp_path: Path, end: int):
    found = read(tmp_path, LOG[:end])
    if end > LOG.index("Authors"):
        assert pairs(found, "Strain")[:2] == ["Mig1-GFP", "Msn2-GFP"]
    if LOG[end - 1] != "\n" and end < LOG.index("Experiment started"):
        assert any("breaks off" in problem.message for problem in found.problems)
    if end > LOG.index("29-Feb-2020,Batman,3"):
        assert found.project == "SteadystateGlucose"
    for problem in found.problems:
        assert problem.where.startswith("experiment_log.txt")


def test_an_empty_log_is_reported(tmp_path: Path):
    assert "nothing in it" in read(tmp_path, "\n").problems[0].message


def test_a_log_that_cannot_be_opened_is_a_problem_and_no_exception(tmp_path: Path):
    found = LogMetadataParser().extract_metadata(str(tmp_path / "no_log.txt"))
    assert found.problems[0].code == "metadata-unreadable"
    assert found.attachments == ()


def test_a_running_log_without_a_head_is_read(tmp_path: Path):
    found = read(tmp_path, LOG[LOG.index("------Time") :])
    assert list(found.times.seconds["pos001", "GFP", 0]) == [5.0]
    assert found.times.started == datetime(2020, 2, 29, 1, 17, 1)
    assert any(
        "does not say when the experiment started" in problem.message for problem in found.problems
    )


def test_line_numbers_of_the_running_log_count_from_the_start_of_the_file(tmp_path: Path):
    found = read(tmp_path, LOG + "Moved to X:12, nowhere\n")
    assert found.problems[0].where == f"experiment_log.txt:{LOG.count(chr(10)) + 1}"


def test_the_real_log_is_read_without_a_complaint(demo: Path):
    found = LogMetadataParser().extract_metadata(str(demo / "microscope1_log.txt"))
    assert found.problems == ()
    assert found.authors == ("Julian Pietsch", "Ivan Clark")
    assert found.tags == ("28-Sep-2018", "Batgirl")
    assert found.project == "Morphology detection"
    assert pairs(found, "Strain") == ["Mig1-GFP", "Dot6-GFP", "Maf1-GFP", "Sfp1-GFP", "Msn2-GFP"]
    assert found.times.started == datetime(2018, 9, 28, 17, 18, 14)
    assert list(found.times.seconds["pos001", "Brightfield", 0]) == [1.0, 301.0, 601.0]
    assert len(found.times.seconds) == 75
    assert found.position_exposures_ms["pos001", "GFP"] == 7


def test_people_may_type_a_date_among_the_details(tmp_path: Path):
    found = details(
        tmp_path,
        "Experiment details:\nComments: first try\nDate: a Tuesday\n1-Mar-2020\nStrain: 247\n",
    )
    assert pairs(found, "Comments") == ["first try\nDate: a Tuesday\n1-Mar-2020"]
    assert pairs(found, "Date") == ["29-Feb-2020"]
    assert pairs(found, "Strain") == ["247"]
