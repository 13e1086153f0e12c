"""The real data, uploaded, in OMERO.web in a real browser: what people click, see, and get.

Headless Chromium by Playwright. Every request that a page makes must be answered below 400, and no page may raise an
error; what is excepted is named in ALLOWED of `conftest`.
"""

import csv
import io
import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import omero.clients  # fills the module
import omero.model
import pytest
from omero.rtypes import rstring
from PIL import Image

import pyomero_upload as pu
from browsing import Page, eventually, node, open_image, section
from harbour import PASSWORDS, Harbour
from pyomero_upload.example import make_example
from seen import Colours, Demo, difference, settings_of
from upload_lab import KEY_VALUES

THUMBNAIL_NEAR = 8
"""By how much of 255 a thumbnail may differ in the mean from its plane made small: there are many ways to make it small."""

DIALOG = ".ui-dialog-buttonset button:visible"
"""The buttons of a dialogue."""


def tree(page: Page) -> list[str]:
    return [line.strip() for line in page.inner_text("#dataTree").split("\n") if line.strip()]


def small(shot: bytes) -> Colours:
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(np.int64)


def assert_says(page: Page, *patterns: str) -> None:
    """Assert that the right panel comes to show all of these; a section of it is filled when it is opened."""

    def missing() -> list[str]:
        shown = page.inner_text("#right_panel")
        return [pattern for pattern in patterns if not re.search(pattern, shown)]

    assert eventually(lambda: not missing()), (missing(), page.inner_text("#right_panel"))


def add_tag(page: Page, text: str, description: str) -> None:
    """Add a new tag, in the section of tags that is open."""
    page.click("#launch_tags_form")

    def typed() -> bool:
        page.fill("#id_tag", text)
        page.press("#id_tag", "End")
        return bool(page.is_enabled("#id_add_new_tag"))

    # What is typed before the tags that there are have been loaded is lost.
    assert eventually(typed)
    page.fill("#tag_description", description)
    page.click("#id_add_new_tag")
    page.click(f"{DIALOG}:has-text('Save')")
    page.wait_for_selector(f"#right_panel .tag:has-text('{text}')")


# ---------------------------------------------------------------- looking
def test_one_logs_in_with_the_right_password_alone(
    browse: Callable[[], Page], harbour: Harbour
) -> None:
    page = browse()
    page.goto(harbour.web.url)
    for password in ("a guess", PASSWORDS["bob"]):
        page.fill("input[name=username]", "bob")
        page.fill("input[name=password]", password)
        page.click("input[type=submit]")
        if password == "a guess":
            page.wait_for_selector(":text('check your user name and password')")
    page.wait_for_selector(node("Bob Harbour"))
    assert page.url == f"{harbour.web.url}webclient/"


def test_the_tree_shows_project_dataset_and_images_with_counts(visit: Any, uploaded: Demo) -> None:
    page = visit(f"webclient/?show=image-{uploaded.images['pos002']}")
    page.wait_for_selector(node("pos002"))
    lines = tree(page)
    assert lines[0] == "Ann Harbour"
    place = lines.index("Morphology detection1")
    assert lines[place + 1 : place + 4] == [f"{uploaded.folder.name}2", "pos001", "pos002"]
    assert page.inner_text("#dataTree .jstree-clicked").strip() == "pos002"


def test_thumbnails_show_the_middle_section_of_the_first_time(
    visit: Any, harbour: Harbour, uploaded: Demo
) -> None:
    page = visit(f"webclient/?show=dataset-{uploaded.report.dataset_id}")
    thumbs = page.locator("#icon_table img")
    thumbs.nth(1).wait_for()

    def differs(shown: int, position: str) -> float:
        with harbour.gateway() as conn:
            settings = settings_of(conn, uploaded.images[position])
        seen = small(thumbs.nth(shown).screenshot())
        whole = Image.fromarray(uploaded.picture(position, 2, 0, settings).astype(np.uint8))
        expected = np.asarray(whole.resize(seen.shape[1::-1], Image.Resampling.BOX))
        return difference(seen, expected.astype(np.int64))

    for shown, position in enumerate(("pos001", "pos002")):
        assert eventually(lambda s=shown, p=position: differs(s, p) <= THUMBNAIL_NEAR)
    assert differs(0, "pos002") > THUMBNAIL_NEAR


