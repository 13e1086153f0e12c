"""Files that are there whole or not at all."""

import os

import pytest

from pyomero_upload.targets.files.durable import remove, rename, sync_files, write_durably


def test_a_file_replaces_an_older_one_and_leaves_nothing_beside_it(tmp_path):
    write_durably(tmp_path / "sub" / "a.txt", b"old")
    write_durably(tmp_path / "sub" / "a.txt", b"new")
    assert (tmp_path / "sub" / "a.txt").read_bytes() == b"new"
    assert [path.name for path in (tmp_path / "sub").iterdir()] == ["a.txt"]


def test_what_is_removed_may_be_a_file_a_folder_a_link_or_not_there(tmp_path):
    (tmp_path / "folder" / "sub").mkdir(parents=True)
    (tmp_path / "keep").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "keep")
    for name in ("folder", "link", "absent"):
        remove(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["keep"]


def test_a_folder_moves_in_one_step(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_bytes(b"x")
    rename(tmp_path / "a", tmp_path / "b")
    sync_files([tmp_path / "b" / "file"])
    assert (tmp_path / "b" / "file").read_bytes() == b"x"


@pytest.mark.skipif(
    os.name == "nt" or os.geteuid() == 0, reason="needs a user whom permissions hold back"
)
def test_a_rename_that_is_not_allowed_raises(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError):
            rename(tmp_path / "a", tmp_path / "b")
    finally:
        tmp_path.chmod(0o700)
