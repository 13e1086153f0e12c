"""How plans and problems look on a terminal."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from pyomero_upload.model import Hypercube, Plan, Problem
from pyomero_upload.quantities import human_bytes

STYLES = {"error": "bold red", "warning": "yellow", "info": "cyan"}
# More rows than anybody reads; --verbose prints them all.
MOST_ROWS = 40
MOST_OF_A_SORT = 3

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def show_plan(plan: Plan, *, verbose: bool = False) -> None:
    """Print a plan: what will be made, a row a position with totals, and the problems."""
    dataset = plan.dataset
    out.print(f"[bold]{escape(dataset.name)}[/bold]  from {escape(str(plan.source.folder))}")
    if dataset.description:
        lines = dataset.description.strip().splitlines()
        out.print(escape(lines[0][:100]) + (" …" if len(lines) > 1 or len(lines[0]) > 100 else ""))
    facts = [
        ("tags", ", ".join(dataset.tags)),
        ("key-values", str(len(dataset.key_values) + len(plan.provenance))),
        ("tables", ", ".join(f"{t.name} ({count(len(t.frame), 'row')})" for t in dataset.tables)),
        ("attachments", ", ".join(dataset.attachments)),
    ]
    for label, text in facts:
        if text:
            out.print(f"  {label}: {escape(text)}")
    if plan.images:
        out.print(_images_table(plan, verbose=verbose))
        out.print(_totals(plan))
    show_problems(plan.problems, out, verbose=verbose)


def _images_table(plan: Plan, *, verbose: bool) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("image")
    for title in ("t", "c", "z", "y × x"):
        table.add_column(title, justify="right")
    table.add_column("type")
    table.add_column("channels")
    table.add_column("planes", justify="right")
    pairs = plan.pairs
    shown = pairs if verbose else pairs[:MOST_ROWS]
    for image, source in shown:
        t, c, z, y, x = image.sizes
        table.add_row(
            printable(image.name),
            str(t),
            str(c),
            str(z),
            f"{y} × {x}",
            image.dtype,
            _channels(image),
            _planes(source),
        )
    if len(shown) < len(pairs):
        table.add_row(f"… and {len(pairs) - len(shown)} more (--verbose lists all)")
    return table


def printable(text: str) -> Text:
    """Show control characters and undecodable bytes of a name as escapes, so that nothing garbles the terminal."""
    return Text("".join(c if c.isprintable() else repr(c)[1:-1] for c in text))


def _channels(image: Hypercube) -> Text:
    text = Text()
    for channel in image.channels:
        if text:
            text.append(" ")
        text.append("■ ", style=channel.color or "white")
        text.append(channel.title)
    return text


def _planes(source: Hypercube) -> Text:
    present, missing = len(source.planes), len(source.missing)
    if missing:
        return Text(f"{present} of {present + missing}", style="yellow")
    return Text(str(present))


def _totals(plan: Plan) -> str:
    present = sum(len(image.planes) for image in plan.sources)
    missing = sum(len(image.missing) for image in plan.sources)
    size = sum(stat.size for stat in plan.source.files.values())
    text = f"{count(len(plan.images), 'image')}, {count(present, 'plane')}"
    if missing:
        text += f" ({missing:,} missing)"
    # Whoever counts the planes of the result finds those that were never taken, too.
    made = sum(image.sizes.t * image.sizes.c * image.sizes.z for image in plan.images)
    if plan.processor is None and made > present + missing:
        text += f" (and {made - present - missing:,} of zeros that were never taken)"
    return text + f", {count(len(plan.source.files), 'file')}, {human_bytes(size)}"


def count(number: int, noun: str) -> str:
    """Say a number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def show_problems(problems: Iterable[Problem], console: Console, *, verbose: bool = False) -> None:
    """Print problems grouped by their code, worst first; all of them when `verbose`."""
    order = [*STYLES]
    ordered = sorted(problems, key=lambda p: (order.index(p.severity), p.code))
    for (severity, code), members in groupby(ordered, key=lambda p: (p.severity, p.code)):
        group = list(members)
        number = f" ×{len(group)}" if len(group) > 1 else ""
        console.print(Text(f"{severity}: {code}{number}", style=STYLES[severity]))
        lines = [sentence(p) for p in group] if verbose else _summed_up(group)
        for line in lines:
            console.print(Text("  ") + printable(line))
        if group[0].hint:
            console.print(Text(f"  → {group[0].hint}", style="dim"))


def sentence(problem: Problem) -> str:
    """Say what is the matter and where, and no path twice."""
    return _located([problem.where], problem.message)


def _summed_up(problems: Sequence[Problem]) -> list[str]:
    """Say the same thing about many files or images once, and of different things the first few."""
    places: dict[str, list[str]] = {}
    for problem in problems:
        places.setdefault(problem.message, []).append(problem.where)
    lines = [_located(where, message) for message, where in [*places.items()][:MOST_OF_A_SORT]]
    more = sum(len(where) for where in [*places.values()][MOST_OF_A_SORT:])
    return [*lines, f"… and {more} more (--verbose lists all)"] if more else lines


def _located(places: Iterable[str], message: str) -> str:
    named = [w for w in dict.fromkeys(places) if w not in {".", ""} and w not in message]
    if not named:
        return message
    more = len(named) - MOST_OF_A_SORT
    return (
        f"{', '.join(named[:MOST_OF_A_SORT])}{f' and {more} more' if more > 0 else ''}: {message}"
    )


def show_tree(folder: Path, *, depth: int = 2) -> None:
    """Print what a folder holds, folders below `depth` with the number and size of their files."""
    tree = Tree(printable(str(folder) + "/"))
    _grow(tree, folder, depth)
    out.print(tree)


def _grow(tree: Tree, folder: Path, depth: int) -> None:
    for path in sorted(folder.iterdir()):
        if path.is_file():
            tree.add(printable(f"{path.name}  ({human_bytes(path.stat().st_size)})"))
        elif depth > 1 and not path.name.endswith(".zarr"):
            _grow(tree.add(printable(path.name + "/")), path, depth - 1)
        else:
            files = [file for file in path.rglob("*") if file.is_file()]
            size = human_bytes(sum(file.stat().st_size for file in files))
            tree.add(printable(f"{path.name}/  ({count(len(files), 'file')}, {size})"))
