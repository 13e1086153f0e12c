"""Image processors of the old style: what counts as one, how it is run, what it may return."""

from types import SimpleNamespace

import pytest

from omero_data_transfer.default_image_processor import DefaultImageProcessor
from omero_data_transfer.image_processor import (
    ImageProcessor,
    made_processor,
    object_id,
    run_processor,
)
from pyomero_upload.errors import PyomeroError, UsageError


class OldName(ImageProcessor):
    """Has the method as the paper's text calls it."""

    def process_image(self, omero_session, file_path, dataset):
        return [len(file_path)]


class NoBase:
    """Has the method and no base class."""

    def process_images(self, omero_session, file_path, dataset):
        return [SimpleNamespace(id=SimpleNamespace(val=7)), SimpleNamespace(val=8), "9"]


def test_an_image_processor_must_say_how_it_processes():
    with pytest.raises(TypeError, match="abstract"):
        ImageProcessor()


def test_the_method_may_have_either_name():
    assert OldName().process_images(None, ["a", "b"], None) == [2]
    assert run_processor(OldName(), None, ["a"], None) == [1]


def test_deprecation_is_announced_where_the_class_is_written():
    with pytest.warns(DeprecationWarning, match="Mine goes on working") as caught:

        class Mine(ImageProcessor):
            pass

    assert caught[0].filename == __file__


def test_ids_come_in_any_form_that_omero_has():
    assert run_processor(NoBase(), None, [], None) == [7, 8, 9]
    assert run_processor(SimpleNamespace(process_image=lambda *_: 5), None, [], None) == [5]
    assert run_processor(SimpleNamespace(process_image=lambda *_: None), None, [], None) is None
    with pytest.raises(TypeError):
        object_id("pos001")


def test_a_class_or_an_object_serves():
    assert isinstance(made_processor(OldName), OldName)
    processor = NoBase()
    assert made_processor(processor) is processor
    assert isinstance(made_processor(DefaultImageProcessor), DefaultImageProcessor)


@pytest.mark.parametrize("given", [ImageProcessor, object, 3])
def test_what_is_no_processor_is_refused_with_what_to_do(given):
    with pytest.raises(UsageError) as caught:
        made_processor(given)
    assert "process_images(omero_session, file_path, dataset)" in caught.value.hint


def test_a_class_that_wants_arguments_is_refused():
    class Wants(OldName):
        def __init__(self, radius):
            pass

    with pytest.raises(UsageError, match="Wants cannot be made"):
        made_processor(Wants)


def test_a_processor_that_fails_is_named():
    class Fails(ImageProcessor):
        def process_images(self, omero_session, file_path, dataset):
            return 1 / 0

    class Wrong(ImageProcessor):
        def process_images(self, omero_session, file_path, dataset):
            return ["pos001"]

    with pytest.raises(PyomeroError, match="Fails failed: ZeroDivisionError"):
        run_processor(Fails(), None, [], None)
    with pytest.raises(PyomeroError, match="Wrong returned something that is no Image id"):
        run_processor(Wrong(), None, [], None)
