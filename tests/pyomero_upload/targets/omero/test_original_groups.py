"""Which files of a folder are imported together."""

from pathlib import Path

import pytest

from folders import plane, write_png
from originals import write_part
from pyomero_upload.errors import PlanError, UsageError
from pyomero_upload.targets.omero.original_groups import FileGroup, group_for_import


def test_each_file_is_a_group_named_after_it_in_natural_order(tmp_path: Path) -> None:
    paths = [write_png(tmp_path / f"a{i}.png", plane(i)) for i in (10, 9, 1)]
    assert group_for_import(tmp_path) == [FileGroup(path.name, (path,)) for path in reversed(paths)]


def test_a_name_that_occurs_twice_is_told_apart_by_its_folder(tmp_path: Path) -> None:
    for name in ("pos1/a.png", "pos2/a.png", "pos2/b.png", "a.png"):
        write_png(tmp_path / name, plane(1))
    names = [group.name for group in group_for_import(tmp_path)]
    assert names == ["a.png", "pos1/a.png", "pos2/a.png", "b.png"]


def test_texts_hidden_files_and_what_is_no_image_are_left_out(tmp_path: Path) -> None:
    for name in ("log.txt", "metadata.yaml", ".hidden.png", ".git/a.png", "notes.docx", "a.xml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")
    (tmp_path / "a.CZI").write_bytes(b"x")
    assert [group.name for group in group_for_import(tmp_path)] == ["a.CZI"]


@pytest.mark.parametrize("metadata", ["zarr.json", ".zattrs", ".zgroup"])
def test_an_ome_zarr_is_one_group_whatever_lies_in_it(tmp_path: Path, metadata: str) -> None:
    for name in (metadata, f"0/{metadata}", "0/c/0/0.png", f"labels/{metadata}"):
        (tmp_path / "cells.zarr" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cells.zarr" / name).write_text("{}", encoding="utf-8")
    beside = write_png(tmp_path / "b.png", plane(1))
    zarr = tmp_path / "cells.zarr"
    expected = [FileGroup("b.png", (beside,)), FileGroup("cells.zarr", (zarr,))]
    assert group_for_import(tmp_path) == expected
    assert group_for_import([zarr, beside]) == expected[::-1]
    assert group_for_import(zarr) == [FileGroup("cells.zarr", (zarr,))]


def test_an_ome_tiff_of_several_files_is_one_group_from_whichever_file_it_is_seen(
    tmp_path: Path,
) -> None:
    names = ["t0.ome.tif", "t1.ome.tif", "t10.ome.tif"]
    paths = [
        write_part(tmp_path / name, [n for n in names if n != name], i)
        for i, name in enumerate(names)
    ]
    alone = write_png(tmp_path / "z.png", plane(9))
    group = FileGroup("t0.ome.tif", tuple(paths))
    assert group_for_import(tmp_path) == [group, FileGroup("z.png", (alone,))]
    assert group_for_import([paths[2]]) == [group]
    assert group_for_import([alone, paths[1], paths[0]]) == [FileGroup("z.png", (alone,)), group]


def test_a_companion_file_leads_the_files_that_it_names(tmp_path: Path) -> None:
    part = (
        write_png(tmp_path / "a1.ome.tif", plane(1)),
        write_png(tmp_path / "a2.ome.tif", plane(2)),
    )
    companion = tmp_path / "z.companion.ome"
    companion.write_text(
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0"><Pixels ID="Pixels:0">'
        '<TiffData><UUID FileName="a1.ome.tif">urn:uuid:1</UUID></TiffData>'
        '<TiffData><UUID FileName="a2.ome.tif">urn:uuid:2</UUID></TiffData></Pixels></Image></OME>',
        encoding="utf-8",
    )
    assert group_for_import(tmp_path) == [FileGroup("z", (companion, *part))]


def test_a_part_that_is_not_there_is_named(tmp_path: Path) -> None:
    write_part(tmp_path / "t0.ome.tif", ["t1.ome.tif"], 0)
    with pytest.raises(PlanError, match="1 files that are not there") as raised:
        group_for_import(tmp_path)
    assert raised.value.problems[0].where == str(tmp_path / "t1.ome.tif")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no folder"):
        group_for_import(tmp_path / "gone")
