"""OMERO.web on an embedded server, a browser, and the real data uploaded once."""

import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import pyomero_upload as pu
from browsing import SECONDS, Page
from harbour import PASSWORDS, Harbour
from omero_embedded import Server
from pyomero_upload.web import Web, WebServer
from seen import Demo

ALLOWED = {
    # OMERO.iviewer asks whether a faster service for tiles is installed beside OMERO.web.
    ("OPTIONS", "omero_ms_image_region/"),
}


@pytest.fixture(scope="session")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbour]:
    """Give a server with people and pages."""
    with Server(memory=True) as server:
        folder = tmp_path_factory.mktemp("web")
        with Web(folder, WebServer(server.host, server.port, "harbour")) as web:
            made = Harbour(server, web)
            made.fill()
            yield made


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the journals of uploads in a folder of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYOMERO_STATE", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def uploaded(harbour: Harbour, demo: Path, state: None) -> Demo:
    """Give what Ann uploaded of the real data. Others look at it too: leave it as it is."""
    with closing(harbour.connection()) as connection:
        return Demo(demo, pu.upload(pu.plan(demo), connection))


@pytest.fixture
def copied(harbour: Harbour, demo: Path, state: None) -> Iterator[Demo]:
    """Give another upload of one position, to be changed; it is in a Project of its own."""
    name = f"copy {uuid.uuid4().hex[:8]}"
    files = [path for path in demo.rglob("*") if path.parent.name in {demo.name, "pos001"}]
    plan = pu.plan(demo, name=name, files=[path.relative_to(demo).as_posix() for path in files])
    with closing(harbour.connection()) as connection:
        made = Demo(demo, pu.upload(plan, connection, project=name))
    yield made
    with harbour.gateway() as conn:
        for project in conn.getObjects("Project", attributes={"name": name}):
            conn.deleteObjects("Project", [project.getId()], deleteChildren=True, wait=True)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Give a browser. Not for longer than a module: as long as it is there, an asyncio loop runs."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    path = next((path for path in map(shutil.which, names) if path), None)
    if path is None:
        pytest.skip("no browser is installed: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def browse(chromium: Any, harbour: Harbour) -> Iterator[Callable[[], Page]]:
    """Open an empty page of a new browser; what went wrong on any page of it is told at the end."""
    wrong: list[str] = []
    contexts = []
    url = harbour.web.url

    def refused(answer: Any) -> None:
        asked = answer.request.method, answer.url.removeprefix(url).split("?")[0]
        if answer.status >= 400 and asked not in ALLOWED:
            wrong.append(f"{answer.status} {asked[0]} {answer.url}")

    def unanswered(request: Any) -> None:
        # Who leaves a page aborts what it still waits for.
        if request.url.startswith(url) and request.failure != "net::ERR_ABORTED":
            wrong.append(f"{request.failure} {request.method} {request.url}")

    def failed(page: Page) -> None:
        page.on("pageerror", lambda error: wrong.append(f"error on {page.url}: {error}"))

    def open_page() -> Page:
        context = chromium.new_context(
            viewport={"width": 1280, "height": 900}, accept_downloads=True
        )
        contexts.append(context)
        context.set_default_timeout(SECONDS * 1000)
        # OMERO.web asks elsewhere whether there are newer versions; nothing here may leave the machine.
        # A pattern, not a function: the browser must not wait for this process, which may be asleep.
        context.route(re.compile(f"^(?!{re.escape(url)})"), lambda route: route.abort())
        context.on("response", refused)
        context.on("requestfailed", unanswered)
        context.on("page", failed)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == [], "\n".join(wrong)


@pytest.fixture
def visit(browse: Callable[[], Page], harbour: Harbour) -> Callable[..., Page]:
    """Open a page as somebody who logs in for it."""

    def open_page(path: str, who: str = "ann") -> Page:
        page = browse()
        page.goto(harbour.web.url + path)
        page.fill("input[name=username]", who)
        page.fill("input[name=password]", PASSWORDS[who])
        page.click("input[type=submit]")
        page.wait_for_url(re.compile("^((?!/login/).)*$"), wait_until="domcontentloaded")
        return page

    return open_page
