import os
import zipfile
from pathlib import Path

import pytest
import zeroc_ice_build
from zeroc_ice_build import cache
from zeroc_ice_build.errors import BuildError

NAME = "zeroc_ice-3.6.5-cp3-none-any.whl"
WORKS = "def stringVersion(): return '3.6.5'\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZEROC_ICE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


def wheel(folder: Path, module: str) -> Path:
    with zipfile.ZipFile(folder / NAME, "w") as content:
        content.writestr("Ice.py", module)
    return folder / NAME


def test_a_wheel_is_kept_and_taken_again_without_any_index(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.keep_wheel(wheel(folder, WORKS))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    (folder / "out").mkdir()
    monkeypatch.chdir(folder)
    assert zeroc_ice_build.build_wheel("out") == NAME
    assert (folder / "out" / NAME).read_bytes() == (folder / NAME).read_bytes()


def test_a_kept_wheel_that_no_longer_works_here_is_not_used(folder: Path) -> None:
    cache.keep_wheel(wheel(folder, "raise ImportError('libssl.so.1.1: not found')\n"))
    assert cache.kept_wheel() is None


def test_a_wheel_that_cannot_be_imported_is_refused_in_pythons_words(folder: Path) -> None:
    with pytest.raises(BuildError, match=r"libssl\.so\.1\.1: not found"):
        cache.check_wheel(wheel(folder, "raise ImportError('libssl.so.1.1: not found')\n"))


def test_a_damaged_wheel_is_refused(folder: Path) -> None:
    (folder / NAME).write_bytes(b"PK")
    with pytest.raises(BuildError, match="damaged"):
        cache.check_wheel(folder / NAME)


def test_other_compiler_settings_make_another_wheel(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.keep_wheel(wheel(folder, WORKS))
    assert cache.kept_wheel() is not None
    monkeypatch.setenv("CXXFLAGS", "-fsanitize=address")
    assert cache.kept_wheel() is None


@pytest.mark.skipif(os.name == "nt", reason="another folder on Windows")
def test_without_a_word_the_users_cache_folder_is_used(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ZEROC_ICE_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache.folder().name == "zeroc-ice-build"
    assert cache.folder().is_relative_to(home)