def test_the_right_panel_shows_all_that_is_said_of_a_dataset(visit: Any, uploaded: Demo) -> None:
    page = visit(f"webclient/?show=dataset-{uploaded.report.dataset_id}")
    page.wait_for_selector("#right_panel h1:has-text('Tags')")
    section(page, "Tags", "Key-Value Pairs", "Attachments")
    tables = ("channels", "positions", "zsections", "timesettings", "pumpstart")
    assert_says(
        page,
        r"Aim: Compare morphology markers across microscopes\nStrain: Mig1-GFP, ",
        r"28-Sep-2018\n",
        r"Batgirl\n",
        r"Strain\tMig1-GFP\nStrain\tDot6-GFP",
        r"Author\tJulian Pietsch\nAuthor\tIvan Clark",
        r"Z spacing \(µm\)\t0.60",
        r"State\tcomplete",
        *(rf"{file} \(" for file in ("microscope1_Acq.txt", "microscope1_log.txt", *tables)),
    )
    assert set(page.locator("#right_panel .tag a").all_inner_texts()) >= {"28-Sep-2018", "Batgirl"}


def test_the_right_panel_shows_all_that_is_said_of_an_image(visit: Any, uploaded: Demo) -> None:
    page = visit(f"webclient/?show=image-{uploaded.images['pos001']}")
    page.wait_for_selector("#right_panel h1:has-text('Tags')")
    section(page, "Key-Value Pairs", "Tables")
    dataset = uploaded.report.dataset_id
    assert_says(
        page,
        r"Acquisition Date:\s+2018-09-28 17:18:15",
        r"Dimensions \(XY\):\s+512 x 512\s+Pixels Type:\s+uint16",
        r"Z-sections/Timepoints:\s+5 x 3\s+Channels:\s+Brightfield, DIC, GFP",
        r"Group\t1\nExposure of Brightfield \(ms\)\t30\n",
        rf"Added on Dataset {uploaded.folder.name}",
        *(
            rf"{table} \(linked to Dataset: {dataset}\)"
            for table in ("channels", "positions", "zsections", "timesettings", "pumpstart")
        ),
    )


def test_how_an_image_was_taken_is_in_its_second_tab(visit: Any, uploaded: Demo) -> None:
    page = visit(f"webclient/?show=image-{uploaded.images['pos001']}")
    page.wait_for_selector("#right_panel h1:has-text('Tags')")
    page.click("#annotation_tabs a:has-text('Acquisition')")
    page.click("#metadata_tab h1:has-text('GFP')")
    page.wait_for_selector("#metadata_tab :text('Exposure Times'):visible")
    shown = page.locator("#metadata_tab table:visible").last.inner_text()
    times = [column.replace("\xa0", " ").split("\n") for column in shown.split("\n\t\n")]
    assert times == [
        ["t", "Delta T", "Exposure"],
        ["t=1", "8.0 s", "7 ms"],
        ["t=2", "5 min 8 s", "7 ms"],
        ["t=3", "10 min 8 s", "7 ms"],
    ]
    values = [field.input_value() for field in page.locator("#metadata_tab input:visible").all()]
    assert [float(value) for value in values if value] == [470, 507, 270]


def test_a_table_opens_with_its_columns_and_rows(visit: Any, uploaded: Demo) -> None:
    page = visit(f"webclient/?show=dataset-{uploaded.report.dataset_id}")
    page.wait_for_selector("#right_panel h1:has-text('Attachments')")
    section(page, "Attachments")
    with page.context.expect_page() as opened:
        page.click("#right_panel li:has-text('positions') a[title='View OMERO.table']")
    opened.value.wait_for_selector("td:has-text('pos025')")
    rows = opened.value.locator("table tr").all_inner_texts()
    text = (uploaded.folder / "microscope1_Acq.txt").read_text("utf-8")
    points = text.split("Points:\n")[1].split("\n\n")[0]
    head, *wanted = csv.reader(points.splitlines(), skipinitialspace=True)
    shown = [row.strip().split("\t") for row in rows if row.strip()]
    assert shown[0] == head
    assert len(wanted) == 25
    assert [row[0] for row in shown[1:]] == [row[0] for row in wanted]
    assert [list(map(float, row[1:])) for row in shown[1:]] == [
        list(map(float, row[1:])) for row in wanted
    ]


def test_an_attachment_that_is_downloaded_is_the_file(visit: Any, uploaded: Demo) -> None:
    page = visit(f"webclient/?show=dataset-{uploaded.report.dataset_id}")
    section(page, "Attachments")
    for file in ("microscope1_Acq.txt", "microscope1_log.txt"):
        with page.expect_download() as download:
            page.click(f"#right_panel a:has-text('{file}')")
        assert download.value.suggested_filename == file
        assert download.value.path().read_bytes() == (uploaded.folder / file).read_bytes()


