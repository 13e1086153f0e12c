"""ezomero, which many OMERO scripts are written with, finds in this server the one it knows."""

import ast
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import omero.gateway
import omero.model
import pandas as pd
import pytest
import tifffile
from omero.rtypes import rint, rstring

from omero_imports import imported

ezomero = pytest.importorskip("ezomero", reason="not among the test dependencies here")
rois = ezomero.rois

NEEDS_JAVA = {"ezimport"}
"""Calls the Java importer, which has to be downloaded; its protocol has tests of its own."""

CUBE = np.arange(5 * 4 * 3 * 2 * 2, dtype="uint16").reshape(5, 4, 3, 2, 2)
"""Axes x, y, z, c, t."""


@pytest.fixture
def image(omero_conn: Any) -> int:
    return ezomero.post_image(omero_conn, CUBE, "cells", description="made here", dim_order="xyzct")


@pytest.fixture
def dataset(omero_conn: Any) -> int:
    return ezomero.post_dataset(omero_conn, "day one", description="the first")


@pytest.fixture
def plate(omero_conn: Any, image: int) -> dict[str, int]:
    """A screen with a plate, of which one well holds the image, taken in one run."""
    update = omero_conn.getUpdateService()
    plate = omero.model.PlateI()
    plate.name = rstring("96 wells")
    plate = update.saveAndReturnObject(plate)
    run = omero.model.PlateAcquisitionI()
    run.plate = omero.model.PlateI(plate.id.val, False)
    run = update.saveAndReturnObject(run)
    well, sample = omero.model.WellI(), omero.model.WellSampleI()
    well.plate, well.row, well.column = omero.model.PlateI(plate.id.val, False), rint(1), rint(2)
    sample.image = omero.model.ImageI(image, False)
    sample.plateAcquisition = omero.model.PlateAcquisitionI(run.id.val, False)
    well.addWellSample(sample)
    well = update.saveAndReturnObject(well)
    screen = ezomero.post_screen(omero_conn, "drugs", description="many")
    ezomero.link_plates_to_screen(omero_conn, [plate.id.val], screen)
    return {
        "screen": screen,
        "plate": plate.id.val,
        "run": run.id.val,
        "well": well.id.val,
        "image": image,
    }


def tag(conn: Any, kind: str, identifier: int, text: str, ns: str) -> int:
    made = omero.gateway.TagAnnotationWrapper(conn)
    made.setValue(text)
    made.setNs(ns)
    made.save()
    conn.getObject(kind, identifier).linkAnnotation(made)
    return made.getId()


def test_every_function_is_tried_here() -> None:
    here = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    used = {
        node.attr
        for node in ast.walk(here)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) == "ezomero"
    }
    assert set(ezomero.__all__) - used == NEEDS_JAVA


# ------------------------------------------------------------ connections
@pytest.fixture
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "PASS", "GROUP", "HOST", "PORT", "SECURE"):
        monkeypatch.delenv(f"OMERO_{name}", raising=False)


@pytest.mark.usefixtures("no_variables")
def test_connect_by_a_file_that_ezomero_wrote(omero_new_user: Any, tmp_path: Path) -> None:
    user = omero_new_user()
    ezomero.store_connection_params(
        user=user.name,
        group="",
        host=user.server.host,
        port=user.server.port,
        secure=True,
        config_path=str(tmp_path),
    )
    conn = ezomero.connect(password=user.password, config_path=str(tmp_path))
    assert (conn.getUser().getName(), conn.isSecure()) == (user.name, True)
    conn.close()
    assert ezomero.connect(password="wrong", config_path=str(tmp_path)) is None


