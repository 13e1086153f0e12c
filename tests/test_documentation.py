"""Every command and every Python block of the documentation is run, as it stands, in a folder of its own.

Pages about OMERO get a user of their own on an embedded server, whom the environment names. What is `Dataset:51`,
`Image:101` or `Project:7` on a page has another id there: the newest of that user's.
"""

import os
import re
import shlex
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import omero.sys
import pytest

from pyomero_upload.example import make_example

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r'^```(console|python)(?: title="([^"]+)")?\n(.*?)^```', re.MULTILINE | re.DOTALL
)
SNIPPET = re.compile(r'^--8<-- "([^"]+)"$', re.MULTILINE)
SET_UP = "pip install uv && uv run "
# What .ci/run does itself, or what serves for ever.
RUN_ELSEWHERE = ("pytest",)
ABOUT_OMERO = re.compile(
    r"\bpyomero (login|logout|status|upload|uploads|search|show|get|copy)\b|Dataset:51|OMERO_HOST"
)
SHOWN_IDS = {"Dataset": 51, "Image": 101, "Project": 7}


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """Return each block that is to be run: its language, its title (the name of a file) and its text."""
    return [
        (
            language,
            title,
            SNIPPET.sub(lambda match: (ROOT / match[1]).read_text(encoding="utf-8"), text),
        )
        for language, title, text in BLOCK.findall(page.read_text(encoding="utf-8"))
    ]


def commands(block: str) -> list[str]:
    lines = (line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ "))
    return [line.removeprefix(SET_UP) for line in lines]


def newest_ids(client, user: int) -> dict[str, int]:
    """Return the id of the user's newest object of each kind that pages name."""
    query = client.sf.getQueryService()
    parameters = omero.sys.ParametersI().addLong("user", user)
    found = {}
    for kind in SHOWN_IDS:
        hql = f"select max(o.id) from {kind} o where o.details.owner.id = :user"
        rows = query.projection(hql, parameters, {"omero.group": "-1"})
        if rows and rows[0] and rows[0][0] is not None:
            found[kind] = rows[0][0].val
    return found


def with_ids(command: str, newest: dict[str, int]) -> str:
    for kind, shown in SHOWN_IDS.items():
        command = re.sub(rf"\b{kind}:{shown}\b", f"{kind}:{newest.get(kind, shown)}", command)
    return command


@pytest.fixture
def as_user(request: pytest.FixtureRequest, page: Path, tmp_path: Path):
    """Return the environment of a user on a server, and what tells ids on it, where the page is about OMERO."""
    if not ABOUT_OMERO.search(page.read_text(encoding="utf-8")):
        yield {}, dict
        return
    user = request.getfixturevalue("omero_new_user")()
    client = user.log_in()
    environment = {
        "OMERO_HOST": user.server.host,
        "OMERO_PORT": str(user.server.port),
        "OMERO_USER": user.name,
        "OMERO_PASSWORD": user.password,
        "OMERO_USERDIR": str(tmp_path.parent / f"{tmp_path.name}-omero"),
        "PYOMERO_STATE": str(tmp_path.parent / f"{tmp_path.name}-state"),
    }
    yield environment, lambda: newest_ids(client, user.id)
    client.closeSession()


@pytest.mark.skipif(sys.platform == "win32", reason="the pages show commands of a POSIX shell")
@pytest.mark.parametrize(
    "page", [p for p in PAGES if blocks(p)], ids=lambda p: str(p.relative_to(ROOT))
)
def test_what_a_page_shows_works(page: Path, tmp_path: Path, as_user):
    make_example(tmp_path / "FOLDER", positions=1, times=1, sections=2, size=32)
    if "pyomero example experiment" not in page.read_text(encoding="utf-8"):
        make_example(tmp_path / "experiment", positions=2, times=2, sections=2, size=32)
    of_user, newest = as_user
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, **of_user, "PATH": path}

    def run(words: list[str]) -> None:
        words = [*words[:-1], with_ids(words[-1], newest())]
        done = subprocess.run(
            words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{page.name}: {words[-1]}\n{done.stdout}{done.stderr}"

    # Blocks of Python that follow one another are one program.
    for language, together in groupby(blocks(page), key=lambda block: block[0]):
        program = ""
        for _, title, text in together:
            if language == "console":
                for command in commands(text):
                    if shlex.split(command, comments=True)[0] not in RUN_ELSEWHERE:
                        run(["bash", "-c", command])
            elif title:
                (tmp_path / title).write_text(text, encoding="utf-8")
            else:
                program += text
        if program:
            run([sys.executable, "-c", program])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path):
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)(?:#[^)]*)?\)", text)
    assert [t for t in targets if not (page.parent / t).exists()] == []
