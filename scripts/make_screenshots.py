"""Take the pictures of OMERO.web that the documentation shows: docs/images/web-*.webp.

Draws the example experiment, uploads it to an embedded server, and opens OMERO.web in headless Chromium, which has to be
installed (`apt-get install chromium`)::

    python scripts/make_screenshots.py docs/images
"""

import argparse
import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

import pyomero_upload as pu
from omero_embedded import Server
from pyomero_upload.example import make_example
from pyomero_upload.transfer.events import UploadReport
from pyomero_upload.web import Web, WebServer

SIZE = {"width": 1280, "height": 700}
LARGER = 80
"""How many steps of its slider thumbnails are made larger by: a picture has room for it."""
QUALITY = 85
"""Of WebP: of noisy images, a PNG would be five times as large."""


def main() -> None:
    """Upload, open the pages, and write the pictures."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", type=Path)
    folder = options.parse_args().folder
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("No Chromium is installed: apt-get install chromium")
    with (
        tempfile.TemporaryDirectory() as scratch,
        Server(memory=True) as server,
        Web(Path(scratch) / "web", WebServer(server.host, server.port)) as web,
        sync_playwright() as driver,
    ):
        report = _upload(Path(scratch) / "experiment", server)
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        page.set_default_timeout(60_000)
        # OMERO.web asks elsewhere whether there are newer versions.
        page.route(lambda asked: not asked.startswith(web.url), lambda route: route.abort())
        page.goto(f"{web.url}webclient/?show=dataset-{report.dataset_id}")
        page.fill("input[name=username]", server.user)
        page.fill("input[name=password]", server.password)
        page.click("input[type=submit]")
        _keep(_dataset(page), folder / "web-dataset.webp")
        page.goto(f"{web.url}iviewer/?images={report.images[0].image_id}")
        _keep(_viewer(page), folder / "web-viewer.webp")
        browser.close()


def _upload(experiment: Path, server: Server) -> UploadReport:
    make_example(experiment)
    connection = pu.connect(
        server.host, port=server.port, user=server.user, password=server.password
    )
    try:
        return pu.upload(pu.plan(experiment), connection)
    finally:
        connection.close()


def _dataset(page: Any) -> bytes:
    """Show the Dataset in the tree, its thumbnails, and what is annotated on it."""
    page.wait_for_selector("#right_panel h1:has-text('Tags')")
    for title in ("Tags", "Key-Value Pairs"):
        page.click(f"#right_panel h1:has-text('{title}')")
    page.wait_for_load_state("networkidle")
    page.locator("#thumb_size_slider .ui-slider-handle").focus()
    for _ in range(LARGER):
        page.keyboard.press("ArrowRight")
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(SIZE["width"] / 2, SIZE["height"] / 2)  # away from what explains itself
    page.wait_for_timeout(1500)
    return page.screenshot()


def _viewer(page: Any) -> bytes:
    """Show an Image in OMERO.iviewer: its first section, which has all three channels."""
    page.wait_for_selector(".ol-viewport canvas")
    page.wait_for_load_state("networkidle")
    for _ in range(2):
        page.click("dimension-slider[dim=z] .glyphicon-chevron-down")
        page.wait_for_load_state("networkidle")
    page.wait_for_timeout(3000)
    return page.screenshot()


def _keep(shot: bytes, file: Path) -> None:
    Image.open(io.BytesIO(shot)).convert("RGB").save(file, quality=QUALITY, method=6)
    print(f"{file}: {file.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
