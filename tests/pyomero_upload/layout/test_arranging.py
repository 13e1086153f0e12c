"""Which plane of which image each file is."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyomero_upload.layout import (
    Arrangement,
    Layout,
    Listing,
    arrange,
    arrange_separately,
    compile_pattern,
    list_files,
)
from pyomero_upload.model import FileStat, Problem
from pyomero_upload.profiles import load_layout

DEFAULT = load_layout()


def listing(*paths: str, folders: tuple[str, ...] = ()) -> Listing:
    """Return a folder `exp` that holds these files."""
    return Listing(Path("/data/exp").absolute(), dict.fromkeys(paths, FileStat(1, 1)), folders)


def planes(arrangement: Arrangement) -> dict[str, dict[tuple[int, str, int], str]]:
    return {name: dict(image.planes) for name, image in arrangement.images.items()}


def arranged(*paths: str, pattern: str | None = None, **options) -> Arrangement:
    layout = DEFAULT if pattern is None else Layout("p", (compile_pattern(pattern),), **options)
    return arrange(listing(*paths), layout)


def only(problems: tuple[Problem, ...]) -> Problem:
    (problem,) = problems
    return problem


class TestDefault:
    """Position folders with `{anything}_{time}_{channel}_{z}.{ext}`."""

    def test_counts_from_1_in_the_names_and_from_0_in_the_image(self):
        found = arranged(
            "pos001/exp_000001_DIC_001.png", "pos001/exp_000002_GFP_003.png", "log.txt"
        )
        assert planes(found) == {
            "pos001": {
                (0, "DIC", 0): "pos001/exp_000001_DIC_001.png",
                (1, "GFP", 2): "pos001/exp_000002_GFP_003.png",
            }
        }
        assert found.unmatched == ("log.txt",)
        assert found.problems == ()

    @pytest.mark.parametrize(
        ("name", "plane"),
        [
            ("a_1_GFP_2.png", (0, "GFP", 1)),
            ("2020_02_29_exp_7_000001_GFP_002.TIFF", (0, "GFP", 1)),
            ("exp_20200229_1_GFP_2.tif", (0, "GFP", 1)),
            ("exp_200229_01_GFP_002.tif", (0, "GFP", 1)),
            ("_000001_GFP_002.jpg", (0, "GFP", 1)),
            ("exp_000001_pHluorin405_0_4_002.png", (0, "pHluorin405_0_4", 1)),
            ("exp_1_my channel_2.png", (0, "my channel", 1)),
            ("exp_1_my_channel_2.png", (0, "my_channel", 1)),
            ("exp_000001_405_002.png", (0, "405", 1)),
            ('ex\'p "1"\n_000001_GFP_002.bmp', (0, "GFP", 1)),
            ("exp_000001_GFP_002.ome.tif", None),
        ],
    )
    def test_prefix_and_channel_may_hold_underscores_and_digits(self, name, plane):
        found = arranged(f"pos001/{name}")
        expected = {} if plane is None else {"pos001": {plane: f"pos001/{name}"}}
        assert planes(found) == expected

    def test_the_demo_is_two_positions_of_45_planes(self, demo):
        found = arrange(list_files(demo), DEFAULT)
        assert {name: len(image.planes) for name, image in found.images.items()} == {
            "pos001": 45,
            "pos002": 45,
        }
        assert found.images["pos001"].channels == ("Brightfield", "DIC", "GFP")
        assert found.problems == ()

    def test_any_folder_whose_files_fit_is_a_position(self):
        found = arranged("YST_247 µ/e_1_GFP_1.png", "well A/e_1_GFP_1.png")
        assert list(found.images) == ["well A", "YST_247 µ"]

    def test_images_and_channels_come_in_natural_order(self):
        found = arranged(*(f"pos{p}/e_1_c{c}_1.png" for p in (10, 2, 1) for c in (11, 3)))
        assert list(found.images) == ["pos1", "pos2", "pos10"]
        assert found.images["pos2"].channels == ("c3", "c11")

    def test_a_flat_folder_is_one_image_named_after_the_folder(self):
        found = arranged("e_1_GFP_1.png", "e_2_GFP_1.png")
        assert list(found.images) == ["exp"]
        assert sorted(found.images["exp"].planes) == [(0, "GFP", 0), (1, "GFP", 0)]

    def test_names_that_count_from_0_are_noticed(self):
        found = arranged("Pos0/img_000000000_GFP_000.tif", "Pos0/img_000000001_GFP_001.tif")
        assert sorted(found.images["Pos0"].planes) == [(0, "GFP", 0), (1, "GFP", 1)]

    def test_a_position_folder_without_images_is_reported(self):
        found = arrange(
            listing(
                "pos001/e_1_GFP_1.png",
                "pos003/notes.txt",
                folders=("pos001", "pos002", "pos003", "x"),
            ),
            DEFAULT,
        )
        assert [(p.code, p.where) for p in found.problems] == [
            ("empty-position", "pos002"),
            ("empty-position", "pos003"),
        ]

    def test_positions_of_several_experiments_are_kept_apart(self):
        found = arranged(
            "a/pos001/e_1_GFP_1.png", "b/x/pos001/e_1_GFP_1.png", "a/pos002/e_1_GFP_1.png"
        )
        assert list(found.images) == ["a_pos001", "b_x_pos001", "pos002"]
        assert {image.position for image in found.images.values()} == {"pos001", "pos002"}
        problem = only(found.problems)
        assert problem.code == "several-experiments"
        assert "The position pos001 occurs in more than one folder: a, b/x" in problem.message

    def test_image_names_never_clash(self):
        found = arranged("a/b/e_1_GFP_1.png", "b/e_1_GFP_1.png", "a_b/e_1_GFP_1.png")
        assert list(found.images) == ["a_b", "a_b_2", "b"]


class TestProblems:
    """Nothing is dropped in silence."""

    def test_an_image_that_fits_no_pattern_is_a_warning(self):
        found = arranged(
            "pos001/e_1_GFP_1.png", "pos001/overview.png", "map.JPG", "stack.nd2", "notes.txt"
        )
        assert found.unmatched == ("map.JPG", "notes.txt", "pos001/overview.png", "stack.nd2")
        assert {(p.severity, p.code, p.where) for p in found.problems} == {
            ("warning", "unmatched-file", "pos001/overview.png"),
            ("warning", "unmatched-file", "map.JPG"),
            ("warning", "unmatched-file", "stack.nd2"),
        }
        assert all(p.where in p.message and p.hint for p in found.problems)

    @pytest.mark.parametrize(
        "path",
        [".DS_Store", "pos001/._e_1_GFP_2.png", "Thumbs.db", ".git/e_1_GFP_1.png"],
    )
    def test_hidden_files_are_unused_without_a_word(self, path):
        found = arranged(path)
        assert found.unmatched == (path,)
        assert not found.images
        assert not found.problems

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("pos001/e_000001_GFP_001.png", "pos001/e_1_GFP_1.png"),
            ("pos001/e_1_GFP_1.png", "pos001/e_1_GFP_1.tif"),
        ],
    )
    def test_two_files_for_one_plane_are_an_error_that_names_both(self, one, other):
        found = arranged(one, other)
        problem = only(found.problems)
        assert (problem.severity, problem.code) == ("error", "duplicate-plane")
        assert one in problem.message
        assert other in problem.message
        assert planes(found) == {"pos001": {(0, "GFP", 0): one}}
        assert found.unmatched == (other,)

    @pytest.mark.parametrize("t", [10**9, 10**8, 5000, int("9" * 200)])
    def test_an_absurd_index_is_an_error_and_takes_no_memory(self, t):
        found = arranged("pos001/e_1_GFP_1.png", f"pos001/e_{t}_GFP_1.png")
        problem = only(found.problems)
        assert (problem.severity, problem.code) == ("error", "absurd-index")
        assert str(t) in problem.message
        assert list(found.images["pos001"].planes) == [(0, "GFP", 0)]

    def test_an_absurd_section_is_an_error(self):
        found = arranged("pos001/e_1_GFP_1.png", "pos001/e_1_GFP_500.png")
        assert only(found.problems).code == "absurd-index"
        assert "z-section 500" in only(found.problems).message

    def test_many_zeros_in_front_are_not_absurd(self):
        found = arranged(f"pos001/e_{1:020d}_GFP_1.png")
        assert found.problems == ()

    def test_long_experiments_are_not_absurd(self):
        found = arranged(*(f"pos001/e_{t}_GFP_1.png" for t in range(1, 5001)))
        assert found.problems == ()
        assert len(found.images["pos001"].planes) == 5000

    def test_an_image_of_nothing_but_absurd_files_is_none(self):
        found = arranged(f"pos001/e_{10**7}_GFP_1.png")
        assert not found.images
        assert found.unmatched == (f"pos001/e_{10**7}_GFP_1.png",)

    def test_an_index_below_the_first_is_an_error(self):
        found = arranged("a_t0.png", "a_t1.png", pattern="{prefix}_t{t}", first_t=1)
        problem = only(found.problems)
        assert (problem.code, problem.where) == ("absurd-index", "a_t0.png")
        assert "count from 1" in problem.message


class TestPatterns:
    """Patterns of the user's own."""

    def test_any_axis_may_be_absent(self):
        found = arranged("pos1/e_t1.png", "pos1/e_t2.png", pattern="{position}/{prefix}_t{t}")
        assert planes(found) == {"pos1": {(0, "", 0): "pos1/e_t1.png", (1, "", 0): "pos1/e_t2.png"}}
        assert found.images["pos1"].channels == ("",)

    def test_without_a_position_the_image_is_named_after_its_folder(self):
        found = arranged("a/1.png", "b/c/1.png", "1.png", pattern="{t}")
        assert {name: image.position for name, image in found.images.items()} == {
            "a": "a",
            "c": "c",
            "exp": "exp",
        }

    def test_well_and_site_compose_the_name(self):
        found = arranged(
            "p1_A01_s02_1.tif", "p1_A01_s3_1.tif", pattern="{position}_{well}_s{s}_{t}"
        )
        assert list(found.images) == ["p1_A01_s2", "p1_A01_s3"]

    def test_channel_names_have_the_order_of_their_numbers(self):
        found = arranged(
            "a_w1GFP.tif", "a_w2DIC.tif", "a_w3.tif", pattern="{position}_w{c:d}{cname}"
        )
        assert found.images["a"].channels == ("GFP", "DIC", "ch3")

    def test_channels_of_one_name_are_told_apart_by_number(self):
        found = arranged("a_w1GFP.tif", "a_w2GFP.tif", pattern="{position}_w{c:d}{cname}")
        assert found.images["a"].channels == ("GFP-1", "GFP-2")

    def test_numbers_of_channels_are_the_same_with_and_without_zeros(self):
        found = arranged("a_c01_t1.tif", "a_c1_t2.tif", pattern="{position}_c{c:d}_t{t}")
        assert found.images["a"].channels == ("ch1",)

    def test_a_profile_may_order_channels(self):
        found = arranged(
            "GFP.tif", "DIC.tif", "mCherry.tif", pattern="{c}", channels=("mCherry", "GFP")
        )
        assert found.images["exp"].channels == ("mCherry", "GFP", "DIC")

    @pytest.mark.parametrize(
        ("names", "options", "times"),
        [
            (["t1", "t2"], {}, [0, 1]),
            (["t0", "t2"], {}, [0, 2]),
            (["t3", "t4"], {}, [2, 3]),
            (["t3", "t4"], {"first_t": 3}, [0, 1]),
            (["t3", "t4"], {"first_t": 0}, [3, 4]),
        ],
    )
    def test_counting_begins_at_the_first_index(self, names, options, times):
        found = arranged(*(f"{name}.png" for name in names), pattern="t{t}", **options)
        assert [t for t, _, _ in found.images["exp"].planes] == times

    def test_a_0_in_one_image_counts_for_all(self):
        found = arranged("a/t0.png", "b/t1.png", pattern="{position}/t{t}")
        assert list(found.images["b"].planes) == [(1, "", 0)]

    def test_the_first_pattern_that_fits_counts(self):
        layout = Layout(
            "p", (compile_pattern("{position}_t{t}_z{z}"), compile_pattern("{position}_t{t}"))
        )
        found = arrange(listing("a_t1_z2.png", "a_t2.png"), layout)
        assert sorted(found.images["a"].planes) == [(0, "", 1), (1, "", 0)]

    def test_a_position_that_spans_folders_makes_a_name_without_slashes(self):
        found = arranged("x/y/1.png", pattern=r"(?P<position>x/y)/(?P<t>\d)")
        assert list(found.images) == ["x_y"]


