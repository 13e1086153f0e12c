"""Reading outputs back: whatever is not as it was written is found and named."""

import hashlib
import re

import pytest
import tifffile

from plans import file_of, planned
from pyomero_upload.errors import PyomeroError, UsageError
from pyomero_upload.transfer import Finished, ImageDone, ImageStarted, Started, convert, verify


@pytest.fixture
def out(tmp_path):
    assert convert(planned(tmp_path / "in"), tmp_path / "out", levels=1).ok
    return tmp_path / "out"


@pytest.fixture
def tiff(tmp_path):
    assert convert(planned(tmp_path / "in"), tmp_path / "out", format="ome-tiff").ok
    return tmp_path / "out"


def flip(path, offset):
    content = bytearray(path.read_bytes())
    content[offset] ^= 4
    path.write_bytes(content)


def test_an_output_that_is_whole_is_in_order(out):
    report = verify(out)
    assert report.ok
    assert report.problems == ()
    # Two images of 12 planes in two resolutions.
    assert (report.images, report.planes) == (2, 48)


@pytest.mark.parametrize("compression", ["none", "lz4", "zstd"])
def test_a_flipped_byte_of_a_plane_is_named_by_image_t_c_z(tmp_path, compression):
    convert(planned(tmp_path / "in"), tmp_path / "out", compression=compression)
    shard = tmp_path / "out" / "pos002.ome.zarr" / "0" / "c" / "1" / "0" / "0" / "0" / "0"
    index = shard.read_bytes()[-(6 * 16 + 4) : -4]
    # Chunk 4 of the shard is c=1 z=1.
    start, length = (int.from_bytes(index[4 * 16 + n : 4 * 16 + n + 8], "little") for n in (0, 8))
    flip(shard, start + length - 5)
    report = verify(tmp_path / "out")
    assert not report.ok
    assert {(p.code.split("-")[0], p.where) for p in report.problems} == {
        ("file", "pos002.ome.zarr/0/c/1/0/0/0/0"),
        ("plane", "pos002 t=1 c=1 z=1"),
    }


@pytest.mark.parametrize("compression", ["none", "deflate", "zstd"])
def test_a_flipped_byte_of_a_page_is_named_by_image_t_c_z(tmp_path, compression):
    convert(planned(tmp_path / "in"), tmp_path / "out", format="ome-tiff", compression=compression)
    with tifffile.TiffFile(tmp_path / "out" / "pos001.ome.tif") as opened:
        page = opened.pages[7]
        place = page.dataoffsets[0] + page.databytecounts[0] // 2
    flip(tmp_path / "out" / "pos001.ome.tif", place)
    report = verify(tmp_path / "out")
    assert ("file-differs", "pos001.ome.tif") in {(p.code, p.where) for p in report.problems}
    assert {p.where for p in report.problems if p.code.startswith("plane")} == {
        "pos001 t=1 c=0 z=1"
    }


@pytest.mark.parametrize("form", ["ome-zarr", "ome-tiff"])
def test_no_byte_of_any_file_can_flip_unseen(tmp_path, form):
    convert(planned(tmp_path / "in", positions=["pos001"], times=1), tmp_path / "out", format=form)
    files = [p for p in (tmp_path / "out").rglob("*") if p.is_file() and ".pyomero" not in p.parts]
    assert len(files) >= 6
    for path in files:
        content = path.read_bytes()
        # The ends, where headers and indexes are, and places between.
        size = len(content)
        for offset in {0, 1, 4, size // 3, size // 2, size - 20, size - 3, size - 1} & set(
            range(size)
        ):
            flip(path, offset)
            report = verify(tmp_path / "out")
            named = {
                re.sub(r"^manifest\.json.*", "manifest.json", p.where.split("/out/")[-1])
                for p in report.problems
            }
            expected = path.relative_to(tmp_path / "out").as_posix()
            assert not report.ok
            assert re.sub(r"^manifest\.json.*", "manifest.json", expected) in named
            path.write_bytes(content)
    assert verify(tmp_path / "out").problems == ()


