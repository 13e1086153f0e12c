"""The pages that are made from the code are those of this code."""

import json
import runpy
from pathlib import Path

from pyomero_upload.cli import app

ROOT = Path(__file__).parent.parent


def test_schemas_and_the_servers_operations_are_up_to_date():
    pages = runpy.run_path(str(ROOT / "scripts" / "make_reference.py"))["pages"]()
    stale = [
        str(path.relative_to(ROOT))
        for path, text in pages.items()
        # The help of a command looks different with each version of the library that prints it.
        if path.name != "cli.md" and path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run scripts/make_reference.py"


def test_every_command_and_option_is_on_its_page():
    page = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    for command in app.registered_commands:
        assert f"## pyomero {command.name}" in page
    assert "--on-bad-plane" in page
    assert "--insecure-port" in page


def test_published_schemas_are_json():
    for path in sorted((ROOT / "docs/schemas").glob("*.json")):
        assert json.loads(path.read_text(encoding="utf-8"))["title"]