def test_a_group_is_chosen_by_its_id(omero_new_user: Any) -> None:
    first = omero_new_user()
    client = first.log_in()
    conn = omero.gateway.BlitzGateway(client_obj=client)
    assert ezomero.set_group(conn, first.group)
    assert conn.SERVICE_OPTS.getOmeroGroup() == str(first.group)
    stranger = omero_new_user()
    assert not ezomero.set_group(conn, stranger.group)
    assert ezomero.get_user_id(conn, first.name) == first.id
    assert ezomero.get_group_id(conn, conn.getGroupFromContext().getName()) == first.group
    assert ezomero.get_group_id(conn, "no such group") is None
    conn.close(hard=False)
    client.closeSession()


# ------------------------------------------------------------ images
def test_an_image_comes_back_as_it_was_posted(omero_conn: Any, image: int) -> None:
    wrapper, pixels = ezomero.get_image(omero_conn, image, dim_order="xyzct")
    assert (wrapper.getName(), wrapper.getDescription()) == ("cells", "made here")
    np.testing.assert_array_equal(pixels, CUBE)
    _, nothing = ezomero.get_image(omero_conn, image, no_pixels=True)
    assert nothing is None


def test_a_part_of_an_image_padded_beyond_its_edge(omero_conn: Any, image: int) -> None:
    _, part = ezomero.get_image(
        omero_conn,
        image,
        start_coords=(3, 1, 1, 1, 1),
        axis_lengths=(4, 2, 1, 1, 1),
        xyzct=True,
        pad=True,
    )
    assert part.shape == (4, 2, 1, 1, 1)
    np.testing.assert_array_equal(part[:2], CUBE[3:5, 1:3, 1:2, 1:2, 1:2])
    assert not part[2:].any()


def test_some_channels_of_an_image_made_a_new_one(omero_conn: Any, image: int) -> None:
    copy = ezomero.post_image(
        omero_conn,
        CUBE[:, :, :, :1],
        "one channel",
        source_image_id=image,
        channel_list=[0],
        dim_order="xyzct",
    )
    wrapper, pixels = ezomero.get_image(omero_conn, copy, dim_order="xyzct")
    assert wrapper.getSizeC() == 1
    np.testing.assert_array_equal(pixels, CUBE[:, :, :, :1])


def test_an_image_without_smaller_resolutions_has_one_level(omero_conn: Any, image: int) -> None:
    assert ezomero.get_pyramid_levels(omero_conn, image) == [(5, 4)]


def test_the_resolutions_in_a_file_are_those_of_its_image(
    omero_conn: Any, omero_client: Any, tmp_path: Path
) -> None:
    # Of bytes: ezomero takes the server's big-endian values for its machine's own at a pyramid's levels.
    full = (np.arange(64 * 64) % 251).astype("uint8").reshape(64, 64)
    with tifffile.TiffWriter(tmp_path / "pyramid.ome.tif") as out:
        out.write(full, subifds=2, tile=(16, 16))
        out.write(full[::2, ::2], subfiletype=1, tile=(16, 16))
        out.write(full[::4, ::4], subfiletype=1, tile=(16, 16))
    made = imported(omero_client, [tmp_path / "pyramid.ome.tif"]).objects[0].id.val
    assert ezomero.get_pyramid_levels(omero_conn, made) == [(64, 64), (32, 32), (16, 16)]
    for level, step in enumerate((1, 2, 4)):
        _, pixels = ezomero.get_image(omero_conn, made, pyramid_level=level, dim_order="yxzct")
        np.testing.assert_array_equal(pixels[..., 0, 0, 0], full[::step, ::step])


def test_where_an_image_came_from(
    omero_conn: Any, omero_client: Any, tmp_path: Path, image: int
) -> None:
    tifffile.imwrite(
        tmp_path / "two.ome.tif", np.zeros((2, 8, 9), "uint8"), metadata={"axes": "TYX"}
    )
    path = tmp_path / "two.ome.tif"
    made = imported(omero_client, [path]).objects[0].id.val
    [there] = ezomero.get_original_filepaths(omero_conn, made)
    assert there.startswith(f"{omero_conn.getUser().getName()}_{omero_conn.getUserId()}/")
    assert there.endswith("/two.ome.tif")
    assert ezomero.get_original_filepaths(omero_conn, made, fpath="client") == [path.as_posix()]
    assert ezomero.get_series_index(omero_conn, made) == 0
    assert ezomero.get_series_index(omero_conn, image) == -1
    assert ezomero.get_original_filepaths(omero_conn, image) == []
    assert ezomero.filter_by_filename(omero_conn, [made, image], "two.ome.tif") == [made]


