"""Templates and regular expressions of the user's."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyomero_upload.errors import UsageError
from pyomero_upload.layout import compile_pattern


def read(pattern: str, path: str) -> dict[str, str] | None:
    """Return what is read from a path, without what is not there."""
    reading = compile_pattern(pattern).read(path)
    if reading is None:
        return None
    return {key: value for key, value in reading._asdict().items() if value is not None}


@pytest.mark.parametrize(
    ("pattern", "path", "said"),
    [
        (
            "{position}/{prefix}_{t:d}_{c}_{z:d}",
            "exp/pos001/my_2_exp_000003_GFP_004.png",
            {"root": "exp", "position": "pos001", "t": "000003", "c": "GFP", "z": "004"},
        ),
        (
            "{position}_w{c:d}{cname}_s{s:d}_t{t:d}.TIF",
            "data/cells_w1GFP_s12_t3.TIF",
            {"root": "data", "position": "cells", "c": "1", "cname": "GFP", "site": "12", "t": "3"},
        ),
        (
            "{well}_{site}/t{time}",
            "p/A1_2/t5.tif",
            {"root": "p", "well": "A1", "site": "2", "t": "5"},
        ),
        ("img{z:04d}", "exp/img0012.bmp", {"root": "exp", "z": "0012"}),
        ("img{z:04d}", "exp/img12345.bmp", {"root": "exp", "z": "12345"}),
        ("w{c:1d}{cname}", "e/w1488nm.tif", {"root": "e", "c": "1", "cname": "488nm"}),
        ("{position}/{position}_{t}", "e/a/a_1.png", {"root": "e", "position": "a", "t": "1"}),
        ("{{{t}}}", "e/{7}.png", {"root": "e", "t": "7"}),
        ("{c}.{ext}", "e/GFP.jpeg", {"root": "e", "c": "GFP"}),
        ("{channel}{ext}", "e/GFP.gif", {"root": "e", "c": "GFP"}),
        ("{c}.dat", "e/GFP.DAT", {"root": "e", "c": "GFP"}),
        ("a(1)+{t}", "e/a(1)+2.png", {"root": "e", "t": "2"}),
        ("{position}\\{t}", "e/pos 1/2.png", {"root": "e", "position": "pos 1", "t": "2"}),
        ("{any}_{any}_{t}", "e/a_b_2.png", {"root": "e", "t": "2"}),
        (
            "{position}/{c}_{t}",
            "flat/GFP_1.png",
            {"root": "", "position": "flat", "c": "GFP", "t": "1"},
        ),
        ("{c}\nx", "e/GFP\nx.png", {"root": "e", "c": "GFP"}),
    ],
)
def test_a_template_reads_names(pattern, path, said):
    assert read(pattern, path) == said


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("{position}/{prefix}_{t:d}_{c}_{z:d}", "exp/pos001/x_1_GFP.png"),
        ("{position}/{prefix}_{t:d}_{c}_{z:d}", "exp/pos001/x_1_GFP_1.txt"),
        ("{position}/{position}_{t}", "e/a/b_1.png"),
        ("img{z:04d}", "exp/img001.bmp"),
        ("a/b/{t}", "b/1.png"),
        ("{t}", "e/²٣.png"),
    ],
)
def test_a_name_that_does_not_fit_a_template_is_not_read(pattern, path):
    assert read(pattern, path) is None


@pytest.mark.parametrize(
    ("pattern", "path", "said"),
    [
        (
            r"(?P<position>.+)/t(?P<t>\d+)",
            "e/pos1/t05.png",
            {"root": "e", "position": "pos1", "t": "05"},
        ),
        (r".*_(?<c>.+)", "e/deep/x_GFP.tif", {"root": "e/deep", "c": "GFP"}),
        (r"(?P<c>.+)\.tif", "e/GFP.tif", {"root": "e", "c": "GFP"}),
        (r"(?P<c>.+)\.raw", "e/GFP.raw", {"root": "e", "c": "GFP"}),
        (r"(?i)(?P<prefix>IMG)(?P<z>\d+)", "e/img3.png", {"root": "e", "z": "3"}),
        (r"(?P<t>\d+)(?:_(?P<c>\w+))?", "e/3.png", {"root": "e", "t": "3"}),
        (r"e/(?P<t>\d+)", "e/3.png", {"root": "", "t": "3"}),
    ],
)
def test_a_regular_expression_reads_names(pattern, path, said):
    assert read(pattern, path) == said


def test_a_name_that_does_not_fit_a_regular_expression_is_not_read():
    assert read(r"(?P<t>\d+)", "e/pos1/x.png") is None


@pytest.mark.parametrize(
    ("pattern", "numbered"),
    [("{c:d}", True), ("{c}", False), (r"w(?P<c>\d)", True), (r"(?P<c>\w+)", False)],
)
def test_channels_are_numbers_where_the_pattern_says_so(pattern, numbered):
    assert compile_pattern(pattern).numbered_channels is numbered


@pytest.mark.parametrize(
    ("pattern", "what", "caret"),
    [
        ("", "it is empty", 0),
        ("{position}/{chanel}_{t}", "there is no field «chanel»", 12),
        ("{t:x}", "not by :x", 3),
        ("{t", "this brace opens no field", 0),
        ("a{}", "there is no field «»", 2),
        ("a}b{t}", "this brace closes nothing", 1),
        ("abc.png", "it has no field", 0),
        ("{prefix}", "it has no field", 0),
        ("{t}_{time}", "«time» is the same field as «t»", 5),
        (r"(?P<t>\d+", "missing", None),
        (r"(?P<frame>\d+)", "there is no field «frame»", 4),
    ],
)
def test_a_pattern_that_cannot_be_understood_is_shown_with_its_place(pattern, what, caret):
    with pytest.raises(UsageError) as raised:
        compile_pattern(pattern)
    first, shown, mark = raised.value.message.split("\n")
    assert what in first
    assert shown == f"  {pattern}"
    assert caret is None or mark == "  " + " " * caret + "^"
    assert raised.value.hint


def test_a_regular_expression_that_would_take_for_ever_is_stopped():
    pattern = compile_pattern(r"((a|aa)+)+b?(?P<c>c)")
    with pytest.raises(UsageError, match="takes more than a second for the name") as raised:
        pattern.read("e/" + "a" * 200 + ".png")
    assert "repeat" in raised.value.hint


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9 .\-]{0,8}", fullmatch=True)
INDEXES = st.integers(0, 10**8)


@given(position=NAMES, prefix=NAMES, t=INDEXES, c=NAMES, z=INDEXES, width=st.integers(1, 9))
def test_what_a_template_would_write_is_read_back(position, prefix, t, c, z, width):
    name = f"exp/{position}/{prefix}_{t:0{width}d}_{c}_{z}.tif"
    said = read(f"{{position}}/{{prefix}}_{{t:0{width}d}}_{{c}}_{{z:d}}", name)
    assert said is not None
    assert (said["position"], int(said["t"]), said["c"], int(said["z"])) == (position, t, c, z)


@given(st.text(max_size=30))
def test_any_text_as_a_pattern_is_compiled_or_refused(text):
    with contextlib.suppress(UsageError):
        compile_pattern(text)
