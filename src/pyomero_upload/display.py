"""How things look in a notebook: HTML for a plan, its images and its dataset, and for what an upload did.

Beside the command line, which says the same on a terminal. The classes' `_repr_html_` call these; Jupyter calls those.
"""

import sys
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from pyomero_upload.model import Channel, Dataset, Hypercube, Plan, Problem

if TYPE_CHECKING:
    from pyomero_upload.transfer.events import Event, OnEvent, UploadReport

# A notebook is for looking, not for lists of hundreds.
MOST_ROWS = 20
MOST_PAIRS = 12
_MARKS = {True: "✓ ", False: "✗ ", None: ""}
SEVERITY_COLORS = {"error": "#c62828", "warning": "#b26a00", "info": "#00695c"}


def plan_html(plan: Plan) -> str:
    """Return what will be made: the dataset, a row for each image, and every problem."""
    rows = [_image_cells(image) for image in plan.images[:MOST_ROWS]]
    more = len(plan.images) - MOST_ROWS
    rest = f"<p>… and {more} more images</p>" if more > 0 else ""
    planes = sum(len(image.planes) for image in plan.sources)
    totals = (
        f"<p>{len(plan.images)} images, {planes} planes from {len(plan.source.files):,} files</p>"
    )
    head = ("image", "t", "c", "z", "y × x", "type", "channels", "planes", "missing")
    return (
        dataset_html(plan.dataset) + _table(head, rows) + rest + totals + _problems(plan.problems)
    )


def image_html(image: Hypercube) -> str:
    """Return one image: sizes, type, channels with their colours, physical sizes, time."""
    size = image.physical_size_um
    said: list[tuple[str, object]] = [
        ("t × c × z × y × x", " × ".join(map(str, image.sizes))),
        ("type", image.dtype),
        ("voxel in µm (x, y, z)", ", ".join("?" if v is None else f"{v:g}" for v in size)),
        ("time between planes", _unknown_or(image.time_increment_s, "s")),
        ("acquired", image.acquired or "?"),
        ("missing planes", len(image.missing)),
    ]
    rows = [(escape(name), escape(str(value))) for name, value in said]
    rows.append(("channels", _channels(image.channels)))
    return f"<p><b>{escape(image.name)}</b></p>" + _table((), rows)


def dataset_html(dataset: Dataset) -> str:
    """Return what is said about all images together."""
    tags = " ".join(_pill(tag) for tag in dataset.tags)
    pairs = [(escape(k), escape(v)) for k, v in dataset.key_values[:MOST_PAIRS]]
    more = len(dataset.key_values) - MOST_PAIRS
    rest = f"<p>… and {more} more key-values</p>" if more > 0 else ""
    tables = ", ".join(f"{escape(t.name)} ({len(t.frame)} rows)" for t in dataset.tables)
    files = ", ".join(map(escape, dataset.attachments))
    parts = [
        f"<h4>{escape(dataset.name)}</h4>",
        f"<p>{escape(dataset.description)}</p>" if dataset.description else "",
        f"<p>{tags}</p>" if tags else "",
        f"<details><summary>{len(dataset.key_values)} key-values</summary>{_table((), pairs)}{rest}</details>"
        if pairs
        else "",
        f"<p>tables: {tables}</p>" if tables else "",
        f"<p>attachments: {files}</p>" if files else "",
    ]
    return "".join(parts)


def upload_html(report: "UploadReport") -> str:
    """Return what an upload did: the Dataset with its address, and a row for each image."""
    rows = [
        (
            escape(image.name),
            "" if image.image_id is None else str(image.image_id),
            image.status,
            str(image.planes),
            "" if image.image_id is None else f"{_MARKS[image.verified]}{image.comparison}",
            f"<code>{image.sha1 or ''}</code>",
        )
        for image in report.images[:MOST_ROWS]
    ]
    more = len(report.images) - MOST_ROWS
    rest = f"<p>… and {more} more images</p>" if more > 0 else ""
    link = f'<p><a href="{escape(report.url)}">{escape(report.place)}</a></p>'
    head = ("image", "id", "", "planes", "compared", "SHA-1 of the pixels")
    problems = [*report.problems, *(p for image in report.images for p in image.problems)]
    return link + _table(head, rows) + rest + _problems(problems)


def progress_bar() -> "OnEvent":
    """Return a function for `progress=` that shows a bar below the cell and moves it; in a script it shows nothing."""
    from pyomero_upload.transfer.events import (  # noqa: PLC0415
        Finished,
        Progress,
        Waiting,
        ignore,
    )

    if not _in_notebook():
        return ignore
    from IPython.display import display  # noqa: PLC0415  # there in every notebook, and only there

    first = _bar(0, 1, "begins …")
    handle = display(first, raw=True, display_id=True)  # type: ignore[no-untyped-call]  # IPython's

    def move(done: int, total: int, text: str) -> None:
        handle.update(_bar(done, total, text), raw=True)

    def show(event: "Event") -> None:
        if isinstance(event, Progress):
            left = "" if event.seconds_left is None else f", {event.seconds_left:.0f} s left"
            text = f"{event.planes_done} of {event.planes} planes, {event.bytes_per_s / 1e6:.0f} MB/s{left}"
            move(event.planes_done, event.planes, text)
        elif isinstance(event, Waiting):
            move(0, 1, f"waits: {event.reason}")
        elif isinstance(event, Finished):
            move(1, 1, f"{event.planes} planes in {event.seconds:.1f} s")

    return show


def _in_notebook() -> bool:
    # Whoever runs cells has imported it.
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


def _bar(done: int, total: int, text: str) -> dict[str, str]:
    bar = f'<progress value="{done}" max="{total}" style="width:24em"></progress>'
    return {"text/html": f"{bar} {escape(text)}", "text/plain": text}


def _image_cells(image: Hypercube) -> tuple[str, ...]:
    sizes = image.sizes
    return (
        f"<b>{escape(image.name)}</b>",
        str(sizes.t),
        str(sizes.c),
        str(sizes.z),
        f"{sizes.y} × {sizes.x}",
        escape(image.dtype),
        _channels(image.channels),
        str(sizes.t * sizes.c * sizes.z),
        str(len(image.missing) or ""),
    )


def _channels(channels: Sequence[Channel]) -> str:
    return " ".join(
        f'<span style="color:{escape(channel.color or "#888888")}">■</span> {escape(channel.title)}'
        for channel in channels
    )


def _unknown_or(value: float | None, unit: str) -> str:
    return "?" if value is None else f"{value:g} {unit}"


def _pill(text: str) -> str:
    style = "border:1px solid #888;border-radius:0.8em;padding:0 0.6em;margin-right:0.3em"
    return f'<span style="{style}">{escape(text)}</span>'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are HTML already."""
    first = f"<tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>" if head else ""
    cell = '<td style="text-align:left">{}</td>'
    body = "".join(f"<tr>{''.join(map(cell.format, row))}</tr>" for row in rows)
    return f"<table>{first}{body}</table>"


def _problems(problems: Sequence[Problem]) -> str:
    lines = "".join(
        f'<li><b style="color:{SEVERITY_COLORS[p.severity]}">{p.severity}: {escape(p.code)}</b> '
        f"{escape(p.where)}: {escape(p.message)} <i>{escape(p.hint)}</i></li>"
        for p in problems[:MOST_ROWS]
    )
    more = len(problems) - MOST_ROWS
    rest = f"<li>… and {more} more</li>" if more > 0 else ""
    return f"<ul>{lines}{rest}</ul>" if problems else ""
