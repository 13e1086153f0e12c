"""Profiles: the built-in ones read the names they are for, and users write their own."""

import re
from pathlib import Path

import pytest

from pyomero_upload.errors import UsageError
from pyomero_upload.layout import Arrangement, Layout, Listing, arrange
from pyomero_upload.model import FileStat
from pyomero_upload.profiles import BUILT_IN, load_layout, load_profile

DOCS = Path(__file__).parents[2] / "docs"


def arranged(layout: Layout, *paths: str) -> Arrangement:
    return arrange(
        Listing(Path("/data/exp").absolute(), dict.fromkeys(paths, FileStat(1, 1))), layout
    )


@pytest.mark.parametrize(
    ("profile", "path", "image", "plane"),
    [
        ("default", "pos001/exp_000002_GFP_003.png", "pos001", (1, "GFP", 2)),
        ("micromanager", "Pos0/img_000000002_GFP_003.tif", "Pos0", (2, "GFP", 3)),
        (
            "micromanager",
            "Pos1/img_channel001_position001_time000000002_z003.tif",
            "Pos1",
            (2, "ch1", 3),
        ),
        ("metamorph", "cells_w1GFP_s12_t3.TIF", "cells_s12", (2, "GFP", 0)),
        ("metamorph", "my_w1ld_w2CSU 488_s1_t1.TIF", "my_w1ld_s1", (0, "CSU 488", 0)),
        ("metamorph", "cells_w1488nm_s3.tif", "cells_s3", (0, "488nm", 0)),
        ("metamorph", "cells_w1GFP_t3.stk", "cells", (2, "GFP", 0)),
        ("metamorph", "cells_w1GFP.TIF", "cells", (0, "GFP", 0)),
        ("metamorph", "cells_s2_t3.TIF", "cells_s2", (2, "", 0)),
        ("metamorph", "cells_s2.TIF", "cells_s2", (0, "", 0)),
        ("metamorph", "cells_t3.TIF", "cells", (2, "", 0)),
        (
            "metaxpress",
            "TimePoint_2/ZStep_3/plate_B04_s1_w2.TIF",
            "plate_B04_s1",
            (1, "ch2", 2),
        ),
        (
            "metaxpress",
            "2024-05-01/12/TimePoint_2/plate_B04_s1_w2F2A0D37B-95C6-4D72-B5A3-11C9B3A9CDE3.tif",
            "plate_B04_s1",
            (1, "ch2", 0),
        ),
        ("metaxpress", "ZStep_3/plate_B04_w1.tif", "plate_B04", (0, "ch1", 2)),
        ("metaxpress", "plate_B04_s2_w1.tif", "plate_B04_s2", (0, "ch1", 0)),
        ("incell", "A - 01(fld 1 wv DAPI - DAPI).tif", "A - 01_s1", (0, "DAPI - DAPI", 0)),
        (
            "incell",
            "A - 01(fld 02 wv Blue - FITC z 3 time 4 - 1200 ms).tif",
            "A - 01_s2",
            (3, "Blue - FITC", 2),
        ),
        ("opera", "Images/r01c02f03p04-ch2sk5fk1fl1.tiff", "r01c02_s3", (4, "ch2", 3)),
        ("imagej", "stack0007.tif", "stack", (0, "", 6)),
        ("imagej", "frames/0007.png", "frames", (0, "", 6)),
        ("imagej", "movie_t002_z003_c001.tif", "movie", (1, "ch1", 2)),
    ],
)
def test_a_built_in_profile_reads_the_names_it_is_for(profile, path, image, plane):
    found = arranged(load_layout(profile=profile), path)
    assert {name: dict(files.planes) for name, files in found.images.items()} == {
        image: {plane: path}
    }
    assert found.problems == ()


def test_thumbnails_of_metaxpress_are_no_planes():
    found = arranged(load_layout(profile="metaxpress"), "p_A01_s1_w1_thumbF2A0D37B-95C6.tif")
    assert not found.images
    assert [problem.code for problem in found.problems] == ["unmatched-file"]


