"""The viewers of OMERO.web in a real browser: what is on the screen is what the planes in the folder make."""

from collections.abc import Callable
from typing import Any

import numpy as np
import omero
import omero.gateway
import omero.romio
import pytest

from browsing import (
    Page,
    assert_shows,
    eventually,
    on_screen,
    open_image,
)
from harbour import HEIGHT, STEPS, WIDTH, Harbour
from seen import Colours, Demo, Shown, settings_of

GREY, GREEN, BLUE, RED = (255, 255, 255), (0, 255, 0), (0, 0, 255), (255, 0, 0)

CLOSE = 6
"""By how much of 255 a colour of a step of a plane may differ: pictures come as JPEG."""


@pytest.fixture
def settings(harbour: Harbour, uploaded: Demo) -> list[Shown]:
    """Return how the upload shows the channels of pos001."""
    with harbour.gateway() as conn:
        return settings_of(conn, uploaded.images["pos001"])


def image_viewer(page: Page) -> Any:
    """Return the picture of the image viewer, one pixel for one."""
    page.wait_for_load_state("networkidle")
    page.click("#full-size")
    return page.locator("#weblitz-viewport-img")


def iviewer(page: Page) -> Any:
    """Return the canvas of OMERO.iviewer, with its picture one pixel for one."""
    canvas = page.locator("canvas").first
    canvas.wait_for()
    page.wait_for_load_state("networkidle")
    page.click("button:text-is('1:1')")
    return canvas


def rendered(
    conn: omero.gateway.BlitzGateway,
    image: int,
    z: int,
    t: int,
    change: Callable[[Any], None] = lambda _engine: None,
) -> Colours:
    """Return the picture that the rendering engine gives of a plane.

    `change` changes the engine's settings before; nothing is saved.
    """
    pixels = conn.getObject("Image", image).getPrimaryPixels()
    engine = conn.c.sf.createRenderingEngine()
    try:
        engine.lookupPixels(pixels.getId())
        engine.lookupRenderingDef(pixels.getId())
        engine.load()
        change(engine)
        where = omero.romio.PlaneDef(omero.romio.XY, 0, 0, z, t, None, -1)
        packed = np.array(engine.renderAsPackedInt(where))
    finally:
        engine.close()
    packed = packed.reshape(pixels.getSizeY(), pixels.getSizeX())
    return np.stack([packed >> 16 & 255, packed >> 8 & 255, packed & 255], axis=-1)


def with_channel(settings: list[Shown], c: int, **changes: Any) -> list[Shown]:
    return [*settings[:c], settings[c]._replace(**changes), *settings[c + 1 :]]


def test_the_windows_show_nearly_all_that_is_in_the_files(
    uploaded: Demo, settings: list[Shown]
) -> None:
    assert [shown.colour for shown in settings] == [GREY, GREY, GREEN]
    for c, shown in enumerate(settings):
        assert shown.active
        values = uploaded.values("pos001", c)
        assert values.min() <= shown.start < shown.end <= values.max()
        assert np.mean((values < shown.start) | (values > shown.end)) < 0.005


def test_the_rendering_engine_makes_of_planes_what_the_files_make(
    harbour: Harbour, uploaded: Demo
) -> None:
    with harbour.gateway() as conn:
        for position, image in uploaded.images.items():
            settings = settings_of(conn, image)
            for z, t in ((2, 0), (0, 2)):
                made = rendered(conn, image, z, t)
                # where a value lies between two shades, either will do
                assert np.abs(made - uploaded.picture(position, z, t, settings)).max() <= 1


# ---------------------------------------------------------------- image viewer
def test_the_image_viewer_draws_the_planes_of_the_folder(
    visit: Any, uploaded: Demo, settings: list[Shown]
) -> None:
    page = visit(f"webgateway/img_detail/{uploaded.images['pos001']}/")
    picture = image_viewer(page)
    assert_shows(page, picture, uploaded, ("pos001", 2, 0), settings)
    page.click("#weblitz-viewport-tsl-bdn")
    assert_shows(page, picture, uploaded, ("pos001", 2, 1), settings)
    page.click("#weblitz-viewport-zsl-bdn")
    assert_shows(page, picture, uploaded, ("pos001", 1, 1), settings)
    page.click("#weblitz-viewport-tsl-bdn")
    assert_shows(page, picture, uploaded, ("pos001", 1, 2), settings)


def test_the_image_viewer_shows_channels_windows_and_colours_as_set(
    visit: Any, uploaded: Demo, settings: list[Shown]
) -> None:
    page = visit(f"webgateway/img_detail/{uploaded.images['pos001']}/")
    picture = image_viewer(page)
    page.click("#wblitz-ch1")
    wanted = with_channel(settings, 1, active=False)
    assert_shows(page, picture, uploaded, ("pos001", 2, 0), wanted)
    page.click("a:text-is('Edit')")
    for end, value in (("start", 700.0), ("end", 1200.0)):
        page.fill(f"#wblitz-ch0-cw-{end}", f"{value:.0f}")
        page.press(f"#wblitz-ch0-cw-{end}", "Enter")
        wanted = with_channel(wanted, 0, **{end: value})
        assert_shows(page, picture, uploaded, ("pos001", 2, 0), wanted)
    page.click("#wblitz-ch2-color")
    page.click(":text-is('red'):visible")
    wanted = with_channel(wanted, 2, colour=RED)
    assert_shows(page, picture, uploaded, ("pos001", 2, 0), wanted)


