"""What Jupyter shows of our objects."""

import numpy as np
import pytest

import pyomero_upload as pu
from folders import experiment
from plans import planned
from pyomero_upload.example import make_example
from pyomero_upload.transfer.events import UploadedImage, UploadReport


def test_a_plan_shows_its_dataset_images_channels_and_problems(tmp_path):
    plan = planned(tmp_path, times=3)
    (tmp_path / "pos002/exp_000002_GFP_002.png").unlink()
    html = pu.plan(tmp_path)._repr_html_()
    for text in ("Yeast", "pos001", "pos002", "Brightfield", "missing-planes", "strain", "BY4741"):
        assert text in html
    assert "uint16" in plan.images[0]._repr_html_()
    assert "Yeast" in plan.dataset._repr_html_()


def test_what_people_wrote_cannot_become_markup(tmp_path):
    experiment(tmp_path)
    (tmp_path / "metadata.yaml").write_text(
        "title: '<script>1</script>'\ntags: ['<b>x</b>']\nkey_values: {'<i>': '<u>'}\n"
        "channels: {GFP: {label: '<img src=x>'}}\n"
    )
    html = pu.plan(tmp_path)._repr_html_()
    for tag in ("<script", "<b>x", "<u>", "<img"):
        assert tag not in html


def test_a_plan_of_hundreds_of_images_stays_short(tmp_path):
    experiment(tmp_path, positions=[f"pos{n:03d}" for n in range(120)], times=1, sections=1)
    html = pu.plan(tmp_path)._repr_html_()
    assert "and 100 more images" in html


def test_the_picture_of_a_plan_shows_each_channel_of_its_first_images(tmp_path):
    plan = planned(tmp_path, positions=["pos1", "pos2", "pos3"], channels=["GFP", "DIC", "RFP"])
    picture = np.asarray(pu.picture(plan, images=2))
    assert picture.shape[1] > 3 * 256
    assert 2 * 256 < picture.shape[0] < 3 * 256 + 100


def test_the_report_of_an_upload_links_to_its_dataset():
    image = UploadedImage("pos<1>", 7, "done", planes=4, sha1="ab" * 20, verified=True)
    report = UploadReport(3, "Yeast", "http://web/webclient/?show=dataset-3", (image,), (), 1.0)
    html = report._repr_html_()
    assert 'href="http://web/webclient/?show=dataset-3"' in html
    assert "pos&lt;1&gt;" in html
    assert "equal to the source" in html


@pytest.mark.parametrize(
    ("verified", "said"),
    [
        (True, "✓ equal to the source"),
        (False, "✗ differs from the source"),
        (None, "not compared"),
    ],
)
def test_the_report_of_an_upload_says_whether_an_image_was_compared(verified, said):
    image = UploadedImage("pos1", 7, "done", planes=4, sha1="ab" * 20, verified=verified)
    html = UploadReport(3, "Yeast", "", (image,), (), 1.0)._repr_html_()
    assert f">{said}<" in html


def test_a_bar_outside_a_notebook_stops_no_job(tmp_path, capfd):
    folder = make_example(tmp_path / "run", positions=1, times=1, sections=1, size=16)
    assert pu.convert(pu.plan(folder), tmp_path / "out", progress=pu.progress_bar()).ok
    assert capfd.readouterr().out == ""
