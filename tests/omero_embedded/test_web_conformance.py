"""OMERO.web before the embedded server and before a real one, asked the same.

The requests, the real server's answers and the comparison are data that are shared with this repository's users
(`conformance` in the shared folder). The real server had been used before: its ids had four digits, so the server here
is given a past too.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import omero
import omero.model
import pytest
from omero.rtypes import rstring

from omero_embedded import Server

pytest.importorskip("omero_iviewer", reason="OMERO.web with iviewer is not installed")

UNORDERED = "the query orders by a namespace that these have in common: the database may give them in any order"
LIKE_THEM = "the first of two Images that a query without order gives got the changes"
DIFFERENT = {
    "GET /webclient/api/annotations/?image={i1} as bob": UNORDERED,
    "GET /webclient/api/annotations/?image={i1}&parents=true": UNORDERED,
    "GET /webclient/api/annotations/?image={i1}&image={i2}": UNORDERED,
    "GET /webclient/api/annotations/?image={i1}&image={i2}&image={i3}": UNORDERED,
    "GET /webclient/api/annotations/?image={i2}": LIKE_THEM,
    "GET /webclient/figure_script/SplitView/?Image={i1}": "the scripts' package is a newer one here",
    "GET /webclient/list_scripts/?full_path=true": "the real server's scripts lay there with their repository's files",
    "GET /webgateway/table/{table}/metadata/": "it holds the time at which the table was made, as a number",
}
"""Answers that need not be equal, and why."""


def give_a_past(server: Server, ids: int) -> None:
    """Have the next Image get an id beyond the number."""
    client = server.client()
    past = [omero.model.ImageI() for _ in range(ids)]
    for image in past:
        image.name = rstring("past")
    client.sf.getUpdateService().saveArray(past)
    client.closeSession()


def comparison(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("compare", folder / "compare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_request_is_answered_as_before_the_real_server(shared: Path, tmp_path: Path) -> None:
    conformance, here = shared / "conformance", tmp_path / "here.json"
    with Server(memory=True) as server:
        give_a_past(server, 1000)
        asked = subprocess.run(
            [
                sys.executable,
                str(conformance / "web_probes.py"),
                *("--host", server.host, "--port", str(server.port)),
                *("--user", server.user, "--password", server.password),
                *("--out", str(here), "--patience", "5"),
            ],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=900,
            check=False,
        )
    assert asked.returncode == 0, asked.stderr[-3000:]
    real = json.loads((conformance / "real-web.json").read_text(encoding="utf-8"))
    answers = json.loads(here.read_text(encoding="utf-8"))
    differences = comparison(conformance).differences
    found = {
        name: list(differences(real[name], answers.get(name, "not asked"), (name,)))
        for name in real
        if name not in DIFFERENT
    }
    assert {name: different for name, different in found.items() if different} == {}
