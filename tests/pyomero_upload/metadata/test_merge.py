"""Joining files of equal standing, and laying the user's word over them; no contradiction is hidden."""
# ruff: noqa: DTZ001  (the microscopes write no time zone)

from array import array
from dataclasses import replace
from datetime import datetime

import pytest

from pyomero_upload.metadata.merge import combine, override
from pyomero_upload.metadata.tables import make_table
from pyomero_upload.model import AcquisitionTimes, Channel, Metadata, Point, Problem


def test_nothing_combined_is_empty_metadata():
    assert combine([]) == Metadata()


def test_lists_are_joined_without_repetitions():
    joined = combine(
        [
            Metadata(
                description="a",
                tags=("x", "y"),
                authors=("A",),
                key_values=(("k", "1"),),
                attachments=("1",),
            ),
            Metadata(
                description="b",
                tags=("y", "z"),
                authors=("B", "A"),
                key_values=(("k", "1"), ("k", "2")),
            ),
            Metadata(description="a", attachments=("2", "1")),
        ]
    )
    assert joined.description == "a\n\nb"
    assert joined.tags == ("x", "y", "z")
    assert joined.authors == ("A", "B")
    assert joined.key_values == (("k", "1"), ("k", "2"))
    assert joined.attachments == ("1", "2")
    assert joined.problems == ()


def test_the_first_known_value_counts_and_another_one_is_a_conflict():
    joined = combine(
        [
            Metadata(attachments=("a_Acq.txt",)),
            Metadata(z_step_um=0.6, project="P"),
            Metadata(z_step_um=0.8, project="Q", time_interval_s=300, attachments=("a_log.txt",)),
        ]
    )
    assert (joined.z_step_um, joined.project, joined.time_interval_s) == (0.6, "P", 300)
    assert [(p.severity, p.code, p.where) for p in joined.problems] == [
        ("info", "metadata-conflict", "a_Acq.txt"),
        ("warning", "metadata-conflict", "a_Acq.txt"),
    ]
    assert "z step (µm): 0.6 is used instead of 0.8 from a_log.txt." in joined.problems[1].message


def test_problems_of_all_parts_are_kept():
    one, two = (Problem("warning", "metadata-unreadable", str(n), "m") for n in (1, 2))
    assert combine([Metadata(problems=(one,)), Metadata(problems=(two,))]).problems == (one, two)


def test_channels_are_completed_by_name_and_occurrence():
    joined = combine(
        [
            Metadata(
                channels=(
                    Channel("DIC"),
                    Channel("GFP", exposure_ms=30),
                    Channel("GFP", exposure_ms=60),
                )
            ),
            Metadata(channels=(Channel("GFP", excitation_nm=470), Channel("cy5", every_t=3))),
        ]
    )
    assert joined.channels == (
        Channel("DIC"),
        Channel("GFP", exposure_ms=30, excitation_nm=470),
        Channel("GFP", exposure_ms=60, excitation_nm=470),
        Channel("cy5", every_t=3),
    )


def test_tables_of_the_same_name_are_both_kept():
    one, two = make_table("channels", ["a"], [["1"]]), make_table("channels", ["b"], [["2"]])
    joined = combine([Metadata(tables=(one,)), Metadata(tables=(two,))])
    assert [table.name for table in joined.tables] == ["channels", "channels (2)"]


def test_stage_positions_differ_only_beyond_what_rounding_and_drift_explain():
    joined = combine(
        [
            Metadata(stage_positions={"p": Point(1, 2, 3), "q": Point(10, 10, 1)}),
            Metadata(stage_positions={"p": Point(1.5, 2.5), "q": Point(10, 20), "r": Point(0, 0)}),
        ]
    )
    assert joined.stage_positions == {"p": Point(1, 2, 3), "q": Point(10, 10, 1), "r": Point(0, 0)}
    (problem,) = joined.problems
    assert problem.severity == "info"
    assert "q is 10, 10 here and 10, 20 elsewhere" in problem.message


def test_exposures_that_contradict_are_one_warning():
    joined = combine(
        [
            Metadata(position_exposures_ms={("p", "GFP"): 7, ("q", "GFP"): 7}),
            Metadata(position_exposures_ms={("p", "GFP"): 60, ("q", "GFP"): 60, ("r", "GFP"): 5}),
        ]
    )
    assert joined.position_exposures_ms == {("p", "GFP"): 7, ("q", "GFP"): 7, ("r", "GFP"): 5}
    (problem,) = joined.problems
    assert problem.severity == "warning"
    assert "GFP at p is 7 ms here and 60 ms in the log (and 1 more differ)" in problem.message


def test_times_come_from_one_file_as_seconds_since_its_start():
    first = AcquisitionTimes(datetime(2020, 1, 1), {("p", "GFP", 0): array("d", [1.0])})
    second = AcquisitionTimes(datetime(2021, 1, 1), {("p", "DIC", 0): array("d", [2.0])})
    assert combine([Metadata(), Metadata(times=first), Metadata(times=second)]).times == first


