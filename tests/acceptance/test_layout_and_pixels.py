"""How names become planes, and that pixels stay what they are: the promises, tried from outside."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from folders import experiment, plane, write_png
from outside import FORMATS, converted, pixels, planned, pyomero


# ------------------------------------------------------------------------------------------ layout
def test_positions_come_in_natural_order_and_may_have_any_name(tmp_path):
    experiment(tmp_path, positions=["pos10", "pos2", "control"], times=1, sections=1)
    assert [i["name"] for i in planned(tmp_path)["images"]] == ["control", "pos2", "pos10"]


def test_prefixes_may_hold_underscores_and_digits(tmp_path):
    write_png(tmp_path / "pos1/2026_03_02_exp_5_000001_GFP_001.png", plane(1))
    (image,) = planned(tmp_path)["images"]
    assert image["sizes"] == {"t": 1, "c": 1, "z": 1, "y": 16, "x": 20}
    assert image["channels"][0]["name"] == "GFP"


def test_channels_come_in_natural_order_of_their_names_run_after_run(tmp_path):
    experiment(tmp_path, positions=["pos1"], channels=["w10", "w2", "w1"], times=1, sections=1)
    first = pyomero("plan", tmp_path, "--json").stdout
    assert [c["name"] for c in json.loads(first)["images"][0]["channels"]] == ["w1", "w2", "w10"]
    assert pyomero("plan", tmp_path, "--json").stdout == first


def test_channels_come_as_the_acquisition_settings_list_them(demo):
    (settings,) = demo.glob("*Acq.txt")
    text = settings.read_text("utf-8", errors="replace")
    for image in planned(demo)["images"]:
        names = [c["name"] for c in image["channels"]]
        assert sorted(names, key=text.index) == names


PATTERNS = {
    "a template with folders": (
        "{position}/{prefix}_{t:d}_{c}_{z:d}",
        ["a/x_1_GFP_1.png", "a/x_2_GFP_1.png"],
        ("a", 2, ["GFP"], 1),
    ),
    "MetaMorph-like, in a flat folder": (
        "{position}_w{c:d}{cname}_s{s:d}_t{t:d}.TIF",
        ["exp_w1BF_s1_t1.TIF", "exp_w2GFP_s1_t1.TIF"],
        (None, 1, ["BF", "GFP"], 1),
    ),
    "a regular expression": (
        r"(?P<position>\w+)-(?P<t>\d+)\.png",
        ["well-1.png", "well-2.png", "well-3.png"],
        ("well", 3, None, 1),
    ),
    "sections alone": ("z{z:d}", ["z1.png", "z2.png"], (None, 1, None, 2)),
}


@pytest.mark.parametrize(("pattern", "files", "expected"), PATTERNS.values(), ids=PATTERNS.keys())
def test_patterns_of_the_users_own(tmp_path, pattern, files, expected):
    for number, file in enumerate(files):
        write_png(tmp_path / "exp" / file, plane(number))
    document = planned(tmp_path / "exp", "--pattern", pattern)
    (image,) = document["images"]
    name, times, channels, sections = expected
    assert name is None or image["name"] == name
    assert (image["sizes"]["t"], image["sizes"]["z"]) == (times, sections)
    assert channels is None or [c["name"] for c in image["channels"]] == channels
    converted(tmp_path / "exp", tmp_path / "out", "--pattern", pattern)
    written = pixels(tmp_path / "out", image["name"])
    assert (written.reshape(len(files), 16, 20) == [plane(n) for n in range(len(files))]).all()


@pytest.mark.parametrize("pages", ["z", "t", "c"])
def test_pages_are_z_unless_a_profile_says_another_axis(tmp_path, pages):
    stack = np.stack([plane(n) for n in range(4)])
    (tmp_path / "exp/pos1").mkdir(parents=True)
    tifffile.imwrite(tmp_path / "exp/pos1/stack.tif", stack, photometric="minisblack")
    (tmp_path / "mine.yaml").write_text(
        f"patterns: ['{{position}}/{{prefix}}']\npages: {pages}\n", encoding="utf-8"
    )
    how = ["--profile", tmp_path / "mine.yaml"]
    (image,) = planned(tmp_path / "exp", *how)["images"]
    assert {axis: image["sizes"][axis] for axis in "tcz"} == {**dict.fromkeys("tcz", 1), pages: 4}
    converted(tmp_path / "exp", tmp_path / "out", *how)
    assert (pixels(tmp_path / "out", image["name"]).reshape(stack.shape) == stack).all()


def test_separate_makes_every_file_an_image_named_after_it(tmp_path):
    folder = experiment(tmp_path / "exp", positions=["pos1"], times=1, sections=1)
    converted(folder, tmp_path / "out", "--layout", "separate")
    names = [i["name"] for i in planned(folder, "--layout", "separate")["images"]]
    assert len(names) == 2
    assert all("exp_000001_" in name for name in names)
    assert pyomero("verify", tmp_path / "out").exit_code == 0
    stored = sorted(p.name for p in (tmp_path / "out").iterdir() if p.name.endswith(".ome.zarr"))
    assert len(stored) == 2


# ------------------------------------------------------------------------------------------ pixels
@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"]
)
def test_every_type_of_pixel_is_kept(tmp_path, dtype, byteorder, output_format):
    values = np.linspace(0, 1, 16 * 20).reshape(16, 20) * (
        1e30 if dtype.startswith("f") else np.iinfo(dtype).max
    )
    values = values.astype(dtype)
    (tmp_path / "exp/pos1").mkdir(parents=True)
    tifffile.imwrite(tmp_path / "exp/pos1/e_1_GFP_1.tif", values, byteorder=byteorder)
    converted(tmp_path / "exp", tmp_path / "out", "--format", output_format)
    assert planned(tmp_path / "exp")["images"][0]["dtype"] == dtype
    written = pixels(tmp_path / "out", "pos1")
    assert written.dtype.newbyteorder("=") == dtype
    assert (written[0, 0, 0] == values).all()
    assert pyomero("verify", tmp_path / "out").exit_code == 0


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "zstd"])
def test_compressed_tiff_is_read_under_any_extension(tmp_path, compression):
    (tmp_path / "exp/pos1").mkdir(parents=True)
    file = tmp_path / "exp/pos1/e_1_GFP_1.png"
    tifffile.imwrite(file, plane(1), compression=compression)
    converted(tmp_path / "exp", tmp_path / "out")
    assert (pixels(tmp_path / "out", "pos1")[0, 0, 0] == plane(1)).all()


@pytest.mark.parametrize("extension", ["jpg", "bmp", "gif"])
def test_jpeg_bmp_and_gif_are_read_as_others_read_them(tmp_path, extension):
    (tmp_path / "exp/pos1").mkdir(parents=True)
    file = tmp_path / f"exp/pos1/e_1_GFP_1.{extension}"
    Image.fromarray(plane(1, dtype=np.uint8)).save(file)
    converted(tmp_path / "exp", tmp_path / "out")
    written = pixels(tmp_path / "out", "pos1")
    assert written.dtype == np.uint8
    assert (written[0, 0, 0] == np.asarray(Image.open(file).convert("L"))).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_rgb_is_three_channels_and_keeps_its_bits(tmp_path, dtype):
    color = plane(1, (16, 20, 3), dtype) * (257 if dtype is np.uint16 else 1)
    write_png(tmp_path / "exp/pos1/e_1_Camera_1.png", color)
    (image,) = planned(tmp_path / "exp")["images"]
    assert [c["name"] for c in image["channels"]] == ["red", "green", "blue"]
    assert image["dtype"] == np.dtype(dtype).name
    converted(tmp_path / "exp", tmp_path / "out")
    assert (pixels(tmp_path / "out", "pos1")[0, :, 0] == np.moveaxis(color, 2, 0)).all()


def test_rgb_of_three_equal_colours_is_one_channel(tmp_path):
    grey = plane(1, dtype=np.uint16)
    write_png(tmp_path / "exp/pos1/e_1_GFP_1.png", np.repeat(grey[..., None], 3, axis=2))
    (image,) = planned(tmp_path / "exp")["images"]
    assert [c["name"] for c in image["channels"]] == ["GFP"]
    converted(tmp_path / "exp", tmp_path / "out")
    assert (pixels(tmp_path / "out", "pos1")[0, 0, 0] == grey).all()


def test_a_colour_plane_among_grey_ones_is_not_made_grey(tmp_path):
    for t in (1, 2):
        file = tmp_path / f"exp/pos1/e_{t}_GFP_1.png"
        color = np.repeat(plane(1)[..., None], 3, axis=2)
        color[0, 0, 2] += t - 1
        write_png(file, color)
    done = pyomero("convert", tmp_path / "exp", tmp_path / "out")
    assert done.exit_code == 1
    assert "e_2_GFP_1.png" in done.stderr


def test_types_that_differ_within_a_position_name_both_files(tmp_path):
    folder = experiment(tmp_path, positions=["pos1"], times=1, sections=1)
    write_png(folder / "pos1/exp_000001_GFP_001.png", plane(1, dtype=np.uint8))
    (problem,) = (p for p in planned(folder)["problems"] if p["code"] == "dtype-differs")
    assert "exp_000001_GFP_001.png" in problem["message"]
    assert "exp_000001_Brightfield_001.png" in problem["message"]
    assert pyomero("plan", folder).exit_code == 1
