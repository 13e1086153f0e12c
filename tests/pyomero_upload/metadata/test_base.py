"""What a parser may return, and what is said when it returns something else."""

from types import SimpleNamespace

import pandas as pd
import pytest

from pyomero_upload.errors import PyomeroError
from pyomero_upload.metadata.base import MetadataParser, as_metadata, split_tags
from pyomero_upload.model import Metadata


def frame(name: str | None = None) -> pd.DataFrame:
    made = pd.DataFrame({"Channel": ["GFP"], "Exposure": ["60"]})
    if name:
        object.__setattr__(made, "name", name)
    return made


def test_the_dictionary_of_the_paper_is_accepted():
    found = as_metadata(
        {
            "description": " Growth ",
            "tags": ["29-Feb-2020,Batman,", "GFP", "Batman"],
            "kvps": [
                ["Strain", "YST_247", "YST_625"],
                ["Medium", ["SC", "glucose"]],
                ["Empty", ""],
            ],
            "tables": [frame("channels"), frame()],
        },
        "lab:Parser",
    )
    assert found.description == "Growth"
    assert found.tags == ("29-Feb-2020", "Batman", "GFP")
    assert found.key_values == (
        ("Strain", "YST_247"),
        ("Strain", "YST_625"),
        ("Medium", "SC"),
        ("Medium", "glucose"),
    )
    assert [table.name for table in found.tables] == ["channels", "table2"]
    assert found.tables[0].frame["Exposure"].tolist() == [60]
    assert found.problems == ()


def test_the_object_of_the_code_is_accepted():
    found = as_metadata(
        SimpleNamespace(
            description="d", tags="a, b", kvp_list=[("k", 1.5)], table_dict={"channels": frame()}
        ),
        "p",
    )
    assert (found.description, found.tags, found.key_values) == ("d", ("a", "b"), (("k", "1.5"),))
    assert [table.name for table in found.tables] == ["channels"]


def test_an_object_may_leave_things_out():
    assert (
        as_metadata(
            SimpleNamespace(kvp_list=None, table_dict=None, tags=None, description=None), "p"
        )
        == Metadata()
    )


def test_a_dictionary_may_leave_things_out():
    assert as_metadata({"tags": ["a"]}, "p") == Metadata(tags=("a",))


def test_metadata_of_ours_pass_as_they_are():
    said = Metadata(title="t")
    assert as_metadata(said, "p") is said


def test_a_table_with_a_column_called_name_does_not_confuse_the_name_of_the_table():
    with_name = pd.DataFrame({"name": ["pos001"]})
    assert as_metadata({"tables": [with_name]}, "p").tables[0].name == "table1"


def test_keys_that_mean_nothing_are_reported_and_not_dropped_in_silence():
    (problem,) = as_metadata({"description": "d", "kvp": []}, "lab:Parser").problems
    assert problem.code == "metadata-unreadable"
    assert "kvp" in problem.message


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        (None, "it returned None"),
        (["tags"], "an object of type list"),
        ({"Tags": []}, "with the keys Tags"),
        ({}, r"with the keys \(none\)"),
        ({"tags": 5}, "tags is an object of type int"),
        ({"tags": [5]}, "tags holds an object of type int"),
        ({"tags": {"a": 1}}, "tags is an object of type dict"),
        ({"description": ["d"]}, "description is an object of type list"),
        ({"kvps": {"a": 1}}, "kvps is an object of type dict"),
        ({"kvps": ["ab"]}, "kvps holds an object of type str where a pair is expected"),
        ({"tables": {"a": 1}}, "tables is an object of type dict"),
        ({"tables": [1]}, "the table table1 is an object of type int"),
        (SimpleNamespace(tags=[]), "an object of type SimpleNamespace"),
        (SimpleNamespace(kvp_list=[], table_dict=[1]), "table_dict is an object of type list"),
    ],
)
def test_anything_else_is_an_error_that_says_what_was_returned_and_what_is_expected(
    returned: object, says: str
):
    with pytest.raises(PyomeroError, match=says) as caught:
        as_metadata(returned, "lab:Parser")
    assert "lab:Parser" in caught.value.message
    assert "kvps" in caught.value.hint
    assert "kvp_list" in caught.value.hint


def test_tags_are_split_at_commas_without_empty_ones_and_repetitions():
    assert split_tags(["0.1% glucose,2% glucose, ,", "2% glucose"]) == (
        "0.1% glucose",
        "2% glucose",
    )


def test_a_parser_must_say_how_to_extract():
    with pytest.raises(TypeError, match="extract_metadata"):
        MetadataParser()  # type: ignore[abstract]