def test_the_user_has_the_last_word_and_every_conflict_is_listed():
    found = Metadata(
        title="old",
        description="old",
        authors=("A",),
        project="P",
        pixel_size_um=0.2,
        z_step_um=0.6,
        time_interval_s=300,
    )
    said = Metadata(
        title="new",
        description="new",
        authors=("B",),
        project="Q",
        pixel_size_um=0.1,
        z_step_um=0.5,
        time_interval_s=60,
    )
    merged = override(found, said, file="metadata.yaml")
    assert (merged.title, merged.description, merged.authors, merged.project) == (
        "new",
        "new",
        ("B",),
        "Q",
    )
    assert (merged.pixel_size_um, merged.z_step_um, merged.time_interval_s) == (0.1, 0.5, 60)
    assert [(p.severity, p.code, p.where) for p in merged.problems] == [
        ("info", "metadata-conflict", "metadata.yaml")
    ] * 4 + [("warning", "metadata-conflict", "metadata.yaml")] * 3
    assert (
        "title: 'new' is used instead of 'old' from the data's own files."
        in merged.problems[0].message
    )


def test_long_texts_are_shortened_in_a_conflict():
    merged = override(
        Metadata(description="a\n" * 99), Metadata(description="b " * 99), file="metadata.yaml"
    )
    assert len(merged.problems[0].message) < 200
    assert "\n" not in merged.problems[0].message


def test_what_the_user_does_not_say_stays():
    found = Metadata(
        title="t",
        description="d",
        authors=("A",),
        z_step_um=0.6,
        channels=(Channel("GFP"),),
        tags=("x",),
    )
    merged = override(found, Metadata(), file="metadata.yaml")
    assert merged == replace(found, channel_order=("GFP",))


def test_the_order_of_channels_is_that_of_the_data_s_own_files():
    merged = override(
        Metadata(channels=(Channel("GFP"), Channel("DIC"))),
        Metadata(channels=(Channel("cy5"), Channel("dic"))),
        file="metadata.yaml",
    )
    assert merged.channel_order == ("GFP", "DIC")


def test_the_user_repeating_what_was_found_is_no_conflict():
    found = Metadata(
        z_step_um=0.6, key_values=(("Strain", "247"),), channels=(Channel("GFP", exposure_ms=7),)
    )
    assert override(found, found, file="metadata.yaml").problems == ()


def test_tags_are_added_and_keys_replaced():
    merged = override(
        Metadata(tags=("x",), key_values=(("Strain", "1"), ("Strain", "2"), ("Aim", "a"))),
        Metadata(tags=("y", "x"), key_values=(("Strain", "3"), ("Medium", "SC"))),
        file="metadata.yaml",
    )
    assert merged.tags == ("x", "y")
    assert merged.key_values == (("Aim", "a"), ("Strain", "3"), ("Medium", "SC"))
    (problem,) = merged.problems
    assert "value of Strain: '3' is used instead of '1; 2' from" in problem.message


def test_a_table_of_the_user_replaces_one_of_that_name():
    found = Metadata(tables=(make_table("a", ["x"], [["1"]]), make_table("b", ["x"], [["1"]])))
    merged = override(
        found, Metadata(tables=(make_table("b", ["y"], [["2"]]),)), file="metadata.yaml"
    )
    assert [(table.name, list(table.frame.columns)) for table in merged.tables] == [
        ("a", ["x"]),
        ("b", ["y"]),
    ]
    assert "table b" in merged.problems[0].message


def test_channels_of_the_user_match_in_any_letter_case_and_new_ones_are_added():
    merged = override(
        Metadata(channels=(Channel("GFP", exposure_ms=30, use_z=True, every_t=2), Channel("DIC"))),
        Metadata(
            channels=(
                Channel("gfp", label="Nrd1", exposure_ms=60),
                Channel("cy5", color="#FF00FF"),
            ),
            user_channels=("gfp", "cy5"),
        ),
        file="metadata.yaml",
    )
    assert merged.channels == (
        Channel("GFP", label="Nrd1", exposure_ms=60, use_z=True, every_t=2),
        Channel("DIC"),
        Channel("cy5", color="#FF00FF"),
    )
    assert merged.user_channels == ("gfp", "cy5")
    (problem,) = merged.problems
    assert problem.severity == "warning"
    assert "exposure time (ms) of the channel GFP: 60 is used instead of 30" in problem.message


def test_two_channels_that_differ_in_letter_case_only_are_two():
    merged = override(
        Metadata(channels=(Channel("GFP"), Channel("gfp"))),
        Metadata(channels=(Channel("gfp", label="small"),)),
        file="metadata.yaml",
    )
    assert [channel.label for channel in merged.channels] == [None, "small"]


@pytest.mark.parametrize("name", ["GFP", "gfp"])
def test_an_exposure_of_the_user_counts_at_every_position(name: str):
    merged = override(
        Metadata(
            channels=(Channel("GFP"),), position_exposures_ms={("p", "GFP"): 7, ("p", "DIC"): 30}
        ),
        Metadata(channels=(Channel(name, exposure_ms=60),)),
        file="metadata.yaml",
    )
    assert merged.position_exposures_ms == {("p", "DIC"): 30}
