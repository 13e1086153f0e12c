"""What parsers of the old style inherit."""

import numpy as np
import pandas as pd
import pytest

from omero_metadata_parser.metadata_parser import MetadataParser


def test_a_parser_must_say_how_it_extracts():
    with pytest.raises(TypeError, match="abstract"):
        MetadataParser()


def test_deprecation_is_announced_where_the_class_is_written():
    with pytest.warns(DeprecationWarning, match="Mine goes on working") as caught:

        class Mine(MetadataParser):
            pass

    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("GFP", "GFP"),
        (["value"], "value"),
        (["a", " b ", "", None], "a, b"),
        (np.array([1, 2]), "1, 2"),
        (pd.Series(["x", "y"]), "x, y"),
        (0.5, "0.5"),
        (None, ""),
    ],
)
def test_several_values_are_said_as_text_and_never_as_a_python_list(value, text):
    assert MetadataParser.get_str_array_val(value) == text


def test_key_values_are_made_of_a_mapping_or_of_pairs():
    wanted = [["strain", "BY4741"], ["medium", "SC"], ["medium", "YPD"]]
    assert MetadataParser.build_kvps({"strain": "BY4741", "medium": ["SC", "YPD"]}) == wanted
    assert MetadataParser.build_kvps([("strain", "BY4741"), ("medium", ["SC", "YPD"])]) == wanted
    assert MetadataParser.build_kvps({"pump": {"rate": 2, "contents": None}}) == [
        ["pump: rate", "2"]
    ]


@pytest.mark.parametrize("values", ["text", 3])
def test_anything_else_is_refused(values):
    with pytest.raises(TypeError, match="mapping"):
        MetadataParser.build_kvps(values)
