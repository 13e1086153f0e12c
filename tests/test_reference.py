"""The pages that are made from the code are those of this code."""

import ast
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


def codes_in_the_source() -> set[str]:
    """Find the code of every problem that is made with one written out."""
    calls = (
        node
        for path in (ROOT / "src/pyomero_upload").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    )
    return {
        call.args[1].value
        for call in calls
        if call.func.id == "Problem"
        and len(call.args) > 1
        and isinstance(call.args[1], ast.Constant)
    }


def test_every_code_of_a_problem_is_documented():
    page = (ROOT / "docs/reference/problems.md").read_text(encoding="utf-8")
    codes = codes_in_the_source()
    assert len(codes) > 20
    assert sorted(code for code in codes if f"`{code}`" not in page) == []
