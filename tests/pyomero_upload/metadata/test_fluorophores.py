"""Colors and wavelengths from the names of channels."""

import csv
import re
from importlib.resources import files

import pytest

from pyomero_upload.metadata.fluorophores import complete_channels, find_fluorophore
from pyomero_upload.model import Channel


@pytest.mark.parametrize(
    ("name", "color", "emission"),
    [
        ("GFP", "#00FF00", 507),
        ("gfp", "#00FF00", 507),
        ("w1GFP", "#00FF00", 507),
        ("w2_mCherry", "#FF0000", 610),
        ("mCherry", "#FF0000", 610),
        ("tdTomato", "#FF4000", 581),
        ("DAPI", "#0000FF", 461),
        ("coumarin", "#0000FF", 440),
        ("FITC", "#00FF00", 519),
        ("cy5", "#FF00FF", 670),
        ("Cy5.5", "#FF00FF", 694),
        ("YFP", "#FFFF00", 527),
        ("CFP", "#00FFFF", 477),
        ("pHluorin405_0_4", "#00FF00", 508),
        ("pHluorin488", "#80FF00", 508),
        ("Alexa Fluor 647", "#FF00FF", 665),
        ("alexa-647", "#FF00FF", 665),
        ("GFP_2", "#00FF00", 507),
        ("red", "#FF0000", None),
    ],
)
def test_a_known_name_says_color_and_wavelength_without_a_guess(
    name: str, color: str, emission: float | None
):
    (channel,), problems = complete_channels([Channel(name)])
    assert (channel.color, channel.emission_nm) == (color, emission)
    assert problems == ()


@pytest.mark.parametrize(
    "name", ["Brightfield", "brightfield1", "DIC", "Phase", "phase contrast", "BF", "transmitted"]
)
def test_transmitted_light_is_grey_without_wavelengths(name: str):
    (channel,), problems = complete_channels([Channel(name)])
    assert channel == Channel(name, color="#FFFFFF")
    assert problems == ()


@pytest.mark.parametrize(
    ("name", "taken_for"),
    [
        ("GFPFast", "EGFP"),
        ("Nrd1-mCherry", "mCherry"),
        ("spinning disk GFP 100x", "EGFP"),
        ("myDIC", "DIC"),
        ("2xGFP", "EGFP"),
    ],
)
def test_a_name_that_contains_a_known_one_is_a_guess_with_a_warning(name: str, taken_for: str):
    _, (problem,) = complete_channels([Channel(name)])
    assert (problem.severity, problem.code, problem.where) == ("warning", "channel-guessed", name)
    assert f"is taken for {taken_for} " in problem.message


@pytest.mark.parametrize("name", ["indicator", "trajectory", "something", "", "405", "Ch0"])
def test_letters_within_a_word_are_no_name(name: str):
    assert find_fluorophore(name) is None


def test_what_is_known_already_is_kept_and_then_nothing_is_guessed():
    said = Channel("GFPFast", color="#123456", excitation_nm=470, emission_nm=520)
    assert complete_channels([said]) == ((said,), ())
    (channel,), _ = complete_channels([Channel("GFP", excitation_nm=470)])
    assert (channel.excitation_nm, channel.emission_nm) == (470, 507)


def test_unknown_channels_get_distinct_colors_in_their_order():
    channels = [
        Channel("GFP"),
        Channel("ch1"),
        Channel("ch2"),
        Channel("DIC"),
        Channel("ch3", color="#00FFFF"),
    ]
    complete, (problem,) = complete_channels(channels)
    assert [channel.color for channel in complete] == [
        "#00FF00",
        "#FF00FF",
        "#FFFF00",
        "#FFFFFF",
        "#00FFFF",
    ]
    assert (problem.severity, problem.code, problem.where) == (
        "info",
        "channel-guessed",
        "ch1, ch2",
    )
    assert complete_channels(channels) == (complete, (problem,))


def test_more_unknown_channels_than_colors_go_round():
    complete, _ = complete_channels([Channel(f"x{number}x") for number in range(20)])
    assert all(channel.color for channel in complete)
    assert len({channel.color for channel in complete}) == 8


def test_a_single_unknown_channel_is_grey():
    (channel,), _ = complete_channels([Channel("something")])
    assert channel.color == "#FFFFFF"


def test_no_channels_need_nothing():
    assert complete_channels([]) == ((), ())


def test_every_line_of_the_data_file_has_a_color_a_source_and_plausible_wavelengths():
    text = files("pyomero_upload.metadata").joinpath("fluorophores.csv").read_text(encoding="utf-8")
    names: list[str] = []
    for row in csv.DictReader(text.splitlines()):
        assert re.fullmatch("#[0-9A-F]{6}", row["color"])
        assert row["source"]
        if row["emission_nm"]:
            assert 300 < float(row["excitation_nm"]) < float(row["emission_nm"]) < 900
        names += [
            re.sub("[^a-z0-9]", "", n.lower())
            for n in [row["name"], *row["aliases"].split(";")]
            if n
        ]
    repeated = {name for name in names if names.count(name) > 1}
    assert {name for name in repeated if find_fluorophore(name) is None} == set()
