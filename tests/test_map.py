"""The map in CONTRIBUTING.md is true: modules import only from those above them, and all of them are on it."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "src" / "pyomero_upload"
# The published interface of 2020, which the map names beside the house.
BESIDE = {"__init__.py", "pyomero_upload.py", "upload_cli.py"}
NO_CODE = {"targets/__init__.py", "version.py"}


def floors() -> list[list[str]]:
    """Return the paths of each row of the map, from the top of the list down."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text[text.index("| in `src/pyomero_upload` |") : text.index("`targets/omero/`, in the")]
    rows = []
    for line in table.splitlines()[2:]:
        if not line.startswith("|"):
            continue
        first, *others = re.findall(r"`([^`]+)`", line.split("|")[1])
        folder = first.rpartition("/")[0] if first.endswith(".py") else ""
        rows.append([first, *(f"{folder}/{other}".lstrip("/") for other in others)])
    return rows


def modules() -> dict[str, int]:
    """Return the floor of each module."""
    found = {}
    for path in sorted(HOUSE.rglob("*.py")):
        name = path.relative_to(HOUSE).as_posix()
        for floor, places in enumerate(floors()):
            if any(name == place or name.startswith(f"{place.rstrip('/')}/") for place in places):
                found[name] = floor
    return found


def imported(name: str) -> set[str]:
    """Return the modules of the house that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse((HOUSE / name).read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for dotted in names:
            package, _, rest = dotted.partition(".")
            place = rest.replace(".", "/")
            if package == "pyomero_upload" and rest:
                found |= {
                    file
                    for file in (f"{place}.py", f"{place}/__init__.py")
                    if (HOUSE / file).exists()
                }
    return found


def test_all_modules_are_on_the_map():
    all_modules = {path.relative_to(HOUSE).as_posix() for path in HOUSE.rglob("*.py")}
    assert all_modules - set(modules()) - BESIDE - NO_CODE == set()


def test_modules_import_only_from_those_above_them():
    known = modules()
    below = {
        (name, other)
        for name, floor in known.items()
        for other in imported(name)
        if other in known and known[other] > floor
    }
    assert {other for _, other in below} <= {"display.py"}


def test_the_embedded_server_knows_nothing_of_the_house():
    for path in (ROOT / "src" / "omero_embedded").rglob("*.py"):
        assert "pyomero_upload" not in {
            name.partition(".")[0]
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            for name in (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else []
            )
        }, path