def test_sequences_that_count_from_0_are_noticed():
    found = arranged(load_layout(profile="imagej"), "stack0000.tif", "stack0001.tif")
    assert sorted(found.images["stack"].planes) == [(0, "", 0), (0, "", 1)]


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_profile_says_what_it_is_for_and_is_documented(name):
    assert BUILT_IN[name].about
    reference = (DOCS / "reference" / "profiles.md").read_text(encoding="utf-8")
    assert f"| `{name}` |" in reference


def documented() -> list[tuple[str, str, str, tuple[int, str, int]]]:
    """Return option, file, image and plane of each example on the how-to page."""
    page = (DOCS / "how-to" / "file-names.md").read_text(encoding="utf-8")
    examples = []
    for option, rows in re.findall(
        r"```\n(--\S+ .+)\n```\n\n\| file \|.*\n\|.*\n((?:\|.*\n)+)", page
    ):
        for row in rows.splitlines():
            file, image, t, channel, z = (cell.strip() for cell in row.strip("|").split("|"))
            plane = (int(t) - 1, channel.strip("`—"), int(z) - 1)
            examples.append((option, file.strip("`"), image.strip("`"), plane))
    return examples


def test_the_how_to_page_has_examples():
    assert len(documented()) >= 15


@pytest.mark.parametrize(("option", "path", "image", "plane"), documented())
def test_the_examples_of_the_how_to_page_are_true(option, path, image, plane):
    kind, _, text = option.partition(" ")
    layout = load_layout(**{kind.removeprefix("--"): text.strip("'")})
    found = arranged(layout, path)
    assert [(name, *files.planes) for name, files in found.images.items()] == [(image, plane)]


def test_without_a_word_the_lab_s_convention_is_read():
    assert load_layout().name == "default"


def test_a_pattern_takes_the_place_of_the_profile_s(tmp_path):
    (tmp_path / "mine.yaml").write_text("patterns: '{t}'\npages: t\n", encoding="utf-8")
    layout = load_layout(profile=tmp_path / "mine.yaml", pattern="{z}")
    assert layout.name == "{z}"
    assert layout.pages == "t"
    assert [pattern.text for pattern in layout.patterns] == ["{z}"]


def test_a_pattern_alone_is_enough():
    layout = load_layout(pattern="{t}")
    assert (layout.name, layout.pages, layout.first_t) == ("{t}", "z", None)


@pytest.mark.parametrize(
    ("text", "first"), [("first: 0", (0, 0)), ("first: {t: 5}", (5, None)), ("", (None, None))]
)
def test_a_profile_of_the_user_s_is_read_from_yaml(tmp_path, text, first):
    path = tmp_path / "our_scope.yaml"
    path.write_text(
        f"patterns: ['{{position}}_{{t}}']\nchannels: [GFP, 405]\n{text}\n", encoding="utf-8"
    )
    layout = load_layout(profile=str(path))
    assert layout.name == "our_scope"
    assert (layout.first_t, layout.first_z) == first
    assert layout.channels == ("GFP", "405")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("paterns: x", "did you mean patterns"),
        ("patterns: ['{t}']\npages: y", "our.yaml:2: pages"),
        ("patterns: ['{t}']\nfirst: -1", "our.yaml:2: first"),
        ("patterns: []", "our.yaml:1: patterns"),
        ("patterns: [", "no YAML"),
        ("just text", "the file"),
        ("patterns: '{frame}'", "no field «frame»"),
    ],
)
def test_a_mistake_in_a_profile_is_told_with_its_place(tmp_path, text, told):
    path = tmp_path / "our.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=re.escape(told)):
        load_layout(profile=path)


def test_a_profile_that_is_not_there_is_a_mistake_of_the_users():
    with pytest.raises(UsageError, match="did you mean metamorph") as raised:
        load_profile("metamorf")
    assert "default" in raised.value.hint
    with pytest.raises(UsageError, match=r"no profile nothing\.yaml"):
        load_profile("nothing.yaml")
