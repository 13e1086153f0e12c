"""Room on the disk: asked for before, and explained when it runs out."""

import errno
import shutil
from types import SimpleNamespace

import pytest

from plans import planned
from pyomero_upload.errors import PyomeroError
from pyomero_upload.targets.files.shard import ShardWriter
from pyomero_upload.transfer import ProblemFound, convert, verify
from pyomero_upload.transfer.space import space_needed, write_error


@pytest.fixture
def plan(tmp_path):
    return planned(tmp_path / "in", positions=["pos001"])


def disk_with(monkeypatch, free):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))


RAW = 12 * 16 * 20 * 2


def test_uncompressed_output_needs_what_its_pixels_take(plan):
    pairs = list(zip(plan.images, plan.sources, strict=True))
    assert space_needed(plan, pairs, compression="none", pyramid=False) == RAW
    assert space_needed(plan, pairs, compression="none", pyramid=True) == RAW * 4 // 3


def test_compressed_output_needs_about_what_the_files_take_and_never_more_than_raw(plan):
    pairs = list(zip(plan.images, plan.sources, strict=True))
    files = sum(stat.size for path, stat in plan.source.files.items() if path.endswith(".png"))
    assert space_needed(plan, pairs, compression="lz4", pyramid=False) == min(files, RAW)


def test_a_job_that_cannot_fit_is_refused_before_it_begins(tmp_path, plan, monkeypatch):
    disk_with(monkeypatch, 100)
    with pytest.raises(PyomeroError, match=r"needs about .* MB, but .* has 0 MB left") as error:
        convert(plan, tmp_path / "out")
    assert error.value.problems[0].code == "disk-full"
    assert "Free" in error.value.hint
    assert not list((tmp_path / "out").glob("*.ome.zarr"))


def test_a_job_that_may_fit_is_begun_with_a_warning(tmp_path, plan, monkeypatch):
    pairs = list(zip(plan.images, plan.sources, strict=True))
    disk_with(monkeypatch, int(space_needed(plan, pairs, compression="lz4", pyramid=False) * 0.8))
    events = []
    report = convert(plan, tmp_path / "out", progress=events.append)
    assert report.ok
    assert [problem.code for problem in report.problems] == ["disk-nearly-full"]
    assert [e.problem for e in events if isinstance(e, ProblemFound)] == list(report.problems)


def test_a_disk_that_fills_up_is_an_error_that_says_so_and_the_job_goes_on_later(
    tmp_path, plan, monkeypatch
):
    add = ShardWriter.add

    def full(self, chunk, encoded):
        if chunk == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        add(self, chunk, encoded)

    with monkeypatch.context() as patch:
        patch.setattr(ShardWriter, "add", full)
        with pytest.raises(PyomeroError, match="The disk is full") as error:
            convert(plan, tmp_path / "out")
    assert error.value.problems[0].code == "disk-full"
    assert "MB" in error.value.message
    assert "run the same command again" in error.value.hint
    assert convert(plan, tmp_path / "out").ok
    assert verify(tmp_path / "out").problems == ()


def test_other_failures_to_write_carry_the_systems_own_words(tmp_path):
    error = write_error(OSError(errno.EIO, "Input/output error"), tmp_path, 0)
    assert "Input/output error" in error.message
    assert error.problems[0].code == "write-failed"
