"""A Dataset on one server and its copy on another, compared through the client library alone."""

import ezomero
import pytest
from ezomero.rois import Ellipse, Point, Polygon
from omero.gateway import TagAnnotationWrapper

from omero_embedded import Server
from pyomero_upload.example import make_example
from upload_lab import Lab, annotations, content, pixels_on_server

SHAPES = [
    Point(x=3.5, y=4.5, z=1, c=0, t=0, label="here"),
    Ellipse(x=20, y=21, x_rad=5, y_rad=6, label="a cell"),
    Polygon(points=[(1, 1), (9, 2), (5, 8)], t=1),
]


@pytest.fixture
def there(tmp_path):
    """Return a user of another server."""
    (tmp_path / "there").mkdir()
    with Server(memory=True, in_process=True) as server:
        yield Lab.found(server, tmp_path / "there")


def shapes(conn, image_id):
    """Return an Image's shapes as ezomero's, without ids."""
    ids = [
        shape
        for roi in ezomero.get_roi_ids(conn, image_id)
        for shape in ezomero.get_shape_ids(conn, roi)
    ]
    return sorted(repr(ezomero.get_shape(conn, shape)) for shape in ids)


def seen(image):
    """Return how an Image is shown."""
    return [
        (c.getLabel(), c.getColor().getHtml(), c.getWindowStart(), c.getWindowEnd(), c.isActive())
        for c in image.getChannels()
    ]


def test_a_copy_on_another_server_is_equal(lab, there, tmp_path):
    folder = make_example(tmp_path / "exp", positions=2, times=2, sections=2, size=48)
    made = lab.uploaded(folder)["dataset"]["id"]
    with lab.gateway() as conn:
        image = next(conn.getObject("Dataset", made).listChildren())
        image_id = image.getId()
        ezomero.post_roi(conn, image_id, SHAPES, name="looked at")
        image.set_active_channels([1, -2], [[10, 200], [5, 99]], ["FF00FF", "00FFFF"])
        image.saveDefaults()
        tag = TagAnnotationWrapper(conn)
        tag.setValue("curated 🔬")
        image.linkAnnotation(tag)
    words = ["--to", there.server.host, "--to-port", there.server.port, "--to-user", there.user]
    copied = ["copy", f"Dataset:{made}", *words, "--to-password-stdin"]
    first = lab.run(*copied, typed=f"{there.password}\n")
    assert first.returncode == 0, first.stderr
    with lab.gateway() as here, there.gateway() as other:
        (copy,) = other.getObjects("Dataset", opts={"owner": other.getUserId()})
        original = here.getObject("Dataset", made)
        assert copy.getName() == original.getName()
        images = {image.getName(): image for image in copy.listChildren()}
        for image in original.listChildren():
            twin = images[image.getName()]
            assert (pixels_on_server(twin) == pixels_on_server(image)).all()
            assert twin.getPrimaryPixels().getSha1() == image.getPrimaryPixels().getSha1()
            assert seen(twin) == seen(image)
            assert [t.getValue() for t in annotations(twin, "TagAnnotation")] == [
                t.getValue() for t in annotations(image, "TagAnnotation")
            ]
        assert shapes(other, images[_name(here, image_id)].getId()) == shapes(here, image_id) != []
        before, after = content(here), content(other)
        same = {"datasets", "images", "pixels", "channels", "planes", "tags", "in datasets"}
        for what in same:
            assert {k: n for k, n in before.items() if k[0] == what} == {
                k: n for k, n in after.items() if k[0] == what
            }
        for attached in annotations(original, "FileAnnotation"):
            name = attached.getFile().getName()
            (twin,) = (
                a for a in annotations(copy, "FileAnnotation") if a.getFile().getName() == name
            )
            if attached.getFile().getMimetype() == "OMERO.tables":
                ours, theirs = (
                    ezomero.get_table(c, a.getId()) for c, a in ((here, attached), (other, twin))
                )
                assert ours.equals(theirs)
            else:
                assert attached.getFile().getHash() == twin.getFile().getHash()
    again = lab.run(*copied, typed=f"{there.password}\n")
    assert again.returncode == 0, again.stderr
    assert "Nothing to do" in again.stdout
    with there.gateway() as other:
        assert content(other) == after


def _name(conn, image_id):
    return conn.getObject("Image", image_id).getName()
