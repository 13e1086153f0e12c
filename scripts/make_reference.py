"""Write the pages of the documentation that are made from the code: command line, schemas, the server's operations.

python scripts/make_reference.py           write them
python scripts/make_reference.py --check   only tell whether they are up to date
"""

import json
import os
import sys
from pathlib import Path

from typer.testing import CliRunner

from omero_embedded.reference import operations_page
from pyomero_upload.cli import app
from pyomero_upload.metadata.user_file import json_schema as metadata_schema
from pyomero_upload.planning.document import plan_schema

DOCS = Path(__file__).parent.parent / "docs"
HEAD = """# Command line

What `pyomero COMMAND --help` prints. Results go to standard output, everything else to standard error. The exit statuses
are listed under [Problems](problems.md#exit-statuses).

"""


def command_line() -> str:
    """Put the help of all commands on one page."""
    # The width of the terminal must not change the page.
    os.environ.update(COLUMNS="100", TERMINAL_WIDTH="100", NO_COLOR="1")
    names = [info.name for info in app.registered_commands]
    page = HEAD
    for words in ([], *([name] for name in names)):
        shown = CliRunner().invoke(app, [*words, "--help"], prog_name="pyomero").output
        text = "\n".join(line.rstrip() for line in shown.strip().splitlines())
        page += f"## {' '.join(['pyomero', *words])}\n\n```text\n{text}\n```\n\n"
    return page.rstrip() + "\n"


def pages() -> dict[Path, str]:
    """Make all pages, by the file that they belong in."""
    return {
        DOCS / "reference" / "cli.md": command_line(),
        DOCS / "reference" / "embedded-operations.md": operations_page(),
        DOCS / "schemas" / "metadata.schema.json": _json(metadata_schema()),
        DOCS / "schemas" / "plan.schema.json": _json(plan_schema()),
    }


def _json(document: dict[str, object]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the pages, or tell which are out of date."""
    stale = 0
    for path, text in pages().items():
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        print(path)
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8", newline="\n")
    return stale if "--check" in sys.argv else 0


if __name__ == "__main__":
    raise SystemExit(main())
