"""CSV files that users name as tables."""

from pathlib import Path

import pytest

from pyomero_upload.metadata.csv_file import CsvError, read_csv
from pyomero_upload.metadata.text import SETTINGS_LIMIT


def write(tmp_path: Path, raw: bytes) -> Path:
    path = tmp_path / "t.csv"
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize(
    "raw",
    [
        b"well,strain,od\nA1,YST 247,0.5\nA2,YST 625,1\n",
        b"well;strain;od\r\nA1;YST 247;0.5\r\nA2;YST 625;1\r\n",
        b"\xef\xbb\xbfwell\tstrain\tod\rA1\tYST 247\t0.5\rA2\tYST 625\t1",
        "well,strain,od\nA1,YST 247,0.5\n\n ,,\nA2,YST 625,1\n".encode("utf-16"),
    ],
    ids=["commas", "semicolons of a German Excel", "tabs", "utf-16 with blank rows"],
)
def test_whatever_program_saved_it_the_table_is_the_same(tmp_path: Path, raw: bytes):
    table = read_csv("wells", write(tmp_path, raw), inside=tmp_path)
    assert table.name == "wells"
    assert table.frame.to_dict("list") == {
        "well": ["A1", "A2"],
        "strain": ["YST 247", "YST 625"],
        "od": [0.5, 1.0],
    }


def test_a_quoted_value_may_hold_commas_and_line_ends(tmp_path: Path):
    table = read_csv("t", write(tmp_path, b'a,b\n"1, 2","x\ny"\n'), inside=tmp_path)
    assert table.frame.iloc[0].tolist() == ["1, 2", "x\ny"]


@pytest.mark.parametrize(
    ("raw", "line", "says"),
    [
        (b"a,b\n1,2\n1,2,3\n", 3, "3 values under 2 columns"),
        (b'a,b\n"1,2\n', 2, "no CSV"),
        (b"\n\n", None, "is empty"),
    ],
)
def test_what_is_no_table_is_refused_with_its_line(
    tmp_path: Path, raw: bytes, line: int | None, says: str
):
    with pytest.raises(CsvError, match=says) as caught:
        read_csv("t", write(tmp_path, raw), inside=tmp_path)
    assert caught.value.line == line


def test_a_file_outside_the_folder_is_refused(tmp_path: Path):
    write(tmp_path, b"a\n1\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    with pytest.raises(CsvError, match="lies outside the folder"):
        read_csv("t", inner / ".." / "t.csv", inside=inner)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "link.csv").symlink_to(write(tmp_path, b"a\n1\n"))
    with pytest.raises(CsvError, match="lies outside the folder"):
        read_csv("t", inner / "link.csv", inside=inner)


@pytest.mark.parametrize("name", ["no.csv", "nul\0.csv"])
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, name: str):
    with pytest.raises(CsvError, match="cannot be read"):
        read_csv("t", tmp_path / name, inside=tmp_path)


def test_a_file_too_big_for_a_table_is_refused(tmp_path: Path):
    path = write(tmp_path, b"")
    with path.open("wb") as file:
        file.truncate(SETTINGS_LIMIT + 1)
    with pytest.raises(CsvError, match="larger than 16 MB"):
        read_csv("t", path, inside=tmp_path)
