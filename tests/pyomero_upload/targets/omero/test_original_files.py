"""Files on their way into an import: which, under which names, and unchanged while they are read."""

import hashlib
import os
from pathlib import Path

import pytest

from folders import plane, write_png
from pyomero_upload.errors import UnreadableFileError
from pyomero_upload.targets.omero.original_files import (
    BLOCK_BYTES,
    original_files,
    relative_names,
)


def test_the_checksum_is_of_the_blocks_that_were_handed_on(tmp_path: Path) -> None:
    content = os.urandom(2 * BLOCK_BYTES + 17)
    (tmp_path / "a.xyz").write_bytes(content)
    (file,) = original_files([tmp_path / "a.xyz"])
    sent: dict[int, bytes] = {}
    checksum = file.sha1(lambda data, offset: sent.update({offset: data}))
    assert checksum == hashlib.sha1(content).hexdigest()
    assert list(sent) == [0, BLOCK_BYTES, 2 * BLOCK_BYTES]
    assert b"".join(sent.values()) == content


@pytest.mark.parametrize("change", ["grows", "shrinks", "is written anew", "is replaced"])
def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, change: str) -> None:
    path = tmp_path / "a.xyz"
    path.write_bytes(bytes(3 * BLOCK_BYTES))
    (file,) = original_files([path])

    def meddle(data: bytes, offset: int) -> None:
        if offset:
            return
        if change == "grows":
            with path.open("ab") as out:
                out.write(b"more")
        elif change == "shrinks":
            os.truncate(path, BLOCK_BYTES)
        elif change == "is written anew":
            with path.open("r+b") as out:
                out.write(b"other")
            os.utime(path, ns=(1, 1))
        else:
            path.with_name("b.xyz").write_bytes(b"another file")
            path.with_name("b.xyz").replace(path)

    with pytest.raises(UnreadableFileError, match="changed while it was read"):
        file.sha1(meddle)


def test_a_file_that_is_gone_when_it_is_to_be_read_is_named(tmp_path: Path) -> None:
    path = write_png(tmp_path / "a.png", plane(1))
    (file,) = original_files([path])
    path.unlink()
    with pytest.raises(UnreadableFileError, match=r"a\.png cannot be imported: No such file"):
        file.sha1()


def test_each_file_is_taken_once_however_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_png(tmp_path / "a.png", plane(1))
    monkeypatch.chdir(tmp_path)
    assert [f.path for f in original_files([path, Path("a.png"), path])] == [path]


def test_the_metadata_of_an_ome_zarr_come_first_and_empty_files_are_taken(tmp_path: Path) -> None:
    zarr = tmp_path / "a.zarr"
    for name in ("0/.zarray", "0/0.0", ".zgroup", ".zattrs"):
        (zarr / name).parent.mkdir(parents=True, exist_ok=True)
        (zarr / name).write_text("" if name == "0/0.0" else "{}", encoding="utf-8")
    assert [f.path.relative_to(zarr).as_posix() for f in original_files([zarr])] == [
        ".zattrs",
        ".zgroup",
        "0/.zarray",
        "0/0.0",
    ]


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["home/me/a.tif"], ["a.tif"]),
        (["a.tif"], ["a.tif"]),
        (["x/a.zarr/zarr.json", "x/a.zarr/0/c/0"], ["zarr.json", "0/c/0"]),
        (["x/ab/1.tif", "x/ac/1.tif"], ["ab/1.tif", "ac/1.tif"]),
        (["C:/x/1.tif", "C:/x/2.tif"], ["1.tif", "2.tif"]),
    ],
)
def test_names_are_relative_to_the_folder_that_all_share(
    paths: list[str], names: list[str]
) -> None:
    assert list(relative_names(paths)) == names
