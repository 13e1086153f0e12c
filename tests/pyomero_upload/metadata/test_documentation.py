"""The examples of the documentation do what the pages say."""

import re
from pathlib import Path

import pytest

from pyomero_upload.metadata import AcqMetadataParser, LogMetadataParser, read_metadata
from pyomero_upload.model import Channel, FileStat, Metadata, Point

DOCS = Path(__file__).parents[3] / "docs"


def examples() -> list[str]:
    page = (DOCS / "reference/log-formats.md").read_text(encoding="utf-8")
    return re.findall(r"```text\n(.*?)```", page, re.DOTALL)


def read(tmp_path: Path, number: int) -> Metadata:
    text = examples()[number]
    settings = text.startswith("Channels:")
    path = tmp_path / ("a_Acq.txt" if settings else "a_log.txt")
    path.write_text(text, encoding="utf-8")
    return (AcqMetadataParser() if settings else LogMetadataParser()).extract_metadata(str(path))


@pytest.mark.parametrize("number", [0, 1, 2, 4])
def test_the_formats_shown_are_read_without_a_complaint(tmp_path: Path, number: int):
    assert len(examples()) == 5
    assert read(tmp_path, number).problems == ()


def test_the_formats_shown_say_what_the_page_says(tmp_path: Path):
    assert [channel.every_t for channel in read(tmp_path, 0).channels] == [1, 5]
    assert read(tmp_path, 1).position_exposures_ms == {("pos1", "GFP"): 7}
    assert read(tmp_path, 2).channels == (Channel("GFP", excitation_nm=470),)
    assert read(tmp_path, 3).stage_positions == {"pos001": Point(10846.5, 10208.1)}
    assert read(tmp_path, 4).time_interval_s == 300


def test_the_parser_shown_works(tmp_path: Path):
    (tmp_path / "run.notes").write_text(
        "about = Heat shock\nkeywords = yeast heat\nchannels = GFP DIC\nStrain = 247\n",
        encoding="utf-8",
    )
    found = read_metadata(
        tmp_path,
        {"run.notes": FileStat(0, 0)},
        parser=f"{DOCS / 'examples/own_parser.py'}:NotesParser",
    )
    assert found == Metadata(
        description="Heat shock",
        tags=("yeast", "heat"),
        channels=(Channel("GFP"), Channel("DIC")),
        key_values=(("Strain", "247"),),
        attachments=("run.notes",),
    )