# ------------------------------------------------------------ containers
def test_images_are_found_by_where_they_are(omero_conn: Any, image: int, dataset: int) -> None:
    project = ezomero.post_project(omero_conn, "cell cycle", description="long")
    assert ezomero.get_image_ids(omero_conn) == [image]
    assert ezomero.get_dataset_ids(omero_conn) == [dataset]
    ezomero.link_images_to_dataset(omero_conn, [image], dataset)
    ezomero.link_datasets_to_project(omero_conn, [dataset], project)
    assert ezomero.get_project_ids(omero_conn) == [project]
    assert ezomero.get_dataset_ids(omero_conn, project=project) == [dataset]
    assert ezomero.get_image_ids(omero_conn, dataset=dataset) == [image]
    assert ezomero.get_image_ids(omero_conn, project=project) == [image]
    assert ezomero.get_image_ids(omero_conn) == []
    assert ezomero.get_dataset_ids(omero_conn) == []


def test_what_is_new_goes_into_the_container_that_is_named(omero_conn: Any) -> None:
    project = ezomero.post_project(omero_conn, "cell cycle")
    dataset = ezomero.post_dataset(omero_conn, "day two", project_id=project)
    image = ezomero.post_image(omero_conn, CUBE, "a", dataset_id=dataset, dim_order="xyzct")
    assert ezomero.get_image_ids(omero_conn, project=project) == [image]


def test_a_plate_is_taken_apart(omero_conn: Any, plate: dict[str, int]) -> None:
    assert ezomero.get_screen_ids(omero_conn) == [plate["screen"]]
    assert ezomero.get_plate_ids(omero_conn, screen=plate["screen"]) == [plate["plate"]]
    assert ezomero.get_plate_ids(omero_conn) == []
    for place in ({"screen": plate["screen"]}, {"plate": plate["plate"]}):
        assert ezomero.get_well_ids(omero_conn, **place) == [plate["well"]]
        assert ezomero.get_plate_acquisition_ids(omero_conn, **place) == [plate["run"]]
    assert ezomero.get_well_id(omero_conn, plate["plate"], row=1, column=2) == plate["well"]
    assert ezomero.get_well_id(omero_conn, plate["plate"], row=5, column=5) is None
    for name, key in (("plate", "plate"), ("well", "well"), ("plate_acquisition", "run")):
        assert ezomero.get_image_ids(omero_conn, **{name: plate[key]}) == [plate["image"]]


@pytest.mark.parametrize("kind", ["Image", "Dataset", "Plate", "Screen"])
def test_a_new_description(omero_conn: Any, plate: dict[str, int], dataset: int, kind: str) -> None:
    identifier = {**plate, "dataset": dataset}[kind.lower()]
    ezomero.put_description(omero_conn, kind, identifier, "written later")
    assert omero_conn.getObject(kind, identifier).getDescription() == "written later"


