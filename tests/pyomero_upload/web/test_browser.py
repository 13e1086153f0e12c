"""OMERO.web on the embedded server in a real browser: what people click, see, and get.

Headless Chromium by Playwright. Every request that a page makes must be answered below 400, and no page may raise an
error; what is excepted is named in ALLOWED.
"""

import io
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import omero.clients  # noqa: F401  # fills the module
import pytest
from omero.rtypes import unwrap
from omero.sys import ParametersI
from PIL import Image

import pyomero_upload as pu
from harbour import PASSWORDS, STEPS, WIDTH, Harbour, rendered
from omero_embedded import Server
from pyomero_upload.example import make_example
from pyomero_upload.web import Web, WebServer

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

ALLOWED = {
    # OMERO.iviewer asks whether a faster service for tiles is installed beside OMERO.web.
    ("OPTIONS", "omero_ms_image_region/"),
}
SECONDS = 30
"""How long anything may take; the machine may be busy."""

CLOSE = 6
"""By how much of 255 a colour may differ: pictures come as JPEG."""

Page = Any
Colours = npt.NDArray[np.int64]


def find_chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    return next((path for path in map(shutil.which, names) if path), None)


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbour]:
    with Server(memory=True) as server:
        folder = tmp_path_factory.mktemp("web")
        with Web(folder, WebServer(server.host, server.port, "harbour")) as web:
            made = Harbour(server, web)
            made.fill()
            yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    path = find_chromium()
    if path is None:
        pytest.skip("no browser is installed: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def visit(chromium: Any, harbour: Harbour) -> Iterator[Callable[..., Page]]:
    """Open a page as somebody who logs in for it; what went wrong on it is told at the end."""
    wrong: list[str] = []
    contexts = []
    url = harbour.web.url

    def refused(answer: Any) -> None:
        asked = answer.request.method, answer.url.removeprefix(url).split("?")[0]
        if answer.status >= 400 and asked not in ALLOWED:
            wrong.append(f"{answer.status} {asked[0]} {answer.url}")

    def open_page(path: str, who: str = "ann") -> Page:
        context = chromium.new_context(
            viewport={"width": 1280, "height": 900}, accept_downloads=True
        )
        contexts.append(context)
        context.set_default_timeout(SECONDS * 1000)
        # OMERO.web asks elsewhere whether there are newer versions; nothing here may leave the machine.
        # A pattern, not a function: the browser must not wait for this process, which may be asleep.
        context.route(re.compile(f"^(?!{re.escape(url)})"), lambda route: route.abort())
        context.on("response", refused)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"error on {page.url}: {error}"))
        page.goto(url + path)
        page.fill("input[name=username]", who)
        page.fill("input[name=password]", PASSWORDS[who])
        page.click("input[type=submit]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def node(name: str) -> str:
    """Return the selector of a node of the tree."""
    return f"#dataTree .jstree-anchor:text-matches('^{name}\\\\d*$')"


def section(page: Page, title: str) -> None:
    """Open a section of the right panel."""
    page.click(f"#right_panel h1:has-text('{title}')")


def eventually(check: Callable[[], bool], seconds: float = SECONDS) -> bool:
    until = time.monotonic() + seconds
    while not check():
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True


def colours_at(page: Page, x: Any, y: float) -> Colours:
    """Return the colours that are on the screen, shape point, (red, green, blue)."""
    shot = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(np.int64)
    return np.array([shot[round(y), round(a)] for a in x])


# ---------------------------------------------------------------- looking
def test_the_tree_shows_what_there_is_with_counts(visit: Any, harbour: Harbour) -> None:
    page = visit(f"webclient/?show=image-{harbour.ids['buoy']}")
    page.wait_for_selector(node("buoy"))
    lines = page.inner_text("#dataTree").split("\n")
    assert lines[:5] == ["Ann Harbour", "harbour2", "pier2", "buoy", "crane"]
    assert "buoy" in page.inner_text("#dataTree .jstree-clicked")


def test_thumbnails_show_the_images(visit: Any, harbour: Harbour) -> None:
    page = visit(f"webclient/?show=dataset-{harbour.ids['pier']}")
    thumbs = page.locator("#icon_table img")
    thumbs.nth(1).wait_for()
    conn = harbour.gateway()
    expected = rendered(conn, harbour.ids["buoy"], 1, 0)
    conn.close()
    box = thumbs.first.bounding_box()

    def drawn() -> bool:
        x = box["x"] + (np.arange(STEPS) + 0.5) * box["width"] / STEPS
        seen = colours_at(page, x, box["y"] + box["height"] / 2)
        return bool((np.abs(seen - expected) <= 2 * CLOSE).all())

    assert eventually(drawn)


def test_the_right_panel_shows_description_and_annotations(visit: Any, harbour: Harbour) -> None:
    page = visit(f"webclient/?show=image-{harbour.ids['buoy']}")
    page.wait_for_selector("#right_panel h1:has-text('Tags')")
    assert "a buoy in 5 dimensions" in page.inner_text("#right_panel")
    for title in ("Tags", "Key-Value Pairs", "Tables", "Attachments"):
        section(page, title)
    page.wait_for_selector("#right_panel :text('tides.txt')")
    panel = page.inner_text("#right_panel")
    for text in ("floating", "colour\tred", "anchored\tyes", "catch.h5", "tides.txt"):
        assert text in panel
    assert re.search(r"Z-sections/Timepoints:\s+3 x 4", panel)


def test_a_table_opens(visit: Any, harbour: Harbour) -> None:
    page = visit(f"webclient/omero_table/{harbour.ids['table']}/")
    page.wait_for_selector("td:has-text('cod')")
    assert "fish\tnumber\ncod\t12\neel\t7" in page.inner_text("body")


def test_an_attachment_is_downloaded(visit: Any, harbour: Harbour) -> None:
    page = visit(f"webclient/?show=image-{harbour.ids['buoy']}")
    section(page, "Attachments")
    with page.expect_download() as download:
        page.click("#right_panel :text('tides.txt')")
    assert download.value.suggested_filename == "tides.txt"
    assert download.value.path().read_bytes() == b"high water at noon\n"


def test_search_finds_by_tag(visit: Any) -> None:
    page = visit("webclient/search/?search_query=floating")
    page.wait_for_selector("#dataTable :text('buoy'), .result :text('buoy'), td:has-text('buoy')")
    assert "1 result" in page.inner_text("body")


def test_scripts_are_listed_and_ask_for_their_parameters(visit: Any) -> None:
    pytest.importorskip("omero.figure_scripts", reason="omero-scripts is not installed")
    page = visit("webclient/")
    page.wait_for_load_state("networkidle")  # before, nothing hears the button
    page.click("#scriptButton")
    script = page.locator("#scriptList a:has-text('Combine Images')")
    script.wait_for(state="attached")
    page.goto(harbour_url(page) + script.get_attribute("href").lstrip("/"))
    page.wait_for_selector("h1:has-text('Combine Images'), :text('Data Type')")


def harbour_url(page: Page) -> str:
    return "/".join(page.url.split("/")[:3]) + "/"


def test_what_an_upload_made_is_all_in_the_page(
    visit: Any, harbour: Harbour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYOMERO_STATE", str(tmp_path / "state"))
    plan = pu.plan(make_example(tmp_path / "e", positions=2, times=2, sections=3, size=64))
    server = harbour.server
    with closing(
        pu.connect(server.host, port=server.port, user="ann", password=PASSWORDS["ann"])
    ) as connection:
        report = pu.upload(plan, connection)
    page = visit(f"webclient/?show=dataset-{report.dataset_id}")
    thumbs = page.locator("#icon_table img")
    thumbs.nth(1).wait_for()
    page.wait_for_selector(node("pos002"))
    tree = page.inner_text("#dataTree").split("\n")
    assert f"{plan.dataset.project}1" in tree
    place = tree.index(f"{plan.dataset.name}2")
    assert tree[place + 1 : place + 3] == ["pos001", "pos002"]

    def drawn() -> bool:
        shown = [Image.open(io.BytesIO(thumbs.nth(n).screenshot())).convert("L") for n in (0, 1)]
        return all(len(np.unique(np.asarray(picture))) > 20 for picture in shown)

    assert eventually(drawn)
    for title in ("Tags", "Key-Value Pairs", "Attachments"):  # a Dataset's tables are among these
        section(page, title)
    page.wait_for_selector("#right_panel :text('metadata.yaml')")
    panel = page.inner_text("#right_panel")
    assert plan.dataset.description.split("\n")[0] in panel
    for text in (*plan.dataset.tags, *plan.dataset.attachments, "Time interval (s)"):
        assert text in panel
    for table in plan.dataset.tables:
        assert table.name in panel


# ---------------------------------------------------------------- changing
def test_a_tag_and_a_key_value_added_in_the_page_are_in_the_server(
    visit: Any, harbour: Harbour
) -> None:
    page = visit(f"webclient/?show=image-{harbour.ids['crane']}")
    page.wait_for_selector("#right_panel h1:has-text('Tags')")
    section(page, "Tags")
    page.click("#launch_tags_form")
    page.fill("#id_tag", "heavy")
    page.fill("#tag_description", "not light")
    page.click("#id_add_new_tag")
    page.click(".ui-dialog-buttonset button:has-text('Save')")
    page.wait_for_selector("#right_panel .tag:has-text('heavy')")
    section(page, "Key-Value Pairs")
    page.click("#mapAnnContainer td:has-text('Add Key')")
    page.keyboard.type("weight")
    with page.expect_response("**/annotate_map/**"):  # it saves nothing while it saves
        page.keyboard.press("Tab")
    page.keyboard.type("9 t")
    page.keyboard.press("Enter")
    conn = harbour.gateway()

    def found(field: str) -> list[Any]:
        notes = conn.getObject("Image", harbour.ids["crane"]).listAnnotations()
        return [a.getValue() for a in notes if hasattr(a._obj, field)]

    assert eventually(lambda: found("mapValue") == [[("weight", "9 t")]]), found("mapValue")
    assert found("textValue") == ["heavy"]
    conn.close()


def test_an_image_is_renamed_moved_and_deleted_with_progress(visit: Any, harbour: Harbour) -> None:
    conn = harbour.gateway()
    image = harbour.add_image(conn, "eel", "quay")
    page = visit(f"webclient/?show=image-{image}")
    page.click("#right_panel button[title='Edit the name']")
    page.fill("#right_panel input[name=name]", "conger")
    page.click("#right_panel input[value=Save]")
    page.wait_for_selector(node("conger"))
    assert conn.getObject("Image", image).getName() == "conger"

    # The tree is still busy with the new name; one that was just loaded is not.
    page.goto(f"{harbour.web.url}webclient/?show=image-{image}")
    page.wait_for_selector("#dataTree .jstree-clicked:has-text('conger')")
    page.wait_for_load_state("networkidle")
    with page.expect_response("**/api/links/"):
        page.click("#cutButton:not([disabled])")
    page.wait_for_selector(node("conger"), state="hidden")
    page.wait_for_load_state("networkidle")  # the tree selects another node when one is gone
    page.click(node("pier"))
    page.wait_for_function(
        "$.jstree.reference('#dataTree').get_selected(true).map(n => n.text).join() === 'pier'"
    )
    page.wait_for_load_state("networkidle")
    page.click("#pasteButton:not([disabled])")

    def parents() -> list[str]:
        return [d.getName() for d in conn.getObject("Image", image).listParents()]

    assert eventually(lambda: parents() == ["pier"]), parents()
    page.goto(f"{harbour.web.url}webclient/?show=image-{image}")
    page.wait_for_selector("#dataTree .jstree-clicked:has-text('conger')")
    page.click("#deleteButton:not([disabled])")
    page.click(".ui-dialog-buttonset button:visible:has-text('Yes')")
    page.wait_for_selector(node("conger"), state="detached")

    def jobs() -> dict[str, Any]:
        return page.evaluate("fetch('/webclient/activities_json/').then(r => r.json())")

    assert eventually(lambda: jobs()["inprogress"] == 0)
    (job,) = [j for j in jobs().values() if isinstance(j, dict)]
    assert (job["job_type"], job["status"]) == ("delete", "finished")
    assert conn.getObject("Image", image) is None
    conn.close()


# ---------------------------------------------------------------- viewers
def test_the_image_viewer_draws_what_the_rendering_engine_gives(
    visit: Any, harbour: Harbour
) -> None:
    page = visit(f"webgateway/img_detail/{harbour.ids['buoy']}/")
    picture = page.locator("#weblitz-viewport-img")
    conn = harbour.gateway()
    expected = rendered(conn, harbour.ids["buoy"], 1, 0)
    conn.close()

    def drawn() -> bool:
        box = picture.bounding_box()
        x = box["x"] + (np.arange(STEPS) + 0.5) * box["width"] / STEPS
        seen = colours_at(page, x, box["y"] + box["height"] / 2)
        return bool((np.abs(seen - expected) <= CLOSE).all())

    assert eventually(drawn)


def test_iviewer_draws_every_plane_and_setting_and_saves_them(visit: Any, harbour: Harbour) -> None:
    image = harbour.ids["ferry"]
    conn = harbour.gateway()
    page = visit(f"iviewer/?images={image}")
    canvas = page.locator("canvas").first
    canvas.wait_for()

    def seen() -> Colours:
        box = canvas.bounding_box()
        width = WIDTH * int(page.input_value(".ol-zoom-display, .ol-zoom input")) / 100
        x = box["x"] + box["width"] / 2 + ((np.arange(STEPS) + 0.5) / STEPS - 0.5) * width
        return colours_at(page, x, box["y"] + box["height"] / 2)

    def shows(z: int, t: int, change: Callable[[Any], None] = lambda _engine: None) -> bool:
        expected = rendered(conn, image, z, t, change)
        found = eventually(lambda: bool((np.abs(seen() - expected) <= CLOSE).all()))
        assert found, (z, t, seen().tolist(), expected.tolist())
        return found

    assert shows(1, 0)
    page.click("dimension-slider[dim=t] .glyphicon-chevron-right")
    assert shows(1, 1)
    page.click("dimension-slider[dim=z] .glyphicon-chevron-up")
    assert shows(2, 1)

    def without_green(engine: Any) -> None:
        engine.setActive(1, False)

    page.click("channel-range >> nth=1 >> button.channel")
    assert shows(2, 1, without_green)

    def narrower(engine: Any) -> None:
        without_green(engine)
        engine.setChannelWindow(0, 500, 2000)

    first = page.locator("channel-range").first
    for place, value in ((".channel-start", "500"), (".channel-end", "2000")):
        first.locator(place).fill(value)
        first.locator(place).press("Enter")
    assert shows(2, 1, narrower)

    def blue(engine: Any) -> None:
        narrower(engine)
        engine.setRGBA(0, 0, 0, 255, 255)

    first.locator("button.dropdown-toggle").click()
    first.locator(".luts-item[title=blue]").click()
    assert shows(2, 1, blue)
    with page.expect_response("**/saveImgRDef/**"):
        page.click("button:text-is('Save')")
    conn.close()

    conn = harbour.gateway()
    saved = conn.c.sf.getQueryService().projection(
        "select b.inputStart, b.inputEnd, b.red, b.blue, b.active from ChannelBinding b"
        " where b.renderingDef.pixels.image.id = :id order by b.id",
        ParametersI().addId(image),
    )
    conn.close()
    assert unwrap(saved[0]) == [500.0, 2000.0, 0, 255, True]
    assert unwrap(saved[1])[-1] is False


# ---------------------------------------------------------------- two people
def test_others_see_but_do_not_change(visit: Any, harbour: Harbour) -> None:
    page = visit(f"webclient/?show=image-{harbour.ids['buoy']}", who="bob")
    page.wait_for_selector("#right_panel h1:has-text('Tags')")
    assert "Ann Harbour" in page.inner_text("#right_panel")
    assert page.locator("#right_panel button[title='Edit the name']").count() == 0
    assert page.locator("#deleteButton").is_disabled()
    section(page, "Tags")  # to add one's own tags is what a read-annotate group allows
    page.wait_for_selector("#launch_tags_form")
    page.wait_for_selector("#right_panel .tag:has-text('floating')")