def test_search_finds_by_tag(visit: Any, uploaded: Demo) -> None:
    page = visit("webclient/")
    page.wait_for_load_state("networkidle")
    page.fill("#id_search_query", "Batgirl")
    page.press("#id_search_query", "Enter")
    found = page.locator("#dataTable tbody tr")
    found.first.wait_for()
    assert "1 result" in page.inner_text("body")
    assert uploaded.folder.name in found.first.inner_text()
    found.first.click()
    page.wait_for_selector("#right_panel :text('Compare morphology markers')")


def test_scripts_are_listed_and_ask_for_their_parameters(visit: Any, uploaded: Demo) -> None:
    pytest.importorskip("omero.figure_scripts", reason="omero-scripts is not installed")
    page = visit(f"webclient/?show=dataset-{uploaded.report.dataset_id}")
    page.wait_for_selector("#right_panel h1:has-text('Tags')")
    page.wait_for_load_state("networkidle")  # before, nothing hears the button
    page.click("#scriptButton")
    page.click("#scriptList a:has-text('export_scripts')")
    with page.context.expect_page() as opened:
        page.click("#scriptList a:has-text('Batch Image Export')")
    form = opened.value
    form.wait_for_selector(":text('Save multiple images as JPEG')")
    # for what is selected in the tree
    assert form.input_value("input[name=IDs]") == str(uploaded.report.dataset_id)


def test_what_an_upload_of_the_example_made_is_all_in_the_page(
    visit: Any, harbour: Harbour, state: None, tmp_path: Path
) -> None:
    plan = pu.plan(make_example(tmp_path / "e", positions=2, times=2, sections=3, size=64))
    with closing(harbour.connection("eve")) as connection:
        report = pu.upload(plan, connection)
    page = visit(f"webclient/?show=dataset-{report.dataset_id}", who="eve")
    thumbs = page.locator("#icon_table img")
    thumbs.nth(1).wait_for()
    page.wait_for_selector(node("pos002"))
    lines = tree(page)
    assert f"{plan.dataset.project}1" in lines
    place = lines.index(f"{plan.dataset.name}2")
    assert lines[place + 1 : place + 3] == ["pos001", "pos002"]
    assert eventually(
        lambda: all(len(np.unique(small(thumbs.nth(n).screenshot()))) > 20 for n in (0, 1))
    )
    section(page, "Tags", "Key-Value Pairs", "Attachments")
    said = (
        plan.dataset.description.split("\n")[0],
        *plan.dataset.tags,
        *plan.dataset.attachments,
        *(table.name for table in plan.dataset.tables),
        "Time interval (s)",
    )
    assert_says(page, *map(re.escape, said))


# ---------------------------------------------------------------- changing
def test_a_tag_and_a_key_value_added_in_the_page_are_in_the_server(
    visit: Any, harbour: Harbour, copied: Demo
) -> None:
    image = copied.images["pos001"]
    page = visit(f"webclient/?show=image-{image}")
    page.wait_for_selector("#right_panel h1:has-text('Tags')")
    section(page, "Tags")
    add_tag(page, "budding", "cells that divide")

    def found(field: str) -> list[Any]:
        with harbour.gateway() as conn:
            notes = conn.getObject("Image", image).listAnnotations()
            return [
                note.getValue()
                for note in notes
                if hasattr(note._obj, field) and note.getNs() in {None, KEY_VALUES}
            ]

    assert found("textValue") == ["budding"]
    (before,) = found("mapValue")
    section(page, "Key-Value Pairs")
    with page.expect_response("**/annotate_map/**"):  # an empty row is saved too
        page.click("#mapAnnContainer td:text-is('Exposure of GFP (ms)')")
        page.click("#right_panel input[title='Insert row']:not(.button-disabled)")
    page.keyboard.type("Counted cells")
    page.keyboard.press("Tab")
    page.keyboard.type("57")
    page.keyboard.press("Enter")
    assert eventually(lambda: ("Counted cells", "57") in found("mapValue")[0]), found("mapValue")
    assert [pair for pair in found("mapValue")[0] if pair[0] != "Counted cells"] == before
    open_image(page, image, "pos001")
    section(page, "Tags", "Key-Value Pairs")
    assert_says(page, "budding", r"Counted cells\t57")


