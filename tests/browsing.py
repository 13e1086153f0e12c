"""How tests look at the pages of OMERO.web: patience, places in them, and what is on the screen."""

import io
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from seen import Colours, Demo, Shown, difference

SECONDS = 60
"""How long anything may take; the machine may be busy."""

NEAR = 4
"""By how much of 255 a picture of a microscope may differ in the mean: it comes as JPEG, and its noise is lost."""

Page: TypeAlias = Any
"""A page of Playwright, which is not there for who does not test pages."""


def eventually(check: Callable[[], bool], seconds: float = SECONDS) -> bool:
    """Return whether something comes true in time."""
    until = time.monotonic() + seconds
    while not check():
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True


def node(name: str) -> str:
    """Return the selector of a node of the tree; its name, and how much is in it."""
    return f"#dataTree .jstree-anchor:text-matches('^{name}\\\\d*$')"


def section(page: Page, *titles: str) -> None:
    """Open sections of the right panel."""
    for title in titles:
        page.click(f"#right_panel h1:has-text('{title}')")


def open_image(page: Page, image: int, name: str, tab: str = "General") -> None:
    """Show an Image in the tree and the right panel, and wait until both are at rest."""
    address = page.url.split("/webclient/")[0]
    page.goto(f"{address}/webclient/?show=image-{image}")
    page.wait_for_selector(f"#dataTree .jstree-clicked:has-text('{name}')")
    page.wait_for_selector("#right_panel h1:has-text('Tags')")
    page.wait_for_load_state("networkidle")
    if tab != "General":
        page.click(f"#annotation_tabs a:has-text('{tab}')")


def on_screen(page: Page) -> Colours:
    """Return the colours that are on the screen, shape y, x, (red, green, blue)."""
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return np.asarray(shot).astype(np.int64)


def middle_of(screen: Colours, box: dict[str, float], expected: Colours) -> Colours:
    """Return what is in the middle of a box, as large as a picture; where a half pixel is over, as it fits best."""
    height, width, _ = expected.shape
    left = box["x"] + (box["width"] - width) / 2
    top = box["y"] + (box["height"] - height) / 2
    places = [
        screen[y : y + height, x : x + width]
        for y in {int(np.floor(top)), int(np.ceil(top))}
        for x in {int(np.floor(left)), int(np.ceil(left))}
    ]
    return min(places, key=lambda place: difference(place, expected))


def assert_shows(
    page: Page, element: Any, demo: Demo, where: tuple[str, int, int], settings: list[Shown]
) -> None:
    """Assert that the middle of an element shows, one pixel for one, a position's z and t and no other plane of it."""
    position, z, t = where
    expected = demo.picture(position, z, t, settings)

    def seen() -> Colours:
        return middle_of(on_screen(page), element.bounding_box(), expected)

    if not eventually(lambda: difference(seen(), expected) <= NEAR):
        raise AssertionError(f"{where} {settings}: differs by {difference(seen(), expected):.1f}")
    now = seen()
    nearest = min(
        ((z, t) for z in range(demo.SECTIONS) for t in range(demo.TIMES)),
        key=lambda plane: difference(now, demo.picture(position, *plane, settings)),
    )
    assert nearest == (z, t)
