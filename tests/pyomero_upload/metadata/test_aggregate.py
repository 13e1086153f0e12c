"""Which files of a folder are read, by which parser, and what comes out."""

import sys
from pathlib import Path

import pytest

from pyomero_upload.errors import PyomeroError, UsageError
from pyomero_upload.metadata import MetadataAggregator, read_metadata
from pyomero_upload.model import FileStat, Metadata

ACQ = "Z_sectioning:\nSections,Spacing,PFSon?,AnyZ?,Drift,Method\n5,{0},0,1,0,2\n"
LOG = "Omero project:\n{0}\nExperiment started at:28-Sep-2018 17:18:14\n"


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def listing(folder: Path) -> dict[str, FileStat]:
    return {
        p.relative_to(folder).as_posix(): FileStat(0, 0)
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def read(folder: Path, **options: object) -> Metadata:
    return read_metadata(folder, listing(folder), **options)  # type: ignore[arg-type]


def test_settings_and_log_are_read_together(tmp_path: Path):
    write(
        tmp_path,
        {"a_Acq.txt": ACQ.format(0.6), "a_log.txt": LOG.format("P"), "a_Pos.txt": "Points:\n"},
    )
    found = read(tmp_path)
    assert (found.z_step_um, found.project) == (0.6, "P")
    assert found.attachments == ("a_Acq.txt", "a_log.txt", "a_Pos.txt")
    assert found.problems == ()


@pytest.mark.parametrize(
    ("files", "z_step", "project"),
    [
        ({"a_Acq.txt": ACQ.format(0.6)}, 0.6, None),
        ({"a_log.txt": LOG.format("P")}, None, "P"),
        ({}, None, None),
    ],
)
def test_either_file_may_be_missing_or_both(
    tmp_path: Path, files: dict[str, str], z_step: float | None, project: str | None
):
    found = read(write(tmp_path, files))
    assert (found.z_step_um, found.project, found.problems) == (z_step, project, ())


def test_text_files_in_sub_folders_are_not_those_of_the_folder(tmp_path: Path):
    assert read(write(tmp_path, {"pos001/a_Acq.txt": ACQ.format(0.6)})) == Metadata()


def test_names_match_in_any_letter_case(tmp_path: Path):
    assert read(write(tmp_path, {"a_ACQ.TXT": ACQ.format(0.6)})).z_step_um == 0.6


def test_of_several_files_that_is_read_whose_name_the_images_bear(tmp_path: Path):
    write(
        tmp_path,
        {
            "a_Acq.txt": ACQ.format(0.5),
            "batch2_Acq.txt": ACQ.format(0.6),
            "pos001/batch2_000001_DIC_001.png": "",
            "pos001/batch2_000001_DIC_002.png": "",
            "pos001/other_000001_DIC_002.png": "",
        },
    )
    found = read(tmp_path)
    assert found.z_step_um == 0.6
    assert found.attachments == ("batch2_Acq.txt", "a_Acq.txt")
    (problem,) = found.problems
    assert (problem.severity, problem.code, problem.where) == (
        "warning",
        "several-metadata-files",
        "batch2_Acq.txt",
    )
    assert "a_Acq.txt only attached" in problem.message


def test_of_several_files_that_no_image_is_named_after_the_first_is_read(tmp_path: Path):
    write(
        tmp_path,
        {"run10_Acq.txt": ACQ.format(10), "run9_Acq.txt": ACQ.format(9), "Acq.txt": ACQ.format(1)},
    )
    assert read(tmp_path).z_step_um == 1


def test_a_log_of_another_program_is_left_alone(tmp_path: Path):
    write(
        tmp_path,
        {
            "install.log": "nothing of ours\n",
            "a.log": "Swain Lab microscope experiment log file\n" + LOG,
        },
    )
    found = read(tmp_path)
    assert found.project == "{0}"
    assert found.attachments == ("a.log",)


def test_a_file_that_vanished_since_the_listing_is_a_warning(tmp_path: Path):
    found = read_metadata(tmp_path, {"a_Acq.txt": FileStat(1, 1), "a.log": FileStat(1, 1)})
    assert {problem.where for problem in found.problems} == {"a_Acq.txt", "a.log"}
    assert found.attachments == ()


def test_the_aggregator_reads_a_folder_by_itself(tmp_path: Path):
    write(tmp_path, {"a_Acq.txt": ACQ.format(0.6), "pos001/a_000001_DIC_001.png": ""})
    assert MetadataAggregator().extract_metadata(str(tmp_path)).z_step_um == 0.6


def test_one_folder_after_another_keeps_nothing_of_the_first(tmp_path: Path):
    first = write(tmp_path / "1", {"a_log.txt": LOG.format("P")})
    second = write(tmp_path / "2", {"a_Acq.txt": ACQ.format(0.6)})
    parser = MetadataAggregator()
    parser.extract_metadata(str(first))
    assert parser.extract_metadata(str(second)).project is None


def test_the_user_s_file_is_laid_over_what_was_found(tmp_path: Path):
    write(tmp_path, {"a_Acq.txt": ACQ.format(0.6), "metadata.yaml": "z_step: 0.5\ntags: [mine]\n"})
    found = read(tmp_path)
    assert (found.z_step_um, found.tags) == (0.5, ("mine",))
    assert found.attachments == ("a_Acq.txt", "metadata.yaml")
    assert [problem.code for problem in found.problems] == ["metadata-conflict"]


def test_a_file_given_takes_the_place_of_the_folder_s_own(tmp_path: Path):
    folder = write(tmp_path / "data", {"metadata.yaml": "title: in the folder\n"})
    other = write(tmp_path / "elsewhere", {"mine.yaml": "title: given\n"}) / "mine.yaml"
    found = read(folder, metadata_file=other)
    assert found.title == "given"
    assert found.attachments == ()


PARSER = """\
class FolderParser:
    def extract_metadata(self, filename):
        return {"description": filename, "tags": ["a,b"], "kvps": [], "tables": []}


class FileParser(FolderParser):
    file_patterns = ("*.info",)


class Attaching:
    def extract_metadata(self, filename):
        from pyomero_upload.model import Metadata

        return Metadata(title="t", attachments=("notes.txt",))


class Broken:
    def extract_metadata(self, filename):
        raise KeyError("no strain")


class Wrong:
    def extract_metadata(self, filename):
        return 5


class Refusing:
    def extract_metadata(self, filename):
        from pyomero_upload.errors import PyomeroError

        raise PyomeroError("not today")
"""


def test_a_parser_of_the_user_s_gets_the_folder_and_takes_the_place_of_ours(tmp_path: Path):
    write(tmp_path, {"lab.py": PARSER, "a_Acq.txt": ACQ.format(0.6), "metadata.yaml": "title: t\n"})
    found = read(tmp_path, parser=f"{tmp_path / 'lab.py'}:FolderParser")
    assert found.description == str(tmp_path)
    assert found.tags == ("a", "b")
    assert (found.z_step_um, found.title) == (None, "t")
    assert found.attachments == ("a_Acq.txt", "metadata.yaml")


def test_a_parser_may_say_itself_what_to_attach(tmp_path: Path):
    write(tmp_path, {"lab.py": PARSER, "a_Acq.txt": ACQ})
    found = read(tmp_path, parser=f"{tmp_path / 'lab.py'}:Attaching")
    assert (found.title, found.attachments) == ("t", ("notes.txt",))


def test_a_parser_with_file_patterns_gets_each_file(tmp_path: Path):
    write(tmp_path, {"lab.py": PARSER, "1.info": "", "2.INFO": "", "x/3.info": ""})
    found = read(tmp_path, parser=f"{tmp_path / 'lab.py'}:FileParser")
    assert found.description == f"{tmp_path / '1.info'}\n\n{tmp_path / '2.INFO'}"
    assert found.attachments == ("1.info", "2.INFO")


def test_a_parser_that_finds_none_of_its_files_is_a_warning(tmp_path: Path):
    write(tmp_path, {"lab.py": PARSER})
    found = read(tmp_path, parser=f"{tmp_path / 'lab.py'}:FileParser")
    assert "*.info" in found.problems[0].message


def test_a_parser_that_raises_is_an_error_with_its_name_and_words(tmp_path: Path):
    write(tmp_path, {"lab.py": PARSER})
    with pytest.raises(PyomeroError, match=r"lab:Broken failed at .*KeyError: 'no strain'"):
        read(tmp_path, parser=f"{tmp_path / 'lab.py'}:Broken")


def test_a_parser_that_returns_something_else_is_an_error(tmp_path: Path):
    write(tmp_path, {"lab.py": PARSER})
    with pytest.raises(
        PyomeroError, match=r"lab:Wrong did not return metadata as expected: .*type int"
    ):
        read(tmp_path, parser=f"{tmp_path / 'lab.py'}:Wrong")


def test_an_error_for_the_user_passes_as_it_is(tmp_path: Path):
    write(tmp_path, {"lab.py": PARSER})
    with pytest.raises(PyomeroError, match=r"^not today$"):
        read(tmp_path, parser=f"{tmp_path / 'lab.py'}:Refusing")


def test_mistakes_in_the_user_s_file_are_errors(tmp_path: Path):
    with pytest.raises(UsageError, match=r"metadata\.yaml:1"):
        read(write(tmp_path, {"metadata.yaml": "titel: x\n"}))


def test_the_real_folder_is_read_without_a_complaint(demo: Path):
    found = read(demo)
    assert found.problems == ()
    assert [channel.name for channel in found.channels] == ["Brightfield", "DIC", "GFP"]
    assert found.channels[2].excitation_nm == 470
    assert found.stage_positions["pos001"].z == 3431.425
    assert found.attachments == ("microscope1_Acq.txt", "microscope1_log.txt")
    assert "lab" not in sys.modules
