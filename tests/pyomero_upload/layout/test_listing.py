"""One walk over a folder: every file once, nothing from outside, no exception for what cannot be listed."""

import os
import sys
from pathlib import Path

import pytest

from pyomero_upload.errors import UsageError
from pyomero_upload.layout import Listing, list_files
from pyomero_upload.model import FileStat

needs_links = pytest.mark.skipif(
    sys.platform == "win32", reason="links need a special right on Windows"
)
needs_bytes = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux takes any byte and any character in names"
)


def write(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"x")


def codes(listing: Listing) -> dict[str, str]:
    return {problem.where: problem.code for problem in listing.problems}


def test_every_file_is_listed_with_size_and_time(tmp_path):
    write(tmp_path, "pos002/b.png", "pos001/a.png", "log.txt")
    os.utime(tmp_path / "log.txt", ns=(5, 1_600_000_000_000_000_000))
    listing = list_files(tmp_path)
    assert list(listing.files) == ["log.txt", "pos001/a.png", "pos002/b.png"]
    assert listing.files["log.txt"] == FileStat(1, 1_600_000_000_000_000_000)
    assert listing.folders == ("pos001", "pos002")
    assert listing.folder == tmp_path
    assert listing.problems == ()


def test_hidden_files_are_listed_like_others(tmp_path):
    write(tmp_path, ".DS_Store", "pos001/._a.png")
    assert list(list_files(tmp_path).files) == [".DS_Store", "pos001/._a.png"]


def test_an_empty_folder_has_no_files(tmp_path):
    assert list_files(tmp_path) == Listing(tmp_path, {}, (), ())


def test_a_relative_folder_becomes_absolute(tmp_path, monkeypatch):
    write(tmp_path, "experiment/a.png")
    monkeypatch.chdir(tmp_path)
    assert list_files(Path("experiment")).folder == tmp_path / "experiment"
    assert list_files(Path()).folder.name == tmp_path.name


def test_a_folder_that_is_not_there_is_a_mistake_of_the_users(tmp_path):
    with pytest.raises(UsageError, match=r"There is no folder .*nothing"):
        list_files(tmp_path / "nothing")


def test_a_file_in_place_of_a_folder_is_a_mistake_of_the_users(tmp_path):
    write(tmp_path, "a.png")
    with pytest.raises(UsageError, match=r"a\.png is a file, not a folder") as raised:
        list_files(tmp_path / "a.png")
    assert "Give the folder" in raised.value.hint


@pytest.mark.skipif(
    sys.platform == "win32" or getattr(os, "geteuid", lambda: 1)() == 0,
    reason="root may read everything; Windows has other permissions",
)
def test_a_folder_without_permission_is_reported(tmp_path):
    write(tmp_path, "pos001/a.png", "pos002/b.png")
    (tmp_path / "pos001").chmod(0)
    try:
        listing = list_files(tmp_path)
        with pytest.raises(UsageError, match="cannot be read"):
            list_files(tmp_path / "pos001")
    finally:
        (tmp_path / "pos001").chmod(0o700)
    assert list(listing.files) == ["pos002/b.png"]
    assert codes(listing) == {"pos001": "unreadable-folder"}
    assert listing.problems[0].severity == "error"


@needs_links
def test_a_path_that_is_too_long_is_a_mistake_of_the_users():
    with pytest.raises(UsageError, match="cannot be read"):
        list_files(Path("/" + "x" * 5000))


@needs_links
def test_a_folder_whose_path_is_too_long_is_reported(tmp_path):
    write(tmp_path, "pos001/a.png")
    inside = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(20):  # longer than the 4096 bytes that a path may have
            os.mkdir("x" * 250, dir_fd=inside)
            deeper = os.open("x" * 250, os.O_RDONLY, dir_fd=inside)
            os.close(inside)
            inside = deeper
    finally:
        os.close(inside)
    listing = list_files(tmp_path)
    assert list(listing.files) == ["pos001/a.png"]
    assert [problem.code for problem in listing.problems] == ["unreadable-folder"]


@needs_links
def test_a_link_to_a_file_inside_is_that_file(tmp_path):
    write(tmp_path, "pos001/a.png")
    (tmp_path / "pos001" / "b.png").symlink_to("a.png")
    listing = list_files(tmp_path)
    assert listing.files["pos001/b.png"] == listing.files["pos001/a.png"]
    assert listing.problems == ()


@needs_links
def test_links_that_lead_elsewhere_are_reported_and_not_followed(tmp_path):
    experiment = tmp_path / "experiment"
    write(tmp_path, "outside/secret.png")
    write(experiment, "pos001/a.png", "pos002/b.png")
    (experiment / "out.png").symlink_to(tmp_path / "outside" / "secret.png")
    (experiment / "pos003").symlink_to(tmp_path / "outside")
    (experiment / "pos001" / "up").symlink_to(experiment)
    (experiment / "pos001" / "self").symlink_to("self")
    (experiment / "pos001" / "gone.png").symlink_to("nowhere.png")
    (experiment / "pos004").symlink_to("pos002")
    listing = list_files(experiment)
    assert list(listing.files) == ["pos001/a.png", "pos002/b.png"]
    assert codes(listing) == {
        "out.png": "link-outside",
        "pos003": "link-outside",
        "pos001/up": "link-loop",
        "pos001/self": "broken-link",
        "pos001/gone.png": "broken-link",
        "pos004": "link-to-folder",
    }
    assert all(
        problem.severity == "warning" and problem.where in problem.message and problem.hint
        for problem in listing.problems
    )


@needs_links
def test_a_folder_that_is_reached_through_a_link_is_read(tmp_path):
    write(tmp_path, "experiment/pos001/a.png")
    (tmp_path / "link").symlink_to("experiment")
    listing = list_files(tmp_path / "link")
    assert listing.folder.name == "link"
    assert list(listing.files) == ["pos001/a.png"]


@needs_links
def test_a_pipe_is_reported_and_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    listing = list_files(tmp_path)
    assert listing.files == {}
    assert codes(listing) == {"pipe.png": "special-file"}


@needs_bytes
def test_names_of_any_characters_are_listed(tmp_path):
    names = ["a b.png", 'quote".png', "it's.png", "new\nline.png", "µ°é日本.png", "back\\slash.png"]
    write(tmp_path, *names)
    assert sorted(list_files(tmp_path).files) == sorted(names)


@needs_bytes
def test_a_name_that_is_no_unicode_is_reported(tmp_path):
    write(tmp_path, os.fsdecode(b"caf\xe9/a.png"), os.fsdecode(b"\xff.png"), "b.png")
    listing = list_files(tmp_path)
    assert list(listing.files) == ["b.png"]
    assert set(codes(listing).values()) == {"name-not-unicode"}
    for problem in listing.problems:
        problem.message.encode("utf-8")
        problem.where.encode("utf-8")
