"""`report.html`: what became of an upload, on one page that needs nothing else to be read.

Stands at the end of `upload` and `upload_original`. Pictures are the server's thumbnails, inside the page; nothing is loaded from elsewhere, no
program runs in it, and it holds no key of any session. All that comes from names and texts is escaped.
"""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from html import escape
from importlib.resources import files
from pathlib import Path

from pyomero_upload.model import Problem
from pyomero_upload.quantities import human_bytes
from pyomero_upload.targets.files.durable import write_durably
from pyomero_upload.targets.files.names import storable
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.rendering import thumbnails
from pyomero_upload.transfer.events import UploadedImage, UploadReport
from pyomero_upload.version import __version__

_STATES = {
    "done": "uploaded",
    "unchanged": "was there",
    "failed": "failed",
    "stopped": "not complete",
}
_COMPARED = {
    True: '<span class="good" title="equal to the one taken while reading">✓</span>',
    False: '<span class="bad" title="differs from the one taken while reading">✗</span>',
    None: "<small>not compared</small>",
}


def write_report_page(
    path: Path, report: UploadReport, connection: Connection, problems: Sequence[Problem] = ()
) -> None:
    """Write the page of an upload, in place of that of an earlier run.

    Parameters
    ----------
    path
        Where to.
    report
        What became of the upload.
    connection
        Where the thumbnails come from.
    problems
        What the plan had to warn of.

    """
    ids = [image.image_id for image in report.images if image.image_id is not None]
    page = report_page(
        report,
        pictures=thumbnails(connection, ids),
        links={image_id: connection.web_url("Image", image_id) for image_id in ids},
        problems=problems,
    )
    write_durably(path, page.encode("utf-8"))


def report_page(
    report: UploadReport,
    *,
    pictures: Mapping[int, bytes],
    links: Mapping[int, str],
    problems: Sequence[Problem] = (),
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    report
        What became of the upload.
    pictures, links
        For the ids of Images: the thumbnail (JPEG), and the address in OMERO.web.
    problems
        What the plan had to warn of.

    """
    style = files("pyomero_upload.transfer").joinpath("report_page.css").read_text("utf-8")
    name = _text(report.dataset_name) or f"Dataset {report.dataset_id}"
    now = datetime.now(timezone.utc).astimezone().isoformat(" ", "seconds")
    rows = "\n".join(_row(image, pictures, links) for image in report.images)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{name} – upload report</title>
<style>
{style}</style>
</head>
<body>
<header>
<p class="verdict {"good" if report.ok else "bad"}">{_verdict(report)}</p>
<h1>{_link(report.url, name)}</h1>
<p>Dataset:{report.dataset_id} · written {escape(now)} · PyOmeroUpload {escape(__version__)}</p>
</header>
{_totals(report)}
{_problems([*problems, *report.problems])}
<table>
<thead><tr><th></th><th>Image</th><th>State</th><th class="n">Planes</th><th class="n">Sent</th>
<th class="n">Rate</th><th>SHA-1 of all planes</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
<footer><p>The SHA-1 is the server's own, over the planes in the order t, c, z, big-endian;
✓ says that it equals the one taken while the planes were read, ✗ that it differs.
What is not compared comes from files that only the server reads, or that can be read in more ways than one.</p></footer>
</body>
</html>
"""


def _verdict(report: UploadReport) -> str:
    if report.unchanged:
        return "All of it was there before."
    if report.ok:
        return "All images are complete."
    complete = sum(image.image_id is not None for image in report.images)
    return f"{complete} of {len(report.images)} images are complete. Run the same command again to go on."


def _totals(report: UploadReport) -> str:
    planes = sum(image.planes for image in report.images if image.image_id is not None)
    times = "interruption" if report.interruptions == 1 else "interruptions"
    facts = [
        (str(len(report.images)), "images"),
        (f"{planes:,}", "planes"),
        (human_bytes(report.bytes), "sent"),
        (_seconds(report.seconds), "in all"),
        (_rate(report.bytes, report.seconds), "on average"),
        (str(report.interruptions or ""), f"{times} waited out"),
    ]
    items = "".join(
        f"<li><b>{escape(value)}</b> {escape(what)}</li>" for value, what in facts if value
    )
    return f'<ul class="totals">{items}</ul>'


def _row(image: UploadedImage, pictures: Mapping[int, bytes], links: Mapping[int, str]) -> str:
    picture, name = "", _text(image.name)
    if image.image_id is not None:
        name = _link(links.get(image.image_id, ""), name)
        jpeg = pictures.get(image.image_id)
        if jpeg:
            data = base64.b64encode(jpeg).decode("ascii")
            picture = f'<img src="data:image/jpeg;base64,{data}" alt="">'
    number = f"<small>Image:{image.image_id}</small>" if image.image_id is not None else ""
    sha1 = f"<code>{escape(image.sha1)}</code>" if image.sha1 else ""
    if image.image_id is not None:
        sha1 += f" {_COMPARED[image.verified]}"
    return (
        f'<tr class="{escape(image.status)}"><td class="picture">{picture}</td><td>{name}{number}'
        f'{_problems(image.problems)}</td><td class="state">{escape(_STATES[image.status])}</td>'
        f'<td class="n">{image.planes:,}</td><td class="n">{human_bytes(image.bytes)}</td>'
        f'<td class="n">{_rate(image.bytes, image.seconds)}</td><td>{sha1}</td></tr>'
    )


def _problems(problems: Sequence[Problem]) -> str:
    if not problems:
        return ""
    items = "".join(
        f'<li class="{escape(p.severity)}"><b>{_text(p.where)}</b> {_text(p.message)}'
        + (f" <i>{_text(p.hint)}</i>" if p.hint else "")
        + f" <code>{escape(p.code)}</code></li>"
        for p in problems
    )
    return f'<ul class="problems">{items}</ul>'


def _link(url: str, text: str) -> str:
    """Return a link, unless the address is none that a browser should follow; `text` is HTML."""
    if not url.startswith(("http://", "https://")):
        return text
    return f'<a href="{escape(storable(url))}">{text}</a>'


def _text(text: str) -> str:
    return escape(storable(text))


def _seconds(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _rate(count: int, seconds: float) -> str:
    return f"{human_bytes(count / seconds)}/s" if count and seconds > 0 else ""
