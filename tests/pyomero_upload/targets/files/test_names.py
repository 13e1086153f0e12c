"""Names from disk and from users, as names of files."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyomero_upload.targets.files.names import LONGEST, safe_name, safe_names, safe_path

ANY_TEXT = st.text(st.characters(), max_size=400)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pos001", "pos001"),
        ("Plate 1, well B2 (µ)", "Plate 1, well B2 (µ)"),
        ("a/b\\c", "a_b_c"),
        ("..", "__"),
        (".", "_"),
        ("", "_"),
        (".hidden", "_hidden"),
        ("ends with dots...", "ends with dots_"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("COM1", "_COM1"),
        ("console", "console"),
        ("two\nlines\ttab", "two_lines_tab"),
        ('a<b>c:d"e|f?g*h', "a_b_c_d_e_f_g_h"),
        ("not text \udcff", "not text _"),
        ("turned \u202e around", "turned _ around"),
    ],
)
def test_a_name_stays_as_close_to_itself_as_all_systems_allow(name, expected):
    assert safe_name(name) == expected


@given(ANY_TEXT)
def test_every_name_becomes_one_plain_part_of_a_path(name):
    safe = safe_name(name)
    assert safe not in {"", ".", ".."}
    assert not set(safe) & set('<>:"/\\|?*\0\n\r')
    assert not safe.startswith(".")
    assert not safe.endswith((".", " "))
    assert len(safe.encode("utf-8")) <= LONGEST + 1
    assert json.loads(json.dumps(safe)) == safe


@given(ANY_TEXT)
def test_a_safe_name_is_as_safe_the_second_time(name):
    once = safe_name(name)
    assert safe_name(once) == once


@given(st.lists(ANY_TEXT, max_size=20))
def test_no_two_names_meet_even_where_case_does_not_count(names):
    safe = safe_names(names)
    folded = {unicodedata.normalize("NFKC", name).casefold() for name in safe}
    assert len(safe) == len(folded) == len(names)


def test_names_that_are_safe_already_keep_their_name_when_others_want_it():
    assert safe_names(["a/b", "a_b", "A_B"]) == ("a_b~2", "a_b", "A_B~3")


def test_long_names_that_differ_at_the_end_stay_apart():
    first, second = safe_names(["x" * 300 + "1", "x" * 300 + "2"])
    assert first != second
    assert max(len(first), len(second)) <= LONGEST


def test_the_parts_of_a_path_are_made_safe_one_by_one():
    assert safe_path("logs/../NUL/a:b.txt") == "logs/__/_NUL/a_b.txt"
