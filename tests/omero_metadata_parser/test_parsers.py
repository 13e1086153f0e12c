"""The parsers under their old names, and what they return."""

from types import SimpleNamespace

import pandas as pd
import pytest

from omero_metadata_parser.aggregate_metadata import MetadataAggregator
from omero_metadata_parser.extract_acq_metadata import AcqMetadataParser
from omero_metadata_parser.extract_log_metadata import LogMetadataParser
from omero_metadata_parser.extract_metadata_template import TemplateMetadataParser
from omero_metadata_parser.metadata_parser import MetadataParser
from omero_metadata_parser.parsed import AdaptedParser, ParsedMetadata, to_metadata
from pyomero_upload.errors import PyomeroError

ACQ = """Channels:
Channel name, Exposure time, Skip, Z sect., Start time, Camera mode, EM gain, Voltage
DIC,30,1,1,1,2,270,1.000
mKate9,60,1,0,1,2,270,2.500
Z_sectioning:
Sections,Spacing,PFSon?,AnyZ?,Drift,Method
5,0.600,1,1,0,2
"""
LOG = """Swain Lab microscope experiment log file
29-Feb-2020
Microscope name is: Batman
Experiment details:
Aim: See growth
Omero project:
Growth
Omero tags:
29-Feb-2020,Batman,0.1% glucose,
PFS is locked
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "expAcq.txt").write_text(ACQ, encoding="utf-8")
    (tmp_path / "explog.txt").write_text(LOG, encoding="utf-8")
    return tmp_path


def test_the_aggregator_takes_the_folder_and_the_others_a_file(folder):
    whole = MetadataAggregator().extract_metadata(str(folder))
    settings = AcqMetadataParser().extract_metadata(str(folder / "expAcq.txt"))
    log = LogMetadataParser().extract_metadata(str(folder / "explog.txt"))
    assert settings.table_dict["channels"]["Channel name"].tolist() == ["DIC", "mKate9"]
    assert log.tags == ["29-Feb-2020", "Batman", "0.1% glucose"]
    assert whole.tags == log.tags
    assert set(settings.table_dict) <= set(whole.table_dict)


def test_the_result_can_be_read_in_both_forms(folder):
    whole = MetadataAggregator().extract_metadata(str(folder))
    assert whole["kvps"] is whole.kvp_list
    assert whole["tags"] is whole.tags
    assert whole["description"] == whole.description
    names = [frame.name for frame in whole["tables"]]
    assert names == list(whole.table_dict)
    assert {"channels", "zsections"} <= set(names)


def test_numbers_in_tables_are_numbers(folder):
    channels = AcqMetadataParser().extract_metadata(str(folder / "expAcq.txt"))["tables"][0]
    assert channels["Exposure time"].dtype == "int64"
    assert channels["Voltage"].dtype == "float64"


def test_channels_that_no_list_knows_are_kept(folder):
    whole = MetadataAggregator().extract_metadata(str(folder))
    assert [channel.name for channel in whole.source.channels] == ["DIC", "mKate9"]


@pytest.mark.parametrize("missing", ["expAcq.txt", "explog.txt"])
def test_one_file_is_read_where_the_other_is_missing(folder, missing):
    (folder / missing).unlink()
    whole = MetadataAggregator().extract_metadata(str(folder))
    assert bool(whole.table_dict.get("channels") is not None) == (missing == "explog.txt")
    assert bool(whole.tags) == (missing == "expAcq.txt")


def test_nothing_of_one_folder_is_left_for_the_next(folder, tmp_path_factory):
    parser = MetadataAggregator()
    parser.extract_metadata(str(folder))
    other = tmp_path_factory.mktemp("other")
    (other / "otherlog.txt").write_text(LOG.replace("Batman,", "Robin,"), encoding="utf-8")
    again = parser.extract_metadata(str(other))
    assert again.tags == ["29-Feb-2020", "Robin", "0.1% glucose"]
    assert "channels" not in again.table_dict


def test_a_filled_in_template_is_read_or_files_as_instructions_say(tmp_path):
    filled = tmp_path / "metadata.yaml"
    filled.write_text("description: A test\ntags: [a, b]\nkey_values: {strain: X}\n", "utf-8")
    assert TemplateMetadataParser().extract_metadata(str(filled)).kvp_list == [["strain", "X"]]
    (tmp_path / "lab.yaml").write_text(
        "files: ['*_settings.txt']\nvalues: {description: 'Aim: (.*)'}\n", "utf-8"
    )
    (tmp_path / "run_settings.txt").write_text("Aim: growth\n", "utf-8")
    parser = TemplateMetadataParser(tmp_path / "lab.yaml")
    assert parser.extract_metadata(str(tmp_path / "run_settings.txt")).description == "growth"


def test_what_a_subclass_changes_is_kept_with_all_that_was_read(folder):
    class Mine(MetadataAggregator):
        def extract_metadata(self, filename):
            found = super().extract_metadata(filename)
            found.kvp_list.append(["Funder", "BBSRC"])
            found.tags = ["mine,yours"]
            found.table_dict["extra"] = pd.DataFrame({"a": ["1", "2"]})
            return found

    said = AdaptedParser(Mine()).extract_metadata(str(folder))
    assert ("Funder", "BBSRC") in said.key_values
    assert said.tags == ("mine", "yours")
    assert said.tables[-1].name == "extra"
    assert said.tables[-1].frame["a"].tolist() == [1, 2]
    assert [channel.name for channel in said.channels] == ["DIC", "mKate9"]
    assert said.project == "Growth"


def test_both_forms_of_custom_parsers_come_to_the_same():
    table = pd.DataFrame({"volume": ["1.5"]})
    object.__setattr__(table, "name", "media")
    as_object = SimpleNamespace(
        description="A test",
        tags=["a,b", "c"],
        kvp_list=[["strain", ["X", "Y"]]],
        table_dict={"media": table},
    )
    as_dict = {
        "description": "A test",
        "tags": ["a,b", "c"],
        "kvps": [["strain", "X", "Y"]],
        "tables": [table],
    }
    first, second = to_metadata(as_dict, "p"), to_metadata(as_object, "p")
    assert first.tags == second.tags == ("a", "b", "c")
    assert first.key_values == second.key_values == (("strain", "X"), ("strain", "Y"))
    assert [t.name for t in first.tables] == [t.name for t in second.tables] == ["media"]
    assert first.tables[0].frame.equals(second.tables[0].frame)


def test_a_parser_that_fails_or_returns_nothing_is_named(folder):
    class Fails(MetadataParser):
        def extract_metadata(self, filename):
            return {}[filename]

    class Forgets(MetadataParser):
        def extract_metadata(self, filename):
            pass

    with pytest.raises(PyomeroError, match=r"Fails failed at .*KeyError"):
        AdaptedParser(Fails()).extract_metadata(str(folder))
    with pytest.raises(PyomeroError, match="Forgets did not return metadata"):
        AdaptedParser(Forgets()).extract_metadata(str(folder))


def test_an_empty_result_is_metadata_too():
    assert to_metadata(ParsedMetadata(), "p") == to_metadata({"tags": []}, "p")