def test_an_image_is_renamed_moved_and_deleted_with_progress(
    visit: Any, harbour: Harbour, copied: Demo
) -> None:
    image = copied.images["pos001"]
    with harbour.gateway() as conn:
        shelf = omero.model.ProjectDatasetLinkI()
        (project,) = conn.getObject("Dataset", copied.report.dataset_id).listParents()
        shelf.parent = omero.model.ProjectI(project.getId(), False)
        shelf.child = omero.model.DatasetI()
        shelf.child.name = rstring("shelf")
        conn.getUpdateService().saveObject(shelf)
    page = visit(f"webclient/?show=image-{image}")
    page.click("#right_panel button[title='Edit the name']")
    page.fill("#right_panel input[name=name]", "chamber 1")
    page.click("#right_panel input[value=Save]")
    page.wait_for_selector(node("chamber 1"))

    def where() -> tuple[str, list[str]]:
        with harbour.gateway() as conn:
            found = conn.getObject("Image", image)
            return found.getName(), [parent.getName() for parent in found.listParents()]

    assert where() == ("chamber 1", [copied.report.dataset_name])

    # The tree is still busy with the new name; one that was just loaded is not.
    open_image(page, image, "chamber 1")
    with page.expect_response("**/api/links/"):
        page.click("#cutButton:not([disabled])")
    page.wait_for_selector(node("chamber 1"), state="hidden")
    page.wait_for_load_state("networkidle")  # the tree selects another node when one is gone
    page.click(node("shelf"))
    page.wait_for_function(
        "$.jstree.reference('#dataTree').get_selected(true).map(n => n.text).join() === 'shelf'"
    )
    page.wait_for_load_state("networkidle")
    page.click("#pasteButton:not([disabled])")
    assert eventually(lambda: where() == ("chamber 1", ["shelf"])), where()

    open_image(page, image, "chamber 1")
    page.click("#deleteButton:not([disabled])")
    page.click(f"{DIALOG}:has-text('Yes')")
    page.wait_for_selector(node("chamber 1"), state="detached")
    page.click("#launch_activities")
    page.wait_for_selector("#jobsTable tr:has-text('Delete Image') img[alt=Success]")
    job = page.evaluate("fetch('/webclient/activities_json/').then(r => r.json())")
    assert job["inprogress"] == 0
    assert [(j["job_type"], j["status"]) for j in job.values() if isinstance(j, dict)] == [
        ("delete", "finished")
    ]
    with harbour.gateway() as conn:
        assert conn.getObject("Image", image) is None


def test_a_dataset_is_deleted_with_its_images(visit: Any, harbour: Harbour, copied: Demo) -> None:
    page = visit(f"webclient/?show=dataset-{copied.report.dataset_id}")
    page.wait_for_selector("#dataTree .jstree-clicked")
    page.wait_for_selector("#right_panel h1:has-text('Tags')")
    page.wait_for_load_state("networkidle")
    page.click("#deleteButton:not([disabled])")
    page.click(f"{DIALOG}:has-text('Yes')")

    def left() -> list[Any]:
        with harbour.gateway() as conn:
            ids = {"Dataset": copied.report.dataset_id, "Image": copied.images["pos001"]}
            return [kind for kind, one in ids.items() if conn.getObject(kind, one)]

    assert eventually(lambda: left() == []), left()


# ---------------------------------------------------------------- several people
def test_others_see_and_annotate_but_do_not_change(
    visit: Any, harbour: Harbour, copied: Demo
) -> None:
    image = copied.images["pos001"]
    page = visit(f"webclient/?show=image-{image}", who="bob")
    page.wait_for_selector("#right_panel h1:has-text('Tags')")
    assert_says(page, r"Owner:\s+Ann Harbour")
    assert page.locator("#right_panel button[title='Edit the name']").count() == 0
    assert page.locator("#deleteButton").is_disabled()
    # to add one's own is what a read-annotate group allows, and not to alter what is another's
    section(page, "Tags", "Key-Value Pairs")
    add_tag(page, "seen by Bob", "")
    page.click("#mapAnnContainer td:text-is('19.225')")
    assert page.locator("#mapAnnContainer input").count() == 0
    anns = visit(f"webclient/?show=image-{image}")
    anns.wait_for_selector("#right_panel h1:has-text('Tags')")
    section(anns, "Tags")
    assert_says(anns, "seen by Bob")


def test_those_of_another_group_see_nothing_of_it(visit: Any, uploaded: Demo) -> None:
    page = visit("webclient/", who="eve")
    page.wait_for_selector(node("Eve Harbour"))
    assert not any(line.startswith("Morphology") for line in tree(page))
    # asked aside from the browser, for what is refused on purpose is no error of a page
    address = page.url.split("webclient/")[0]
    for path in (
        f"webgateway/render_image/{uploaded.images['pos001']}/",
        f"api/v0/m/datasets/{uploaded.report.dataset_id}/",
    ):
        assert page.context.request.get(address + path).status in {403, 404}