def test_a_plane_of_a_level_is_named_with_its_level(tmp_path):
    convert(planned(tmp_path / "in"), tmp_path / "out", levels=1, compression="none")
    # Planes of 8×10 pixels of 2 bytes each, one after the other.
    flip(
        tmp_path / "out" / "pos001.ome.zarr" / "1" / "c" / "0" / "0" / "0" / "0" / "0", 2 * 160 + 7
    )
    planes = [p.where for p in verify(tmp_path / "out").problems if p.code == "plane-differs"]
    assert planes == ["pos001 t=0 c=0 z=2 level=1"]


def test_missing_and_extra_files_are_named(out):
    (out / "pos001.ome.zarr" / "0" / "c" / "1" / "0" / "0" / "0" / "0").unlink()
    (out / "planes.csv").unlink()
    (out / "pos002.ome.zarr" / "notes.txt").write_text("mine", encoding="utf-8")
    (out / "link").symlink_to(out / "original")
    report = verify(out)
    found = {(p.severity, p.code, p.where) for p in report.problems}
    assert {
        ("error", "file-missing", "pos001.ome.zarr/0/c/1/0/0/0/0"),
        ("error", "file-missing", "planes.csv"),
        ("error", "plane-differs", "pos001 t=1 c=0 z=0"),
        ("warning", "file-unknown", "pos002.ome.zarr/notes.txt"),
        ("warning", "file-unknown", "link"),
    } <= found


def test_extra_files_alone_do_not_make_an_output_bad(out):
    (out / "my notes.txt").write_text("mine", encoding="utf-8")
    assert verify(out).ok


def test_an_image_that_cannot_be_opened_is_named(out):
    (out / "pos001.ome.zarr" / "0" / "zarr.json").write_text("{}", encoding="utf-8")
    (out / "pos002.ome.zarr" / "0" / "zarr.json").unlink()
    unreadable = {p.where for p in verify(out).problems if p.code == "image-unreadable"}
    assert {where.replace("\\", "/") for where in unreadable} == {
        "pos001.ome.zarr/0",
        "pos002.ome.zarr/0",
    }


@pytest.mark.parametrize("content", [b"", b"II*\0"])
def test_a_tiff_that_is_cut_off_is_named(tiff, content):
    (tiff / "pos001.ome.tif").write_bytes(content)
    (tiff / "pos002.ome.tif").unlink()
    codes = {(p.code, p.where) for p in verify(tiff).problems}
    assert ("file-differs", "pos001.ome.tif") in codes
    assert ("file-missing", "pos002.ome.tif") in codes
    assert any(where.startswith("pos001") and code != "file-differs" for code, where in codes)


def test_a_manifest_that_was_changed_with_its_checksum_is_still_read_strictly(out):
    (out / "manifest.json").write_bytes(b'{"images": []}')
    digest = hashlib.sha256(b'{"images": []}').hexdigest()
    (out / "manifest.json.sha256").write_text(
        f"{digest}  manifest.json\n", encoding="ascii", newline=""
    )
    report = verify(out)
    assert [p.code for p in report.problems] == ["manifest-damaged"]


def test_the_checksum_is_as_sha256sum_wants_it(out):
    digest, name = (out / "manifest.json.sha256").read_text(encoding="ascii").split()
    assert name == "manifest.json"
    assert digest == hashlib.sha256((out / "manifest.json").read_bytes()).hexdigest()


def test_a_folder_without_a_manifest_is_no_finished_output(tmp_path):
    with pytest.raises(PyomeroError, match=r"holds no manifest\.json") as error:
        verify(tmp_path)
    assert error.value.problems[0].code == "manifest-missing"
    with pytest.raises(UsageError, match="no folder"):
        verify(tmp_path / "nowhere")


def test_verification_tells_how_it_goes(out):
    events = []
    verify(out, progress=events.append)
    assert isinstance(events[0], Started)
    assert [e.image for e in events if isinstance(e, ImageStarted)] == ["pos001", "pos002"]
    assert [e.image for e in events if isinstance(e, ImageDone)] == ["pos001", "pos002"]
    assert isinstance(events[-1], Finished)


def test_an_output_with_a_failed_image_is_checked_for_what_it_has(tmp_path):
    plan = planned(tmp_path / "in")
    file_of(plan, 0, 0, 0, 0).unlink()
    convert(plan, tmp_path / "out")
    report = verify(tmp_path / "out")
    assert report.ok
    assert [(p.severity, p.code, p.where) for p in report.problems] == [
        ("warning", "image-not-made", "pos001")
    ]
