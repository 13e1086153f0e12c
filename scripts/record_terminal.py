"""Draw a command and what it prints as an SVG that moves: docs/images/terminal.svg, for the README.

Run it in an empty folder; it types `pyomero demo`, takes what appears and when, and shortens the pauses::

    python scripts/record_terminal.py docs/images/terminal.svg
"""

import argparse
import os
import pty
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

from rich.color import blend_rgb
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

COLUMNS, ROWS = 100, 28
LINE, WIDTH, FONT = 17.0, 8.4, 14
LONGEST_PAUSE_S = 0.7
TYPING_S = 0.05
END_S = 6.0


class Line(NamedTuple):
    """A line of the terminal, and when it appeared, in seconds."""

    at: float
    text: Text


def record(command: list[str], folder: Path) -> list[Line]:
    """Run a command in a terminal of its own and return what it printed, line by line."""
    master, slave = pty.openpty()
    environment = {
        **os.environ,
        "TERM": "xterm-256color",
        "COLUMNS": str(COLUMNS),
        "LINES": str(ROWS),
        # Paths are shown as below the home of whoever looks at it.
        "PYOMERO_STATE": str(folder / ".local/state/pyomero-upload"),
    }
    started = time.monotonic()
    process = subprocess.Popen(
        command, cwd=folder, stdin=slave, stdout=slave, stderr=slave, env=environment
    )
    os.close(slave)
    lines, rest = [], b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # Linux's way to say that the other side is closed
            break
        if not chunk:
            break
        *whole, rest = (rest + chunk).split(b"\n")
        now = time.monotonic() - started
        for raw in whole:
            # Where a line was written over, its last state stands.
            text = raw.decode("utf-8", "replace").rstrip("\r").rpartition("\r")[2]
            lines.append(Line(now, Text.from_ansi(text.replace(str(folder), "~"))))
    if process.wait():
        sys.exit(f"{' '.join(command)} ended with {process.returncode}.")
    return lines


def shortened(typed: str, lines: list[Line]) -> list[Line]:
    """Put the typed command before the lines, and shorten pauses."""
    at = 0.4 + TYPING_S * len(typed)
    shown = [Line(0.0, Text.assemble(("$ ", "bold green"), typed))]
    before = 0.0
    for line in lines:
        at += min(max(line.at - before, 0.02), LONGEST_PAUSE_S)
        before = line.at
        shown.append(Line(at, line.text))
    return shown


def draw(lines: list[Line]) -> str:
    """Return the SVG: every line appears at its time, and the whole moves up when the window is full."""
    end = lines[-1].at + END_S
    height = ROWS * LINE + 40
    steps = [
        f"{100 * line.at / end:.2f}% {{ transform: translateY({-max(0, n + 1 - ROWS) * LINE:.0f}px) }}"
        for n, line in enumerate(lines)
    ]
    # Without a last step, it would jump back to its start.
    steps.append(f"100% {{ transform: translateY({-max(0, len(lines) - ROWS) * LINE:.0f}px) }}")
    rows = []
    for n, line in enumerate(lines):
        rows.append(
            f'<text y="{(n + 1) * LINE:.0f}" style="animation-delay:{line.at:.2f}s">{_spans(line.text)}</text>'
        )
    scroll = "\n".join(steps)
    background = MONOKAI.background_color.hex
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {COLUMNS * WIDTH + 24:.0f} {height:.0f}" role="img" aria-label="A terminal: pyomero demo">
<style>
text {{ font: {FONT}px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: {MONOKAI.foreground_color.hex}; white-space: pre; opacity: 0; animation: appear 0.01s forwards }}
@keyframes appear {{ to {{ opacity: 1 }} }}
@keyframes scroll {{
{scroll}
}}
#lines {{ animation: scroll {end:.2f}s steps(1, end) forwards }}
</style>
<rect width="100%" height="100%" rx="8" fill="{background}"/>
<g fill="#888"><circle cx="18" cy="14" r="5"/><circle cx="34" cy="14" r="5"/><circle cx="50" cy="14" r="5"/></g>
<svg x="12" y="24" width="{COLUMNS * WIDTH:.0f}" height="{ROWS * LINE + 8:.0f}"><g id="lines">
{chr(10).join(rows)}
</g></svg>
</svg>
"""


def _spans(text: Text) -> str:
    spans = []
    for segment in text.render(Console(color_system="truecolor", width=COLUMNS)):
        style, content = segment.style, escape(segment.text.rstrip("\n"))
        if not content:
            continue
        attributes = ""
        if style is not None and style.color is not None and not style.color.is_default:
            attributes += f' fill="{style.color.get_truecolor(MONOKAI).hex}"'
        if style is not None and style.dim:
            dim = blend_rgb(MONOKAI.foreground_color, MONOKAI.background_color, 0.4)
            attributes += f' fill="{dim.hex}"'
        if style is not None and style.bold:
            attributes += ' font-weight="bold"'
        spans.append(f"<tspan{attributes}>{content}</tspan>" if attributes else content)
    return "".join(spans)


def main() -> None:
    """Record and draw."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("file", type=Path)
    file = options.parse_args().file
    program = Path(sys.executable).with_name("pyomero")
    with tempfile.TemporaryDirectory() as folder:
        lines = record([str(program), "demo", "--progress", "none"], Path(folder))
    file.write_text(draw(shortened("uv run pyomero demo", lines)), encoding="utf-8")


if __name__ == "__main__":
    main()
