"""YAML files of users: read as typed, refused with line and key."""

from pathlib import Path

import pytest
from pydantic import Field

from pyomero_upload.errors import UsageError
from pyomero_upload.yaml_file import UserModel, read_yaml


class Inner(UserModel):
    size: float | None = None


class Outer(UserModel):
    title: str | None = None
    count: int = 0
    inner: dict[str, Inner] = Field(default={})
    items: tuple[str, ...] = ()


def read(tmp_path: Path, text: str | bytes) -> Outer:
    path = tmp_path / "my.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(path, Outer)


def refused(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    return caught.value.message


def test_a_file_becomes_a_model(tmp_path: Path):
    assert read(
        tmp_path, "title: t\ncount: 3\ninner:\n  GFP: {size: 0.5}\nitems: [a, b]\n"
    ) == Outer(title="t", count=3, inner={"GFP": Inner(size=0.5)}, items=("a", "b"))


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_says_nothing(tmp_path: Path, text: str):
    assert read(tmp_path, text) == Outer()


@pytest.mark.parametrize(
    "typed", ["no", "1.10", "007", "2020-02-29", "yes", "1e3", "0x10", "12:30"]
)
def test_text_stays_as_it_was_typed(tmp_path: Path, typed: str):
    assert read(tmp_path, f"title: {typed}\n").title == typed


def test_nothing_is_nothing_and_the_quoted_word_null_is_text(tmp_path: Path):
    assert read(tmp_path, "title:\n").title is None
    assert read(tmp_path, "title: 'null'\n").title == "null"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path, encoding: str):
    assert read(tmp_path, "title: Zürich\n".encode(encoding)).title == "Zürich"


def test_all_mistakes_are_told_at_once_with_line_and_key(tmp_path: Path):
    message = refused(
        tmp_path, "count: many\ninner:\n  GFP:\n    size: big\n    seize: 1\ntitel: x\n"
    )
    assert "There are 4 mistakes in" in message
    assert "my.yaml:1: count: input should be a valid integer" in message
    assert "my.yaml:4: inner.GFP.size: input should be a valid number" in message
    assert "my.yaml:5: inner.GFP.seize: unknown key; did you mean size?" in message
    assert "my.yaml:6: titel: unknown key; did you mean title?" in message


def test_an_unknown_key_like_no_other_lists_the_known_ones(tmp_path: Path):
    assert "known are title, count, inner, items" in refused(tmp_path, "xyzzy: 1\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("title: a\ntitle: b\n", "my.yaml:2: The key title stands here a second time (first in line 1)"),
        ("title: [a\n", "my.yaml:2: This is no YAML"),
        ("a: b: c\n", "my.yaml:1: This is no YAML"),
        ("- a\n- b\n", "my.yaml:1: the file: input should be"),
        ("{[a]: b}\n", "A list or a mapping cannot be a key"),
        ("title: &x a\nitems: [*x]\n", "my.yaml:2: References (*x) are not understood"),
        ("a: &x [1]\nb: {<<: *x}\n", "References (*x) are not understood"),
        ("[" * 200, "nested more than 30 deep"),
        ("title: \x07\n", "This is no YAML"),
        (b"title: Z\xfcrich\n", "my.yaml:1: The file is not UTF-8 text here"),
        (b"# " + b"x" * 5_000_000, "larger than 4 MB"),
        ("--- a\n--- b\n", "This is no YAML"),
        ("title: !!python/object:os.system x\n", ""),
    ],
)  # fmt: skip
def test_what_is_no_such_file_is_refused(tmp_path: Path, text: str | bytes, says: str):
    if says:
        assert says in refused(tmp_path, text)
    else:  # a tag has no power: its value is text
        assert read(tmp_path, text).title == "x"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_yaml(tmp_path / "no.yaml", Outer)
