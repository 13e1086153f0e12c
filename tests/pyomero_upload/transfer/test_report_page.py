"""The page of an upload: all of what became of it, nothing from elsewhere, nothing that runs."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from plans import planned
from pyomero_upload.model import Problem
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.transfer.events import UploadedImage, UploadReport
from pyomero_upload.transfer.report_page import report_page, write_report_page
from pyomero_upload.transfer.upload import upload
from pyomero_upload.transfer.upload_original import upload_original

SHA1 = "b96eff4fdff4e146ba97e82b20e81fd219f7c9b4"
BAD = Problem("error", "unreadable-file", "pos2/a.png", "It is cut off.", "Copy it again.")
DONE = UploadedImage("pos1", 7, "done", 45, 23_592_960, 2.0, SHA1, verified=True)
FAILED = UploadedImage("pos2", None, "failed", problems=(BAD,))


def report_of(*images: UploadedImage, **changes: Any) -> UploadReport:
    values: dict[str, Any] = {
        "dataset_id": 3,
        "dataset_name": "Yeast",
        "url": "https://omero.example/webclient/?show=dataset-3",
        "images": images,
        "problems": (),
        "seconds": 4.0,
    }
    return UploadReport(**{**values, **changes})


class Reader(HTMLParser):
    """What a browser would see: texts, addresses, and the tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def test_each_image_has_its_state_planes_bytes_rate_and_digest() -> None:
    page = Reader(report_page(report_of(DONE, FAILED), pictures={}, links={7: "https://o/7"}))

    for text in ("pos1", "Image:7", "uploaded", "45", "23.6 MB", "11.8 MB/s", SHA1, "✓", "failed"):
        assert text in page.texts
    assert page.addresses == ["https://omero.example/webclient/?show=dataset-3", "https://o/7"]


@pytest.mark.parametrize(("verified", "said"), [(True, "✓"), (False, "✗"), (None, "not compared")])
def test_whether_an_image_was_compared_is_said(verified: bool | None, said: str) -> None:
    image = UploadedImage("pos1", 7, "done", 1, sha1=SHA1, verified=verified)
    texts = Reader(report_page(report_of(image), pictures={}, links={})).texts

    assert {"✓", "✗", "not compared"} & set(texts) == {said}


def test_of_an_image_that_is_not_there_no_comparison_is_told() -> None:
    texts = Reader(report_page(report_of(FAILED), pictures={}, links={})).texts

    assert "not compared" not in texts


def test_interruptions_are_counted_where_there_were_any() -> None:
    interrupted = Reader(report_page(report_of(DONE, interruptions=2), pictures={}, links={}))
    quiet = Reader(report_page(report_of(DONE), pictures={}, links={}))

    assert "interruptions waited out" in interrupted.texts
    assert "interruptions waited out" not in quiet.texts


def test_what_went_wrong_is_said_with_what_to_do() -> None:
    odd = Problem("warning", "missing-planes", "pos1", "3 planes are missing.", "They are zeros.")
    page = Reader(report_page(report_of(DONE, FAILED), pictures={}, links={}, problems=[odd]))

    for text in ("It is cut off.", "Copy it again.", "unreadable-file", "3 planes are missing."):
        assert text in page.texts


@pytest.mark.parametrize(
    ("images", "verdict"),
    [
        ([DONE], "All images are complete."),
        ([UploadedImage("a", 7, "unchanged", 45)], "All of it was there before."),
        ([DONE, FAILED], "1 of 2 images are complete. Run the same command again to go on."),
    ],
)
def test_the_first_line_is_the_verdict(images: list[UploadedImage], verdict: str) -> None:
    assert verdict in Reader(report_page(report_of(*images), pictures={}, links={})).texts


def test_the_thumbnails_are_in_the_page() -> None:
    page = Reader(report_page(report_of(DONE), pictures={7: b"\xff\xd8jpeg"}, links={}))

    assert "data:image/jpeg;base64,/9hqcGVn" in page.addresses


@pytest.mark.parametrize("odd", ["<script>alert(1)</script>", '"><img src=x>', "a\udcffb", "&lt;"])
def test_names_and_texts_are_text_whatever_they_hold(odd: str) -> None:
    image = UploadedImage(odd, None, "failed", problems=(Problem("error", "x", odd, odd, odd),))
    page = report_page(report_of(image, dataset_name=odd), pictures={}, links={})

    page.encode("utf-8")
    read = Reader(page)
    assert "script" not in read.tags
    assert "img" not in read.tags
    kept = odd.replace("\udcff", r"\udcff")
    assert any(kept in text for text in read.texts)


def test_an_address_that_would_run_something_is_no_link() -> None:
    page = Reader(report_page(report_of(DONE, url="javascript:alert(1)"), pictures={}, links={}))

    assert page.addresses == []


def test_the_page_of_an_upload_shows_its_images_and_no_key(
    omero_client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))
    conn = Connection.over(omero_client)
    report = upload(planned(tmp_path / "folder"), conn)
    write_report_page(tmp_path / "report.html", report, conn)

    page = (tmp_path / "report.html").read_text("utf-8")
    read = Reader(page)
    assert {"pos001", "pos002", "Yeast"} <= set(read.texts)
    assert read.tags.count("img") == 2
    assert conn.key.get_secret_value() not in page
    assert not re.search(r'(src|href)="(?!https?://|data:)', page)
    (written,) = (tmp_path / "state").rglob("report.html")
    assert "data:image/jpeg" in written.read_text("utf-8")


def test_files_that_went_in_as_they_are_have_a_page_too(
    omero_client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))
    plan = planned(tmp_path / "folder", positions=["pos001"], times=1, sections=1)
    report = upload_original(plan, Connection.over(omero_client))

    assert report.page is not None
    read = Reader(report.page.read_text("utf-8"))
    assert {image.name for image in report.images} <= set(read.texts)
    assert read.tags.count("img") == len(report.images) > 0
