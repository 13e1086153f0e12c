import subprocess
import sys
from pathlib import Path

import pytest
from zeroc_ice_build import edits
from zeroc_ice_build.errors import BuildError


def tree_with_all_texts(folder: Path) -> Path:
    """Write files that hold what the edits look for, and a line before and after."""
    for edit in edits.EDITS:
        path = folder / edit.file
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_bytes() if path.exists() else b"first\r\n"
        path.write_bytes(before + edit.old.encode() * edit.times + b"more\r\n")
    return folder


def test_every_text_is_replaced_and_the_rest_stays_to_the_byte(tmp_path: Path) -> None:
    edits.apply(tree_with_all_texts(tmp_path))
    for edit in edits.EDITS:
        text = (tmp_path / edit.file).read_bytes().decode()
        assert text.startswith("first\r\n")
        assert text.endswith("more\r\n")
        assert text.count(edit.new) >= edit.times or not edit.new
        assert edit.old in edit.new or edit.old not in text


@pytest.mark.parametrize("edit", edits.EDITS, ids=lambda edit: edit.why)
def test_a_text_that_is_not_there_stops_the_build(edit: edits.Edit, tmp_path: Path) -> None:
    path = tree_with_all_texts(tmp_path) / edit.file
    path.write_bytes(path.read_bytes().replace(edit.old.encode(), b""))
    with pytest.raises(BuildError) as caught:
        edits.apply(tmp_path)
    assert edit.file in str(caught.value)
    assert edit.why in str(caught.value)
    assert f"0 times, not {edit.times}" in str(caught.value)


def test_a_text_that_is_there_too_often_stops_the_build(tmp_path: Path) -> None:
    path = tree_with_all_texts(tmp_path) / "src/Util.cpp"
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(BuildError, match=r"Util\.cpp .* 2 times, not 1"):
        edits.apply(tmp_path)


def test_a_failed_build_ends_with_its_message_alone(tmp_path: Path) -> None:
    code = "import zeroc_ice_build; zeroc_ice_build.build_wheel('.')"
    environ = {
        "PYTHONPATH": str(Path(edits.__file__).parents[1]),
        "ZEROC_ICE_CACHE_DIR": str(tmp_path / "cache"),
        "UV_NO_INDEX": "1",
        "SYSTEMROOT": "C:\\Windows",
    }
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environ,
        start_new_session=True,
    )
    assert run.returncode == 1
    assert "was not to be had" in run.stderr
    assert "Traceback" not in run.stdout + run.stderr
