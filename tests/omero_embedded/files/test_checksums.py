"""Checksums by the names OMERO gives them."""

from pathlib import Path

import pytest

from omero_embedded.files.checksums import OFFERED, checksum, suggest


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("SHA1-160", "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"),
        ("MD5-128", "5d41402abc4b2a76b9719d911017c592"),
        ("CRC-32", "3610a686"),
        ("Adler-32", "062c0215"),
        ("File-Size-64", "0000000000000005"),
    ],
)
def test_the_checksum_of_a_file(tmp_path: Path, algorithm: str, expected: str) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    assert checksum(tmp_path / "a", algorithm) == expected


def test_a_big_file_is_read_in_blocks(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * (3 << 20))
    assert checksum(tmp_path / "a", "File-Size-64") == f"{3 << 20:016x}"


def test_the_first_of_ours_that_a_client_has() -> None:
    assert suggest(["CRC-32", "MD5-128"]) == "MD5-128"
    assert suggest(["Murmur3-128"]) is None
    assert OFFERED[0] == "SHA1-160"
