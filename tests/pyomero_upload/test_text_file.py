"""Text files opened as bytes: marks go, and UTF-16 becomes UTF-8."""

from pathlib import Path

import pytest

from pyomero_upload.text_file import open_text


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("µ\n".encode(), "µ\n".encode()),
        (b"\xef\xbb\xbf" + "µ\n".encode(), "µ\n".encode()),
        ("µ\n".encode("utf-16"), "µ\n".encode()),
        (b"\xfe\xff" + "µ\n".encode("utf-16-be"), "µ\n".encode()),
        ("µ\n".encode("cp1252"), "µ\n".encode("cp1252")),
        (b"", b""),
    ],
    ids=["utf-8", "utf-8 with mark", "utf-16", "utf-16 big-endian", "windows-1252", "empty"],
)
def test_marks_are_dropped_and_utf16_is_recoded(tmp_path: Path, raw: bytes, read: bytes):
    (tmp_path / "a.txt").write_bytes(raw)
    with open_text(tmp_path / "a.txt") as source:
        assert source.read(100) == read


def test_a_utf16_file_that_breaks_off_in_a_character_loses_that_character_only(tmp_path: Path):
    (tmp_path / "a.txt").write_bytes("ab".encode("utf-16")[:-1])
    with open_text(tmp_path / "a.txt") as source:
        assert source.read(100) == b"a"
        assert source.read(100) == "\N{REPLACEMENT CHARACTER}".encode()
        assert source.read(100) == b""
