"""Every command and every Python block of the documentation is run, as it stands, in a folder of its own."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pyomero_upload.example import make_example

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SET_UP = "pip install uv && uv run "
# What .ci/run does itself, or what serves for ever.
RUN_ELSEWHERE = ("pytest",)


def blocks(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def commands(block: str) -> list[str]:
    lines = (line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ "))
    return [line.removeprefix(SET_UP) for line in lines]


@pytest.mark.skipif(sys.platform == "win32", reason="the pages show commands of a POSIX shell")
@pytest.mark.parametrize(
    "page", [p for p in PAGES if blocks(p)], ids=lambda p: str(p.relative_to(ROOT))
)
def test_what_a_page_shows_works(page: Path, tmp_path: Path):
    make_example(tmp_path / "FOLDER", positions=1, times=1, sections=2, size=32)
    if "pyomero example experiment" not in page.read_text(encoding="utf-8"):
        make_example(tmp_path / "experiment", positions=2, times=2, sections=2, size=32)
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    python: list[str] = []
    for kind, block in blocks(page):
        if kind == "python":
            python.append(block)
            continue
        for command in commands(block):
            if shlex.split(command, comments=True)[0] in RUN_ELSEWHERE:
                continue
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=tmp_path,
                env=env,
                capture_output=True,
                text=True,
                check=False,
            )
            # A plan with a warning on purpose is shown too: what is not allowed is to fail.
            assert done.returncode == 0, f"{page.name}: {command}\n{done.stdout}{done.stderr}"
    if python:
        script = tmp_path / "page.py"
        script.write_text("\n".join(python), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, script],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{page.name}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path):
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)(?:#[^)]*)?\)", text)
    assert [t for t in targets if not (page.parent / t).exists()] == []