# ------------------------------------------------------------ annotations
def test_key_values(omero_conn: Any, image: int, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = {"strain": "BY4741", "drugs": ["ATc", "Dox"], "count": 3}
    made = ezomero.post_map_annotation(omero_conn, "Image", image, pairs, "lab/ns")
    told = {"strain": "BY4741", "drugs": ["ATc", "Dox"], "count": "3"}
    assert ezomero.get_map_annotation(omero_conn, made) == told
    assert ezomero.get_map_annotation_ids(omero_conn, "Image", image, ns="lab/ns") == [made]
    assert ezomero.get_map_annotation_ids(omero_conn, "Image", image, ns="other") == []
    assert ezomero.get_image_ids(omero_conn, annotation=made) == [image]
    assert ezomero.filter_by_kv(omero_conn, [image], "strain", "BY4741") == [image]
    assert ezomero.filter_by_kv(omero_conn, [image], "strain", "other") == []
    ezomero.put_map_annotation(omero_conn, made, {"strain": "W303"}, ns="lab/new")
    assert ezomero.get_map_annotation(omero_conn, made) == {"strain": "W303"}
    assert ezomero.get_map_annotation_ids(omero_conn, "Image", image, ns="lab/new") == [made]
    ezomero.print_map_annotation(omero_conn, made)
    assert "W303" in capsys.readouterr().out


def test_comments(omero_conn: Any, dataset: int) -> None:
    made = ezomero.post_comment_annotation(omero_conn, "Dataset", dataset, "wonderful", ns="lab/c")
    assert ezomero.get_comment_annotation(omero_conn, made) == "wonderful"
    assert ezomero.get_comment_annotation_ids(omero_conn, "Dataset", dataset) == [made]
    assert ezomero.get_dataset_ids(omero_conn, annotation=made) == [dataset]


def test_tags(omero_conn: Any, image: int, plate: dict[str, int]) -> None:
    made = tag(omero_conn, "Image", image, "blue", "lab/tags")
    assert ezomero.get_tag(omero_conn, made) == "blue"
    assert ezomero.get_tag_ids(omero_conn, "Image", image, ns="lab/tags") == [made]
    assert ezomero.filter_by_tag_value(omero_conn, [image], "blue") == [image]
    assert ezomero.filter_by_tag_value(omero_conn, [image], "red") == []
    for kind, find in (
        ("screen", ezomero.get_screen_ids),
        ("plate", ezomero.get_plate_ids),
        ("well", ezomero.get_well_ids),
    ):
        other = tag(omero_conn, kind, plate[kind], f"of the {kind}", "lab/tags")
        assert find(omero_conn, annotation=other) == [plate[kind]]


def test_files(omero_conn: Any, image: int, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"as they were\r\n")
    made = ezomero.post_file_annotation(
        omero_conn,
        str(tmp_path / "notes.txt"),
        "lab/files",
        object_type="Image",
        object_id=image,
        mimetype="text/plain",
        description="of that day",
    )
    assert ezomero.get_file_annotation_ids(omero_conn, "Image", image, ns="lab/files") == [made]
    (tmp_path / "back").mkdir()
    back = ezomero.get_file_annotation(omero_conn, made, folder_path=str(tmp_path / "back"))
    assert Path(back).name == "notes.txt"
    assert Path(back).read_bytes() == b"as they were\r\n"


def test_tables(omero_conn: Any, dataset: int) -> None:
    cells = pd.DataFrame(
        {
            "cell": [1, 2, 3],
            "area": [1.5, 2.5, np.pi],
            "name": ["a", "bb", "ccc"],
            "alive": [True, False, True],
        }
    )
    made = ezomero.post_table(omero_conn, cells, "Dataset", dataset, title="cells")
    back = ezomero.get_table(omero_conn, made)
    assert list(back.columns) == ["cell", "area", "name", "alive"]
    assert back.astype(cells.dtypes.to_dict()).equals(cells)


# ------------------------------------------------------------ shapes
def test_shapes_come_back_as_they_were_drawn(omero_conn: Any, image: int) -> None:
    look: dict[str, Any] = {
        "z": 0,
        "c": 1,
        "t": 1,
        "fill_color": (1, 2, 3, 4),
        "stroke_color": (5, 6, 7, 8),
        "stroke_width": 2.0,
    }
    corners = [(0.0, 0.0), (3.0, 0.5), (2.0, 2.0)]
    drawn = [
        rois.Point(x=1.0, y=2.0, label="point", **look),
        rois.Line(x1=0.0, y1=1.0, x2=2.0, y2=3.0, label="line", markerEnd="Arrow", **look),
        rois.Rectangle(x=0.5, y=1.0, width=2.0, height=1.5, label="rectangle", **look),
        rois.Ellipse(x=2.0, y=2.0, x_rad=1.0, y_rad=1.5, label="ellipse", **look),
        rois.Polygon(points=corners, label="polygon", **look),
        rois.Polyline(points=corners, label="polyline", **look),
        rois.Label(x=1.0, y=1.0, label="label", fontSize=12, **look),
    ]
    made = ezomero.post_roi(omero_conn, image, drawn, name="cell 1", description="the first")
    assert ezomero.get_roi_ids(omero_conn, image) == [made]
    found = [
        ezomero.get_shape(omero_conn, shape) for shape in ezomero.get_shape_ids(omero_conn, made)
    ]
    assert sorted(found, key=str) == sorted(drawn, key=str)


# ------------------------------------------------------------ other groups, other people
def test_what_a_colleague_shares_is_found_across_groups(omero_new_user: Any) -> None:
    owner = omero_new_user(permissions="rwr---")
    colleague = omero_new_user(group=owner.group)
    clients = [person.log_in() for person in (owner, colleague)]
    mine, theirs = (omero.gateway.BlitzGateway(client_obj=client) for client in clients)
    dataset = ezomero.post_dataset(mine, "shared")
    image = ezomero.post_image(mine, CUBE, "shared", dataset_id=dataset, dim_order="xyzct")
    assert ezomero.get_image_ids(theirs, dataset=dataset) == [image]
    _, pixels = ezomero.get_image(theirs, image, dim_order="xyzct")
    np.testing.assert_array_equal(pixels, CUBE)
    assert ezomero.post_image(theirs, CUBE, "not mine", dataset_id=999_999_999) is None
    for connection, client in zip((mine, theirs), clients, strict=True):
        connection.close(hard=False)
        client.closeSession()


def test_lists_for_people(
    omero_conn: Any, dataset: int, capsys: pytest.CaptureFixture[str]
) -> None:
    project = ezomero.post_project(omero_conn, "cell cycle")
    ezomero.link_datasets_to_project(omero_conn, [dataset], project)
    ezomero.print_projects(omero_conn)
    ezomero.print_datasets(omero_conn, project=project)
    ezomero.print_groups(omero_conn)
    told = capsys.readouterr().out
    for expected in (
        "cell cycle",
        str(project),
        "day one",
        str(dataset),
        omero_conn.getGroupFromContext().getName(),
    ):
        assert expected in told


# ------------------------------------------------------------ OMERO.web
def test_the_json_api_lets_ezomero_in_and_shows_it_an_image(
    omero_new_user: Any, tmp_path: Path
) -> None:
    pytest.importorskip("omeroweb", reason="OMERO.web is not installed")
    json_api = importlib.import_module("ezomero.json_api")
    web = importlib.import_module("pyomero_upload.web")
    user = omero_new_user()
    client = user.log_in()
    conn = omero.gateway.BlitzGateway(client_obj=client)
    image = ezomero.post_image(conn, CUBE, "cells", dim_order="xyzct")
    with web.Web(tmp_path, web.WebServer(user.server.host, user.server.port)) as pages:
        told, session, url = json_api.create_json_session(
            user=user.name,
            password=user.password,
            web_host=pages.url.rstrip("/"),
            config_path=str(tmp_path),
        )
        assert told["success"]
        assert told["eventContext"]["userName"] == user.name
        picture = json_api.get_rendered_jpeg(session, url, image, 1)
        assert picture.shape[:2] == (4, 5)
        session.close()
    conn.close(hard=False)
    client.closeSession()