# ---------------------------------------------------------------- OMERO.iviewer
def test_iviewer_draws_the_planes_of_the_folder(
    visit: Any, uploaded: Demo, settings: list[Shown]
) -> None:
    page = visit(f"iviewer/?images={uploaded.images['pos001']}")
    canvas = iviewer(page)
    assert_shows(page, canvas, uploaded, ("pos001", 2, 0), settings)
    page.click("dimension-slider[dim=t] .glyphicon-chevron-right")
    assert_shows(page, canvas, uploaded, ("pos001", 2, 1), settings)
    page.click("dimension-slider[dim=z] .glyphicon-chevron-up")
    assert_shows(page, canvas, uploaded, ("pos001", 3, 1), settings)


def test_iviewer_saves_settings_that_are_seen_again(
    visit: Any, harbour: Harbour, copied: Demo
) -> None:
    image = copied.images["pos001"]
    with harbour.gateway() as conn:
        settings = settings_of(conn, image)
    page = visit(f"iviewer/?images={image}")
    canvas = iviewer(page)
    assert_shows(page, canvas, copied, ("pos001", 2, 0), settings)
    page.click("channel-range >> nth=1 >> button.channel")
    wanted = with_channel(settings, 1, active=False)
    assert_shows(page, canvas, copied, ("pos001", 2, 0), wanted)
    gfp = page.locator("channel-range").nth(2)
    for end, value in (("start", 400.0), ("end", 9000.0)):
        gfp.locator(f".channel-{end}").fill(f"{value:.0f}")
        gfp.locator(f".channel-{end}").press("Enter")
        wanted = with_channel(wanted, 2, **{end: value})
        assert_shows(page, canvas, copied, ("pos001", 2, 0), wanted)
    gfp.locator("button.dropdown-toggle").click()
    gfp.locator(".luts-item[title=blue]").click()
    wanted = with_channel(wanted, 2, colour=BLUE)
    assert_shows(page, canvas, copied, ("pos001", 2, 0), wanted)
    with page.expect_response("**/saveImgRDef/**"):
        page.click("button:text-is('Save')")
    with harbour.gateway() as conn:
        assert settings_of(conn, image) == wanted
    page.reload()
    assert_shows(page, iviewer(page), copied, ("pos001", 2, 0), wanted)


def test_the_preview_saves_settings_that_are_seen_again(
    visit: Any, harbour: Harbour, copied: Demo
) -> None:
    image = copied.images["pos001"]
    with harbour.gateway() as conn:
        settings = settings_of(conn, image)
    page = visit("webclient/")
    open_image(page, image, "pos001", tab="Preview")
    page.wait_for_selector("#viewport-img[src*='render_image']")
    page.wait_for_load_state("networkidle")
    page.click("#rd-wblitz-ch0")
    # A window that is set before the picture without the channel is there switches the channel on again.
    page.wait_for_function("!document.getElementById('rd-wblitz-ch0').checked")
    page.fill("#wblitz-ch2-cw-end", "12000")
    page.press("#wblitz-ch2-cw-end", "Enter")
    page.wait_for_selector("#viewport-img[src*=':12000$']")
    page.wait_for_load_state("networkidle")
    with page.expect_response("**/saveImgRDef/**"):
        page.click("#rdef-setdef-btn:not(.button-disabled)")
    wanted = with_channel(settings, 0, active=False)
    wanted = with_channel(wanted, 2, end=12000.0)
    with harbour.gateway() as conn:
        assert settings_of(conn, image) == wanted
    open_image(page, image, "pos001", tab="Preview")
    page.wait_for_selector("#viewport-img[src*='render_image']")
    assert page.input_value("#wblitz-ch2-cw-end") == "12000"
    assert page.locator("#rd-wblitz-ch0.pressed").count() == 0
    page.goto(f"{harbour.web.url}webgateway/img_detail/{image}/")
    assert_shows(page, image_viewer(page), copied, ("pos001", 2, 0), wanted)


# ---------------------------------------------------------------- known colours
def test_iviewer_draws_flat_steps_as_the_rendering_engine_gives_them(
    visit: Any, harbour: Harbour
) -> None:
    ferry = harbour.add_ferry()
    page = visit(f"iviewer/?images={ferry}")
    canvas = page.locator("canvas").first
    canvas.wait_for()

    def seen() -> Colours:
        box = canvas.bounding_box()
        width = WIDTH * int(page.input_value(".ol-zoom-display, .ol-zoom input")) / 100
        x = box["x"] + box["width"] / 2 + ((np.arange(STEPS) + 0.5) / STEPS - 0.5) * width
        return on_screen(page)[round(box["y"] + box["height"] / 2), np.round(x).astype(int)]

    def shows(z: int, t: int, change: Callable[[Any], None] = lambda _engine: None) -> bool:
        with harbour.gateway() as conn:
            whole = rendered(conn, ferry, z, t, change)
        expected = whole[HEIGHT // 2, WIDTH // STEPS // 2 :: WIDTH // STEPS]
        found = eventually(lambda: bool((np.abs(seen() - expected) <= CLOSE).all()))
        assert found, (z, t, seen().tolist(), expected.tolist())
        return found

    assert shows(1, 0)
    page.click("dimension-slider[dim=t] .glyphicon-chevron-right")
    page.click("dimension-slider[dim=z] .glyphicon-chevron-up")
    assert shows(2, 1)
    page.click("channel-range >> nth=1 >> button.channel")
    assert shows(2, 1, lambda engine: engine.setActive(1, False))
