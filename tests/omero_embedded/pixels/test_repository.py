"""Where the planes are on disk."""

from pathlib import Path

import pytest

from omero_embedded.pixels.repository import import_folder, pixels_path, remove_unfinished


@pytest.mark.parametrize(
    ("identifier", "path"),
    [
        (7, "7"),
        (999, "999"),
        (1000, "Dir-001/1000"),
        (1_042_003, "Dir-001/Dir-042/1042003"),
    ],
)
def test_no_folder_holds_more_than_a_thousand(tmp_path: Path, identifier: int, path: str) -> None:
    assert pixels_path(tmp_path, identifier) == tmp_path / "Pixels" / path


def test_what_a_killed_import_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = pixels_path(tmp_path, 1000)
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"planes")
    left = import_folder(tmp_path)
    left.mkdir()
    (left / "0").write_bytes(b"half")
    remove_unfinished(tmp_path)
    assert kept.read_bytes() == b"planes"
    assert not left.exists()


def test_a_new_folder_has_nothing_to_remove(tmp_path: Path) -> None:
    remove_unfinished(tmp_path)
    assert list(tmp_path.iterdir()) == []