class TestSeparate:
    """Every file its own image."""

    def test_an_image_is_named_after_its_file(self):
        found = arrange_separately(listing("pos001/a.png", "b.TIF", "log.txt", ".c.png", "d.czi"))
        assert planes(found) == {
            "a.png": {(0, "", 0): "pos001/a.png"},
            "b.TIF": {(0, "", 0): "b.TIF"},
        }
        assert found.unmatched == (".c.png", "d.czi", "log.txt")
        assert only(found.problems).where == "d.czi"

    def test_files_of_one_name_are_told_apart_by_their_folders(self):
        found = arrange_separately(listing("pos1/a.png", "pos2/a.png", "pos10/a.png"))
        assert list(found.images) == ["pos1_a.png", "pos2_a.png", "pos10_a.png"]

    def test_names_never_clash(self):
        found = arrange_separately(listing("x/a.png", "y/a.png", "x_a.png"))
        assert len(found.images) == 3


PATHS = st.lists(
    st.one_of(
        st.text(alphabet="pos01/_.GFPt\n '\"é😀", min_size=1, max_size=20),
        st.builds(
            "pos{}/e_{}_{}_{}.png".format,
            st.integers(0, 3),
            st.integers(0, 10**12),
            st.sampled_from(["GFP", "DIC", "a_1", "0"]),
            st.integers(0, 3000),
        ),
        st.text(max_size=10).map(lambda text: f"{text}_1_GFP_1.png"),
    ),
    max_size=12,
    unique=True,
)


@given(PATHS)
def test_any_names_end_up_in_one_image_or_unused_and_never_raise(paths):
    found = arrange(listing(*paths), DEFAULT)
    used = [path for image in found.images.values() for path in image.planes.values()]
    assert sorted([*used, *found.unmatched]) == sorted(paths)
    assert all(t >= 0 and z >= 0 for image in found.images.values() for t, _, z in image.planes)
    for image in found.images.values():
        assert {label for _, label, _ in image.planes} == set(image.channels)
    assert len({image.name for image in found.images.values()}) == len(found.images)
    assert arrange(listing(*paths), DEFAULT) == found


@given(
    position=st.integers(1, 999),
    prefix=st.from_regex(r"[a-z0-9_]{0,10}", fullmatch=True),
    t=st.integers(1, 1000),
    channel=st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,8}", fullmatch=True),
    z=st.integers(1, 100),
)
def test_names_as_the_microscopes_write_them_are_read_back(position, prefix, t, channel, z):
    path = f"pos{position:03d}/{prefix}_{t:06d}_{channel}_{z:03d}.png"
    assert planes(arranged(path)) == {f"pos{position:03d}": {(t - 1, channel, z - 1): path}}
