"""Bytes to lines: encodings, line ends, files that break off; and times in English."""
# ruff: noqa: DTZ001  (the microscopes write no time zone)

from datetime import datetime
from pathlib import Path

import pytest

from pyomero_upload.metadata.text import (
    SETTINGS_LIMIT,
    Line,
    Unreadable,
    decode,
    read_datetime,
    read_lines,
    split_lines,
)


@pytest.mark.parametrize(
    "raw",
    [
        "Zürich, 0.6 µm\n".encode(),
        b"\xef\xbb\xbf" + "Zürich, 0.6 µm\n".encode(),
        "Zürich, 0.6 µm\n".encode("cp1252"),
        "Zürich, 0.6 µm\n".encode("utf-16"),
        b"\xfe\xff" + "Zürich, 0.6 µm\n".encode("utf-16-be"),
    ],
    ids=["utf-8", "utf-8 with mark", "windows-1252", "utf-16", "utf-16 big-endian"],
)
def test_text_reads_the_same_in_every_encoding(tmp_path: Path, raw: bytes):
    (tmp_path / "a.txt").write_bytes(raw)
    assert read_lines(tmp_path / "a.txt", Unreadable("a.txt")) == [Line(1, "Zürich, 0.6 µm")]


def test_bytes_that_windows_1252_does_not_know_are_kept():
    assert decode(b"\x81\xe9") == "\x81é"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n", "\r"])
def test_every_line_end_ends_one_line(end: str):
    raw = f"one{end}{end}three{end}".encode()
    assert split_lines(raw) == [Line(1, "one"), Line(2, ""), Line(3, "three")]


def test_the_last_line_of_a_file_that_breaks_off_is_marked():
    assert split_lines(b"one\ntw") == [Line(1, "one"), Line(2, "tw", cut=True)]


def test_a_file_that_cannot_be_opened_is_a_problem_and_no_exception(tmp_path: Path):
    unreadable = Unreadable("no.txt")
    assert read_lines(tmp_path / "no.txt", unreadable) == []
    (problem,) = unreadable.problems()
    assert (problem.severity, problem.code, problem.where) == (
        "warning",
        "metadata-unreadable",
        "no.txt",
    )
    assert "No such file" in problem.message
    assert unreadable.is_closed


def test_a_file_too_big_for_settings_is_not_read(tmp_path: Path):
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(SETTINGS_LIMIT + 1)
    unreadable = Unreadable("a.txt")
    assert read_lines(tmp_path / "a.txt", unreadable) == []
    assert "larger than 16 MB" in unreadable.problems()[0].message


def test_an_empty_file_is_reported(tmp_path: Path):
    (tmp_path / "a.txt").write_bytes(b"\r\n")
    unreadable = Unreadable("a.txt")
    read_lines(tmp_path / "a.txt", unreadable)
    assert "it is empty" in unreadable.problems()[0].message


def test_lines_of_one_kind_are_one_problem_with_the_first_line_and_their_number():
    unreadable = Unreadable("a_Acq.txt")
    for number in (7, 8, 9):
        unreadable.line(number, "No number", f"x{number}")
    unreadable.line(3, "No channel", "y" * 500)
    first, second = unreadable.problems()
    assert first.where == "a_Acq.txt:3"
    assert len(first.message) < 200
    assert second.where == "a_Acq.txt:7"
    assert second.message == "No number: 'x7' (and 2 more like it)."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("28-Sep-2018 17:18:15", datetime(2018, 9, 28, 17, 18, 15)),
        ("1-mar-2020 01:02:03", datetime(2020, 3, 1, 1, 2, 3)),
        ("29-Feb-2020", datetime(2020, 2, 29)),  # MATLAB at midnight
        ("2022-10-10 15:31:27,350", datetime(2022, 10, 10, 15, 31, 27, 350_000)),
        ("31-Feb-2020 10:00:00", None),
        ("28-Okt-2018 17:18:15", None),
        ("28-Sep-2018 25:18:15", None),
        ("2022-13-10 15:31:27", None),
        ("yesterday", None),
    ],
)
def test_times_are_read_in_english_whatever_the_locale(text: str, expected: datetime | None):
    assert read_datetime(text) == expected
